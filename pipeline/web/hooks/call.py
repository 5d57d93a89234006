"""One call of a hook: what it brings, how it is refused, and how hostile JSON is read without surprises."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.mail.bounces.codes import classify
from pipeline.mail.bounces.intake import Finding, News
from pipeline.model import BounceClass

MOST_EVENTS = 5_000  # of one call; a provider sends some hundreds
AHEAD = dt.timedelta(minutes=5)  # how far another clock may run before ours


class Refused(Exception):
    """Not for us: the status to answer with, and why, for the log. Never with a word of what was sent."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """What a provider sent: the headers by their small names, the body's bytes as they came, and when."""

    headers: Mapping[str, str]
    body: bytes
    at: dt.datetime


class Hook(Protocol):
    """What one provider calls, and how what it sends is to be understood."""

    @property
    def name(self) -> str:
        """The last part of its address, and the origin of what it brings."""

    def read(self, call: Call) -> list[News]:
        """What the call tells. Raises `Refused` unless the provider has signed it."""


def must_be_of_now(seconds: str, call: Call, *, within: dt.timedelta) -> None:
    """Raises `Refused` unless the signed time is one of the last *within*: an old call that somebody kept is none."""
    try:
        moment = dt.datetime.fromtimestamp(int(seconds), dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise Refused(403, "its time is none") from None
    if not call.at - within <= moment <= call.at + AHEAD:
        raise Refused(403, "it is too old, or of a time to come; compare the clocks")


# --- hostile JSON: whatever is not of the kind that was asked for is an empty one --------------------------------------


def parsed(body: bytes | str) -> Any:
    """Raises `Refused` for anything but JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "it is no JSON") from None


def at(document: Any, *path: str) -> Any:
    """What stands in *document* behind these names; None where there is nothing."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def text(document: Any, *path: str) -> str:
    found = at(document, *path)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found)


def number(document: Any, *path: str) -> int:
    """An SMTP code, however it is written; 0 for anything else."""
    found = text(document, *path)
    return int(found) if found.isascii() and found.isdigit() and len(found) == 3 else 0


def code_in(words: str) -> int:
    """The SMTP code of a refusal that *words* quote; 0 where they quote none."""
    found = _CODE.search(words)
    return int(found[1]) if found else 0


_CODE = re.compile(r"(?<!\d)([45]\d\d)(?!\d)")


def items(document: Any, *path: str) -> list[Any]:
    found = at(document, *path)
    return found[:MOST_EVENTS] if isinstance(found, list) else []


def finding(
    address: str, *, code: int = 0, status: str = "", diagnostic: str = "", otherwise: BounceClass | None = None
) -> Finding:
    """What is said about one recipient; *otherwise*: what the provider calls it, where the receiver's words say nothing."""
    found = classify(code if 400 <= code < 600 else 0, status, diagnostic)
    if found is BounceClass.UNKNOWN and otherwise is not None:
        found = otherwise
    return Finding(address, found, status, code, diagnostic)


def as_bytes(event: Any) -> bytes:
    """An event, as it is kept for a person to look at."""
    try:
        return json.dumps(event, ensure_ascii=True, sort_keys=True).encode()
    except RecursionError:
        raise Refused(400, "it is nested too deep") from None


def digest(event: Any) -> str:
    """What tells an event without an id of its own from another."""
    return hashlib.sha256(as_bytes(event)).hexdigest()
