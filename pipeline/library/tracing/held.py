"""What we hold of the sources that a statement cites: their stored texts, their quotes, and the figures that an editor recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pipeline.library.quotes import Text, text_of
from pipeline.library.tracing.statements import Statement
from pipeline.model import Source

if TYPE_CHECKING:
    from pipeline.library import Library


class Held(NamedTuple):
    """One source that a statement cites."""

    source: Source
    text: Text | None  # None: there is no copy, or it is not here
    away: bool  # a copy was taken that is not on this machine: nothing can be said of what it holds
    names: tuple[str, ...] = ()  # of the quotes that are cited by name


def held(statement: Statement, library: Library) -> tuple[Held, ...]:
    """The sources of *statement* in order of first citation; those that do not exist are told of elsewhere."""
    names: dict[str, list[str]] = {}
    for citation in statement.citations:
        named = names.setdefault(citation.source, [])
        if citation.quote is not None and citation.quote not in named:
            named.append(citation.quote)
    return tuple(
        Held(source, stored(source, library), library.texts.is_away(source), tuple(named))
        for id_, named in names.items()
        if (source := library.sources.get(id_)) is not None
    )


def stored(source: Source, library: Library) -> Text | None:
    """The text of the stored copy of *source*, if it is here."""
    text, _ = library.texts.of(source)
    return text_of(text) if text is not None else None


def all_stored(library: Library) -> Iterator[tuple[Source, Text]]:
    """Every source whose stored copy is here, in order of their ids."""
    for id_ in sorted(library.sources):
        text = stored(library.sources[id_], library)
        if text is not None:
            yield library.sources[id_], text
