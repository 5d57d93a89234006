"""The library as `load_library` makes it, at the price of what has changed since the last run.

    open_kept    files | which are other ones (`sight`) | read those | examine what leans on them | Library

A file is read again when its bytes are others. An article is *examined* (checked, traced, rendered) again when its file or
anything that was looked up meanwhile (`lookups`) is another; the verdict, its sentences and its HTML lie in `pipeline.keeping`, by
a name made of just these things. So there are no rules about what depends on what, and nothing is ever out of date. Many articles
are examined by several processes.

`index` holds what every run needs of every file; `article` is an article whose text is read when it is asked for. Whatever is kept
may be deleted at any time. That the library is the same as one which nothing was kept of is held by tests/library/test_kept.py.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline import model
from pipeline.errors import ContentError
from pipeline.keeping import Keep
from pipeline.library import files
from pipeline.library.files import ARTICLES, SNAPSHOTS, SOURCES, Shelf
from pipeline.library.kept.article import KeptArticle, LateRead, row_of
from pipeline.library.kept.index import read_table, write_table
from pipeline.library.kept.lookups import Asked, Watched, WatchedArticles, WatchedTexts, fingerprint_of
from pipeline.library.kept.sight import GONE, Sight
from pipeline.library.kept.workers import in_slices
from pipeline.library.order import by_place
from pipeline.library.own import foreign_files
from pipeline.library.snapshots import StoredTexts
from pipeline.library.urls import page_key
from pipeline.library.weighed import rest
from pipeline.model import Article, Claim, Problem, Source
from pipeline.packing import Packer
from pipeline.sourcecode import code_of

if TYPE_CHECKING:
    from pipeline.library import Library, Made, Rendered
    from pipeline.library.checks.published import Past
    from pipeline.library.frontmatter import Document
    from pipeline.library.history import History
    from pipeline.library.tracing import Summary

FOLDER: Final = "build"  # below Settings.state_dir
KEPT: Final = "kept.db"
Tell = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how many

_NOUNS: Final = Packer(
    cls for cls in vars(model).values() if isinstance(cls, type) and cls.__module__ == model.__name__
)
_NOTHING: Final = b"-"
_OF_FILES: Final = ("f:", "i:")  # that there is a file; what it holds
_LIBRARIES: Final = ("markdown", "pymdown-extensions", "pygments", "nh3", "pyyaml")


def open_kept(
    root: Path, *, state: Path, kept: Path | None, site_url: str, now: dt.datetime, tell: Tell | None = None
) -> Library:
    """The library of *root* at *now*. Raises `ContentError` where a file was changed while it was read."""
    desk = _Desk(root, state=state, kept=kept, site_url=site_url, now=now, tell=tell or (lambda *_: None))
    try:
        return desk.library()
    finally:
        desk.keep.close()


class Examined:
    """What was found of the articles of a library, by the path of each; long values are fetched when they are asked for."""

    def __init__(self, keep: Keep, rows: Mapping[str, dict[str, Any]], site_url: str) -> None:
        self._keep = keep
        self._rows = rows
        self._site_url = site_url
        self._open: Keep | None = None
        self._made: dict[str, Made] = {}
        self._last: tuple[str, tuple[Any, ...]] = ("", ())
        self.foreign: tuple[Problem, ...] = ()  # files that are not to be read
        self.notes: tuple[str, ...] = ()  # on what was thrown away, or could not be kept
        self.examined = 0  # articles that were looked at in this run
        self.source_signs: Mapping[str, bytes] = {}  # of a source's file and texts, by "s:" and its id

    def made_of(self, path: str) -> Made:
        if path not in self._made:
            from pipeline.library import Made

            row = self._rows[path]
            self._made[path] = Made(row["name"], row["face"], tuple(row["cited"]), row["minutes"])
        return self._made[path]

    def summary(self, path: str) -> Summary:
        from pipeline.library.tracing import Summary

        row = self._rows[path]
        return Summary(_NOUNS.unpack(row["claimed"]), row["factual"], row["with_source"])

    def claims(self, path: str) -> tuple[Claim, ...] | None:
        value = self._value(path)
        return _NOUNS.unpack(value[0]) if value else None

    def rendered(self, path: str, library: Library, *, site_url: str) -> Rendered | None:
        """The body of the article in *path*; None for another *site_url*. Raises `ContentError` if it cannot be rendered."""
        from pipeline.library.render import CitedSource, Rendered, TocEntry

        found = self._value(path) if site_url == self._site_url else None
        if found is None:
            return None
        if isinstance(found[1], str):
            raise ContentError(found[1])
        html, toc, cited, words, minutes = found[1]
        rows = []
        for number, id_, names, anchor, back in cited:
            source = library.sources[id_]
            rows.append(CitedSource(number, source, tuple(source.quotes[name] for name in names), anchor, tuple(back)))
        return Rendered(html, tuple(TocEntry(*entry) for entry in toc), tuple(rows), words, minutes)

    def origins(self, path: str) -> tuple[tuple[str, ...], ...] | None:
        value = self._value(path)
        return tuple(map(tuple, value[2])) if value else None

    def close(self) -> None:
        """Let go of the file; what is asked for later opens it again. A connection must not be carried into a fork."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _value(self, path: str) -> tuple[Any, ...] | None:
        """The long values of the article in *path*; None where somebody has taken them away meanwhile."""
        if self._last[0] != path:
            if self._open is None:
                self._open = self._keep.reopened()
            name = self._rows[path]["name"]
            data = self._open.get([name]).get(name)
            if data is None:
                return None
            self._last = (path, marshal.loads(data))  # noqa: S302 -- makes values, never objects of a class
        return self._last[1]


class _Sources(Mapping[str, Source]):
    """Sources by id, each made when it is asked for."""

    def __init__(self, rows: Mapping[str, Any]) -> None:
        self._rows = rows
        self._made: dict[str, Source] = {}

    def __getitem__(self, id_: str) -> Source:
        if id_ not in self._made:
            self._made[id_] = _NOUNS.unpack(self._rows[id_])
        return self._made[id_]

    def __contains__(self, id_: object) -> bool:
        return id_ in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class _Desk:
    """One run. Its parts are made in the order in which they stand here."""

    def __init__(
        self, root: Path, *, state: Path, kept: Path | None, site_url: str, now: dt.datetime, tell: Tell
    ) -> None:
        self.root = root
        self.kept = kept if kept is not None else state / "snapshots"
        self.site_url = site_url
        self.now = now
        self.tell = tell
        self.folder = state / FOLDER
        self.day = now.date().toordinal()
        self.keep = Keep(self.folder / KEPT)
        code = code_of(("library",), _LIBRARIES)  # another one may read, check, trace or render otherwise
        self.version = f"{code} {sys.version_info[:2]} {marshal.version}"
        self.file = self.folder / f"library-{hashlib.sha256(f'{site_url} {self.kept}'.encode()).hexdigest()[:8]}"
        self.before, note = read_table(self.file, self.version)
        self.notes = [note] if note else []
        if self.keep.is_new:  # what the table tells of is not there
            self.before = {name: part for name, part in self.before.items() if name not in ("examined", "told")}
        self.asked = Asked()
        self.worked = 0

    def library(self) -> Library:
        self.sight = self._looked_at()
        self.articles = self._read(ARTICLES, ".md", "articles", _read_article)
        self.source_files = self._read(SOURCES, ".yml", "sources", _read_source)
        self.lists = files.read_lists(self.root)
        self.told = self._fingerprints()
        self.changed = {name for name, _ in self.told.items() ^ self.before.get("told", {}).items()}
        rows = self._examined()
        checked = self._checked_sources()
        pasts = _Pasts(self, rows)
        past_rows = pasts.rows()
        library = self._made(rows, checked, past_rows, pasts)
        table = {
            "seen": self.sight.remembered(now_ns=time.time_ns()),
            "seen_kept": self.sight_of_kept.remembered(now_ns=time.time_ns()),
            "articles": self.articles,
            "sources": self.source_files,
            "told": self.told,
            "examined": rows,
            "checked": checked,
            "pasts": past_rows,
            "past_of": pasts.of,
        }
        if any(table[part] != self.before.get(part) for part in table):
            self.notes.append(write_table(self.file, table, self.version))
        if self.worked:
            self.keep.tidy((row["name"] for row in rows.values()), day=self.day)
        examined = library.examined
        assert examined is not None
        examined.notes = tuple(note for note in (*self.notes, self.keep.note) if note)
        return library

    # -- files

    def _looked_at(self) -> Sight:
        sight = Sight(self.root, self.before.get("seen", {}))
        sight.look("content")
        sight.foreign += foreign_files(self.root, ["theme"])
        self.sight_of_kept = Sight(self.kept.parent, self.before.get("seen_kept", {}))
        self.sight_of_kept.look(self.kept.name)
        return sight

    def _read(self, folder: str, ending: str, part: str, read: Callable[[str], Any]) -> dict[str, Any]:
        """By path, the hash of each file and what it says; those that are as they were are taken over."""
        before = self.before.get(part, {})
        found: dict[str, Any] = {}
        changed = []
        for path in self.sight.below(folder, ending):
            hash_ = self.sight.hash_of(path)
            known = before.get(path)
            if known is not None and known["hash"] == hash_:
                found[path] = known
            else:
                found[path] = None  # keeps its place in the order
                changed.append((path, hash_))
        global _root  # noqa: PLW0603 -- for the processes that are forked
        _root = self.root
        for (path, hash_), row in zip(
            changed, in_slices(read, [path for path, _ in changed], self._told("reading")), strict=True
        ):
            found[path] = {"hash": hash_, **row}
        return found

    def _told(self, what: str) -> Callable[[int, int], None]:
        return lambda done, of: self.tell(what, done, of)

    # -- what everything is made of

    @cached_property
    def source_rows(self) -> dict[str, Any]:
        return {file["id"]: file["row"] for file in self.source_files.values() if file["row"] is not None}

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        return _Sources(self.source_rows)

    @cached_property
    def nouns(self) -> tuple[KeptArticle, ...]:
        """The articles, newest first."""
        made = functools.partial(KeptArticle.made, root=self.root, packer=_NOUNS)
        rows = [(path, file) for path, file in self.articles.items() if file["row"] is not None]
        rows.sort(key=lambda item: (-item[1]["at"], item[1]["row"][0], item[0]))
        return tuple(made(path, file["row"]) for path, file in rows)

    @cached_property
    def by_path(self) -> dict[str, Article]:
        """In the order of their paths, as a shelf has them."""
        found = {article.path: article for article in self.nouns}
        return {path: found[path] for path in self.articles if path in found}

    @cached_property
    def newer(self) -> dict[str, str]:
        bare = self._bare(StoredTexts(self.root, self.kept))
        return bare.newer

    @cached_property
    def addresses(self) -> dict[str, str]:
        ids: dict[str, str] = {}
        twice = set()
        for file in self.source_files.values():
            if file["row"] is not None and ids.setdefault(file["key"], file["id"]) != file["id"]:
                twice.add(file["key"])
        return {key: id_ for key, id_ in ids.items() if key not in twice}

    def _fingerprints(self) -> dict[str, bytes]:
        """By name, the fingerprint of everything that can be looked up."""
        told = {f"a:{path}": file["front"] for path, file in self.articles.items() if file["row"] is not None}
        away = self.sight_of_kept
        for path, file in self.source_files.items():
            if file["row"] is not None:
                copy = f"{file['copy']}.txt"
                here = self.sight.hash_of(f"{SNAPSHOTS}/{copy}") if file["copy"] else GONE
                there = away.hash_of(f"{self.kept.name}/{copy}")
                page = b"page" if f"{self.kept.name}/raw/{file['page']}.gz" in away.signs else b""
                told[f"s:{file['id']}"] = b"\0".join((path.encode(), file["hash"], here, there, page))
        for kind in ("s", "a"):
            told[f"{kind}:*"] = _digest(name.encode() + value for name, value in told.items() if name[0] == kind)
        lists: tuple[tuple[str, Sequence[Any]], ...] = (
            ("p", self.lists.people),
            ("t", self.lists.topics),
            ("e", self.lists.series),
        )
        for kind, nouns in lists:
            told |= {f"{kind}:{read.noun.id}": repr(read.noun).encode() for read in nouns}
            told[f"{kind}:*"] = repr([read.noun for read in nouns]).encode()
        if self.before.get("told", {}).get("s:*") == told["s:*"]:  # then these are as they were
            before = self.before["told"]
            return {
                **told,
                **{name: value for name, value in before.items() if name[:2] in ("n:", "@:")},
                **self._asked_files(),
            }
        told |= {f"n:{id_}": value.encode() for id_, value in self.newer.items()}
        told |= {f"@:{key}": id_.encode() for key, id_ in self.addresses.items()}
        return {**told, **self._asked_files()}

    def _asked_files(self) -> dict[str, bytes]:
        names = [name for name in self.before.get("told", {}) if name.startswith(_OF_FILES)]
        return {name: self._file_told(name) for name in names}

    def _file_told(self, name: str) -> bytes:
        if name.startswith("i:"):
            return self.sight.hash_of(name[2:]) or _NOTHING
        return b"here" if (self.root / name[2:]).is_file() else _NOTHING

    def told_of(self, name: str) -> bytes:
        if name.startswith(_OF_FILES) and name not in self.told:
            self.told[name] = self._file_told(name)
        return self.told.get(name, _NOTHING)

    # -- looking at what has changed

    @cached_property
    def watched(self) -> Library:
        """The library whose look-ups are told to `asked`."""
        asked = self.asked
        library = self._bare(WatchedTexts(self.root, self.kept, asked))
        watched = dataclasses.replace(
            library,
            articles=WatchedArticles(self.nouns, asked),  # type: ignore[arg-type]  # a sequence will do
            sources=Watched("s", library.sources, asked),
            topics=Watched("t", library.topics, asked),
            people=Watched("p", library.people, asked),
            series=Watched("e", library.series, asked),
            asked=asked,
        )
        watched.__dict__["newer"] = Watched("n", self.newer, asked)
        watched.__dict__["addresses"] = Watched("@", self.addresses, asked)
        watched.__dict__["_by_path"] = Watched("a", self.by_path, asked)
        return watched

    def _bare(self, texts: StoredTexts) -> Library:
        from pipeline.library import Library

        return Library(
            articles=self.nouns,
            sources=self.sources,
            topics={read.noun.id: read.noun for read in self.lists.topics},
            people={read.noun.id: read.noun for read in self.lists.people},
            series={read.noun.id: read.noun for read in self.lists.series},
            feeds=tuple(read.noun for read in self.lists.feeds),
            held_back=frozenset(path for path, file in self.articles.items() if file["held_back"]),
            texts=texts,
        )

    def _examined(self) -> dict[str, dict[str, Any]]:
        """By path of an article, what is known of it; what still holds is taken over, in this run's order."""
        before = self.before.get("examined", {})
        paths = [path for path, file in self.articles.items() if file["row"] is not None]
        found = {path: before.get(path) for path in paths if self.holds(before.get(path), self.articles[path]["hash"])}
        left = self._recalled("article", [path for path in paths if path not in found], found)
        results = in_slices(_examine, left, self._told("examining"), self)
        self.worked = len(left)
        kept: list[tuple[bytes, bytes]] = []
        for path, (examined, names, value) in zip(left, results, strict=True):
            row = _shared({**examined, "hash": self.articles[path]["hash"], "names": names})
            kept += self._named("article", path, row, value)
            found[path] = row
            if len(kept) > 400:
                self.keep.put(kept, day=self.day)
                kept = []
        self.keep.put(kept, day=self.day)
        return {path: found[path] for path in paths}

    def holds(self, row: Mapping[str, Any] | None, hash_: bytes) -> bool:
        return row is not None and row["hash"] == hash_ and self.changed.isdisjoint(row["names"])

    def _recalled(self, kind: str, paths: Sequence[str], found: dict[str, Any]) -> list[str]:
        """Those of *paths* that were never examined as they and all that they lean on are now; the others are put into *found*."""
        firsts = {self._first(kind, path): path for path in paths}
        known = {name: marshal.loads(data) for name, data in self.keep.get(firsts).items()}  # noqa: S302 -- as above
        seconds = {self._second(first, names): firsts[first] for first, names in known.items()}
        rows = self.keep.get(_row_name(name) for name in seconds)
        for name, path in seconds.items():
            if data := rows.get(_row_name(name)):
                found[path] = _shared(marshal.loads(data))  # noqa: S302 -- as above
        return [path for path in paths if path not in found]

    def _named(self, kind: str, path: str, row: dict[str, Any], value: bytes) -> list[tuple[bytes, bytes]]:
        """What to keep of a *row* and its long *value*, by name; the row is told its name."""
        first = self._first(kind, path)
        row["name"] = self._second(first, row["names"])
        return [
            (first, marshal.dumps(row["names"])),
            (_row_name(row["name"]), marshal.dumps(row)),
            *([(row["name"], value)] if value else []),
        ]

    def _first(self, kind: str, path: str) -> bytes:
        hash_ = (self.articles if kind == "article" else self.source_files)[path]["hash"]
        return _digest([kind.encode(), self.version.encode(), self.site_url.encode(), path.encode(), hash_])

    def _second(self, first: bytes, names: Iterable[str]) -> bytes:
        return _digest([first, fingerprint_of(names, self.told_of)])

    def _checked_sources(self) -> dict[str, dict[str, Any]]:
        """By path of a source, what is wrong with it."""
        from pipeline.library.checks import check_one_source

        before = self.before.get("checked", {})
        paths = [path for path, file in self.source_files.items() if file["row"] is not None]
        found = {p: before.get(p) for p in paths if self.holds(before.get(p), self.source_files[p]["hash"])}
        kept: list[tuple[bytes, bytes]] = []
        for path in self._recalled("source", [path for path in paths if path not in found], found):
            (read,) = files.shelf_of_source(_bytes(self.root, path), path).sources or (None,)
            self.asked.begin()
            problems = list(check_one_source(read, self.watched)) if read else []
            row = {
                "problems": _NOUNS.pack(problems),
                "hash": self.source_files[path]["hash"],
                "names": self.asked.told(),
                "is_whole": read is not None and self.watched.texts.is_whole(read.noun),
            }
            kept += self._named("source", path, row, b"")
            found[path] = row
            rest()
        self.keep.put(kept, day=self.day)
        return {path: found[path] for path in paths}

    # -- the whole

    def _made(
        self,
        rows: Mapping[str, dict[str, Any]],
        checked: Mapping[str, dict[str, Any]],
        past_rows: Mapping[str, dict[str, Any]],
        pasts: _Pasts,
    ) -> Library:
        whole = {file["id"] for path, file in self.source_files.items() if checked.get(path, {}).get("is_whole")}
        library = self._bare(_KnownTexts(self.root, self.kept, whole))
        problems = [*self.sight.foreign, *self.lists.problems, *self._problems_of_lists()]
        for part in (self.articles, self.source_files, rows, checked, past_rows):
            for row in part.values():
                if row["problems"]:
                    problems += _NOUNS.unpack(row["problems"])
        examined = Examined(self.keep, rows, self.site_url)
        examined.foreign = tuple(self.sight.foreign)
        examined.examined = self.worked
        examined.source_signs = self.told
        made = dataclasses.replace(
            library,
            problems=by_place(problems),
            note=pasts.note(past_rows),
            pasts=pasts,
            history_of=lambda: pasts.history if self.nouns else None,
            examined=examined,
        )
        made.__dict__["newer"] = self.newer
        made.__dict__["_by_path"] = self.by_path
        return made

    def _problems_of_lists(self) -> Iterator[Problem]:
        """What is wrong with one beside the others."""
        from pipeline.library.checks import check_articles_together, check_lists

        library = self._bare(StoredTexts())
        look = functools.partial(_document, self.root)
        reads: list[files.Read[Article]] = [LateRead(a, p, functools.partial(look, p)) for p, a in self.by_path.items()]
        shelf = dataclasses.replace(self.lists, articles=reads)
        yield from check_articles_together(shelf, library, self.root)
        yield from check_lists(self.lists, library)
        yield from self._same_addresses()

    def _same_addresses(self) -> Iterator[Problem]:
        from pipeline.library.checks.sources import check_addresses

        keys: dict[str, list[str]] = {}
        for path, file in self.source_files.items():
            if file["row"] is not None:
                keys.setdefault(file["key"], []).append(path)
        same = sorted(path for paths in keys.values() if len(paths) > 1 for path in paths)
        yield from check_addresses([r for p in same for r in files.shelf_of_source(_bytes(self.root, p), p).sources])


class _KnownTexts(StoredTexts):
    """The stored texts, of which it is known already whose are here whole."""

    def __init__(self, root: Path, kept: Path, whole: set[str]) -> None:
        super().__init__(root, kept)
        self._whole = whole

    def is_whole(self, source: Source) -> bool:
        return source.id in self._whole


class _Pasts(Mapping[str, "Past"]):
    """What each article was before: its problems are kept, the rest is looked up in Git when it is asked for."""

    def __init__(self, desk: _Desk, rows: Mapping[str, Any]) -> None:
        self._desk = desk
        self._rows = rows

    @cached_property
    def history(self) -> History:
        from pipeline.library.kept.history import kept_history

        desk = self._desk
        return kept_history(desk.root, desk.folder / "history", desk.version)

    @cached_property
    def chains(self) -> Mapping[str, Any]:
        from pipeline.library.checks.published import chains_of

        return chains_of(self._desk.nouns, self.history)

    @cached_property
    def _all(self) -> dict[str, Past]:
        from pipeline.library.checks.published import pasts_of

        desk = self._desk
        return pasts_of(desk.nouns, desk.sources, self.history, now=desk.now)

    def __getitem__(self, path: str) -> Past:
        return self._all[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def note(self, rows: Mapping[str, dict[str, Any]]) -> str:
        """Why not all texts could be compared."""
        from pipeline.library.checks import PARTIAL

        if not any(article.status.is_final for article in self._desk.nouns):
            return ""
        return self.history.note or ("" if all(row["is_all"] for row in rows.values()) else PARTIAL)

    @property
    def of(self) -> list[Any]:
        """What tells whether the versions of any article may be others than in the last run."""
        slugs = sorted((path, file["row"][0]) for path, file in self._desk.articles.items() if file["row"] is not None)
        return [*self.history.told, _digest(f"{path} {slug}".encode() for path, slug in slugs)]

    def rows(self) -> dict[str, dict[str, Any]]:
        """By path of an article, what is wrong with it beside its past."""
        desk, before = self._desk, self._desk.before.get("pasts", {})
        if not desk.nouns:
            return {}
        now = desk.now.timestamp()
        signs = self._signs(before)
        found: dict[str, dict[str, Any]] = {}
        left: list[Article] = []
        for path, article in desk.by_path.items():
            row = before.get(path)
            if (
                desk.holds(row, desk.articles[path]["hash"])
                and row["chain"] == signs[path]
                and row["since"] <= now < row["until"]
            ):
                found[path] = row
            else:
                left.append(article)
        found.update(self._compared(left, signs))
        return found

    def _signs(self, before: Mapping[str, dict[str, Any]]) -> dict[str, bytes]:
        """By path, a fingerprint of the versions of each article."""
        desk = self._desk
        if desk.before.get("past_of") == self.of:  # the same files at the same commit
            known = {path: before[path]["chain"] for path in desk.by_path if path in before}
            untold = [path for path in desk.by_path if not known.get(path)]
            if all(desk.holds(before.get(path), desk.articles[path]["hash"]) for path in untold):
                return known
        return {path: _chain_sign(chain, self.history) for path, chain in self.chains.items()}

    def _compared(self, left: Sequence[Article], signs: Mapping[str, bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
        from pipeline.library.checks import check_beside_past
        from pipeline.library.checks.published import is_as_committed, look_back

        desk, now = self._desk, self._desk.now.timestamp()
        versions = self.history.versions
        plain = {article.path: versions.get(article.path, ()) for article in left}
        if any(_chain_sign(chain, self.history) != signs[path] for path, chain in plain.items()):
            plain = {article.path: self.chains[article.path] for article in left}
        todo = []
        for article in left:
            chain, path = plain[article.path], article.path
            if _was_reviewed(article) or (chain and not is_as_committed(article, chain, self.history)):
                todo.append(article)
            else:  # it was never another one, so there is nothing to compare
                yield path, _past_row(desk, path, signs[path], [], [], is_all=True)
        look = look_back(todo, plain, self.history)
        for done, article in enumerate(todo, 1):
            path = article.path
            (read,) = files.shelf_of_article(_bytes(desk.root, path), path).articles or (None,)
            desk.asked.begin()
            past = look(read.noun if read else article, desk.watched.sources, desk.now)
            problems = list(check_beside_past([read], desk.watched, {path: past})) if read else []
            row = _past_row(desk, path, signs[path], problems, desk.asked.told(), is_all=past.is_whole)
            if past.committed is not None:
                at = past.committed.article.date.timestamp()
                row["since" if at <= now else "until"] = at
            yield path, row
            desk.tell("comparing", done, len(todo))


def _was_reviewed(article: Article) -> bool:
    return bool(article.ai.reviewed_by or article.ai.reviewed_at or article.ai.review_commit)


def _past_row(
    desk: _Desk, path: str, chain: bytes, problems: Sequence[Problem], names: list[str], *, is_all: bool
) -> dict[str, Any]:
    return {
        "problems": _NOUNS.pack(list(problems)),
        "hash": desk.articles[path]["hash"],
        "names": names,
        "chain": chain,
        "since": 0.0,
        "until": float("inf"),
        "is_all": is_all,
    }


def _chain_sign(chain: Sequence[Any], history: History) -> bytes:
    known = f"{history.is_cut} {bool(history.versions)}"
    return (
        _digest([known.encode(), *(f"{v.commit} {v.path} {v.blob}".encode() for v in chain)])
        if chain
        else known.encode()
    )


# --- reading and examining, in any process ----------------------------------------------------------------------------------------

_root = Path()


def _bytes(root: Path, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError as error:
        raise ContentError(f"{path}: was there a moment ago and cannot be read: {error.strerror}; run again") from error


def _document(root: Path, path: str) -> Document:
    (read,) = files.shelf_of_article(_bytes(root, path), path).articles
    return read.document


def _shelf(path: str, read: Callable[[bytes, str], Shelf]) -> Shelf:
    from pipeline.library.frontmatter import Unreadable, read_bytes

    try:
        return read(read_bytes(_root / path), path)
    except Unreadable as wrong:
        return files.unreadable(path, wrong)


def _read_article(path: str) -> dict[str, Any]:
    shelf = _shelf(path, files.shelf_of_article)
    found: dict[str, Any] = {"problems": _NOUNS.pack(shelf.problems), "held_back": bool(shelf.held_back), "row": None}
    for read in shelf.articles:
        row = row_of(read.noun, _NOUNS)
        # All that others may ask of it: nobody looks into the text of another article.
        found |= {"row": row, "front": _digest([marshal.dumps(row)]), "at": read.noun.date.timestamp()}
    return found


def _read_source(path: str) -> dict[str, Any]:
    shelf = _shelf(path, files.shelf_of_source)
    found: dict[str, Any] = {"problems": _NOUNS.pack(shelf.problems), "row": None}
    for read in shelf.sources:
        taken = read.noun.snapshot
        found |= {
            "row": _NOUNS.pack(read.noun),
            "id": read.noun.id,
            "key": page_key(read.noun.url),
            "copy": taken.text_sha256 if taken else "",
            "page": taken.sha256 if taken else "",
        }
    return found


def _examine(path: str, desk: _Desk) -> tuple[dict[str, Any], list[str], bytes]:
    """What is wrong with the article in *path*, what lists and other runs need of it, what was looked up, and the long values."""
    from pipeline.library.checks import check_one_article
    from pipeline.library.tracing import summarized

    raw = _bytes(desk.root, path)
    if hashlib.sha256(raw).digest() != desk.articles[path]["hash"]:
        raise ContentError(f"{path}: was changed while it was read; run again")
    (read,) = files.shelf_of_article(raw, path).articles
    article, library, asked = read.noun, desk.watched, desk.asked
    asked.begin()
    problems = list(check_one_article(read, library, desk.root))
    claims = library.claims(article)
    library.forget(article)
    rendered, minutes, cited = _rendered(article, library, desk.site_url)
    grouped = library.origins_of(cited)
    summary = summarized(article, claims)
    for id_ in cited:
        _touch(library.sources[id_], library)
    people = [library.people.get(one) for one in (*article.authors, article.ai.reviewed_by or "")]
    topics = [library.topics.get(one) for one in article.topics]
    front = desk.articles[path]["front"]
    tiers = [library.sources[id_].tier.value for id_ in cited]
    row = {
        "problems": _NOUNS.pack(problems),
        "claimed": _NOUNS.pack(summary.problems),
        "factual": summary.factual,
        "with_source": summary.cited,
        "cited": cited,
        "minutes": minutes,
        "face": _digest([front, f"{minutes} {tiers} {people} {topics}".encode()]),
    }
    rest()
    return row, asked.told(), marshal.dumps((_NOUNS.pack(claims), rendered, [list(group) for group in grouped]))


def _rendered(article: Article, library: Library, site_url: str) -> tuple[Any, int, list[str]]:
    from pipeline.library.render import render_article

    try:
        rendered = render_article(article, library, site_url=site_url)
    except ContentError as error:
        return str(error), 0, []
    toc = [(entry.id, entry.title, entry.level) for entry in rendered.toc]
    rows = [(r.number, r.source.id, [quote.id for quote in r.quotes], r.anchor, list(r.back)) for r in rendered.cited]
    value = (rendered.html, toc, rows, rendered.words, rendered.minutes)
    return value, rendered.minutes, [row.source.id for row in rendered.cited]


def _touch(source: Source, library: Library) -> None:
    """Look up what the pages of an article tell of a source that it cites: where it comes from, what replaced it, its text."""
    library.texts.is_away(source)
    library.newer.get(source.id)
    for other in (source.via, source.supersedes, source.superseded_by):
        if other and (found := library.sources.get(other)):
            library.texts.is_away(found)


# --- small things -----------------------------------------------------------------------------------------------------------------


def _digest(parts: Iterable[bytes]) -> bytes:
    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        made.update(len(part).to_bytes(4, "big"))
        made.update(part)
    return made.digest()


def _shared(row: dict[str, Any]) -> dict[str, Any]:
    """*row* with the names that other rows have too, each of which is held once, and written once."""
    return {**row, **{part: [sys.intern(name) for name in row[part]] for part in ("names", "cited") if part in row}}


def _row_name(name: bytes) -> bytes:
    return b"row" + name
