"""Planning: a row a subscriber, once, for those who want mail and have something new to read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from pipeline.mail.plan import Composed, foresee, plan_issue
from pipeline.model import Article, Cadence, Issue
from pipeline.store import Connection, Store
from pipeline.store.issues import StoredIssue
from pipeline.store.tables import deliveries, issues, letters, subscribers
from tests.builders import NOW, add_subscribers, an_article

DAILY = Issue("daily-2026-11-23", Cadence.DAILY, date=dt.date(2026, 11, 23), closes_at=NOW)
NEXT_DAY = Issue("daily-2026-11-24", Cadence.DAILY, date=dt.date(2026, 11, 24), closes_at=NOW + dt.timedelta(days=1))
WEEKLY = Issue("weekly-2026-W48", Cadence.WEEKLY, date=dt.date(2026, 11, 28), closes_at=NOW + dt.timedelta(days=5))


def compose(issue: Issue, articles: Sequence[Article]) -> Composed:
    return Composed(articles[0].title, " ".join(a.slug for a in articles).encode())


def planned(store: Store) -> dict[str, tuple[str, str]]:
    """By address: the issue (the newest) and what the letter carries."""
    query = (
        sa.select(subscribers.c.email, issues.c.key, letters.c.message)
        .select_from(deliveries)
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .join(issues, issues.c.id == deliveries.c.issue_id)
        .join(letters, letters.c.id == deliveries.c.letter_id)
        .order_by(deliveries.c.id)
    )
    with store.reading() as connection:
        return {email: (key, bytes(message).decode()) for email, key, message in connection.execute(query)}


def test_only_those_who_want_this_mail_are_planned(store: Store) -> None:
    add_subscribers(store, "daily@example.org")
    add_subscribers(store, "weekly@example.org", cadence="weekly")
    for state in ("pending", "unsubscribed", "suppressed", "paused"):
        add_subscribers(store, f"{state}@example.org", state=state)
    add_subscribers(store, "rested@example.org", state="paused", paused_until=NOW)
    add_subscribers(store, "resting@example.org", state="paused", paused_until=NOW + dt.timedelta(days=1))

    plan_issue(store, DAILY, [an_article()], compose, now=NOW)

    assert sorted(planned(store)) == ["daily@example.org", "rested@example.org"]


def test_each_gets_the_articles_of_their_topics_and_equal_choices_share_a_letter(store: Store) -> None:
    add_subscribers(store, "all@example.org", "all2@example.org")
    add_subscribers(store, "chips@example.org", topics="chips")
    add_subscribers(store, "money@example.org", topics="money")
    articles = [an_article("power"), an_article("chip", topics=("chips",))]

    plan_issue(store, DAILY, articles, compose, now=NOW)

    assert {who: letter for who, (_, letter) in planned(store).items()} == {
        "all@example.org": "power chip",
        "all2@example.org": "power chip",
        "chips@example.org": "chip",
    }
    with store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(letters)).scalar_one() == 2


def test_the_next_issue_carries_only_what_was_not_had(store: Store) -> None:
    add_subscribers(store, "a@example.org")
    plan_issue(store, DAILY, [an_article("old")], compose, now=NOW)

    plan_issue(store, NEXT_DAY, [an_article("old"), an_article("new", days_old=-0.5)], compose, now=NEXT_DAY.closes_at)

    assert planned(store)["a@example.org"] == ("daily-2026-11-24", "new")


def test_changing_from_daily_to_weekly_repeats_nothing_and_misses_nothing(store: Store) -> None:
    add_subscribers(store, "a@example.org")
    plan_issue(store, DAILY, [an_article("monday")], compose, now=NOW)
    with store.writing() as connection:
        connection.execute(subscribers.update().values(cadence="weekly"))

    plan_issue(store, WEEKLY, [an_article("monday"), an_article("tuesday", days_old=-1)], compose, now=WEEKLY.closes_at)

    assert planned(store)["a@example.org"] == ("weekly-2026-W48", "tuesday")


def test_who_changes_to_each_article_while_it_is_due_gets_it_and_nobody_twice(store: Store) -> None:
    each = Issue("each-grid", Cadence.EACH, date=NOW.date(), closes_at=NOW, slug="grid")
    add_subscribers(store, "first@example.org", cadence="each")
    add_subscribers(store, "switches@example.org", cadence="daily")
    plan_issue(store, each, [an_article("grid")], compose, now=NOW)
    with store.writing() as connection:
        connection.execute(subscribers.update().values(cadence="each"))

    plan_issue(store, each, [an_article("grid")], compose, now=NOW)
    plan_issue(store, each, [an_article("grid")], compose, now=NOW)

    assert planned(store) == dict.fromkeys(("first@example.org", "switches@example.org"), ("each-grid", "grid"))


def test_what_was_refused_was_not_had(store: Store) -> None:
    add_subscribers(store, "a@example.org")
    plan_issue(store, DAILY, [an_article("missed")], compose, now=NOW)
    with store.writing() as connection:
        connection.execute(deliveries.update().values(status="failed", finished_at=NOW))

    plan_issue(store, NEXT_DAY, [an_article("missed")], compose, now=NEXT_DAY.closes_at)

    assert planned(store)["a@example.org"] == ("daily-2026-11-24", "missed")


def test_nothing_new_means_no_issue(store: Store) -> None:
    add_subscribers(store, "a@example.org")

    assert plan_issue(store, DAILY, [], compose, now=NOW) is None
    assert plan_issue(store, DAILY, [an_article(days_old=100)], compose, now=NOW) is None

    with store.reading() as connection:
        assert connection.execute(sa.select(issues)).all() == []


def test_a_plan_that_was_cut_off_goes_on_behind_its_last_row(store: Store) -> None:
    add_subscribers(store, *(f"r{n}@example.org" for n in range(7)))
    calls = iter([compose, compose])

    def cut_off(issue: Issue, articles: Sequence[Article]) -> Composed:
        return next(calls)(issue, articles)  # the third letter is never written: StopIteration

    topics = ["power", "chips", "money"]
    with store.writing() as connection:
        for number in range(1, 8):
            connection.execute(
                subscribers.update().where(subscribers.c.id == number).values(topics=topics[(number - 1) // 2 % 3])
            )
    articles = [an_article(topic, topics=(topic,)) for topic in topics]
    with pytest.raises(StopIteration):
        plan_issue(store, DAILY, articles, cut_off, now=NOW, batch_size=2)
    before = planned(store)

    stored = plan_issue(store, DAILY, articles, compose, now=NOW + dt.timedelta(minutes=1))

    assert len(before) == 4
    assert len(planned(store)) == 7
    assert stored is not None
    assert stored.planned_at is not None


def test_planning_twice_changes_nothing_and_who_came_later_waits_for_the_next(store: Store) -> None:
    add_subscribers(store, "a@example.org")
    plan_issue(store, DAILY, [an_article()], compose, now=NOW)
    add_subscribers(store, "late@example.org")

    plan_issue(store, DAILY, [an_article()], compose, now=NOW)

    assert list(planned(store)) == ["a@example.org"]


def test_foreseeing_counts_as_planning_does_and_writes_nothing(store: Store) -> None:
    add_subscribers(store, "a@example.org", "b@example.org")
    add_subscribers(store, "c@example.org", topics="chips")
    articles = [an_article("power"), an_article("chip", topics=("chips",))]

    foreseen = foresee(store, DAILY, articles, now=NOW)

    assert {selection.slugs: number for selection, number in foreseen.items()} == {("power", "chip"): 2, ("chip",): 1}
    assert planned(store) == {}


def test_what_belongs_to_a_plan_is_written_with_its_end_or_not_at_all(store: Store) -> None:
    add_subscribers(store, "ann@example.org")

    def fail(connection: Connection, stored: StoredIssue) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        plan_issue(store, DAILY, [an_article()], compose, now=NOW, also=fail)
    with store.reading() as connection:
        cut_off = connection.execute(sa.select(issues.c.planned_at)).scalar_one()
    called: list[str] = []
    for _ in range(2):  # an issue that is planned already is asked about again: its letters may not be out
        plan_issue(
            store, DAILY, [an_article()], compose, now=NOW, also=lambda c, stored: called.append(stored.issue.key)
        )

    assert cut_off is None
    assert called == [DAILY.key, DAILY.key]
