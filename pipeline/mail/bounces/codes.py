"""What a refusal means: `classify` alone, for replies in our own SMTP sessions and for bounces that come later (M-25).

All that is known of codes and words stands in `classes.toml` beside this file; here is only the order in which it is asked.
Pure and quick: no network, database or clock.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.model import BounceClass

_MOST_TEXT: Final = 4000  # characters looked at: a reply has 512 octets a line (RFC 5321 4.5.3.1.5), and few lines

_ADDRESS = re.compile(r"<?[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,253}>?|<[^<>@\s]{1,253}@[^<>\s]{1,253}>")
_CODES_IN_TEXT = re.compile(
    r"(?<![\d.])([45])\d\d[ -]+#?([45]\.\d{1,3}\.\d{1,3})\b|(?<![\d.])([45]\.\d{1,3}\.\d{1,3})\b(?!\.)"
)
_REPLY_IN_TEXT = re.compile(r"(?<![\d.:/-])([45][0-5]\d)(?=[ -][^\d.]|[ -][45]\.\d|$)")
_CONTINUED = re.compile(
    r"(?<![\d.])[245]\d\d-(?:[245]\.\d{1,3}\.\d{1,3})?|(?<![\d.])[245]\d\d [245]\.\d{1,3}\.\d{1,3}\b"
)
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    bounce_class: BounceClass
    first: str = ""  # the digit that reply or status must begin with
    statuses: frozenset[str] = frozenset()  # without their first digit; none: any


@dataclass(frozen=True, slots=True)
class _Table:
    phrases: tuple[_Rule, ...]
    hints: tuple[_Rule, ...]
    statuses: Mapping[str, BounceClass]
    replies: Mapping[int, BounceClass]


def classify(code: int, enhanced: str, text: str) -> BounceClass:
    """Tell whom or what a refusal is about.

    *code* is the SMTP reply (0: unknown), *enhanced* its status (RFC 3463, or empty), *text* the words, in which codes are found
    too where the other two say nothing. The answer for an accepted mail has no meaning.
    """
    words = _words(text)
    code = code or _reply_in(text)
    status = _telling(enhanced, text)
    first = str(code)[0] if code else status[:1]
    found = _ask(words, code, status.partition(".")[2], first)
    if found in (BounceClass.ADDRESS, BounceClass.DOMAIN) and first == "4":
        return BounceClass.UNKNOWN  # "not now" says nothing for ever: a 450 "user unknown" is an outage of a directory
    return found


def _ask(words: str, code: int, status: str, first: str) -> BounceClass:
    for rule in _TABLE.phrases:
        if rule.first in ("", first) and rule.pattern.search(words):
            if rule.bounce_class is BounceClass.ADDRESS and code == 556:  # RFC 7505: the domain, whatever else is said
                return BounceClass.DOMAIN
            return rule.bounce_class
    if code == 556:
        return BounceClass.DOMAIN
    by_status = _by_status(status)
    if by_status not in (None, BounceClass.UNKNOWN):
        hint = _hint(words, status, only_named=True)
        return hint or by_status or BounceClass.UNKNOWN
    return _hint(words, status) or _TABLE.replies.get(code) or by_status or BounceClass.UNKNOWN


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
    return _BLANKS.sub(" ", _ADDRESS.sub(" ", text)).strip().lower()


def _telling(enhanced: str, text: str) -> str:
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
    data = tomllib.loads(Path(__file__).with_name("classes.toml").read_text(encoding="utf-8"))
    return _Table(
        phrases=tuple(_rule(row) for row in data["phrases"]),
        hints=tuple(_rule(row) for row in data["hints"]),
        statuses={status: BounceClass(name) for status, name in data["statuses"].items()},
        replies={int(code): BounceClass(name) for code, name in data["replies"].items()},
    )


def _rule(row: dict[str, Any]) -> _Rule:
    pattern = re.compile("|".join(f"(?:{phrase})" for phrase in row["any"]))
    return _Rule(pattern, BounceClass(row["class"]), row.get("first", ""), frozenset(row.get("statuses", ())))


_TABLE: Final = _load()
