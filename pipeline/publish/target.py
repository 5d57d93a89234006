"""Where a site is published: what every target can do, and who may do it."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol

from pipeline.errors import PublishError
from pipeline.publish.outputs import OWN, is_unchanged
from pipeline.publish.plan import Step

LOCK: Final = f"{OWN}/lock.json"
LEASE: Final = 300.0  # seconds without a word, after which a publish from another machine counts as dead
RENEW: Final = 30.0  # seconds

Done = Callable[[Iterable[str]], None]  # told which paths are there
Stop = Callable[[], bool]  # True when no more is to be begun


class Place(Protocol):
    """Where files of our own lie. Every method raises `PublishError` for what goes wrong, with what next."""

    name: str  # as people know it, without secrets

    def read(self, name: str) -> bytes | None:
        """A file of our own there, or None where it is not."""

    def write(self, name: str, content: bytes) -> None:
        """Put a file of our own there."""

    def remove(self, paths: Sequence[str]) -> None:
        """Take the files at *paths* away in this order, and folders that hold nothing any more."""


class Target(Place, Protocol):
    """A place for a site."""

    keeps_headers: bool  # Content-Type and Cache-Control are said once, with the file

    def has_any(self) -> bool:
        """True when anything is there."""

    def send(self, site: Path, steps: Sequence[Step], *, done: Done, stop: Stop) -> None:
        """Bring the files of *steps* there in this order, each whole; *done* is told of those that are there."""

    def locked(self) -> AbstractContextManager[Callable[[], None]]:
        """Nobody else publishes there meanwhile. What is given is called from time to time, to say that we live."""


def must_be_unchanged(site: Path, steps: Sequence[Step], paths: Iterable[str]) -> None:
    """Raise `PublishError` where what was sent is not what was looked at: somebody built the site meanwhile."""
    sent = set(paths)
    for step in steps:
        for output in step.outputs:
            if output.path in sent and not is_unchanged(site, output):
                raise PublishError(
                    f"{site / output.path} changed while it was published: another build ran; publish again when it is done"
                )


# --- who publishes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holder:
    """Who publishes."""

    token: str
    host: str
    pid: int
    until: float  # seconds since 1970

    def is_over(self, now: float) -> bool:
        """True when it has been silent for too long, or is known to be dead."""
        return self.until < now or (self.host == socket.gethostname() and not _lives(self.pid))


class Lease:
    """A file at *place* that says who publishes there: for targets that know no locks.

    *put_new* writes it where nobody has, and tells whether it did. Two that ask in the same moment may both believe that they have
    it; the first renewal shows who has not.
    """

    def __init__(
        self, place: Place, *, put_new: Callable[[bytes], bool], clock: Callable[[], float] = time.time
    ) -> None:
        self._place, self._put_new, self._clock = place, put_new, clock
        self._token = secrets.token_hex(8)
        self._renewed = 0.0

    @contextmanager
    def held(self) -> Iterator[Callable[[], None]]:
        """Take it, or raise `PublishError` where somebody else has it."""
        self._take()
        try:
            yield self._renew
        finally:
            with suppress(PublishError):  # whatever goes wrong now, it runs out by itself
                if self._is_ours():
                    self._place.remove((LOCK,))

    def _take(self) -> None:
        if not self._put_new(self._words()):
            holder = self._holder()
            if holder and not holder.is_over(self._clock()):
                until = time.strftime("%H:%M:%S UTC", time.gmtime(holder.until))
                raise PublishError(
                    f"{self._place.name}: {holder.host} (process {holder.pid}) is publishing there; wait for it, or, where it has "
                    f"died, run again after {until}"
                )
            self._place.write(LOCK, self._words())
        self._must_be_ours()

    def _renew(self) -> None:
        if self._clock() - self._renewed >= RENEW:
            self._must_be_ours()
            self._place.write(LOCK, self._words())

    def _must_be_ours(self) -> None:
        if not self._is_ours():
            raise PublishError(f"{self._place.name}: somebody else publishes there now; run again when they are done")
        self._renewed = self._clock()

    def _is_ours(self) -> bool:
        holder = self._holder()
        return holder is not None and holder.token == self._token

    def _holder(self) -> Holder | None:
        try:
            return Holder(**json.loads(self._place.read(LOCK) or b""))
        except (ValueError, TypeError):
            return None

    def _words(self) -> bytes:
        holder = Holder(self._token, socket.gethostname(), os.getpid(), self._clock() + LEASE)
        return json.dumps(asdict(holder)).encode()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def is_remote_shell(place: str) -> bool:
    """True for what rsync reads as a place on another machine: a colon before any slash."""
    return re.match(r"[^/]+:", place) is not None and "://" not in place
