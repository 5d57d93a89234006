"""What the operator does with subscribers: bring them along, hand them out, count them. One of them alone is `person`'s.

Whoever brings people along says where the addresses come from and on what basis; an import never revives anybody and never changes
what a known subscriber chose. How the CSV is read is `csvfile`'s, what may follow on what `lifecycle`'s.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeVar

from pipeline.config import Settings
from pipeline.errors import AddressError, UsageError
from pipeline.keys import load_keys
from pipeline.library.topics import read_topics
from pipeline.mail import caps, lifecycle
from pipeline.mail.addresses import parse_address
from pipeline.mail.csvfile import BrokenRow, Row, open_rows
from pipeline.mail.lifecycle import ChoiceError, Imported
from pipeline.model import Choice, State, Subscriber
from pipeline.store import Store, consents, signups, subscribers, suppressions
from pipeline.store.consents import ConsentEvent, Evidence, Method
from pipeline.store.suppressions import Reason

BATCH = 5_000  # rows of one transaction; sign-ups wait for its end on SQLite, a quarter of a second
COLUMNS = ("email", "cadence", "topics", "confirmed_at", "state")
EXPORTED = (*COLUMNS, "paused_until", "created_at")
BROKEN = "cannot be read"
ELSEWHERE = "not active where the file comes from"
ROWS_SHOWN = 20
RECENT = dt.timedelta(days=30)
EARLIEST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)  # nobody subscribed to mail before
SKEW = dt.timedelta(days=1)  # a date without a zone may lie ahead of ours
T = TypeVar("T")


# --- import -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. It names lines, never addresses."""

    imported: int
    state: State  # of those imported
    skipped: Mapping[str, int]  # how many for which reason
    rows: tuple[tuple[int, str], ...]  # (line of the file, why it was skipped)
    notes: tuple[str, ...] = ()  # what the operator should know, in sentences

    def as_dict(self) -> dict[str, Any]:
        return {
            "imported": self.imported,
            "state": self.state.value,
            "skipped": dict(self.skipped),
            "rows": [{"line": line, "why": why} for line, why in self.rows],
            "notes": list(self.notes),
        }

    def lines(self) -> Iterator[str]:
        """The report for a terminal; of many skipped rows only the first are named."""
        yield f"imported {self.imported} ({self.state.value}), skipped {sum(self.skipped.values())}"
        yield from (f"  {number} {why}" for why, number in self.skipped.items())
        yield from (f"  line {line}: {why}" for line, why in self.rows[:ROWS_SHOWN])
        if len(self.rows) > ROWS_SHOWN:
            yield f"  ... and {len(self.rows) - ROWS_SHOWN} more; --json names them all"
        yield from self.notes


def import_csv(
    store: Store,
    settings: Settings,
    file: Path,
    *,
    source: str,
    basis: str,
    confirmed: bool,
    confirmed_at: dt.date | None = None,
    now: dt.datetime,
) -> ImportReport:
    """Bring along the people of a CSV file with the columns email, cadence, topics and confirmed_at.

        file | rows | read each | batches | add whom we do not know, with a consent row each

    *source* and *basis* say where the addresses come from and why we may write to them; both are kept with every consent. With
    *confirmed*, the caller states that these people have confirmed: they are active, since the date of the row, else since
    *confirmed_at*, else since this import. Without, they are pending and get no mail. A row that is broken, known or suppressed is
    skipped and counted, and so is one that says, as an export does, that its state is another than active: who left there has not
    come here. Killed half-way and run again, the rest is imported.

    Raises `UsageError` for a missing source or basis, or for a file that is no such CSV.
    """
    with open_rows(file, required="email", known=COLUMNS) as table:
        return import_people(
            store,
            settings,
            table.rows,
            source=source,
            basis=basis,
            confirmed=confirmed,
            confirmed_at=confirmed_at,
            ignored=table.ignored,
            now=now,
        )


def import_people(
    store: Store,
    settings: Settings,
    rows: Iterator[Row | BrokenRow],
    *,
    source: str,
    basis: str,
    confirmed: bool,
    confirmed_at: dt.date | None = None,
    ignored: tuple[str, ...] = (),
    now: dt.datetime,
) -> ImportReport:
    """As `import_csv`, for rows that came from anywhere; *ignored* are the columns that nothing was taken from."""
    if not source.strip() or not basis.strip():
        raise UsageError(
            "an import needs --source (where the addresses come from) and --basis (why you may write to them)"
        )
    if re.search(r"\S@\S+\.\S", f"{source} {basis}"):
        raise UsageError("--source and --basis are kept for ever, with every consent: name no address in them")
    given = _moment(confirmed_at.isoformat(), now=now) if confirmed_at else None
    choose = _chooser(read_topics(settings.content))
    key = load_keys(settings.state_dir, "suppression")
    with store.reading() as connection:
        first_id = subscribers.last_id(connection)
    skipped: list[tuple[int, str]] = []
    imported = undated = 0
    for people, broken in _ahead(_read(batch, choose, given, now=now) for batch in _batches(rows)):
        with store.writing() as connection:
            verdicts = lifecycle.import_rows(
                connection,
                [person for _, person in people],
                Evidence(Method.IMPORT),
                vouched=confirmed,
                detail=f"source: {_one_line(source)}; basis: {_one_line(basis)}",
                first_id=first_id,
                key=key,
                now=now,
            )
        imported += verdicts.count(None)
        undated += sum(v is None and not them.confirmed_at for (_, them), v in zip(people, verdicts, strict=True))
        skipped += broken
        skipped += [(line, v.value) for (line, _), v in zip(people, verdicts, strict=True) if v is not None]
    return ImportReport(
        imported=imported,
        state=State.ACTIVE if confirmed else State.PENDING,
        skipped=dict(Counter(why.partition(":")[0] for _, why in skipped)),
        rows=tuple(sorted(skipped)),
        notes=tuple(_notes(ignored, imported, undated, confirmed=confirmed)),
    )


def keep_out(
    store: Store, settings: Settings, people: Iterable[tuple[str, Reason]], *, now: dt.datetime
) -> Mapping[Reason, int]:
    """Suppress addresses to which an earlier system did not write any more; returns how many of them for which reason.

    Who is a subscriber here, or is suppressed already, stays as they are. An address that cannot be one is passed over.
    """
    key = load_keys(settings.state_dir, "suppression")
    counted: Counter[Reason] = Counter()
    items = iter(people)
    while batch := list(islice(items, BATCH)):
        wanted: dict[str, Reason] = {}
        for address, why in batch:
            with suppress(AddressError):
                wanted.setdefault(parse_address(address.strip()).key, why)
        with store.writing() as connection:
            here = subscribers.known(connection, list(wanted))
            before = suppressions.reasons(connection, key, list(wanted))
            for email_key, why in wanted.items():
                if email_key not in here and email_key not in before:
                    suppressions.add(connection, key, email_key, why, now=now)
                    counted[why] += 1
    return counted


def _read(
    rows: list[Row | BrokenRow], choose: Callable[[str, str], Choice], given: dt.datetime | None, *, now: dt.datetime
) -> tuple[list[tuple[int, Imported]], list[tuple[int, str]]]:
    """The people of these rows and the rows that name none, each with its line."""
    people: list[tuple[int, Imported]] = []
    broken: list[tuple[int, str]] = []
    for row in rows:
        if isinstance(row, BrokenRow):
            broken.append((row.line, f"{BROKEN}: {row.why}"))
            continue
        if (state := row.fields.get("state", "").strip().lower()) not in ("", State.ACTIVE):
            broken.append((row.line, f"{ELSEWHERE}: {state[:40]}"))
            continue
        try:
            people.append((row.line, _person(row, choose, given, now=now)))
        except (AddressError, ChoiceError, ValueError) as error:
            broken.append((row.line, f"{BROKEN}: {error}"))
    return people, broken


def _person(row: Row, choose: Callable[[str, str], Choice], given: dt.datetime | None, *, now: dt.datetime) -> Imported:
    fields = row.fields
    choice = choose(fields.get("cadence", ""), fields.get("topics", ""))
    confirmed_at = _moment(fields.get("confirmed_at", "").strip(), now=now) or given
    return Imported(parse_address(fields["email"].strip()), choice, confirmed_at)


def _chooser(topics: Collection[str]) -> Callable[[str, str], Choice]:
    """Reads the choice of a row; what many rows say alike is read once."""

    @functools.lru_cache(maxsize=10_000)
    def choose(cadence: str, wanted: str) -> Choice:
        wanted = wanted.lower()
        for separator in ",;|":
            wanted = wanted.replace(separator, " ")
        return lifecycle.parse_choice(cadence, wanted.split(), known=topics)

    return choose


@functools.lru_cache(maxsize=10_000)
def _moment(text: str, *, now: dt.datetime) -> dt.datetime | None:
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("confirmed_at is no date; write 2026-11-23 or 2026-11-23T09:00:00Z") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if not EARLIEST <= moment <= now + SKEW:
        raise ValueError(f"confirmed_at is before {EARLIEST:%Y} or still to come")
    return moment


def _notes(ignored: tuple[str, ...], imported: int, undated: int, *, confirmed: bool) -> Iterator[str]:
    if ignored:
        yield f"nothing was taken from the column{'s' * (len(ignored) > 1)} {', '.join(ignored)}"
    if undated and confirmed:
        yield (
            f"no date of confirmation came with {undated} of those imported: the date of this import stands in its place; "
            "where you know it, give confirmed_at in the file or --confirmed-at the first time"
        )
    if imported and not confirmed:
        yield (
            "those imported are pending and get no mail until they sign up and confirm; "
            "a list of people who have confirmed already is imported with --confirmed the first time"
        )


def _batches(rows: Iterator[Row | BrokenRow]) -> Iterator[list[Row | BrokenRow]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """*items*, each made in a thread while the one before it is used: the database works past the interpreter's lock."""
    with ThreadPoolExecutor(1, thread_name_prefix="rows") as reader:
        coming = reader.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = reader.submit(next, items, None)
            yield item


def _one_line(text: str) -> str:
    return " ".join(text.split())


# --- export -------------------------------------------------------------------------------------------------------------------


def export(store: Store, out: TextIO, *, as_json: bool = False) -> int:
    """Write every subscriber to *out*, as CSV that `import_csv` reads again or as one JSON list; returns how many.

    The erased are nowhere.
    """
    rows = (_exported(subscriber) for subscriber in subscribers.everyone(store))
    return _write_json(rows, out) if as_json else _write_csv(rows, out)


def _write_csv(rows: Iterable[dict[str, Any]], out: TextIO) -> int:
    writer = csv.DictWriter(out, EXPORTED, lineterminator="\n")
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow({**row, "topics": " ".join(row["topics"])})
        count += 1
    return count


def _write_json(rows: Iterable[dict[str, Any]], out: TextIO) -> int:
    count = 0
    for row in rows:
        out.write(",\n " if count else "[\n ")
        json.dump(row, out, ensure_ascii=False)
        count += 1
    out.write("\n]\n" if count else "[]\n")
    return count


def _exported(subscriber: Subscriber) -> dict[str, Any]:
    return {
        "email": subscriber.email,
        "cadence": subscriber.choice.cadence.value,
        "topics": sorted(subscriber.choice.topics),
        "confirmed_at": _iso(subscriber.confirmed_at),
        "state": subscriber.state.value,
        "paused_until": _iso(subscriber.paused_until),
        "created_at": _iso(subscriber.created_at),
    }


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


# --- all of them --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stats:
    """How many there are. Cadences and topics count those who confirmed and stayed (active or paused)."""

    states: Mapping[str, int]
    cadences: Mapping[str, int]
    topics: Mapping[str, int]  # "all": those who chose none in particular
    suppressions: Mapping[str, int]  # by reason; the erased are here only
    recent: Mapping[str, int]  # of the last 30 days: signups, confirmations, unsubscribes
    signups: Mapping[str, int]  # waiting: nobody has looked at them; flood: 1 while more come than may be mailed

    def as_dict(self) -> dict[str, dict[str, int]]:
        return {field.name: dict(getattr(self, field.name)) for field in dataclasses.fields(self)}

    def lines(self) -> Iterator[str]:
        """The counts for a terminal."""
        for name, counts in self.as_dict().items():
            if name == "signups":
                continue
            heading = f"last {RECENT.days} days" if name == "recent" else name
            yield f"{heading}: {', '.join(f'{number} {what}' for what, number in counts.items()) or 'none'}"
        if self.signups["waiting"]:
            yield f"forms not looked at yet: {self.signups['waiting']}"
        if self.signups["flood"]:
            yield "more sign-ups come than may be mailed: confirmations wait, the newest last"


def stats(store: Store, *, now: dt.datetime) -> Stats:
    """Count the subscribers, without looking at an address."""
    with store.reading() as connection:
        groups = subscribers.counts(connection)
        reasons = suppressions.counts(connection)
        events = consents.counts_since(connection, now - RECENT)
        waiting, flood = signups.number(connection), caps.is_flooded(connection, now=now)
    states: Counter[str] = Counter(dict.fromkeys([s.value for s in State], 0))
    cadences: Counter[str] = Counter()
    topics: Counter[str] = Counter()
    for state, cadence, chosen, number in groups:
        states[state.value] += number
        if state in (State.ACTIVE, State.PAUSED):
            cadences[cadence.value] += number
            topics.update(dict.fromkeys(subscribers.topics_set(chosen) or ("all",), number))
    recent = {
        "signups": events.get(ConsentEvent.ASKED, 0),
        "confirmations": events.get(ConsentEvent.CONFIRMED, 0),
        "unsubscribes": events.get(ConsentEvent.WITHDRAWN, 0),
    }
    suppressed = {why.value: number for why, number in reasons.items()}
    return Stats(states, cadences, topics, suppressed, recent, {"waiting": waiting, "flood": int(flood)})
