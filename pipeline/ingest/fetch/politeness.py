"""Many addresses at a time, and each host's peace: hosts side by side, the addresses of one in turn, with a pause between two.

Hosts of one operator count as one (`library.domains`): the thousand newsletters of one platform are one machine.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.ingest.fetch.addresses import host_of
from pipeline.ingest.fetch.answers import Answer, Arrived, NotHad, Request
from pipeline.ingest.fetch.limits import LARGE
from pipeline.library.domains import operator_of

if TYPE_CHECKING:
    from pipeline.ingest.fetch import Fetcher

HOSTS_AT_ONCE: Final = 32
HELD: Final = 32 * 2**20  # bytes of answers that nobody has taken yet, beyond which nothing more is asked for
_ON_DISK: Final = 4  # a large answer waits on the disk, where so many bytes count as one
_REMEMBERED: Final = 256  # operators, beyond which those are forgotten that may be asked at once
_TOO_MANY_REQUESTS: Final = 429


class Turns:
    """Whose turn it is: one request at a time to one operator, *pause* seconds apart (F5). Safe to use from several threads."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._lock = threading.Lock()
        self._operators: dict[str, _Operator] = {}

    @contextmanager
    def of(self, host: str) -> Iterator[None]:
        """Wait until *host* may be asked, and let nobody else ask it meanwhile."""
        name = operator_of(host)
        with self._lock:
            operator = self._operators.setdefault(name, _Operator())
            operator.users += 1
        try:
            with operator.lock:
                time.sleep(max(0.0, operator.free_at - time.monotonic()))
                try:
                    yield
                finally:
                    operator.free_at = time.monotonic() + self._pause
        finally:
            with self._lock:
                operator.users -= 1
                self._forget()

    def free_at(self, name: str) -> float:
        """When the operator *name* may be asked again, on the monotonic clock."""
        with self._lock:
            operator = self._operators.get(name)
        return operator.free_at if operator else 0.0

    @property
    def known(self) -> int:
        """How many operators it remembers."""
        return len(self._operators)

    def _forget(self) -> None:
        """Let go of those whose pause is over and whom nobody asks: a worker runs for months."""
        if len(self._operators) > _REMEMBERED:
            now = time.monotonic()
            for name in [name for name, one in self._operators.items() if not one.users and one.free_at <= now]:
                del self._operators[name]


@dataclass(slots=True)
class _Operator:
    lock: threading.Lock = field(default_factory=threading.Lock)
    free_at: float = 0.0
    users: int = 0  # who ask it, or wait for their turn


def fetch_all(
    fetcher: Fetcher,
    wanted: Sequence[Request],
    *,
    now: dt.datetime,
    hosts_at_once: int = HOSTS_AT_ONCE,
    held: int = HELD,
) -> Generator[Answer | NotHad, None, None]:
    """Fetch *wanted*, hosts side by side and the addresses of one operator in turn; what came of each, in the order of *wanted*.

    Once a host asks us to wait (429, 503), the rest of its addresses are not asked for: they come back as `NotHad` with the same
    *retry_after* (F4). Who says that we ask too often (429) means all hosts of the operator, for all of them are asked by us. While
    more than *held* bytes of answers are not taken yet, only the answer that is waited for is asked for.
    """
    results: dict[int, Future[Arrived | NotHad]] = {number: Future() for number in range(len(wanted))}
    rounds = _Rounds(wanted, fetcher.turns.free_at, held)
    waits: dict[str, dt.timedelta] = {}  # by host, or by operator; each is used by the one thread whose turn it is

    def one(number: int, operator: str) -> Arrived | NotHad:
        request = wanted[number]
        host = host_of(request.url)
        for name in (host, operator):
            if name in waits:
                reason = f"{name} asks us to wait"
                return NotHad(f"{request.url}: not asked for, {reason}", retry_after=waits[name])
        try:
            return fetcher.fetch(request, now=now)
        except NotHad as error:
            if error.retry_after is not None:
                waits[operator if error.status == _TOO_MANY_REQUESTS else host] = error.retry_after
            return error

    def work() -> None:
        while (turn := rounds.take()) is not None:
            number, operator = turn
            try:
                result = one(number, operator)
            except BaseException as error:
                rounds.end()  # it is not about this address: it is raised where the answer is asked for, and ends the run
                results[number].set_exception(error)
            else:
                rounds.had(number, _weight(result))
                results[number].set_result(result)
            rounds.give_back(operator)
        for number in rounds.left():
            results[number].set_result(NotHad(f"{wanted[number].url}: not asked for, the run was ended"))

    workers = max(1, min(hosts_at_once, rounds.operators))
    with ExitStack() as untaken, ThreadPoolExecutor(max_workers=workers, thread_name_prefix="fetch") as pool:
        untaken.callback(_close, results)
        for _ in range(workers):
            pool.submit(work)
        try:
            for number in range(len(wanted)):
                rounds.expect(number)
                result = results[number].result()
                del results[number]  # and its body with it
                rounds.taken(number)
                yield result.read() if isinstance(result, Arrived) else result
        finally:
            rounds.end()


def _close(results: Mapping[int, Future[Arrived | NotHad]]) -> None:
    """Let go of the bodies that nobody will take any more."""
    for future in results.values():
        if future.done() and future.exception() is None:
            result = future.result()
            if isinstance(result, Arrived):
                result.close()


def _weight(result: Arrived | NotHad) -> int:
    size = result.size if isinstance(result, Arrived) else 0
    return size // _ON_DISK if size > LARGE else size


class _Rounds:
    """Which address is asked for next: of those whose operator may be asked, the one that has been free for longest.

    While too much of what came is not taken yet, only the address that is waited for is asked for; so answers never pile up.
    """

    def __init__(self, wanted: Sequence[Request], free_at: Callable[[str], float], most: int) -> None:
        self._free_at, self._most = free_at, most
        self._operator_of = [operator_of(host_of(request.url)) for request in wanted]
        self._numbers: dict[str, deque[int]] = {}
        for number, operator in enumerate(self._operator_of):
            self._numbers.setdefault(operator, deque()).append(number)
        self._ready = dict.fromkeys(
            self._numbers, 0.0
        )  # when each operator that is not being asked may be, in order of the wishes
        self.operators = len(self._numbers)
        self._condition = threading.Condition()
        self._busy = 0
        self._ended = False
        self._expected = 0
        self._held: dict[int, int] = {}  # bytes of each answer that nobody has taken yet

    def take(self) -> tuple[int, str] | None:
        """The number of the next address, and its operator, as soon as it may be asked for; None when there is nothing left."""
        with self._condition:
            while not self._ended and (self._ready or self._busy):
                operator = self._next()
                wait = None if operator is None else self._ready[operator] - time.monotonic()
                if operator is not None and wait is not None and wait <= 0:
                    del self._ready[operator]
                    self._busy += 1
                    return self._numbers[operator].popleft(), operator
                self._condition.wait(wait)
            self._condition.notify_all()
            return None

    def give_back(self, operator: str) -> None:
        """The operator's turn is over."""
        with self._condition:
            self._busy -= 1
            if self._numbers[operator]:
                self._ready[operator] = self._free_at(operator)
            self._condition.notify_all()

    def had(self, number: int, size: int) -> None:
        with self._condition:
            self._held[number] = size

    def expect(self, number: int) -> None:
        """The result of *number* is waited for."""
        with self._condition:
            self._expected = number
            self._condition.notify_all()

    def taken(self, number: int) -> None:
        with self._condition:
            self._held.pop(number, None)
            self._condition.notify_all()

    def end(self) -> None:
        """Nothing more is asked for."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def left(self) -> list[int]:
        """The numbers that nobody will ask for, each told once."""
        with self._condition:
            left = [number for numbers in self._numbers.values() for number in numbers]
            for numbers in self._numbers.values():
                numbers.clear()
            return left

    def _next(self) -> str | None:
        """The operator to be asked next; None where something else must happen before."""
        if sum(self._held.values()) > self._most:
            operator = self._operator_of[self._expected]
            return operator if operator in self._ready else None
        return min(self._ready, key=self._ready.__getitem__, default=None)
