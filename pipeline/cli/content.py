"""Articles, feeds in, the site out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.base import (
    AllowPrivate,
    Json,
    Root,
    app,
    now,
    opened_store,
    settings_of,
)
from pipeline.cli.formats import Format
from pipeline.errors import UsageError
from pipeline.model import Severity, Status
from pipeline.terminal import (
    count,
    err,
    out,
    print_ingest,
    print_json,
    problem_as_dict,
    progress,
    short,
    tell,
    told,
)

if TYPE_CHECKING:
    from pipeline.library import Library
    from pipeline.model import Article


@app.command()
def new(
    title: Annotated[str | None, typer.Argument(help="The title; its slug names the file.")] = None,
    card: Annotated[
        str | None,
        typer.Option(
            "--from", help="Start from this card of the inbox: its name, or a part that no other has.", metavar="CARD"
        ),
    ] = None,
    root: Root = None,
    json: Json = False,
) -> None:
    """Start an article: a draft with all its fields in place. From a card, with a source for each address of the story too.

    Example: opensignal new "The grid is the new fab"

    Example: opensignal new --from 2026-11-23-load-outlook-2026-1a2b3c4d.md
    """
    from pipeline.library import new_article

    settings = settings_of(root)
    today = now().astimezone(settings.zone).date()
    if card is not None:
        from pipeline.ingest.start import start_article

        tell(start_article(settings.root, card, title=title, today=today), json=json)
        return
    if title is None:
        raise UsageError("give the article a title, or start it --from a card; see opensignal new --help")
    path = new_article(settings.root, title, today=today).relative_to(settings.root)
    if json:
        print_json({"article": path.as_posix()})
    else:
        out.print(f"wrote {path}; write, then run: opensignal check")


@app.command()
def check(
    articles: Annotated[
        list[str] | None,
        typer.Argument(help="Only these, by file or slug, and the sources that they cite.", metavar="ARTICLE"),
    ] = None,
    root: Root = None,
    json: Json = False,
    format_: Annotated[
        Format, typer.Option("--format", help="For people, or as a forge or an editor reads it.")
    ] = Format.TEXT,
) -> None:
    """Print what is wrong with the content. Each problem is file:line:column CODE what; what next.

    At the end stands how many sentences say something that one may ask the source of, and how many of them cite one. Sentences of
    drafts are counted as if they were published.

    Example: opensignal check

    Example: opensignal check the-pilot-trap --json

    Example: opensignal check --format sarif > check.sarif
    """
    from pipeline.cli import formats
    from pipeline.cli.articles import path_of
    from pipeline.library import open_library
    from pipeline.library.files import SOURCES

    settings = settings_of(root)
    paths = [path_of(settings.root, word) for word in articles or ()]
    library = open_library(settings, now=now())
    chosen = [article for article in library.articles if not paths or article.path in paths]
    problems = library.problems_at(now())
    if paths:
        ids = {id_ for article in chosen for id_ in article.source_ids}
        sources = ids & library.sources.keys()
        # A source that cannot be read is in no library: its problems stand in the file that should be its.
        wanted = {*paths, *(f"{SOURCES}/{id_}.yml" for id_ in ids), *(library.sources[id_].path for id_ in sources)}
        problems = tuple(problem for problem in problems if problem.path in wanted)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    ours = [article for article in chosen if article.owes_citations]
    published = [article for article in ours if article.status.is_final]
    came_along = [article for article in chosen if article.status.is_final and not article.owes_citations]
    drafts = [article for article in ours if not article.status.is_final]
    factual, cited = _counted(library, ours if paths else published)
    if library.note:
        err.print(f"opensignal: {library.note}")
    if json or format_ is Format.JSON:
        told_of = [problem_as_dict(problem) for problem in problems]
        print_json({"problems": told_of, "factual": factual, "cited": cited})
    elif format_ is Format.SARIF:
        print(formats.sarif(problems))
    elif format_ is Format.GITLAB:
        print(formats.gitlab(problems))
    else:
        if format_ is Format.GITHUB:
            for line in formats.github(problems):
                print(line)
        for problem in problems if format_ is Format.TEXT else ():
            out.print(told(problem))
            for line in formats.with_line(problem, settings.root) if out.is_terminal else ():
                out.print(line, dim=True)
        warnings = len(problems) - len(errors)
        where = "" if paths else " in published articles"
        if drafts and not paths:
            theirs, with_source = _counted(library, drafts)
            where += f"; {count(len(drafts), 'draft')}: {count(theirs, 'factual sentence')}, {with_source:,} cited"
        if came_along:
            theirs, with_source = _counted(library, came_along)
            where += (
                f"; {count(len(came_along), 'article')} that came along by import: "
                f"{count(theirs, 'factual sentence')}, {with_source:,} cited"
            )
        out.print(f"{count(factual, 'factual sentence')}, {cited:,} cited{where}")
        out.print(
            f"{count(len(set(paths) or chosen), 'article')}, "
            f"{count(len(sources if paths else library.sources), 'source')}: "
            f"{count(len(errors), 'error')}, {count(warnings, 'warning')}"
        )
    raise typer.Exit(1 if errors else 0)


def _counted(library: Library, articles: Iterable[Article]) -> tuple[int, int]:
    """How many sentences of *articles* are factual, and how many of those cite, as if all were published."""
    found = [library.summary(a if a.status.is_final else replace(a, status=Status.PUBLISHED)) for a in articles]
    return sum(one.factual for one in found), sum(one.cited for one in found)


@app.command()
def explain(code: Annotated[str, typer.Argument(help="Of a problem, such as S201.", metavar="CODE")]) -> None:
    """Print what a problem code means, and what to do about it.

    Example: opensignal explain S201
    """
    from pipeline.library.codes import explained

    found = explained().get(code.upper())
    if found is None:
        raise UsageError(f'no problem has the code "{code}"; {_codes_alike(code.upper(), tuple(explained()))}')
    out.print(f"{found.code}: {found.title}\n\n{found.text}")


def _codes_alike(code: str, known: tuple[str, ...]) -> str:
    """What may be meant by a *code* that is none."""
    begun = [each for each in known if each.startswith(code)]
    if begun and len(code) > 1:
        return f"those that begin so: {', '.join(begun)}"
    alike = difflib.get_close_matches(code, known, n=1)
    return f"did you mean {alike[0]}?" if alike else "give one as check prints it, such as S201"


@app.command()
def schema(
    kind: Annotated[
        str, typer.Argument(help="article, source, people, topics, series or feeds.", metavar="[KIND]")
    ] = "",
    root: Root = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Write all of them into this folder.", metavar="DIR")
    ] = None,
) -> None:
    """Print the JSON Schema of a kind of file. With it an editor completes keys and ids.

    Example: opensignal schema source

    Example: opensignal schema --out .vscode/schemas
    """
    from pipeline.library import read_library
    from pipeline.library.jsonschema import KINDS, json_schema

    if bool(kind) == bool(out_dir) or (kind and kind not in KINDS):
        raise UsageError(f"name one of {', '.join(KINDS)}, or a folder for all of them with --out")
    settings = settings_of(root)
    library = read_library(settings.root)
    if out_dir is None:
        print_json(json_schema(kind, library))
        return
    out_dir.mkdir(parents=True, exist_ok=True)
    for name in KINDS:
        (out_dir / f"{name}.json").write_text(f"{dumps(json_schema(name, library), indent=2)}\n", "utf-8")
    out.print(f"wrote {count(len(KINDS), 'schema')} to {short(out_dir)}")


@app.command()
def ingest(
    only: Annotated[
        list[str] | None, typer.Argument(help="Ids of feeds; default: all that are due.", metavar="FEED")
    ] = None,
    allow_private: AllowPrivate = False,
    root: Root = None,
    json: Json = False,
) -> None:
    """Fetch the feeds that are due. They stand in content/feeds.yml; what is new is written to content/inbox/.

    Example: opensignal ingest
    """
    from pipeline.ingest import ingest as run_ingest
    from pipeline.ingest import open_fetcher
    from pipeline.library import read_library

    settings = settings_of(root, allow_private=allow_private)
    feeds = read_library(settings.root).readable_feeds()
    with opened_store(settings) as store:
        report = run_ingest(
            store,
            feeds,
            inbox=settings.content / "inbox",
            fetcher=open_fetcher(settings),
            now=now(),
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
    clean: Annotated[bool, typer.Option("--clean", help="Make every file again, not only those that changed.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Look at every file, and mend what was changed or deleted by hand.")
    ] = False,
    json: Json = False,
) -> None:
    """Build the site with its feeds. Only what has changed is made again; the old site stays until the new one is whole.

    Example: opensignal build --site-dir /srv/www
    """
    from pipeline.site import build_site

    settings = settings_of(root)
    with progress() as tell:
        report = build_site(settings, now=now(), site_dir=site_dir, check=check, clean=clean, verify=verify, tell=tell)
    for note in report.notes:
        err.print(f"opensignal: {note}")
    if json:
        print_json(
            {
                "articles": report.articles,
                "pages": report.pages,
                "feeds": report.feeds,
                "rendered": report.rendered,
                "reused": report.reused,
                "written": report.written,
                "kept": report.kept,
                "deleted": report.deleted,
                "mended": list(report.mended),
                "seconds": round(report.seconds, 3),
                "site_dir": str(report.site_dir),
            }
        )
        return
    for problem in report.problems:
        err.print(told(problem))
    for path in report.mended:
        err.print(f"opensignal: {path} was not as it had been built, and is again")
    out.print(
        f"built {count(report.articles, 'article')} and {count(report.pages, 'page')} with {count(report.feeds, 'feed')} "
        f"into {short(report.site_dir)} in {report.seconds:.1f} s"
    )
    out.print(
        f"{count(report.rendered, 'article')} rendered, {report.reused:,} reused; "
        f"{count(report.written, 'file')} written, {report.kept:,} kept, {report.deleted:,} deleted"
    )
