"""content/ at one moment: what each file says, and the fingerprint of everything that can be looked up in it.

Only files are read here whose bytes are others than in the last run. Whose values no longer hold is told by `Contents.holds`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pipeline.library import files
from pipeline.library.files import ARTICLES, SNAPSHOTS, SOURCES
from pipeline.library.kept.article import KeptArticle, LateTexts
from pipeline.library.kept.reading import read_article, read_source
from pipeline.library.kept.rows import (
    NOUNS,
    ArticleFile,
    CheckedRow,
    ExaminedRow,
    PastRow,
    SourceFile,
    alike,
    digest,
)
from pipeline.library.kept.sight import GONE, Sight
from pipeline.library.kept.workers import in_slices
from pipeline.library.own import foreign_files
from pipeline.library.snapshots import StoredTexts
from pipeline.model import Article, Source

if TYPE_CHECKING:
    from pipeline.library import Kin, Library

F = TypeVar("F", ArticleFile, SourceFile)
_NOTHING: Final = b"-"
_OF_FILES: Final = ("f:", "i:")  # that there is a file; what it holds


class Contents:
    """The files of *root*, and the stored texts in the folder *kept*; *before* is the table of the last run.

    *tell* hears how many of the files that changed are read.
    """

    def __init__(self, root: Path, kept: Path, before: Mapping[str, Any], tell: Callable[[int, int], None]) -> None:
        self.root = root
        self.kept = kept
        self._before = before
        self.sight = Sight(root, before.get("seen", {}))
        self.sight.look("content")
        self.sight.foreign += foreign_files(root, ["theme"])
        self.sight_of_kept = Sight(kept.parent, before.get("seen_kept", {}))
        self.sight_of_kept.look(kept.name)
        known = before.get("articles", {})
        self.articles = self._read(ARTICLES, ".md", known, read_article, tell, share=functools.partial(alike, held={}))
        self.source_files = self._read(SOURCES, ".yml", before.get("sources", {}), read_source, tell)
        self.lists = files.read_lists(root)
        self.told = self._fingerprints()
        self._changed = {name for name, _ in self.told.items() ^ before.get("told", {}).items()}

    def holds(self, row: ExaminedRow | CheckedRow | PastRow | None, hash_: bytes) -> bool:
        """True for the *row* of a file of this hash when all that was looked up for it is as it was."""
        return row is not None and row.hash == hash_ and self._changed.isdisjoint(row.names)

    def told_of(self, name: str) -> bytes:
        """The fingerprint of what can be looked up under *name*."""
        if name.startswith(_OF_FILES) and name not in self.told:
            self.told[name] = self._file_told(name)
        return self.told.get(name, _NOTHING)

    def library(self, texts: StoredTexts) -> Library:
        """Everything that was read, and nothing of what is wrong with it."""
        from pipeline.library import Library

        return Library(
            articles=self.nouns,
            sources=self.sources,
            topics={read.noun.id: read.noun for read in self.lists.topics},
            people={read.noun.id: read.noun for read in self.lists.people},
            series={read.noun.id: read.noun for read in self.lists.series},
            feeds=tuple(read.noun for read in self.lists.feeds),
            held_back=frozenset(path for path, file in self.articles.items() if file.held_back),
            texts=texts,
        )

    # -- the nouns

    @cached_property
    def nouns(self) -> tuple[KeptArticle, ...]:
        """The articles, newest first."""
        made = functools.partial(KeptArticle.made, texts=LateTexts(self.root, self.sight.hash_of), packer=NOUNS)
        rows = [(-file.at, file.noun[0], path, file.noun) for path, file in self.articles.items() if file.noun]
        rows.sort()
        return tuple(made(path, noun) for _, _, path, noun in rows)

    @cached_property
    def by_path(self) -> dict[str, Article]:
        """In the order of their paths, as a shelf has them."""
        found = {article.path: article for article in self.nouns}
        return {path: found[path] for path in self.articles if path in found}

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        return LateSources({id_: self.source_files[path].noun for id_, path in self.source_paths.items()})

    @cached_property
    def source_paths(self) -> dict[str, str]:
        """By id of a source, its file; where several bear one id, the last of them."""
        return {file.id: path for path, file in self.source_files.items() if file.noun}

    @cached_property
    def newer(self) -> dict[str, str]:
        if self._are_sources_same:
            return {name[2:]: value.decode() for name, value in self._before["told"].items() if name[:2] == "n:"}
        bare = self.library(StoredTexts(self.root, self.kept))
        return bare.newer

    @cached_property
    def related_sources(self) -> dict[str, Kin]:
        from pipeline.library import Kin

        kin = {id_: self.source_files[path].kin for id_, path in self.source_paths.items()}
        return {id_: Kin(*named) for id_, named in kin.items() if named}

    @cached_property
    def addresses(self) -> dict[str, str]:
        ids: dict[str, str] = {}
        twice = set()
        for file in self.source_files.values():
            if file.noun and ids.setdefault(file.key, file.id) != file.id:
                twice.add(file.key)
        return {key: id_ for key, id_ in ids.items() if key not in twice}

    # -- parts

    def _read(
        self,
        folder: str,
        ending: str,
        before: Mapping[str, F],
        read: Callable[[tuple[str, bytes], Path], F],
        tell: Callable[[int, int], None],
        *,
        share: Callable[[F], F] = lambda row: row,
    ) -> dict[str, F]:
        """By path, the hash of each file and what it says; those that are as they were are taken over."""
        found: dict[str, F | None] = {}
        changed = []
        for path in self.sight.below(folder, ending):
            hash_ = self.sight.hash_of(path)
            known = before.get(path)
            if known is not None and known.hash == hash_:
                found[path] = known
            else:
                found[path] = None  # keeps its place in the order
                changed.append((path, hash_))
        rows = in_slices(read, changed, tell, self.root)
        found.update(zip((path for path, _ in changed), map(share, rows), strict=True))
        return cast("dict[str, F]", found)

    def _fingerprints(self) -> dict[str, bytes]:
        """By name, the fingerprint of everything that can be looked up."""
        told = {f"a:{path}": file.front for path, file in self.articles.items() if file.noun}
        away = self.sight_of_kept
        for path, file in self.source_files.items():
            if file.noun:
                copy = f"{file.copy}.txt"
                here = self.sight.hash_of(f"{SNAPSHOTS}/{copy}") if file.copy else GONE
                there = away.hash_of(f"{self.kept.name}/{copy}")
                page = b"page" if f"{self.kept.name}/raw/{file.page}.gz" in away.signs else b""
                told[f"s:{file.id}"] = b"\0".join((path.encode(), file.hash, here, there, page))
        for kind in ("s", "a"):
            told[f"{kind}:*"] = digest(name.encode() + value for name, value in told.items() if name[0] == kind)
        lists: tuple[tuple[str, Sequence[Any]], ...] = (
            ("p", self.lists.people),
            ("t", self.lists.topics),
            ("e", self.lists.series),
        )
        for kind, nouns in lists:
            told |= {f"{kind}:{read.noun.id}": repr(read.noun).encode() for read in nouns}
            told[f"{kind}:*"] = repr([read.noun for read in nouns]).encode()
        self._are_sources_same = self._before.get("told", {}).get("s:*") == told["s:*"]
        if self._are_sources_same:  # then these are as they were
            before = self._before["told"]
            return {
                **told,
                **{name: value for name, value in before.items() if name[:2] in ("n:", "@:")},
                **self._asked_files(),
            }
        told |= {f"n:{id_}": value.encode() for id_, value in self.newer.items()}
        told |= {f"@:{key}": id_.encode() for key, id_ in self.addresses.items()}
        return {**told, **self._asked_files()}

    def _asked_files(self) -> dict[str, bytes]:
        names = [name for name in self._before.get("told", {}) if name.startswith(_OF_FILES)]
        return {name: self._file_told(name) for name in names}

    def _file_told(self, name: str) -> bytes:
        if name.startswith("i:"):
            return self.sight.hash_of(name[2:]) or _NOTHING
        return b"here" if (self.root / name[2:]).is_file() else _NOTHING


class LateSources(Mapping[str, Source]):
    """Sources by id, each made when it is asked for."""

    def __init__(self, rows: Mapping[str, Any]) -> None:
        self._rows = rows
        self._made: dict[str, Source] = {}

    def __getitem__(self, id_: str) -> Source:
        if id_ not in self._made:
            self._made[id_] = NOUNS.unpack(self._rows[id_])
        return self._made[id_]

    def __contains__(self, id_: object) -> bool:
        return id_ in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
