"""Sources: one from its address, and all of them."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.base import AllowPrivate, Json, Root, app, group, now, settings_of
from pipeline.errors import UsageError
from pipeline.terminal import count, err, out, print_json, tell

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.ingest.fetch import Fetcher
    from pipeline.ingest.sandbox import Sandbox

sources = group("sources", help="List, check, refresh, import, export and share sources.")

Ids = Annotated[list[str] | None, typer.Argument(help="Ids of sources; default: all.", metavar="ID")]


@app.command()
def cite(
    url: Annotated[str, typer.Argument(help="The address of the page or PDF.", metavar="URL")],
    quote: Annotated[
        str | None, typer.Option(help="Words that stand in it; they are checked, and added as a quote.", metavar="TEXT")
    ] = None,
    name: Annotated[str | None, typer.Option("--as", help="Name of the quote.", metavar="NAME")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Id of a new source.", metavar="ID")] = None,
    licence: Annotated[
        str, typer.Option(help="Its licence, such as CC-BY-4.0; only a free one puts the text into Git.")
    ] = "unknown",
    tier: Annotated[
        str | None, typer.Option(help="primary, secondary or aggregator; default: a guess.", metavar="TIER")
    ] = None,
    publisher: Annotated[
        str | None, typer.Option(help="Who published it; default: what the page says.", metavar="TEXT")
    ] = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Put the citation on the clipboard too, where the terminal can.")
    ] = False,
    root: Root = None,
    allow_private: AllowPrivate = False,
    json: Json = False,
) -> None:
    """Make a source of a web page or PDF, with a stored copy. Prints the citation to paste.

    Example: opensignal cite https://example.org/outlook --quote "may double by 2030"
    """
    from pipeline.ingest.sources import cite as make_source

    settings = settings_of(root, allow_private=allow_private)
    with _reading(settings) as (fetcher, sandbox):
        cited = make_source(
            fetcher,
            sandbox,
            url,
            root=settings.root,
            kept=settings.kept_dir,
            now=now(),
            quote=quote,
            quote_id=name,
            id_=id_,
            licence=licence,
            tier=tier,
            publisher=publisher,
        )
    tell(cited, json=json)
    if copy:
        to_clipboard(cited.citation)


@contextmanager
def _reading(settings: Settings) -> Iterator[tuple[Fetcher, Sandbox]]:
    """What fetches documents, and the cage in which they are read."""
    from pipeline.ingest import open_fetcher
    from pipeline.ingest.fetch import DOCUMENTS
    from pipeline.ingest.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield open_fetcher(settings, limits=DOCUMENTS), sandbox


def to_clipboard(text: str) -> None:
    """By the terminal's own escape OSC 52, which reaches the clipboard through ssh too; nothing else understands it."""
    if not sys.stderr.isatty():
        err.print("opensignal: not copied: this is no terminal")
        return
    sys.stderr.write(f"\033]52;c;{base64.b64encode(text.encode()).decode()}\a")
    sys.stderr.flush()


@sources.command("list")
def list_(root: Root = None, json: Json = False) -> None:
    """List all sources: tier, status, where the copy lies.

    Example: opensignal sources list
    """
    from pipeline.library import read_library
    from pipeline.library.sourcelist import list_sources

    settings = settings_of(root)
    tell(list_sources(read_library(settings.root, kept=settings.kept_dir)), json=json)


@sources.command()
def check(
    ids: Ids = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put what was found into the files, as status and status_at.")
    ] = False,
    root: Root = None,
    allow_private: AllowPrivate = False,
    json: Json = False,
) -> None:
    """Tell which sources are live, moved, changed or gone. Changed is what lost words that articles cite.

    Example: opensignal sources check --write
    """
    from pipeline.ingest.sources import check_sources
    from pipeline.library import open_library

    settings = settings_of(root, allow_private=allow_private)
    library = open_library(settings, now=now())
    with _reading(settings) as (fetcher, sandbox):
        report = check_sources(
            fetcher,
            sandbox,
            library,
            root=settings.root,
            now=now(),
            only=ids or (),
            write=write,
        )
    tell(report, json=json)
    raise typer.Exit(0 if report.ok else 1)


@sources.command()
def refresh(
    ids: Ids = None,
    again: Annotated[
        bool, typer.Option("--again", help="Take a new copy of those that have one, if their quotes stand in it.")
    ] = False,
    root: Root = None,
    allow_private: AllowPrivate = False,
    json: Json = False,
) -> None:
    """Take the copies that are missing. Tells which recorded facts stand in them.

    Example: opensignal sources refresh sample-office
    """
    from pipeline.ingest.sources import refresh as take_copies
    from pipeline.library import open_library

    settings = settings_of(root, allow_private=allow_private)
    library = open_library(settings, now=now())
    with _reading(settings) as (fetcher, sandbox):
        report = take_copies(
            fetcher,
            sandbox,
            library,
            root=settings.root,
            kept=settings.kept_dir,
            now=now(),
            only=ids or (),
            again=again,
        )
    tell(report, json=json)
    raise typer.Exit(0 if report.ok else 1)


@sources.command()
def archive(ids: Ids = None, root: Root = None, json: Json = False) -> None:
    """Find copies of gone sources in the Wayback Machine.

    It is asked for what it has, for sources that are gone or changed and for those that are named, and told nothing else.

    Example: opensignal sources archive
    """
    from pipeline.ingest import open_fetcher
    from pipeline.ingest.sources import find_archived
    from pipeline.library import read_library

    settings = settings_of(root)
    library = read_library(settings.root, kept=settings.kept_dir)
    report = find_archived(open_fetcher(settings), library, root=settings.root, now=now(), only=ids or ())
    tell(report, json=json)
    raise typer.Exit(0 if report.ok else 1)


@sources.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(help="CSL-JSON (.json, .csl), BibTeX (.bib) or RIS (.ris), as its name says.", metavar="FILE"),
    ],
    root: Root = None,
    json: Json = False,
) -> None:
    """Make sources of a reference manager's file. Those that are known stay.

    Example: opensignal sources import refs.bib
    """
    from pipeline.ingest.sources import import_sources

    report = import_sources(file, root=settings_of(root).root, now=now())
    tell(report, json=json)
    raise typer.Exit(0 if report.ok else 1)


@sources.command()
def export(
    ids: Ids = None,
    format_: Annotated[
        str, typer.Option("--format", help="csl, bibtex, ris; or warc, the stored copies.", metavar="FORMAT")
    ] = "csl",
    to: Annotated[Path | None, typer.Option(help="Write into this file; default: print it.", metavar="FILE")] = None,
    root: Root = None,
    json: Json = False,
) -> None:
    """Print sources for a reference manager, or archive them.

    Example: opensignal sources export --format bibtex --to refs.bib

    Example: opensignal sources export --format warc --to copies.warc.gz
    """
    from pipeline.files import put
    from pipeline.library import StoredTexts
    from pipeline.library.exchange import FORMATS, item_of, write_items
    from pipeline.library.files import read_content
    from pipeline.library.sourcelist import chosen_sources

    settings = settings_of(root)
    if format_ not in (*FORMATS, "warc"):
        raise UsageError(f"--format {format_} is not known; use one of {', '.join(FORMATS)}, warc")
    reads = {read.noun.id: read for read in read_content(settings.root).sources}
    chosen = chosen_sources({id_: read.noun for id_, read in reads.items()}, ids or ())
    if format_ == "warc":
        from pipeline.ingest.sources.warc import write_warc

        if to is None:
            raise UsageError("a web archive is no text to print; name a file with --to, such as copies.warc.gz")
        texts = StoredTexts(settings.root, settings.kept_dir)
        tell(write_warc(chosen, texts, kept=settings.kept_dir, to=to), json=json)
        return
    items = [item_of(reads[source.id]) for source in chosen]
    text = write_items(items, format_)
    if to is None:
        print(text, end="")
        return
    put(to, text.encode())
    if json:
        print_json({"path": str(to), "sources": len(items)})
    else:
        out.print(f"wrote {to}: {count(len(items), 'source')}")


@sources.command()
def push(root: Root = None, json: Json = False) -> None:
    """Bring stored copies to the newsroom's bucket.

    Example: opensignal sources push
    """
    from pipeline.ingest.sources.bucket import open_bucket
    from pipeline.ingest.sources.bucket import push as bring_there
    from pipeline.library import read_library

    settings = settings_of(root)
    with open_bucket(settings.bucket) as bucket:
        library = read_library(settings.root, kept=settings.kept_dir)
        tell(bring_there(bucket, library, kept=settings.kept_dir), json=json)


@sources.command()
def pull(
    raw: Annotated[bool, typer.Option("--raw", help="The pages as they were fetched, too.")] = False,
    root: Root = None,
    json: Json = False,
) -> None:
    """Bring missing copies here from the newsroom's bucket.

    Example: opensignal sources pull
    """
    from pipeline.ingest.sources.bucket import open_bucket
    from pipeline.ingest.sources.bucket import pull as bring_here
    from pipeline.library import read_library

    settings = settings_of(root)
    with open_bucket(settings.bucket) as bucket:
        library = read_library(settings.root, kept=settings.kept_dir)
        report = bring_here(bucket, library, kept=settings.kept_dir, raw=raw)
    tell(report, json=json)
    raise typer.Exit(0 if report.ok else 1)
