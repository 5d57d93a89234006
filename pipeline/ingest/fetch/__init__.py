"""The one place that asks other machines: conditional GET with hard limits, for feeds, pages and robots.txt.

    read_url | robots | turn | look up, check, dial | exchange | limits | answer          one line in the journal

`addresses` says where we may go, `robots` what we may ask for there, `politeness` when, `limits` how much we take; `wire` speaks
HTTP, `bodies` reads and `encodings` unpacks; `headers` and `usage` read what servers say of their answers, `journal` keeps a line
of each fetch, and `due` says when a feed is asked again. What an answer holds is no matter of this package; error texts never
quote it (T-44).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline import __version__
from pipeline.config import Settings
from pipeline.errors import FetchError, StoreError
from pipeline.ingest.fetch.addresses import Network, Place, host_of, read_url
from pipeline.ingest.fetch.answers import Answer, Arrived, GoesRound, NotHad, Request
from pipeline.ingest.fetch.bodies import read_body
from pipeline.ingest.fetch.encodings import offered
from pipeline.ingest.fetch.headers import REDIRECTS, fresh_for, retry_after, status_words
from pipeline.ingest.fetch.journal import Journal, Traffic
from pipeline.ingest.fetch.limits import DOCUMENTS, Deadline, Limits
from pipeline.ingest.fetch.politeness import HOSTS_AT_ONCE, Turns, fetch_all
from pipeline.ingest.fetch.robots import AGENT, Had, Robots, Rules
from pipeline.ingest.fetch.usage import usage_of
from pipeline.ingest.fetch.wire import Wire

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
    "user_agent",
]

ASKED_TO_WAIT: Final = frozenset({429, 503})
PERMANENT: Final = frozenset({301, 308})


def open_fetcher(settings: Settings, *, limits: Limits | None = None) -> Fetcher:
    """The fetcher of this instance: says who it is and where to complain (F10), and keeps its journal (F14) and what it knows of
    robots.txt (F8) in the state folder."""
    limits = limits or Limits()
    return Fetcher(
        user_agent=user_agent(settings),
        allow_private=settings.allow_private,
        log=settings.state_dir / "fetch.jsonl",
        limits=limits,
        robots=Robots(settings.state_dir / "robots"),
        turns=_turns(limits.pause),
    )


def user_agent(settings: Settings) -> str:
    """Who asks, and whom to write to."""
    return f"{AGENT}/{__version__} (+{settings.site_url}; {settings.reply_to or settings.sender_address})"


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

    def get(self, request: Request, *, now: dt.datetime) -> Answer:
        """Fetch *request*; *now* is what `Retry-After` and `Expires` are counted from.

        Raises `NotHad` (a `FetchError`) for anything but 200 and 304: a bad or private address, robots.txt says no, no connection,
        too slow, too large, too many redirects, cut off, an encoding that was not asked for, any other status.
        """
        return self.fetch(request, now=now).read()

    def fetch(self, request: Request, *, now: dt.datetime) -> Arrived:
        """As `get`, but a large body waits on the disk until it is read: who fetches many at a time has room for few."""
        return self._fetch(request, self._robots, now=now)

    def _fetch(self, request: Request, robots: Robots | None, *, now: dt.datetime) -> Arrived:
        """`fetch`, with or without a look at *robots*; leaves its line in the journal either way."""
        traffic = Traffic()
        try:
            arrived = self._follow(request, robots, traffic, now=now)
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
        try:
            self._journal.write(
                request,
                traffic,
                at=now,
                status=arrived.answer.status,
                decision="unchanged" if arrived.answer.unchanged else "fetched",
                url=arrived.answer.url,
            )
        except StoreError:
            arrived.close()
            raise
        return arrived

    # -- one fetch

    def _follow(self, request: Request, robots: Robots | None, traffic: Traffic, *, now: dt.datetime) -> Arrived:
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
            if isinstance(answer, Arrived):
                return answer
            status, place = answer
            all_permanent = all_permanent and status in PERMANENT
            moved = place.url if all_permanent else moved
        raise GoesRound(f"{request.url}: more than {self.limits.redirects} redirects; use the address they lead to")

    def _let_in(self, place: Place, robots: Robots | None, *, now: dt.datetime) -> Rules | None:
        """The rules of the host of *place*. Raises `NotHad` where they do not let us ask for it (F8)."""
        if robots is None:
            return None
        rules = robots.rules(place, ask=lambda request: self._fetch(request, None, now=now).read(), now=now)
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
    ) -> Arrived | tuple[int, Place]:
        """One request and its answer; where the server redirects, its status and the place it names."""
        with self._wire.exchange(place, self._headers(request), deadline) as response:
            status, headers = response.status_code, response.headers
            if status in REDIRECTS and headers.get("Location"):
                return status, self._redirected(place, headers["Location"])
            unchanged = status == 304 and bool(request.etag or request.last_modified)
            if status != 200 and not unchanged:
                wait = retry_after(headers.get("Retry-After"), now=now) if status in ASKED_TO_WAIT else None
                raise NotHad(f"{place.url}: {status_words(status, wait)}", status=status, retry_after=wait)
            answer = Answer(
                url=place.url,
                status=status,
                body=b"",
                content_type="" if unchanged else headers.get("Content-Type", ""),
                etag=_validator(headers, "ETag") or (request.etag if unchanged else None),
                last_modified=_validator(headers, "Last-Modified") or (request.last_modified if unchanged else None),
                fresh_for=fresh_for(headers, now=now),
                headers=_as_given(headers),
                reason=response.reason or "",
                moved=moved,
                usage=usage_of(headers, robots=rules.usage(place) if rules else ()),
            )
            if unchanged:
                return Arrived(answer, None)
            body = read_body(
                place.url,
                response,
                enough=None if request.enough is None else min(request.enough, self.limits.body),
                limits=self.limits,
                deadline=deadline,
                traffic=traffic,
            )
            return Arrived(answer, body, traffic.decoded)

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
