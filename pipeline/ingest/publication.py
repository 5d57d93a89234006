"""Another's publication, or one's own, read over the network: one file at a time, as `site.verify` asks for them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from pipeline import __version__
from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.ingest.fetch import Fetcher, Limits, NotHad, Request, user_agent
from pipeline.ingest.fetch.robots import AGENT

_ARTICLE: Final = re.compile(r"(articles/[a-z0-9-]+)(?:/(?:receipts/?)?)?(?:[?#].*)?$")
PAUSE: Final = 0.1  # seconds between two requests: it is one person's question, and it is asked once


def site_and_article(url: str) -> tuple[str, str]:
    """The address of a site, and the path of the article below it that *url* leads to; an empty one where it leads to the site."""
    site, path = _ARTICLE.sub("", url), _ARTICLE.search(url)
    return site, f"{path[1]}/" if path else ""


def read_publication(
    url: str, *, allow_private: bool, now: dt.datetime, own: Settings | None = None
) -> Callable[[str], bytes | None]:
    """Reads what stands at a path below *url*; None for what is not there. Every other failure raises `FetchError`.

    Who asks is told by the settings of one's *own* newsletter, as when feeds are read (F10). A reader who has none is known by what
    is looked up: its publisher is the one whose log it stands in. Raises `UsageError` for what is no address.
    """
    if not urlsplit(url).hostname:
        raise UsageError(f"{url!r} is not the address of a site; write https://news.example.org/")
    base = url if url.endswith("/") else f"{url}/"
    agent = user_agent(own) if own else f"{AGENT}/{__version__} (+{base}; a reader who looks up what you publish)"
    fetcher = Fetcher(user_agent=agent, allow_private=allow_private, limits=Limits(pause=PAUSE))

    def read(path: str) -> bytes | None:
        try:
            return fetcher.get(Request(base + path), now=now).body
        except NotHad as error:
            if error.status in (404, 410):
                return None
            raise

    return read
