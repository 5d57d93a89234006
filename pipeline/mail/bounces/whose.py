"""Whom a mail or an event is about: only what we have signed ourselves can say it, in this order (M-24).

1. the address that the mail came to, or that the letter had left from (VERP)
2. an unsubscribe link or address in what came back of the letter
3. its Message-ID, together with the recipient's address

An address alone says nothing: anybody can write a mail that names one.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import AddressError, TokenError
from pipeline.keys import KeyRing, live
from pipeline.mail import tokens, verp
from pipeline.mail.addresses import LONGEST, parse_address
from pipeline.mail.stamp import message_id
from pipeline.mail.tokens import Purpose
from pipeline.model import Subscriber
from pipeline.store import Connection, bounces, issues, subscribers
from pipeline.store.bounces import Sent

MOST = 50  # clues of a kind that are looked at: a mail may hold any number
MOST_LETTERS = 200  # to one person, newest first: what comes back is of the last days

_SIGNED_LOCAL = re.compile(rf"(?<![a-z0-9-])(?:{verp.SHAPE})(?=@|%40)", re.IGNORECASE)
_LINK = re.compile(rf"/unsubscribe/([0-9a-f]{{{tokens.TOKEN_LENGTH}}})(?![0-9a-f])", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"(?<![\w.-])(?:([a-z0-9][a-z0-9._-]{0,120})\.)?([0-9a-f]{32})@[^\s<>@]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clues:
    """Where something of ours may stand. Texts are looked through for it."""

    came_to: tuple[str, ...] = ()  # To, Delivered-To, X-Original-To, Envelope-To of the mail itself
    returned: tuple[str, ...] = ()  # of the letter: its envelope sender and List-Unsubscribe, as far as they came back
    message_ids: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()  # addresses that it is said to be about


@dataclass(frozen=True, slots=True)
class About:
    """The subscriber that a signature names, and the issue of the letter where that is known."""

    subscriber: Subscriber
    issue_id: int | None = None


def asks_to_leave(keys: KeyRing, clues: Clues) -> str | None:
    """The ref of the subscriber whose unsubscribe address the mail came to, if it is one (M-20)."""
    found = (about for about in _signed(keys, clues.came_to) if about.kind is verp.Kind.LEAVE)
    return next((about.ref for about in found), None)


def about(connection: Connection, keys: KeyRing, clues: Clues) -> About | None:
    """Whom it is about; None where nothing signed says it."""
    for named in _signed(keys, (*clues.came_to, *clues.returned)):
        if person := subscribers.by_ref(connection, named.ref):
            issue = issues.by_id(connection, named.number) if named.kind is verp.Kind.LETTER else None
            return About(person, issue.id if issue else _issue(connection, keys, clues, person))
    for ref in _linked(keys, clues.returned):
        if person := subscribers.by_ref(connection, ref):
            return About(person, _issue(connection, keys, clues, person))
    return _by_message_id(connection, keys, clues)


def _signed(keys: KeyRing, texts: Iterable[str]) -> list[verp.About]:
    found = []
    for local in _matches(_SIGNED_LOCAL, texts):
        try:
            found.append(verp.read(keys, local))
        except TokenError:
            continue
    return found


def _linked(keys: KeyRing, texts: Iterable[str]) -> list[str]:
    refs = []
    for token in _matches(_LINK, texts, group=1):
        try:
            refs.append(tokens.read(keys, Purpose.UNSUBSCRIBE, token))
        except TokenError:
            continue
    return refs


def _matches(pattern: re.Pattern[str], texts: Iterable[str], *, group: int = 0) -> list[str]:
    found = dict.fromkeys(match[group] for text in texts for match in pattern.finditer(text))
    return list(found)[:MOST]


def _by_message_id(connection: Connection, keys: KeyRing, clues: Clues) -> About | None:
    """The recipient for whom we made the Message-ID, among those that it is said to be about."""
    if not _message_ids(clues):
        return None
    for recipient in clues.recipients[:MOST]:
        if len(recipient) > LONGEST:
            continue
        try:
            person = subscribers.find(connection, parse_address(recipient).key)
        except AddressError:
            continue
        if person is None:
            continue
        sent = _made_for(connection, keys, clues, person)
        if sent is not None:
            return About(person, sent.issue_id)
    return None


def _issue(connection: Connection, keys: KeyRing, clues: Clues, person: Subscriber) -> int | None:
    """The issue that a Message-ID made for this person names."""
    sent = _made_for(connection, keys, clues, person)
    return sent.issue_id if sent else None


def _made_for(connection: Connection, keys: KeyRing, clues: Clues, person: Subscriber) -> Sent | None:
    """The letter to this person whose Message-ID is among the clues."""
    found = _message_ids(clues)
    if not found:
        return None
    for letter in bounces.sent_to(connection, person.id, limit=MOST_LETTERS):
        marks = [mark for key, mark in found if key in ("", letter.key.lower())]
        if marks and _is_ours(keys, letter.key, marks, person.ref):
            return letter
    return None


def _message_ids(clues: Clues) -> list[tuple[str, str]]:
    """Issue key (empty where it stands not there) and mark of each Message-ID that has our form."""
    found = (match for text in clues.message_ids[:MOST] for match in _MESSAGE_ID.finditer(text[:1_000]))
    return [((match[1] or "").lower(), match[2].lower()) for match in found][:MOST]


def _is_ours(keys: KeyRing, key: str, marks: list[str], ref: str) -> bool:
    made = [message_id(secret, key, ref) for secret in live(keys)]
    return any(hmac.compare_digest(mark, ours) for mark in marks for ours in made)
