"""What is to come: articles whose time is set, the issues that the schedule asks for, what each would bring, gaps and clashes.
And what should have gone by now: issues that are overdue.

Nothing here touches a database or a clock: an issue is told as it is for a reader who has had everything until now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Any, Final

from pipeline.config import WEEKDAYS, Settings
from pipeline.mail.gather import due_issues, is_news, issue_key
from pipeline.model import Article, Cadence

NEAR: Final = dt.timedelta(hours=1)  # two articles that stand in each other's light, or one that just misses an issue
BROKEN: Final = "has an error: from its time on, nothing can be published; see opensignal check"
UNFINISHED: Final = "is not finished: it does not appear before its status says so"
OVERDUE: Final = "is overdue: opensignal up sends it, or opensignal send --due"
NOT_KNOWN_HERE: Final = "its time is past; whether it went is known where letters are sent from"
EMPTY: Final = "brings nothing new: no letter goes"


class Kind(StrEnum):
    ARTICLE = "article"  # appears
    ISSUE = "issue"  # closes, and goes


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at a time that is known."""

    at: dt.datetime
    kind: Kind
    key: str  # slug of an article, key of an issue
    title: str  # of an article; of an issue, its cadence
    articles: tuple[str, ...] = ()  # of an issue: the slugs that it brings
    status: str = ""  # of an article
    notes: tuple[str, ...] = ()  # what an editor should look at
    blocks: bool = False  # as it stands, it stops the publishing

    def as_dict(self) -> dict[str, Any]:
        named = (
            {"articles": list(self.articles)}
            if self.kind is Kind.ISSUE
            else {"title": self.title, "status": self.status}
        )
        at = self.at.isoformat(timespec="minutes")
        return {"at": at, "kind": self.kind.value, "key": self.key, **named, "notes": list(self.notes)}

    @property
    def is_gap(self) -> bool:
        return self.kind is Kind.ISSUE and not self.articles


@dataclass(frozen=True, slots=True)
class Calendar:
    """What is to come until *until*, in order of time."""

    events: tuple[Event, ...]
    until: dt.datetime
    zone: str

    @property
    def ok(self) -> bool:
        return not any(event.blocks for event in self.events)

    def as_dict(self) -> dict[str, Any]:
        gaps = [event.key for event in self.events if event.is_gap]
        clashes = [event.key for event in self.events if event.notes and not event.is_gap]
        events = [event.as_dict() for event in self.events]
        return {"until": self.until.isoformat(timespec="minutes"), "events": events, "gaps": gaps, "clashes": clashes}

    def lines(self) -> Iterator[str]:
        for day, events in groupby(self.events, key=lambda event: event.at.date()):
            yield f"{day:%a} {day.day} {day:%B %Y}"
            for event in events:
                yield f"  {event.at:%H:%M}  {_told(event)}"
                for note in event.notes if not event.is_gap else ():
                    yield f"         ! {note}"
        articles = sum(event.kind is Kind.ARTICLE for event in self.events)
        issues = len(self.events) - articles
        gaps = sum(event.is_gap for event in self.events)
        clashes = sum(bool(event.notes) and not event.is_gap for event in self.events)
        yield (
            f"until {self.until:%a} {self.until.day} {self.until:%B} ({self.zone}): {_count(articles, 'article')}, "
            f"{_count(issues, 'issue')}, {gaps:,} of them with nothing new; {clashes:,} to look at"
        )


def look_ahead(
    articles: Iterable[Article],
    settings: Settings,
    *,
    now: dt.datetime,
    days: int,
    broken: frozenset[str] = frozenset(),
    begun: frozenset[str] | None = None,
) -> Calendar:
    """What is to come in the *days* after *now*, after what is overdue.

    *broken* are the files of articles that have errors; *begun* the keys of issues that are being sent or were. Where that is not
    known (None), those whose time is past are taken to have gone in time.
    """
    until = now + dt.timedelta(days=days)
    articles = sorted(articles, key=lambda article: (article.date, article.slug))
    coming = [article for article in articles if now < article.date <= until]
    issues = [(_issue(cadence, day, settings), cadence, day) for cadence, day in _dates(settings, now, until)]
    appearing = {article.slug: _article(article, broken=broken, settings=settings) for article in coming}
    clashes = _clashes([a for a in coming if a.status.is_final], [(at, c) for at, c, _ in issues], settings)
    events = [replace(event, notes=event.notes + clashes.get(slug, ())) for slug, event in appearing.items()]
    overdue = [issue for issue in due_issues([], settings, now=now) if issue.key not in (begun or ())]
    for issue in overdue:
        at, before = (
            _issue(issue.cadence, day, settings) for day in (issue.date, _day_before(issue.cadence, issue.date))
        )
        if brought := _brought(articles, before, at if begun is None else now):
            note = NOT_KNOWN_HERE if begun is None else OVERDUE
            events.append(Event(at, Kind.ISSUE, issue.key, issue.cadence.value, brought, notes=(note,)))
    for at, cadence, day in issues:
        before = _issue(cadence, _day_before(cadence, day), settings)
        if begun is not None and before <= now and any(issue.cadence is cadence for issue in overdue):
            before = now  # what is overdue brings all until then
        brought = _brought(articles, before, at)
        notes = () if brought else (EMPTY,)
        events.append(Event(at, Kind.ISSUE, issue_key(cadence, day), cadence.value, brought, notes=notes))
    in_order = sorted(events, key=lambda event: (event.at, event.kind is Kind.ISSUE, event.key))
    return Calendar(tuple(in_order), until.astimezone(settings.zone), settings.timezone)


# --- issues -------------------------------------------------------------------------------------------------------------------


def _dates(settings: Settings, now: dt.datetime, until: dt.datetime) -> Iterator[tuple[Cadence, dt.date]]:
    day = now.astimezone(settings.zone).date()
    while day <= until.astimezone(settings.zone).date():
        for cadence in (Cadence.DAILY, Cadence.WEEKLY):
            right_day = cadence is Cadence.DAILY or WEEKDAYS[day.weekday()] == settings.weekly_on
            if right_day and now < _issue(cadence, day, settings) <= until:
                yield cadence, day
        day += dt.timedelta(days=1)


def _issue(cadence: Cadence, day: dt.date, settings: Settings) -> dt.datetime:
    """When the issue of *day* closes and goes."""
    return dt.datetime.combine(
        day, settings.daily_at if cadence is Cadence.DAILY else settings.weekly_at, settings.zone
    )


def _day_before(cadence: Cadence, day: dt.date) -> dt.date:
    """The day of the issue before the one of *day*."""
    return day - dt.timedelta(days=1 if cadence is Cadence.DAILY else 7)


def _brought(articles: Sequence[Article], after: dt.datetime, until: dt.datetime) -> tuple[str, ...]:
    """The slugs of what an issue brings to a reader who has had everything until *after*, newest first."""
    return tuple(a.slug for a in reversed(articles) if a.status.is_final and is_news(a) and after < a.date <= until)


# --- articles -----------------------------------------------------------------------------------------------------------------


def _article(article: Article, *, broken: frozenset[str], settings: Settings) -> Event:
    notes = [] if article.status.is_final else [UNFINISHED]
    blocks = article.status.is_final and article.path in broken
    notes += [BROKEN] if blocks else []
    return Event(
        at=article.date.astimezone(settings.zone),
        kind=Kind.ARTICLE,
        key=article.slug,
        title=article.title,
        status=article.status.value,
        notes=tuple(notes),
        blocks=blocks,
    )


def _clashes(
    coming: Sequence[Article], issues: Sequence[tuple[dt.datetime, Cadence]], settings: Settings
) -> Mapping[str, tuple[str, ...]]:
    """By slug: another article shortly before, and an issue that it just misses."""
    found: dict[str, list[str]] = {}
    for first, second in pairwise(coming):
        if second.date - first.date < NEAR:
            found.setdefault(second.slug, []).append(f"comes {_minutes(second.date - first.date)} after {first.slug}")
    for article in coming:
        for at, cadence in issues:
            if is_news(article) and at < article.date <= at + NEAR:
                missed = _minutes(article.date - at)
                found.setdefault(article.slug, []).append(
                    f"misses the {cadence.value} issue by {missed}, and waits for the next"
                )
    return {slug: tuple(notes) for slug, notes in found.items()}


# --- for calendars of others ----------------------------------------------------------------------------------------------------


def as_ics(calendar: Calendar, settings: Settings, *, now: dt.datetime) -> str:
    """The same as iCalendar (RFC 5545), to be subscribed to or imported; each event keeps its id."""
    host = settings.site_url.split("/")[2].partition(":")[0]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Open Signal//calendar//EN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_escaped(settings.site_name)}",
    ]
    for event in calendar.events:
        what = (
            event.title if event.kind is Kind.ARTICLE else f"{event.key}: {', '.join(event.articles) or 'nothing new'}"
        )
        lines += [
            "BEGIN:VEVENT",
            f"UID:{event.kind.value}-{event.key}@{host}",
            f"DTSTAMP:{_utc(now)}",
            f"DTSTART:{_utc(event.at)}",
            f"SUMMARY:{_escaped(what)}",
            f"CATEGORIES:{event.kind.value.upper()}",
            "TRANSP:TRANSPARENT",
            *([f"DESCRIPTION:{_escaped('; '.join(event.notes))}"] if event.notes else []),
            *([f"URL:{settings.site_url}articles/{event.key}/"] if event.kind is Kind.ARTICLE else []),
            "STATUS:TENTATIVE" if event.notes else "STATUS:CONFIRMED",
            "END:VEVENT",
        ]
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def _escaped(text: str) -> str:
    """RFC 5545 3.3.11; what controls nothing but a terminal is left out."""
    kept = "".join(c for c in text.replace("\r\n", "\n") if c == "\n" or c.isprintable())
    return kept.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> str:
    """At most 75 octets a line, and no character cut in two (RFC 5545 3.1)."""
    parts, room = [""], 75
    for character in line:
        size = len(character.encode())
        if size > room:
            parts.append(" ")
            room = 74
        parts[-1] += character
        room -= size
    return "\r\n".join(parts)


def _utc(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


# --- words --------------------------------------------------------------------------------------------------------------------


def _told(event: Event) -> str:
    if event.kind is Kind.ARTICLE:
        status = "" if event.status in ("scheduled", "published") else f", {event.status}"
        return f"article  {event.title} ({event.key}{status})"
    return f"issue    {event.key}: {', '.join(event.articles) or 'nothing new'}"


def _minutes(span: dt.timedelta) -> str:
    return _count(int(span.total_seconds() // 60), "minute")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
