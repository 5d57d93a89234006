"""The one place that asks other machines: conditional GET with hard limits, for feeds, pages and robots.txt.

    read_url | robots | turn | look up, check, dial | exchange | limits | answer          one line in the journal

`addresses` says where we may go, `robots` what we may ask for there, `politeness` when, `limits` how much we take, `wire` speaks
HTTP, `encodings` unpacks, `headers` and `usage` read what servers say of their answers, `journal` keeps a line of each fetch, and
`due` says when a feed is asked again. What an answer holds is no matter of this package; error texts never quote it (T-44).
"""

from __future__ import annotations

import datetime as dt
import functools
import io
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline import __version__
from pipeline.config import Settings
from pipeline.errors import FetchError
from pipeline.ingest.fetch.addresses import Network, Place, host_of, read_url
from pipeline.ingest.fetch.answers import Answer, GoesRound, NotHad, Request
from pipeline.ingest.fetch.encodings import Undecodable, decoder_for, offered
from pipeline.ingest.fetch.headers import REDIRECTS, fresh_for, retry_after, status_words
from pipeline.ingest.fetch.journal import Journal, Traffic
from pipeline.ingest.fetch.limits import DOCUMENTS, Deadline, Limits
from pipeline.ingest.fetch.politeness import HOSTS_AT_ONCE, Turns, fetch_all
from pipeline.ingest.fetch.robots import AGENT, Had, Robots, Rules
from pipeline.ingest.fetch.usage import usage_of
from pipeline.ingest.fetch.wire import Response, Wire

__all__ = [
    "DOCUMENTS",
    "HOSTS_AT_ONCE",
    "Answer",
    "Fetcher",
    "GoesRound",
    "Limits",
    "Network",
    "NotHad",
    "Request",
    "fetch_all",
    "host_of",
    "open_fetcher",
]

ASKED_TO_WAIT: Final = frozenset({429, 503})
PERMANENT: Final = frozenset({301, 308})
_PIECE: Final = 65_536  # bytes read at a time
_LARGE: Final = 2**20  # bytes, from which on a body counts as a large one
_LARGE_AT_ONCE: Final = 6  # large bodies that one fetcher holds in part at a time, so that memory has a bound


def open_fetcher(settings: Settings, *, limits: Limits | None = None) -> Fetcher:
    """The fetcher of this instance: says who it is and where to complain (F10), and keeps its journal (F14) and what it knows of
    robots.txt (F8) in the state folder."""
    limits = limits or Limits()
    return Fetcher(
        user_agent=f"{AGENT}/{__version__} (+{settings.site_url}; {settings.reply_to or settings.sender_address})",
        allow_private=settings.allow_private,
        log=settings.state_dir / "fetch.jsonl",
        limits=limits,
        robots=Robots(settings.state_dir / "robots"),
        turns=_turns(limits.pause),
    )


@functools.cache
def _turns(pause: float) -> Turns:
    """One for all fetchers of this process: a worker opens a fetcher for each feed."""
    return Turns(pause)


class Fetcher:
    """Asks for one address, politely: one request at a time per host. Safe to use from several threads."""

    def __init__(
        self,
        *,
        user_agent: str,
        allow_private: bool = False,
        log: Path | None = None,
        limits: Limits | None = None,
        robots: Robots | None = None,
        network: Network | None = None,
        turns: Turns | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.turns = turns or Turns(self.limits.pause)
        self.allow_private = allow_private
        self._user_agent = user_agent
        self._journal = Journal(log)
        self._robots = robots
        self._wire = Wire(self.limits, allow_private, network or Network())
        self._large = threading.Semaphore(_LARGE_AT_ONCE)

    def get(self, request: Request, *, now: dt.datetime) -> Answer:
        """Fetch *request*; *now* is what `Retry-After` and `Expires` are counted from.

        Raises `NotHad` (a `FetchError`) for anything but 200 and 304: a bad or private address, robots.txt says no, no connection,
        too slow, too large, too many redirects, cut off, an encoding that was not asked for, any other status.
        """
        return self._get(request, self._robots, now=now)

    def _get(self, request: Request, robots: Robots | None, *, now: dt.datetime) -> Answer:
        """`get`, with or without a look at *robots*; leaves its line in the journal either way."""
        traffic = Traffic()
        try:
            answer = self._follow(request, robots, traffic, now=now)
        except FetchError as error:
            known = error if isinstance(error, NotHad) else NotHad(str(error))
            self._journal.write(
                request,
                traffic,
                at=now,
                status=known.status,
                decision="denied" if known.denied else "failed",
                error=str(error),
            )
            raise known from (None if known is error else error)
        self._journal.write(
            request,
            traffic,
            at=now,
            status=answer.status,
            decision="unchanged" if answer.unchanged else "fetched",
            url=answer.url,
        )
        return answer

    # -- one fetch

    def _follow(self, request: Request, robots: Robots | None, traffic: Traffic, *, now: dt.datetime) -> Answer:
        """Follow redirects by hand, each target checked like the first address (T-40)."""
        place = read_url(request.url, allow_private=self.allow_private)
        moved, all_permanent, left = None, True, self.limits.total
        missed = f"not finished within {self.limits.total:g} seconds"
        for _ in range(self.limits.redirects + 1):
            rules = self._let_in(place, robots, now=now)
            with self.turns.of(place.host), Deadline(left, missed) as deadline:
                try:
                    answer = self._exchange(place, request, rules, deadline, traffic, moved=moved, now=now)
                finally:
                    left = deadline.left
                    traffic.seconds = self.limits.total - left
            if isinstance(answer, Answer):
                return answer
            status, place = answer
            all_permanent = all_permanent and status in PERMANENT
            moved = place.url if all_permanent else moved
        raise GoesRound(f"{request.url}: more than {self.limits.redirects} redirects; use the address they lead to")

    def _let_in(self, place: Place, robots: Robots | None, *, now: dt.datetime) -> Rules | None:
        """The rules of the host of *place*. Raises `NotHad` where they do not let us ask for it (F8)."""
        if robots is None:
            return None
        rules = robots.rules(place, ask=lambda request: self._get(request, None, now=now), now=now)
        if rules.had is Had.UNREACHABLE:
            raise NotHad(
                f"{place.url}: not asked for, because its host's robots.txt could not be had: {rules.why}",
                retry_after=rules.retry_after,
            )
        if not rules.allow(place):
            raise NotHad(
                f"{place.url}: robots.txt of {place.host} does not let us ask for it; use another address, or ask its owner",
                denied=True,
            )
        return rules

    def _exchange(
        self,
        place: Place,
        request: Request,
        rules: Rules | None,
        deadline: Deadline,
        traffic: Traffic,
        *,
        moved: str | None,
        now: dt.datetime,
    ) -> Answer | tuple[int, Place]:
        """One request and its answer; where the server redirects, its status and the place it names."""
        with self._wire.exchange(place, self._headers(request), deadline) as response:
            status, headers = response.status_code, response.headers
            if status in REDIRECTS and headers.get("Location"):
                return status, self._redirected(place, headers["Location"])
            if status == 304 and (request.etag or request.last_modified):
                return Answer(
                    url=place.url,
                    status=304,
                    body=b"",
                    content_type="",
                    etag=_validator(headers, "ETag") or request.etag,
                    last_modified=_validator(headers, "Last-Modified") or request.last_modified,
                    fresh_for=fresh_for(headers, now=now),
                    moved=moved,
                )
            if status != 200:
                wait = retry_after(headers.get("Retry-After"), now=now) if status in ASKED_TO_WAIT else None
                raise NotHad(f"{place.url}: {status_words(status, wait)}", status=status, retry_after=wait)
            body = self._body(place.url, request, response, deadline, traffic)
            said = rules.usage(place) if rules else ()
            return Answer(
                url=place.url,
                status=200,
                body=body,
                content_type=headers.get("Content-Type", ""),
                etag=_validator(headers, "ETag"),
                last_modified=_validator(headers, "Last-Modified"),
                fresh_for=fresh_for(headers, now=now),
                headers=_as_given(headers),
                reason=response.reason or "",
                moved=moved,
                usage=usage_of(headers, robots=said),
            )

    def _body(self, url: str, request: Request, response: Response, deadline: Deadline, traffic: Traffic) -> bytes:
        """The decoded body, never more of it in memory than the limits allow (F11, T-41)."""
        limits, began = self.limits, time.monotonic()
        decoder = decoder_for(response.headers.get("Content-Encoding", ""), url=url)
        enough = None if request.enough is None else min(request.enough, limits.body)
        most = limits.body if enough is None else enough
        body, received, large = io.BytesIO(), 0, False
        try:
            while piece := response.raw.read1(_PIECE, decode_content=False):
                received += len(piece)
                traffic.received += len(piece)
                body.write(decoder.decode(piece, most=most + 1 - body.tell()) if decoder else piece)
                traffic.decoded = size = body.tell()
                if enough is not None and size >= enough:
                    return body.getvalue()[:enough]
                self._within_limits(url, received, size, seconds=time.monotonic() - began)
                if size > _LARGE and not large:
                    large = self._large.acquire(timeout=deadline.left)
                if deadline.passed:
                    raise FetchError(f"{url}: {deadline.missed}; it is tried again next time")
        except Undecodable as error:
            raise FetchError(f"{url}: its compression ({error}) is broken; ask its owner") from error
        finally:
            if large:
                self._large.release()
        if deadline.passed:
            raise FetchError(f"{url}: {deadline.missed}; it is tried again next time")
        expected = response.headers.get("Content-Length", "")
        whole = not expected.isdigit() or "Transfer-Encoding" in response.headers or received == int(expected)
        if not whole or (decoder and received and not decoder.finished):
            raise FetchError(f"{url}: cut off after {received} bytes; it is tried again next time")
        return body.getvalue()

    def _within_limits(self, url: str, received: int, size: int, *, seconds: float) -> None:
        limits = self.limits
        if size > limits.body or received > limits.wire:
            most = limits.body if size > limits.body else limits.wire
            raise FetchError(
                f"{url}: larger than {most / 2**20:g} MiB, which is as much as we read; use another address"
            )
        if size > _LARGE and size > limits.ratio * received:
            raise FetchError(f"{url}: unpacks to more than {limits.ratio} times its size; it is not read")
        if seconds > limits.silence and received < limits.slowest * seconds:
            raise FetchError(f"{url}: slower than {limits.slowest:g} bytes a second; it is tried again next time")

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"User-Agent": self._user_agent, "Accept": request.accept, "Accept-Encoding": offered()}
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        return headers

    def _redirected(self, place: Place, location: str) -> Place:
        try:
            named = location.encode("latin-1").decode("utf-8")
        except ValueError as error:
            raise FetchError(
                f"{place.url}: redirects to something that is no address; check it in a browser"
            ) from error
        try:
            target = read_url(named, base=place, allow_private=self.allow_private)
        except FetchError as error:
            raise FetchError(f"{place.url} redirects: {error}") from error
        if place.scheme == "https" and target.scheme == "http":
            raise FetchError(
                f"{place.url}: redirects from https to {target.url}, which is not protected; use another address"
            )
        return target


def _validator(headers: Mapping[str, str], name: str) -> str | None:
    """A validator as it came, if it can be sent back as it is: not one that was folded over two lines (RFC 9112 5.2)."""
    value = headers.get(name)
    return value if value and value.isprintable() else None


def _as_given(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The headers in their order, without the cookies that nobody keeps (F10)."""
    return tuple((name, value) for name, value in headers.items() if name.lower() not in ("set-cookie", "set-cookie2"))
