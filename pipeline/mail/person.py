"""One person: everything that is kept about them (P-04), and its erasure (P-05).

`Dossier` is the whole of it, and its own JSON schema. `as_zip` is what a person gets who asks behind a mailed link: JSON, a CSV for
each part, and the schema.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from pipeline.config import Settings
from pipeline.errors import AddressError, StoreBusy
from pipeline.keys import Keys, load_keys
from pipeline.mail import lifecycle
from pipeline.mail.addresses import parse_address
from pipeline.mail.outbox import forget_letters
from pipeline.model import Cadence, DeliveryStatus, State, Subscriber
from pipeline.store import (
    Connection,
    Store,
    bounces,
    confirmations,
    consents,
    notices,
    requests,
    signups,
    subscribers,
    suppressions,
)
from pipeline.store.consents import Consent, ConsentEvent, Evidence, Method
from pipeline.store.notices import NoticeKind
from pipeline.store.requests import RequestKind
from pipeline.store.suppressions import Reason

SCHEMA_PATH = "person.schema.json"  # below web_url
JOURNAL_HELD = (
    "the address is erased, but the database's journal (its -wal file) still holds it, for another program reads there "
    "without a pause; end that program, then run this again"
)


# --- everything that is kept ----------------------------------------------------------------------------------------------------


ReplyText = Annotated[str, BeforeValidator(str)]  # of a reply: its code, status and text on one line


class Part(BaseModel):
    """A row of the dossier. It takes what it names, and nothing else, from the row of the database that it is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class TraceRow(Part):
    """Where an event came from, as far as we noted it."""

    ip: str | None
    agent: str | None
    message_id: str | None
    token: str | None


class ConsentRow(Part):
    """What happened, when, by which way, on which page, and the words that it showed."""

    event: ConsentEvent
    at: dt.datetime
    method: Method
    cadence: Cadence | None
    topics: list[str]
    page: str | None
    wording: str | None
    language: str | None
    detail: str | None
    trace: TraceRow | None


class LetterRow(Part):
    """An issue that was meant for the person, and where its delivery stands."""

    issue: str
    date: dt.date
    status: DeliveryStatus
    attempts: int
    finished_at: dt.datetime | None
    reply: ReplyText


class NoticeRow(Part):
    """A letter about the subscription itself."""

    kind: NoticeKind
    created_at: dt.datetime
    status: DeliveryStatus
    attempts: int
    finished_at: dt.datetime | None
    reply: ReplyText


class QuestionRow(Part):
    """A confirmation that was asked for."""

    cadence: Cadence
    topics: list[str]
    asked_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None


class RequestRow(Part):
    """The person asked for these data, or for their erasure."""

    kind: RequestKind
    asked_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None


class BounceRow(Part):
    """What came back of a letter."""

    at: dt.datetime
    origin: str
    kind: str
    category: str
    status: str
    code: int
    diagnostic: str
    action: str
    raw: str | None


class SignupRow(Part):
    """Typed into the form and not yet looked at."""

    at: dt.datetime
    cadence: Cadence
    topics: list[str]
    method: Method


class Dossier(Part):
    """Everything that is kept about one person."""

    known: bool  # False: only the hash of the address is kept, if that
    email: str | None = None
    cadence: Cadence | None = None
    topics: list[str] = []
    confirmed_at: dt.datetime | None = None
    state: State | None = None
    paused_until: dt.datetime | None = None
    created_at: dt.datetime | None = None
    ref: str | None = None
    suppressed: Reason | None = None
    consents: list[ConsentRow] = []
    deliveries: list[LetterRow] = []
    notices: list[NoticeRow] = []
    confirmations: list[QuestionRow] = []
    requests: list[RequestRow] = []
    bounces: list[BounceRow] = []
    signups: list[SignupRow] = []

    def as_dict(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def lines(self) -> Iterator[str]:
        """The dossier for a terminal."""
        if self.suppressed:
            yield f"suppressed: {self.suppressed.value}"
        yield from (f"signed up at {row.at:%Y-%m-%d %H:%M} UTC, not looked at yet" for row in self.signups)
        if not self.known:
            yield "no subscriber has this address"
            return
        for name in ("email", "cadence", "topics", "confirmed_at", "state", "paused_until", "created_at", "ref"):
            value = self.as_dict()[name]
            if value is not None:
                yield f"{name}: {', '.join(value) or 'all' if isinstance(value, list) else value}"
        for row in self.consents:
            yield f"{row.at:%Y-%m-%d %H:%M} UTC  {row.event.value} by {row.method.value}{_particulars(row)}"
            yield from (f"    | {line}" for line in (row.wording or "").splitlines())
        for letter in self.deliveries:
            yield f"{letter.issue}  {letter.status.value}  {letter.reply}".rstrip()
        for notice in self.notices:
            yield f"{notice.created_at:%Y-%m-%d %H:%M} UTC  notice {notice.kind.value}  {notice.status.value}"
        for request in self.requests:
            used = f", used {request.used_at:%Y-%m-%d %H:%M} UTC" if request.used_at else ""
            yield f"{request.asked_at:%Y-%m-%d %H:%M} UTC  asked for {request.kind.value}{used}"
        for bounce in self.bounces:
            yield f"{bounce.at:%Y-%m-%d %H:%M} UTC  {bounce.kind} {bounce.category} {bounce.status}: {bounce.action}"


def schema() -> dict[str, Any]:
    """The JSON schema of a dossier."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Dossier.model_json_schema(mode="serialization"),
    }


def as_zip(dossier: Dossier, settings: Settings) -> bytes:
    """The dossier as a person gets it: JSON with its schema, and a CSV for each part that holds anything."""
    document = {"$schema": f"{settings.web_url}{SCHEMA_PATH}", **dossier.as_dict()}
    files = {"everything.json": _json(document), SCHEMA_PATH: _json(schema())}
    profile = {name: value for name, value in document.items() if not _is_part(value)}
    for name, rows in {"profile": [profile], **{n: v for n, v in document.items() if _is_part(v)}}.items():
        files[f"{name}.csv"] = _csv([_flat(row) for row in rows])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def _is_part(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{inner}": text for inner, text in value.items()}
        else:
            flat[name] = " ".join(value) if isinstance(value, list) else value
    return flat


def _csv(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\r\n")  # RFC 4180
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _harmless(value: Any) -> Any:
    """A spreadsheet would run a field that begins so; a server's words may."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _particulars(row: ConsentRow) -> str:
    wanted = f"{row.cadence.value}, topics {', '.join(row.topics) or 'all'}" if row.cadence else ""
    return "".join(f"; {part}" for part in (wanted, row.page, row.detail) if part)


def show(store: Store, settings: Settings, address: str) -> Dossier:
    """Everything that is kept about *address*. Raises `AddressError`."""
    email_key = parse_address(address).key
    keys = load_keys(settings.state_dir, "suppression")
    with store.reading() as connection:
        return collect(connection, email_key, keys)


def collect(connection: Connection, email_key: str, keys: Keys) -> Dossier:
    """Everything that is kept about this canonical address."""
    person = subscribers.find(connection, email_key)
    waiting = [row for row in signups.waiting_for(connection, email_key) if _same(row.email, email_key)]
    about: dict[str, Any] = {
        "known": person is not None,
        "suppressed": suppressions.reason(connection, keys, email_key),
        "signups": [
            SignupRow(
                at=row.at,
                cadence=row.choice.cadence,
                topics=sorted(row.choice.topics),
                method=row.evidence.method,
            )
            for row in waiting
        ],
    }
    return Dossier(**about, **(_everything(connection, person) if person else {}))


def _everything(connection: Connection, person: Subscriber) -> dict[str, Any]:
    raw = bounces.raw_of(connection, person.id)
    return {
        "email": person.email,
        "cadence": person.choice.cadence,
        "topics": sorted(person.choice.topics),
        "confirmed_at": person.confirmed_at,
        "state": person.state,
        "paused_until": person.paused_until,
        "created_at": person.created_at,
        "ref": person.ref,
        "consents": [_consent(row) for row in consents.of(connection, person.id)],
        "deliveries": [LetterRow.model_validate(row) for row in subscribers.received(connection, person.id)],
        "notices": [NoticeRow.model_validate(row) for row in notices.of(connection, person.id)],
        "confirmations": [
            QuestionRow(
                cadence=row.choice.cadence,
                topics=sorted(row.choice.topics),
                asked_at=row.asked_at,
                expires_at=row.expires_at,
                used_at=row.used_at,
            )
            for row in confirmations.of(connection, person.id)
        ],
        "requests": [RequestRow.model_validate(row) for row in requests.of(connection, person.id)],
        "bounces": [
            BounceRow(
                at=row.at,
                origin=row.origin,
                kind=row.kind,
                category=row.category,
                status=row.status,
                code=row.code,
                diagnostic=row.diagnostic,
                action=row.action,
                raw=raw[row.id].decode("utf-8", "replace") if row.id in raw else None,
            )
            for row in bounces.of(connection, person.id)
        ],
    }


def _consent(row: Consent) -> ConsentRow:
    return ConsentRow(
        event=row.event,
        at=row.at,
        method=row.method,
        cadence=row.choice.cadence if row.choice else None,
        topics=sorted(row.choice.topics) if row.choice else [],
        page=row.page,
        wording=row.wording,
        language=row.language,
        detail=row.detail,
        trace=TraceRow.model_validate(row.trace) if row.trace else None,
    )


# --- erasing it -----------------------------------------------------------------------------------------------------------------


def erase(store: Store, settings: Settings, address: str, *, now: dt.datetime) -> bool:
    """Delete every trace of *address*; False when there was none.

    Kept are the consents, under a random number, and the keyed hash that stops an import from bringing the address back. Raises
    `AddressError`, and `StoreBusy` when somebody reads without a pause and the database's journal keeps what was deleted.
    """
    email_key = parse_address(address).key
    keys = load_keys(settings.state_dir, "suppression")
    with store.writing() as connection:
        subscriber = subscribers.find(connection, email_key)
        found = erase_rows(connection, email_key, Evidence(Method.COMMAND), keys=keys, now=now)
    if not sweep(store, settings, email_key, ref=subscriber.ref if subscriber else ""):
        raise StoreBusy(JOURNAL_HELD)
    return found


def erase_rows(connection: Connection, email_key: str, evidence: Evidence, *, keys: Keys, now: dt.datetime) -> bool:
    """Erase this canonical address in the database; False when it was not there. Afterwards, call `sweep`."""
    waiting = [row.id for row in signups.waiting_for(connection, email_key) if _same(row.email, email_key)]
    signups.delete(connection, waiting)
    subscriber = subscribers.find(connection, email_key, lock=True)
    if subscriber is None:
        suppressions.add(connection, keys, email_key, Reason.ERASED, now=now)
    else:
        lifecycle.erase(connection, subscriber.ref, evidence, key=keys, now=now)
    return bool(subscriber or waiting)


def sweep(store: Store, settings: Settings, email_key: str, *, ref: str) -> bool:
    """After the erasure of this canonical address is committed: its letters in the outbox, what was written down about letters to
    the subscriber *ref* that could not be made, and the database's journal.

    False when somebody reads without a pause, and the journal still holds it.
    """
    assert settings.outbox_dir is not None
    forget_letters(Path(settings.outbox_dir), lambda recipient: _same(recipient, email_key))
    if ref:
        for file in (settings.state_dir / "quarantine").glob(f"*-{ref}.txt"):
            file.unlink(missing_ok=True)
    return subscribers.forget_journal(store)


def _same(email: str, email_key: str) -> bool:
    try:
        return parse_address(email).key == email_key
    except AddressError:
        return False
