"""Looking after the list of feeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.base import Json, Root, group, now, opened_store, settings_of
from pipeline.errors import UsageError
from pipeline.terminal import count, out, print_json, print_moves, short, tell

feeds = group("feeds", help="Look after the feeds in content/feeds.yml.")


@feeds.command("moved")
def moved(
    apply: Annotated[bool, typer.Option("--apply", help="Write the new addresses into content/feeds.yml.")] = False,
    root: Root = None,
    json: Json = False,
) -> None:
    """List the feeds that have a new address. Their host has said for a day that they moved for good, or they are gone and their
    site offers another feed. Nothing is fetched: `opensignal ingest` has noticed. Exit 1 while there are addresses to be written.

    Example: opensignal feeds moved --apply
    """
    from pipeline.ingest.moves import moved as with_moves
    from pipeline.ingest.moves import moves
    from pipeline.library import read_library
    from pipeline.library.editing import TextFile
    from pipeline.library.files import FEEDS
    from pipeline.store.feeds import states

    settings = settings_of(root)
    known = read_library(settings.root).readable_feeds()
    with opened_store(settings) as store, store.reading() as connection:
        found = moves(known, states(connection, known), now=now())
    if apply and found:
        file = TextFile.to_change(settings.root / FEEDS, name=FEEDS)
        file.rewritten(with_moves(file.text, found, path=FEEDS)).write()
    if json:
        print_json({"moved": [move.as_dict() for move in found], "written": bool(apply and found)})
    else:
        print_moves(found, written=apply)
    raise typer.Exit(1 if found and not apply else 0)


@feeds.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An OPML file, as other readers export it.", metavar="FILE")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be added; write nothing.")] = False,
    root: Root = None,
    json: Json = False,
) -> None:
    """Add the feeds of an OPML file to content/feeds.yml. What stands there stays as it is; feeds that are known are named.

    Folders and categories with the name of a topic become that topic.

    Example: opensignal feeds import reader.opml
    """
    from pipeline.files import put
    from pipeline.ingest.opml import read_opml, take_in, with_feeds
    from pipeline.library import read_library
    from pipeline.library.editing import TextFile
    from pipeline.library.files import FEEDS

    settings = settings_of(root)
    library = read_library(settings.root)
    try:
        outlines = read_opml(file.read_bytes(), name=short(file))
    except OSError as error:
        raise UsageError(f"{short(file)} cannot be read: {error.strerror}; name an OPML file") from error
    found = take_in(outlines, library.readable_feeds(), library.topics, name=short(file))
    path = settings.root / FEEDS
    if found.new and not dry_run:
        if path.exists():
            known = TextFile.to_change(path, name=FEEDS)
            known.rewritten(with_feeds(known.text, found.new, path=FEEDS)).write()
        else:
            put(path, with_feeds("", found.new, path=FEEDS).encode())
    tell(replace(found, written=not dry_run), json=json)
    raise typer.Exit(1 if found.refused else 0)


@feeds.command("export")
def export(
    to: Annotated[Path | None, typer.Option(help="Write to this file; default: print.", metavar="FILE")] = None,
    root: Root = None,
) -> None:
    """Print the feeds as OPML, for other readers. Each stands in the folder of its first topic.

    Example: opensignal feeds export --to feeds.opml
    """
    from pipeline.files import put
    from pipeline.ingest.opml import write_opml
    from pipeline.library import read_library

    settings = settings_of(root)
    library = read_library(settings.root)
    text = write_opml(library.readable_feeds(), library.topics, title=f"Feeds of {settings.site_name}")
    if to is None:
        print(text, end="")
        return
    put(to, text.encode())
    out.print(f"wrote {count(len(library.feeds), 'feed')} to {short(to)}")
