"""The subscribers of an export: who is written to here, who never is, and on what evidence.

Nobody becomes active whom the service did not write to, or for whom the operator cannot say why they may be written to.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.config import Settings
from pipeline.mail.csvfile import BrokenRow, Row
from pipeline.mail.people import ImportReport, import_people, keep_out
from pipeline.moving.export import Export, Reader, Standing
from pipeline.store import Store
from pipeline.store.suppressions import Reason

_NEVER: Final = {
    Standing.LEFT: Reason.UNSUBSCRIBED,
    Standing.BOUNCED: Reason.BOUNCE,
    Standing.COMPLAINED: Reason.COMPLAINT,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the subscribers of an export. No address stands here."""

    listed: dict[str, int] = field(default_factory=dict)  # how many stood how with the service
    report: ImportReport | None = None  # None: nobody was imported
    suppressed: dict[str, int] = field(default_factory=dict)  # by reason
    why_not: str = ""  # why nobody was imported

    def as_dict(self) -> dict[str, Any]:
        return {
            "listed": self.listed,
            "imported": self.report.as_dict() if self.report else None,
            "suppressed": self.suppressed,
            "left_out_because": self.why_not,
        }

    def lines(self) -> Iterator[str]:
        if not self.listed:
            return
        yield f"subscribers in the export: {', '.join(f'{number:,} {how}' for how, number in self.listed.items())}"
        if self.why_not:
            yield f"  none of them came over: {self.why_not}"
        if self.report is not None:
            yield from (f"  {line}" for line in self.report.lines())
        if self.suppressed:
            yield f"  suppressed: {', '.join(f'{number:,} {why}' for why, number in self.suppressed.items())}"


def take_over(
    store: Store, settings: Settings, export: Export, *, source: str, basis: str, confirmed: bool, now: dt.datetime
) -> Taken:
    """Suppress whom the service did not write to any more, and then import the others, each with the day since when."""
    people = export.readers
    suppressed = keep_out(
        store, settings, ((one.email, _NEVER[one.standing]) for one in people if one.standing in _NEVER), now=now
    )
    active = (one for one in people if one.standing not in _NEVER)
    report = import_people(
        store, settings, rows_of(active, now=now), source=source, basis=basis, confirmed=confirmed, now=now
    )
    return Taken(listed(people), report, {reason.value: number for reason, number in suppressed.items()})


def listed(people: Iterable[Reader]) -> dict[str, int]:
    """How many of *people* stood how."""
    counted = Counter(one.standing for one in people)
    return {standing.value: counted[standing] for standing in Standing if counted[standing]}


def rows_of(people: Iterable[Reader], *, now: dt.datetime) -> Iterator[Row | BrokenRow]:
    """*people* as the rows that `opensignal subscribers import` reads."""
    for one in people:
        since = one.since.isoformat() if one.since and one.since <= now else ""
        yield Row(one.line, {"email": one.email, "confirmed_at": since, "state": one.standing.value})
