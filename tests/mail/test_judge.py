"""What a reply means."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.mail.judge import WAITS, judge, judge_broken_line
from pipeline.model import DeliveryStatus, Reply
from tests.builders import NOW


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (250, DeliveryStatus.SENT),
        (251, DeliveryStatus.SENT),
        (421, DeliveryStatus.DEFERRED),
        (450, DeliveryStatus.DEFERRED),
        (452, DeliveryStatus.DEFERRED),
        (550, DeliveryStatus.FAILED),
        (554, DeliveryStatus.FAILED),
        (0, DeliveryStatus.DEFERRED),
        (334, DeliveryStatus.DEFERRED),
    ],
)
def test_only_a_5xx_is_final_and_only_a_2xx_is_a_success(code: int, status: DeliveryStatus) -> None:
    assert judge(Reply(code), 0, now=NOW).status is status


def test_a_refused_letter_waits_longer_each_time_and_is_given_up_after_two_days() -> None:
    """M-30."""
    outcomes = [judge(Reply(450), attempts, now=NOW) for attempts in range(len(WAITS) + 1)]

    waits = [outcome.next_at - NOW for outcome in outcomes if outcome.next_at]
    assert waits == sorted(waits)
    assert waits[0] == dt.timedelta(minutes=5)
    assert dt.timedelta(hours=40) < sum(waits, dt.timedelta()) < dt.timedelta(hours=50)
    assert outcomes[-1].status is DeliveryStatus.FAILED


def test_a_letter_whose_reply_never_came_is_uncertain_and_tried_again() -> None:
    outcome = judge_broken_line(0, uncertain=True, now=NOW)

    assert outcome.status is DeliveryStatus.UNCERTAIN
    assert outcome.next_at == NOW + WAITS[0]


def test_a_line_that_broke_before_the_end_of_the_letter_leaves_no_doubt() -> None:
    assert judge_broken_line(0, uncertain=False, now=NOW).status is DeliveryStatus.DEFERRED
