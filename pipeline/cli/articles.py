"""What happens to one article after it was written: tidied, approved, corrected, told of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pipeline.cli.base import Json, Root, app, now, settings_of
from pipeline.errors import ContentError, UsageError
from pipeline.terminal import count, err, out, print_json, problem_as_dict, tell

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.library import Library
    from pipeline.library.checks.published import Past
    from pipeline.library.history import History
    from pipeline.model import Article

One = Annotated[str, typer.Argument(help="Its file or its slug.", metavar="ARTICLE")]


@app.command()
def fmt(
    files: Annotated[
        list[str] | None, typer.Argument(help="Articles, by file or slug; default: all.", metavar="ARTICLE")
    ] = None,
    root: Root = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; end with 1 if there is something to change.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Change nothing; show what would change.")] = False,
    json: Json = False,
) -> None:
    """Write citations and footnotes in one notation. The file then reads well on a forge too.

    Example: opensignal fmt

    Example: opensignal fmt --check --diff
    """
    from pipeline.library.tidy import diff_of, tidy

    repository = settings_of(root).root
    found = tidy(repository, [path_of(repository, word) for word in files] if files else None)
    looks_only = check or diff
    paths = [file.path.relative_to(repository).as_posix() for file in found.files]
    if not looks_only:
        for file in found.files:
            file.write()
    if json:
        problems = [problem_as_dict(problem) for problem in found.problems]
        print_json({"articles": found.looked_at, "changed": paths, "written": not looks_only, "problems": problems})
    else:
        for path, file in zip(paths, found.files, strict=True):
            for line in diff_of(file, path) if diff else [path]:
                out.print(line)
        for problem in found.problems:
            out.print(str(problem))
        what = "to be written anew" if looks_only else "written anew"
        out.print(f"{len(paths)} of {count(found.looked_at, 'article')} {what}")
    raise typer.Exit(1 if found.problems or (looks_only and paths) else 0)


@app.command()
def approve(
    article: One,
    by: Annotated[str, typer.Option(help="Id of the person who read it, from content/people.yml.", metavar="PERSON")],
    root: Root = None,
    json: Json = False,
) -> None:
    """Write down that a person read an article. It must be committed as it stands, and free of errors.

    It is looked at as if it were published: what is a warning in a draft is an error here.
    The commit that was read is written down too: a text that changes afterwards is not published.

    Example: opensignal approve the-pilot-trap --by ines-halvorsen
    """
    from pipeline.library.editing import TextFile
    from pipeline.library.review import approve as approved

    settings = settings_of(root)
    found = _found(settings, article)
    file = approved(
        TextFile.to_change(settings.root / found.article.path, name=found.article.path),
        found.article,
        found.library,
        found.past,
        root=settings.root,
        by=by,
        today=now().astimezone(settings.zone).date(),
        in_git=not found.history.note or found.history.is_cut,
    )
    file.write()
    read = found.past.committed.version if found.past.committed else None
    if json:
        print_json({"path": found.article.path, "by": by, "commit": read and read.commit})
        return
    out.print(f"{found.article.path}: {by} read it{f' as of {read.told}' if read else ''}; commit the file")
    if found.history.note:
        err.print(f"opensignal: {found.history.note}")


@app.command()
def correct(
    article: One,
    was: Annotated[str, typer.Option(help="The words as they stand, enough of them to be found once.", metavar="TEXT")],
    is_now: Annotated[str, typer.Option("--now", help="The words that are right.", metavar="TEXT")],
    why: Annotated[str, typer.Option(help="What went wrong, for readers.", metavar="TEXT")] = "",
    root: Root = None,
    json: Json = False,
) -> None:
    """Correct a published article and tell its readers. Replaces the words in title, dek or text, adds the correction.

    Run again with the same words it writes nothing.

    Example: opensignal correct the-pilot-trap --was "named 24 halls" --now "named 42 halls" --why "Two digits were swapped."
    """
    from pipeline.library.editing import TextFile
    from pipeline.library.files import article_of
    from pipeline.library.review import correct as corrected
    from pipeline.library.worddiff import word_diff

    settings = settings_of(root)
    found = _found(settings, article)
    moment = now()
    file = corrected(
        TextFile.to_change(settings.root / found.article.path, name=found.article.path),
        found.article,
        found.past,
        was=was,
        now=is_now,
        why=why,
        today=moment.astimezone(settings.zone).date(),
        at=moment,
    )
    if not file.is_changed:
        said = "this correction is recorded already; nothing was written"
        if json:
            print_json({"path": found.article.path, "changed": ""})
        else:
            out.print(f"{found.article.path}: {said}")
        return
    file.write()
    after = article_of(file.bytes, found.article.path)
    before, words = (f"{one.title}\n{one.dek}\n{one.body}" for one in (found.article, after or found.article))
    said = word_diff(before, words) or "the words stood there already"
    if json:
        print_json({"path": found.article.path, "changed": said})
    else:
        out.print(f"{found.article.path}: {said}; look at it, run opensignal check, and commit the file")


@app.command()
def record(article: One, root: Root = None, json: Json = False) -> None:
    """Tell how an article came about. Who wrote and read it, which commits published and changed it, which rules it was held to.

    It is read off the repository, so that whoever has a clone can make it again.

    Example: opensignal record the-pilot-trap --json
    """
    from pipeline.library.history import open_history
    from pipeline.library.record import record_of

    settings = settings_of(root)
    found = _found(settings, article)
    all_commits = open_history(settings.root, first_parents=False)
    tell(record_of(found.article, found.library, found.past, all_commits, now=now()), json=json)


# --- which article --------------------------------------------------------------------------------------------------------


class _Found(NamedTuple):
    article: Article
    library: Library
    past: Past
    history: History


def _found(settings: Settings, word: str) -> _Found:
    """The article that *word* names, and what it was before."""
    from pipeline.library import open_library

    path = path_of(settings.root, word)
    library = open_library(settings, now=now())
    article = library.article_at(path)
    if article is None:
        wrong = [problem for problem in library.problems if problem.path == path]
        raise ContentError(f"{path} cannot be read as an article; mend it first", wrong)
    assert library.history is not None  # there is an article
    return _Found(article, library, library.pasts[path], library.history)


def path_of(root: Path, word: str) -> str:
    """The path from *root* of the article that *word* names: its file, seen from here or from *root*, or its slug."""
    from pipeline.library.files import article_files
    from pipeline.library.schema import closest

    known = article_files(root)
    for candidate in (Path(word), root / word):
        absolute = candidate.resolve()
        if (
            absolute.is_relative_to(root.resolve())
            and (path := absolute.relative_to(root.resolve()).as_posix()) in known
        ):
            return path
    named = [path for path in known if Path(path).stem == word or Path(path).stem[11:] == word]
    if len(named) == 1:
        return named[0]
    if named:
        raise UsageError(f'"{word}" names {" and ".join(named)}; give the file')
    hint = closest(word, [Path(path).stem[11:] for path in known]) or "; give its file or its slug"
    raise UsageError(f'no article "{word}"{hint}')
