"""The stored copy of a page that an article rests on: fetched, its text extracted (`extract`), kept under the hash of that text.

    content/sources/snapshots/<sha>.txt     the text, where it may be passed on
    <kept>/<sha>.txt                        the text, where it may not
    <kept>/raw/<sha>.gz, <sha>.json         the bytes as they came, and how: of every source, never in Git

The text is stored one paragraph a line, so that editors can compare two copies line by line. The SHA-256 of a file's content is its
name (of the bytes: before they were packed). `library.snapshots` reads what is kept here.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.files import put
from pipeline.ingest.extract import Page
from pipeline.ingest.fetch import Answer, Fetcher, Request
from pipeline.ingest.sandbox import Sandbox
from pipeline.library.files import SNAPSHOTS
from pipeline.model import Snapshot, Source

PAGES: Final = "text/html, application/xhtml+xml, application/pdf, text/plain;q=0.9, */*;q=0.5"


@dataclass(frozen=True, slots=True)
class Taken:
    """A page as it was fetched and read, not yet kept."""

    url: str  # as it was asked for
    answer: Answer
    page: Page
    snapshot: Snapshot

    @property
    def usage(self) -> tuple[str, ...]:
        """What the server, its robots.txt and the page itself say of machines that read it (F9)."""
        return tuple(dict.fromkeys((*self.answer.usage, *self.page.usage)))

    @property
    def record(self) -> dict[str, Any]:
        """How the bytes came here: all that cannot be read from them."""
        return {
            "url": self.url,
            "final_url": self.answer.url,
            "fetched_at": f"{self.snapshot.at:%Y-%m-%dT%H:%M:%SZ}",
            "status": self.answer.status,
            "reason": self.answer.reason,
            "headers": [list(header) for header in self.answer.headers],
            "sha256": self.snapshot.sha256,
            "bytes": self.snapshot.bytes,
            "text_sha256": self.snapshot.text_sha256,
            "tool": self.snapshot.tool,
            "pages": list(self.page.pages),
            "usage": list(self.usage),
        }


def take(fetcher: Fetcher, sandbox: Sandbox, url: str, *, now: dt.datetime) -> Taken:
    """Fetch the page at *url* and read it. Raises `FetchError` when it cannot be had or holds no text."""
    return read(sandbox, fetcher.get(Request(url, accept=PAGES), now=now), url=url, now=now)


def read(sandbox: Sandbox, answer: Answer, *, url: str, now: dt.datetime) -> Taken:
    """The page in *answer*, which came when *url* was asked for. Raises `FetchError` when it holds no text."""
    page = sandbox.extract(answer.body, content_type=answer.content_type, url=answer.url)
    snapshot = Snapshot(
        sha256=hashlib.sha256(answer.body).hexdigest(),
        text_sha256=hashlib.sha256(page.text.encode()).hexdigest(),
        at=now.replace(microsecond=0),
        tool=page.tool,
        bytes=len(answer.body),
    )
    return Taken(url, answer, page, snapshot)


def keep(taken: Taken, *, root: Path, kept: Path, in_git: bool, licence: str) -> Path:
    """Store what was *taken*: the text in the repository at *root* or, where it may not be passed on, in the folder *kept* with the
    bytes. The same content is stored once. The file of the text. Raises `StoreError` when a folder cannot be written."""
    text = (root / SNAPSHOTS if in_git else kept) / f"{taken.snapshot.text_sha256}.txt"
    _write(text, taken.page.text.encode())
    raw = kept / "raw" / f"{taken.snapshot.sha256}.gz"
    _write(raw, gzip.compress(taken.answer.body, mtime=0))
    record = {**taken.record, "licence": licence}
    _write(raw.with_suffix(".json"), json.dumps(record, ensure_ascii=False, indent=2).encode() + b"\n")
    return text


def record_of(shot: Snapshot, *, kept: Path) -> dict[str, Any]:
    """How the bytes of the copy *shot* came, as `keep` wrote it down; empty where that is not in the folder *kept*."""
    try:
        told = json.loads((kept / "raw" / f"{shot.sha256}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) and told.get("sha256") == shot.sha256 else {}


def pages_of(source: Source, *, kept: Path) -> tuple[int, ...]:
    """The page of each line of the stored text of *source*, where that is a document with pages and we know them."""
    record = record_of(source.snapshot, kept=kept) if source.snapshot else {}
    if not source.snapshot or record.get("text_sha256") != source.snapshot.text_sha256:
        return ()
    pages = record.get("pages")
    return tuple(pages) if isinstance(pages, list) and all(isinstance(page, int) for page in pages) else ()


def take_snapshot(fetcher: Fetcher, url: str, *, into: Path, now: dt.datetime) -> tuple[Snapshot, str]:
    """Fetch the page at *url* and store its text in the folder *into*; what was stored, and the text.

        fetch | extract | write

    The same text is stored once. Raises `FetchError` when the page cannot be had or holds no text, `StoreError` when the folder
    cannot be written.
    """
    with Sandbox() as sandbox:
        taken = take(fetcher, sandbox, url, now=now)
    _write(into / f"{taken.snapshot.text_sha256}.txt", taken.page.text.encode())
    return taken.snapshot, taken.page.text


def _write(path: Path, content: bytes) -> None:
    """Files are named by what they hold: one that is there already holds it."""
    if not path.exists():
        put(path, content)
