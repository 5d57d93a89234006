"""The child process in which feeds are parsed: the same answers, and an end to what takes too long."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import FetchError
from pipeline.ingest.parse import Parsed, parse
from pipeline.ingest.sandbox import Sandbox
from tests.ingest.site import DATA, rss

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
URL = "https://feeds.example.org/feed"


def read(sandbox: Sandbox, body: bytes) -> Parsed:
    return sandbox.parse(body, content_type="", url=URL, feed="sample", now=NOW)


def test_the_child_gives_what_cards_are_made_of_as_parsing_here_would() -> None:
    bodies = [path.read_bytes() for path in sorted(DATA.iterdir()) if path.name not in ("page.html", "entities.xml")]

    with Sandbox() as sandbox:
        given = [read(sandbox, body) for body in bodies]

    here = [parse(body, content_type="", url=URL, feed="sample", now=NOW) for body in bodies]
    assert len(here) >= 5
    assert given == [
        replace(each, entries=tuple(replace(e, html="", updated=None, authors=()) for e in each.entries))
        for each in here
    ]


def test_what_is_refused_there_is_refused_here_in_the_same_words() -> None:
    with Sandbox() as sandbox, pytest.raises(FetchError, match="looks like an HTML page"):
        read(sandbox, b"<html></html>")


def test_t30_a_feed_that_takes_too_long_costs_itself_its_turn_and_no_other() -> None:
    bomb = b"<rss><channel>" + b"<item><title>x</title></item>" * 150_000

    with Sandbox(seconds=1) as sandbox:
        began = time.monotonic()
        with pytest.raises(FetchError, match=f"{URL} takes longer to read than 1 seconds"):
            read(sandbox, bomb)
        took = time.monotonic() - began
        after = read(sandbox, rss(("Still here", "https://x.example.org/")).encode())

    assert after.entries[0].title == "Still here"
    assert took < 100  # the start of a process on a busy machine may take a minute of it


def test_a_child_that_dies_is_replaced() -> None:
    with Sandbox() as sandbox:
        read(sandbox, rss().encode())
        assert sandbox._child is not None
        os.kill(sandbox._child._process.pid, 9)
        with pytest.raises(FetchError, match="cannot be read in 512 MB of memory"):
            read(sandbox, rss().encode())

        assert read(sandbox, rss(("Back", "https://x.example.org/")).encode()).entries[0].title == "Back"


def test_a_child_that_hangs_is_ended() -> None:
    with Sandbox(seconds=0.3) as sandbox:
        read(sandbox, rss().encode())
        assert sandbox._child is not None
        os.kill(sandbox._child._process.pid, signal.SIGSTOP)

        with pytest.raises(
            FetchError, match=r"takes longer to read than 0\.3 seconds .* when this machine has less to do"
        ):
            read(sandbox, rss().encode())

    assert sandbox._child is None


def test_nothing_is_started_for_nothing() -> None:
    with Sandbox() as sandbox:
        pass

    assert sandbox._child is None


def test_t30_the_child_that_reads_has_neither_files_nor_network_where_the_kernel_lets_us() -> None:
    with Sandbox() as sandbox:
        read(sandbox, rss().encode())
        held = sandbox.held

    assert held <= {"files", "network"}
    if sys.platform == "linux" and "landlock" in _modules():
        assert "files" in held


def _modules() -> str:
    try:
        return Path("/sys/kernel/security/lsm").read_text()
    except OSError:
        return ""
