"""One article is checked, traced and rendered, in any process; what comes of it are plain values."""

from __future__ import annotations

import hashlib
import marshal
import re
from html import unescape
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import ContentError
from pipeline.library import files
from pipeline.library.images import file_at
from pipeline.library.kept.reading import bytes_of
from pipeline.library.kept.rows import NOUNS, ExaminedRow, digest, packed
from pipeline.library.links import PAGES
from pipeline.library.weighed import rest
from pipeline.model import Article, Source

if TYPE_CHECKING:
    from pipeline.library import Library
    from pipeline.library.kept.desk import Desk

_SHOWN: Final = re.compile(r'<img\b[^>]*? src="([^"]*)"')  # of what is rendered, which has no ">" inside a tag


def examine(path: str, desk: Desk) -> tuple[ExaminedRow, bytes]:
    """What is found of the article in *path*, but for its name, and the long values."""
    from pipeline.library.checks import check_one_article
    from pipeline.library.tracing import summarized

    contents = desk.contents
    raw = bytes_of(contents.root, path)
    if hashlib.sha256(raw).digest() != contents.articles[path].hash:
        raise ContentError(f"{path}: was changed while it was read; run again")
    (read,) = files.shelf_of_article(raw, path).articles
    article, library, asked = read.noun, desk.watched, desk.asked
    asked.begin()
    problems = list(check_one_article(read, library, contents.root))
    claims = library.claims(article)
    library.forget(article)
    rendered, minutes, cited = _rendered(article, library, desk.site_url)
    grouped = library.origins_of(cited)
    summary = summarized(article, claims)
    for id_ in cited:
        _touch(library.sources[id_], library)
    people = [library.people.get(one) for one in (*article.authors, article.ai.reviewed_by or "")]
    topics = [library.topics.get(one) for one in article.topics]
    front = contents.articles[path].front
    tiers = [library.sources[id_].tier.value for id_ in cited]
    row = ExaminedRow(
        hash=contents.articles[path].hash,
        problems=packed(problems),
        names=tuple(asked.told()),
        name=b"",
        claimed=packed(summary.problems),
        factual=summary.factual,
        with_source=summary.cited,
        cited=tuple(cited),
        minutes=minutes,
        face=digest([front, f"{minutes} {tiers} {people} {topics}".encode()]),
    )
    rest()
    return row, marshal.dumps((NOUNS.pack(claims), rendered, [list(group) for group in grouped]))


def _rendered(article: Article, library: Library, site_url: str) -> tuple[Any, int, list[str]]:
    from pipeline.library.render import render_article

    try:
        rendered = render_article(article, library, site_url=site_url)
    except ContentError as error:
        return str(error), 0, []
    for source in _SHOWN.findall(rendered.html):
        if file := file_at(unescape(source), site_url=site_url):
            library.sees(PAGES + file)  # its page has the size of each of its images
    toc = [(entry.id, entry.title, entry.level) for entry in rendered.toc]
    rows = [(r.number, r.source.id, [quote.id for quote in r.quotes], r.anchor, list(r.back)) for r in rendered.cited]
    value = (rendered.html, toc, rows, rendered.words, rendered.minutes)
    return value, rendered.minutes, [row.source.id for row in rendered.cited]


def _touch(source: Source, library: Library) -> None:
    """Look up what the pages of an article tell of a source that it cites: where it comes from, what replaced it, its text."""
    library.texts.is_away(source)
    library.newer.get(source.id)
    for other in (source.via, source.supersedes, source.superseded_by):
        if other and (found := library.sources.get(other)):
            library.texts.is_away(found)
