"""Addresses in the text of a mail, however they are wrapped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# RFC 5321 lengths, so that no text makes the search long. Letters beyond ASCII are RFC 6531's; a quoted local part is one word.
ADDRESS: Final = re.compile(
    r"(?<![\w.+=/@-])(\"[^\"@\s]{1,62}\"|[\w!#$%&'*+/=?^`{|}~-][\w.!#$%&'*+/=?^`{|}~-]{0,127})@((?:[\w-]{1,63}\.){0,20}[\w-]{1,63})(?![\w@-])"
)
_BRACKETED = re.compile(r"<\s*([^<>\s@]{1,128}@[^<>\s@]{1,253})\s*>")
_ANGLES = re.compile(r"<([^<>\s]{3,500})>")
_URL = re.compile(r"<\s*(https?://[^<>\s]{1,2000})\s*>", re.IGNORECASE)
_KIND = re.compile(r"(?:dda:)?(?:smtp|rfc-?822|mailto|internet)[=:;]", re.IGNORECASE)  # X.400 gateways, and links
_MAILTO = re.compile(r"<\s*mailto:([^<>\s?]{3,320})", re.IGNORECASE)


def addresses_in(text: str) -> list[str]:
    """Every address in *text*, each once, in its order."""
    return list(dict.fromkeys(tidy(found[0]) for found in ADDRESS.finditer(text[:20_000])))


def address_of(value: str) -> str:
    """The one address that the value of a field gives; empty where it has none."""
    found = _BRACKETED.search(value[:2000]) or ADDRESS.search(value[:2000])
    return tidy(found[1] if found.re is _BRACKETED else found[0]) if found else ""


def tidy(address: str) -> str:
    address = _KIND.sub("", address.strip("<>'`.,;: "))
    return address if address.startswith('"') and '"@' in address else address.strip('"')


def same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def ids_in(values: Iterable[str]) -> list[str]:
    """The Message-IDs in the *values* of fields, without their brackets."""
    found: list[str] = []
    for value in values:
        found += _ANGLES.findall(value[:4000]) or ([value.strip()] if "@" in value and " " not in value.strip() else [])
    return list(dict.fromkeys(found))


def urls_in(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(url for value in values for url in _URL.findall(value[:4000])))


def mailtos_in(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(tidy(address) for value in values for address in _MAILTO.findall(value[:4000])))
