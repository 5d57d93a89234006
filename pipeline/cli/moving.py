"""`opensignal import`: a newsletter moves in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.base import AllowPrivate, Json, Root, app, now, settings_of
from pipeline.errors import UsageError
from pipeline.terminal import progress, tell


@app.command("import")
def import_export(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="The export as it was downloaded, or the site's repository: zips, files or folders, all of one.",
            metavar="PATH",
        ),
    ],
    service: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Whose it is: substack, ghost, wordpress, medium, beehiiv, buttondown, jekyll, hugo, pelican. Default: found out.",
            metavar="SERVICE",
        ),
    ] = None,
    site: Annotated[str | None, typer.Option(help="The address that the newsletter had there.", metavar="URL")] = None,
    only: Annotated[
        str,
        typer.Option(help="Take but the posts whose file in the export is named so: _posts/en/*", metavar="PATTERN"),
    ] = "",
    topic: Annotated[
        list[str] | None, typer.Option(help="Take a tag for one of our topics. May be repeated.", metavar="TAG=TOPIC")
    ] = None,
    new_topics: Annotated[bool, typer.Option("--new-topics", help="Make a topic of each other tag.")] = False,
    author: Annotated[
        list[str] | None,
        typer.Option(help="Take a name for one of our people. May be repeated.", metavar="NAME=PERSON"),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Who answers for what nobody signed; default: the first editor.", metavar="PERSON"),
    ] = None,
    fetch_images: Annotated[
        bool, typer.Option("--fetch-images", help="Fetch images that are not in the export, politely.")
    ] = False,
    basis: Annotated[
        str,
        typer.Option(
            help="On what basis you may write to the subscribers; without it none is imported.", metavar="TEXT"
        ),
    ] = "",
    confirmed: Annotated[bool, typer.Option("--confirmed", help="They have confirmed there; you can show it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come over.")] = False,
    allow_private: AllowPrivate = False,
    root: Root = None,
    json: Json = False,
) -> None:
    """Bring a newsletter along from another service. Articles, images, subscribers.

    It takes exports of Substack, Ghost, WordPress, Medium, beehiiv and Buttondown, repositories of Jekyll, Hugo and Pelican, and
    says what does not come over.

    Run it again as often as you like: what is here stays, and what was edited is left alone.

    Example: opensignal import export.zip --dry-run

    Example: opensignal import ../site --only "_posts/en/*"

    Example: opensignal import ghost.json members.csv --topic "Power grids=power" --basis "double opt-in at Ghost" --confirmed
    """
    from pipeline.ingest import open_fetcher
    from pipeline.ingest.fetch import DOCUMENTS
    from pipeline.moving import Options, move_in

    settings = settings_of(root, allow_private=allow_private)
    options = Options(
        service=service.lower() if service else None,
        site=_site(site) if site else None,
        only=only,
        topics=_pairs(topic or (), option="--topic", what="TAG=TOPIC"),
        new_topics=new_topics,
        authors=_pairs(author or (), option="--author", what="NAME=PERSON"),
        by=by,
        basis=basis,
        confirmed=confirmed,
        dry_run=dry_run,
    )
    fetcher = open_fetcher(settings, limits=DOCUMENTS) if fetch_images and not dry_run else None
    with progress() as done:
        report = move_in(settings, paths, options, fetcher=fetcher, now=now(), tell=done)
    tell(report, json=json)
    raise typer.Exit(0 if report.ok else 1)


def _pairs(words: Iterable[str], *, option: str, what: str) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, id_ = word.rpartition("=")
        if not equals or not name.strip() or not id_.strip():
            raise UsageError(f'{option} "{word}" is not of the form {what}; see opensignal import --help')
        found[name.strip()] = id_.strip()
    return found


def _site(url: str) -> str:
    from pipeline.library.clean import absolute_url

    address = absolute_url(url if "://" in url else f"https://{url}")
    if address is None or not address.startswith("http"):
        raise UsageError(f'--site "{url}" is no address of the web; write it as https://newsletter.example.com')
    return address.rstrip("/")
