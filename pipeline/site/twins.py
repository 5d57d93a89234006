"""What reads no HTML: the Markdown twin of every article, and llms.txt, which names them (llmstxt.org).

A twin stands at its article's address with ``index.html.md`` behind it, as that proposal has it for addresses that end in a slash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pipeline.library import authorship, provenance
from pipeline.library.notation import plain_markdown
from pipeline.library.portable import portable
from pipeline.model import Article, Status
from pipeline.site.feeds import own_feeds
from pipeline.site.outline import OUTLINE
from pipeline.site.publication import CorrectionNote, Publication, corrections, fingerprint, title_alone
from pipeline.site.sitemap import SITEMAP

LLMS: Final = "llms.txt"
NAMED: Final = 50  # articles that llms.txt names; the archive has them all


def twin_path(article: Article) -> str:
    return f"{article.url_path}index.html.md"


def twin(publication: Publication, article: Article) -> str:
    """*article* as Markdown that any program reads: head, corrections, text and sources."""
    cited = publication.rendered[article.slug].cited
    text = portable(article, publication.library, cited, site_url=publication.settings.site_url)
    parts = [
        f"# {plain_markdown(article.title)}",
        f"> {plain_markdown(article.dek)}",
        _byline(publication, article),
        plain_markdown(provenance(article)) if article.imported else "",
        *_notes(corrections(article), retracted=article.status is Status.RETRACTED),
        text.body,
        *(["## Sources", *text.sources] if text.sources else []),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def made_of_llms(publication: Publication) -> bytes:
    """The fingerprint of what `llms` tells of articles, topics and feeds."""
    named = [(article.slug, title_alone(article), article.dek) for article in publication.articles[:NAMED]]
    topics = tuple(publication.library.topics.values())
    return fingerprint(repr(named), repr(topics), str(len(own_feeds(publication))))


def llms(publication: Publication, links: Iterable[tuple[str, str]]) -> str:
    """llms.txt: what this is, and where it stands for programs. *links* are those of the foot of every page: words and path."""
    settings = publication.settings
    return "\n".join(
        [
            f"# {plain_markdown(settings.site_name)}",
            "",
            *([f"> {plain_markdown(settings.site_description)}", ""] if settings.site_description else []),
            "Every article is Markdown at its address with index.html.md behind it, with its sources as footnotes.",
            "What each of its sentences rests on is JSON at its address with claims.json behind it.",
            *_section("Newest articles", _articles(publication)),
            *_section("Topics", _topics(publication)),
            *_section("About", ((words, publication.url(path), "") for words, path in links)),
            *_section("Optional", _more(publication)),
            "",
        ]
    )


def _byline(publication: Publication, article: Article) -> str:
    people = publication.library.people
    names = [plain_markdown(people[author].name) for author in article.authors if author in people]
    card = publication.cards[article.slug]
    by = f"By {', '.join(names or [plain_markdown(publication.settings.publisher)])}"
    credit = plain_markdown(authorship(article, people))
    about = [by, card.date_words, credit]
    if credit.startswith("By "):  # which then names the same people
        about = [credit, card.date_words]
    parts = [*about, f"<{publication.url(article.url_path)}>"]
    return " · ".join(parts)


def _notes(notes: Iterable[CorrectionNote], *, retracted: bool) -> Iterator[str]:
    if retracted:
        yield "**Retracted.** We no longer stand by this article."
    for note in notes:
        yield f"**Corrected {note.date_words}.** {plain_markdown(f'{note.told} {note.why}')}"


def _section(title: str, rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    lines = [
        f"- [{plain_markdown(words)}]({address}){f': {plain_markdown(about)}' if about else ''}"
        for words, address, about in rows
    ]
    if lines:
        yield from ["", f"## {title}", "", *lines]


def _articles(publication: Publication) -> Iterator[tuple[str, str, str]]:
    for article in publication.articles[:NAMED]:
        yield title_alone(article), publication.url(twin_path(article)), article.dek


def _topics(publication: Publication) -> Iterator[tuple[str, str, str]]:
    for topic, _ in publication.topics:
        yield topic.name, publication.url(f"topics/{topic.id}/"), topic.description


def _more(publication: Publication) -> Iterator[tuple[str, str, str]]:
    yield "Archive", publication.url("archive/"), "every article, by day"
    yield "Claims", publication.url("claims.json"), "every article with the hash of its claims file"
    yield "Feeds", publication.url(OUTLINE), f"all {len(own_feeds(publication))} of them, as OPML"
    yield "Sitemap", publication.url(SITEMAP), "every page, with the date of its last change"
