"""What is wrong with content that can be read: rules that need more than one value, or more than one file.

    articles.py   front matter, citations, links          S01x, S020, S03x, S04x, S05x, S104 to S106
    addresses.py  older addresses that lead to articles   S052
    claims.py     sentences, and what they rest on        S20x, S3xx, and S11x of quotations in articles
    images.py     the images that articles show           S042
    sources.py    sources, lists, and quotes in stored copies        S008, S10x, S11x
    imported.py   what came along from elsewhere          S208
    published.py  beside what Git knows of earlier        S013, S015, S030 to S032

Each rule is a function that yields problems. `CODES` is the one table of all codes, those of `frontmatter` and `schema` among them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.library.checks.addresses import check_aliases
from pipeline.library.checks.articles import check_article, check_slugs, check_topics
from pipeline.library.checks.images import check_images
from pipeline.library.checks.imported import check_imported, check_imported_past
from pipeline.library.checks.published import Past, check_published, pasts_of
from pipeline.library.checks.sources import (
    check_addresses,
    check_ids,
    check_quotes,
    check_source,
    check_superseded,
    check_support,
)
from pipeline.library.files import Read, Shelf, finished_article
from pipeline.library.history import History, open_history
from pipeline.model import Article, Problem, Severity, Source, Status

if TYPE_CHECKING:
    from pipeline.library import Library

CODES: Final = {
    # files and front matter
    "S001": "an article has no front matter, or it is not closed",
    "S002": "not the YAML that we read: broken, or with tabs, anchors, aliases, tags or a key given twice",
    "S003": "a key that is not known",
    "S004": "a key that is missing",
    "S005": "a file that cannot be read as text in UTF-8, or that is not ours: a link out of the repository",
    "S006": "a value of the wrong kind",
    "S007": "an article's file is named or filed otherwise than by its date and slug",
    "S008": "an id that stands twice in one list",
    "S009": "a published article with words of the template in it",
    "S010": "the title: 8 to 110 characters, one line, no full stop at its end",
    "S012": "the dek: exactly one sentence of at most 240 characters",
    "S013": "the slug: 3 to 80 small letters, digits and hyphens; no two articles share one, and it never changes",
    "S014": "a date that does not exist, is not written as one, or makes no sense beside another",
    "S015": "the status is none of those that are known, or goes back to one that readers have seen the end of",
    "S016": "the authors: unknown, or no person among them holds editorial responsibility",
    "S017": "the topics: one to three of content/topics.yml",
    "S018": "the series: none of content/series.yml",
    "S020": "a source that is listed in the front matter but never cited",
    "S030": "the use of AI: a text drafted by a model is published only after a person reviewed that very text",
    "S031": "a published text was changed without telling its readers",
    "S032": "a corrected article without a correction, one that says too little, or one that was published and is gone",
    "S033": "figures that were to be looked at again by now",
    "S040": "the mail: subject of at most 55 characters, preheader of at most 110",
    "S041": "an image without alt text",
    "S042": "an image that is not there, is none, or is too large",
    "S050": "a link that leads nowhere, or to an article that is not published",
    "S051": "a heading of the first level in the body; the page's title is the only one",
    "S052": "an alias that is no path of the site, that another page has, or that stands twice",
    # sources and citations
    "S101": "the id of a source is not its file's name, or is taken",
    "S102": "an address: not one of the web, not https, or with tracking parameters",
    "S103": "two sources or two feeds with the same address",
    "S104": "a source or a quote that does not exist, or a citation that is not closed",
    "S105": "a citation in another notation than ours, or the address of a source in place of one",
    "S106": "definitions at the foot of an article that do not stand between two marks, or hold other text",
    "S110": "a quote or a quotation that does not occur in the stored copy of its source, or a quote that has none to occur in",
    "S111": "a quote or a quotation that occurs in the stored copy of another source",
    "S112": "a quote that occurs more than once in its stored copy",
    "S113": "a stored copy whose hash is not the one recorded",
    "S114": "a quote of more than 300 characters, or of more than 5% of a text that may not be redistributed",
    "S115": "more of a source stands in the repository than may be redistributed",
    "S116": "a source that was replaced by a newer one, or retracted",
    "S117": "a number whose only source is an aggregator",
    "S118": "a quote, a quotation or a number that could not be looked up: the stored copy is not here, or there is none",
    # what must carry a citation
    "S201": "a sentence with a number and without a citation",
    "S202": "a quotation without a citation",
    "S203": "a sentence that tells what others say, without a citation",
    "S204": "a sentence that compares with all others, without a citation",
    "S205": "a sentence that tells what somebody did, without a citation",
    "S206": "a citation that belongs to no sentence, or a quotation mark that nothing closes",
    "S207": "words that readers see otherwise than they are checked: struck, hidden, or with marks of a revision",
    "S208": "an article that says that it came along from elsewhere, and did not: it owes its citations",
    # what a sentence says, beside what its sources say
    "S301": "a number that occurs in none of the sources of its sentence",
    "S302": "a number with another unit, currency or rate than in the source",
    "S303": "percent and percentage points taken for one another",
    "S304": "one end of a range given as if it were the whole",
    "S305": "a number, a date or a name bound to something else than in the source",
    "S306": "a sum, a change, a multiple or a span of time that does not come out",
    "S307": "a year or a date that occurs in none of the sources of its sentence",
    "S310": "a name that occurs in none of the sources of its sentence",
    "S311": "a quotation is given to somebody who does not stand near its words in the source",
    "S320": "a negation that stands in the source or in the sentence alone",
    "S321": "a reservation of the source that the sentence leaves out",
    "S322": "by for to, up for down, or a comparison turned round",
    "S330": "sources of one sentence that give different figures for the same thing",
    "S331": "a figure of a source that was replaced, given as today's",
    "S332": "sources of one sentence that are copies of one text",
    "S333": "a figure cited from a report where the source that it reports has it too",
    "S340": "more than 25 words of a source follow one another without quotation marks",
}

PARTIAL: Final = (
    "this clone lacks texts that were published before, so they could not be compared; clone without --filter"
)
FAR_AHEAD: Final = dt.timedelta(days=1)


def check_all(shelf: Shelf, library: Library, root: Path) -> Iterator[Problem]:
    """Every problem that shows only when the whole library is at hand."""
    for article in shelf.articles:
        yield from check_one_article(article, library, root)
    for source in shelf.sources:
        yield from check_one_source(source, library)
    yield from check_articles_together(shelf, library, root)
    yield from check_addresses(shelf.sources)
    yield from check_lists(shelf, library)


def check_articles_together(shelf: Shelf, library: Library, root: Path) -> Iterator[Problem]:
    """What is wrong with one article beside the others. It is looked at in every run, so it reads no body."""
    yield from check_slugs(shelf.articles)
    yield from check_imported(shelf.articles, shelf.moves)
    yield from check_aliases(shelf.articles, library, root)


def check_lists(shelf: Shelf, library: Library) -> Iterator[Problem]:
    """What is wrong with the files that are lists."""
    yield from check_addresses(shelf.feeds)
    for feed in shelf.feeds:
        yield from check_topics(feed, library)
    yield from check_ids(shelf.topics)
    yield from check_ids(shelf.people)
    yield from check_ids(shelf.series)
    yield from check_ids(shelf.feeds)


def check_one_source(source: Read[Source], library: Library) -> Iterator[Problem]:
    """What is wrong with *source*, and with the words quoted from it."""
    yield from check_source(source, library)
    yield from check_quotes(source, library)


def check_one_article(article: Read[Article], library: Library, root: Path) -> Iterator[Problem]:
    """What is wrong with *article*, its links, its citations and its sentences."""
    from pipeline.library.checks.claims import check_claims  # takes a tenth of a second, and most runs examine nothing

    yield from check_article(article, library, root)
    yield from check_images(article, library, root)
    yield from check_superseded(article, library)
    yield from check_support(article, library)
    yield from check_claims(article, library)


def check_finished(text: str, path: str, library: Library, root: Path) -> Iterator[Problem]:
    """What would be wrong with the article that *text* is in the file *path* if it were published, and all that it links to."""
    read, problems = finished_article(text, path)
    yield from problems
    if read is not None:
        others = (a if a.status.is_final else replace(a, status=Status.PUBLISHED) for a in library.articles)
        yield from check_one_article(read, library.holding(others), root)


@dataclass(frozen=True)
class Looked:
    """What a look back found."""

    problems: list[Problem] = field(default_factory=list)
    note: str = ""  # why not all is known; empty where it is
    history: History | None = None
    pasts: Mapping[str, Past] = field(default_factory=dict)  # by path


def check_past(shelf: Shelf, library: Library, root: Path, *, now: dt.datetime) -> Looked:
    """Every problem that shows only beside what was published before *now*."""
    if not shelf.articles:
        return Looked()
    history = open_history(root)
    pasts = pasts_of([read.noun for read in shelf.articles], library.sources, history, now=now)
    lacks = "" if all(past.is_whole for past in pasts.values()) else PARTIAL
    is_told = any(read.noun.status.is_final for read in shelf.articles)  # drafts have no past that readers know
    found = list(check_beside_past(shelf.articles, library, pasts))
    return Looked(found, (history.note or lacks) if is_told else "", history, pasts)


def check_beside_past(reads: Sequence[Read[Article]], library: Library, pasts: Mapping[str, Past]) -> Iterator[Problem]:
    """What is wrong with each article beside what it was before."""
    yield from check_published(reads, library, pasts)
    yield from check_imported_past(reads, library, pasts)


def check_dates(library: Library, now: dt.datetime) -> Iterator[Problem]:
    """Articles whose date is more than a day after *now*, so that they will not appear, and such as have passed their own."""
    today, soon = now.date(), now + FAR_AHEAD
    for article in library.articles:
        if article.stale_after is not None and article.stale_after < today and article.status.is_final:
            yield Problem(
                article.path,
                2,
                1,
                "S033",
                f"its figures are of {article.modified:%Y-%m-%d} and were to be looked at again after {article.stale_after}; "
                "bring them up to date by a correction, or set stale_after to a later day",
                Severity.WARNING,
            )
        if article.date > soon and article.status.is_final and article.status is not Status.SCHEDULED:
            yield Problem(
                article.path,
                2,
                1,
                "S014",
                f"the date {article.date:%Y-%m-%d} lies ahead, so no reader sees this; mend it, or set status: scheduled",
                Severity.WARNING,
            )
