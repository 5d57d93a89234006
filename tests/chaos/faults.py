"""R-03: whatever a mail server says or does, at whatever stage: each letter ends in a known state, and nobody waits for ever.

The table says what may become of a letter that is struck, as M-25 and M-30 want it; `check` says the rest.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.chaos.nursery import Nursery
from tests.chaos.scene import Scene, Standing, Told, scene, tried
from tests.fakes import Answer, Fault, Script
from tests.invariants import Seen
from tests.repository import Ended

FOR_NOW = ("421", "450", "451", "452")
FOR_GOOD = ("550", "552", "554", "571")
BROKEN = ("drop", "dribble", "garbage", "endless", "silent")
KINDS = (*FOR_NOW, *FOR_GOOD, *BROKEN, "eight-bit")
SLOW = ("dribble", "silent")  # each costs the time-out
LINE_STAGES = ("connect", "ehlo", "mail")
LETTER_STAGES = ("rcpt", "data", "body", "message")

TIMEOUT = 1  # seconds, set in the server's address
SOON = (dt.timedelta(minutes=2), dt.timedelta(minutes=20))  # the first of M-30's waits is five minutes
STUCK = 180.0  # seconds, after which a run has hung

NOT_YET = frozenset({"planned", "deferred"})


def allowed(stage: str, kind: str, *, chunking: bool) -> frozenset[str]:
    """What may become of a letter that met *kind* at *stage*. With CHUNKING the whole letter leaves with its envelope."""
    if kind == "eight-bit":
        return frozenset({"sent"})
    if chunking and stage == "data":
        return frozenset({"sent"})  # there is no such stage
    if stage in LINE_STAGES:  # it concerns the line or the sender: nobody is booked as failed, and nothing was taken
        return NOT_YET | ({"uncertain"} if chunking and stage == "mail" and kind in BROKEN else frozenset())
    if kind in FOR_NOW:
        return frozenset({"deferred"})
    if stage == "message":
        return frozenset({"failed"} if kind in FOR_GOOD else {"uncertain"})
    if kind in FOR_GOOD:
        if stage == "rcpt":  # RFC 5321 4.5.3.1.10: a 552 to RCPT may mean 452
            return frozenset({"failed", "deferred"} if kind == "552" else {"failed"})
        return NOT_YET | {"failed"}
    return NOT_YET | ({"uncertain"} if chunking or stage == "body" else frozenset())


def cells(stages: Sequence[str]) -> list[tuple[str, str]]:
    """Every stage with every kind that it can meet."""
    return [(s, k) for s in stages for k in KINDS if s != "body" or k == "drop"]


# --- one recipient: RCPT, DATA, the letter itself ---------------------------------------------------------------------------------


def address(stage: str, kind: str, number: int) -> str:
    """Who meets that fault, each at a receiver of their own."""
    return f"{stage}.{kind}@r{number}.{stage}-{kind}.test"


def struck_by_name(stage: str, recipient: str, connection: int) -> Answer:
    """An `answer` of a mail server: the recipient's name tells the fault."""
    at, dot, kind = recipient.partition("@")[0].partition(".")
    return Fault(stage, kind).answer if dot and at == stage else ""


def strike_recipients(one: Scene, struck: Sequence[tuple[str, str]], *, chunking: bool, stuck: float = STUCK) -> Seen:
    """Send the issue to recipients who meet faults, among others who do not; then again, and at last without faults."""
    with one.server(struck_by_name) as server:
        if chunking:
            server.extensions.append("CHUNKING")
        began = dt.datetime.now(dt.UTC)
        first = [one.send(smtp=f"{server.url}?timeout={TIMEOUT}", timeout=stuck) for _ in range(2)]
        ended = dt.datetime.now(dt.UTC)
        _must_tell(one, first[0], f"127.0.0.1:{server.port}")
        standing = one.standing()
        # A server that refuses letter after letter is left alone: the run tells why it ended, and what was not tried stays planned.
        given_up = frozenset({"planned"} if any(_GAVE_UP.search(run.out) for run in first) else ())
        for stage, kind in struck:
            for email, row in standing.items():
                if email.startswith(f"{stage}.{kind}@"):
                    _must_stand(email, row, allowed(stage, kind, chunking=chunking) | given_up, (began, ended))
        late = [email for email, row in standing.items() if _is_healthy(email) and row.status != "sent"]
        assert given_up or not late, f"held up by others: {late[:5]}"
        asked = [recipient for at, recipient in server.asked if at == "message"]
        one.hurry()
        one.send(smtp=f"{server.url}?timeout={TIMEOUT}", timeout=stuck)
        again = [recipient for at, recipient in server.asked if at == "message"][len(asked) :]
        refused = {address for address in again if address.startswith("message.5")}
        assert not refused, f"tried again after a refusal for good of the letter itself: {refused}"
    one.hurry()
    one.finish()
    in_doubt = 4 * sum(1 for row in standing.values() if row.status == "uncertain") + 4 * one.connections
    seen = one.check(in_doubt=in_doubt)
    final = one.standing()
    assert all(final[email].status in ("sent", "failed") for email in final), seen
    lost = [email for email in final if _temporary(email) and final[email].status != "sent"]
    assert not lost, f"a refusal for now became one for good: {lost[:5]}"
    return seen


_GAVE_UP = re.compile(r'"line_lost": "[^"]')


def _is_healthy(email: str) -> bool:
    return "." not in email.partition("@")[0]


def _temporary(email: str) -> bool:
    return email.partition("@")[0].partition(".")[2] in (*FOR_NOW, *BROKEN, "eight-bit", "")


def _must_stand(email: str, row: Standing, states: frozenset[str], tried: tuple[dt.datetime, dt.datetime]) -> None:
    assert row.status in states, f"{email}: {row.status}, not {' or '.join(sorted(states))}: {row.reply}"
    if row.status == "deferred":
        assert row.next_at is not None, f"{email}: deferred, and never due"
        earliest, latest = tried[0] + SOON[0], tried[1] + SOON[1]  # whoever is slow may try for minutes
        assert earliest < row.next_at < latest, f"{email}: next at {row.next_at}, tried from {tried[0]} to {tried[1]}"
    if not email.startswith(("rcpt.550@", "message.550@")):  # M-25: only a dead address leaves the list
        assert row.state == "active", f"{email}: {row.state} because of {row.reply}"


def _must_tell(one: Scene, ended: Ended, server: str) -> None:
    """No address in what was printed; a run that met faults says so, and what comes next."""
    for email in one.readers:
        assert email not in ended.out + ended.err, f"an address is printed: {email}"


# --- the line: greeting, EHLO, MAIL FROM ------------------------------------------------------------------------------------------


def strike_lines(
    worlds: Sequence[tuple[Scene, str, str]],
    *,
    share: float = 1.0,
    chunking: bool = False,
    seed: int = 0,
    stuck: float = STUCK,
) -> None:
    """Send the issue of each world to a server that has the fault on a *share* of its lines, all worlds at once; then mended."""
    with contextlib.ExitStack() as stack:
        running = []
        for one, stage, kind in worlds:
            server = stack.enter_context(one.server(Script([Fault(stage, kind, share, seed)])))
            if chunking:
                server.extensions.append("CHUNKING")
            running.append(
                (one, stage, kind, server, one.start("send", one.issue, smtp=f"{server.url}?timeout={TIMEOUT}"))
            )
        for one, stage, kind, server, child in running:
            what = f"{stage} {kind} on {share:.0%} of lines"
            ended = child.wait(stuck, what=what)
            states = allowed(stage, kind, chunking=chunking) | ({"sent"} if share < 1 else frozenset())
            for email, row in one.standing().items():
                assert row.status in states, f"{what}: {email} is {row.status}: {row.reply}"
                assert row.state == "active", f"{what}: {email} is {row.state}: {row.reply}"
            words = ended.err + ended.out
            if kind == "eight-bit":
                assert ended.code == 0, f"{what}: {words}"
            elif share == 1:
                assert f"127.0.0.1:{server.port}" in words, f"{what}: the server is not named: {words}"
                assert ended.code == 1 or (stage == "mail" and kind in FOR_NOW), (
                    f"{what}: ended with {ended.code}: {words}"
                )
    for one, _, _ in worlds:
        one.hurry()
        one.finish()
        seen = one.check(in_doubt=8 * one.connections)
        assert seen.statuses == {"sent": len(one.readers)}, seen


# --- in full ---------------------------------------------------------------------------------------------------------------------


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """Every fault at every stage, for a tenth and for all of 5,000 recipients, with CHUNKING and without."""
    people = max(40, int(5_000 * scale))
    with Nursery(folder / "nursery") as nursery:
        for share, chunking in itertools.product((0.1, 1.0), (False, True)):
            words = f"{share:.0%} of {people:,}{', CHUNKING' if chunking else ''}"
            for stage in LETTER_STAGES:
                place = folder / f"{stage}-{share}-{chunking}"
                act = functools.partial(_strike_stage, place, nursery, stage, people, share=share, chunking=chunking)
                yield tried("R-03", f"{stage}, each fault for {words}", act)
        with scene(folder / "lines", people, connections=8, nursery=nursery) as one:
            _plan(one)
            for stage, share, chunking in itertools.product(LINE_STAGES, (0.1, 1.0), (False, True)):
                words = f"{share:.0%} of lines, {people:,} recipients{', CHUNKING' if chunking else ''}"
                act = functools.partial(_strike_line_stage, one, stage, share=share, chunking=chunking, seed=seed)
                yield tried("R-03", f"{stage}, each fault on {words}", act)


def _strike_stage(folder: Path, nursery: Nursery, stage: str, people: int, *, share: float, chunking: bool) -> str:
    struck = cells([stage])
    names = []
    for _, kind in struck:
        most = (
            8 if kind in SLOW else 200 if kind in BROKEN else people
        )  # each of those costs a connection, or a time-out
        names += [address(stage, kind, n) for n in range(min(most, int(people * share)))]
    healthy = [f"r{n}@h{n}.test" for n in range(max(len(struck), int(people * (1 - share))))]
    with scene(folder, _mixed(names, healthy), connections=8, nursery=nursery) as one:
        seen = strike_recipients(one, struck, chunking=chunking, stuck=STUCK + len(names) / 50)
        return f"{len(struck)} faults as the table says; mended: {seen}"


def _strike_line_stage(one: Scene, stage: str, *, share: float, chunking: bool, seed: int) -> str:
    worlds = [(one.copy(f"{stage}-{kind}-{share}-{chunking}"), stage, kind) for kind in KINDS]
    for first in range(0, len(worlds), 4):
        strike_lines(worlds[first : first + 4], share=share, chunking=chunking, seed=seed, stuck=120)
    return f"{len(worlds)} faults, nobody booked for them; mended: all sent"


def _mixed(struck: Sequence[str], healthy: Sequence[str]) -> list[str]:
    """Both, each spread evenly over the whole."""
    both = [(n / max(1, len(some)), one) for some in (struck, healthy) for n, one in enumerate(some)]
    return [one for _, one in sorted(both)]


def _plan(one: Scene) -> None:
    """Let the issue be planned, so that copies of this world need not."""
    ended = one.send("send", one.issue, smtp="smtp://127.0.0.1:9")
    assert ended.code == 1, ended


def small(folder: Path, nursery: Nursery, url: str, *, each: int = 2) -> Iterator[Scene]:
    """A world in which each fault of a letter strikes *each* recipients, among as many healthy ones."""
    struck = [address(s, k, n) for n in range(each) for s, k in cells(LETTER_STAGES) if not (k in SLOW and n)]
    healthy = [f"r{n}@h{n}.test" for n in range(len(struck))]
    with scene(folder, _mixed(struck, healthy), connections=8, nursery=nursery, database_url=url) as one:
        yield one
