"""Editors see what is to come, what an issue would bring, and what stands in each other's way."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.mail.calendar import NOT_KNOWN_HERE, Calendar, Event, Kind, as_ics, look_ahead
from pipeline.mail.gather import due_issues
from pipeline.model import Article, Status
from tests.builders import an_article

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)  # a Monday; daily at 06:30, weekly on Saturday at 08:00


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+00:00")


def planned(slug: str, when: str, **changes: Any) -> Article:
    return an_article(
        slug, **{"date": at(when), "status": Status.SCHEDULED, "path": f"content/articles/{slug}.md", **changes}
    )


def ahead(settings: Settings, *articles: Article, days: int = 7, broken: str = "") -> Calendar:
    """Where today's issue has gone."""
    return look_ahead(
        articles,
        settings,
        now=NOW,
        days=days,
        broken=frozenset([f"content/articles/{broken}.md"]),
        begun=frozenset({"daily-2026-11-23"}),
    )


def events(calendar: Calendar) -> dict[str, Event]:
    return {event.key: event for event in calendar.events}


def test_what_is_to_come_stands_in_order_of_time(settings: Settings) -> None:
    found = ahead(
        settings,
        planned("ash", "2026-11-24T10:00"),
        planned("past", "2026-11-23T09:00"),
        planned("far", "2027-01-01T00:00"),
        days=2,
    )

    assert [(event.key, event.at) for event in found.events] == [
        ("daily-2026-11-24", at("2026-11-24T06:30")),
        ("ash", at("2026-11-24T10:00")),
        ("daily-2026-11-25", at("2026-11-25T06:30")),
    ]


def test_an_issue_brings_what_appeared_since_the_one_before(settings: Settings) -> None:
    yesterday = planned("yesterday", "2026-11-23T06:31")
    found = events(ahead(settings, yesterday, planned("ash", "2026-11-24T06:30"), planned("birch", "2026-11-24T12:00")))

    assert found["daily-2026-11-24"].articles == ("ash", "yesterday")
    assert found["daily-2026-11-25"].articles == ("birch",)
    assert found["daily-2026-11-26"].is_gap
    assert found["weekly-2026-W48"].articles == ("birch", "ash", "yesterday")


def test_an_issue_whose_time_is_past_is_overdue_until_somebody_sends_it(settings: Settings) -> None:
    articles = (planned("early", "2026-11-23T05:00"), planned("late", "2026-11-23T08:00"))

    told = [look_ahead(articles, settings, now=NOW, days=2, begun=begun) for begun in (frozenset[str](), None)]
    done = ahead(settings, *articles)
    empty = look_ahead([], settings, now=NOW, days=2, begun=frozenset())

    first, unknown = (calendar.events[0] for calendar in told)
    assert (first.key, first.at, first.articles) == ("daily-2026-11-23", at("2026-11-23T06:30"), ("late", "early"))
    assert "is overdue" in first.notes[0]
    assert (unknown.key, unknown.articles, unknown.notes) == ("daily-2026-11-23", ("early",), (NOT_KNOWN_HERE,))
    assert events(told[1])["daily-2026-11-24"].articles == ("late",)
    assert events(told[0])["daily-2026-11-24"].is_gap
    assert (done.events[0].key, done.events[0].articles) == ("daily-2026-11-24", ("late",))
    assert "daily-2026-11-23" not in events(empty)


def test_what_is_kept_out_of_the_mail_is_in_no_issue(settings: Settings) -> None:
    found = events(ahead(settings, planned("ash", "2026-11-24T04:00", email_skip=True)))

    assert "ash" in found
    assert found["daily-2026-11-24"].is_gap


@pytest.mark.parametrize(
    ("articles", "notes"),
    [
        ([("ash", "2026-11-24T10:00"), ("birch", "2026-11-24T10:59")], {"birch": "comes 59 minutes after ash"}),
        ([("ash", "2026-11-24T10:00"), ("birch", "2026-11-24T11:00")], {}),
        ([("ash", "2026-11-24T06:31")], {"ash": "misses the daily issue by 1 minute, and waits for the next"}),
        ([("ash", "2026-11-28T08:30")], {"ash": "misses the weekly issue by 30 minutes, and waits for the next"}),
        ([("ash", "2026-11-24T06:30")], {}),
    ],
)
def test_what_comes_close_to_each_other_is_told(
    articles: list[tuple[str, str]], notes: dict[str, str], settings: Settings
) -> None:
    found = ahead(settings, *(planned(*article) for article in articles))

    assert {event.key: event.notes[0] for event in found.events if event.notes and not event.is_gap} == notes
    assert found.ok


def test_an_unfinished_article_is_told_and_in_no_issue(settings: Settings) -> None:
    found = events(ahead(settings, planned("ash", "2026-11-24T04:00", status=Status.DRAFT), broken="ash"))

    assert "is not finished" in found["ash"].notes[0]
    assert not found["ash"].blocks
    assert found["daily-2026-11-24"].is_gap


def test_an_error_that_will_stop_the_publishing_is_told_before_it_does(settings: Settings) -> None:
    found = ahead(settings, planned("ash", "2026-11-24T04:00"), broken="ash")

    assert not found.ok
    assert any("! has an error: from its time on, nothing can be published" in line for line in found.lines())


@given(st.integers(0, 366 * 24 * 60), st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]))
def test_an_issue_is_due_when_the_calendar_says(minutes: int, zone: str) -> None:
    """Also on days that clocks make longer or shorter."""
    now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
    settings = Settings.model_construct(timezone=zone, **_schedule())

    for event in look_ahead([], settings, now=now, days=2).events:
        before, after = (
            {issue.key for issue in due_issues([], settings, now=event.at.astimezone(dt.UTC) + shift)}
            for shift in (-dt.timedelta(seconds=1), dt.timedelta())
        )
        assert event.key in after - before


def _schedule() -> dict[str, Any]:
    return {
        "daily_at": dt.time(2, 30),
        "weekly_on": "sunday",
        "weekly_at": dt.time(8, 0),
        "site_url": "https://x.test/",
    }


def test_days_are_those_of_the_zone(settings: Settings) -> None:
    there = settings.model_copy(update={"timezone": "Asia/Tokyo"})

    lines = list(ahead(there, planned("ash", "2026-11-24T16:00"), days=2).lines())

    assert lines[lines.index("Wed 25 November 2026") + 1] == "  01:00  article  The ash is the story (ash)"
    assert lines[-1].startswith(
        "until Wed 25 November (Asia/Tokyo): 1 article, 2 issues, 1 of them with nothing new; 0 to look at"
    )


def test_other_calendars_take_it(settings: Settings) -> None:
    title = (
        "Power; grids, and \\ “queues” that are as long as they have ever been, in every country that counts them\n x"
    )
    found = ahead(settings, planned("ash", "2026-11-24T10:00", title=title), days=2)

    text = as_ics(found, settings, now=NOW)

    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    lines = re.sub("\r\n ", "", text).split("\r\n")
    assert (lines[0], lines[-2], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR", "")
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 3
    escaped = title.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    assert f"SUMMARY:{escaped}" in lines
    assert {"UID:article-ash@deepsignals.example.org", "DTSTART:20261124T100000Z", "DTSTAMP:20261123T090000Z"} <= set(
        lines
    )
    assert "URL:https://deepsignals.example.org/articles/ash/" in lines


def test_programs_are_told_gaps_and_clashes_by_key(settings: Settings) -> None:
    told = ahead(settings, planned("ash", "2026-11-24T06:45"), days=2).as_dict()

    assert (told["gaps"], told["clashes"]) == (["daily-2026-11-24"], ["ash"])
    assert told["events"][1] == {
        "at": "2026-11-24T06:45+00:00",
        "kind": Kind.ARTICLE,
        "key": "ash",
        "title": "The ash is the story",
        "status": "scheduled",
        "notes": ["misses the daily issue by 15 minutes, and waits for the next"],
    }
