"""What servers say of their answers: how long to wait, how long it stays fresh, and what a status means. Pure functions."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from collections.abc import Mapping
from typing import Final

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LONGEST: Final = dt.timedelta(days=30)
_MAX_AGE: Final = re.compile(r'(?:^|[,\s])max-age="?(\d{1,9})', re.IGNORECASE)


def retry_after(value: str | None, *, now: dt.datetime) -> dt.timedelta | None:
    """How long `Retry-After` asks us to wait, as seconds or as a date (RFC 9110 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(dt.timedelta(seconds=int(value.strip()[:9])), _LONGEST)
    date = _http_date(value)
    return max(dt.timedelta(0), min(date - now, _LONGEST)) if date else None


def fresh_for(headers: Mapping[str, str], *, now: dt.datetime) -> dt.timedelta:
    """How long the answer stays fresh by `Cache-Control: max-age` less `Age`, else by `Expires` (RFC 9111 4.2)."""
    control = headers.get("Cache-Control", "")
    if "no-store" in control.lower() or "no-cache" in control.lower():
        return dt.timedelta(0)
    if match := _MAX_AGE.search(control):
        age = headers.get("Age", "0").strip()
        seconds = int(match[1]) - (int(age[:9]) if age.isdecimal() else 0)
        return max(dt.timedelta(0), min(dt.timedelta(seconds=seconds), _LONGEST))
    expires = _http_date(headers.get("Expires", ""))
    if expires is None:
        return dt.timedelta(0)
    return max(dt.timedelta(0), min(expires - (_http_date(headers.get("Date", "")) or now), _LONGEST))


def _http_date(value: str) -> dt.datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=dt.UTC) if date.tzinfo is None else date.astimezone(dt.UTC)


def status_words(status: int, wait: dt.timedelta | None) -> str:
    if wait is not None:
        return f"asks us to wait {_plain_time(wait)} ({status}); it is tried again then"
    words = {
        304: "says that nothing changed (304), though we have nothing from it; ask its owner to mend the server",
        401: "asks for a password (401); only public addresses can be fetched",
        403: "does not let us in (403); ask its owner",
        404: "not found (404); check the address",
        410: "gone for good (410); remove it, or look for its new address",
        429: "says that we ask too often (429); it is tried again later",
    }
    if status in words:
        return words[status]
    if status in REDIRECTS:
        return f"redirects without saying where ({status}); check it in a browser"
    if status >= 500:
        return f"its server fails ({status}); it is tried again later"
    return f"answers {status}, which is no page; check the address"


def _plain_time(wait: dt.timedelta) -> str:
    seconds = int(wait.total_seconds())
    return f"{seconds} seconds" if seconds < 120 else f"{seconds // 60} minutes"
