"""M-25, M-27: a table decides what news of a delivery means; the decision takes values and returns one."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mail.bounces.decide import (
    BOUNCE_RULES,
    COMPLAINT_RULES,
    Action,
    History,
    decide,
    history,
    last_arrival,
)
from pipeline.mail.bounces.reading import Kind
from pipeline.mail.bounces.receivers import Verdict, refuses_us, weigh
from pipeline.model import BounceClass
from pipeline.store.bounces import Bounce, Letter
from pipeline.store.suppressions import Reason
from tests.builders import NOW

TODAY = NOW.date()
DAY = dt.timedelta(days=1)


def _days(*ago: int) -> frozenset[dt.date]:
    return frozenset(TODAY - number * DAY for number in ago)


def _bounce(ago: float, *, category: str = "mailbox", issue_id: int | None = None, action: str = "counted") -> Bounce:
    return Bounce(1, NOW - ago * DAY, "test", "bounce", category, issue_id, "a.test", "", 0, "", action)


def test_every_class_of_refusal_has_a_rule() -> None:
    assert set(BOUNCE_RULES) == set(BounceClass)


def test_a_dead_address_is_suppressed_at_once() -> None:
    decision = decide(Kind.BOUNCE, "address", History(), day=TODAY)

    assert (decision.action, decision.reason) == (Action.SUPPRESSED, Reason.BOUNCE)


@pytest.mark.parametrize("category", ["policy", "greylist"])
def test_what_may_be_our_fault_changes_nobody_whatever_came_before(category: str) -> None:
    """M-25"""
    much = History(soft=_days(*range(1, 60)), dead=_days(*range(1, 60)))

    assert decide(Kind.BOUNCE, category, much, day=TODAY).action is Action.NOTED


@pytest.mark.parametrize("category", ["mailbox", "unknown"])
@pytest.mark.parametrize(
    ("before", "action"),
    [
        ((), Action.COUNTED),
        ((0,), Action.NOTED),  # one a day
        ((1, 2, 3, 4), Action.COUNTED),  # five days, and not two weeks
        ((14, 7, 1), Action.COUNTED),  # two weeks, and not five days
        ((13, 7, 2, 1), Action.COUNTED),
        ((14, 7, 2, 1), Action.SUPPRESSED),
        ((40, 30, 20, 10), Action.SUPPRESSED),  # a weekly reader
    ],
)
def test_a_mailbox_that_stays_shut_is_given_up_after_five_days_over_two_weeks(
    category: str, before: tuple[int, ...], action: Action
) -> None:
    assert decide(Kind.BOUNCE, category, History(soft=_days(*before)), day=TODAY).action is action


@pytest.mark.parametrize(
    ("before", "action"),
    [
        ((), Action.COUNTED),
        ((1,), Action.COUNTED),
        ((0, 1), Action.NOTED),
        ((1, 2), Action.SUPPRESSED),
        ((13, 1), Action.SUPPRESSED),
        ((14, 1), Action.COUNTED),
    ],
)
def test_a_dead_domain_is_given_up_after_three_days_within_two_weeks(before: tuple[int, ...], action: Action) -> None:
    assert decide(Kind.BOUNCE, "domain", History(dead=_days(*before)), day=TODAY).action is action


@pytest.mark.parametrize(
    ("feedback", "action"),
    [
        ("abuse", Action.SUPPRESSED),
        ("opt-out", Action.SUPPRESSED),
        ("opt-out-list", Action.SUPPRESSED),
        ("fraud", Action.ALARM),
        ("virus", Action.ALARM),
        ("other", Action.ALARM),
        ("something-new", Action.ALARM),
        ("not-spam", Action.NOTED),
        ("auth-failure", Action.NOTED),
    ],
)
def test_a_complaint_means_what_its_type_says(feedback: str, action: Action) -> None:
    """M-27"""
    assert decide(Kind.COMPLAINT, feedback, History(), day=TODAY).action is action


def test_every_type_of_complaint_of_the_standard_is_in_the_table() -> None:
    """M-27: RFC 5965 7.3, RFC 6430 (not-spam), RFC 6591 (auth-failure)."""
    assert {"abuse", "fraud", "virus", "other", "not-spam", "auth-failure"} <= set(COMPLAINT_RULES)


@pytest.mark.parametrize("kind", [Kind.AUTO_REPLY, Kind.DELAY, Kind.DELIVERED, Kind.OTHER])
def test_what_is_no_bounce_changes_nobody(kind: Kind) -> None:
    assert decide(kind, "", History(soft=_days(*range(1, 30))), day=TODAY).action is Action.NOTED


# --- what counts as a letter that arrived ----------------------------------------------------------------------------------------


def test_a_letter_has_arrived_when_nothing_came_back_of_it_for_longer_than_relays_try() -> None:
    letters = [Letter(1, NOW - 9 * DAY), Letter(2, NOW - 7 * DAY), Letter(3, NOW - 5 * DAY)]

    assert last_arrival(letters, [], now=NOW) == NOW - 7 * DAY
    assert last_arrival(letters, [_bounce(6, issue_id=2)], now=NOW) == NOW - 9 * DAY


def test_a_bounce_that_names_no_issue_may_be_of_any_letter_before_it() -> None:
    letters = [Letter(1, NOW - 20 * DAY), Letter(2, NOW - 9 * DAY), Letter(3, NOW - 8 * DAY)]

    assert last_arrival(letters, [_bounce(7)], now=NOW) == NOW - 20 * DAY


def test_a_letter_that_arrived_ends_the_count() -> None:
    letters = [Letter(1, NOW - 30 * DAY), Letter(2, NOW - 20 * DAY), Letter(3, NOW - 10 * DAY)]
    came = [_bounce(29, issue_id=1), _bounce(9, issue_id=3)]

    assert history(letters, came, confirmed_at=None, now=NOW).soft == _days(10)


def test_a_confirmation_ends_the_count() -> None:
    came = [_bounce(9), _bounce(3)]

    assert history([], came, confirmed_at=NOW - 5 * DAY, now=NOW).soft == _days(3)


def test_bounces_count_on_the_day_on_which_their_letter_left() -> None:
    letters = [Letter(number, NOW - number * DAY) for number in range(1, 6)]
    read_at_once = [_bounce(0, issue_id=number) for number in range(1, 6)]

    assert history(letters, read_at_once, confirmed_at=None, now=NOW).soft == _days(1, 2, 3, 4, 5)


def test_what_was_noted_only_is_not_counted() -> None:
    came = [_bounce(3, action="noted"), _bounce(2, action="again"), _bounce(1, category="policy", action="noted")]

    assert history([], came, confirmed_at=None, now=NOW) == History()


@given(
    st.sampled_from([Kind.BOUNCE]),
    st.sampled_from(["policy", "greylist"]),
    st.frozensets(st.dates(dt.date(2026, 8, 1), dt.date(2026, 11, 23))),
    st.frozensets(st.dates(dt.date(2026, 8, 1), dt.date(2026, 11, 23))),
)
def test_no_history_makes_a_refusal_of_us_a_reason_to_drop_somebody(
    kind: Kind, category: str, soft: frozenset[dt.date], dead: frozenset[dt.date]
) -> None:
    """M-25"""
    assert decide(kind, category, History(soft, dead), day=TODAY).reason is None


# --- receivers -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refused", "accepted", "told"),
    [
        (1, 1, False),
        (2, 10, False),
        (3, 60, True),
        (3, 61, False),
        (19, 1000, False),
        (20, 100_000, True),
        (20, 0, True),
    ],
)
def test_a_domain_that_refuses_twenty_letters_or_one_in_twenty_is_told_about(
    refused: int, accepted: int, told: bool
) -> None:
    """M-25"""
    assert refuses_us(refused, accepted) is told


@pytest.mark.parametrize(
    ("complaints", "accepted", "verdict"),
    [
        (0, 1000, Verdict.FINE),
        (1, 1000, Verdict.FINE),  # 0.1 % is not above it
        (2, 1000, Verdict.WARN),
        (4, 100, Verdict.WARN),  # four may be chance
        (5, 1000, Verdict.STOP),
        (6, 2000, Verdict.WARN),  # 0.3 % is not above it
        (7, 2000, Verdict.STOP),
        (5, 0, Verdict.FINE),
    ],
)
def test_complaints_are_weighed_against_the_letters_that_arrived(
    complaints: int, accepted: int, verdict: Verdict
) -> None:
    """M-28"""
    assert weigh(complaints, accepted) is verdict
