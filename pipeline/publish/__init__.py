"""The built site to where its readers find it: a folder, another machine by rsync, or storage that speaks S3.

    check | build | index | what is there | decide | send, new before changed | take away | say what is there | ping

Read `plan.py` for what is decided and in which order, `outputs.py` for what each file is, `ledger.py` for what makes a publish safe
to stop at any moment, and `target.py` for what a target can do; `folder.py`, `rsync.py` and `s3.py` are the targets. What is at a
target and was not published from here is never touched.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.config import Settings, must_be_target
from pipeline.errors import PublishError, UsageError
from pipeline.files import put, what_next
from pipeline.model import Problem
from pipeline.publish import ledger
from pipeline.publish.folder import Folder
from pipeline.publish.ledger import Journal, Ledger
from pipeline.publish.outputs import Output, outputs_of, policy, total_size
from pipeline.publish.plan import Plan, decide
from pipeline.publish.rsync import Rsync
from pipeline.publish.s3 import S3
from pipeline.publish.target import Target, is_remote_shell
from pipeline.site import build_site
from pipeline.site.search import index_site
from pipeline.site.websub import Announced, announce
from pipeline.site.workplace import undisturbed

__all__ = ["PublishReport", "must_name_target", "open_target", "publish_site"]

SHOWN: Final = 20  # paths that a dry run prints of each kind


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What one publish did, or would do."""

    target: str
    articles: int
    sent: tuple[Output, ...]
    gone: tuple[str, ...]
    unchanged: int
    resumed: bool  # it went on with one that was stopped
    dry_run: bool
    seconds: float
    told: tuple[str, ...] = ()  # feeds of which the hub was told that they are new
    problems: tuple[Problem, ...] = ()  # that did not stop the build
    warnings: tuple[str, ...] = ()  # what went wrong after the site was there

    def as_dict(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "dry_run": self.dry_run,
            "articles": self.articles,
            "sent": [output.path for output in self.sent],
            "bytes": total_size(self.sent),
            "removed": list(self.gone),
            "unchanged": self.unchanged,
            "resumed": self.resumed,
            "told": list(self.told),
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 3),
        }

    def lines(self) -> Iterator[str]:
        if self.dry_run:
            yield from _some("send", [output.path for output in self.sent])
            yield from _some("remove", list(self.gone))
        if self.resumed:
            yield "a publish was stopped here before; this one goes on with it"
        sent, removed = ("would send", "remove") if self.dry_run else ("sent", "removed")
        size = total_size(self.sent)
        yield (
            f"{self.target}: {sent} {_files(len(self.sent))} ({size / 1e6:,.1f} MB), {removed} {len(self.gone):,}, "
            f"{self.unchanged:,} unchanged, in {self.seconds:.1f} s"
        )
        if self.told:
            yield f"told the hub of {len(self.told):,} {'feed' if len(self.told) == 1 else 'feeds'}"


def publish_site(
    settings: Settings,
    place: str,
    *,
    clock: Callable[[], dt.datetime],
    dry_run: bool = False,
    everything: bool = False,
    adopt: bool = False,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda line: None,
    environment: Mapping[str, str] = os.environ,
) -> PublishReport:
    """Build the site as it is now and bring what is new, changed or gone to *place*. Safe to stop and to run again.

    *everything* sends all files again; *adopt* takes over a place that holds what was not published from here. *say* is told what
    is being done. Raises `ContentError` or `BuildError` where the site cannot be built, `PublishError` where it cannot be brought
    there: what readers had stays, each page whole.
    """
    started = time.perf_counter()
    target = open_target(place, settings, environment)
    with _alone(settings.state_dir):
        now = clock()
        say("building")
        built = build_site(settings, now=now)
        say("indexing")
        with undisturbed(settings, built.site_dir):
            index_site(built.site_dir, kept=settings.state_dir / "search")
        brought = bring_site(
            built.site_dir,
            target,
            site_url=settings.site_url,
            now=now,
            dry_run=dry_run,
            everything=everything,
            adopt=adopt,
            stop=stop,
            say=say,
        )
        told = Announced("", (), ())
        if not dry_run:
            put(settings.published_file, json.dumps({"target": place, "at": now.isoformat()}).encode())  # for `jobs`
            say("telling the hub")
            told = announce(settings, {output.path for output in brought.plan.sent} | brought.before)
    return PublishReport(
        target=target.name,
        articles=built.articles,
        sent=brought.plan.sent,
        gone=brought.plan.gone,
        unchanged=brought.plan.unchanged,
        resumed=brought.resumed,
        dry_run=dry_run,
        seconds=time.perf_counter() - started,
        told=told.told,
        problems=built.problems,
        warnings=told.problems,
    )


@dataclass(frozen=True, slots=True)
class Brought:
    """What was done at a target, or would be."""

    plan: Plan
    before: frozenset[str]  # what a publish that was stopped there was to send; empty where none was

    @property
    def resumed(self) -> bool:
        return bool(self.before)


def bring_site(
    site: Path,
    target: Target,
    *,
    site_url: str,
    now: dt.datetime,
    dry_run: bool = False,
    everything: bool = False,
    adopt: bool = False,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda line: None,
) -> Brought:
    """Let *target* hold the built *site* of *site_url*, as `publish_site` says."""
    outputs = outputs_of(site)
    with nullcontext(lambda: None) if dry_run else target.locked() as alive:
        say(f"asking {target.name} what is there")
        there = _ledger(target, site_url, adopt=adopt)
        again = everything or (target.keeps_headers and there.policy != policy())
        plan = decide(there.known, outputs, now=now, everything=again)
        if not dry_run:
            count = _carry_out(target, plan, site=site, site_url=site_url, stop=stop, say=say, alive=alive)
            if stop():
                raise PublishError(f"stopped after {count:,} of {_files(len(plan.sent))}; run again to go on")
            lingering = {path: there.known.files[path] or "" for path in plan.left}
            files = {**lingering, **ledger.digests(outputs.values())}
            ledger.write(target, site=site_url, at=now, policy=policy(), files=files, plan=plan)
    return Brought(plan, there.interrupted)


def open_target(place: str, settings: Settings, environment: Mapping[str, str]) -> Target:
    """What *place* names. Raises `UsageError` for one that cannot be a target."""
    place = place.strip()
    must_name_target(place)
    if place.startswith("s3://"):
        return S3(place, environment, endpoint=settings.publish_endpoint)
    if place.startswith("rsync://") or is_remote_shell(place):
        return Rsync(place)
    path = Path(place).expanduser()
    path = (path if path.is_absolute() else settings.root / path).resolve()
    site = settings.site_dir.resolve()
    if path == site or site in path.parents:
        raise UsageError(f"{path}: the site is built there; name another folder, or run opensignal build")
    if path == settings.root or path in settings.root.parents or settings.content in (path, *path.parents):
        raise UsageError(f"{path}: the newsletter's own files are there; name another folder")
    return Folder(path)


def must_name_target(place: str) -> None:
    """Raise `UsageError` where *place* names no target."""
    if not place:
        raise UsageError("no target; name one with --to, or set publish_to (opensignal publish --help shows some)")
    try:
        must_be_target(place)
    except ValueError as error:
        raise UsageError(f"the target {error}") from error


def _ledger(target: Target, site_url: str, *, adopt: bool) -> Ledger:
    """What is known of *target*. Raises `PublishError` where it may be somebody else's."""
    found = ledger.read(target)
    if adopt:
        return found
    if found.site is None and target.has_any():
        raise PublishError(
            f"{target.name}: holds files that were not published from here; name an empty place, or say --adopt: files of the site "
            "take the place of others with their names, and nothing else there is touched"
        )
    if found.site not in (None, site_url):
        raise PublishError(
            f"{target.name}: holds the site of {found.site}, and this one is {site_url}; name another place, or say "
            "--adopt where the site has moved"
        )
    return found


def _carry_out(
    target: Target,
    plan: Plan,
    *,
    site: Path,
    site_url: str,
    stop: Callable[[], bool],
    say: Callable[[str], None],
    alive: Callable[[], None],
) -> int:
    """Do what *plan* says, and return how many files were sent: not all, where *stop* says so."""
    if plan.is_empty:
        return 0
    journal = Journal(target, plan, site=site_url)
    count = 0

    def done(paths: Iterable[str]) -> None:
        nonlocal count
        paths = tuple(paths)
        count += len(paths)
        journal.note(paths)
        alive()
        say(f"sent {count:,} of {_files(len(plan.sent))} to {target.name}")

    journal.begin()
    try:
        target.send(site, plan.steps, done=done, stop=stop)
    finally:
        with suppress(PublishError):  # what is not written down is done again
            journal.write()
    if not stop():
        say(f"taking {_files(len(plan.gone))} away")
        target.remove(plan.gone)
        alive()
    return count


# --- one at a time ----------------------------------------------------------------------------------------------------------


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Nobody else on this machine builds for a publish of this newsletter meanwhile."""
    path = state / "publish.lock"
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("a")
    except OSError as error:
        raise PublishError(f"{path}: cannot be written: {error.strerror}; {what_next(error)} and run again") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PublishError("another publish is under way on this machine; run again when it is done") from error
        yield


# --- words --------------------------------------------------------------------------------------------------------------------


def _files(number: int) -> str:
    return f"{number:,} file" if number == 1 else f"{number:,} files"


def _some(verb: str, paths: list[str]) -> Iterator[str]:
    for path in paths[:SHOWN]:
        yield f"  {verb:<6} {path}"
    if len(paths) > SHOWN:
        yield f"  {verb:<6} ... and {len(paths) - SHOWN:,} more; --json names them all"
