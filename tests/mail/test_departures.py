"""A database that was restored from a backup mails nobody who has left since (T-20, R-15)."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.errors import StoreError
from pipeline.keys import load_keys
from pipeline.mail import lifecycle, person
from pipeline.mail.addresses import parse_address
from pipeline.mail.departures import reapply
from pipeline.model import Choice, State
from pipeline.store import chain, open_store, subscribers, suppressions
from pipeline.store.consents import Evidence, Method
from pipeline.store.departures import Note
from pipeline.store.suppressions import Reason
from tests.builders import add_subscribers

LINK = Evidence(Method.LINK)
NAMES = ("stays", "leaves", "bounces", "erased", "returns", "declines")
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def machine(settings: Settings, database_url: str) -> Iterator[Machine]:
    machine = Machine(settings.model_copy(update={"database_url": database_url}))
    yield machine
    machine.store.close()


class Machine:
    """A database with its state folder, and a backup of the database alone."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = open_store(settings)
        self.key = load_keys(settings.state_dir, "suppression").newest
        self.refs = dict(
            zip(NAMES, add_subscribers(self.store, *(f"{name}@example.org" for name in NAMES)), strict=True)
        )

    @property
    def notebook(self) -> Path:
        return self.settings.state_dir / "departures.log"

    def back_up(self) -> None:
        self._copy("", ".backup")

    def restore(self) -> None:
        self._copy(".backup", "")
        self.store = open_store(self.settings)

    def _copy(self, source: str, target: str) -> None:
        url = sa.make_url(self.settings.database_url)
        if self.store.is_sqlite:
            with self.store.engine.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.store.close()
        if self.store.is_sqlite:
            shutil.copy(f"{url.database}{source}", f"{url.database}{target}")
            for end in ("-wal", "-shm"):
                Path(f"{url.database}{end}").unlink(missing_ok=True)
            return
        names = [f"{url.database}{end}".replace(".", "_") for end in (source, target)]
        admin = sa.create_engine(
            url.set(database="postgres", drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            poolclass=sa.NullPool,
        )
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE IF EXISTS {names[1]} WITH (FORCE)"))
            connection.execute(sa.text(f"CREATE DATABASE {names[1]} TEMPLATE {names[0]}"))
            if source:
                connection.execute(sa.text(f"DROP DATABASE {names[0]} WITH (FORCE)"))

    def states(self) -> dict[str, State]:
        with self.store.reading() as c:
            found = {name: subscribers.by_ref(c, ref) for name, ref in self.refs.items()}
        return {name: them.state for name, them in found.items() if them}

    def reason(self, name: str) -> Reason | None:
        with self.store.reading() as c:
            return suppressions.reason(c, self.key, f"{name}@example.org")

    def act(self, what: Callable[..., object], name: str, *more: object, now: dt.datetime, **others: object) -> None:
        with self.store.writing() as c:
            what(c, self.refs[name], *more, LINK, now=now, **others)


def everybody_leaves(machine: Machine, now: dt.datetime) -> None:
    """Each by another way, and one comes back."""
    machine.act(lifecycle.unsubscribe, "leaves", now=now)
    machine.act(lifecycle.suppress, "bounces", Reason.BOUNCE, key=machine.key, now=now)
    machine.act(lifecycle.suppress, "declines", Reason.NOT_ME, key=machine.key, now=now)
    machine.act(lifecycle.unsubscribe, "returns", now=now)
    machine.act(lifecycle.resubscribe, "returns", now=now + SECOND)
    person.erase(machine.store, machine.settings, "erased@example.org", now=now)


def test_who_left_since_the_backup_stays_away(machine: Machine, now: dt.datetime) -> None:
    """T-20"""
    machine.back_up()
    everybody_leaves(machine, now)
    before, reasons = machine.states(), {name: machine.reason(name) for name in NAMES}
    machine.restore()
    restored = machine.states()

    count = reapply(machine.store, machine.settings)
    again = reapply(machine.store, machine.settings)

    assert set(restored.values()) == {State.ACTIVE}
    assert (count, again) == (4, 0)
    assert machine.states() == before
    assert {name: machine.reason(name) for name in NAMES} == reasons
    assert before == {
        "stays": State.ACTIVE,
        "leaves": State.UNSUBSCRIBED,
        "bounces": State.SUPPRESSED,
        "erased": State.SUPPRESSED,
        "returns": State.ACTIVE,
        "declines": State.SUPPRESSED,
    }
    assert (reasons["erased"], reasons["bounces"]) == (Reason.ERASED, Reason.BOUNCE)
    assert chain.verify(machine.store).broken is None


def test_nothing_is_applied_to_a_database_that_knows(machine: Machine, now: dt.datetime) -> None:
    """T-20"""
    everybody_leaves(machine, now)
    before = machine.states()

    assert reapply(machine.store, machine.settings) == 0
    assert machine.states() == before


def test_people_who_came_and_went_since_the_backup_stay_out(machine: Machine, now: dt.datetime) -> None:
    """T-20: the restored database has never heard of them; the hash of their address keeps imports from bringing them along."""
    machine.back_up()
    [ref] = add_subscribers(machine.store, "short@example.org")
    with machine.store.writing() as c:
        lifecycle.suppress(c, ref, Reason.COMPLAINT, LINK, key=machine.key, now=now)
    machine.restore()

    assert reapply(machine.store, machine.settings) == 1
    assert machine.reason("short") is Reason.COMPLAINT


def test_a_departure_is_noted_before_it_is_committed(machine: Machine, now: dt.datetime) -> None:
    """T-20: of one whose commit never came, the note stands, and is applied with the next send."""
    assert machine.store.notebook is not None
    machine.store.notebook.write([Note(now, ref=machine.refs["leaves"], event="withdrawn")])

    count = reapply(machine.store, machine.settings)

    assert (count, machine.states()["leaves"]) == (1, State.UNSUBSCRIBED)


def test_one_who_came_back_by_another_machine_is_left_alone(machine: Machine, now: dt.datetime) -> None:
    """T-20: this machine's file holds a departure that was never committed; the return is known to the database alone."""
    assert machine.store.notebook is not None
    machine.store.notebook.write([Note(now, ref=machine.refs["returns"], event="withdrawn")])
    text = machine.notebook.read_bytes()
    machine.act(lifecycle.unsubscribe, "returns", now=now + SECOND)
    machine.act(lifecycle.resubscribe, "returns", now=now + 2 * SECOND)
    machine.notebook.write_bytes(text)

    assert reapply(machine.store, machine.settings) == 0
    assert machine.states()["returns"] is State.ACTIVE


def test_nobody_leaves_unnoted(machine: Machine, now: dt.datetime) -> None:
    """T-20: where the file cannot be written, the unsubscribe is not acknowledged, and nothing was changed."""
    machine.notebook.mkdir(parents=True)

    with pytest.raises(StoreError, match="nothing was changed"):
        machine.act(lifecycle.unsubscribe, "leaves", now=now)

    assert machine.states()["leaves"] is State.ACTIVE


def test_the_file_holds_no_address_and_is_closed_to_others(machine: Machine, now: dt.datetime) -> None:
    """P-05, T-20"""
    everybody_leaves(machine, now)

    text = machine.notebook.read_text()
    assert not any(word in text for word in ("example.org", "@", "leaves", "bounces", "declines"))
    assert machine.notebook.stat().st_mode & 0o077 == 0
    assert len(text.splitlines()) > 6


@pytest.mark.parametrize(
    "damage", [b"\xff\xfe\n", b'{"at": "2026', b"[]\n", b'{"at":"2026-11-23T09:00:00+00:00","ref":"x","event":"new"}\n']
)
def test_a_damaged_line_costs_itself_only(machine: Machine, now: dt.datetime, damage: bytes) -> None:
    """T-20: a full disk cut a line off, or a newer version wrote it."""
    machine.back_up()
    machine.act(lifecycle.unsubscribe, "leaves", now=now)
    with machine.notebook.open("ab") as file:
        file.write(damage)
    machine.act(lifecycle.suppress, "bounces", Reason.BOUNCE, key=machine.key, now=now)
    machine.restore()

    assert reapply(machine.store, machine.settings) == 2


def test_a_fresh_sign_up_ends_what_the_file_says(machine: Machine, now: dt.datetime) -> None:
    """P-07: only the person undoes a complaint; afterwards, an old note of it is no longer the last word."""
    machine.act(lifecycle.suppress, "returns", Reason.COMPLAINT, key=machine.key, now=now)
    address = parse_address("returns@example.org")
    machine.back_up()
    with machine.store.writing() as c:
        lifecycle.sign_up_requested(
            c, address, Choice(), LINK, asked_at=now + SECOND, key=machine.key, now=now + SECOND
        )
    with machine.store.writing() as c:
        ref = c.execute(sa.text("SELECT ref FROM confirmations")).scalar_one()
        lifecycle.confirm(c, ref, LINK, key=machine.key, now=now + 2 * SECOND)

    assert machine.states()["returns"] is State.ACTIVE
    assert reapply(machine.store, machine.settings) == 0
    assert machine.states()["returns"] is State.ACTIVE
    assert machine.reason("returns") is None
