"""An article whose time has come appears by itself: where the site is published, or on the site that we serve."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import PublishError
from pipeline.jobs import Desk
from pipeline.jobs.work import come_due, publish_site
from pipeline.model import Status
from pipeline.store import Store
from tests.builders import an_article
from tests.repository import Repository


class Clock:
    def __init__(self) -> None:
        self.moment = dt.datetime.now(dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.moment


class Machine:
    """A newsletter's repository, and the desk of a process that does its jobs."""

    def __init__(self, repository: Repository, store: Store) -> None:
        self.repository, self.store, self.clock = repository, store, Clock()

    def act(self) -> str:
        return publish_site(Desk(self.store, Settings.load(self.repository.root), self.clock))


@pytest.fixture
def machine(tmp_path: Path, sqlite_store: Store) -> Machine:
    return Machine(Repository.make(tmp_path / "newsletter"), sqlite_store)


@pytest.mark.parametrize(
    ("since", "now", "slugs"),
    [
        ("08:59", "09:00", ["ash"]),
        ("09:00", "09:30", []),
        ("08:00", "08:59", []),
        ("08:00", "11:00", ["ash", "birch"]),
    ],
)
def test_what_has_come_due_is_what_a_build_would_show_more(since: str, now: str, slugs: list[str]) -> None:
    day = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    articles = [
        an_article("ash", date=day + dt.timedelta(hours=9), status=Status.SCHEDULED),
        an_article("birch", date=day + dt.timedelta(hours=10)),
        an_article("cedar", date=day + dt.timedelta(hours=9), status=Status.DRAFT),
    ]
    times = [dt.datetime.combine(day.date(), dt.time.fromisoformat(text), dt.UTC) for text in (since, now)]

    assert [article.slug for article in come_due(articles, since=times[0], now=times[1])] == slugs


def test_an_article_appears_where_the_site_is_published_when_its_time_has_come(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    www = tmp_path / "www"
    monkeypatch.setenv("OPENSIGNAL_PUBLISH_TO", str(www))
    machine.repository.add_article("ash")

    first, again = machine.act(), machine.act()
    machine.repository.add_article("birch", hours_old=-1 / 3600, status="scheduled")
    before = (www / "articles" / "birch" / "index.html").exists()
    time.sleep(1.1)  # the process that publishes reads the clock of the machine
    machine.clock.moment = dt.datetime.now(dt.UTC)
    due = machine.act()

    assert (first, again) == ("published: for the first time from here", "")
    assert (before, due) == (False, "published: birch")
    assert (www / "articles" / "birch" / "index.html").exists()
    assert machine.act() == ""


def test_what_stands_in_the_way_is_told_and_it_is_tried_again(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    www = tmp_path / "www"
    monkeypatch.setenv("OPENSIGNAL_PUBLISH_TO", str(www))
    path = machine.repository.add_article("ash")
    text = path.read_text()
    path.write_text(text.replace("topics: [power]", "topics: [nothing]"))

    with pytest.raises(PublishError, match="1 error in published content; mend it"):
        machine.act()
    path.write_text(text)

    assert machine.act() == "published: for the first time from here"


def test_without_a_target_the_site_that_we_serve_is_built_anew(machine: Machine) -> None:
    nothing = machine.act()
    built = machine.repository.run("build")
    site = machine.repository.root / "site"
    fresh = machine.act()
    machine.repository.add_article("birch", hours_old=1)
    os.utime(site / "sitemap.xml", (0, (machine.clock.moment - dt.timedelta(hours=2)).timestamp()))

    due = machine.act()

    assert (nothing, built.code, fresh, due) == ("", 0, "", "built: birch")
    assert (site / "articles" / "birch" / "index.html").exists()
    assert (site / "pagefind" / "pagefind.js").exists()
    assert machine.act() == ""


def test_what_is_called_as_we_are_where_we_were_started_is_not_taken_for_us(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "elsewhere" / "pipeline"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise SystemExit('not ours')\n", "utf-8")
    monkeypatch.chdir(other.parent)
    monkeypatch.setenv("OPENSIGNAL_PUBLISH_TO", str(tmp_path / "www"))

    assert machine.act() == "published: for the first time from here"
