"""Copies of gone pages that the Wayback Machine keeps: an address for readers, where ours may not be shown.

It is asked for what it has, never to take a copy, and for those sources only that need one: it learns their addresses. Our own copy
stays the proof; this one is a convenience, and where none is found nothing is wrong.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from pipeline.errors import ContentError, FetchError
from pipeline.ingest.fetch import Fetcher, Request
from pipeline.library import Library
from pipeline.library.sourcefile import change
from pipeline.library.sourcelist import chosen_sources
from pipeline.model import Source, SourceStatus

SERVICE: Final = "https://archive.org/wayback/available"  # https://archive.org/help/wayback_api.php
_COPY: Final = re.compile(r"https?://web\.archive\.org/web/(\d{14})/(\S+)")


@dataclass(frozen=True, slots=True)
class Archived:
    """What was found of one source."""

    source: Source
    address: str | None  # of the copy that is nearest in time to ours
    why: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    found: tuple[Archived, ...]

    @property
    def ok(self) -> bool:
        return all(one.address is not None for one in self.found)

    def as_dict(self) -> dict[str, Any]:
        return {"sources": [{"id": one.source.id, "archive": one.address, "why": one.why} for one in self.found]}

    def lines(self) -> Iterator[str]:
        for one in self.found:
            yield f"  {one.source.id:<32} {one.address or one.why}"
        there = sum(one.address is not None for one in self.found)
        yield f"{there} of {len(self.found)} found and written under archive:" if self.found else "no source needs one"


def find_archived(
    fetcher: Fetcher,
    library: Library,
    *,
    root: Path,
    now: dt.datetime,
    only: Sequence[str] = (),
    service: str = SERVICE,
) -> ArchiveReport:
    """Find a copy for each source that is gone or changed and has none, or for *only* those ids, and write where it is.

    Raises `UsageError` for an id that is not there.
    """
    found = []
    for source in chosen_sources(library.sources, only):
        if not only and (source.archive or source.status not in (SourceStatus.GONE, SourceStatus.CHANGED)):
            continue
        try:
            address = _nearest(fetcher, source, service=service, now=now)
            if address is not None and address != source.archive:
                change(source, {"archive": address}, root=root)
            found.append(Archived(source, address, "" if address else "no copy is kept there"))
        except (FetchError, ContentError) as error:
            found.append(Archived(source, None, str(error)))
    return ArchiveReport(tuple(found))


def _nearest(fetcher: Fetcher, source: Source, *, service: str, now: dt.datetime) -> str | None:
    """The address of the copy that is nearest to the day on which ours was taken. Raises `FetchError`."""
    day = source.snapshot.at.strftime("%Y%m%d") if source.snapshot else (source.accessed or "").replace("-", "")
    query = urlencode({"url": source.url, **({"timestamp": day} if day else {})})
    answer = fetcher.get(Request(f"{service}?{query}", accept="application/json"), now=now)
    try:
        closest = json.loads(answer.body)["archived_snapshots"]["closest"]
        copy = _COPY.fullmatch(closest["url"]) if closest["available"] and closest["status"] == "200" else None
    except (ValueError, RecursionError) as error:
        raise FetchError(f"{service} gives no JSON; try again later") from error
    except (KeyError, TypeError):
        return None
    return f"https://web.archive.org/web/{copy[1]}/{copy[2]}" if copy else None
