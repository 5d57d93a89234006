"""What one machine does by itself: each job does its work, and nothing that goes wrong ends it."""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import ContentError, TransportError
from pipeline.jobs import NOTICES, Desk, Job, Runner
from pipeline.jobs.work import FEEDS, ISSUES, RETENTION
from pipeline.mail.signups import record_signup
from pipeline.model import Cadence, Choice
from pipeline.store import Store, open_store, signups
from pipeline.store.consents import Evidence, Method
from tests.fakes import MailServer, mail_server
from tests.repository import Repository


def _wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _job(act: Callable[[Desk], str]) -> Job:
    return Job("letters", "send", dt.timedelta(milliseconds=1), "* * * * *", act)


@pytest.fixture
def desk(settings: Settings, sqlite_store: Store) -> Desk:
    return Desk(sqlite_store, settings, _clock)


def test_a_job_is_called_again_whatever_goes_wrong(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def act(desk: Desk) -> str:
        calls.append(1)
        if len(calls) == 1:
            raise TransportError("mail server x cannot be reached")
        if len(calls) == 2:
            raise ZeroDivisionError
        return "done"

    runner = Runner([_job(act)], desk)
    with caplog.at_level(logging.INFO, "opensignal"):
        runner.start()
        _wait_for(lambda: "letters: done" in caplog.text)
        runner.stop()

    assert "mail server x cannot be reached" in caplog.text
    assert len(calls) >= 3


def test_the_same_complaint_is_logged_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def act(desk: Desk) -> str:
        calls.append(1)
        raise TransportError("mail server x cannot be reached")

    runner = Runner([_job(act)], desk)
    runner.start()
    _wait_for(lambda: len(calls) > 5)
    runner.stop()

    assert caplog.text.count("cannot be reached") == 1


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.make(tmp_path / "newsletter")


def _opened(repository: Repository, server: MailServer) -> tuple[Settings, Store]:
    settings = Settings.load(repository.root, smtp_url=server.url, daily_at="00:00")
    return settings, open_store(settings)


def _clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def test_a_sign_up_becomes_a_letter_that_asks(repository: Repository) -> None:
    with mail_server() as server:
        settings, store = _opened(repository, server)
        record_signup(
            store,
            email="ann@example.org",
            cadence="daily",
            topics=[],
            known_topics=[],
            method=Method.FORM,
            page=None,
            wording=None,
            now=_clock(),
        )

        first = NOTICES.act(Desk(store, settings, _clock))
        second = NOTICES.act(Desk(store, settings, _clock))
        store.close()

        assert first == "sign-ups handled: 1, notices sent: 1 of 1"
        assert second == ""
        assert "/confirm/" in server.received[0].text()
        assert "ann@example.org" not in server.received[0].text() + first


def test_what_is_due_goes_out_and_once(repository: Repository) -> None:
    repository.add_article("grid")
    repository.add_subscribers(["ann@example.org"])
    with mail_server() as server:
        settings, store = _opened(repository, server)
        desk = Desk(store, settings, _clock)

        first, second = ISSUES.act(desk), ISSUES.act(desk)
        store.close()

        assert "1 of 1 letters sent" in first
        assert second == ""
        assert server.recipients() == ["ann@example.org"]


def test_content_with_errors_is_not_mailed_by_itself(repository: Repository) -> None:
    path = repository.add_article("grid")
    path.write_text(path.read_text().replace("[^sample-source]", "[^nobody]"))
    repository.add_subscribers(["ann@example.org"])
    with mail_server() as server:
        settings, store = _opened(repository, server)

        with pytest.raises(ContentError, match="1 error in published content"):
            ISSUES.act(Desk(store, settings, _clock))

        store.close()
        assert server.received == []


def test_what_was_kept_long_enough_goes_by_itself(desk: Desk) -> None:
    """P-08: a sign-up that nobody has looked at for a week."""
    with desk.store.writing() as connection:
        for days in (1, 8):
            at = _clock() - dt.timedelta(days=days)
            signups.add(
                connection, "ann@example.org", Choice(Cadence.DAILY, frozenset()), Evidence(Method.FORM), now=at
            )

    first, second = RETENTION.act(desk), RETENTION.act(desk)

    assert (first, second) == ("1 row let go of", "")


def test_reading_feeds_asks_git_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is done every few minutes, and wants nothing but the list of feeds."""
    repository.add_article("grid")
    (repository.root / ".git").mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked; exit 1\n")
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    assert FEEDS.order is not None
    with mail_server() as server:
        settings, store = _opened(repository, server)
        desk = Desk(store, settings, _clock)

        FEEDS.act(desk)
        FEEDS.order(desk)
        store.close()

    assert not (tmp_path / "asked").exists()
