"""What a refusal means: `classify` alone, for replies in our own SMTP sessions and for bounces that come later (M-25).

All that is known of codes and words stands in `classes.toml` beside this file; here is only the order in which it is asked.
Pure and quick: no network, database or clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pipeline.mail.bounces.words import any_of, load
from pipeline.model import BounceClass

_MOST_TEXT: Final = 4000  # characters looked at: a reply has 512 octets a line (RFC 5321 4.5.3.1.5), and few lines

_FOR_EVER: Final = (BounceClass.ADDRESS, BounceClass.DOMAIN)
_SYNTAX: Final = range(500, 505)  # about a command: an "invalid address" may be the sender's
_NULL_MX: Final = 556  # RFC 7505, and RFC 7504: the domain takes no mail, whatever else is said

_ADDRESS = re.compile(r"<?[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,253}>?|<[^<>@\s]{1,253}@[^<>\s]{1,253}>")
_CODES_IN_TEXT = re.compile(
    r"(?<![\d.])([45])\d\d[ -]+#?([45]\.\d{1,3}\.\d{1,3})\b|(?<![\d.])([45]\.\d{1,3}\.\d{1,3})\b(?!\.)"
)
_REPLY_IN_TEXT = re.compile(r"(?<![\d.:/-])([45][0-5]\d)(?=[ -][^\d.]|[ -][45]\.\d|$)")
_CONTINUED = re.compile(
    r"(?<![\d.])[245]\d\d-(?:[245]\.\d{1,3}\.\d{1,3})?|(?<![\d.])[245]\d\d [245]\.\d{1,3}\.\d{1,3}\b"
)
_EMPTY = re.compile(r"\[\s*\]|\(\s*\)|<\s*>|\"\s*\"|'\s*'")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    bounce_class: BounceClass
    first: str = ""  # the digit that reply or status must begin with
    statuses: frozenset[str] = frozenset()  # without their first digit; none: any
    doubts: bool = False  # whether it makes a code that says "dead" doubtful


@dataclass(frozen=True, slots=True)
class _Table:
    phrases: tuple[_Rule, ...]
    hints: tuple[_Rule, ...]
    statuses: Mapping[str, BounceClass]
    replies: Mapping[int, BounceClass]
    of_senders: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ground:
    """A class, and whether words decided it: words outweigh codes, and so one text another that has none."""

    bounce_class: BounceClass
    by_words: bool


def classify(code: int, enhanced: str, text: str) -> BounceClass:
    """Tell whom or what a refusal is about.

    *code* is the SMTP reply (0: unknown), *enhanced* its status (RFC 3463, or empty), *text* the words, in which codes are found
    too where the other two say nothing. The answer for an accepted mail has no meaning.
    """
    return ground(code, enhanced, text).bounce_class


@lru_cache(maxsize=2048)  # a receiver in trouble says the same of every letter
def ground(code: int, enhanced: str, text: str) -> Ground:
    """`classify`, and on what ground."""
    words = _words(text)
    code = code or _reply_in(text)
    status = telling(enhanced, text)
    first = str(code)[0] if code else status[:1]
    statuses = {status, *(found[2] or found[3] for found in _CODES_IN_TEXT.finditer(text[:_MOST_TEXT]))}
    found = _ask(words, code, status.partition(".")[2], {one.partition(".")[2] for one in statuses}, first)
    if found.bounce_class in _FOR_EVER and first == "4":
        return Ground(BounceClass.UNKNOWN, found.by_words)  # a 450 "user unknown" is a directory that is out of order
    return found


def _ask(words: str, code: int, status: str, statuses: set[str], first: str) -> Ground:
    by_status = _by_status(status)
    for rule in _TABLE.phrases:
        if rule.first in ("", first) and rule.pattern.search(words):
            found = rule.bounce_class
            if found in _FOR_EVER and _contradicts(words, statuses):
                found = BounceClass.POLICY
            elif found in _FOR_EVER and code in _SYNTAX and not any(one.startswith("1.") for one in statuses):
                found = BounceClass.UNKNOWN
            elif found is BounceClass.ADDRESS and code == _NULL_MX:
                found = BounceClass.DOMAIN
            return Ground(found, by_words=True)
    if code == _NULL_MX:
        return Ground(BounceClass.DOMAIN, by_words=False)
    settled = by_status not in (None, BounceClass.UNKNOWN)
    hint = _hint(words, status, only_named=settled)
    if (
        hint is None
        and by_status in _FOR_EVER
        and any(rule.doubts and rule.pattern.search(words) for rule in _TABLE.hints)
    ):
        return Ground(BounceClass.UNKNOWN, by_words=False)
    return Ground(
        hint or (by_status if settled else None) or _TABLE.replies.get(code) or by_status or BounceClass.UNKNOWN,
        by_words=False,
    )


def _contradicts(words: str, statuses: set[str]) -> bool:
    """True where a status is about the sender, or about security with words that fit: then "unknown" is no recipient's."""
    if statuses & _TABLE.of_senders:
        return True
    return any(status.startswith("7.") for status in statuses) and any(
        rule.pattern.search(words) for rule in _TABLE.hints if rule.bounce_class is BounceClass.POLICY
    )


def _by_status(status: str) -> BounceClass | None:
    if not status or status == "0.0":
        return None
    return _TABLE.statuses.get(status) or _TABLE.statuses.get(status.partition(".")[0])


def _hint(words: str, status: str, *, only_named: bool = False) -> BounceClass | None:
    for rule in _TABLE.hints:
        if (status in rule.statuses if rule.statuses else not only_named) and rule.pattern.search(words):
            return rule.bounce_class
    return None


def _words(text: str) -> str:
    """*text* as the table's phrases are written: small letters, single blanks, no addresses, no codes of continued lines."""
    text = _CONTINUED.sub(" ", text[:_MOST_TEXT].replace("’", "'").replace("`", "'"))
    text = _EMPTY.sub(" ", _ADDRESS.sub(" ", text.replace("_", " ")))
    return _BLANKS.sub(" ", text).strip().lower()


def telling(enhanced: str, text: str) -> str:
    """The status that says most: *enhanced* itself, or one in *text* where that says nothing (x.0.0)."""
    enhanced = enhanced.strip()
    if enhanced and not enhanced.endswith(".0.0"):
        return enhanced
    for found in _CODES_IN_TEXT.finditer(text[:_MOST_TEXT]):
        status = found[2] or found[3]
        if not status.endswith(".0.0"):
            return status
    return enhanced


def _reply_in(text: str) -> int:
    found = _REPLY_IN_TEXT.search(text[:_MOST_TEXT])
    return int(found[1]) if found else 0


def _load() -> _Table:
    data = load("classes.toml")
    return _Table(
        phrases=tuple(_rule(row) for row in data["phrases"]),
        hints=tuple(_rule(row) for row in data["hints"]),
        statuses={status: BounceClass(name) for status, name in data["statuses"].items()},
        of_senders=frozenset(data["senders"]["statuses"]),
        replies={int(code): BounceClass(name) for code, name in data["replies"].items()},
    )


def _rule(row: dict[str, Any]) -> _Rule:
    return _Rule(
        any_of(row["any"]),
        BounceClass(row["class"]),
        row.get("first", ""),
        frozenset(row.get("statuses", ())),
        row.get("doubts", False),
    )


_TABLE: Final = _load()
