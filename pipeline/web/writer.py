"""A writer: what many requests want written goes to the disk together, and each is answered once its own part is there.

    request | submit | wait ... | one transaction for all that wait | every request is told

A commit waits for the disk; a hundred requests that wait for one commit wait no longer than one does. Between two commits the
writer rests a little, so that others who write, one-click unsubscribes above all, get their turn.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pipeline.errors import StoreBusy, StoreError
from pipeline.store import Connection, Store

AT_ONCE = 250  # in one transaction
WAITING = 1_000  # more are turned away: they would wait for seconds
REST = 0.002  # seconds
IDLE = 1.0  # seconds after which the thread ends; the next request starts another

Item = TypeVar("Item")
Told = TypeVar("Told")


class Writer(Generic[Item, Told]):
    """Calls *write* with what was submitted meanwhile; it returns what to tell each."""

    def __init__(self, store: Store, write: Callable[[Connection, Sequence[Item]], Sequence[Told]]) -> None:
        self._store = store
        self._write = write
        self._waiting: queue.Queue[tuple[Item, asyncio.Future[Told]]] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    async def submit(self, item: Item) -> Told:
        """Have *item* written, and wait until it is on the disk.

        Raises `StoreBusy` when too many wait already or the database is locked, `StoreError` when it cannot be written.
        """
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait((item, future))
        except queue.Full:
            raise StoreBusy(f"{WAITING} requests wait to be written; try again") from None
        self._wake()
        return await future

    def _wake(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while batch := self._next():
            self._handle(batch)
            time.sleep(REST)

    def _next(self) -> list[tuple[Item, asyncio.Future[Told]]]:
        """Everything that waits, up to `AT_ONCE`; nothing when nobody has come for a while, and then this thread ends."""
        try:
            batch = [self._waiting.get(timeout=IDLE)]
        except queue.Empty:
            with self._lock:
                if self._waiting.empty():
                    self._thread = None
                    return []
            batch = [self._waiting.get()]
        while len(batch) < AT_ONCE:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch

    def _handle(self, batch: list[tuple[Item, asyncio.Future[Told]]]) -> None:
        try:
            with self._store.writing() as connection:
                told = self._write(connection, [item for item, _ in batch])
            _tell([(future, answer, None) for (_, future), answer in zip(batch, told, strict=True)])
        except StoreBusy as error:
            _tell([(future, None, error) for _, future in batch])
        except Exception as error:  # one item may be at fault: each for itself, so that it spoils no other
            if len(batch) == 1:
                _tell([(batch[0][1], None, error)])
                return
            if isinstance(error, StoreError) and not self._can_write():
                _tell([(future, None, error) for _, future in batch])
                return
            for each in batch:
                self._handle([each])

    def _can_write(self) -> bool:
        """Whether anything can be written at all: where the disk is full, to try each alone would take for ever."""
        try:
            with self._store.writing() as connection:
                self._write(connection, [])
        except StoreError:
            return False
        return True


def _tell(answers: Sequence[tuple[asyncio.Future[Any], Any, Exception | None]]) -> None:
    """Give each its answer, in the event loop that it waits in."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, Exception | None]]] = {}
    for answer in answers:
        by_loop.setdefault(answer[0].get_loop(), []).append(answer)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(_set, group)
        except RuntimeError:  # the server has ended, and nobody waits any more
            continue


def _set(answers: Sequence[tuple[asyncio.Future[Any], Any, Exception | None]]) -> None:
    for future, told, error in answers:
        if future.done():  # the client went away
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(told)
