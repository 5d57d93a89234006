"""Which issue is due, and which articles a subscriber has not had."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.mail.gather import FIRST_REACH, REACH, Gathering, due_issues, issue_key, issue_named
from pipeline.model import Cadence, Issue, Status
from tests.builders import NOW, an_article

DAILY = Issue("daily-2026-11-23", Cadence.DAILY, date=dt.date(2026, 11, 23), closes_at=NOW)
LONG_AGO = NOW - dt.timedelta(days=300)


def _slugs(
    gathering: Gathering, *, topics: str = "", had: tuple[str, ...] = (), confirmed_at: dt.datetime = LONG_AGO
) -> list[str]:
    selection = gathering.select(topics=topics, confirmed_at=confirmed_at, had=gathering.bits_of(had))
    return list(selection.slugs) if selection else []


def test_the_newest_article_leads() -> None:
    gathering = Gathering(DAILY, [an_article("old", days_old=2), an_article("new", days_old=0.1)])

    assert _slugs(gathering) == ["new", "old"]


def test_what_was_had_does_not_come_again() -> None:
    gathering = Gathering(DAILY, [an_article("a"), an_article("b")])

    assert _slugs(gathering, had=("a",)) == ["b"]
    assert _slugs(gathering, had=("a", "b")) == []


def test_topics_are_kept_to_and_no_topics_means_all() -> None:
    gathering = Gathering(DAILY, [an_article("p", topics=("power",)), an_article("c", topics=("chips", "money"))])

    assert _slugs(gathering, topics="money,policy") == ["c"]
    assert sorted(_slugs(gathering)) == ["c", "p"]


def test_drafts_future_dates_skipped_and_retracted_articles_are_in_no_letter() -> None:
    gathering = Gathering(
        DAILY,
        [
            an_article("draft", status=Status.DRAFT),
            an_article("tomorrow", days_old=-1),
            an_article("web-only", email_skip=True),
            an_article("withdrawn", status=Status.RETRACTED),
            an_article("fine"),
        ],
    )

    assert _slugs(gathering) == ["fine"]


def test_an_article_kept_out_of_the_mail_is_kept_out_of_its_own_issue_too() -> None:
    issue = Issue("each-web-only", Cadence.EACH, date=NOW.date(), closes_at=NOW, slug="web-only")

    assert _slugs(Gathering(issue, [an_article("web-only", email_skip=True)])) == []


def test_an_article_older_than_the_reach_is_history() -> None:
    gathering = Gathering(
        DAILY, [an_article("in", days_old=REACH.days - 0.1), an_article("out", days_old=REACH.days + 0.1)]
    )

    assert _slugs(gathering) == ["in"]


def test_somebody_new_is_not_sent_the_whole_archive() -> None:
    gathering = Gathering(DAILY, [an_article("fresh", days_old=3), an_article("stale", days_old=FIRST_REACH.days + 1)])

    assert _slugs(gathering, confirmed_at=NOW) == ["fresh"]


def test_somebody_who_confirmed_after_an_old_issue_closed_still_gets_it() -> None:
    """An issue of an earlier day, sent by hand to people who came later."""
    gathering = Gathering(DAILY, [an_article("fresh", days_old=3)])

    assert _slugs(gathering, confirmed_at=NOW + dt.timedelta(days=90)) == ["fresh"]


def test_subscribers_who_get_the_same_share_one_letter() -> None:
    gathering = Gathering(DAILY, [an_article("a"), an_article("b", topics=("chips",))])

    first = gathering.select(topics="", confirmed_at=LONG_AGO, had=0)
    second = gathering.select(topics="chips,power", confirmed_at=LONG_AGO, had=0)

    assert first is second
    assert first is not None
    assert first.digest != gathering.select(topics="chips", confirmed_at=LONG_AGO, had=0).digest  # type: ignore[union-attr]


# --- issues


@pytest.mark.parametrize(
    ("key", "date"),
    [("daily-2026-11-22", dt.date(2026, 11, 22)), ("weekly-2026-W47", dt.date(2026, 11, 21))],
)
def test_a_key_names_a_day(settings: Settings, key: str, date: dt.date) -> None:
    issue = issue_named(key, [], settings, now=NOW)

    assert issue.date == date
    assert issue_key(issue.cadence, issue.date) == key
    assert issue.closes_at == dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), dt.UTC)


def test_todays_issue_closes_now(settings: Settings) -> None:
    assert issue_named("daily-2026-11-23", [], settings, now=NOW).closes_at == NOW


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("daily", "names no issue"),
        ("daily-2026-13-01", "not a date"),
        ("daily-2026-11-24", "future"),
        ("weekly-2026-W60", "no week 60"),
        ("weekly-2026-W00", "no week 0"),
        ("each-nothing", "no published article"),
        ("each-draft", "no published article"),
        ("../etc/passwd", "names no issue"),
    ],
)
def test_a_key_that_names_nothing_says_why(settings: Settings, key: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        issue_named(key, [an_article("draft", status=Status.DRAFT)], settings, now=NOW)


def test_the_schedule_names_what_is_due(settings: Settings) -> None:
    """Monday: the daily one; Saturday's weekly one is two days old by then and no more due."""
    issues = due_issues([an_article("a", days_old=0.5), an_article("b", days_old=5)], settings, now=NOW)

    assert [issue.key for issue in issues] == ["daily-2026-11-23", "each-a"]


@pytest.mark.parametrize(
    ("when", "keys"),
    [
        ("2026-11-21T06:00:00Z", ["daily-2026-11-20"]),  # before the hour, yesterday's is still due
        ("2026-11-21T06:30:00Z", ["daily-2026-11-21"]),
        ("2026-11-21T08:00:00Z", ["daily-2026-11-21", "weekly-2026-W47"]),
        ("2026-11-22T23:00:00Z", ["daily-2026-11-22", "weekly-2026-W47"]),
    ],
)
def test_issues_are_due_from_their_hour_on(settings: Settings, when: str, keys: list[str]) -> None:
    issues = due_issues([], settings, now=dt.datetime.fromisoformat(when))

    assert [issue.key for issue in issues] == keys


def test_days_begin_where_the_newsletter_is_at_home(settings: Settings) -> None:
    tokyo = settings.model_copy(update={"timezone": "Asia/Tokyo"})

    issues = due_issues([], tokyo, now=dt.datetime(2026, 11, 23, 22, 0, tzinfo=dt.UTC))

    assert [issue.key for issue in issues] == ["daily-2026-11-24"]
