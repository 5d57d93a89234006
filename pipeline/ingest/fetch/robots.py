"""What robots.txt of a host lets us ask for (RFC 9309, F8): read once a day, kept in the state folder.

The one place that knows `protego`. An answer of 4xx means that there are no rules; any other trouble means that nothing may be
asked for, unless we know the rules of before. Whoever asks for the file is passed in.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, Generic, TypeVar

from protego import Protego

from pipeline.files import put
from pipeline.ingest.fetch.addresses import Place
from pipeline.ingest.fetch.answers import Answer, GoesRound, NotHad, Request

AGENT: Final = "OpenSignal"  # our name in robots.txt
SIZE: Final = 500 * 1024  # bytes: RFC 9309 2.5 asks for as many at least
KEPT_FOR: Final = dt.timedelta(hours=24)  # RFC 9309 2.4
ASKED_AGAIN: Final = dt.timedelta(hours=1)  # where it could not be had
FORGOTTEN: Final = dt.timedelta(days=30)  # also the longest that old rules stand in for new ones that cannot be had
MOST_KNOWN: Final = 8 * 2**20  # characters of rules in memory; what is forgotten there is read from the folder again
MOST_PARSED: Final = 2 * 2**20  # characters of those that are parsed, which take many times as much room
_EACH: Final = 500  # what rules take beside their text

T = TypeVar("T")


class Had(StrEnum):
    """What came of asking for the file."""

    RULES = "rules"
    NONE = "none"  # there is no such file: everything may be asked for (RFC 9309 2.3.1.3)
    UNREACHABLE = "unreachable"  # nothing may (RFC 9309 2.3.1.4)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one origin (scheme, host and port)."""

    origin: str
    had: Had
    fetched_at: dt.datetime
    until: dt.datetime  # when to ask again
    text: str = ""
    etag: str | None = None
    last_modified: str | None = None
    why: str = ""  # they could not be had
    retry_after: dt.timedelta | None = None  # in which case the host may have asked us to wait

    def allow(self, place: Place) -> bool:
        if self.had is Had.UNREACHABLE:
            return False
        return self.had is Had.NONE or _parsed(self.text).can_fetch(place.url, AGENT)

    def usage(self, place: Place) -> tuple[str, ...]:
        """What the rules say of the use of *place*: the `Content-Usage` of the longest path that fits (AIPREF drafts)."""
        best: dict[str, int] = {}
        for path, said in _content_usage(self.text):
            if place.target.startswith(path):
                best[said] = max(best.get(said, 0), len(path))
        longest = max(best.values(), default=0)
        return tuple(said for said, length in best.items() if length == longest)


class Robots:
    """The rules that we know, in memory and in *folder*, if there is one. Safe to use from several threads."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: Lately[Rules] = Lately(MOST_KNOWN)
        self._tidied = False

    def rules(self, place: Place, *, ask: Callable[[Request], Answer], now: dt.datetime) -> Rules:
        """The rules of the origin of *place*, asked for where we know none that are fresh. Raises `StoreError`."""
        known = self._known.get(place.origin) or self._kept(place.origin)
        if known is None or not known.fetched_at <= now < known.until:
            known = self._asked(place.origin, known, ask=ask, now=now)
        self._known.put(place.origin, known, size=len(known.text))
        return known

    def _asked(self, origin: str, before: Rules | None, *, ask: Callable[[Request], Answer], now: dt.datetime) -> Rules:
        if before is not None and before.had is Had.UNREACHABLE:
            before = None
        request = Request(
            f"{origin}/robots.txt",
            before.etag if before else None,
            before.last_modified if before else None,
            accept="text/plain, */*;q=0.5",
            enough=SIZE,
        )
        try:
            answer = ask(request)
        except GoesRound:  # RFC 9309 2.3.1.2: as if there were none
            return self._keep(Rules(origin, Had.NONE, now, now + KEPT_FOR), now=now)
        except NotHad as error:
            if error.status is not None and 400 <= error.status < 500 and error.status != 429:
                return self._keep(Rules(origin, Had.NONE, now, now + KEPT_FOR), now=now)
            if before is not None and now - before.fetched_at < FORGOTTEN:
                return replace(before, until=now + ASKED_AGAIN)
            until = now + max(ASKED_AGAIN, error.retry_after or ASKED_AGAIN)
            return Rules(origin, Had.UNREACHABLE, now, until, why=str(error), retry_after=error.retry_after)
        if answer.unchanged and before is not None:
            return self._keep(replace(before, fetched_at=now, until=now + KEPT_FOR), now=now)
        text = answer.body.decode("utf-8", "replace").removeprefix("\ufeff")
        rules = Rules(
            origin, Had.RULES, now, now + KEPT_FOR, text, etag=answer.etag, last_modified=answer.last_modified
        )
        return self._keep(rules, now=now)

    # -- the folder

    def _kept(self, origin: str) -> Rules | None:
        if self._folder is None:
            return None
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):  # a file that is spoilt is asked for again
            found = json.loads(self._file(self._folder, origin).read_text("utf-8"))
            moments = {name: dt.datetime.fromisoformat(found.pop(name)) for name in ("fetched_at", "until")}
            rules = Rules(**{**found, **moments, "had": Had(found["had"])})
            return rules if rules.origin == origin else None
        return None

    def _keep(self, rules: Rules, *, now: dt.datetime) -> Rules:
        if self._folder is None:
            return rules
        self._tidy(self._folder, now=now)
        row = asdict(rules) | {"fetched_at": rules.fetched_at.isoformat(), "until": rules.until.isoformat()}
        path = self._file(self._folder, rules.origin)
        put(path, json.dumps(row).encode())
        return rules

    def _tidy(self, folder: Path, *, now: dt.datetime) -> None:
        """Once a run, forget hosts that were not asked for a month."""
        if self._tidied:
            return
        self._tidied = True
        for path in folder.glob("*.json"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < (now - FORGOTTEN).timestamp():
                    path.unlink()

    @staticmethod
    def _file(folder: Path, origin: str) -> Path:
        return folder / f"{hashlib.sha256(origin.encode()).hexdigest()[:32]}.json"


def _parsed(text: str) -> Protego:
    found = _PARSED.get(text)
    if found is None:
        found = Protego.parse(text)
        _PARSED.put(text, found, size=len(text))
    return found


class Lately(Generic[T]):
    """What was asked for lately, as much as fits into *most* characters of text. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._lock = threading.Lock()
        self._all: OrderedDict[str, tuple[T, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._all)

    def get(self, key: str) -> T | None:
        with self._lock:
            if key not in self._all:
                return None
            self._all.move_to_end(key)
            return self._all[key][0]

    def put(self, key: str, value: T, *, size: int) -> None:
        with self._lock:
            self._size -= self._all.pop(key, (value, 0))[1]
            self._all[key] = value, size + _EACH
            self._size += size + _EACH
            while self._size > self._most and len(self._all) > 1:
                _, (_, gone) = self._all.popitem(last=False)
                self._size -= gone


_PARSED: Final[Lately[Protego]] = Lately(MOST_PARSED)


def _content_usage(text: str) -> Iterator[tuple[str, str]]:
    """The (path, preference) of each `Content-Usage` rule in the groups for us, or in those for everybody where none is for us."""
    groups: dict[str, list[tuple[str, str]]] = {}
    agents: list[str] = []
    in_rules = True
    for line in text.splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            agents = [value.lower()] if in_rules else [*agents, value.lower()]
            groups.setdefault(value.lower(), [])
            in_rules = False
            continue
        in_rules = True
        if key == "content-usage":
            path, _, said = value.partition(" ") if value.startswith("/") else ("/", "", value)
            for agent in agents:
                groups[agent].append((path, said.strip()))
    yield from groups.get(AGENT.lower(), groups.get("*", []))
