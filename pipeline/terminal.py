"""What the terminal is shown: the reports of the stages, in words or as JSON. Nothing is decided here.

Most reports say themselves what they are, by `as_dict` and `lines`; those of which a part goes to standard error are written here.
"""

from __future__ import annotations

import json as jsonlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

from pipeline.model import Problem, Severity
from pipeline.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.ingest import FeedResult, IngestReport
    from pipeline.ingest.moves import Move
    from pipeline.mail import Preview, SendReport

_CONTROLS = dict.fromkeys([*range(ord("\t")), *range(ord("\n") + 1, ord(" ")), 0x7F])  # what moves a cursor, or rings


class Stream:
    """Standard output or standard error: words as they are, and what moves where a person looks."""

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self._name = name

    @property
    def file(self) -> TextIO:
        """The stream itself, which may be another one at any time."""
        file: TextIO = getattr(sys, self._name)
        return file

    @property
    def is_terminal(self) -> bool:
        return self.file.isatty()

    def print(self, text: object, *, dim: bool = False) -> None:
        """Write *text* and end the line; on a terminal paler, if *dim*."""
        words = str(text).translate(_CONTROLS)
        # A dumb terminal, as that of an editor, shows signs as they are.
        pale = dim and self.is_terminal and os.environ.get("TERM") != "dumb"
        print(f"\x1b[2m{words}\x1b[0m" if pale else words, file=self.file, flush=True)

    @contextmanager
    def status(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show that *what* goes on, and then what the given function is told."""
        if not self.is_terminal:
            yield lambda what: None
            return
        with self.console().status(what) as shown:
            yield shown.update

    def console(self) -> Console:
        """What draws what moves. Not loaded before: most runs are read by no person, and it takes 20 ms."""
        from rich.console import Console

        # Words as they are: with emoji on, line 100 of a file is "x.md💯5".
        return Console(file=self.file, markup=False, emoji=False, highlight=False, soft_wrap=True)


out = Stream("stdout")
err = Stream("stderr")

PATIENCE = 1.0  # seconds after which a person wants to see how far it is
TROUBLED_PRINTED = 20
STATES = {
    "deferred": "put off by the mail server; tried again later",
    "failed": "refused for good",
    "suppressed": "held back: they have left since",
    "quarantined": "could not be made; mend what is wrong, then --resume",
    "uncertain": "may arrive twice: the server's answer was lost",
}


class Report(Protocol):
    """What a stage did."""

    def as_dict(self) -> object:
        """For other programs."""

    def lines(self) -> Iterable[str]:
        """For a person."""


def tell(report: Report, *, json: bool) -> None:
    """Print a report that says itself what it is."""
    if json:
        print_json(report.as_dict())
        return
    for line in report.lines():
        out.print("\n".join(map(printable, line.split("\n"))))


def told(problem: Problem) -> str:
    return f"{problem} (warning)" if problem.severity is Severity.WARNING else str(problem)


def problem_as_dict(problem: Problem) -> dict[str, object]:
    return {
        "path": printable(problem.path),
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "message": problem.message,
        "severity": problem.severity.value,
    }


def print_json(value: object) -> None:
    print(jsonlib.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_ingest(report: IngestReport) -> None:
    for feed in report.feeds:
        gave = "" if feed.failed else _gave(feed)  # why it failed is told at the end
        out.print(f"  {feed.id:<24} {feed.outcome.value:<10} {gave}".rstrip())
        for problem in feed.problems:
            out.print(f"  {'':<24} {problem}")
        if feed.new_address and not feed.failed:
            out.print(f"  {'':<24} has moved for good to {feed.new_address} (opensignal feeds moved --apply writes it)")
    failed = [feed for feed in report.feeds if feed.failed]
    out.print(
        f"{count(report.asked, 'feed')} asked, {count(report.entries, 'new entry', 'new entries')}; "
        f"cards in content/inbox/"
    )
    for feed in failed:
        err.print(f"opensignal: feed {feed.id}: {feed.message}")


def print_moves(found: Sequence[Move], *, written: bool) -> None:
    for move in found:
        out.print(f"  {move.feed:<24} {move.was}\n  {'':<24} -> {move.now}: {move.why}")
    if not found:
        out.print("no feed has moved")
    elif written:
        out.print("written to content/feeds.yml; look at it with git diff, and commit it")
    else:
        out.print("write them to content/feeds.yml with --apply, or by hand")


def _gave(feed: FeedResult) -> str:
    parts = []
    if feed.cards:
        parts.append(count(len(feed.cards), "new story", "new stories"))
    if feed.same_stories:
        parts.append(count(feed.same_stories, "more source of known stories", "more sources of known stories"))
    if feed.passed_by:
        parts.append(f"{feed.passed_by:,} older entries passed by")
    if feed.held:
        parts.append(f"{feed.held:,} held: too many within a day, see opensignal inbox --held")
    return ", ".join(parts)


def print_preview(preview: Preview, *, json: bool) -> None:
    if json:
        letters = [{"subscribers": n, "subject": s, "articles": list(a)} for n, s, a in preview.letters]
        print_json({"issue": preview.issue, "subscribers": preview.subscribers, "letters": letters})
        return
    out.print(
        f"{preview.issue}: {count(preview.subscribers, 'subscriber')}, {count(len(preview.letters), 'letter')}; nothing was sent"
    )
    for number, subject, slugs in preview.letters:
        out.print(f"  {number:>7,} × {subject}  ({', '.join(slugs)})")


def print_send(reports: Sequence[SendReport], transport: str, *, due: bool) -> None:
    from pipeline.mail.addresses import without_addresses

    if not any(report.planned or report.problem for report in reports):
        why = "nobody has anything new to read"
        out.print(f"nothing to send: no issue is due, or {why}" if due else f"nothing to send: {why}")
    for report in reports:
        if report.problem:
            named = "" if report.problem.startswith(report.issue) else f"{report.issue}: "
            err.print(f"opensignal: {named}{report.problem}")
        if not report.planned:
            continue
        rate = f", {report.sent / report.seconds:,.0f} a second" if report.sent > 100 else ""
        out.print(
            f"{report.issue}: {report.sent:,} of {count(report.planned, 'letter')} sent "
            f"in {report.seconds:.1f} s{rate} by {short(transport)}"
        )
        for name in ("deferred", "failed", "suppressed", "quarantined", "uncertain"):
            if number := getattr(report, name):
                out.print(f"  {number:,} {STATES[name]}")
        for ref, status, reply in report.troubled[:TROUBLED_PRINTED]:
            # Servers like to repeat the address, and no address enters a log that a terminal's output may go to.
            out.print(f"    {status.value}: subscriber {ref}: {without_addresses(str(reply))}")
        if len(report.troubled) > TROUBLED_PRINTED:
            out.print(f"    ... and more; --json names up to {len(report.troubled):,}")
        if report.held:
            out.print(
                f"  {count(report.held, 'letter')} may have arrived and wait for you: opensignal send {report.issue} --resume"
            )
        for alarm in report.alarms:
            err.print(f"opensignal: {alarm}")
        if report.line_lost:
            err.print(f"opensignal: {report.line_lost}")
        if goes_on := report.left - report.held:
            waits = report.next_at and report.left == report.waiting
            when = f" (the next at {report.next_at:%Y-%m-%d %H:%M} UTC)" if waits else ""
            out.print(f"  {goes_on:,} left{when}; run again, or let `opensignal up` go on")
        elif not (report.sent or report.held):
            out.print("  nothing left to send: this issue is out")


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A function that is told what is done, how much of it, of how many: on a terminal a bar, once it takes `PATIENCE`."""
    begun = time.monotonic()
    with ExitStack() as shown:
        bar: Callable[[str, int, int], None] | None = None

        def show(what: str, done: int, of: int) -> None:
            nonlocal bar
            if bar is None and err.is_terminal and time.monotonic() - begun > PATIENCE:
                bar = shown.enter_context(_bar())
            if bar is not None:
                bar(what, done, of)

        yield show


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # as in `Stream.console`

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=err.console(), transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda what, done, of: bars.update(task, description=what, completed=done, total=of)


def count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def short(path: Path | str) -> str:
    """A path as seen from here, where that is shorter."""
    text = str(path)
    if text.startswith("/"):
        relative = os.path.relpath(text)
        return relative if len(relative) < len(text) else text
    return text
