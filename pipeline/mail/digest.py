"""What stands in a digest, and in which order.

    daily     the lead, briefs, one number, what else is new, corrections since the last issue
    weekly    ranked signals, the week by topic, corrections

Nothing here renders, or touches a database or a clock: articles and their claims go in, `Contents` come out.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.library import Library
from pipeline.model import Article, Basis, Cadence, Claim, Correction, Issue, Source, Status

BRIEFS: Final = 5  # of a daily issue, beside the lead
SIGNALS: Final = 5  # of a weekly issue
CORRECTIONS: Final = 5  # that are told; the site's register has all of them
ALSO: Final = "Also new"
SPAN: Final = {Cadence.DAILY: dt.timedelta(days=1), Cadence.WEEKLY: dt.timedelta(days=7)}
_LONGEST: Final = 260  # characters of a sentence that explains a number
# Any unit will do, a bare figure says nothing; a day or a year is no figure that anybody would want to see large.
_FIGURE: Final = re.compile(r"(?=.*\d)(?=.*[^\d\s.,–-])(?!.*\b(?:19|20)\d\d\b)(?!\d+(?:st|nd|rd|th)\b).{2,24}")


@dataclass(frozen=True, slots=True)
class Figure:
    """The one number of an issue: as its article writes it, the sentence that it is of, and where it stands."""

    words: str  # "9.4 gigawatts"
    sentence: str
    basis: Basis
    article: Article
    source: Source


@dataclass(frozen=True, slots=True)
class Corrected:
    """An article that was corrected, or (None) retracted, since the last issue."""

    article: Article
    correction: Correction | None


@dataclass(frozen=True, slots=True)
class Contents:
    lead: Article
    briefs: tuple[Article, ...]  # each with what it says
    rest: tuple[tuple[str, tuple[Article, ...]], ...]  # below a heading, with title and sources alone
    figure: Figure | None
    corrections: tuple[Corrected, ...]  # newest first
    more_corrections: int = 0

    @property
    def articles(self) -> tuple[Article, ...]:
        """In the order in which they stand."""
        return (self.lead, *self.briefs, *(article for _, articles in self.rest for article in articles))


def contents_of(
    issue: Issue, articles: Sequence[Article], library: Library, *, since: dt.datetime | None, shown: str = ""
) -> Contents:
    """What the digest *issue* has for those who get *articles*, newest first.

    *since*: when the last issue closed; None: a day or a week ago. *shown* is text that the letter has anyway: no sentence of it
    explains the number.
    """
    corrections = tuple(_corrected(issue, articles, library, since=since or issue.closes_at - SPAN[issue.cadence]))
    told, more = corrections[:CORRECTIONS], len(corrections[CORRECTIONS:])
    if issue.cadence is Cadence.WEEKLY:
        ranked = sorted(articles, key=lambda article: strength(article, library), reverse=True)
        signals = ranked[:SIGNALS]
        others = [article for article in articles if article not in signals]
        return Contents(signals[0], tuple(signals[1:]), tuple(_by_topic(others, library)), None, told, more)
    lead, briefs, rest = articles[0], tuple(articles[1 : BRIEFS + 1]), tuple(articles[BRIEFS + 1 :])
    figure = one_number((lead, *briefs), library, shown=shown)
    return Contents(lead, briefs, ((ALSO, rest),) if rest else (), figure, told, more)


def strength(article: Article, library: Library) -> tuple[int, int, dt.datetime, str]:
    """How strong a signal is: by its primary sources, then by all of them, then the newer one first."""
    sources = [library.sources[name] for name in article.source_ids if name in library.sources]
    return sum(source.is_primary for source in sources), len(sources), article.date, article.slug


def one_number(articles: Iterable[Article], library: Library, *, shown: str = "") -> Figure | None:
    """The first figure with a unit that was looked up in a stored copy; else the first that an editor recorded."""
    found = [figure for article in articles for figure in _figures(article, library, shown=shown)]
    return next((figure for figure in found if figure.basis is Basis.TRACED), found[0] if found else None)


def _figures(article: Article, library: Library, *, shown: str) -> Iterator[Figure]:
    if not re.search(r"\d", article.body):
        return
    for claim in library.claims(article):
        if claim.basis not in (Basis.TRACED, Basis.RECORDED) or not _explains(claim, shown):
            continue
        for passage in claim.passages:
            words = next((part for part in passage.bears if _FIGURE.fullmatch(part)), None)
            if words and passage.source in library.sources:
                yield Figure(words, claim.text, claim.basis, article, library.sources[passage.source])
                break


def _explains(claim: Claim, shown: str) -> bool:
    """False for the row of a table, for a long sentence, and for one that the letter shows anyway."""
    return len(claim.text) <= _LONGEST and " | " not in claim.text and claim.text not in shown


def _by_topic(articles: Sequence[Article], library: Library) -> Iterator[tuple[str, tuple[Article, ...]]]:
    """*articles* below the names of their first topics, in the order of the newsroom's topics."""
    first = {article.slug: article.topics[0] if article.topics else "" for article in articles}
    for topic in library.topics.values():
        if group := tuple(article for article in articles if first[article.slug] == topic.id):
            yield topic.name, group
    if others := tuple(article for article in articles if first[article.slug] not in library.topics):
        yield ALSO, others


def _corrected(
    issue: Issue, carried: Sequence[Article], library: Library, *, since: dt.datetime
) -> Iterator[Corrected]:
    """What was corrected or retracted since then in articles that the letter does not bring; newest first."""
    found: list[tuple[dt.date, Corrected]] = []
    for article in library.articles:
        if not article.is_public(issue.closes_at) or article.date > since or article in carried:
            continue
        if article.status is Status.RETRACTED and since < article.modified <= issue.closes_at:
            found.append((article.modified.date(), Corrected(article, None)))
        found += [
            (correction.date, Corrected(article, correction))
            for correction in article.corrections
            if _is_since(correction.date, article, since=since, until=issue.closes_at)
        ]
    return iter([corrected for _, corrected in sorted(found, key=lambda each: (each[0], each[1].article.slug))[::-1]])


def _is_since(day: dt.date, article: Article, *, since: dt.datetime, until: dt.datetime) -> bool:
    """A correction has a day and no hour: on the day of the last issue, the article's own time of change decides."""
    if day == since.date():
        return article.modified > since
    return since.date() < day <= until.date()
