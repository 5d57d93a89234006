"""feeds.opml: all our feeds in one file, which a feed reader takes as a whole (OPML 2.0)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipeline.site.feeds import OwnFeed, group_feeds, own_feeds
from pipeline.site.publication import Publication
from pipeline.site.xmltext import XML, element, plain

OUTLINE: Final = "feeds.opml"


def outline(publication: Publication) -> str:
    """The whole first, then topics and authors in folders. No date stands in it: it changes when a feed comes or goes."""
    settings = publication.settings
    head = f"<head>{element('title', settings.site_name)}{element('ownerName', settings.publisher)}</head>"
    return "\n".join([XML, '<opml version="2.0">', head, "<body>", *_body(publication), "</body>", "</opml>", ""])


def _body(publication: Publication) -> Iterator[str]:
    for words, feeds in group_feeds(own_feeds(publication)):
        rows = [_row(publication, feed) for feed in feeds]
        if feeds[0].path:
            yield from [f'<outline text="{plain(words)}">', *rows, "</outline>"]
        else:
            yield from rows


def _row(publication: Publication, feed: OwnFeed) -> str:
    about = {"description": feed.description} if feed.description else {}
    return element(
        "outline",
        type="rss",
        text=feed.title,
        title=feed.title,
        **about,
        xmlUrl=publication.url(feed.path + "feed.xml"),
        htmlUrl=publication.url(feed.path),
        language=publication.settings.language,
        version="RSS2",
    )
