"""Where a feed that is gone may have gone to: the front page of its site offers its feeds to every reader (F7)."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from typing import Final

from pipeline.errors import FetchError
from pipeline.ingest.fetch import Answer, Fetcher, NotHad, Request
from pipeline.ingest.fetch.addresses import Place, read_url

_LOOKED_AT: Final = 2**18  # bytes of the page: the tags stand in its head
_TAG: Final = re.compile(r"<link\s([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""([\w:-]{1,40})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")
_TYPES: Final = frozenset({"application/atom+xml", "application/rss+xml", "application/feed+json"})


def new_home(fetcher: Fetcher, url: str, *, now: dt.datetime) -> str | None:
    """The address of the feed that the site of *url* offers now, if it can be had; None where there is none.

    The first that the front page names is taken: the one of all that the site has to say stands first, those of its parts after it.
    """
    try:
        gone = read_url(url, allow_private=fetcher.allow_private)
        front = fetcher.get(Request(f"{gone.origin}/", accept="text/html, */*;q=0.5", enough=_LOOKED_AT), now=now)
        for place in _offered(front, allow_private=fetcher.allow_private):
            if place.url != gone.url:
                fetcher.get(Request(place.url), now=now)
                return place.url
    except NotHad:
        return None
    return None


def _offered(page: Answer, *, allow_private: bool) -> Iterator[Place]:
    here = read_url(page.url, allow_private=allow_private)
    for tag in _links(page.body.decode("utf-8", "replace")):
        if "alternate" in tag.get("rel", "").lower().split() and tag.get("type", "").lower().strip() in _TYPES:
            try:
                yield read_url(tag.get("href", ""), base=here, allow_private=allow_private)
            except FetchError:
                continue


def _links(page: str) -> Iterator[dict[str, str]]:
    """The attributes of each link tag of *page*, found in linear time: strangers' HTML is parsed in the sandbox only."""
    for tag in _TAG.finditer(page):
        found = _ATTRIBUTE.finditer(tag[1])
        yield {part[1].lower(): html.unescape(part[2] or part[3] or part[4] or "") for part in found}
