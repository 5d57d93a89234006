"""Send what one person's own subscription asks for: confirmation, welcome, the reminder to who is subscribed already, and the
links by which somebody gets, or erases, all that is kept about them.

    claim | write | send | judge | record, one after the other, until nothing is due
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from pipeline.config import Settings
from pipeline.errors import SendingElsewhere, TransportError
from pipeline.keys import load_keys
from pipeline.mail import tokens, verp
from pipeline.mail.compose import CADENCE_WORDS, must_have_an_address, why
from pipeline.mail.copies import unmade
from pipeline.mail.deliver import Clock, judged
from pipeline.mail.dkim import Signer
from pipeline.mail.headers import Links, list_headers, question_headers
from pipeline.mail.judge import NOTICES_LIVE_FOR, Outcome, Trial, judge_refusal_of_us
from pipeline.mail.layout import render_html, render_subject, render_text
from pipeline.mail.message import build_message
from pipeline.mail.smtp import Answer, CannotMake, Copy, dot_stuffed
from pipeline.mail.stamp import BLANKS, Stamp, message_id
from pipeline.mail.tokens import Purpose
from pipeline.mail.transport import Connection, LineBroken, Transport, refusal_of_us
from pipeline.mail.verp import About, Kind
from pipeline.model import DeliveryStatus, Reply
from pipeline.store import Connection as StoreConnection
from pipeline.store import Store, notices, workers
from pipeline.store.claims import bury
from pipeline.store.notices import ClaimedNotice, NoticeKind

ANSWERS = (NoticeKind.CONFIRM, NoticeKind.EXPORT, NoticeKind.ERASE)
SILENT = "another process took these notices over, because this one was silent for too long; it goes on there"


def send_notices(store: Store, settings: Settings, transport: Transport, *, clock: Clock) -> Counter[DeliveryStatus]:
    """Send every notice that is due. Returns how many ended in which state.

    Raises `TransportError` when the server cannot be reached, `SettingsError` without a postal address or a key to sign with; what
    is due stays due. It does not handle sign-ups: `signups` does.
    """
    tally: Counter[DeliveryStatus] = Counter()
    with store.reading() as connection:
        if not notices.any_due(connection, now=clock()):
            return tally
    must_have_an_address(settings)
    token_keys, signer = load_keys(settings.state_dir, "token"), Signer.load(settings)
    line = transport.connect()  # before anything is claimed
    worker = _sign_on(store, clock)
    try:
        while notice := _claim(store, worker, clock):
            if not line.is_open:
                line.close()
                line = transport.connect()
            # What was begun under a key is tried again under it: a repeat has the same bytes (M-08).
            key = token_keys.as_of(notice.created_at)

            def make(notice: ClaimedNotice = notice, key: bytes = key) -> bytes:
                message = write_notice(notice, settings, token_key=key)
                return signer.sign(message) if signer else message

            sender = verp.return_path(
                token_keys,
                About(Kind.NOTICE, notice.ref, notice.id),
                domain=settings.bounce_domain,
                otherwise=settings.envelope_sender,
            )
            answer = _send(line, sender, notice.email, make)
            tally[_record(store, worker, notice, answer, clock=clock)] += 1
            if isinstance(answer, Answer) and answer.concerns_us:
                raise TransportError(refusal_of_us(transport.name, answer))
    finally:
        line.close()
        with store.writing() as connection:
            workers.leave(connection, worker)
    return tally


def write_notice(notice: ClaimedNotice, settings: Settings, *, token_key: bytes) -> bytes:
    """The whole message. Nothing that a visitor typed stands in it, the address on its header line excepted (M-41)."""
    kind = notice.kind
    asked = notice.asked_at or notice.created_at
    links = Links(
        unsubscribe=f"{settings.web_url}unsubscribe/{tokens.sign(token_key, Purpose.UNSUBSCRIBE, notice.ref)}",
        preferences=f"{settings.web_url}preferences/{tokens.sign(token_key, Purpose.PREFERENCES, notice.ref)}",
        how=f"{settings.site_url}how-this-is-made/",
        cadence=notice.cadence,
    )
    values: dict[str, object] = {
        "host": urlsplit(settings.site_url).netloc,
        "when": f"{asked.day} {asked:%B %Y} at {asked:%H:%M} UTC",
        "cadence": CADENCE_WORDS[notice.cadence],
        "why": why(notice.cadence, settings),
        "links": _links(notice, settings, token_key) or links,
    }
    subject = render_subject(kind, settings, values)
    message = build_message(
        sender=(settings.sender_name, settings.sender_address),
        to=BLANKS["recipient"],
        subject=subject,
        text=render_text(kind, settings, values),
        html=render_html(kind, settings, {**values, "subject": subject}),
        date=notice.created_at,
        message_id=f"<{BLANKS['message_id']}@{settings.sender_address.rpartition('@')[2]}>",
        # An answer to one question is no list mail: there is nothing to unsubscribe from.
        headers=question_headers(settings, kind=kind)
        if kind in ANSWERS
        else list_headers(settings, links, about="notice", kind=kind, by_rule=True),
    )
    stamp = Stamp(message, issue_key=f"notice-{notice.id}", token_key=token_key)
    return stamp.copy_for(email=notice.email, ref=notice.ref, confirmed_at=notice.confirmed_at)


def confirmation_id(connection: StoreConnection, ref: str, settings: Settings) -> str | None:
    """The Message-ID of the letter that asked the question *ref*."""
    asked = notices.that_asked(connection, ref)
    if asked is None:
        return None
    number, subscriber, created_at = asked
    key = load_keys(settings.state_dir, "token").as_of(created_at)
    left = message_id(key, f"notice-{number}", subscriber)
    return f"<{left}@{settings.sender_address.rpartition('@')[2]}>"


def _links(notice: ClaimedNotice, settings: Settings, token_key: bytes) -> dict[str, str]:
    """The links of a letter that asks or answers one question; none for the others."""
    if notice.kind is NoticeKind.CONFIRM:
        refs = {Purpose.CONFIRM: notice.confirmation, Purpose.DECLINE: notice.confirmation}
    elif notice.kind in ANSWERS:
        refs = {Purpose(notice.kind.value): notice.request}
    else:
        return {}
    return {
        purpose.value: f"{settings.web_url}{purpose.value}/{tokens.sign(token_key, purpose, ref)}"
        for purpose, ref in refs.items()
        if ref
    }


def _sign_on(store: Store, clock: Clock) -> int:
    now = clock()
    with store.writing() as connection:
        worker = workers.register(connection, task="notices", now=now)
        _, dead = workers.others(connection, worker, now=now)
        bury(connection, dead, now=now)
    return worker


def _claim(store: Store, worker: int, clock: Clock) -> ClaimedNotice | None:
    with store.writing() as connection:
        if not workers.renew(connection, worker, now=clock()):
            raise SendingElsewhere(SILENT)
        return notices.claim(connection, worker, now=clock())


def _send(line: Connection, sender: str, recipient: str, make: Callable[[], bytes]) -> Answer | LineBroken | CannotMake:
    try:
        return line.carry(Copy(sender, recipient, make, lambda: dot_stuffed(make())))
    except (LineBroken, CannotMake) as error:
        return error


def _record(
    store: Store, worker: int, notice: ClaimedNotice, answer: Answer | LineBroken | CannotMake, *, clock: Clock
) -> DeliveryStatus:
    now = clock()
    outcome, reply = _judged(answer, Trial(notice.attempts, notice.created_at, NOTICES_LIVE_FOR), now=now)
    with store.writing() as connection:
        counted = notices.record(connection, worker, notice.id, outcome.status, reply, next_at=outcome.next_at, now=now)
    if not counted:
        raise SendingElsewhere(SILENT)
    return outcome.status


def _judged(answer: Answer | LineBroken | CannotMake, trial: Trial, *, now: dt.datetime) -> tuple[Outcome, Reply]:
    if isinstance(answer, CannotMake):  # one person's row; it must not hold up all behind it
        return Outcome(DeliveryStatus.QUARANTINED), unmade(answer)
    if isinstance(answer, Answer) and answer.concerns_us:
        return judge_refusal_of_us(answer.reply, trial, now=now), answer.reply
    return judged(answer if isinstance(answer, LineBroken) else answer.reply, trial, now=now)
