"""`opensignal subscribers`: who reads, and what they agreed to."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.base import (
    Json,
    Root,
    address_of,
    group,
    now,
    opened_store,
    settings_of,
)
from pipeline.errors import UsageError
from pipeline.terminal import (
    count,
    err,
    out,
    print_json,
    tell,
)

if TYPE_CHECKING:
    pass

people = group("subscribers", help="Import, export, show, erase and count subscribers. Verify what they agreed to.")


@people.command("import")
def import_subscribers(
    file: Annotated[
        Path, typer.Argument(help="CSV with the columns email, cadence, topics, confirmed_at.", metavar="FILE.csv")
    ],
    source: Annotated[str, typer.Option(help="Where these people come from.", metavar="TEXT")],
    basis: Annotated[str, typer.Option(help="On what basis you may write to them.", metavar="TEXT")],
    confirmed: Annotated[bool, typer.Option("--confirmed", help="They have confirmed; you can show it.")] = False,
    confirmed_at: Annotated[
        dt.datetime | None,
        typer.Option(help="When, for rows that do not say.", metavar="DATE", formats=["%Y-%m-%d"]),
    ] = None,
    root: Root = None,
    json: Json = False,
) -> None:
    """Import subscribers. Nobody who left, bounced or was erased is ever revived.

    Example: opensignal subscribers import readers.csv --source "old list" --basis "double opt-in 2024" --confirmed
    """
    from pipeline.mail.people import import_csv

    settings = settings_of(root)
    with opened_store(settings) as store:
        report = import_csv(
            store,
            settings,
            file,
            source=source,
            basis=basis,
            confirmed=confirmed,
            confirmed_at=confirmed_at.date() if confirmed_at else None,
            now=now(),
        )
    tell(report, json=json)


@people.command("export")
def export_subscribers(
    file: Annotated[
        Path | None, typer.Argument(help="Where to write; default: standard output.", metavar="[FILE]")
    ] = None,
    root: Root = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON instead of CSV.")] = False,
) -> None:
    """Export all subscribers as CSV or JSON.

    Example: opensignal subscribers export readers.csv
    """
    from pipeline.mail.people import export

    settings = settings_of(root)
    with opened_store(settings) as store:
        if file is None:
            export(store, sys.stdout, as_json=json)
            return
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds addresses
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as handle:
                number = export(store, handle, as_json=json)
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}; name another file") from error
    out.print(f"wrote {count(number, 'subscriber')} to {file}")


@people.command("show")
def show_subscriber(
    address: Annotated[str, typer.Argument(help="A mail address.")],
    root: Root = None,
    json: Json = False,
) -> None:
    """Show everything that is kept about one person. The words that they agreed to stand with it.

    Example: opensignal subscribers show a@example.org
    """
    from pipeline.mail.person import show

    settings = settings_of(root)
    with opened_store(settings) as store:
        person = show(store, settings, address_of(address))
    tell(person, json=json)


@people.command("erase")
def erase_subscriber(
    address: Annotated[str, typer.Argument(help="A mail address.")],
    root: Root = None,
    json: Json = False,
) -> None:
    """Erase a person. A keyed hash stays, so that no import brings them back.

    Example: opensignal subscribers erase a@example.org
    """
    from pipeline.mail.person import erase

    settings = settings_of(root)
    with opened_store(settings) as store:
        found = erase(store, settings, address_of(address), now=now())
    if json:
        print_json({"erased": found})
    else:
        out.print("erased" if found else "not known here; the address is kept out from now on")


@people.command("verify")
def verify_consents(root: Root = None, json: Json = False) -> None:
    """Check that no record of consent was touched. One that was changed, taken out or slipped in is named.

    Example: opensignal subscribers verify
    """
    from pipeline.store import chain

    settings = settings_of(root)
    with opened_store(settings) as store:
        report = chain.verify(store)
    if json:
        print_json(report.as_dict())
    elif report.broken:
        err.print(f"opensignal: {report.broken}")
    else:
        out.print(f"{count(report.rows, 'consent')}, each as it was written; head {report.head or '(none)'}")
    raise typer.Exit(1 if report.broken else 0)


@people.command("retention")
def retention(
    root: Root = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go; delete nothing.")] = False,
    json: Json = False,
) -> None:
    """Let go of what has been kept long enough. That is unconfirmed sign-ups, old deliveries, mails that came back, and so on.

    Example: opensignal subscribers retention --dry-run
    """
    from pipeline.mail.retention import keep_what_may_be_kept

    settings = settings_of(root)
    with opened_store(settings) as store:
        report = keep_what_may_be_kept(store, settings, now=now(), dry_run=dry_run)
    tell(report, json=json)
    raise typer.Exit(0 if report.journal_emptied else 1)


@people.command("stats")
def subscriber_stats(root: Root = None, json: Json = False) -> None:
    """Count subscribers. By state, cadence and topic, and how the last 30 days went.

    Example: opensignal subscribers stats
    """
    from pipeline.mail.people import stats

    settings = settings_of(root)
    with opened_store(settings) as store:
        numbers = stats(store, now=now())
    tell(numbers, json=json)
