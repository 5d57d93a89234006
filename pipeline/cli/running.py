"""What runs until it is stopped: the web, the work, and the demonstration."""

from __future__ import annotations

import logging
import os
import signal
import sys
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.base import (
    Json,
    Root,
    app,
    now,
    opened_store,
    settings_of,
    stopped_by_signals,
)
from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.terminal import (
    count,
    err,
    out,
    print_json,
)

if TYPE_CHECKING:
    from pipeline.jobs import Running

STOP_WITHIN = 18.0  # seconds from SIGTERM to the end of `worker` and `up`, whatever their jobs do

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0 picks one.", min=0, max=65535)]


@app.command()
def serve(
    root: Root = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Serve the mailing pages and the built site. Sends the letters that sign-ups cause too.

    Example: opensignal serve --port 8000
    """
    _serve(settings_of(root), host, port, schedule=False)


@app.command()
def up(
    root: Root = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Everything in one process. That is what `serve` does, and feeds, issues and articles whenever they are due.

    Example: opensignal up
    """
    _serve(settings_of(root), host, port, schedule=True)


@app.command()
def worker(
    root: Root = None,
    queues: Annotated[
        str,
        typer.Option(
            help="What to do: some of send, ingest, publish, notices, bounces, upkeep; default: all.",
            metavar="QUEUE,...",
        ),
    ] = "",
    concurrency: Annotated[int, typer.Option(help="Jobs at a time, besides notices.", min=1, max=64)] = 4,
) -> None:
    """Take a share of the work. Other machines on the same Postgres do the rest.

    Example: opensignal worker --queues send,ingest --concurrency 4
    """
    from pipeline import jobs

    settings = settings_of(root)
    names = [name.strip() for name in queues.split(",") if name.strip()] or jobs.QUEUES
    _log_to_stderr()
    with opened_store(settings) as store, stopped_by_signals("opensignal: ending what is in flight") as stop:
        if store.is_sqlite:
            raise UsageError(
                "many machines share their work through Postgres, and this database is SQLite; run opensignal up, which does all "
                "of it in one process, or set database_url to postgresql://..."
            )
        runner = jobs.open_runner(jobs.Desk(store, settings, now), queues=names, concurrency=concurrency)
        runner.start()
        out.print(f"working on {', '.join(names)}, {count(concurrency, 'job')} at a time; Ctrl-C ends it")
        # Not for ever: a signal that another thread was given is handled when this one wakes up.
        while not stop.wait(0.5):
            pass
        _end(runner)


@app.command()
def preview(
    article: Annotated[
        str, typer.Argument(help="A slug or a file. Default: the article that was changed last.", metavar="[ARTICLE]")
    ] = "",
    root: Root = None,
    port: Port = 8001,
) -> None:
    """See an article as readers will have it, while you write. Its page, letter, digest, text and feed item, and its problems.

    Save the file, and the browser shows it. Drafts are shown too. Only this machine is listened to; nothing is published or sent.

    Example: opensignal preview the-pilot-trap
    """
    from pipeline.library.files import article_files
    from pipeline.preview import run_preview

    settings = settings_of(root)
    beginning = ExitStack()  # what is shown until the first page is ready

    def ready(address: str) -> None:
        beginning.close()
        out.print(f"the preview is at {address}; Ctrl-C ends it")
        if sys.stdout.isatty():
            webbrowser.open(address)

    with stopped_by_signals("opensignal: ending the preview") as stop, beginning:
        begins = f"opensignal: reading {count(len(article_files(settings.root)), 'article')}, and drawing the first"
        if err.is_terminal:
            beginning.enter_context(err.status(begins))
        else:
            err.print(begins)
        run_preview(settings, article=article, port=port, clock=now, ready=ready, stop=stop)


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

    settings = settings_of(root)
    if not once:
        if keep or json:
            raise UsageError("--keep and --json go with --once")
        # Both end it as Ctrl-C does and leave nothing behind; a shell starts what runs in its background deaf to the first.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        show = webbrowser.open if _has_a_desk() else lambda url: None
        run_demo(settings.root, port=port, say=out.print, show=show)
        return
    report = run_demo_once(settings.root, keep=keep, say=(lambda line: None) if json else out.print)
    if json:
        print_json(report.as_dict())
    raise typer.Exit(0 if report.ok else 1)


def _serve(settings: Settings, host: str, port: int, *, schedule: bool) -> None:
    from pipeline import jobs
    from pipeline.web.server import run_server

    _log_to_stderr()
    with opened_store(settings) as store:
        queues = jobs.QUEUES if schedule else (jobs.NOTICES.queue,)
        runner = jobs.open_runner(jobs.Desk(store, settings, now), queues=queues)

        def started(url: str) -> None:
            out.print(f"listening on {url}; Ctrl-C ends it")
            runner.start()

        try:
            run_server(store, settings, host=host, port=port, started=started)
        finally:
            _end(runner)


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


def _has_a_desk() -> bool:
    """True where a browser with a window can be opened: not on a server, where a text browser would take the terminal."""
    return sys.stdout.isatty() and (
        sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    )
