"""The journal of fetches is one file for all processes that fetch (F14)."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
from pathlib import Path

from pipeline.ingest.fetch.answers import Request
from pipeline.ingest.fetch.journal import Journal, Traffic

NOW = dt.datetime(2026, 11, 26, 9, tzinfo=dt.UTC)
PROCESSES, LINES = 3, 150


def test_f_14_processes_that_put_a_full_journal_aside_at_once_neither_stop_nor_lose_a_line(tmp_path: Path) -> None:
    """One journal has room for a line, so that each line begins a new one; the other is full once."""
    tight, wide = tmp_path / "tight.jsonl", tmp_path / "wide.jsonl"
    _write(wide, 0, lines=1, size=1)
    size = wide.stat().st_size * PROCESSES * LINES * 2 // 3
    wide.unlink()
    context = multiprocessing.get_context("spawn")

    writers = [context.Process(target=_write_both, args=(tight, wide, n, size)) for n in range(PROCESSES)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0] * PROCESSES
    assert len(tight.read_text("utf-8").splitlines()) == 1
    old, new = (file.read_text("utf-8").splitlines() for file in (wide.with_name(f"{wide.name}.1"), wide))
    expected = {f"https://n.example/{n}/{line:03}" for n in range(PROCESSES) for line in range(LINES)}
    assert old
    assert new
    assert {json.loads(line)["url"] for line in (*old, *new)} == expected
    assert len(old) + len(new) == len(expected)


def _write_both(tight: Path, wide: Path, number: int, size: int) -> None:
    _write(tight, number, size=1)
    _write(wide, number, size=size)


def _write(path: Path, number: int, *, size: int, lines: int = LINES) -> None:
    journal = Journal(path, size=size)
    for line in range(lines):
        request = Request(f"https://n.example/{number}/{line:03}")
        journal.write(request, Traffic(), at=NOW, status=200, decision="read")
