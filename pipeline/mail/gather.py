"""Which issues are due, and which articles each subscriber gets in one: from what was published, wanted, and not had yet.

Nothing here touches a database or a clock. An article is due to a subscriber when it

- was published before the issue closed,
- is of a topic that the subscriber wants,
- has not been sent to them in an earlier letter, whatever the cadence was then,
- was neither retracted nor kept out of the mail by its editor, and
- is not older than two weeks; for the first letters, not older than a week before they confirmed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.config import WEEKDAYS, Settings
from pipeline.errors import UsageError
from pipeline.model import Article, Cadence, Issue, Status

REACH = dt.timedelta(days=14)  # how far back an issue looks
FIRST_REACH = dt.timedelta(days=7)  # how far before the confirmation the first letters look
DAILY_IS_DUE_FOR = dt.timedelta(days=1)
WEEKLY_IS_DUE_FOR = dt.timedelta(days=2)
EACH_IS_DUE_FOR = dt.timedelta(days=2)

# --- issues -----------------------------------------------------------------------------------------------------------


def issue_named(key: str, articles: Iterable[Article], settings: Settings, *, now: dt.datetime) -> Issue:
    """The issue that *key* names: ``daily-2026-11-23``, ``weekly-2026-W47`` or ``each-the-slug``.

    It closes at the end of its day, or now where that is earlier. Raises `UsageError` for a key that names none, or one to come.
    """
    if match := re.fullmatch(r"daily-(\d{4}-\d\d-\d\d)", key):
        return _dated(key, Cadence.DAILY, _day(key, match[1]), settings, now)
    if match := re.fullmatch(r"weekly-(\d{4})-W(\d\d)", key):
        return _dated(key, Cadence.WEEKLY, _weekly_day(key, int(match[1]), int(match[2]), settings), settings, now)
    if match := re.fullmatch(r"each-([a-z0-9-]+)", key):
        return _single(key, match[1], articles, now)
    raise UsageError(
        f"{key!r} names no issue; write daily-YYYY-MM-DD, weekly-YYYY-Www or each-SLUG, or --due for all that is due"
    )


def due_issues(articles: Sequence[Article], settings: Settings, *, now: dt.datetime) -> list[Issue]:
    """The issues that the schedule asks for at *now*, whether they were sent already or not.

    One that was missed for longer than its span is left out: a machine that wakes up late does not send old news.
    """
    local = now.astimezone(settings.zone)
    found = []
    for cadence, at, span in (
        (Cadence.DAILY, settings.daily_at, DAILY_IS_DUE_FOR),
        (Cadence.WEEKLY, settings.weekly_at, WEEKLY_IS_DUE_FOR),
    ):
        for days_back in range(8):
            day = local.date() - dt.timedelta(days=days_back)
            due_at = dt.datetime.combine(day, at, settings.zone)
            right_day = cadence is Cadence.DAILY or WEEKDAYS[day.weekday()] == settings.weekly_on
            if right_day and due_at <= now < due_at + span:
                found.append(Issue(issue_key(cadence, day), cadence, date=day, closes_at=now))
                break
    fresh = [a for a in articles if a.is_public(now) and now - a.date < EACH_IS_DUE_FOR and is_news(a)]
    found += [_single(f"each-{a.slug}", a.slug, articles, now) for a in sorted(fresh, key=lambda a: (a.date, a.slug))]
    return found


def issue_key(cadence: Cadence, day: dt.date) -> str:
    """The key of the daily or weekly issue of *day*."""
    if cadence is Cadence.DAILY:
        return f"daily-{day.isoformat()}"
    year, week, _ = day.isocalendar()
    return f"weekly-{year}-W{week:02}"


def _dated(key: str, cadence: Cadence, day: dt.date, settings: Settings, now: dt.datetime) -> Issue:
    opens = dt.datetime.combine(day, dt.time(), settings.zone)
    if opens > now:
        raise UsageError(f"{key} lies in the future; send it on {day.isoformat()} or later")
    end_of_day = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), settings.zone)
    return Issue(key, cadence, date=day, closes_at=min(now, end_of_day).astimezone(dt.UTC))


def _single(key: str, slug: str, articles: Iterable[Article], now: dt.datetime) -> Issue:
    article = next((a for a in articles if a.slug == slug), None)
    if article is None or not article.is_public(now):
        raise UsageError(f"{key}: no published article has the slug {slug!r}")
    return Issue(key, Cadence.EACH, date=article.date.date(), closes_at=now, slug=slug)


def _day(key: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{key}: {text} is not a date; write daily-YYYY-MM-DD") from error


def _weekly_day(key: str, year: int, week: int, settings: Settings) -> dt.date:
    try:
        return dt.date.fromisocalendar(year, week, WEEKDAYS.index(settings.weekly_on) + 1)
    except ValueError as error:
        raise UsageError(f"{key}: {year} has no week {week}") from error


# --- articles ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The articles of one letter, newest first. A `Gathering` makes each selection once: they are equal when they are the same."""

    articles: tuple[Article, ...]

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(article.slug for article in self.articles)

    @property
    def digest(self) -> str:
        """Names the selection: two subscribers with the same one share a letter."""
        return hashlib.sha256("\n".join(self.slugs).encode()).hexdigest()


class Gathering:
    """Finds the selection of any number of subscribers, fast: sets of articles are kept as bits of a number."""

    def __init__(self, issue: Issue, articles: Iterable[Article]) -> None:
        if issue.cadence is Cadence.EACH:
            candidates = [a for a in articles if a.slug == issue.slug and is_news(a)]
        else:
            candidates = [
                a for a in articles if a.is_public(issue.closes_at) and issue.closes_at - a.date < REACH and is_news(a)
            ]
        self.issue = issue
        self.candidates = tuple(sorted(candidates, key=lambda a: (a.date, a.slug), reverse=True))
        self._bits = {article.slug: 1 << place for place, article in enumerate(self.candidates)}
        self._by_topics: dict[str, int] = {}
        self._selections: dict[int, Selection] = {}

    def bits_of(self, slugs: Iterable[str]) -> int:
        """The candidates among *slugs*, as bits."""
        return sum(self._bits.get(slug, 0) for slug in slugs)

    def select(self, *, topics: str, confirmed_at: dt.datetime | None, had: int) -> Selection | None:
        """What one subscriber gets, or None for nothing. *topics* as stored (comma-separated, empty for all), *had* as bits."""
        wanted = self._wanted(topics) & ~had & self._recent(confirmed_at)
        if not wanted:
            return None
        if wanted not in self._selections:
            self._selections[wanted] = Selection(tuple(a for a in self.candidates if self._bits[a.slug] & wanted))
        return self._selections[wanted]

    def _wanted(self, topics: str) -> int:
        if topics not in self._by_topics:
            chosen = set(filter(None, topics.split(",")))
            slugs = (a.slug for a in self.candidates if not chosen or chosen & set(a.topics))
            self._by_topics[topics] = self.bits_of(slugs)
        return self._by_topics[topics]

    def _recent(self, confirmed_at: dt.datetime | None) -> int:
        """Candidates that are not older than the subscriber's first reach. One who confirmed after the issue closed (an old
        issue sent again by hand) is treated as if they had confirmed then."""
        if self.issue.cadence is Cadence.EACH:
            return -1
        start = min(confirmed_at or self.issue.closes_at, self.issue.closes_at) - FIRST_REACH
        bits = 0
        for place, article in enumerate(self.candidates):  # newest first
            if article.date < start:
                break
            bits |= 1 << place
        return bits


def is_news(article: Article) -> bool:
    """False for what an editor keeps out of the mail, and for what was retracted before it was sent."""
    return not article.email_skip and article.status is not Status.RETRACTED
