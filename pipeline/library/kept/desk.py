"""One run: which verdicts still hold, which are recalled from an earlier run, and which have to be found.

`Desk.library` is the whole of it, in order. What is worked out anew has a name made of all that it was made of.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import marshal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from pipeline.keeping import Keep, folder_cleared
from pipeline.library import files
from pipeline.library.kept.article import LateRead
from pipeline.library.kept.contents import Contents
from pipeline.library.kept.examined import Examined
from pipeline.library.kept.examining import examine
from pipeline.library.kept.lookups import Asked, Watched, WatchedArticles, WatchedTexts, fingerprint_of
from pipeline.library.kept.pasts import Pasts
from pipeline.library.kept.reading import bytes_of, document_of
from pipeline.library.kept.rows import (
    ArticleFile,
    CheckedRow,
    ExaminedRow,
    PastRow,
    SourceFile,
    digest,
    packed,
    shared,
    unpacked,
)
from pipeline.library.kept.table import Table
from pipeline.library.kept.workers import in_slices
from pipeline.library.order import by_place
from pipeline.library.snapshots import StoredTexts
from pipeline.library.weighed import rest
from pipeline.model import Article, Problem, Source
from pipeline.packing import with_at_hand
from pipeline.sourcecode import code_of

if TYPE_CHECKING:
    from pipeline.library import Library

FOLDER: Final = "build"  # below Settings.state_dir
KEPT: Final = "kept.db"
R = TypeVar("R", ExaminedRow, CheckedRow)
Tell = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how many

_ROWS: Final = {
    "articles": ArticleFile,
    "sources": SourceFile,
    "examined": ExaminedRow,
    "checked": CheckedRow,
    "pasts": PastRow,
}
_LIBRARIES: Final = ("markdown", "pymdown-extensions", "pygments", "nh3", "pyyaml")


class Desk:
    """One run. Its parts are made in the order in which they stand here."""

    def __init__(
        self, root: Path, *, state: Path, kept: Path | None, site_url: str, now: dt.datetime, tell: Tell
    ) -> None:
        self._root = root
        self._texts = kept if kept is not None else state / "snapshots"
        self.site_url = site_url
        self.now = now
        self.tell = tell
        self.folder = state / FOLDER
        self.day = now.date().toordinal()
        self._cleared = folder_cleared(self.folder)
        self.keep = Keep(self.folder / KEPT)
        code = code_of(("library",), _LIBRARIES)  # another one may read, check, trace or render otherwise
        self.version = f"{code} {sys.version_info[:2]} {marshal.version}"
        name = f"library-{hashlib.sha256(f'{site_url} {self._texts}'.encode()).hexdigest()[:8]}"
        self._table = Table(self.folder / name, self.version, _ROWS)
        self.before = self._table.parts
        if self.keep.is_new:  # what the table tells of is not there
            self.before = {name: part for name, part in self.before.items() if name not in ("examined", "told")}
        self.asked = Asked()
        self.worked = 0

    def library(self) -> Library:
        """The library of this run, whose table is kept for the next."""
        contents = self.contents = Contents(
            self._root, self._texts, self.before, tell=functools.partial(self.tell, "reading")
        )
        rows = self._examined()
        checked = self._checked_sources()
        pasts = Pasts(self, rows)
        past_rows = pasts.rows()
        library = self._made(rows, checked, past_rows, pasts)
        table = {
            "seen": contents.sight.remembered(now_ns=time.time_ns()),
            "seen_kept": contents.sight_of_kept.remembered(now_ns=time.time_ns()),
            "articles": contents.articles,
            "sources": contents.source_files,
            "told": contents.told,
            "examined": rows,
            "checked": checked,
            "pasts": past_rows,
            "past_of": pasts.of,
        }
        note = self._table.write(table)
        if self.worked:
            self.keep.tidy((row.name for row in rows.values()), day=self.day)
        examined = library.examined
        assert examined is not None
        examined.notes = tuple(filter(None, (self._cleared, self._table.note, note, self.keep.note)))
        return library

    # -- looking at what has changed

    @cached_property
    def watched(self) -> Library:
        """The library whose look-ups are told to `asked`."""
        asked, contents = self.asked, self.contents
        library = contents.library(WatchedTexts(self._root, self._texts, asked))
        watched = dataclasses.replace(
            library,
            articles=WatchedArticles(contents.nouns, asked),  # type: ignore[arg-type]  # a sequence will do
            sources=Watched("s", library.sources, asked),
            topics=Watched("t", library.topics, asked),
            people=Watched("p", library.people, asked),
            series=Watched("e", library.series, asked),
            asked=asked,
        )
        return with_at_hand(
            watched,
            newer=Watched("n", contents.newer, asked),
            addresses=Watched("@", contents.addresses, asked),
            _by_path=Watched("a", contents.by_path, asked),
        )

    def _examined(self) -> dict[str, ExaminedRow]:
        """By path of an article, what is known of it; what still holds is taken over, in this run's order."""
        before, articles, holds = self.before.get("examined", {}), self.contents.articles, self.contents.holds
        paths = [path for path, file in articles.items() if file.noun]
        found = {path: before.get(path) for path in paths if holds(before.get(path), articles[path].hash)}
        left = self._recalled("article", [path for path in paths if path not in found], found, ExaminedRow)
        if left:
            import pipeline.library.checks.claims  # noqa: F401 -- once, and not in each of the processes

        results = in_slices(examine, left, functools.partial(self.tell, "examining"), self)
        self.worked = len(left)
        kept: list[tuple[bytes, bytes]] = []
        for path, (row, value) in zip(left, results, strict=True):
            found[path], named = self._named("article", path, row, value)
            kept += named
            if len(kept) > 400:
                self.keep.put(kept, day=self.day)
                kept = []
        self.keep.put(kept, day=self.day)
        return {path: found[path] for path in paths}

    def _recalled(self, kind: str, paths: Sequence[str], found: dict[str, R], row_of: type[R]) -> list[str]:
        """Those of *paths* that were never examined as they and all that they lean on are now; the others are put into *found*."""
        firsts = {self._first(kind, path): path for path in paths}
        known = {name: marshal.loads(data) for name, data in self.keep.get(firsts).items()}  # noqa: S302 -- our own values
        seconds = {self._second(first, names): firsts[first] for first, names in known.items()}
        rows = self.keep.get(_row_name(name) for name in seconds)
        for name, path in seconds.items():
            if data := rows.get(_row_name(name)):
                found[path] = _shared(row_of._make(marshal.loads(data)))  # noqa: S302 -- our own values
        return [path for path in paths if path not in found]

    def _named(self, kind: str, path: str, row: R, value: bytes) -> tuple[R, list[tuple[bytes, bytes]]]:
        """The *row* with its name, and what to keep of it and of its long *value*, by name."""
        first = self._first(kind, path)
        name = self._second(first, row.names)
        named = _shared(row._replace(name=name))
        of_name: list[tuple[bytes, bytes]] = [(name, value)] if value else []
        return named, [(first, marshal.dumps(named.names)), (_row_name(name), marshal.dumps(tuple(named))), *of_name]

    def _first(self, kind: str, path: str) -> bytes:
        hash_ = (self.contents.articles if kind == "article" else self.contents.source_files)[path].hash
        return digest([kind.encode(), self.version.encode(), self.site_url.encode(), path.encode(), hash_])

    def _second(self, first: bytes, names: Iterable[str]) -> bytes:
        return digest([first, fingerprint_of(names, self.contents.told_of)])

    def _checked_sources(self) -> dict[str, CheckedRow]:
        """By path of a source, what is wrong with it."""
        from pipeline.library.checks import check_one_source

        before, sources, holds = self.before.get("checked", {}), self.contents.source_files, self.contents.holds
        paths = [path for path, file in sources.items() if file.noun]
        found = {path: before.get(path) for path in paths if holds(before.get(path), sources[path].hash)}
        kept: list[tuple[bytes, bytes]] = []
        for path in self._recalled("source", [path for path in paths if path not in found], found, CheckedRow):
            (read,) = files.shelf_of_source(bytes_of(self._root, path), path).sources or (None,)
            self.asked.begin()
            problems = list(check_one_source(read, self.watched)) if read else []
            is_whole = read is not None and self.watched.texts.is_whole(read.noun)
            row = CheckedRow(sources[path].hash, packed(problems), tuple(self.asked.told()), b"", is_whole)
            found[path], named = self._named("source", path, row, b"")
            kept += named
            rest()
        self.keep.put(kept, day=self.day)
        return {path: found[path] for path in paths}

    # -- the whole

    def _made(
        self,
        rows: Mapping[str, ExaminedRow],
        checked: Mapping[str, CheckedRow],
        past_rows: Mapping[str, PastRow],
        pasts: Pasts,
    ) -> Library:
        contents = self.contents
        whole = [contents.source_files[path] for path in contents.source_paths.values() if checked[path].is_whole]
        library = contents.library(_KnownTexts(self._root, self._texts, {file.id for file in whole}))
        problems = [*contents.sight.foreign, *contents.lists.problems, *self._problems_of_lists()]
        parts = (contents.articles, contents.source_files, rows, checked, past_rows)
        for row in chain.from_iterable(part.values() for part in parts):
            if row.problems:
                problems += unpacked(row.problems)
        examined = Examined(self.keep, rows, self.site_url)
        examined.foreign = tuple(contents.sight.foreign)
        examined.examined = self.worked
        examined.source_signs = contents.told
        made = dataclasses.replace(
            library,
            problems=by_place(problems),
            note=pasts.note(past_rows),
            pasts=pasts,
            history_of=lambda: pasts.history if contents.nouns else None,
            examined=examined,
        )
        return with_at_hand(
            made,
            newer=contents.newer,
            related_sources=contents.related_sources,
            shown_texts={file.id: file.copy for file in whole if file.is_free},
            _by_path=contents.by_path,
        )

    def _problems_of_lists(self) -> Iterator[Problem]:
        """What is wrong with one beside the others."""
        from pipeline.library.checks import check_articles_together, check_lists

        contents = self.contents
        library = contents.library(StoredTexts())
        look = functools.partial(document_of, self._root)
        reads: list[files.Read[Article]] = [LateRead(a, p, look) for p, a in contents.by_path.items()]
        shelf = dataclasses.replace(contents.lists, articles=reads)
        yield from check_articles_together(shelf, library, self._root)
        yield from check_lists(contents.lists, library)
        yield from self._same_addresses()

    def _same_addresses(self) -> Iterator[Problem]:
        from pipeline.library.checks.sources import check_addresses

        keys: dict[str, list[str]] = {}
        for path, file in self.contents.source_files.items():
            if file.noun:
                keys.setdefault(file.key, []).append(path)
        same = sorted(path for paths in keys.values() if len(paths) > 1 for path in paths)
        yield from check_addresses([r for p in same for r in files.shelf_of_source(bytes_of(self._root, p), p).sources])


class _KnownTexts(StoredTexts):
    """The stored texts, of which it is known already whose are here whole."""

    def __init__(self, root: Path, kept: Path, whole: set[str]) -> None:
        super().__init__(root, kept)
        self._whole = whole

    def is_whole(self, source: Source) -> bool:
        return source.id in self._whole


def _row_name(name: bytes) -> bytes:
    return b"row" + name


def _shared(row: R) -> R:
    """*row* with names and ids that other rows have too."""
    named = row._replace(names=shared(row.names))
    return named._replace(cited=shared(named.cited)) if isinstance(named, ExaminedRow) else named
