"""`opensignal demo --once`: the whole path, seen from outside."""

from __future__ import annotations

import email
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import requests

from pipeline.demo import visitor
from tests.repository import HERE, Repository


def test_the_demo_walks_the_whole_path_and_leaves_what_it_made(tmp_path: Path) -> None:
    keep, faults = tmp_path / "kept", HERE / ".opensignal" / "crash.log"
    faults.unlink(missing_ok=True)  # of an earlier run

    ended = Repository(HERE).run("demo", "--once", "--json", "--keep", str(keep), timeout=100)

    assert ended.code == 0, ended.out + ended.err
    report = ended.json
    assert report["ok"] is True
    assert report["articles"] >= 11
    assert report["feed_items"] >= 10
    assert (report["inbox_cards"], report["confirmed"], report["sent"], report["unsubscribed"]) == (2, 2, 3, 1)
    letters = [path.read_bytes() for path in (keep / "outbox" / "new").iterdir()]
    assert len(letters) == report["messages"] == 8
    assert all(email.message_from_bytes(letter)["To"] for letter in letters)
    assert all(b"\r\n" in letter and b"\n" not in letter.replace(b"\r\n", b"") for letter in letters)
    assert (keep / "site" / "index.html").is_file()
    with closing(sqlite3.connect(keep / "opensignal.db")) as database:
        assert database.execute("SELECT count(*) FROM deliveries").fetchone() == (3,)
    assert not faults.exists()


def test_the_open_demo_shows_every_letter_in_the_browser() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    process = Repository(HERE).start("demo", "--port", str(port))
    try:
        _wait_for(lambda: "nothing is kept" in _read_so_far(process))
        visitor.sign_up(f"{url}subscribe", {"email": "me@example.org", "cadence": "daily"})
        _wait_for(lambda: "Please confirm" in requests.get(f"{url}outbox", timeout=60).text)
        letter = requests.get(f"{url}outbox/1", timeout=60).text
        link = re.search(rf"{url}confirm/\w+", letter)
        assert link is not None
        looked = visitor.get(link[0])
        time.sleep(1.6)  # as a person does at least
        visitor.press(link[0], looked, {"confirm": "yes"})
        _wait_for(lambda: "You are subscribed" in requests.get(f"{url}outbox", timeout=60).text)
        days = [requests.post(f"{url}outbox/next-day", timeout=60).text for _ in range(3)]
        html = requests.get(f"{url}outbox/4/html", timeout=60)
        missing = requests.get(f"{url}outbox/99", timeout=60)
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)

    assert "went to 1 of 1" in days[0]
    assert "A day has passed" in days[1]
    assert "nobody has anything new" in days[2]
    assert "A second article" in html.text or "a second article" in html.text
    assert "default-src 'none'" in html.headers["content-security-policy"]
    assert missing.status_code == 404
    assert (process.returncode, errors) == (0, "")


def _read_so_far(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")

    ended = Repository(HERE).run("demo", "--once", "--keep", str(tmp_path))

    assert ended.code == 2
    assert "not empty" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
