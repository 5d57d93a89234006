"""The files that are looked at together, those of each article and the pages of all sources: none of them is thought of while all
are in order."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Set
from functools import cached_property
from pathlib import Path

from pipeline.site.machines import article_twins
from pipeline.site.manifest import SOURCES, bundle_in
from pipeline.site.pages import Output, article_pages
from pipeline.site.publication import Publication, fingerprint
from pipeline.site.share.files import share_file
from pipeline.site.source_pages import source_pages


class Bundles(Mapping[str, tuple[Output, ...]]):
    """By the slug of every public article its files, by `SOURCES` the pages of sources; those *written* in content/pages are
    left to MkDocs."""

    def __init__(self, publication: Publication, theme: Path, written: Set[str] = frozenset()) -> None:
        self._publication = publication
        self._theme = theme
        self._written = frozenset(path for path in written if bundle_in(path) in self)
        self._made: dict[str, tuple[Output, ...]] = {}

    @cached_property
    def made_of(self) -> Mapping[str, bytes]:
        """The fingerprint of what all files of each bundle are made of."""
        found = {**self._publication.bundles, SOURCES: self._publication.of_sources}
        for path in sorted(self._written):
            found[bundle_in(path)] = fingerprint(found[bundle_in(path)], path)
        return found

    @cached_property
    def unwritten(self) -> Bundles:
        """These as they were if none of their pages was written in content/pages."""
        return Bundles(self._publication, self._theme) if self._written else self

    @property
    def pages(self) -> int:
        """How many of the files are pages."""
        publication = self._publication
        bundled = Together((), self.unwritten)
        made = 2 * len(publication.articles) + len(publication.citing)
        return made - sum(path in bundled for path in self._written)

    def __getitem__(self, name: str) -> tuple[Output, ...]:
        if name not in self._made:
            self._made[name] = tuple(one for one in self._outputs(name) if one.path not in self._written)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name == SOURCES or name in self._publication.places

    def __iter__(self) -> Iterator[str]:
        yield from self._publication.places
        yield SOURCES

    def __len__(self) -> int:
        return len(self._publication.articles) + 1

    def _outputs(self, name: str) -> Iterator[Output]:
        publication = self._publication
        if name == SOURCES:
            yield from source_pages(publication)
            return
        article = publication.articles[publication.places[name]]
        yield from article_pages(publication, article)
        yield from article_twins(publication, article)
        yield from share_file(publication, self._theme, article)


class Together(Container[str]):
    """The paths of *loose* files and of those in *bundles*."""

    def __init__(self, loose: Collection[str], bundles: Bundles) -> None:
        self._loose = loose
        self._bundles = bundles

    def __contains__(self, path: object) -> bool:
        if path in self._loose:
            return True
        name = bundle_in(str(path))
        return name in self._bundles and any(output.path == path for output in self._bundles[name])
