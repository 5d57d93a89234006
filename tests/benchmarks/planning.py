"""How long it takes to write down who gets an issue, a row a subscriber; and how much memory."""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice

from pipeline.mail.plan import Composed, plan_issue
from pipeline.mail.tokens import new_ref
from pipeline.model import Cadence, Issue
from pipeline.store import deliveries
from pipeline.store.engine import connect, insert_many
from pipeline.store.migrations import upgrade
from pipeline.store.tables import subscribers
from tests.benchmarks.table import Row
from tests.benchmarks.wire import new_postgres
from tests.builders import NOW, an_article
from tests.repository import HERE

PER_MILLION = 60.0  # seconds, at most
MEMORY = 300.0  # MB, at most
TOPICS = ("", "power", "power,chips", "chips")  # what readers want, so that there are several letters


def measure(*, people: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        yield from _rows("SQLite", f"sqlite:///{name}/opensignal.db", people)
    with new_postgres() as new_database:
        yield from _rows("Postgres", new_database(), people)


def _rows(kind: str, url: str, people: int) -> Iterator[Row]:
    words = [sys.executable, "-m", "tests.benchmarks.planning", url, str(people)]
    done = subprocess.run(words, cwd=HERE, check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    limit = PER_MILLION * people / 1_000_000
    fine = result["planned"] == people and result["seconds"] <= limit
    yield Row(f"plan {people:,}, {kind}", f"{result['seconds']:.1f} s", f"at most {limit:.1f} s", fine)
    memory = result["memory"]
    yield Row(f"plan {people:,}, {kind}, memory", f"{memory:.0f} MB", f"at most {MEMORY:.0f}", memory <= MEMORY)


def main(url: str, people: int) -> None:
    store = connect(url)
    upgrade(store)
    numbers = iter(range(people))
    while batch := list(islice(numbers, 20_000)):
        rows = [
            {
                "ref": new_ref(),
                "email": f"reader{n}@d{n % 1000}.example.org",
                "email_key": f"reader{n}@d{n % 1000}.example.org",
                "state": "active",
                "cadence": "daily",
                "topics": TOPICS[n % len(TOPICS)],
                "created_at": NOW,
                "confirmed_at": NOW - dt.timedelta(days=30),
            }
            for n in batch
        ]
        with store.writing() as connection:
            insert_many(connection, subscribers, rows)
    issue = Issue("daily-2026-11-23", Cadence.DAILY, date=NOW.date(), closes_at=NOW)
    articles = [an_article("grid", topics=("power",)), an_article("fab", topics=("chips",), days_old=2)]
    began = time.perf_counter()
    stored = plan_issue(store, issue, articles, lambda issue, articles: Composed("x", b"x" * 45_000), now=NOW)
    seconds = time.perf_counter() - began
    assert stored is not None
    with store.reading() as connection:
        planned = sum(deliveries.counts(connection, stored.id).values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"planned": planned, "seconds": seconds, "memory": memory}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
