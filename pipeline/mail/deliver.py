"""Deliver what is planned: claim | make | send | judge | record, until nothing is due.

The ledger writes, in one transaction, the replies that have come in and the claims of the letters that go out next (group
commit): no connection starts a letter before the reply to its last one is durable. Stop it anywhere: only the letters in
flight, at most one a connection, are uncertain. `copies` makes them, `lines` carries them, `judge` reads the answers.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline.config import Rate
from pipeline.errors import SendingElsewhere, StoreBusy
from pipeline.mail.addresses import without_addresses
from pipeline.mail.bounces import receivers
from pipeline.mail.bounces.intake import take_in_refusal
from pipeline.mail.copies import Copies, unmade
from pipeline.mail.judge import (
    LETTERS_LIVE_FOR,
    Outcome,
    Trial,
    is_strike,
    judge,
    judge_broken_line,
    judge_refusal_of_us,
    pauses,
)
from pipeline.mail.lines import Lines, Result, Unsent
from pipeline.mail.smtp import Answer, CannotMake, Copy
from pipeline.mail.terms import Terms
from pipeline.mail.transport import LineBroken, Transport, refusal_of_us
from pipeline.model import BounceClass, Control, DeliveryStatus, Reply
from pipeline.store import Connection, Store, bounces, deliveries, domains, limits, turn, workers
from pipeline.store.claims import bury
from pipeline.store.deliveries import Claim, Claimed, Gate, Verdict
from pipeline.store.domains import Trouble
from pipeline.store.engine import Writer
from pipeline.store.issues import StoredIssue
from pipeline.store.limits import Bucket

Clock = Callable[[], dt.datetime]

BUSY_PATIENCE = 60.0  # seconds that the ledger waits for a locked or lost database
STOP_PATIENCE = 15.0  # seconds that letters in flight have once the run is told to stop
WORTH_WAITING = 60.0  # seconds that a run waits for its rate limit; for longer, it ends
LOOK_AROUND_EVERY = 2.0  # seconds between two looks at what others wrote: receivers in trouble, waits that are over
LOOKS, LOOK_AGAIN_AFTER = 20, 0.1  # how often, and after how many seconds, to look for letters whose reader was locked
WORTH_LINGERING, LONGEST_LINGER = 0.001, 0.02  # seconds that a turn takes; a quicker one waits for no company
LOOK = 64  # deliveries looked at behind those that their receiver does not take just now


class Tally(Counter[DeliveryStatus]):
    """What one run did: how many letters ended in which state. UNCERTAIN counts those that may have arrived twice."""

    taken_over: int = 0
    line_lost: str = ""  # why the run ended early, if it did
    limited: float = 0.0  # seconds until the rate limit lets the next letter go, where the run ended for it
    control: Control = Control.SENDING  # what a person said meanwhile

    def __init__(self) -> None:
        super().__init__()
        self.alarms: list[str] = []  # what a person should know about a receiver


def deliver(
    store: Store,
    stored: StoredIssue,
    transport: Transport,
    terms: Terms,
    *,
    clock: Clock,
    stop: threading.Event | None = None,
    share: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Tally:
    """Send every letter of the issue that is due, on these *terms*.

    Setting *stop* ends it after the letters in flight. A server that goes away half-way ends the run: see `Tally.line_lost`.
    With *share*, other processes may send the same issue at the same time. Raises `TransportError` when the server cannot be
    reached at the start, `SendingElsewhere` when another live process sends the same issue, or has taken this one's work over.
    """
    worker, taken_over = _sign_on(store, stored, terms, share=share, now=clock())
    try:
        first = transport.connect()  # before anything is claimed
    except BaseException:
        _sign_off(store, worker)
        raise
    ledger = _Ledger(store, stored, worker, terms, transport=transport, clock=clock)
    lines = Lines(transport, first, count=terms.connections, letters_per_connection=terms.letters_per_connection)
    try:
        tally = _run(ledger, lines, stop=stop or threading.Event(), progress=progress)
    finally:
        lines.close()
        ledger.close()
    _sign_off(store, worker)
    tally.taken_over += taken_over
    return tally


def _sign_on(store: Store, stored: StoredIssue, terms: Terms, *, share: bool, now: dt.datetime) -> tuple[int, int]:
    """Become a worker, and take over what dead ones left. Returns the worker's number and how many letters are uncertain."""
    with store.writing() as connection:
        worker = workers.register(connection, task=stored.issue.key, lease=terms.lease, now=now)
        alive, dead = workers.others(connection, worker, now=now)
        for colleague in alive:
            if colleague.task == stored.issue.key and not share:
                raise SendingElsewhere(
                    f"{stored.issue.key} is being sent by another process ({colleague.place}); it goes on by itself, and "
                    f"running this again tells how it ended. If it was killed, its claim ends in "
                    f"{terms.lease.total_seconds():.0f} seconds"
                )
        return worker, bury(connection, dead, hold=terms.hold_uncertain, now=now)


def _sign_off(store: Store, worker: int) -> None:
    with store.writing() as connection:
        workers.leave(connection, worker)


def _run(ledger: _Ledger, lines: Lines, *, stop: threading.Event, progress: Callable[[int], None]) -> Tally:
    """The loop: write what came in, claim what goes out, hand it over."""
    results: list[Result] = []
    stop_by, looks = 0.0, 0
    while True:
        if stop.is_set() and not stop_by:
            stop_by = time.monotonic() + STOP_PATIENCE
        room = 0 if stop.is_set() or lines.lost else lines.idle
        out = ledger.turn(results, room=room, lost=bool(lines.lost))
        progress(sum(ledger.tally.values()))
        for number, copy in out.copies:
            lines.give(number, copy, until=out.until)
        if lines.busy:
            if stop_by and time.monotonic() > stop_by:
                lines.give_up()
            results = lines.wait(0.2 if stop_by else ledger.patience, linger=ledger.linger)
            continue
        results = []
        if out.goes_on:
            stop.wait(out.wait)
        elif room and looks < LOOKS and ledger.leaves_some():
            looks += 1
            stop.wait(LOOK_AGAIN_AFTER)
        else:
            ledger.tally.line_lost = lines.lost or ledger.lost
            return ledger.tally


# --- the ledger -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Turn:
    """What goes out next: *copies* must have begun by *until*. *goes_on*: there may be more, in *wait* seconds."""

    copies: tuple[tuple[int, Copy], ...] = ()
    until: float = 0.0
    goes_on: bool = False
    wait: float = 0.0


@dataclass(slots=True)
class _News:
    """What is to be written of the results that came in."""

    verdicts: list[Verdict] = field(default_factory=list)
    outcomes: list[tuple[Claim, Reply, Outcome]] = field(default_factory=list)
    unsent: list[int] = field(default_factory=list)


class _Ledger:
    """Writes what happens to the deliveries of one issue, for one worker."""

    def __init__(
        self, store: Store, stored: StoredIssue, worker: int, terms: Terms, *, transport: Transport, clock: Clock
    ) -> None:
        self._transport_name = transport.name
        self._store, self._issue, self._worker, self._terms, self._clock = store, stored, worker, terms, clock
        self._writer = Writer(store)
        self.tally = Tally()
        self.lost = ""  # why nothing more can be sent, though there are lines
        self.patience = terms.lease.total_seconds() / 3  # seconds, after which a turn is due whatever happens
        self.linger = 0.0  # seconds that a turn may wait for more results: about what it takes itself
        self._held: dict[int, Claim] = {}  # what we have claimed and not recorded yet
        self._under_way: Counter[str] = Counter()  # of them, by domain
        # Until it is clear whether all are refused, or this sender alone.
        self._refused_us: list[tuple[Claim, Answer]] = []
        self._copies = Copies(store, stored, terms)
        self._troubled: dict[str, Trouble] = {}
        self._refusing: set[str] = set()  # receivers that refused us for what we are, since the last look
        self._stopped: set[str] = set()  # receivers at which too many called this issue spam
        self._renew_at = self._look_around_at = self._bury_at = self._watch_at = 0.0  # monotonic
        # Since the last look around, more letters were claimed than their receiver takes at a time.
        self._crowded = False
        self._exhausted = False  # the last look found fewer letters than there was room for

    def turn(self, results: Sequence[Result], *, room: int, lost: bool) -> _Turn:
        """Record *results* and claim up to *room* letters, in one transaction. Waits while the database is locked or away."""
        now, began = self._clock(), time.monotonic()
        news = self._read(results, lost=lost, now=now)
        deadline, wait = began + BUSY_PATIENCE, 0.05
        knows_what_it_holds = True
        while True:
            try:
                if knows_what_it_holds and self._is_plain(news, room):
                    claimed, limited = self._turn_at_once(news, room, now=now), 0.0
                    break
                with self._writer.writing() as connection:
                    self._keep_lease(connection, now=now)
                    if not knows_what_it_holds:
                        deliveries.release_all_but(connection, self._worker, list(self._held))
                    self._write(connection, news, now=now)
                    claimed, limited = self._claim(connection, room, now=now)
                break
            except StoreBusy:
                if time.monotonic() > deadline:
                    raise
                # Whether the claims of this turn were committed is not known where the answer to the commit was lost.
                knows_what_it_holds = False
                self._renew_at = self._look_around_at = 0.0
                time.sleep(random.uniform(wait / 2, wait))  # noqa: S311 -- no secret
                wait = min(2 * wait, 2.0)
        took = time.monotonic() - began
        self.linger = min(took, LONGEST_LINGER) if took > WORTH_LINGERING else 0.0
        self._forget(news)
        self._watch(now=now)
        return self._hand_out(claimed, limited, began=began)

    def _is_plain(self, news: _News, room: int) -> bool:
        """True for what most turns are, and Postgres does in one statement: letters went, others go, nothing else is due."""
        due_at = min(self._renew_at, self._bury_at, self._look_around_at)
        return (
            not self._store.is_sqlite
            and room > 0
            and time.monotonic() < due_at
            and not (self.lost or self._exhausted or self._crowded or self._troubled or self._stopped)
            and not (news.unsent or self._terms.rates)
            and all(verdict.status is DeliveryStatus.SENT for verdict in news.verdicts)
        )

    def _turn_at_once(self, news: _News, room: int, *, now: dt.datetime) -> Claimed | None:
        with self._writer.at_once() as connection:
            turned = turn.take(connection, self._issue.id, self._worker, news.verdicts, limit=room, now=now)
        self._heed(turned.control)
        allowed = self._by_domain(now=now)
        claims = tuple(claim for claim in turned.claims if allowed(claim.domain) is True)
        if len(claims) < len(turned.claims):
            ours = {claim.id for claim in claims}
            with self._writer.writing() as connection:
                deliveries.release(connection, self._worker, [c.id for c in turned.claims if c.id not in ours])
            self._crowded = True
        return Claimed(claims) if self.tally.control is Control.SENDING else None

    def _watch(self, *, now: dt.datetime) -> None:
        """Once in a while: do many refusals of one receiver say that something is wrong on our side?"""
        if not self._refusing or time.monotonic() < self._watch_at:
            return
        self._watch_at = time.monotonic() + LOOK_AROUND_EVERY
        try:
            self.tally.alarms += receivers.watch(self._store, refusing=self._refusing, complaining=(), now=now)
        except StoreBusy:
            return  # later
        self._refusing = set()

    def close(self) -> None:
        self._writer.close()

    def leaves_some(self) -> bool:
        """True when letters were passed by, for somebody else was changing their reader or taking them at that moment."""
        if self.lost or self.tally.limited or self.tally.control is not Control.SENDING:
            return False
        with self._store.reading() as connection:
            return deliveries.any_planned(connection, self._issue.id)

    # -- reading results

    def _read(self, results: Sequence[Result], *, lost: bool, now: dt.datetime) -> _News:
        news = _News()
        for result in results:
            claim = self._held[result.number]
            answer = result.answer
            if isinstance(answer, Unsent):
                news.unsent.append(claim.id)
            elif isinstance(answer, CannotMake):
                self._quarantine(news, claim, answer)
            elif isinstance(answer, Answer) and answer.concerns_us:
                self._refused_us.append((claim, answer))
            else:
                self._judge(news, claim, answer.reply if isinstance(answer, Answer) else answer, now=now)
        self._settle(news, lost=lost, now=now)
        return news

    def _judge(self, news: _News, claim: Claim, answer: Reply | LineBroken, *, now: dt.datetime) -> None:
        trial = Trial(claim.attempts, claim.first_at, LETTERS_LIVE_FOR)
        outcome, reply = judged(answer, trial, hold=self._terms.hold_uncertain, now=now)
        news.verdicts.append(Verdict(claim.id, outcome.status, reply, outcome.next_at))
        news.outcomes.append((claim, reply, outcome))

    def _settle(self, news: _News, *, lost: bool, now: dt.datetime) -> None:
        """Those whose sender was refused: all are where no letter is taken any more, else it was about theirs alone."""
        if not self._refused_us:
            return
        others_went = any(verdict.status is DeliveryStatus.SENT for verdict in news.verdicts)
        if not (lost or others_went or self._is_idle(news)):
            return
        if lost or not (others_went or self.tally[DeliveryStatus.SENT]):
            self.lost = refusal_of_us(self._transport_name, self._refused_us[-1][1])
            news.unsent += [claim.id for claim, _ in self._refused_us]
        else:
            for claim, answer in self._refused_us:
                reply = answer.reply
                outcome = judge_refusal_of_us(reply, Trial(claim.attempts, claim.first_at), now=now)
                news.verdicts.append(Verdict(claim.id, outcome.status, reply, outcome.next_at))
        self._refused_us = []

    def _is_idle(self, news: _News) -> bool:
        """True when nothing else is on the wire: nothing will tell any more whether others are refused too."""
        done = len(news.verdicts) + len(news.unsent) + len(self._refused_us)
        return self._exhausted and done >= len(self._held)

    def _quarantine(self, news: _News, claim: Claim, fault: CannotMake) -> None:
        where = ""
        if self._terms.quarantine is not None:
            file = self._terms.quarantine / f"{self._issue.issue.key}-{claim.ref}.txt"
            try:
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                file.write_text("".join(traceback.format_exception(fault)), "utf-8")
                where = f"; see {file}"
            except OSError:
                where = ""
        news.verdicts.append(Verdict(claim.id, DeliveryStatus.QUARANTINED, unmade(fault, more=where)))

    # -- writing

    def _keep_lease(self, connection: Connection, *, now: dt.datetime) -> None:
        """Renew the lease now and then; each time see, and hold fast, that nobody has taken over, and what is wanted."""
        lease, moment = self._terms.lease, time.monotonic()
        if moment >= self._renew_at:
            workers.renew(connection, self._worker, lease=lease, now=now)
            self._renew_at = moment + lease.total_seconds() / 10
        self._heed(workers.control(connection, self._worker, self._issue.id))
        if moment >= self._bury_at:
            self._bury_at = moment + lease.total_seconds() / 2
            _, dead = workers.others(connection, self._worker, now=now)
            if dead:
                self.tally.taken_over += bury(connection, dead, hold=self._terms.hold_uncertain, now=now)

    def _heed(self, control: Control | None) -> None:
        if control is None:
            raise SendingElsewhere(
                f"another process took {self._issue.issue.key} over, because this one was silent for too long; it goes on there"
            )
        self.tally.control = control

    def _write(self, connection: Connection, news: _News, *, now: dt.datetime) -> None:
        deliveries.record(connection, self._worker, news.verdicts, now=now)
        deliveries.release(connection, self._worker, news.unsent)
        for claim, reply, outcome in news.outcomes:
            if outcome.about is not None and reply.permanent:
                take_in_refusal(
                    connection,
                    claim.ref,
                    issue_id=self._issue.id,
                    reply=reply,
                    about=outcome.about,
                    suppression_key=self._terms.suppression_keys,
                    now=now,
                )
                if outcome.about is BounceClass.POLICY and claim.domain:
                    self._refusing.add(claim.domain)
            if is_strike(reply, outcome) and claim.domain:
                self._strike(connection, claim.domain, reply, outcome, now=now)
        took = {claim.domain for claim, _, outcome in news.outcomes if outcome.status is DeliveryStatus.SENT}
        if forgiven := took & set(self._troubled):
            domains.forgive(connection, forgiven, now=now)
            for name in forgiven:
                del self._troubled[name]

    def _strike(self, connection: Connection, domain: str, reply: Reply, outcome: Outcome, *, now: dt.datetime) -> None:
        reason = without_addresses(str(reply))
        strikes = domains.strike(connection, domain, now=now)
        until = pauses(reply, outcome, strikes, now=now)
        if until is not None:
            domains.pause(connection, domain, until=until, reason=reason, now=now)
        self._troubled[domain] = Trouble(strikes, until, reason)

    def _forget(self, news: _News) -> None:
        for verdict in news.verdicts:
            self.tally[verdict.status] += 1
            self._let_go(verdict.id)
        for number in news.unsent:
            self._let_go(number)

    def _let_go(self, number: int) -> None:
        claim = self._held.pop(number)
        self._under_way[claim.domain] -= 1

    # -- claiming

    def _claim(self, connection: Connection, room: int, *, now: dt.datetime) -> tuple[Claimed | None, float]:
        """What goes out next (None: nothing was looked for), and how many seconds the rate limit wants to wait."""
        if room <= 0 or self.lost or self.tally.control is not Control.SENDING:
            return None, 0.0
        looks_around = time.monotonic() >= self._look_around_at
        if looks_around:
            self._look_around_at = time.monotonic() + LOOK_AROUND_EVERY
            self._crowded = False
            self._troubled = domains.troubled(connection, now=now)
            self._stopped = bounces.stopped_domains(connection, self._issue.id)
        allowed, wait = self._allowed(connection, room, now=now)
        if allowed == 0:
            return None, wait
        claimed = deliveries.claim(
            connection,
            self._issue.id,
            self._worker,
            limit=allowed,
            waited=looks_around or self._exhausted,
            gate=self._by_domain(now=now),
            look=LOOK if looks_around or self._exhausted else 0,
            now=now,
        )
        self._use_up(connection, len(claimed.claims), now=now)
        return claimed, 0.0

    def _by_domain(self, *, now: dt.datetime) -> Gate:
        """May a letter go to a domain now? Ask once for each letter: what may go counts as gone."""
        gone_out: Counter[str] = Counter()

        def gate(domain: str) -> bool | dt.datetime | None:
            if domain in self._stopped:
                return None
            trouble = self._troubled.get(domain)
            if trouble is not None and trouble.paused_until is not None and trouble.paused_until > now:
                return trouble.paused_until
            if domain and self._under_way[domain] + gone_out[domain] >= self._terms.domain_connections:
                return False
            gone_out[domain] += 1
            return True

        return gate

    def _allowed(self, connection: Connection, room: int, *, now: dt.datetime) -> tuple[int, float]:
        wait = 0.0
        for rate in self._terms.rates:
            number, seconds = limits.available(connection, _bucket(rate), now=now)
            if number == 0:
                wait = max(wait, seconds)
            room = min(room, number)
        return room, wait

    def _use_up(self, connection: Connection, number: int, *, now: dt.datetime) -> None:
        if number:
            for rate in self._terms.rates:
                limits.spend(connection, _bucket(rate), cost=number, now=now)

    def _hand_out(self, claimed: Claimed | None, limited: float, *, began: float) -> _Turn:
        self.tally.limited = limited if limited > WORTH_WAITING else 0.0
        until = began + self._terms.lease.total_seconds()
        if claimed is None:
            waits = 0.0 < limited <= WORTH_WAITING
            return _Turn(goes_on=waits or bool(self._refused_us), wait=min(limited, self.patience) if waits else 0.0)
        self.tally[DeliveryStatus.SUPPRESSED] += claimed.held_back
        found = bool(claimed.claims) or claimed.put_off > 0
        # Before it is said that nothing is due, it is looked once more: also for waits that are over, and behind busy receivers.
        goes_on = found or not self._exhausted or bool(self._refused_us)
        self._exhausted = not found
        copies = []
        for claim in claimed.claims:
            self._held[claim.id] = claim
            self._under_way[claim.domain] += 1
            copies.append((claim.id, self._copies.copy_for(claim)))
        return _Turn(tuple(copies), until, goes_on)


def judged(answer: Reply | LineBroken, trial: Trial, *, hold: bool = False, now: dt.datetime) -> tuple[Outcome, Reply]:
    """What *answer* means for a letter of this *trial*, and the reply to keep: a broken line has one in our words."""
    if isinstance(answer, Reply):
        return judge(answer, trial, now=now), answer
    outcome = judge_broken_line(trial, uncertain=answer.uncertain, hold=hold, now=now)
    return outcome, Reply(0, "", f"connection lost: {answer}")


def _bucket(rate: Rate) -> Bucket:
    """A rate as a leaky bucket of which no span of its length ever gives more than its number."""
    burst = max(1, rate.number // 20)
    return Bucket(f"letters/{rate}", rate=max(rate.number - burst, 1) / rate.per.total_seconds(), burst=burst)
