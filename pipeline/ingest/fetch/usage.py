"""What a server says of the use of its answers by machines (F9), as short lines to be kept with what was fetched.

    content-usage: train-ai=n               the header of the IETF's AIPREF drafts
    tdm-reservation: 1, tdm-policy: ...     the TDM Reservation Protocol, as headers
    robots content-usage: train-ai=n        a rule of robots.txt (AIPREF; `robots` finds it)
    robots: noai                            of the X-Robots-Tag header only such words

What a page says of itself in its tags is found where pages are read (`ingest.extract`). Nothing is decided here: reading and
quoting is one thing, training and drafting another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_SAID_BY_NAME: Final = ("content-usage", "tdm-reservation", "tdm-policy")
_WORDS: Final = re.compile(r"\b(noai|noimageai)\b", re.IGNORECASE)
_LONGEST: Final = 200  # characters of a line
_MOST: Final = 12  # lines


def usage_of(headers: Mapping[str, str], *, robots: tuple[str, ...]) -> tuple[str, ...]:
    """All that is said of one answer, each line once, in the order of the list above."""
    said = [f"{name}: {headers[name]}" for name in _SAID_BY_NAME if name in headers]
    said += [f"robots content-usage: {line}" for line in robots]
    said += [f"robots: {word}" for word in _WORDS.findall(headers.get("X-Robots-Tag", ""))]
    return tuple(dict.fromkeys(_one_line(line) for line in said))[:_MOST]


def _one_line(line: str) -> str:
    plain = "".join(c if " " <= c <= "~" else " " for c in line.lower())
    return " ".join(plain.split())[:_LONGEST]
