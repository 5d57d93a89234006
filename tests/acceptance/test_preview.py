"""`opensignal preview`, as an editor types it."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import requests

from tests.repository import HERE, Repository


def test_it_says_where_it_is_shows_an_article_and_ends_when_told() -> None:
    process = Repository(HERE).start("preview", "the-pilot-trap", "--port", "0")
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.match(r"the preview is at (http://127\.0\.0\.1:\d+/)\?article=(\S+\.md); Ctrl-C ends it", said)
        assert found is not None, said
        state = requests.get(f"{found[1]}state?article={found[2]}&kind=mail", timeout=20).json()
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert state["title"].startswith("The pilot trap")
    assert state["problems"] == []
    assert state["inbox"]["subject"] == "AI pilots are too small to show what they promise"
    assert process.returncode == 0
    begun, _, ending = errors.partition("\n")
    assert re.fullmatch(r"opensignal: reading \d+ articles, and drawing the first", begun)
    assert ending.strip() in ("", "opensignal: ending the preview; again to stop at once")


def test_what_makes_no_sense_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = Repository(HERE).run("preview", "the-pilot-trap", "--port", port)
    unknown = Repository(HERE).run("preview", "no-such-article")

    assert (ended.code, unknown.code) == (2, 2)
    assert f"cannot listen on 127.0.0.1:{port}" in ended.err
    assert "no article 'no-such-article'; name its slug or its file below content/articles" in unknown.err
    assert "Traceback" not in ended.err + unknown.err
