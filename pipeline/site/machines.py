"""Which files of the site machines read, and what each is made of, as `pages` tells it of the pages.

feed.xml atom.xml feed.json     everything; topics/<id>/ and authors/<id>/ have their own      `feeds`
feeds.opml                      all feeds                                                      `outline`
sitemap.xml news-sitemap.xml    all pages; the articles of two days                            `sitemap`
robots.txt llms.txt             where to read on, for crawlers and for models                  `sitemap`, `twins`
articles/<slug>/index.html.md   the article as Markdown                                        `twins`
articles/<slug>/claims.json     what each sentence rests on; claims.json lists them            `claims`
sources/snapshots/<sha>.txt     the stored texts that may be passed on                         `registers`
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from pipeline.errors import BuildError
from pipeline.model import Article
from pipeline.site.claims import INDEX, claims_file, claims_index_of, claims_path, text_path
from pipeline.site.feeds import WRITERS, Newsstand, made_of_list, own_feeds
from pipeline.site.outline import OUTLINE, outline
from pipeline.site.pages import Output
from pipeline.site.publication import Publication, fingerprint
from pipeline.site.receipts import receipts_path, source_path
from pipeline.site.registers import published_texts
from pipeline.site.sitemap import NEWS, Sitemap, fresh, news_sitemap, robots, sitemap_paths, sitemaps
from pipeline.site.twins import LLMS, llms, made_of_llms, twin, twin_path


def machine_files(
    publication: Publication,
    *,
    pages: Addresses,
    links: Sequence[tuple[str, str]],
) -> Iterator[Output]:
    """Those that all articles make together. *pages* are the addresses of all pages; *links* words and path, in every foot."""
    yield from _feeds(publication)
    yield from _maps(publication, pages)
    yield Output(LLMS, fingerprint(made_of_llms(publication), repr(links)), partial(llms, publication, links))
    yield Output(INDEX, publication.everything, partial(claims_index_of, publication), late=True)
    for sha256, id_ in published_texts(publication).items():
        yield Output(text_path(sha256), sha256.encode(), partial(_stored_text, publication, id_))


def article_twins(publication: Publication, article: Article) -> Iterator[Output]:
    """What machines read of *article* alone."""
    whole = publication.whole(article)
    made_of = fingerprint(whole, publication.face(article))
    yield Output(twin_path(article), made_of, partial(twin, publication, article))
    yield Output(claims_path(article), whole, partial(claims_file, publication, article))


@dataclass(frozen=True)
class Addresses:
    """The addresses of all pages, and when each last changed: those of articles and sources, and *others* (paths below the site's
    address).

    They are listed only where a sitemap is made again.
    """

    publication: Publication
    others: Sequence[tuple[str, dt.datetime | None]]

    def __len__(self) -> int:
        return len(self.others) + 2 * len(self.publication.articles) + len(self.publication.citing)

    @property
    def made_of(self) -> bytes:
        publication = self.publication
        newest = sorted((id_, articles[0].date.timestamp()) for id_, articles in publication.citing.items())
        return fingerprint(repr(self.others), repr(newest), repr(publication.seconds), *publication.places)

    @cached_property
    def sitemaps(self) -> Mapping[str, Sitemap]:
        """Each file of the sitemap, by its path."""
        publication = self.publication
        rows = [(publication.url(path), modified) for path, modified in self.others]
        for article in publication.articles:
            rows += [(publication.url(p), article.modified) for p in (article.url_path, receipts_path(article))]
        rows += [(publication.url(source_path(id_)), cited[0].date) for id_, cited in publication.citing.items()]
        return dict(sitemaps(rows, site_url=publication.settings.site_url))

    def sitemap(self, path: str) -> str:
        return self.sitemaps[path].text()


def _feeds(publication: Publication) -> Iterator[Output]:
    stand = Newsstand(publication)
    feeds = own_feeds(publication)
    for feed in feeds:
        made_of = stand.made_of(feed)
        for (_, path, _), write in zip(feed.files, WRITERS, strict=True):
            yield Output(path, made_of, partial(stand.file, feed, write))
    yield Output(OUTLINE, made_of_list(feeds), partial(outline, publication))


def _maps(publication: Publication, pages: Addresses) -> Iterator[Output]:
    site_url = publication.settings.site_url
    made_of = pages.made_of
    for path in sitemap_paths(len(pages)):
        yield Output(path, made_of, partial(pages.sitemap, path))
    news = fresh(publication)
    yield Output(
        NEWS, fingerprint(repr([(a.slug, a.title, a.date, a.lang) for a in news])), partial(news_sitemap, publication)
    )
    yield Output("robots.txt", b"", partial(robots, site_url))


def _stored_text(publication: Publication, id_: str) -> str:
    text, wrong = publication.library.texts.of(publication.library.sources[id_])
    if text is None or wrong:  # a moment ago it was there as it was taken
        raise BuildError(f"the stored text of {id_} was changed or removed while the site was built; run again")
    return text
