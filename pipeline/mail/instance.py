"""May this machine send from this database by itself? A restored or copied database must not send an old issue again (T-20).

The database counts up whenever mail begins and ends to leave and every few seconds between, so that a copy made amid a run that
was then killed is known too, and the state folder remembers how far the count was. So:

    fresh      nothing was ever sent from this database              go on
    known      the folder has seen this database, and this count     go on
    restored   the folder has seen a higher count                    what is due or unfinished is paused; a person says --resume
    foreign    the folder does not know this database                nothing is sent before a person adopts it

And where nobody has looked for due issues for six hours, an issue of which letters were never tried is paused too, if it closed
before: the machine slept, or it is a copy of one that went on. Letters that were put off are tried again in any case.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.config import Settings
from pipeline.errors import NotOurDatabase, StoreError
from pipeline.model import Control, Issue
from pipeline.store import Connection, Store, deliveries, issues
from pipeline.store import instance as rows
from pipeline.store.instance import Instance

FILE = "instance.json"
COUNT_UP_EVERY = 2.0  # seconds, while mail leaves
OLD = dt.timedelta(hours=6)  # since an issue closed, or since somebody looked


class Standing(StrEnum):
    """What this machine knows of the database; see the module's table."""

    FRESH = "fresh"
    KNOWN = "known"
    RESTORED = "restored"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Mark:
    """What the state folder remembers: the database's name, and how far it was."""

    name: str
    epoch: int


def standing(mark: Mark | None, database: Instance, *, named: str) -> Standing:
    """Decide, from what the folder remembers and what the database says. *named*: the name that the settings vouch for."""
    if mark is not None and mark.name == database.name:
        return Standing.RESTORED if mark.epoch > database.epoch else Standing.KNOWN
    if database.epoch == 0 and not database.has_sent:
        return Standing.FRESH
    return Standing.KNOWN if named and named == database.name else Standing.FOREIGN


def check(store: Store, settings: Settings, due: Iterable[Issue] | None, *, now: dt.datetime) -> dict[str, str]:
    """Before anything is sent: pause what must not be sent by itself; returns why, in a line for each issue's key.

    *due* are the issues that would be sent; None where that is not known. Raises `NotOurDatabase` where this machine does not know
    the database, and where it was restored and nobody who knows what is due has looked since.
    """
    path = settings.state_dir / FILE
    mark, paused = _read(path), []
    with store.writing() as connection:
        database = rows.read(connection, fresh_name=secrets.token_hex(8))
        found = standing(mark, database, named=settings.instance)
        if found is Standing.FOREIGN:
            raise NotOurDatabase(_foreign(database, settings))
        if found is Standing.RESTORED:
            assert mark is not None
            if due is None:
                raise NotOurDatabase(_RESTORED)
            paused = [_pause(connection, issue, now=now) for issue in due]
            paused += _pause_unfinished(connection, before=now, now=now)
            rows.set_epoch(connection, mark.epoch + 1)
            database = Instance(database.name, mark.epoch + 1, database.seen_at, database.has_sent)
            why = "this database is older than what was sent from here: it was restored from a copy"
        elif database.seen_at is not None and database.seen_at < now - OLD:
            paused = _pause_unfinished(connection, before=now - OLD, now=now, untried=True)
            why = f"nobody was at it since {database.seen_at:%Y-%m-%d %H:%M} UTC"
        rows.set_seen(connection, now=now)
    _write(path, Mark(database.name, database.epoch))
    return {key: f"{key} is paused, for {why}; say: opensignal send {key} --resume" for key in paused if key}


def count_up(store: Store, settings: Settings) -> None:
    """Mail begins, goes on or has ended to leave: a copy of the database made before is behind from now on."""
    with store.writing() as connection:
        database = rows.read(connection, fresh_name=secrets.token_hex(8))
        rows.set_epoch(connection, database.epoch + 1)
    _write(settings.state_dir / FILE, Mark(database.name, database.epoch + 1))


def adopt(store: Store, settings: Settings) -> str:
    """This machine is to send from this database from now on; returns the database's name."""
    with store.writing() as connection:
        database = rows.read(connection, fresh_name=secrets.token_hex(8))
    _write(settings.state_dir / FILE, Mark(database.name, database.epoch))
    return database.name


_RESTORED = (
    "this database was restored from a copy; what is due is paused as soon as the schedule is looked at, by opensignal "
    "worker, up or send --due"
)


def _foreign(database: Instance, settings: Settings) -> str:
    return (
        f"mail has been sent from this database ({database.name}), but not from this machine as {settings.state_dir} tells; if it "
        f"is no copy, and the keys are the same as there, run: opensignal adopt (or set OPENSIGNAL_INSTANCE={database.name})"
    )


def _pause(connection: Connection, issue: Issue, *, now: dt.datetime) -> str:
    stored = issues.create(connection, issue, now=now)
    if stored.control is not Control.SENDING:
        return ""
    issues.set_control(connection, stored.id, Control.PAUSED)
    return issue.key


def _pause_unfinished(
    connection: Connection, *, before: dt.datetime, now: dt.datetime, untried: bool = False
) -> list[str]:
    """Pause the issues that closed *before* and are not out; with *untried*, those alone of which a letter was never tried."""
    stopped = []
    for stored in issues.unfinished(connection, since=now - dt.timedelta(days=30)):
        all_tried = stored.planned_at is not None and not deliveries.any_planned(connection, stored.id)
        if stored.issue.closes_at <= before and not (untried and all_tried):
            stopped.append(_pause(connection, stored.issue, now=now))
    return stopped


def _read(path: Path) -> Mark | None:
    try:
        values = json.loads(path.read_text("utf-8"))
        return Mark(str(values["name"]), int(values["epoch"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise StoreError(
            f"{path} cannot be read ({error}): whether this database was restored cannot be told; delete the file, "
            "then run: opensignal adopt"
        ) from error


def _write(path: Path, mark: Mark) -> None:
    """Whole or not at all, and on the disk before the first letter leaves."""
    if _same(path, mark):
        return
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(3)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(mark), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written: {error.strerror}; make room and run again") from error


def _same(path: Path, mark: Mark) -> bool:
    """A folder that several processes share only ever counts up."""
    try:
        known = _read(path)
    except StoreError:
        return False
    return known is not None and known.name == mark.name and known.epoch >= mark.epoch
