"""What happens to one article after it was written: tidied, approved, corrected, told of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.base import Json, Root, app, settings_of
from pipeline.errors import UsageError
from pipeline.terminal import count, out, print_json, problem_as_dict


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
