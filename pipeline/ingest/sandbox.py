"""Feeds and pages, read in a child process with limits of time and memory (T-30): see `pipeline.sandbox`, `parse` and `extract`."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import asdict
from typing import Any, Final

from pipeline import sandbox
from pipeline.errors import FetchError
from pipeline.ingest.extract import Page, extract
from pipeline.ingest.parse import Parsed, parse
from pipeline.model import Entry

SECONDS: Final = 15.0  # one feed or page may take
PDF_SECONDS: Final = 90.0  # a printed report of some hundred pages takes that long on a busy machine
PDF_PROCESSOR: Final = 60.0


class Sandbox(sandbox.Sandbox):
    """A child process that reads feeds and pages, one at a time. Use it as a context manager."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        super().__init__(
            "pipeline.ingest.sandbox:answered", seconds=seconds, bare=("pipeline.ingest", "pipeline.library")
        )

    def parse(self, body: bytes, *, content_type: str, url: str, feed: str, now: dt.datetime) -> Parsed:
        """`parse.parse` in the child, of each entry what cards are made of: no HTML, no authors, no time of a change.

        Raises `FetchError` too when it takes too long or too much memory.
        """
        question = {"read": "feed", "content_type": content_type, "url": url, "feed": feed, "now": now.isoformat()}
        return _parsed(self._answer(question, body, seconds=self.seconds, processor=sandbox.PROCESSOR))

    def extract(self, body: bytes, *, content_type: str, url: str) -> Page:
        """`extract.extract` in the child. Raises `FetchError` too when it takes too long or too much memory."""
        printed = body.lstrip()[:5] == b"%PDF-"
        answer = self._answer(
            {"read": "page", "content_type": content_type, "url": url},
            body,
            seconds=max(self.seconds, PDF_SECONDS) if printed else self.seconds,
            processor=PDF_PROCESSOR if printed else sandbox.PROCESSOR,
        )
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in answer.items()}
        return Page(**fields)

    def _answer(self, question: dict[str, Any], body: bytes, *, seconds: float, processor: float) -> dict[str, Any]:
        whole = {**question, "body": base64.b64encode(body).decode()}
        try:
            answer = self.ask(whole, seconds=seconds, processor=processor)
        except sandbox.NotStarted as error:
            raise FetchError(f"not read: {question['url']}: {error}; it is tried again") from error
        except sandbox.TooSlow as error:
            raise FetchError(
                f"not read: {question['url']} takes longer to read than {seconds:g} seconds ({processor:g} of the processor); "
                "run again when this machine has less to do, and if it does not help, ask its owner for a smaller one"
            ) from error
        except sandbox.Broken as error:
            raise FetchError(
                f"not read: {question['url']} cannot be read in {sandbox.MEMORY // 2**20} MB of memory; "
                "ask its owner for a smaller one"
            ) from error
        if "error" in answer:
            raise FetchError(answer["error"])
        return answer


def _parsed(answer: dict[str, Any]) -> Parsed:
    def moment(value: str | None) -> dt.datetime | None:
        return dt.datetime.fromisoformat(value) if value else None

    entries = tuple(
        Entry(**{**given, "html": "", "published": moment(given["published"])}) for given in answer["entries"]
    )
    return Parsed(entries, dt.timedelta(seconds=answer["ttl"]) if answer["ttl"] is not None else None)


# --- the child ------------------------------------------------------------------------------------------------------


def answered(question: dict[str, Any]) -> dict[str, Any]:
    """What the child answers."""
    url = question["url"]
    try:
        return _page(question) if question["read"] == "page" else _feed(question)
    except FetchError as error:
        return {"error": str(error)}
    except (MemoryError, RecursionError):
        return {"error": f"not read: {url} is nested too deep or too large; ask its owner"}
    except Exception as error:  # parsers fail in many ways, and each concerns one feed or page
        return {"error": f"not read: {url} breaks the parser ({type(error).__name__}); ask its owner"}


def _page(question: dict[str, Any]) -> dict[str, Any]:
    body = base64.b64decode(question["body"])
    return asdict(extract(body, content_type=question["content_type"], url=question["url"]))


def _feed(question: dict[str, Any]) -> dict[str, Any]:
    parsed = parse(
        base64.b64decode(question["body"]),
        content_type=question["content_type"],
        url=question["url"],
        feed=question["feed"],
        now=dt.datetime.fromisoformat(question["now"]),
    )
    ttl = int(parsed.ttl.total_seconds()) if parsed.ttl is not None else None
    return {"entries": [_plain(entry) for entry in parsed.entries], "ttl": ttl}


def _plain(entry: Entry) -> dict[str, Any]:
    """What cards are made of. HTML, authors and the time of a change are on no card, and HTML would be most of the answer."""
    return {
        "feed": entry.feed,
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "published": entry.published.isoformat() if entry.published else None,
    }
