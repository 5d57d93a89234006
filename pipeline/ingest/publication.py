"""Another's publication, or one's own, read over the network: one file at a time, as `site.verify` asks for them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from pipeline import __version__
from pipeline.errors import UsageError
from pipeline.ingest.fetch import Fetcher, Limits, NotHad, Request

_ARTICLE: Final = re.compile(r"(articles/[a-z0-9-]+)(?:/(?:receipts/?)?)?(?:[?#].*)?$")
PAUSE: Final = 0.1  # seconds between two requests: it is one person's question, and it is asked once


def site_and_article(url: str) -> tuple[str, str]:
    """The address of a site, and the path of the article below it that *url* leads to; an empty one where it leads to the site."""
    site, path = _ARTICLE.sub("", url), _ARTICLE.search(url)
    return site, f"{path[1]}/" if path else ""


def read_publication(url: str, *, allow_private: bool, now: dt.datetime) -> Callable[[str], bytes | None]:
    """Reads what stands at a path below *url*; None for what is not there. Every other failure raises `FetchError`.

    Raises `UsageError` for what is no address.
    """
    if not urlsplit(url).hostname:
        raise UsageError(f"{url!r} is not the address of a site; write https://news.example.org/")
    base = url if url.endswith("/") else f"{url}/"
    fetcher = Fetcher(
        user_agent=f"OpenSignal/{__version__} (verify)", allow_private=allow_private, limits=Limits(pause=PAUSE)
    )

    def read(path: str) -> bytes | None:
        try:
            return fetcher.get(Request(base + path), now=now).body
        except NotHad as error:
            if error.status in (404, 410):
                return None
            raise

    return read
