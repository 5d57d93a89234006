"""The sources as a list: where the text of each lies, and which articles lean on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.library.schema import closest
from pipeline.model import Source

if TYPE_CHECKING:
    from pipeline.library import Library


@dataclass(frozen=True, slots=True)
class Listed:
    """One source of the list."""

    source: Source
    copy: str  # where its text lies: "in Git", "outside Git"; "elsewhere" where one was taken that is not here; "none"
    articles: int  # that cite it


@dataclass(frozen=True, slots=True)
class SourceList:
    """All sources, by id."""

    rows: tuple[Listed, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "sources": [
                {
                    "id": row.source.id,
                    "path": row.source.path,
                    "url": row.source.url,
                    "title": row.source.title,
                    "publisher": row.source.publisher,
                    "tier": row.source.tier.value,
                    "status": row.source.status.value,
                    "licence": row.source.licence,
                    "redistribute": row.source.redistribute,
                    "copy": row.copy,
                    "quotes": len(row.source.quotes),
                    "facts": len(row.source.facts),
                    "articles": row.articles,
                    "sample": row.source.sample,
                }
                for row in self.rows
            ]
        }

    def lines(self) -> Iterator[str]:
        yield f"  {'id':<32} {'tier':<10} {'status':<9} {'copy':<11} quotes facts articles"
        for row in self.rows:
            source = row.source
            numbers = f"{len(source.quotes):>6} {len(source.facts):>5} {row.articles:>8}"
            yield f"  {source.id:<32} {source.tier:<10} {source.status:<9} {row.copy:<11} {numbers}"
        copies = Counter(row.copy for row in self.rows)
        told = ", ".join(f"{number} {where}" for where, number in sorted(copies.items()))
        yield f"{len(self.rows)} {'source' if len(self.rows) == 1 else 'sources'}; copies: {told or 'none'}"


def list_sources(library: Library) -> SourceList:
    """Every source of *library*."""
    citing = Counter(id_ for article in library.articles for id_ in article.source_ids)
    return SourceList(
        tuple(
            Listed(source, _place(source, library), citing[source.id]) for _, source in sorted(library.sources.items())
        )
    )


def chosen_sources(sources: Mapping[str, Source], ids: Sequence[str]) -> list[Source]:
    """Those of *sources* with these *ids*, or all where none are named. Raises `UsageError` for one that is not there."""
    for id_ in ids:
        if id_ not in sources:
            hint = closest(id_, sources) or "; see opensignal sources list"
            raise UsageError(f'unknown source "{id_}"{hint}')
    return [source for id_, source in sorted(sources.items()) if not ids or id_ in ids]


def _place(source: Source, library: Library) -> str:
    if source.snapshot is None:
        return "none"
    if library.texts.of(source)[0] is None:
        return "elsewhere"
    return "in Git" if library.texts.in_git(source) else "outside Git"
