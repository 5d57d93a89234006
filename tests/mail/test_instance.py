"""T-20: a restored or copied database sends no old issue by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import NotOurDatabase, StoreError
from pipeline.mail import instance
from pipeline.mail.instance import Mark, Standing, standing
from pipeline.model import Cadence, Control, Issue
from pipeline.store import Store, issues, open_store
from pipeline.store.instance import Instance
from tests.builders import NOW

OLD_ISSUE = Issue("daily-2026-11-21", Cadence.DAILY, date=dt.date(2026, 11, 21), closes_at=NOW - dt.timedelta(days=2))
DUE = Issue("daily-2026-11-23", Cadence.DAILY, date=dt.date(2026, 11, 23), closes_at=NOW)
HOUR = dt.timedelta(hours=1)


def _database(epoch: int, *, name: str = "a", has_sent: bool = True) -> Instance:
    return Instance(name, epoch, None, has_sent)


@pytest.mark.parametrize(
    ("mark", "database", "named", "found"),
    [
        (None, _database(0, has_sent=False), "", Standing.FRESH),
        (Mark("b", 7), _database(0, has_sent=False), "", Standing.FRESH),  # the old database was thrown away
        (Mark("a", 7), _database(7), "", Standing.KNOWN),
        (Mark("a", 7), _database(9), "", Standing.KNOWN),  # another machine sent meanwhile
        (Mark("a", 8), _database(7), "", Standing.RESTORED),
        (Mark("b", 9), _database(7), "", Standing.FOREIGN),
        (None, _database(7), "", Standing.FOREIGN),
        (None, _database(0), "", Standing.FOREIGN),  # of a version that did not count
        (None, _database(7), "a", Standing.KNOWN),
        (None, _database(7), "b", Standing.FOREIGN),
    ],
)
def test_t20_what_the_folder_remembers_tells_what_the_database_is(
    mark: Mark | None, database: Instance, named: str, found: Standing
) -> None:
    assert standing(mark, database, named=named) is found


def _plan(store: Store, issue: Issue) -> None:
    with store.writing() as connection:
        issues.create(connection, issue, now=NOW)


def _control(store: Store, issue: Issue) -> Control | None:
    with store.reading() as connection:
        stored = issues.find(connection, issue.key)
    return stored.control if stored else None


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Settings:
    """The same newsletter on a machine that has not sent from this database."""
    return settings.model_copy(update={"state_dir": tmp_path / "elsewhere"})


def _sent(store: Store, settings: Settings) -> None:
    """Mail began and ended to leave."""
    instance.check(store, settings, [], now=NOW)
    _plan(store, OLD_ISSUE)
    for _ in range(2):
        instance.count_up(store, settings)


def test_t20_a_restored_database_pauses_what_is_due_and_what_is_unfinished(
    store: Store, settings: Settings, restored: Callable[[], None]
) -> None:
    _sent(store, settings)
    restored()

    told = instance.check(store, settings, [DUE], now=NOW)

    assert list(told) == [DUE.key, OLD_ISSUE.key]
    assert all(line.startswith(key) and "--resume" in line and "restored" in line for key, line in told.items())
    assert _control(store, DUE) is _control(store, OLD_ISSUE) is Control.PAUSED
    assert instance.check(store, settings, [], now=NOW) == {}  # what comes next is sent as ever


def test_t20_a_copy_made_before_the_first_letter_is_known_too(settings: Settings, tmp_path: Path) -> None:
    """A database has its name from the beginning: a copy of it is no new database."""
    file = tmp_path / "newsletter.db"
    ours = settings.model_copy(update={"database_url": f"sqlite:///{file}"})
    open_store(ours).close()
    copy = file.read_bytes()
    store = open_store(ours)
    _sent(store, ours)
    store.close()
    for rest in ("-wal", "-shm"):
        file.with_name(f"{file.name}{rest}").unlink(missing_ok=True)
    file.write_bytes(copy)

    store = open_store(ours)
    told = instance.check(store, ours, [DUE], now=NOW)
    store.close()

    assert list(told) == [DUE.key]


def test_t20_a_share_of_an_issue_does_not_speak_for_what_is_due(
    store: Store, settings: Settings, restored: Callable[[], None]
) -> None:
    """Who sends a share does not know what is due: a restored queue must not make an old issue look new to who does."""
    _sent(store, settings)
    restored()

    for _ in range(2):
        with pytest.raises(NotOurDatabase, match="restored"):
            instance.check(store, settings, None, now=NOW)

    assert len(instance.check(store, settings, [DUE], now=NOW)) == 2
    assert instance.check(store, settings, None, now=NOW) == {}


@pytest.fixture
def restored(store: Store) -> Callable[[], None]:
    """Puts the count back to where a backup of yesterday had it."""

    def put_back() -> None:
        from pipeline.store import instance as rows

        with store.writing() as connection:
            rows.set_epoch(connection, 0)

    return put_back


def test_t20_a_copied_database_sends_nothing_before_it_is_adopted(
    store: Store, settings: Settings, elsewhere: Settings
) -> None:
    _sent(store, settings)

    with pytest.raises(NotOurDatabase, match="opensignal adopt"):
        instance.check(store, elsewhere, [DUE], now=NOW)
    assert _control(store, OLD_ISSUE) is Control.SENDING  # the one in use is not disturbed

    name = instance.adopt(store, elsewhere)
    assert instance.check(store, elsewhere, [DUE], now=NOW) == {}
    vouched = settings.model_copy(update={"state_dir": elsewhere.state_dir / "runner", "instance": name})
    assert instance.check(store, vouched, [DUE], now=NOW) == {}


def test_t20_after_a_long_sleep_an_issue_that_was_not_finished_waits_for_a_person(
    store: Store, settings: Settings
) -> None:
    _sent(store, settings)

    assert instance.check(store, settings, [], now=NOW + 5 * HOUR) == {}
    [told] = instance.check(store, settings, [DUE], now=NOW + 12 * HOUR).values()

    assert told.startswith(f"{OLD_ISSUE.key} is paused, for nobody was at it since 2026-11-23 14:00 UTC")
    assert _control(store, OLD_ISSUE) is Control.PAUSED
    assert _control(store, DUE) is None


@pytest.mark.parametrize("spoilt", ["{", "null", '{"name": "a", "epoch": 1e999}'])
def test_a_folder_that_cannot_be_read_stops_the_sending(store: Store, settings: Settings, spoilt: str) -> None:
    _sent(store, settings)
    (settings.state_dir / instance.FILE).write_text(spoilt)

    with pytest.raises(StoreError, match="opensignal adopt"):
        instance.check(store, settings, [], now=NOW)
