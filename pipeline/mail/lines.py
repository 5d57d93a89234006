"""Many connections at once, each with at most one copy on it: an event loop that the caller turns by `wait`.

    give a copy | write and read as the sockets allow | results

Nothing runs while nobody waits, but the opening of connections, which has threads of its own: it may take seconds. A copy
whose line broke before the server can have taken it is tried again over a new one; everything else is the ledger's to decide.
"""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass

from pipeline.errors import TransportError
from pipeline.mail.smtp import Answer, CannotMake, Copy, NotSmtp, Stage, Transaction, cannot_carry
from pipeline.mail.transport import (
    CHUNK,
    Connection,
    LineBroken,
    Relays,
    SmtpConnection,
    Transport,
    patience,
    plain,
    refusal_of_us,
)

RECONNECT_WAITS = (0.2, 1.0, 3.0)  # seconds before each new attempt to reach a server, while no connection is left
STALE_TRIES = 3  # lines on which one copy may break, the server not having taken it
BROKEN_IN_A_ROW = 10  # copies, after which a run is given up: it is not the letters
REFUSED_IN_A_ROW = 10  # answers that concern us, after which it is not this letter's sender
UNMADE_IN_A_ROW = 10  # letters that could not be made, after which it is not the reader
ONE_MORE_EVERY = 10.0  # seconds, after which one more connection is tried than a server would take
TO_WRITE = 3  # times the time-out, for all octets of a copy to leave


class Unsent(Exception):
    """Nothing of the copy went over a wire, and nothing will in this run."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one copy went: the server's answer, or why there is none."""

    number: int
    answer: Answer | LineBroken | Unsent | CannotMake
    relay: str


@dataclass(slots=True)
class _Task:
    number: int
    copy: Copy
    until: float  # monotonic: it must have begun by then
    tries: int = 0


@dataclass(slots=True, eq=False)
class _Line:
    connection: Connection | None = None  # None while it is being opened
    task: _Task | None = None
    transaction: Transaction | None = None
    to_write: memoryview | None = None
    deadline: float = 0.0
    carried: int = 0
    events: int = 0  # what the selector listens for; 0: it is not registered

    @property
    def name(self) -> str:
        return self.connection.relay.name if isinstance(self.connection, SmtpConnection) else ""


class Lines:
    """At most *count* connections of *transport*. A further one is opened only while a copy waits for it."""

    def __init__(self, transport: Transport, first: Connection, *, count: int, letters_per_connection: int) -> None:
        self._transport = transport
        self._count, self._limit = count, count
        self._letters = letters_per_connection
        self._selector = selectors.DefaultSelector()
        self._lines: list[_Line] = []
        self._free: list[_Line] = []
        self._waiting: deque[_Task] = deque()  # copies without a line
        self._results: list[Result] = []
        self._opened: queue.SimpleQueue[tuple[_Line, Connection | TransportError]] = queue.SimpleQueue()
        self._attempts = 0  # to reach a server, in vain, since the last connection was had
        self._one_more_at = 0.0
        self._broken = self._refused = self._unmade = 0  # in a row
        self.busy = 0
        self.lost = ""  # why no connection can be had any more
        self._closed = False
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._add(_Line(first))

    @property
    def idle(self) -> int:
        """How many more copies can be on the wire now."""
        return 0 if self.lost else self._limit - self.busy

    def give(self, number: int, copy: Copy, *, until: float) -> None:
        """Send *copy*, known by *number*. If it has not begun by the monotonic moment *until*, it is `Unsent`."""
        self.busy += 1
        self._waiting.append(_Task(number, copy, until))
        self._assign()

    def wait(self, timeout: float, *, linger: float = 0.0) -> list[Result]:
        """Turn the loop until at least one copy is done, for *timeout* seconds at most; the results that have come in.

        From the first one on, others have *linger* seconds to join it: they belong to the same group commit.
        """
        end = time.monotonic() + timeout
        while not self._results and (left := end - time.monotonic()) > 0:
            self._turn(left)
        end = time.monotonic() + linger
        while self._results and self.busy > len(self._results):
            left = max(0.0, end - time.monotonic())
            self._turn(left)
            if not left:
                break
        results, self._results = self._results, []
        self.busy -= len(results)
        self._count_troubles(results)
        return results

    def give_up(self) -> None:
        """Hang up on every copy that is still on a wire, and hand back those that have not begun: `wait` tells of them."""
        self.lost = self.lost or "told to stop"
        self._return_waiting(self.lost)
        for line in [line for line in self._lines if line.task is not None]:
            self._broke(line, NotSmtp("we hung up, for we were told to stop"), final=True)

    def close(self) -> None:
        for line in self._lines:
            if line.connection is not None:
                self._hang_up(line)
        self._lines.clear()
        self._free.clear()
        self._selector.close()
        self._bell.close()
        self._rope.close()
        self._closed = True
        self._drop_opened()

    def _drop_opened(self) -> None:
        """Close what was opened and is not wanted any more."""
        with contextlib.suppress(queue.Empty):
            while True:
                _, connection = self._opened.get_nowait()
                if not isinstance(connection, TransportError):
                    connection.close()

    # -- the loop

    def _turn(self, timeout: float) -> None:
        for key, _ in self._selector.select(min(timeout, max(0.0, self._next_deadline() - time.monotonic()))):
            if key.data is None:
                self._answer_the_bell()
            else:
                self._go_on(key.data, readable=True)
        now = time.monotonic()
        for line in [line for line in self._lines if line.transaction is not None and line.deadline <= now]:
            self._broke(line, TimeoutError())
        if self.lost:
            self._return_waiting(self.lost)
        if self._limit < self._count and now >= self._one_more_at:
            self._limit += 1
            self._one_more_at = now + ONE_MORE_EVERY
        self._assign()

    def _next_deadline(self) -> float:
        deadlines = [line.deadline for line in self._lines if line.transaction is not None]
        return min(deadlines, default=time.monotonic() + 60)

    def _assign(self) -> None:
        """Give waiting copies to free lines, and open one where there is none."""
        while self._waiting and self._free:
            self._begin(self._free.pop(), self._waiting.popleft())
        if not self._waiting or len(self._lines) >= self._limit:
            return
        opening = sum(line.connection is None for line in self._lines)
        while len(self._waiting) > opening and len(self._lines) < self._limit and not self.lost:
            self._open(_Line(), wait=0.0)
            opening += 1

    # -- opening and closing

    def _open(self, line: _Line, *, wait: float) -> None:
        if line not in self._lines:
            self._lines.append(line)
        threading.Thread(target=self._connect, args=(line, wait), name="mail line", daemon=True).start()

    def _connect(self, line: _Line, wait: float) -> None:
        """In a thread of its own."""
        if wait:
            time.sleep(wait)
        try:
            got: Connection | TransportError = self._transport.connect()
        except TransportError as error:
            got = error
        except Exception as error:  # nothing may end this thread unheard: somebody waits for the line
            got = TransportError(f"mail server {self._transport.name}: unexpected {type(error).__name__}: {error}")
        self._opened.put((line, got))
        if self._closed:
            self._drop_opened()
        with contextlib.suppress(OSError):
            self._rope.send(b".")

    def _answer_the_bell(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._bell.recv(1024):
                pass
        while not self._opened.empty():
            line, got = self._opened.get()
            if isinstance(got, TransportError):
                self._not_had(line, got)
            else:
                line.connection = got
                self._add(line)

    def _add(self, line: _Line) -> None:
        if isinstance(line.connection, SmtpConnection):
            line.connection.socket.setblocking(False)
        if line not in self._lines:
            self._lines.append(line)
        self._attempts = 0
        line.carried = 0
        self._free.append(line)
        self._assign()

    def _not_had(self, line: _Line, why: TransportError) -> None:
        """A connection could not be had: go on with the others, a server may allow only so many; without any, try again."""
        self._lines.remove(line)
        if any(other.connection is not None for other in self._lines):
            self._limit = max(1, len(self._lines))
            self._one_more_at = time.monotonic() + ONE_MORE_EVERY
        elif self._lines:
            return  # another one is being opened
        elif self._attempts < len(RECONNECT_WAITS):
            self._open(line, wait=RECONNECT_WAITS[self._attempts])
            self._attempts += 1
        else:
            self._lose(str(why))

    def _lose(self, why: str) -> None:
        self.lost = why
        self._return_waiting(why)

    def _return_waiting(self, why: str) -> None:
        while self._waiting:
            self._results.append(Result(self._waiting.popleft().number, Unsent(why), ""))

    def _hang_up(self, line: _Line) -> None:
        """Close the line's connection, and forget the line."""
        self._listen(line, 0)
        if line.connection is not None:
            line.connection.close()
        if line in self._free:
            self._free.remove(line)

    def _forget(self, line: _Line) -> None:
        self._hang_up(line)
        self._lines.remove(line)

    # -- one copy

    def _begin(self, line: _Line, task: _Task) -> None:
        connection, copy = line.connection, task.copy
        assert connection is not None
        if time.monotonic() > task.until:  # we were frozen: somebody else may have taken it over
            self._results.append(Result(task.number, Unsent("its claim ran out before it began"), line.name))
            self._free.append(line)
            return
        line.task = task
        if not isinstance(connection, SmtpConnection):
            self._carry_at_once(line, connection, task)
            return
        if connection.is_unasked:
            if line.carried:  # it closes, most likely: that is no try of this letter
                line.task = None
                self._forget(line)
                self._waiting.appendleft(task)
            else:
                self._broke(line, NotSmtp("the server speaks unasked"))
            return
        if refusal := cannot_carry(connection.offers, copy):
            self._done(line, Answer(refusal, Stage.RCPT))
            return
        transaction = Transaction(connection.offers, copy)
        try:
            words = transaction.start()
        except CannotMake as error:
            self._done(line, error)
            return
        line.transaction = transaction
        self._say(line, words)
        self._go_on(line)

    def _carry_at_once(self, line: _Line, connection: Connection, task: _Task) -> None:
        """A connection without a socket, such as the outbox."""
        try:
            answer = connection.carry(task.copy)
        except TransportError as error:
            self._results.append(Result(task.number, Unsent(str(error)), ""))
            line.task = None
            self._forget(line)
            self._lose(str(error))
        except LineBroken as error:
            self._finish(line, error)
        except CannotMake as error:
            self._done(line, error)
        else:
            self._done(line, answer)

    def _say(self, line: _Line, words: bytes) -> None:
        assert isinstance(line.connection, SmtpConnection)
        line.to_write = memoryview(words)
        line.deadline = time.monotonic() + TO_WRITE * line.connection.relay.timeout

    def _go_on(self, line: _Line, *, readable: bool = False) -> None:
        """Write and read what the socket takes and gives; read where there is something, for to be refused takes time as well."""
        connection, transaction = line.connection, line.transaction
        if not isinstance(connection, SmtpConnection):
            return
        if transaction is None:  # the server says something between two letters: it closes, most likely
            self._forget(line)
            return
        try:
            while True:
                if line.to_write is not None and not self._write(line, connection):
                    return
                if transaction.is_over:
                    break
                reply = connection.replies.next()
                if reply is None:
                    if not readable:
                        self._listen(line, selectors.EVENT_READ)
                        return
                    if not (got := self._read(line, connection)):
                        return
                    # What TLS has unpacked, no selector tells of: it is read to the end.
                    readable = got == CHUNK or isinstance(connection.socket, ssl.SSLSocket)
                    continue
                if words := transaction.hear(reply):
                    self._say(line, words)
                else:
                    line.deadline = time.monotonic() + patience(connection.relay, transaction)
        except (OSError, NotSmtp) as error:
            self._broke(line, error)
            return
        except CannotMake as error:  # half-way: the server waits for octets that there are not
            self._finish(line, error)
            return
        assert transaction.answer is not None
        self._done(line, transaction.answer)

    def _write(self, line: _Line, connection: SmtpConnection) -> bool:
        """Write on; False when the socket takes no more for now."""
        assert line.to_write is not None
        assert line.transaction is not None
        while line.to_write:
            try:
                sent = connection.socket.send(line.to_write)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self._listen(line, selectors.EVENT_READ | selectors.EVENT_WRITE)
                return False
            line.to_write = line.to_write[sent:]
        line.to_write = None
        line.deadline = time.monotonic() + patience(connection.relay, line.transaction)
        return True

    def _read(self, line: _Line, connection: SmtpConnection) -> int:
        """Read what is there; how many octets. Raises `NotSmtp` when the server has hung up."""
        try:
            data = connection.socket.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._listen(line, selectors.EVENT_READ)
            return 0
        if not data:
            raise NotSmtp("the server hung up")
        connection.replies.feed(data)
        return len(data)

    def _listen(self, line: _Line, events: int) -> None:
        if line.events == events or not isinstance(line.connection, SmtpConnection):
            return
        sock = line.connection.socket
        if not events:
            self._selector.unregister(sock)
        elif line.events:
            self._selector.modify(sock, events, line)
        else:
            self._selector.register(sock, events, line)
        line.events = events

    # -- how it ended

    def _done(self, line: _Line, answer: Answer | CannotMake) -> None:
        """The copy is answered; the line is free for the next one, unless the server closes it or it has carried enough."""
        assert line.task is not None
        transaction, connection = line.transaction, line.connection
        self._results.append(Result(line.task.number, answer, line.name))
        line.task = line.transaction = line.to_write = None
        line.carried += 1
        closes = transaction is not None and transaction.closes
        # Who said more than was asked would answer each letter with what was meant for the one before.
        closes |= isinstance(connection, SmtpConnection) and not connection.replies.is_empty
        refused = isinstance(answer, Answer) and answer.concerns_us
        if refused and isinstance(self._transport, Relays) and isinstance(connection, SmtpConnection):
            self._transport.failed(connection.relay)
        if closes or refused or line.carried >= self._letters:
            self._forget(line)
        else:
            self._free.append(line)

    def _finish(self, line: _Line, answer: LineBroken | CannotMake) -> None:
        """The copy has no answer, and its line cannot be used any more."""
        assert line.task is not None
        self._results.append(Result(line.task.number, answer, line.name))
        line.task = line.transaction = line.to_write = None
        self._forget(line)

    def _broke(self, line: _Line, error: Exception, *, final: bool = False) -> None:
        """The line broke under its copy: another try where the server cannot have taken it, else the ledger decides."""
        task, transaction = line.task, line.transaction
        assert task is not None
        if transaction is not None and transaction.verdict is not None:  # it hung up on what follows a refusal
            transaction.closes = True
            self._done(line, transaction.verdict)
            return
        everything_left = line.to_write is None
        uncertain = transaction is not None and everything_left and transaction.is_uncertain
        task.tries += 1
        if final or uncertain or task.tries >= STALE_TRIES or self.lost:
            self._finish(line, LineBroken(f"{line.name} {plain(error)}".strip(), uncertain=uncertain))
            return
        line.task = line.transaction = line.to_write = None
        self._forget(line)
        self._waiting.appendleft(task)

    def _count_troubles(self, results: list[Result]) -> None:
        for result in results:
            answer = result.answer
            us = isinstance(answer, Answer) and answer.concerns_us
            self._broken = self._broken + 1 if isinstance(answer, LineBroken) else 0
            self._refused = self._refused + 1 if us else 0
            self._unmade = self._unmade + 1 if isinstance(answer, CannotMake) else 0
            if self._broken == BROKEN_IN_A_ROW:
                self._lose(f"the connection to {self._transport.name} broke {BROKEN_IN_A_ROW} times in a row: {answer}")
            if us and isinstance(answer, Answer) and self._refused == REFUSED_IN_A_ROW:
                self._lose(refusal_of_us(result.relay, answer))
            if self._unmade == UNMADE_IN_A_ROW:
                self._lose(
                    f"{UNMADE_IN_A_ROW} letters in a row could not be made, so it is not their readers: {answer}"
                )
