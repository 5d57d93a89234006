"""The search index of a built site, by Pagefind: articles only, in pieces of which a browser loads what it needs.

The index is made from the pages themselves, so that nothing is in it which readers may not see: their template says what is text
(``data-pagefind-body``), title, topic and date. It lies at ``pagefind/`` of the site; the page that asks it is the theme's.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pagefind_bin

from pipeline.errors import BuildError, StoreError, UsageError
from pipeline.files import put, take_place, what_next
from pipeline.site.workplace import stage_prefix

FOLDER: Final = "pagefind"
ARTICLES: Final = "articles/*/index.html"
LONGEST: Final = 900.0  # seconds
_OURS: Final = ("pagefind.js", "pagefind-worker.js", "pagefind-entry.json")  # what a page of our own loads, by name
_PARTS: Final = (".pf_meta", ".pf_index", ".pf_fragment", ".pf_filter", ".pf_sort", ".pagefind")


@dataclass(frozen=True, slots=True)
class Indexed:
    """What was made of a site."""

    articles: int
    files: int
    bytes: int
    seconds: float
    folder: Path

    def as_dict(self) -> dict[str, Any]:
        return {
            "articles": self.articles,
            "files": self.files,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "folder": str(self.folder),
        }

    def lines(self) -> Iterator[str]:
        articles = "1 article" if self.articles == 1 else f"{self.articles:,} articles"
        yield f"indexed {articles} into {self.files:,} files ({self.bytes / 1e6:,.1f} MB) in {self.seconds:.1f} s"


def index_site(site: Path, *, kept: Path | None = None) -> Indexed:
    """Make the search index of the built *site*; the old one stays until the new one is whole. Nobody may build it meanwhile.

    In *kept* the last index is kept for the next time that the articles are the same: Pagefind makes it a little different each
    time. Raises `UsageError` where no site is, `BuildError` where Pagefind fails.
    """
    started = time.perf_counter()
    if not (site / "sitemap.xml").is_file():
        raise UsageError(f"{site}: is no built site; run opensignal build first, or name one with --site-dir")
    pages = sorted(site.glob(ARTICLES))
    target = site / FOLDER
    try:
        with tempfile.TemporaryDirectory(prefix=stage_prefix(site), dir=site.parent) as workplace:
            # No names of `Workplace`: a build that finds them left behind must not take an index for a site.
            fresh, aside = Path(workplace) / "index", Path(workplace) / "index-before"
            if pages:
                _make(site, pages, fresh, kept)
                take_place(fresh, target, aside=aside)
            elif target.exists():
                target.rename(aside)
    except OSError as error:
        raise BuildError(f"{target}: cannot be written: {error.strerror}; {what_next(error)} and run again") from error
    files = [path for path in target.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    return Indexed(len(pages), len(files), size, time.perf_counter() - started, target)


def _make(site: Path, pages: Sequence[Path], folder: Path, kept: Path | None) -> None:
    mark = hashlib.sha256(_version().encode())
    for page in pages:
        mark.update(page.parent.name.encode() + b"\0" + hashlib.sha256(page.read_bytes()).digest())
    before = kept / mark.hexdigest()[:32] if kept else None
    if before and _is_whole(before):
        shutil.copytree(before, folder)
        return
    _run(site, folder)
    _drop_what_is_not_ours(folder)
    if kept and before:
        with suppress(OSError, StoreError):  # then it is made again next time, and that is all
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, before)
            put(_sum_of(before), _sum(before).encode(), sync=False)


def _is_whole(kept: Path) -> bool:
    try:
        return _sum_of(kept).read_text("ascii") == _sum(kept)
    except (OSError, UnicodeDecodeError):
        return False


def _sum_of(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.sha256")


def _sum(folder: Path) -> str:
    """A hash of all that is in *folder*."""
    told = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        told.update(f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return told.hexdigest()


def _version() -> str:
    return importlib.metadata.version("pagefind-bin")


def _run(site: Path, folder: Path) -> None:
    try:
        ended = subprocess.run(  # noqa: S603 -- the program that our lock file names
            [
                str(pagefind_bin.get_executable()),
                f"--site={site}",
                f"--glob={ARTICLES}",
                f"--output-path={folder}",
                "--exclude-selectors=sup.cite",  # "1 ET Telecom" is no word of the article
                "--silent",
            ],
            capture_output=True,
            timeout=LONGEST,
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildError(
            "the search index needs Pagefind, which is not here; install what requirements.lock names"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(
            f"the search index could not be made: {error}; run opensignal search index to see it again"
        ) from error
    if ended.returncode or not (folder / "pagefind-entry.json").is_file():
        said = (ended.stderr or ended.stdout).decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else f"Pagefind ended with {ended.returncode}"
        raise BuildError(f"the search index could not be made: {why}; see that the disk has room, and run again")


def _drop_what_is_not_ours(folder: Path) -> None:
    """Pagefind brings pages and styles of its own, which no page of ours loads."""
    for path in list(folder.iterdir()):
        if path.is_dir():
            if not any(child.name.endswith(_PARTS) for child in path.rglob("*")):
                shutil.rmtree(path)
        elif path.name not in _OURS and not path.name.endswith(_PARTS):
            path.unlink()
