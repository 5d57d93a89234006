"""The files that each article makes by itself, which are looked at together: none of them is thought of while all are in order."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Set
from functools import cached_property
from pathlib import Path

from pipeline.site.machines import article_twins
from pipeline.site.manifest import slug_in
from pipeline.site.pages import Output, article_pages
from pipeline.site.publication import Publication, fingerprint
from pipeline.site.share.files import share_file


class Bundles(Mapping[str, tuple[Output, ...]]):
    """By the slug of every public article, its files; those that are *written* in content/pages are left to MkDocs."""

    def __init__(self, publication: Publication, theme: Path, written: Set[str] = frozenset()) -> None:
        self._publication = publication
        self._theme = theme
        self._written = frozenset(path for path in written if slug_in(path) in publication.places)
        self._made: dict[str, tuple[Output, ...]] = {}

    @cached_property
    def made_of(self) -> Mapping[str, bytes]:
        """The fingerprint of what all files of each article are made of."""
        found = dict(self._publication.bundles)
        for path in sorted(self._written):
            found[slug_in(path)] = fingerprint(found[slug_in(path)], path)
        return found

    @property
    def pages(self) -> int:
        """How many of the files are pages."""
        of_articles = Together((), Bundles(self._publication, self._theme))
        return 2 * len(self) - sum(path in of_articles for path in self._written)

    def __getitem__(self, slug: str) -> tuple[Output, ...]:
        if slug not in self._made:
            self._made[slug] = tuple(one for one in self._outputs(slug) if one.path not in self._written)
        return self._made[slug]

    def __contains__(self, slug: object) -> bool:
        return slug in self._publication.places

    def __iter__(self) -> Iterator[str]:
        return iter(self._publication.places)

    def __len__(self) -> int:
        return len(self._publication.articles)

    def _outputs(self, slug: str) -> Iterator[Output]:
        publication = self._publication
        article = publication.articles[publication.places[slug]]
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
        slug = slug_in(str(path))
        return slug in self._bundles and any(output.path == path for output in self._bundles[slug])
