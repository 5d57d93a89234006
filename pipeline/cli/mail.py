"""Issues out, and what comes back of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.base import (
    Json,
    Root,
    address_of,
    app,
    now,
    opened_store,
    publishable,
    settings_of,
    stopped_by_signals,
)
from pipeline.config import Settings
from pipeline.errors import TransportError, UsageError
from pipeline.terminal import (
    count,
    err,
    out,
    print_json,
    print_preview,
    print_send,
    short,
    tell,
)

if TYPE_CHECKING:
    from pipeline.library import Library
    from pipeline.mail.bounces import ReadMail
    from pipeline.mail.transport import Transport

SAMPLES = 50  # that are shown


@app.command()
def send(
    key: Annotated[
        str | None, typer.Argument(help="daily-YYYY-MM-DD, weekly-YYYY-Www or each-SLUG.", metavar="[KEY]")
    ] = None,
    root: Root = None,
    due: Annotated[
        bool, typer.Option("--due", help="Send every issue that is due, and go on with unfinished ones.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell who would get what; send and record nothing.")
    ] = False,
    to: Annotated[
        str | None, typer.Option(help="Send one copy to this address; record nothing.", metavar="ADDRESS")
    ] = None,
    pause: Annotated[
        bool, typer.Option("--pause", help="Let no more of it leave, whoever sends it now; --resume goes on.")
    ] = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Let no more of it leave, for good, whoever sends it now.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a paused one, and with letters that were held or could not be made."),
    ] = False,
    json: Json = False,
) -> None:
    """Send an issue to its subscribers. Safe to stop and to run again: nobody is passed over.

    In the report, planned counts the whole issue; the other numbers are of this run.

    Example: opensignal send daily-2026-11-23 --dry-run

    Example: opensignal send --due
    """
    from pipeline import mail
    from pipeline.mail.transport import open_transport

    if bool(key) == due:
        raise UsageError("name an issue, or use --due for all that are due; see opensignal send --help")
    words = {"--dry-run": dry_run, "--to": bool(to), "--pause": pause, "--cancel": cancel, "--resume": resume}
    said = [word for word, given in words.items() if given]
    if due and said:
        raise UsageError(f"{said[0]} wants the key of one issue, such as daily-2026-11-23")
    if len(said) > 1:
        raise UsageError(f"{said[0]} and {said[1]} do not go together: use one of them")
    settings = settings_of(root)
    if key and (pause or cancel):
        _stop_issue(settings, key, cancel=cancel, json=json)
        return
    library = publishable(settings)
    transport = open_transport(settings)
    if to and key:
        _send_copy(settings, library, key, to, transport, json=json)
        return
    with opened_store(settings) as store, stopped_by_signals() as stop:
        if dry_run and key:
            print_preview(mail.preview_issue(store, library, settings, key, now=now()), json=json)
            return
        if due:
            reports = mail.send_due(store, library, settings, transport=transport, clock=now, stop=stop)
        else:
            assert key is not None
            with err.status("sending") as say:
                reports = [
                    mail.send_issue(
                        store,
                        library,
                        settings,
                        key,
                        transport=transport,
                        clock=now,
                        resume=resume,
                        stop=stop,
                        progress=lambda done: say(f"sending {key}: {done:,} letters"),
                    )
                ]
        stopped = stop.is_set()
    if json:
        print_json([r.as_dict() for r in reports] if due else reports[0].as_dict())
    else:
        print_send(reports, transport.name, due=due)
    met = any(r.failed or r.quarantined or r.line_lost or r.problem for r in reports)
    raise typer.Exit(1 if stopped or met else 0)


@app.command()
def adopt(root: Root = None) -> None:
    """Let this machine send from a database that others used. Not for a copy of a database in use.

    Example: opensignal adopt
    """
    from pipeline.mail import instance

    settings = settings_of(root)
    with opened_store(settings) as store:
        name = instance.adopt(store, settings)
    out.print(f"this machine sends from the database {name} from now on")


def _stop_issue(settings: Settings, key: str, *, cancel: bool, json: bool) -> None:
    from pipeline import mail
    from pipeline.model import Control

    with opened_store(settings) as store:
        report = mail.stop_issue(store, key, Control.CANCELLED if cancel else Control.PAUSED, now=now())
    if json:
        print_json(report.as_dict())
    elif cancel:
        out.print(f"{key} is cancelled: {count(report.cancelled, 'letter')} will not leave")
    else:
        out.print(f"{key} is paused with {count(report.left, 'letter')} left; to go on: opensignal send {key} --resume")


def _send_copy(settings: Settings, library: Library, key: str, to: str, transport: Transport, *, json: bool) -> None:
    from pipeline.mail import send_copy

    address = address_of(to, option="--to: ")
    reply = send_copy(library, settings, key, address=address, transport=transport, now=now())
    if not reply.accepted:
        raise TransportError(f"the mail server refused the copy: {reply}")
    if json:
        print_json({"issue": key, "to": address, "reply": str(reply)})
    else:
        out.print(f"a copy of {key} went to {address} by {short(transport.name)}")


@app.command()
def bounces(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="A mail, an mbox, a Maildir, or a folder of mails; default: what arrived at bounces_url.",
            metavar="PATH",
        ),
    ] = None,
    root: Root = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what mails say; change and record nothing.")] = False,
    samples: Annotated[
        bool,
        typer.Option("--samples", help="Show the last refusals of no known class, and alarms, for you to look at."),
    ] = False,
    json: Json = False,
) -> None:
    """Take in mails that came back. Told is what each is, whom it names, what the refusal means, and what is done about it.

    Only what carries a signature of ours changes anybody; what was taken in before is passed by.

    Example: opensignal bounces

    Example: opensignal bounces Maildir/ --json
    """
    from pipeline.mail.bounces import read_mails

    settings = settings_of(root)
    if samples:
        if paths or dry_run:
            raise UsageError("--samples shows what was taken in before; it goes with no path and no --dry-run")
        _print_samples(settings, json=json)
        return
    if not paths:
        if dry_run:
            raise UsageError("--dry-run wants the mails to read; name a file or a folder")
        _poll_bounces(settings, json=json)
        return
    if dry_run:
        _print_mails(((mail, "nothing") for mail in read_mails(paths)), json=json)
        return
    from pipeline.mail.bounces.poll import taken_in

    with opened_store(settings) as store:
        _print_mails(taken_in(store, settings, read_mails(paths), now=now()), json=json)


def _poll_bounces(settings: Settings, *, json: bool) -> None:
    from pipeline.mail.bounces.poll import poll_bounces

    with opened_store(settings) as store, stopped_by_signals("opensignal: stopping after the mails in hand") as stop:
        report = poll_bounces(store, settings, now=now(), stop=stop)
    tell(report, json=json)


def _print_samples(settings: Settings, *, json: bool) -> None:
    from pipeline.store import bounces as stored

    with opened_store(settings) as store, store.reading() as connection:
        found = stored.samples(connection, limit=SAMPLES)
    if json:
        names = ("at", "origin", "kind", "category", "domain", "status", "code", "diagnostic", "action")
        rows = [{name: getattr(bounce, name) for name in names} for bounce, _ in found]
        mails = [mail.decode("utf-8", "replace") for _, mail in found]
        print_json([{**row, "at": row["at"].isoformat(), "mail": mail} for row, mail in zip(rows, mails, strict=True)])
        return
    for bounce, _ in found:
        out.print(str(bounce))
    out.print(f"{count(len(found), 'sample')}; --json shows the mails themselves, which hold addresses")


def _print_mails(mails: Iterable[tuple[ReadMail, str]], *, json: bool) -> None:
    unreadable = False
    told = []
    for mail, action in mails:
        unreadable = unreadable or bool(mail.found.problem)
        if json:
            told.append(mail.as_dict(action))
        else:
            out.print(mail.line(action))
    if json:
        print_json(told)
    raise typer.Exit(1 if unreadable else 0)
