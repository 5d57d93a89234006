"""The stored copy of a page that an article rests on: fetched, its text extracted, kept under the hash of that text.

The one place that knows trafilatura. The text is stored one paragraph a line, each line in the normal form N (`library.quotes`) in
which quotes are looked for, so that editors can compare two copies line by line. The SHA-256 of the file is its name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Final

from pipeline.errors import FetchError
from pipeline.ingest.clean import one_line
from pipeline.ingest.fetch import Fetcher, Request
from pipeline.ingest.files import whole_file
from pipeline.ingest.parse import decode
from pipeline.library.quotes import normal
from pipeline.model import Snapshot

_PAGES: Final = "text/html, application/xhtml+xml, text/plain;q=0.9, */*;q=0.5"
_LINE_LIMIT: Final = 100_000  # characters


def take_snapshot(fetcher: Fetcher, url: str, *, into: Path, now: dt.datetime) -> tuple[Snapshot, str]:
    """Fetch the page at *url* and store its text in the folder *into*; what was stored, and the text.

        fetch | extract | normal form | write

    The same text is stored once. Raises `FetchError` when the page cannot be had or holds no text, `StoreError` when the folder
    cannot be written.
    """
    answer = fetcher.get(Request(url, accept=_PAGES), now=now)
    text, tool = _text(answer.body, content_type=answer.content_type, url=answer.url)
    snapshot = Snapshot(
        sha256=hashlib.sha256(answer.body).hexdigest(),
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        at=now,
        tool=tool,
        bytes=len(answer.body),
    )
    path = into / f"{snapshot.text_sha256}.txt"
    if not path.exists():
        with whole_file(path, text.encode()) as fresh:
            fresh.replace(path)
    return snapshot, text


def _text(body: bytes, *, content_type: str, url: str) -> tuple[str, str]:
    """The words of a page, one paragraph a line, and the tool that found them."""
    if body.startswith(b"%PDF-"):
        raise FetchError(
            f"{url} is a PDF, of which no text can be taken yet; cite its web page, or record its facts by hand"
        )
    page = decode(body, content_type=content_type)
    if content_type.lower().startswith("text/plain"):
        return _lines(page, url=url), "plain"
    import trafilatura  # here: it takes half a second, which only this function is worth

    found = trafilatura.extract(
        page, url=url, include_comments=False, include_tables=True, favor_recall=True, output_format="txt"
    )
    return _lines(found or "", url=url), f"trafilatura/{trafilatura.__version__}"


def _lines(text: str, *, url: str) -> str:
    lines = (one_line(normal(line), limit=_LINE_LIMIT) for line in text.splitlines())
    kept = "".join(f"{line}\n" for line in lines if line)
    if not kept:
        raise FetchError(
            f"{url} holds no text that could be stored; check in a browser whether its text is made by scripts"
        )
    return kept
