"""The stored copy of a page that an article rests on: fetched, its text extracted (`extract`), kept under the hash of that text.

The text is stored one paragraph a line, so that editors can compare two copies line by line. The SHA-256 of the file is its name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Final

from pipeline.ingest.fetch import Fetcher, Request
from pipeline.ingest.files import whole_file
from pipeline.ingest.sandbox import Sandbox
from pipeline.model import Snapshot

_PAGES: Final = "text/html, application/xhtml+xml, text/plain;q=0.9, */*;q=0.5"


def take_snapshot(fetcher: Fetcher, url: str, *, into: Path, now: dt.datetime) -> tuple[Snapshot, str]:
    """Fetch the page at *url* and store its text in the folder *into*; what was stored, and the text.

        fetch | extract | write

    The same text is stored once. Raises `FetchError` when the page cannot be had or holds no text, `StoreError` when the folder
    cannot be written.
    """
    answer = fetcher.get(Request(url, accept=_PAGES), now=now)
    with Sandbox() as sandbox:
        page = sandbox.extract(answer.body, content_type=answer.content_type, url=answer.url)
    text = page.text
    snapshot = Snapshot(
        sha256=hashlib.sha256(answer.body).hexdigest(),
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        at=now,
        tool=page.tool,
        bytes=len(answer.body),
    )
    path = into / f"{snapshot.text_sha256}.txt"
    if not path.exists():
        with whole_file(path, text.encode()) as fresh:
            fresh.replace(path)
    return snapshot, text
