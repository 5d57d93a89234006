"""What the feeds have told, for an editor to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.base import Json, Root, app, now, opened_store, settings_of
from pipeline.errors import UsageError
from pipeline.terminal import count, out, print_json, tell

if TYPE_CHECKING:
    from pipeline.config import Settings

TITLES_SHOWN = 5  # of what is held back of one feed


@app.command()
def inbox(
    limit: Annotated[int, typer.Option(help="Stories to list; 0 for all.", min=0, metavar="N")] = 20,
    topic: Annotated[
        list[str] | None, typer.Option("--topic", help="Only stories about this topic; may be repeated.", metavar="ID")
    ] = None,
    held: Annotated[
        bool, typer.Option("--held", help="List what is held back: feeds that gave too much within a day.")
    ] = False,
    release: Annotated[
        str | None,
        typer.Option(help="Let in what is held back of this feed; its next visit makes cards.", metavar="FEED"),
    ] = None,
    dismiss: Annotated[
        str | None, typer.Option(help="Let what is held back of this feed go, without cards.", metavar="FEED")
    ] = None,
    root: Root = None,
    json: Json = False,
) -> None:
    """List the stories in content/inbox/, the heaviest first. Each says why: independent publishers, the nearest source, its age.

    Example: opensignal inbox --topic power

    Example: opensignal inbox --held
    """
    given = {"--held": held, "--release": release, "--dismiss": dismiss}
    said = [word for word, is_given in given.items() if is_given]
    if len(said) > 1:
        raise UsageError(f"{said[0]} and {said[1]} do not go together: use one of them")
    settings = settings_of(root)
    if release or dismiss:
        _decide(settings, release or dismiss or "", let_in=release is not None, json=json)
    elif held:
        _print_held(settings, json=json)
    else:
        _list(settings, limit=limit, topics=topic or [], json=json)


def _list(settings: Settings, *, limit: int, topics: list[str], json: bool) -> None:
    from pipeline.ingest.inbox import read_all
    from pipeline.ingest.weigh import StoryList, about, cited_addresses, weigh
    from pipeline.library import read_library
    from pipeline.library.schema import closest

    library = read_library(settings.root)
    for topic in topics:
        if topic not in library.topics:
            raise UsageError(f'no topic "{topic}"{closest(topic, library.topics) or "; see content/topics.yml"}')
    cards, wrong = read_all(settings.content / "inbox")
    stories = weigh(about(cards, topics), now=now(), cited=cited_addresses(library.articles, library.sources))
    tell(StoryList(stories[: limit or None], len(stories), tuple(wrong)), json=json)
    raise typer.Exit(1 if wrong else 0)


def _print_held(settings: Settings, *, json: bool) -> None:
    from itertools import groupby

    from pipeline.store.feeds import held as held_back

    with opened_store(settings) as store, store.reading() as connection:
        found = held_back(connection)
    by_feed = {feed: list(entries) for feed, entries in groupby(found, key=lambda entry: entry.feed)}
    if json:
        print_json(
            [
                {"feed": feed, "entries": [{"title": entry.title, "at": entry.at.isoformat()} for entry in entries]}
                for feed, entries in by_feed.items()
            ]
        )
        return
    for feed, entries in by_feed.items():
        out.print(f"{feed}: {count(len(entries), 'entry', 'entries')} held back")
        for entry in entries[:TITLES_SHOWN]:
            out.print(f"  {entry.at:%Y-%m-%d}  {entry.title}")
        if len(entries) > TITLES_SHOWN:
            out.print(f"  ... and {len(entries) - TITLES_SHOWN:,} more")
        out.print(f"  opensignal inbox --release {feed} lets them in, --dismiss {feed} lets them go")
    if not by_feed:
        out.print("nothing is held back")


def _decide(settings: Settings, feed: str, *, let_in: bool, json: bool) -> None:
    from pipeline.store import feeds

    with opened_store(settings) as store, store.writing() as connection:
        number = feeds.release(connection, feed) if let_in else feeds.dismiss(connection, feed)
    if not number:
        raise UsageError(f"nothing is held back of a feed {feed!r}; opensignal inbox --held lists what is")
    if json:
        print_json({"feed": feed, "released" if let_in else "dismissed": number})
    elif let_in:
        entries = count(number, "entry is", "entries are")
        out.print(f"{entries} let in; run opensignal ingest, which makes cards of those that {feed} still gives")
    else:
        out.print(f"{count(number, 'entry', 'entries')} of {feed} will get no card")
