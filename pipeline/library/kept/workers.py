"""Work on many things by several processes. Each is a copy of this one at that moment (fork), so only names are handed over."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.pool import Pool
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
ENOUGH: Final = 60  # things that are worth other processes; starting them takes about as long as examining two articles
SLICE: Final = 100  # things at most that are handed over together, and told of together when they are done
_LITTER: Final = (
    10_000  # new objects before rings of them are looked for: work on many things makes many that do not stay
)

_job: tuple[Callable[..., Any], tuple[Any, ...]] | None = None


def processes() -> int:
    """How many may work at once: one where processes cannot be copied safely, or threads are about that would not be."""
    if (
        "fork" not in multiprocessing.get_all_start_methods()
        or sys.platform == "darwin"
        or threading.active_count() > 1
    ):
        return 1
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def in_slices(
    work: Callable[..., R], things: Sequence[T], tell: Callable[[int, int], None], *beside: Any, enough: int = ENOUGH
) -> Iterator[R]:
    """What *work* gives for each of *things*, in their order; *beside* is handed to it as well."""
    at_work = AtWork(work, things, *beside, enough=enough)
    try:
        yield from at_work.results(tell)
    finally:
        at_work.stop()


class AtWork(Generic[T, R]):
    """Other processes that do *work* for each of *things* from now on, as `in_slices`; this one may do something else until it asks
    for what comes of it. Where there are no others, nothing is done before that. Whoever does not take all of it must `stop` them.
    """

    def __init__(self, work: Callable[..., R], things: Sequence[T], *beside: Any, enough: int = ENOUGH) -> None:
        self._work = work
        self._things = things
        self._beside = beside
        self._pool: Pool | None = None
        number = processes()
        if len(things) <= enough or number < 2:
            return
        global _job  # noqa: PLW0603 -- what is copied into the other processes
        _job = (work, beside)
        self._pool = multiprocessing.get_context("fork").Pool(number, _prepare)
        self._results = self._pool.imap(_do, _slices(things, number))

    def results(self, tell: Callable[[int, int], None]) -> Iterator[R]:
        """What came of each thing, in their order; *tell* hears how many are done."""
        here = ([self._work(thing, *self._beside)] for thing in self._things)
        done = 0
        for results in self._results if self._pool else here:
            yield from results
            done += len(results)
            tell(done, len(self._things))

    def stop(self) -> None:
        """Let nothing more be done."""
        global _job  # noqa: PLW0603 -- as above
        if self._pool is not None:
            self._pool.terminate()
            self._pool = _job = None


def _slices(things: Sequence[T], number: int) -> Iterator[Sequence[T]]:
    """*things* in parts for so many processes: large ones first, for neighbours lean on the same sources, of which each process
    makes what it needs for itself, and ever smaller ones, so that all are busy to the end."""
    start = 0
    while start < len(things):
        size = max(1, min(SLICE, (len(things) - start) // (2 * number)))
        yield things[start : start + size]
        start += size


def _prepare() -> None:
    gc.freeze()
    gc.set_threshold(_LITTER, 5, 5)


def _do(things: Sequence[Any]) -> list[Any]:
    assert _job is not None
    work, beside = _job
    return [work(thing, *beside) for thing in things]
