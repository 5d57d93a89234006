"""What CSL-JSON, BibTeX and RIS have in common of a work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_PARTIAL_DATE: Final = re.compile(r"(\d{4})(?:[-/](\d{1,2}))?(?:[-/](\d{1,2}))?(?:[T /].*)?")


@dataclass(frozen=True, slots=True)
class Name:
    """Of a person, in two parts, or of anybody as it is written."""

    family: str = ""
    given: str = ""
    literal: str = ""

    def __str__(self) -> str:
        return self.literal or " ".join(filter(None, (self.given, self.family)))


@dataclass(frozen=True, slots=True)
class Item:
    """One work; what is not known of it is empty."""

    id: str
    type: str = "webpage"  # as CSL calls it
    title: str = ""
    authors: tuple[Name, ...] = ()
    publisher: str = ""
    container: str = ""
    issued: str = ""  # 2026, 2026-02 or 2026-02-26
    accessed: str = ""
    url: str = ""
    doi: str = ""
    ours: Mapping[str, str] = field(default_factory=dict)  # what only we know: tier, via, licence, redistribute, sample
    line: int = field(default=0, compare=False)  # of the file it was read from; 0 where that has none


@dataclass(frozen=True, slots=True)
class Slip:
    """What could not be read, at a line of the file."""

    line: int
    message: str


def partial_date(year: str, month: str = "", day: str = "") -> str:
    """2026, 2026-02 or 2026-02-26, as far as its parts go; empty where the year is none."""
    if not re.fullmatch(r"\d{4}", year):
        return ""
    parts = [year]
    for part in (month, day):
        if not re.fullmatch(r"\d{1,2}", part) or not int(part):
            break
        parts.append(f"{int(part):02}")
    return "-".join(parts)


def date_in(text: str) -> str:
    """The date that *text* begins with, as `partial_date` gives it."""
    found = _PARTIAL_DATE.fullmatch(text.strip())
    return partial_date(found[1], found[2] or "", found[3] or "") if found else ""


def person(text: str) -> Name:
    """``Lehto, Aino`` in its parts; a name without a comma as it is."""
    family, comma, given = text.partition(",")
    return Name(family.strip(), given.strip()) if comma and given.strip() else Name(literal=text.strip())
