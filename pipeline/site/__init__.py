"""The site: public articles, lists, feeds and the pages of content/pages, drawn by the theme.

    library.load | refuse problems | render | pages, feeds, sitemap | write beside the target | switch it in

Read `publication.py` for what the templates are given, `receipts.py` and `registers.py` for what they are told of sentences and
sources, `pages.py` for which pages there are, `feeds.py`, `claims.py` and `sitemap.py` for what machines read, `plugin.py` for how
MkDocs is told. `verify/` reads a site that is built and believes none of it. No mail and no sign-up happens here: the form posts to
the mailing pages.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Settings
from pipeline.errors import BuildError, UsageError
from pipeline.files import is_full
from pipeline.library import Library, open_library
from pipeline.model import Problem

__all__ = ["BuildReport", "build_site"]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What one build wrote, and what it noticed on the way."""

    articles: int
    pages: int
    feeds: int
    seconds: float
    problems: tuple[Problem, ...]  # that did not stop it
    site_dir: Path


def build_site(
    settings: Settings, *, now: dt.datetime, site_dir: Path | None = None, check: bool = True
) -> BuildReport:
    """Build the site as it is at *now* into *site_dir* (default: the settings' folder), all of it or nothing.

    Raises `ContentError` with the problems of published content unless *check* is false, `BuildError` for a broken template,
    mkdocs.yml or folder, `UsageError` where *site_dir* holds something that is not a site. The old site stays whole then.
    """
    from pipeline.site import plugin  # here: MkDocs takes a while to import, and other commands do without it

    started = time.perf_counter()
    library = open_library(settings, now=now)
    if check:
        library.must_be_publishable(now, what_next="or build with --no-check")
    target = (site_dir or settings.site_dir).resolve()
    _refuse_foreign_folder(target, settings)
    with _switched_in(target) as folder:
        given = plugin.Given(settings, library, now)
        built = plugin.run_mkdocs(given, site_dir=folder)
    problems = (*_not_blocking(library, now), *built.problems)
    return BuildReport(built.articles, built.pages, built.feeds, time.perf_counter() - started, problems, target)


def _not_blocking(library: Library, now: dt.datetime) -> tuple[Problem, ...]:
    blocking = set(library.blocking(now))
    return tuple(problem for problem in library.problems_at(now) if problem not in blocking)


def _refuse_foreign_folder(target: Path, settings: Settings) -> None:
    """What stands at *target* will be replaced: make sure that it is a site."""
    if target == settings.root or target in settings.root.parents or settings.content in (target, *target.parents):
        raise UsageError(f"{target}: the site would replace the newsletter's own files; name another folder")
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not (target / "sitemap.xml").is_file():
        raise UsageError(f"{target}: exists and is not a built site; name an empty folder, or remove it first")


@contextmanager
def _switched_in(target: Path) -> Iterator[Path]:
    """A fresh folder beside *target* that takes its place where all went well, and vanishes where not."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workplace = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        what_next = "make room on the disk and run again" if is_full(error) else "name another folder"
        raise BuildError(f"{target.parent}: cannot be written: {error.strerror}; {what_next}") from error
    try:
        fresh, old = workplace / "new", workplace / "old"
        yield fresh
        try:
            _switch(fresh, target, old)
        except OSError as error:
            raise BuildError(f"{target}: cannot be replaced: {error.strerror}; the old site stays") from error
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _switch(fresh: Path, target: Path, old: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
