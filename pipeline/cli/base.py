"""What all commands share: the application they register on, the options they have in common, and how they begin and end."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline import __version__
from pipeline.config import Settings
from pipeline.errors import AddressError, UsageError
from pipeline.terminal import out

if TYPE_CHECKING:
    from pipeline.library import Library
    from pipeline.store import Store

# The order of the help: from the first draft to the machines.
ORDER = (
    "demo new preview check fmt explain cite sources ingest inbox feeds approve correct record build publish search verify "
    "calendar send bounces subscribers serve up worker keys adopt import desk schema"
).split()


class _InOrder(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = typer.Typer(
    name="opensignal",
    cls=_InOrder,
    help="Publish a newsletter from a Git repository: feeds in; a site, feeds and digests by mail out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def group(name: str, *, help: str) -> typer.Typer:  # noqa: A002 -- typer's word
    """A command that has commands of its own, such as ``opensignal keys``."""
    made = typer.Typer(name=name, help=help, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(made)
    return made


Root = Annotated[
    Path | None, typer.Option("--root", help="The repository. Default: the current folder.", metavar="DIR")
]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
AllowPrivate = Annotated[
    bool,
    typer.Option("--allow-private", help="Fetch from addresses of one's own network too, and from any port."),
]


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


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


state_dir = Path(".opensignal")  # of the repository that the command works on; a fault of ours is written down there


def settings_of(root: Path | None, *, allow_private: bool = False) -> Settings:
    """The repository's settings; from here on, a fault of ours is written down beside its database."""
    global state_dir  # noqa: PLW0603 -- one command a process
    settings = Settings.load(root, **({"allow_private": True} if allow_private else {}))
    state_dir = settings.state_dir
    return settings


@contextmanager
def opened_store(settings: Settings) -> Iterator[Store]:
    from pipeline.store import open_store

    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()


def publishable(settings: Settings) -> Library:
    """The library, if what is published in it has no errors."""
    from pipeline.library import open_library

    library = open_library(settings, now=now())
    library.must_be_publishable(now())
    return library


@contextmanager
def stopped_by_signals(
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


def address_of(text: str, *, option: str = "") -> str:
    """An address as it was typed after a command; one that cannot be right is a word that makes no sense."""
    from pipeline.mail.addresses import parse_address

    try:
        return parse_address(text).email
    except AddressError as error:
        raise UsageError(f"{option}{error}") from error
