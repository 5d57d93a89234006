"""The built site to its readers, what makes it searchable, and what is to come."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.base import Json, Root, app, group, now, settings_of, stopped_by_signals
from pipeline.errors import SettingsError, StoreError, UsageError
from pipeline.model import Severity
from pipeline.terminal import err, tell, told

if TYPE_CHECKING:
    from pipeline.config import Settings

search = group("search", help="The search index of the built site.")


@app.command()
def publish(
    to: Annotated[
        str | None,
        typer.Option(
            help="A folder, USER@HOST:PATH, rsync://HOST/MODULE/PATH or s3://BUCKET/PREFIX; default: the setting publish_to.",
            metavar="TARGET",
        ),
    ] = None,
    root: Root = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be sent; send nothing.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Send all files, also those that should be there already.")
    ] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take over a place that holds what was not published from here.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring the site to its readers: what is new or changed.

    It is checked, built and indexed first. Nothing is shown before what it links to. Safe to stop and to run again: it goes on.
    What is at the target and was not published from here is never touched.

    Example: opensignal publish --dry-run

    Example: opensignal publish --to deploy@www.example.org:/srv/www
    """
    from pipeline.publish import must_name_target, publish_site

    settings = settings_of(root)
    if to:
        must_name_target(to)
    place = str(Path(to).resolve()) if to and _is_folder(to) else to
    with stopped_by_signals("opensignal: stopping after the files in flight") as stop, err.status("checking") as say:
        report = publish_site(
            settings,
            place or settings.publish_to,
            clock=now,
            dry_run=dry_run,
            everything=everything,
            adopt=adopt,
            stop=stop.is_set,
            say=say,
        )
    for problem in report.problems:
        err.print(told(problem))
    for warning in report.warnings:
        err.print(f"opensignal: {warning}")
    tell(report, json=json)
    raise typer.Exit(1 if report.warnings else 0)


@search.command("index")
def index(
    root: Root = None,
    site_dir: Annotated[Path | None, typer.Option(help="The built site.", metavar="DIR")] = None,
    json: Json = False,
) -> None:
    """Make the search index of the built site, articles only. `publish` does it by itself.

    Example: opensignal search index
    """
    from pipeline.site.search import index_site
    from pipeline.site.workplace import undisturbed

    settings = settings_of(root)
    site = (site_dir or settings.site_dir).resolve()
    with undisturbed(settings, site):
        tell(index_site(site, kept=settings.state_dir / "search"), json=json)


@app.command()
def calendar(
    root: Root = None,
    days: Annotated[int, typer.Option(help="How far to look ahead.", min=1, max=366, metavar="NUMBER")] = 14,
    ics: Annotated[bool, typer.Option("--ics", help="Print it as iCalendar, for calendars of others.")] = False,
    json: Json = False,
) -> None:
    """Show what is to come: articles, issues, gaps and clashes.

    Articles whose date is to come; when each issue closes and goes, and what it brings, if anything. To look at are issues that
    are overdue, and articles that come close to each other, just miss an issue, are not finished, or have errors, which stop the
    publishing from their time on.

    Example: opensignal calendar

    Example: opensignal calendar --days 60 --ics > newsletter.ics
    """
    from pipeline.library import open_library
    from pipeline.mail.calendar import as_ics, look_ahead

    if ics and json:
        raise UsageError("--ics and --json do not go together: use one of them")
    settings, moment = settings_of(root), now()
    library = open_library(settings, now=moment)
    broken = frozenset(problem.path for problem in library.problems if problem.severity is Severity.ERROR)
    found = look_ahead(
        library.articles, settings, now=moment, days=days, broken=broken, begun=_issues_begun(settings, moment)
    )
    if ics:
        print(as_ics(found, settings, now=moment), end="")
    else:
        tell(found, json=json)
    raise typer.Exit(0 if found.ok else 1)


def _issues_begun(settings: Settings, moment: dt.datetime) -> frozenset[str] | None:
    """Which of the issues that are due at *moment* somebody has begun to send; None where no database here tells."""
    from pipeline.mail.gather import due_issues

    file = settings.database_url.removeprefix("sqlite:///")
    if file != settings.database_url and not Path(file).is_file():
        return None
    from pipeline.store.engine import connect
    from pipeline.store.issues import has_issue

    due = [issue.key for issue in due_issues([], settings, now=moment)]
    try:
        with contextlib.closing(connect(settings.database_url)) as store, store.reading() as connection:
            return frozenset(has_issue(connection, due))
    except (StoreError, SettingsError):  # it cannot be reached, has no tables yet, or its driver is not installed
        return None


def _is_folder(place: str) -> bool:
    """True for a place that is read from the current folder, as a shell would."""
    return ":" not in place.partition("/")[0]
