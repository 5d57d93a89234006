"""Dates in words and figures, the same on every machine whatever its locale is."""

from __future__ import annotations

import datetime as dt
import re

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)  # not strftime: its names follow the machine's locale


def date_words(date: dt.date) -> str:
    """20 November 2026."""
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def short_date(date: dt.date) -> str:
    """20 Nov 2026."""
    return f"{date.day} {MONTHS[date.month - 1][:3]} {date.year}"


def timestamp(moment: dt.datetime) -> str:
    """2026-11-20T06:30:00Z: the moment in UTC, to the second (RFC 3339)."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def partial_date_words(text: str, *, short: bool = False) -> str:
    """A date as sources carry it (2026, 2026-02 or 2026-02-26), in words, *short* as in 26 Feb 2026; anything else as it is."""
    match = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", text)
    if not match or not 1 <= int(match[2] or 1) <= 12:
        return text
    year, month, day = match[1], match[2], match[3]
    named = MONTHS[int(month) - 1][: 3 if short else None] if month else ""
    parts = (str(int(day)) if day else "", named, year)
    return " ".join(part for part in parts if part)
