"""Deliver what is planned: claim | stamp | send | judge | record, until nothing is due.

One thread keeps the ledger and the others each hold one connection with at most one letter on it. The ledger's loop writes,
in one transaction, the replies that have come in and the claims of the letters that go out next (group commit): no
connection starts a letter before the reply to its last one is durable. Stop it anywhere: only the letters in flight, at most
one a connection, are uncertain.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.errors import SendingElsewhere, StoreBusy, TransportError
from pipeline.mail.judge import Outcome, judge, judge_broken_line
from pipeline.mail.stamp import Stamp
from pipeline.mail.transport import LETTERS_PER_CONNECTION, Connection, LineBroken, Transport
from pipeline.model import DeliveryStatus, Reply
from pipeline.store import Store, deliveries, issues, workers
from pipeline.store.claims import bury
from pipeline.store.deliveries import Claim, Verdict
from pipeline.store.issues import StoredIssue

Clock = Callable[[], dt.datetime]

RECONNECT_WAITS = (0.2, 1.0, 3.0)  # seconds before each new attempt to reach the server
BROKEN_IN_A_ROW = 10  # letters, after which a run is given up: it is not the letters
BUSY_PATIENCE = 60.0  # seconds that the ledger waits for a locked database


class Tally(Counter[DeliveryStatus]):
    """What one run did: how many letters ended in which state. UNCERTAIN counts those that may have arrived twice."""

    taken_over: int = 0
    line_lost: str = ""  # why the run ended early, if it did


def deliver(
    store: Store,
    stored: StoredIssue,
    transport: Transport,
    *,
    sender: str,
    token_key: bytes,
    connections: int,
    clock: Clock,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Tally:
    """Send every letter of the issue that is due, over at most *connections* connections.

    Setting *stop* ends it after the letters in flight. A server that goes away half-way ends the run: see `Tally.line_lost`.
    Raises `TransportError` when the server cannot be reached at the start, `SendingElsewhere` when another live process sends
    the same issue.
    """
    worker, taken_over = _sign_on(store, stored, now=clock())
    try:
        first = transport.connect()  # before anything is claimed
    except BaseException:
        with store.writing() as connection:
            workers.leave(connection, worker)
        raise
    ledger = _Ledger(store, stored, worker, token_key=token_key, clock=clock)
    lines = _Lines(transport, first, sender=sender, count=connections)
    try:
        tally = _run(ledger, lines, stop=stop or threading.Event(), progress=progress)
    finally:
        lines.close()
    with store.writing() as connection:
        workers.leave(connection, worker)
    tally.taken_over = taken_over
    return tally


def _sign_on(store: Store, stored: StoredIssue, *, now: dt.datetime) -> tuple[int, int]:
    """Become a worker, and take over what dead ones left. Returns the worker's number and how many letters are uncertain."""
    with store.writing() as connection:
        worker = workers.register(connection, task=stored.issue.key, now=now)
        alive, dead = workers.others(connection, worker, now=now)
        for colleague in alive:
            if colleague.task == stored.issue.key:
                raise SendingElsewhere(
                    f"{stored.issue.key} is being sent by another process ({colleague.place}); it goes on by itself, and "
                    f"running this again tells how it ended. If it was killed, its claim ends in {workers.LEASE.seconds} seconds"
                )
        return worker, bury(connection, dead, now=now)


def _run(ledger: _Ledger, lines: _Lines, *, stop: threading.Event, progress: Callable[[int], None]) -> Tally:
    """The loop: write what came in, claim what goes out, hand it over."""
    tally = Tally()
    results: list[_Result] = []
    while True:
        room = 0 if stop.is_set() or lines.lost else lines.idle
        claims, held_back = ledger.turn(results, room=room, tally=tally)
        tally[DeliveryStatus.SUPPRESSED] += held_back
        progress(sum(tally.values()))
        for claim in claims:
            lines.give(claim, ledger.copy_for(claim))
        if lines.busy == 0 and not claims:
            tally.line_lost = lines.lost
            return tally
        results = lines.wait()


# --- the ledger -------------------------------------------------------------------------------------------------------


class _Ledger:
    """Writes what happens to the deliveries of one issue, for one worker."""

    def __init__(self, store: Store, stored: StoredIssue, worker: int, *, token_key: bytes, clock: Clock) -> None:
        self._store, self._issue, self._worker, self._clock = store, stored, worker, clock
        self._token_key = token_key
        self._stamps: dict[int, Stamp] = {}

    def turn(self, results: list[_Result], *, room: int, tally: Tally) -> tuple[list[Claim], int]:
        """Record *results* and claim up to *room* letters, in one transaction. Waits while the database is locked."""
        now = self._clock()
        verdicts = [_verdict(result, now=now) for result in results if not isinstance(result.answer, TransportError)]
        unsent = [result.claim.id for result in results if isinstance(result.answer, TransportError)]
        deadline = time.monotonic() + BUSY_PATIENCE
        while True:
            try:
                claims, held_back = self._write(verdicts, unsent, room=room, now=now)
                break
            except StoreBusy:
                if time.monotonic() > deadline:
                    raise
        for verdict in verdicts:
            tally[verdict.status] += 1
        return claims, held_back

    def copy_for(self, claim: Claim) -> bytes:
        """The letter of *claim*, stamped for its subscriber."""
        if claim.letter_id not in self._stamps:
            with self._store.reading() as connection:
                message = issues.letter_message(connection, claim.letter_id)
            self._stamps[claim.letter_id] = Stamp(message, issue_key=self._issue.issue.key, token_key=self._token_key)
        return self._stamps[claim.letter_id].copy_for(email=claim.email, ref=claim.ref)

    def _write(
        self, verdicts: list[Verdict], unsent: list[int], *, room: int, now: dt.datetime
    ) -> tuple[list[Claim], int]:
        with self._store.writing() as connection:
            if not workers.renew(connection, self._worker, now=now):  # also locks our row: nobody takes over meanwhile
                raise SendingElsewhere(
                    f"another process took {self._issue.issue.key} over, because this one was silent for too long; it goes on there"
                )
            deliveries.record(connection, self._worker, verdicts, now=now)
            deliveries.release(connection, self._worker, unsent)
            return deliveries.claim(connection, self._issue.id, self._worker, limit=room, now=now)


def _verdict(result: _Result, *, now: dt.datetime) -> Verdict:
    assert isinstance(result.answer, Reply | LineBroken)
    outcome, reply = judged(result.answer, result.claim.attempts, now=now)
    return Verdict(result.claim.id, outcome.status, reply, outcome.next_at)


def judged(answer: Reply | LineBroken, attempts: int, *, now: dt.datetime) -> tuple[Outcome, Reply]:
    """What *answer* means for a letter tried *attempts* times before, and the reply to keep: a broken line has one in our words."""
    if isinstance(answer, Reply):
        return judge(answer, attempts, now=now), answer
    outcome = judge_broken_line(attempts, uncertain=answer.uncertain, now=now)
    return outcome, Reply(0, "", f"connection lost: {answer}")


# --- the lines --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Result:
    """How one letter went: the server's reply, or why there is none. `TransportError`: nothing went over the wire."""

    claim: Claim
    answer: Reply | Exception


class _Lines:
    """Threads that each hold one connection. A further one is opened only while a letter waits for it."""

    def __init__(self, transport: Transport, first: Connection, *, sender: str, count: int) -> None:
        self._transport, self._sender, self._limit = transport, sender, count
        self._work: queue.SimpleQueue[tuple[Claim, bytes] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[_Result] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = 0
        self._broken = 0  # letters in a row on which the line broke
        self.busy = 0
        self.lost = ""  # why no connection can be had any more
        self._start(first)

    @property
    def idle(self) -> int:
        """How many more letters can be on the wire now."""
        return self._limit - self.busy

    def give(self, claim: Claim, message: bytes) -> None:
        self.busy += 1
        if self.busy > self._open:
            self._start(None)
        self._work.put((claim, message))

    def wait(self) -> list[_Result]:
        """The results that have come in, after a while none: the ledger has its lease to renew while every server is silent."""
        try:
            results = [self._results.get(timeout=workers.LEASE.total_seconds() / 3)]
        except queue.Empty:
            return []
        while not self._results.empty():
            results.append(self._results.get())
        self.busy -= len(results)
        for result in results:
            self._broken = self._broken + 1 if isinstance(result.answer, LineBroken) else 0
            if self._broken == BROKEN_IN_A_ROW:
                self.lost = (
                    f"the connection to {self._transport.name} broke {BROKEN_IN_A_ROW} times in a row: {result.answer}"
                )
            if isinstance(result.answer, TransportError):
                self._one_less(str(result.answer))
            elif not isinstance(result.answer, Reply | LineBroken):
                raise result.answer  # a fault of ours: the letter stays claimed, and the next run takes it over
        return results

    def close(self) -> None:
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def _one_less(self, why: str) -> None:
        """A connection could not be had: go on with the others, a server may allow only so many."""
        self._limit -= 1
        self._open -= 1
        if self._limit <= 0:
            self.lost = why

    def _start(self, connection: Connection | None) -> None:
        self._open += 1
        thread = threading.Thread(target=self._carry, args=(connection,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _carry(self, connection: Connection | None) -> None:
        """One thread's life: take a letter, carry it, tell how it went. It ends when the server cannot be reached."""
        carried = 0
        while (task := self._work.get()) is not None:
            claim, message = task
            if connection and carried % LETTERS_PER_CONNECTION == 0 < carried:
                connection.close()
                connection = None
            try:
                connection, answer = self._try(connection, claim, message)
            except Exception as error:  # nothing may end this thread unheard: the ledger waits for its result
                connection, answer = None, error
            carried += 1
            self._results.put(_Result(claim, answer))
            if isinstance(answer, TransportError):
                return
        if connection:
            connection.close()

    def _try(
        self, connection: Connection | None, claim: Claim, message: bytes
    ) -> tuple[Connection | None, Reply | Exception]:
        """Send over *connection*, or over a new one where it has gone stale and the server cannot have taken the letter."""
        broken: LineBroken | TransportError | None = None
        for wait in (0.0, *RECONNECT_WAITS):
            if connection is None:
                time.sleep(wait)
                try:
                    connection = self._transport.connect()
                except TransportError as error:
                    broken = error
                    continue
            try:
                return connection, connection.send(self._sender, claim.email, message)
            except TransportError as error:  # it refuses us, and will again
                connection.close()
                return None, error
            except LineBroken as error:
                connection.close()
                connection, broken = None, error
                if error.uncertain:
                    break
        assert broken is not None
        return None, broken
