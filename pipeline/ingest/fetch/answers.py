"""What is asked for, and what came of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import IO, Final

from pipeline.errors import FetchError, StoreError

_FEEDS: Final = (
    "application/feed+json, application/atom+xml, application/rss+xml, application/rdf+xml, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask for, with the validators that the server gave last time, byte for byte (F1)."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    accept: str = _FEEDS
    enough: int | None = None  # bytes of the decoded body; the rest is not read, and not missed


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server gave: 200 with a body, or 304 with none. Validators are the exact bytes to send back next time (F1, F2)."""

    url: str  # where it came from, after redirects
    status: int
    body: bytes
    content_type: str
    etag: str | None
    last_modified: str | None
    fresh_for: dt.timedelta  # Cache-Control or Expires; zero where the server does not say
    moved: str | None = None  # where it says that the address asked for has moved for good: 301 or 308 all the way (F6)
    headers: tuple[tuple[str, str], ...] = ()  # as they came; nothing set as a cookie is kept
    reason: str = ""  # the words behind the status
    usage: tuple[str, ...] = ()  # what its publisher says of the use by machines, F9: see `usage`

    @property
    def unchanged(self) -> bool:
        return self.status == 304


@dataclass(frozen=True, slots=True)
class Arrived:
    """An answer whose body, where it is a large one, still waits on the disk."""

    answer: Answer  # without its body
    body: IO[bytes] | None
    size: int = 0

    def read(self) -> Answer:
        """The whole of it, once. Raises `StoreError`."""
        if self.body is None:
            return self.answer
        try:
            with self.body as file:
                file.seek(0)
                return replace(self.answer, body=file.read())
        except OSError as error:
            raise StoreError(f"an answer put aside cannot be read back: {error.strerror}; run again") from error

    def close(self) -> None:
        """Let go of a body that nobody will read."""
        if self.body is not None:
            self.body.close()


class NotHad(FetchError):
    """One address could not be had.

    *status* is what the server answered, if it did; *retry_after* how long it asks us to wait; *denied* says that robots.txt does
    not let us ask.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: dt.timedelta | None = None,
        denied: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.denied = denied


class GoesRound(NotHad):
    """More redirects than we follow."""
