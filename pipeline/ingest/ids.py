"""Names that we make: of publishers that do not say theirs, and ids of sources, feeds and quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from pipeline.library.new import plain_words

# Words that tell one publisher or quote from another as little as any.
_FILLERS: Final = frozenset(
    "a an and are as at be by company corporation for from group has have in inc is it its limited ltd of on or our that the their "
    "this to was were which with".split()
)
MOST_NAMED: Final = 12  # sources in a command that we print


def host_name(url: str) -> str:
    """What to call a publisher that does not say its name."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


def free_id(wanted: str, taken: set[str]) -> str:
    """*wanted*, or with a number behind it where that is *taken*."""
    number = 2
    id_ = wanted
    while id_ in taken:
        id_ = f"{wanted}-{number}"
        number += 1
    return id_


def name_of(text: str, *, words: int, length: int) -> str:
    """The first *words* of *text* that say something, as part of an id; empty where it has no letter of ours.

    Of a host that has a number and no name, ``host-127-0-0-1``: the first words of a number say nothing.
    """
    with suppress(ValueError):
        number = str(ip_address(text.strip().strip("[]")))
        return f"host-{re.sub('[.:]+', '-', number).strip('-')}"[:length].strip("-")
    plain = plain_words(text)
    telling = [word for word in plain if word not in _FILLERS] or plain
    return "-".join(telling[:words])[:length].strip("-")


def refresh_command(ids: Iterable[str]) -> str:
    """What an editor runs to take the copies of new sources; of very many, it takes all that are missing."""
    named = list(ids)
    return " ".join(["opensignal sources refresh", *(named if len(named) <= MOST_NAMED else ())])
