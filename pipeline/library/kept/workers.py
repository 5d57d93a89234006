"""Work on many things by several processes. Each is a copy of this one at that moment (fork), so only names are handed over."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pipeline.errors import BuildError

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

T = TypeVar("T")
R = TypeVar("R")
ENOUGH: Final = 60  # things that are worth other processes; starting them takes about as long as examining two articles
SLICE: Final = 100  # things at most that are handed over together, and told of together when they are done
# New objects before rings of them are looked for: work on many things makes many that do not stay.
_LITTER: Final = 10_000

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
        self._pool: ProcessPoolExecutor | None = None
        self._others: list[multiprocessing.process.BaseProcess] = []
        self._slices: list[Future[list[R]]] = []  # of which nobody has taken the results yet
        number = processes()
        if len(things) <= enough or number < 2:
            return
        try:
            self._begin(number)
        except BaseException as error:
            self._end_others()
            self.stop()
            if not isinstance(error, OSError):  # no memory for them, or no more may be started: this one does all
                raise

    def results(self, tell: Callable[[int, int], None]) -> Iterator[R]:
        """What came of each thing, in their order; *tell* hears how many are done.

        Raises `BuildError` where one of the processes was ended from outside.
        """
        done = 0
        for results in self._there() if self._pool else self._here():
            yield from results
            done += len(results)
            tell(done, len(self._things))

    def _begin(self, number: int) -> None:
        global _job  # noqa: PLW0603 -- what is copied into the other processes
        _job = (self._work, self._beside)
        from concurrent.futures import ProcessPoolExecutor  # most runs have too little to do for it

        before = multiprocessing.active_children()
        fork = multiprocessing.get_context("fork")
        self._pool = ProcessPoolExecutor(number, mp_context=fork, initializer=_prepare, initargs=(os.getpid(),))
        try:
            with _told_of_their_end():
                for slice_ in _slices(self._things, number):
                    self._slices.append(self._pool.submit(_do, slice_))
        finally:
            self._others = [child for child in multiprocessing.active_children() if child not in before]

    def _here(self) -> Iterator[list[R]]:
        for thing in self._things:
            yield [self._work(thing, *self._beside)]

    def _there(self) -> Iterator[list[R]]:
        with _told_of_their_end():
            while self._slices:
                yield self._slices.pop(0).result()

    def stop(self) -> None:
        """Let nothing more be done."""
        global _job  # noqa: PLW0603 -- as in `_begin`
        if self._pool is not None:
            if self._slices:
                self._end_others()
            self._pool.shutdown(cancel_futures=True)
        self._pool = _job = None

    def _end_others(self) -> None:
        for child in self._others:
            child.kill()  # they may be deaf to what asks them to stop (`_prepare`)


@contextlib.contextmanager
def _told_of_their_end() -> Iterator[None]:
    """Raise `BuildError` where one of the other processes was ended from outside."""
    from concurrent.futures.process import BrokenProcessPool

    try:
        yield
    except BrokenProcessPool as error:
        raise BuildError(
            "one of the processes at work was ended from outside, as a machine without free memory does; run again"
        ) from error


def _slices(things: Sequence[T], number: int) -> Iterator[Sequence[T]]:
    """*things* in parts for so many processes: large ones first, for neighbours lean on the same sources, of which each process
    makes what it needs for itself, and ever smaller ones, so that all are busy to the end."""
    start = 0
    while start < len(things):
        size = max(1, min(SLICE, (len(things) - start) // (2 * number)))
        yield things[start : start + size]
        start += size


def _prepare(parent: int) -> None:
    # Who is asked to stop is *parent*: where it ends of that, so does this one, without a word; where it first ends what it is at,
    # as `publish` does, this one goes on too.
    for number in (signal.SIGINT, signal.SIGTERM):
        ends = signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
        signal.signal(number, signal.SIG_DFL if ends else signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    gc.freeze()
    gc.set_threshold(_LITTER, 5, 5)


def _end_with(parent: int) -> None:
    """End when *parent* has: nobody takes what is made any more."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _do(things: Sequence[Any]) -> list[Any]:
    assert _job is not None
    work, beside = _job
    return [work(thing, *beside) for thing in things]
