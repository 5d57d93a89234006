"""One article's page outside of a build, as `preview` shows it: the same templates, the same values, and nothing else is drawn."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from mkdocs.config import load_config
from mkdocs.exceptions import MkDocsException

from pipeline.config import ROOT_MARK, Settings
from pipeline.errors import BuildError
from pipeline.library import Library
from pipeline.library.order import newest_first
from pipeline.model import Article
from pipeline.site import drawing, pages
from pipeline.site.feeds import Item, feed_item
from pipeline.site.publication import Publication
from pipeline.site.structured import page_data
from pipeline.theme import Asset, receipts_stylesheet, search_script, site_stylesheet

_NEAR: Final = 24  # earlier articles on the same topics that may be named as related


class Alone:
    """Draws pages with the templates of one moment; a changed theme wants a new one. Raises `BuildError` as a build does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        try:
            self._config = load_config(str(settings.root / ROOT_MARK))
        except (MkDocsException, SystemExit) as error:
            raise BuildError(f"{ROOT_MARK}: {error}; opensignal build says more") from error
        self._env = self._config.theme.get_env()
        self._env.filters.update(drawing.FILTERS)
        theme = settings.root / "theme"
        self.sheets: tuple[Asset, Asset] = (site_stylesheet(theme), receipts_stylesheet(theme))
        self._search = search_script(theme)
        folder = settings.root / "content" / "pages"
        self._written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}

    def page(self, article: Article, library: Library, *, now: dt.datetime) -> str:
        """The page of *article*, which must be public at *now*. Raises `BuildError` for a template that fails."""
        publication = Publication(self._settings, _near(article, library, now=now), now=now)
        output = next(pages.article_pages(publication, article))
        easel = drawing.Easel(self._env, self._config, self._values(publication))
        return easel.make(output).decode("utf-8")

    def _values(self, publication: Publication) -> dict[str, Any]:
        site, receipts = self.sheets
        return {
            "site": pages.site_view(
                publication,
                stylesheet=site.path,
                receipts_stylesheet=receipts.path,
                search_script=self._search.path,
                written=self._written,
            ),
            "signup_url": self._settings.web_url + "subscribe",
            "share": lambda head: "",
            "data": lambda head: page_data(publication, head, image=""),
        }


def item_alone(article: Article, library: Library, settings: Settings, *, now: dt.datetime) -> Item:
    """The item of *article* in feeds."""
    publication = Publication(settings, _near(article, library, now=now), now=now)
    return feed_item(publication, article, alone=True)


def _near(article: Article, library: Library, *, now: dt.datetime) -> Library:
    """*library* with *article* and those alone that its page may name: neighbours, its series, and earlier ones on its topics."""
    others = [other for other in library.published(now) if other.path != article.path]
    earlier = [other for other in others if other.date <= article.date]
    later = [other for other in others if other.date > article.date]
    topical = [other for other in earlier if set(other.topics) & set(article.topics)][:_NEAR]
    series = [other for other in others if article.series and other.series == article.series]
    kept = {other.path: other for other in (*later[-1:], *earlier[:1], *topical, *series)}
    return library.holding(newest_first((article, *kept.values())))
