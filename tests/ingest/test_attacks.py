"""A feed may do its worst: it fails alone, with a reason, in bounded time and memory, and nothing of it goes anywhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any, NamedTuple

import pytest
import yaml

from tests.hostile import LIMITS, SECRET, WHILE_FETCHED, WHILE_READ, hostile_server
from tests.repository import HERE


class Run(NamedTuple):
    """What the child told, and what it left on the disk."""

    feeds: dict[str, dict[str, Any]]
    megabytes: float
    seconds: float
    journal: list[dict[str, Any]]
    inbox: list[str]  # its cards


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All attacks at once, read in a process of its own so that its memory can be told."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "mkdocs.yml").write_text("site_name: Hostile\n")
    with hostile_server() as port:
        child = [sys.executable, "-m", "tests.hostile", str(port), str(folder)]
        done = subprocess.run(child, cwd=HERE, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    journal = (folder / ".opensignal" / "fetch.jsonl").read_text()
    cards = sorted((folder / "content" / "inbox").glob("*.md"))
    return Run(
        {feed["id"]: feed for feed in told["report"]["feeds"]},
        told["megabytes"],
        told["seconds"],
        [json.loads(line) for line in journal.splitlines()],
        [card.read_text() for card in cards],
    )


@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize("name", WHILE_FETCHED)
def test_t_41_an_attack_on_the_fetch_fails_alone_and_says_why(name: str, run: Run) -> None:
    feed = run.feeds[name.replace("^", "-")]

    assert feed["outcome"] == "failed"
    assert re.search(WHILE_FETCHED[name][1], feed["message"])
    assert feed["message"].isprintable()


@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize("name", WHILE_READ)
def test_t_41_an_attack_on_the_reader_fails_alone_or_gives_clean_cards(name: str, run: Run) -> None:
    assert run.feeds[name]["outcome"] in ("failed", "new", "unchanged")
    assert run.feeds[name]["outcome"] != "failed" or run.feeds[name]["message"]
    assert run.feeds[name]["problems"] == []


@pytest.mark.xdist_group("hostile")
def test_t_41_a_healthy_feed_among_them_is_read(run: Run) -> None:
    assert run.feeds["healthy"]["outcome"] == "new"
    assert any("Turbines turn again" in card for card in run.inbox)


@pytest.mark.xdist_group("hostile")
def test_t_41_memory_has_a_bound(run: Run) -> None:
    assert run.megabytes < 300, run.megabytes
    print(f"{run.megabytes:.0f} MB, {run.seconds:.1f} s")


@pytest.mark.xdist_group("hostile")
def test_t_41_no_fetch_takes_longer_than_its_limit(run: Run) -> None:
    slowest = max(run.journal, key=lambda line: line["ms"])

    assert slowest["ms"] < 1_000 * (LIMITS.total + 10)  # a busy machine may be late to look at the clock
    assert len(run.journal) >= 2 * len(WHILE_FETCHED)


@pytest.mark.xdist_group("hostile")
def test_t_44_nothing_that_a_server_sent_is_in_a_message_or_in_the_journal(run: Run) -> None:
    assert not any(SECRET in feed["message"] for feed in run.feeds.values())
    assert not any(SECRET in json.dumps(line) for line in run.journal)


@pytest.mark.xdist_group("hostile")
def test_t_41_nothing_hostile_is_in_the_inbox(run: Run) -> None:
    for card in run.inbox:
        for word in ("javascript:", "data:text", "root:x:", "\0", "\r", "\nBcc:", "\nstatus:"):
            assert word not in card
        assert isinstance(yaml.safe_load(card.split("---\n")[1])["title"], str)  # data, whatever it says
        assert "<script" not in card.split("---\n", 2)[2]
