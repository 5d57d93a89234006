"""The site: public articles, lists, feeds and the pages of content/pages, drawn by the theme.

    open_library | refuse problems | which files are made of something else than in the last build | make those | move them in

Read `publication.py` for what the templates are given, `strip.py` for the bars of an article, `receipts.py`, `registers.py` and
`source_pages.py` for what they are told of sentences and sources, `pages.py` for which files there are and how to add one,
`machines.py` for what machines read, `websub.py` for who is told. `plugin.py` is how MkDocs is told, `drawing.py` and
`painting.py` make files, `written_pages.py` is what MkDocs makes itself, `surroundings.py` what all files are made of,
`bundles.py` the files that are looked at together, `manifest.py` what is known of those of the last build, `workplace.py` how they
come into their place. `verify/` reads a built site and believes none of it.
What is handed on are named tuples, where nothing else is wanted: the class of a frozen dataclass takes half a millisecond to make,
and a build would make a hundred.
No mail and no sign-up happens here: the form posts to the mailing pages.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.config import Settings
from pipeline.keeping import told_once
from pipeline.library import Library, open_library
from pipeline.library.kept import FOLDER, Tell
from pipeline.model import Problem
from pipeline.site.workplace import refuse_own_files, working

__all__ = ["BuildReport", "build_site"]


class BuildReport(NamedTuple):
    """What one build made, and what it noticed on the way."""

    articles: int
    pages: int
    feeds: int
    rendered: int  # articles that were checked and rendered; the others were as they had been
    written: int  # files
    kept: int  # files that were in order
    deleted: int  # files
    mended: tuple[str, ...]  # files that were not as they had been written, or no part of the site
    seconds: float
    problems: tuple[Problem, ...]  # that did not stop it
    notes: tuple[str, ...]  # on what is kept between builds
    site_dir: Path

    @property
    def reused(self) -> int:
        """Articles that were not rendered again."""
        return max(0, self.articles - self.rendered)


def build_site(
    settings: Settings,
    *,
    now: dt.datetime,
    site_dir: Path | None = None,
    check: bool = True,
    clean: bool = False,
    verify: bool = False,
    tell: Tell | None = None,
) -> BuildReport:
    """Build the site as it is at *now* into *site_dir* (default: the settings' folder), all of it or nothing.

    Only files that are made of something else than in the last build are made again; with *clean* all are, with *verify* also those
    that were changed by hand. *tell* hears how far it is.

    Raises `ContentError` with the problems of published content unless *check* is false, `BuildError` for a broken template,
    mkdocs.yml or folder, `UsageError` where *site_dir* holds something that is not a site. The old site stays whole then.
    """
    with _babel_alone():
        from pipeline.site import plugin  # here: MkDocs takes a while to import, and other commands do without it

    started = time.perf_counter()
    target = (site_dir or settings.site_dir).resolve()
    refuse_own_files(target, settings)
    library = open_library(settings, now=now, tell=tell)
    if check:
        library.must_be_publishable(now, what_next="or build with --no-check")
    with working(settings, target, clean=clean, verify=verify) as place:
        given = plugin.Given(settings, library, now, place, tell or plugin.silent)
        built = plugin.run_mkdocs(given, site_dir=target)
    examined = library.examined
    return BuildReport(
        articles=built.articles,
        pages=built.pages,
        feeds=built.feeds,
        rendered=examined.examined if examined else built.articles,
        written=built.done.written,
        kept=built.done.kept,
        deleted=built.done.deleted,
        mended=built.done.mended,
        seconds=time.perf_counter() - started,
        problems=(*_not_blocking(library, now), *built.problems),
        notes=told_once((*(examined.notes if examined else ()), *place.notes), settings.state_dir / FOLDER),
        site_dir=target,
    )


@contextlib.contextmanager
def _babel_alone() -> Iterator[None]:
    """Let Babel, which comes with MkDocs, ask `zoneinfo` for the zone of this machine: pytz, where it is installed, opens its six
    hundred files for that."""
    if "pytz" in sys.modules or threading.active_count() > 1:  # another thread may want it just now
        yield
        return
    sys.modules["pytz"] = None  # type: ignore[assignment]  # Python's own way to say that there is none
    try:
        yield
    finally:
        del sys.modules["pytz"]


def _not_blocking(library: Library, now: dt.datetime) -> tuple[Problem, ...]:
    blocking = set(library.blocking(now))
    return tuple(problem for problem in library.problems_at(now) if problem not in blocking)
