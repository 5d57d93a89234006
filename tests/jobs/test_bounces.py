"""The job that reads what came back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import TransportError
from pipeline.jobs import ALL, Desk
from pipeline.jobs.work import read_bounces
from pipeline.model import State
from pipeline.store import Store
from tests.mail.bounces.mails import postfix_bounce
from tests.mail.bounces.postroom import Postroom


def _desk(store: Store, settings: Settings, now: dt.datetime, url: str) -> Desk:
    return Desk(store, settings.model_copy(update={"bounces_url": url}), lambda: now)


def test_bounces_are_read_where_the_settings_say(
    store: Store, settings: Settings, now: dt.datetime, tmp_path: Path
) -> None:
    room = Postroom(store, settings, now)
    [ref] = room.people("dead@example.org")
    mail = postfix_bounce(to=room.envelope(ref, room.send(ref)), recipient="dead@example.org")
    for part in ("new", "cur", "tmp"):
        (tmp_path / "post" / part).mkdir(parents=True)
    (tmp_path / "post" / "new" / "1.example").write_bytes(mail)
    desk = _desk(store, settings, now, str(tmp_path / "post"))

    lines = [read_bounces(desk) for _ in range(2)]

    assert lines == ["1 taken in: 1 suppressed", ""]
    assert room.state(ref) is State.SUPPRESSED


def test_without_a_mailbox_there_is_nothing_to_do(sqlite_store: Store, settings: Settings, now: dt.datetime) -> None:
    assert read_bounces(_desk(sqlite_store, settings, now, "")) == ""
    assert "bounces" in {job.name for job in ALL}


def test_a_mailbox_that_cannot_be_reached_is_named(sqlite_store: Store, settings: Settings, now: dt.datetime) -> None:
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:1 cannot be reached"):
        read_bounces(_desk(sqlite_store, settings, now, "imap://user:secret@127.0.0.1:1/INBOX?starttls=never"))
