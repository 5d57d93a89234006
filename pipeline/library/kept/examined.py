"""What was found of the articles of a library, for whoever asks later: verdicts at hand, sentences and HTML in a file."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.errors import ContentError
from pipeline.keeping import Keep
from pipeline.library.kept.rows import NOUNS, ExaminedRow, unpacked
from pipeline.model import Claim, Problem

if TYPE_CHECKING:
    from pipeline.library import Library, Made, Rendered
    from pipeline.library.tracing import Summary


class Examined:
    """What was found of the articles of a library, by the path of each; long values are fetched when they are asked for."""

    def __init__(self, keep: Keep, rows: Mapping[str, ExaminedRow], site_url: str) -> None:
        self._keep = keep
        self._rows = rows
        self._site_url = site_url
        self._open: Keep | None = None
        self._last: tuple[str, tuple[Any, ...]] = ("", ())
        self.foreign: tuple[Problem, ...] = ()  # files that are not to be read
        self.notes: tuple[str, ...] = ()  # on what was thrown away, or could not be kept
        self.examined = 0  # articles that were looked at in this run
        self.source_signs: Mapping[str, bytes] = {}  # of a source's file and texts, by "s:" and its id

    @cached_property
    def made(self) -> Mapping[str, Made]:
        """The fingerprints of what each article is made of."""
        from pipeline.library import Made

        return {path: Made(row.name, row.face, row.cited, row.minutes) for path, row in self._rows.items()}

    def summary(self, path: str) -> Summary:
        from pipeline.library.tracing import Summary

        row = self._rows[path]
        return Summary(unpacked(row.claimed), row.factual, row.with_source)

    def claims(self, path: str) -> tuple[Claim, ...] | None:
        value = self._value(path)
        return NOUNS.unpack(value[0]) if value else None

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

    def recall(self, name: bytes) -> bytes | None:
        """What was kept by `keep` under *name*, which tells of all that it was made of; None where it is to be made."""
        return self._opened.get([name]).get(name)

    def keep(self, name: bytes, value: bytes, *, day: int) -> None:
        """Keep what another stage made of articles, for two weeks from *day*."""
        self._opened.put([(name, value)], day=day)

    def close(self) -> None:
        """Let go of the file; what is asked for later opens it again. A connection must not be carried into a fork."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def _opened(self) -> Keep:
        if self._open is None:
            self._open = self._keep.reopened()
        return self._open

    def _value(self, path: str) -> tuple[Any, ...] | None:
        """The long values of the article in *path*; None where somebody has taken them away meanwhile."""
        if self._last[0] != path:
            data = self.recall(self._rows[path].name)
            if data is None:
                return None
            self._last = (path, marshal.loads(data))  # noqa: S302 -- makes values, never objects of a class
        return self._last[1]
