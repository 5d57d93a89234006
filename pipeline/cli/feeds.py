"""Looking after the list of feeds."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.base import Json, Root, group, now, opened_store, settings_of
from pipeline.terminal import print_json, print_moves

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
    from pipeline.library import load_library
    from pipeline.store.feeds import states

    settings = settings_of(root)
    known = load_library(settings.root).readable_feeds()
    with opened_store(settings) as store, store.reading() as connection:
        found = moves(known, states(connection, known), now=now())
    if apply and found:
        path = settings.content / "feeds.yml"
        path.write_text(with_moves(path.read_text("utf-8"), found), "utf-8")
    if json:
        print_json({"moved": [move.as_dict() for move in found], "written": bool(apply and found)})
    else:
        print_moves(found, written=apply)
    raise typer.Exit(1 if found and not apply else 0)
