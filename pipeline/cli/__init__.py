"""The commands: read options, run one stage, print its report (`terminal.py`). Nothing is decided here.

    content      new, check, explain, schema, ingest, build
    desk         desk vscode, cms
    feeds        feeds import, export, moved
    inbox        inbox
    articles     fmt, approve, correct, record
    moving       import
    mail         send, adopt, bounces
    publishing   publish, search index, calendar
    running      serve, up, worker, demo
    sources      cite, sources check, refresh, list, ...
    readers      verify
    subscribers  subscribers import, export, show, erase, ...
    keys         keys list, rotate, dkim
    base         what all of them share

Every command works on the repository in the current folder, the one that holds mkdocs.yml, or on ``--root DIR``. It exits
with 0 when it is done, 1 when it found or met a problem, 2 when it was called with words that make no sense. Heavy modules
are imported by the command that needs them, so that the others start at once.
"""

from __future__ import annotations

import gc

# New objects before rings of them are looked for: a command makes many that stay, and those take long to look at. The modules that
# follow are many of them: looking takes 14 ms while they are taken in.
gc.set_threshold(400_000, 10, 10)

import copy
import os
import re
import sys
import traceback
from collections.abc import Sequence

import typer
from typer.main import get_command_name

# Each registers its commands.
from pipeline.cli import (  # noqa: F401
    articles,
    base,
    content,
    desk,
    feeds,
    inbox,
    keys,
    mail,
    moving,
    publishing,
    readers,
    running,
    sources,
    subscribers,
)
from pipeline.cli.base import app
from pipeline.errors import OpenSignalError
from pipeline.terminal import err

__all__ = ["app", "main"]


def main() -> None:
    """Run a command. What goes wrong ends in one line that says what, where and what next; never in a traceback."""
    try:
        sys.exit(alone(sys.argv[1:2])(standalone_mode=False) or 0)  # what a command gave to typer.Exit
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
                err.print(error.format_message())
                sys.exit(2)
            hint = f"; see {context.command_path} --help" if context else ""
            words = error.format_message().rstrip(".").replace(": Value error, ", ": ")
            err.print(f"opensignal: {words}{hint}")
            sys.exit(getattr(error, "exit_code", 2))
        sys.exit(_unexpected(error))
    finally:
        gc.freeze()  # Python looks for rings once more at its end: of a large archive, for half a second


def alone(words: Sequence[str]) -> typer.Typer:
    """The application with just the command that *words* begin with, if there is one: taking in all takes 50 ms."""
    commands = [
        c for c in app.registered_commands if c.callback and [c.name or get_command_name(c.callback.__name__)] == words
    ]
    groups = [g for g in app.registered_groups if [g.typer_instance and g.typer_instance.info.name] == words]
    if not commands and not groups:
        return app
    one = copy.copy(app)
    one.registered_commands, one.registered_groups = commands, groups
    return one


def _complain(error: OpenSignalError) -> None:
    for problem in getattr(error, "problems", ()):
        err.print(str(problem))
    err.print(f"opensignal: {error}")


def _unexpected(error: Exception) -> int:
    """A fault of ours. Where the traceback can be read later is better than a screen full of it."""
    report = base.state_dir / "crash.log"
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
