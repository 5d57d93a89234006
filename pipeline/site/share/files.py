"""Which share images the site has: one of each article, and one for all other pages. Nothing is drawn before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import Article, Problem, Severity
from pipeline.site.pages import Output
from pipeline.site.publication import Publication
from pipeline.site.share import Shown, Studio, studio_of
from pipeline.theme import design_tokens


@dataclass(frozen=True, slots=True)
class ShareImage:
    """The image of one article, or of the site; called, it is drawn."""

    studio: Studio
    publication: Publication
    article: Article | None
    key: str

    @property
    def path(self) -> str:
        """Where it stands, below the site's address."""
        folder = self.article.url_path if self.article else "assets/"
        return f"{folder}share-{self.key}.png"

    def __call__(self) -> bytes:
        return self.studio.image(self.key, self.shown)

    def shown(self) -> Shown:
        """What it shows."""
        settings = self.publication.settings
        if self.article is None:
            return Shown(settings.site_name, line=settings.site_description)
        card = self.publication.cards[self.article.slug]
        return Shown(
            site=settings.site_name,
            title=card.title,
            topic=card.topics[0].name if card.topics else "",
            date=card.date_words,
            weight=card.strip.words if card.strip.bars else "",
            mark=card.mark,
            solid=card.strip.solid,
            hollow=card.strip.hollow,
            strip_width=card.strip.width if card.strip.bars else 0,
        )


def share_image(publication: Publication, theme: Path, article: Article | None = None) -> ShareImage | None:
    """The image of *article*, or of the site; None where the *theme* has no template for it."""
    studio = studio_of(theme, publication.settings.state_dir)
    return _share_image(studio, publication, article) if studio else None


def _share_image(studio: Studio, publication: Publication, article: Article | None) -> ShareImage:
    settings = publication.settings
    if article is None:
        return ShareImage(studio, publication, None, studio.key(settings.site_name, settings.site_description))
    key = studio.key(settings.site_name, settings.timezone, publication.face(article))
    return ShareImage(studio, publication, article, key)


def share_files(publication: Publication, theme: Path) -> Iterator[Output]:
    """The image of the site. Begins a build: the theme may be another one than in the last build of this process."""
    studio_of.cache_clear()
    design_tokens.cache_clear()
    yield from share_file(publication, theme)


def share_file(publication: Publication, theme: Path, article: Article | None = None) -> Iterator[Output]:
    """The image of *article*, or of the site, as a file of the site."""
    if image := share_image(publication, theme, article):
        yield Output(image.path, image.key.encode(), image)


def without_headline(publication: Publication, theme: Path) -> Iterator[Problem]:
    """W002: articles whose headline is left out of their image, since a letter of it is in no font of the theme."""
    site = share_image(publication, theme)
    titles = "".join(set("".join(article.title for article in publication.articles))) if site else ""
    for article in publication.articles if site and site.studio.fonts.missing(titles) else ():
        if site and (missing := site.studio.fonts.missing(article.title)):
            message = (
                f"the headline is left out of the share image: no font of the theme has {missing}; "
                "put a font that has it beside the others in theme/assets/fonts"
            )
            yield Problem(article.path, 2, 1, "W002", message, Severity.WARNING)


def tidy(todo: Iterable[Output], *, images: int, wanted: Callable[[], Iterable[Output]]) -> None:
    """Before *todo* is made: delete what was kept and is none of the *images* among the outputs that are *wanted*, once it is more
    than they need."""
    new = next((output.make for output in todo if isinstance(output.make, ShareImage)), None)
    if new is None:
        return
    kept = new.studio.kept_keys()
    if len(kept) > 2 * images:
        keys = {output.make.key for output in wanted() if isinstance(output.make, ShareImage)}
        for key in kept:
            if key not in keys:
                new.studio.path(key).unlink(missing_ok=True)
