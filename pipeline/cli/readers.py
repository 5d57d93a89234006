"""What readers can do for themselves: look up again what a publication rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.base import Json, app, now
from pipeline.config import Settings
from pipeline.errors import SettingsError, UsageError
from pipeline.terminal import tell


@app.command()
def verify(
    place: Annotated[
        str,
        typer.Argument(
            metavar="[URL-OR-FOLDER]",
            help="A site's address or an article's, the folder of a built site or of an article in it, or a clone.",
        ),
    ] = ".",
    json: Json = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Also ask an address of one's own network or machine.")
    ] = False,
) -> None:
    """Look up every sentence again in the stored copies.

    What is not as the publication says is listed, and ends the command with 1. Quotations, numbers, passages and their lines, the
    hashes of stored texts and of articles are all taken again; nothing that the build said is believed. A folder is read without
    any network.

    Example: opensignal verify site

    Example: opensignal verify https://news.example.org/ --json
    """
    from pipeline.site.verify import verify as look_up
    from pipeline.site.verify.places import read_folder
    from pipeline.site.verify.places import site_and_article as article_in

    only = ""
    if place.startswith(("https://", "http://")):
        from pipeline.ingest.publication import read_publication, site_and_article

        site, only = site_and_article(place)
        read = read_publication(site, allow_private=allow_private, now=now(), own=_own())
    else:
        folder, only = article_in(Path(place))
        read = read_folder(folder, now=now())
    verified = look_up(read, only=only)
    tell(verified, json=json)
    if verified.failures:
        raise typer.Exit(1)


def _own() -> Settings | None:
    """The settings of the newsletter in this folder; None for a reader, who has none."""
    try:
        return Settings.load(Path())
    except (UsageError, SettingsError):
        return None
