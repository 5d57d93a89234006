"""The commands: read options, run one stage, print its report (`terminal.py`). Nothing is decided here.

Every command works on the repository in the current folder, the one that holds mkdocs.yml, or on ``--root DIR``. It exits
with 0 when it is done, 1 when it found or met a problem, 2 when it was called with words that make no sense. Heavy modules
are imported by the command that needs them, so that the others start at once.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import signal
import sys
import threading
import traceback
import webbrowser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import __version__
from pipeline.config import Settings
from pipeline.errors import AddressError, OpenSignalError, TransportError, UsageError
from pipeline.model import Severity
from pipeline.terminal import (
    count,
    err,
    out,
    print_ingest,
    print_json,
    print_preview,
    print_send,
    problem_as_dict,
    short,
    tell,
    told,
)

if TYPE_CHECKING:
    from pipeline.jobs import Running
    from pipeline.keys import Key
    from pipeline.library import Library
    from pipeline.mail.bounces import ReadMail
    from pipeline.mail.transport import Transport
    from pipeline.store import Store

app = typer.Typer(
    name="opensignal",
    help="Publish a newsletter from a Git repository: feeds in; a site, feeds and digests by mail out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
people = typer.Typer(
    name="subscribers",
    help="Import, export, show, erase and count subscribers. Verify what they agreed to.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(people)
secret = typer.Typer(
    name="keys",
    help="List and change the keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(secret)

STOP_WITHIN = 18.0  # seconds from SIGTERM to the end of `worker` and `up`, whatever their jobs do

SAMPLES = 50  # that are shown

Root = Annotated[
    Path | None, typer.Option("--root", help="The repository. Default: the current folder.", metavar="DIR")
]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0 picks one.", min=0, max=65535)]


def main() -> None:
    """Run a command. What goes wrong ends in one line that says what, where and what next; never in a traceback."""
    try:
        sys.exit(app(standalone_mode=False) or 0)  # what a command gave to typer.Exit
    except typer.Abort:
        err.print("opensignal: stopped")
        sys.exit(130)
    except KeyboardInterrupt:
        err.print("opensignal: stopped")
        sys.exit(130)
    except OpenSignalError as error:
        _complain(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if hasattr(error, "format_message"):  # click's: the words of the command are off
            context = getattr(error, "ctx", None)
            if context and error.format_message() == context.get_help():  # `opensignal keys` and nothing more
                err.print(error.format_message(), markup=False)
                sys.exit(2)
            hint = f"; see {context.command_path} --help" if context else ""
            err.print(f"opensignal: {error.format_message().rstrip('.')}{hint}")
            sys.exit(getattr(error, "exit_code", 2))
        sys.exit(_unexpected(error))


def _complain(error: OpenSignalError) -> None:
    for problem in getattr(error, "problems", ()):
        err.print(str(problem))
    err.print(f"opensignal: {error}")


def _unexpected(error: Exception) -> int:
    """A fault of ours. Where the traceback can be read later is better than a screen full of it."""
    report = _state_dir / "crash.log"
    try:
        report.parent.mkdir(exist_ok=True, mode=0o700)
        report.write_text(_ADDRESS.sub("(address)", traceback.format_exc()), "utf-8")
        where = f"; the details are in {report}, please report them"
    except OSError:
        where = ""
    err.print(f"opensignal: unexpected {type(error).__name__}: {_ADDRESS.sub('(address)', str(error))}{where}")
    return 1


# What a foreign error says may hold a row, and what a terminal is shown may go to a log.
_ADDRESS = re.compile(r"[^\s'\"(<]+@[^\s'\")>]+")


@app.callback(invoke_without_command=True)
def _version(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        out.print(f"opensignal {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        out.print(context.get_help())
        raise typer.Exit(2)


# --- content ----------------------------------------------------------------------------------------------------------


@app.command()
def new(
    title: Annotated[str, typer.Argument(help="The title; its slug names the file.")],
    root: Root = None,
) -> None:
    """Start an article: a draft with all its fields in place.

    Example: opensignal new "The grid is the new fab"
    """
    from pipeline.library import new_article

    settings = _settings(root)
    path = new_article(settings.root, title, today=_now().astimezone(settings.zone).date())
    out.print(f"wrote {path.relative_to(settings.root)}; write, then run: opensignal check")


@app.command()
def check(root: Root = None, json: Json = False) -> None:
    """Print what is wrong with the content. Each problem is file:line:column CODE what; what next.

    Example: opensignal check --json
    """
    from pipeline.library import load_library

    library = load_library(_settings(root).root)
    problems = library.problems_at(_now())
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if json:
        print_json([problem_as_dict(problem) for problem in problems])
    else:
        for problem in problems:
            out.print(told(problem))
        warnings = len(problems) - len(errors)
        out.print(
            f"{count(len(library.articles), 'article')}, {count(len(library.sources), 'source')}: "
            f"{count(len(errors), 'error')}, {count(warnings, 'warning')}"
        )
    raise typer.Exit(1 if errors else 0)


@app.command()
def ingest(
    only: Annotated[
        list[str] | None, typer.Argument(help="Ids of feeds; default: all that are due.", metavar="FEED")
    ] = None,
    root: Root = None,
    json: Json = False,
) -> None:
    """Fetch the feeds that are due. They stand in content/feeds.yml; what is new is written to content/inbox/.

    Example: opensignal ingest
    """
    from pipeline.ingest import ingest as run_ingest
    from pipeline.ingest import open_fetcher
    from pipeline.library import load_library

    settings = _settings(root)
    library = load_library(settings.root)
    feeds = library.readable_feeds()
    with _store(settings) as store:
        report = run_ingest(
            store,
            feeds,
            inbox=settings.content / "inbox",
            fetcher=open_fetcher(settings),
            now=_now(),
            only=only or None,
            force=bool(only),
        )
    if json:
        print_json(report.as_dict())
    else:
        print_ingest(report)
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def build(
    root: Root = None,
    site_dir: Annotated[Path | None, typer.Option(help="Build into this folder.", metavar="DIR")] = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Fail on problems in published content.")] = True,
    json: Json = False,
) -> None:
    """Build the site with its feeds. The old site stays until the new one is whole.

    Example: opensignal build --site-dir /srv/www
    """
    from pipeline.site import build_site

    settings = _settings(root)
    report = build_site(settings, now=_now(), site_dir=site_dir, check=check)
    if json:
        numbers = {"articles": report.articles, "pages": report.pages, "feeds": report.feeds}
        print_json({**numbers, "seconds": round(report.seconds, 3), "site_dir": str(report.site_dir)})
        return
    for problem in report.problems:
        err.print(told(problem))
    out.print(
        f"built {count(report.articles, 'article')} and {count(report.pages, 'page')} with {count(report.feeds, 'feed')} "
        f"into {short(report.site_dir)} in {report.seconds:.1f} s"
    )


# --- mail -------------------------------------------------------------------------------------------------------------


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
    settings = _settings(root)
    if key and (pause or cancel):
        _stop_issue(settings, key, cancel=cancel, json=json)
        return
    library = _publishable(settings)
    transport = open_transport(settings)
    if to and key:
        _send_copy(settings, library, key, to, transport, json=json)
        return
    with _store(settings) as store, _stopped_by_signals() as stop:
        if dry_run and key:
            print_preview(mail.preview_issue(store, library, settings, key, now=_now()), json=json)
            return
        if due:
            reports = mail.send_due(store, library, settings, transport=transport, clock=_now, stop=stop)
        else:
            assert key is not None
            with err.status("sending") as status:
                reports = [
                    mail.send_issue(
                        store,
                        library,
                        settings,
                        key,
                        transport=transport,
                        clock=_now,
                        resume=resume,
                        stop=stop,
                        progress=lambda done: status.update(f"sending {key}: {done:,} letters"),
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

    settings = _settings(root)
    with _store(settings) as store:
        name = instance.adopt(store, settings)
    out.print(f"this machine sends from the database {name} from now on")


@app.command()
def serve(
    root: Root = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Serve the mailing pages and the built site. Sends the letters that sign-ups cause too.

    Example: opensignal serve --port 8000
    """
    _serve(_settings(root), host, port, schedule=False)


@app.command()
def up(
    root: Root = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Everything in one process. That is what `serve` does, and feeds and issues whenever they are due.

    Example: opensignal up
    """
    _serve(_settings(root), host, port, schedule=True)


@app.command()
def worker(
    root: Root = None,
    queues: Annotated[
        str,
        typer.Option(
            help="What to do: some of send, ingest, notices, bounces, upkeep; default: all.", metavar="QUEUE,..."
        ),
    ] = "",
    concurrency: Annotated[int, typer.Option(help="Jobs at a time, besides notices.", min=1, max=64)] = 4,
) -> None:
    """Take a share of the work. Other machines on the same Postgres do the rest.

    Example: opensignal worker --queues send,ingest --concurrency 4
    """
    from pipeline import jobs

    settings = _settings(root)
    names = [name.strip() for name in queues.split(",") if name.strip()] or jobs.QUEUES
    _log_to_stderr()
    with _store(settings) as store, _stopped_by_signals("opensignal: ending what is in flight") as stop:
        if store.is_sqlite:
            raise UsageError(
                "many machines share their work through Postgres, and this database is SQLite; run opensignal up, which does all "
                "of it in one process, or set database_url to postgresql://..."
            )
        runner = jobs.open_runner(jobs.Desk(store, settings, _now), queues=names, concurrency=concurrency)
        runner.start()
        out.print(f"working on {', '.join(names)}, {count(concurrency, 'job')} at a time; Ctrl-C ends it")
        # Not for ever: a signal that another thread was given is handled when this one wakes up.
        while not stop.wait(0.5):
            pass
        _end(runner)


@app.command()
def demo(
    root: Root = None,
    once: Annotated[
        bool, typer.Option("--once", help="Walk the whole path by HTTP and SMTP, report, and end.")
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option(help="With --once: leave site, outbox and database in this new folder.", metavar="DIR"),
    ] = None,
    port: Port = 8000,
    json: Json = False,
) -> None:
    """Try the whole path on this machine. There is nothing to start: site, sign-up, and an outbox that catches all mail.

    Example: opensignal demo
    """
    from pipeline.demo import run_demo, run_demo_once

    settings = _settings(root)
    if not once:
        if keep or json:
            raise UsageError("--keep and --json go with --once")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, and leaves nothing behind
        show = webbrowser.open if _has_a_desk() else lambda url: None
        run_demo(settings.root, port=port, say=out.print, show=show)
        return
    report = run_demo_once(settings.root, keep=keep, say=(lambda line: None) if json else out.print)
    if json:
        print_json(report.as_dict())
    raise typer.Exit(0 if report.ok else 1)


# --- subscribers ------------------------------------------------------------------------------------------------------


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

    settings = _settings(root)
    with _store(settings) as store:
        report = import_csv(
            store,
            settings,
            file,
            source=source,
            basis=basis,
            confirmed=confirmed,
            confirmed_at=confirmed_at.date() if confirmed_at else None,
            now=_now(),
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

    settings = _settings(root)
    with _store(settings) as store:
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

    settings = _settings(root)
    with _store(settings) as store:
        person = show(store, settings, _address(address))
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

    settings = _settings(root)
    with _store(settings) as store:
        found = erase(store, settings, _address(address), now=_now())
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

    settings = _settings(root)
    with _store(settings) as store:
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

    settings = _settings(root)
    with _store(settings) as store:
        report = keep_what_may_be_kept(store, settings, now=_now(), dry_run=dry_run)
    tell(report, json=json)
    raise typer.Exit(0 if report.journal_emptied else 1)


@people.command("stats")
def subscriber_stats(root: Root = None, json: Json = False) -> None:
    """Count subscribers. By state, cadence and topic, and how the last 30 days went.

    Example: opensignal subscribers stats
    """
    from pipeline.mail.people import stats

    settings = _settings(root)
    with _store(settings) as store:
        numbers = stats(store, now=_now())
    tell(numbers, json=json)


# --- keys -------------------------------------------------------------------------------------------------------------


@secret.command("list")
def list_keys(root: Root = None, json: Json = False) -> None:
    """List the keys by ids that tell nothing of them. Those that are missing are made.

    Example: opensignal keys list
    """
    from pipeline.keys import KEY_NAMES, load_keys
    from pipeline.mail import dkim

    settings = _settings(root)
    found = [(name, load_keys(settings.state_dir, name)) for name in KEY_NAMES]
    letters = [(key, key.selector in settings.dkim_selectors.split()) for key in dkim.keys_there(settings)]
    if json:
        ours = [_key_as_dict(name, key, signs=key == ring.keys[0]) for name, ring in found for key in ring.keys]
        theirs = [{"name": "dkim", "id": k.selector, "signs": s, "algorithm": k.algorithm.value} for k, s in letters]
        print_json([*ours, *theirs])
        return
    for name, ring in found:
        for key in ring.keys:
            made = f"made {key.made_at:%Y-%m-%d}" if key.made_at else "there from the start"
            does = "signs" if key == ring.keys[0] else _kept(key)
            out.print(f"{name:<12} {key.id}  {does}, {made}")
    for letter_key, signs in letters:
        does = "signs letters" if signs else "rests: dkim_selectors does not name it"
        out.print(f"{'dkim':<12} {letter_key.selector:<8}  {does}, {letter_key.algorithm.value}")


@secret.command("rotate")
def rotate_key(
    name: Annotated[str, typer.Argument(help="token or suppression.", metavar="NAME")],
    root: Root = None,
    json: Json = False,
) -> None:
    """Put a new key before the old ones. What they signed stays good; the answer says until when.

    Example: opensignal keys rotate token
    """
    from pipeline.keys import KEY_NAMES, key_file, rotate

    settings = _settings(root)
    known = {known: known for known in KEY_NAMES}.get(name)  # type: ignore[call-overload]  # any word may be asked for
    if known is None:
        raise UsageError(f"there is no key {name!r}; use {' or '.join(KEY_NAMES)}")
    done = rotate(settings.state_dir, known, now=_now())
    if json:
        made, kept = _key_as_dict(name, done.made, signs=True), [_key_as_dict(name, k, signs=False) for k in done.kept]
        print_json({"name": name, "made": made, "kept": kept, "dropped": [key.id for key in done.dropped]})
        return
    out.print(f"{name}: {done.made.id} signs from now on")
    for key in done.kept:
        out.print(f"  {key.id} {_kept(key)}")
    for key in done.dropped:
        out.print(f"  {key.id} is gone: its time was over")
    file = short(key_file(settings.state_dir, known))
    out.print(f"back up {file}, and copy it to every other machine of this newsletter before it sends")


@secret.command("dkim")
def make_dkim_key(
    selector: Annotated[
        str, typer.Option(help="Name of the key in the DNS; default: one with the month in it.", metavar="NAME")
    ] = "",
    algorithm: Annotated[
        str, typer.Option(help="rsa, which every receiver verifies, or ed25519, beside it.", metavar="NAME")
    ] = "rsa",
    root: Root = None,
    json: Json = False,
) -> None:
    """Make or show a key that signs letters (DKIM). The record that it wants in the DNS is printed.

    Example: opensignal keys dkim --selector news1
    """
    from pipeline.config import DKIM_SELECTOR
    from pipeline.mail import dkim

    settings = _settings(root)
    if algorithm not in list(dkim.Algorithm):
        raise UsageError(f"--algorithm {algorithm} is not known; use {' or '.join(dkim.Algorithm)}")
    selector = selector.lower() or f"{algorithm[0]}{_now():%Y%m}"
    if not re.fullmatch(DKIM_SELECTOR, selector):
        raise UsageError(f"--selector {selector} cannot stand in the DNS; write letters, digits and hyphens")
    found = dkim.make_key(settings, selector=selector, algorithm=dkim.Algorithm(algorithm))
    now_signing = settings.dkim_selectors.split()
    if json:
        record = {"name": found.name, "record": found.key.record, "strings": list(found.key.strings)}
        about = {"selector": selector, "algorithm": algorithm, "domain": found.domain, "file": str(found.file)}
        print_json({**about, **record, "made": found.made, "signs": selector in now_signing})
        return
    out.print(f"{'made' if found.made else 'there already:'} {short(found.file)}")
    out.print("", f"{found.name}. IN TXT (", sep="\n")
    for string in found.key.strings:
        out.print(f'  "{string}"')
    out.print(")", "", sep="\n")
    if settings.is_sample:
        err.print(
            f"opensignal: mail_from is still the sample's, so this record is for {found.domain}; set your own in pyproject.toml, "
            "and run this again for the record of your domain"
        )
    if selector in now_signing:
        out.print("letters are signed with it, so this record must stay")
        return
    out.print("what next:")
    out.print("  1. put this record into the zone; where a form asks for one text, paste the strings without gaps")
    out.print(f"  2. wait until it is there: dig +short TXT {found.name}")
    out.print(f'  3. set dkim_selectors = "{selector}" in pyproject.toml, or add {selector} to it')
    if now_signing:
        out.print(
            f"  4. take {' and '.join(now_signing)} out of it, unless both are to sign; its record stays a week longer, "
            "for letters that are under way"
        )


def _key_as_dict(name: str, key: Key, *, signs: bool) -> dict[str, object]:
    times = {"made_at": key.made_at, "kept_until": key.kept_until}
    return {"name": name, "id": key.id, "signs": signs, **{n: t and t.isoformat() for n, t in times.items()}}


def _kept(key: Key) -> str:
    return f"still verifies, until {key.kept_until:%Y-%m-%d}" if key.kept_until else "still verifies, for ever"


# --- bounces ----------------------------------------------------------------------------------------------------------


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

    settings = _settings(root)
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

    with _store(settings) as store:
        _print_mails(taken_in(store, settings, read_mails(paths), now=_now()), json=json)


def _poll_bounces(settings: Settings, *, json: bool) -> None:
    from pipeline.mail.bounces.poll import poll_bounces

    with _store(settings) as store, _stopped_by_signals("opensignal: stopping after the mails in hand") as stop:
        report = poll_bounces(store, settings, now=_now(), stop=stop)
    tell(report, json=json)


def _print_samples(settings: Settings, *, json: bool) -> None:
    from pipeline.store import bounces as stored

    with _store(settings) as store, store.reading() as connection:
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


# --- shared -----------------------------------------------------------------------------------------------------------


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    from pipeline.store import open_store

    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _stopped_by_signals(
    saying: str = "opensignal: stopping after the letters in flight",
) -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM end the work after the letters in flight; a second one ends it at once."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()
        # Not by rich: the signal may come while it is loading its own parts.
        os.write(sys.stderr.fileno(), f"{saying}; again to stop at once\n".encode())

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_state_dir = Path(".opensignal")


def _settings(root: Path | None) -> Settings:
    """The repository's settings; from here on, a fault of ours is written down beside its database."""
    global _state_dir  # noqa: PLW0603 -- one command a process
    settings = Settings.load(root)
    _state_dir = settings.state_dir
    return settings


def _publishable(settings: Settings) -> Library:
    """The library, if what is published in it has no errors."""
    from pipeline.library import load_library

    library = load_library(settings.root)
    library.must_be_publishable(_now())
    return library


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)


def _end(runner: Running) -> None:
    """Let jobs end what they have in flight; one that takes too long ends with this process, here and now."""
    if not runner.stop(patience=STOP_WITHIN):
        err.print(
            f"opensignal: a job did not end within {STOP_WITHIN:.0f} seconds; it is gone on with by the next process"
        )
        sys.stdout.flush()
        os._exit(1)


def _serve(settings: Settings, host: str, port: int, *, schedule: bool) -> None:
    from pipeline import jobs
    from pipeline.web.server import run_server

    _log_to_stderr()
    with _store(settings) as store:
        queues = jobs.QUEUES if schedule else (jobs.NOTICES.queue,)
        runner = jobs.open_runner(jobs.Desk(store, settings, _now), queues=queues)

        def started(url: str) -> None:
            out.print(f"listening on {url}; Ctrl-C ends it")
            runner.start()

        try:
            run_server(store, settings, host=host, port=port, started=started)
        finally:
            _end(runner)


def _stop_issue(settings: Settings, key: str, *, cancel: bool, json: bool) -> None:
    from pipeline import mail
    from pipeline.model import Control

    with _store(settings) as store:
        report = mail.stop_issue(store, key, Control.CANCELLED if cancel else Control.PAUSED, now=_now())
    if json:
        print_json(report.as_dict())
    elif cancel:
        out.print(f"{key} is cancelled: {count(report.cancelled, 'letter')} will not leave")
    else:
        out.print(f"{key} is paused with {count(report.left, 'letter')} left; to go on: opensignal send {key} --resume")


def _send_copy(settings: Settings, library: Library, key: str, to: str, transport: Transport, *, json: bool) -> None:
    from pipeline.mail import send_copy

    address = _address(to, option="--to: ")
    reply = send_copy(library, settings, key, address=address, transport=transport, now=_now())
    if not reply.accepted:
        raise TransportError(f"the mail server refused the copy: {reply}")
    if json:
        print_json({"issue": key, "to": address, "reply": str(reply)})
    else:
        out.print(f"a copy of {key} went to {address} by {short(transport.name)}")


def _address(text: str, *, option: str = "") -> str:
    """An address as it was typed after a command; one that cannot be right is a word that makes no sense."""
    from pipeline.mail.addresses import parse_address

    try:
        return parse_address(text).email
    except AddressError as error:
        raise UsageError(f"{option}{error}") from error


def _has_a_desk() -> bool:
    """True where a browser with a window can be opened: not on a server, where a text browser would take the terminal."""
    return sys.stdout.isatty() and (
        sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    )
