"""What a reply means, for a letter and for its receiver."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from pipeline.mail.judge import (
    DOMAIN_WAITS,
    NOTICES_LIVE_FOR,
    STRIKES,
    WAITS,
    Outcome,
    Trial,
    judge,
    judge_broken_line,
    pauses,
)
from pipeline.model import BounceClass, DeliveryStatus, Reply
from tests.builders import NOW

FIRST = Trial()


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
    assert judge(Reply(code), FIRST, now=NOW).status is status


def _tries(trial: Trial) -> list[Outcome]:
    """What comes of one letter that is refused again and again, each time when it is due."""
    outcomes, now, attempts = [], NOW, 0
    while not outcomes or outcomes[-1].next_at:
        outcomes.append(judge(Reply(450), Trial(attempts, NOW, trial.lives_for), now=now))
        now, attempts = outcomes[-1].next_at or now, attempts + 1
    return outcomes


def test_a_refused_letter_waits_longer_each_time_and_is_given_up_after_two_days() -> None:
    """M-30."""
    outcomes = _tries(Trial())

    times = [NOW, *[outcome.next_at for outcome in outcomes if outcome.next_at]]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert waits == sorted(waits)
    assert waits[0] == dt.timedelta(minutes=5)
    assert dt.timedelta(hours=40) < times[-1] - NOW <= dt.timedelta(hours=48)
    assert outcomes[-1].status is DeliveryStatus.FAILED


def test_a_confirmation_is_given_up_after_a_day() -> None:
    """M-30: whoever asked has long gone."""
    last = [outcome.next_at for outcome in _tries(Trial(lives_for=NOTICES_LIVE_FOR)) if outcome.next_at][-1]

    assert dt.timedelta(hours=12) < last - NOW <= dt.timedelta(hours=24)


def test_a_letter_whose_reply_never_came_is_uncertain_and_tried_again() -> None:
    outcome = judge_broken_line(FIRST, uncertain=True, now=NOW)

    assert outcome.status is DeliveryStatus.UNCERTAIN
    assert outcome.next_at == NOW + WAITS[0]


def test_an_uncertain_letter_can_be_held_until_a_person_says_so() -> None:
    outcome = judge_broken_line(FIRST, uncertain=True, hold=True, now=NOW)

    assert (outcome.status, outcome.next_at) == (DeliveryStatus.UNCERTAIN, None)


def test_a_line_that_broke_before_the_end_of_the_letter_leaves_no_doubt() -> None:
    assert judge_broken_line(FIRST, uncertain=False, now=NOW).status is DeliveryStatus.DEFERRED


@pytest.mark.parametrize(
    ("reply", "about"),
    [
        (Reply(550, "5.1.1", "user unknown"), BounceClass.ADDRESS),
        (Reply(550, "5.7.26", "unauthenticated mail"), BounceClass.POLICY),
        (Reply(552, "5.2.2", "mailbox full"), BounceClass.MAILBOX),
        (Reply(451, "4.7.1", "greylisted, try again later"), BounceClass.GREYLIST),
    ],
)
def test_a_refusal_is_sorted_by_whom_it_is_about(reply: Reply, about: BounceClass) -> None:
    """M-25."""
    assert judge(reply, FIRST, now=NOW).about is about


def _pause(reply: Reply, strikes: int) -> dt.timedelta | None:
    until = pauses(reply, judge(reply, FIRST, now=NOW), strikes, now=NOW)
    return until - NOW if until else None


def test_a_receiver_in_trouble_is_left_alone_as_a_whole_and_ever_longer() -> None:
    """M-30: the back-off is the domain's, not each message's."""
    slow_down = Reply(451, "4.7.1", "too many messages, slow down")

    assert [_pause(slow_down, strikes) for strikes in range(1, STRIKES)] == [None] * (STRIKES - 1)
    assert [_pause(slow_down, STRIKES + n) for n in range(5)] == [*DOMAIN_WAITS, DOMAIN_WAITS[-1]]


def test_a_server_that_closes_the_service_is_left_alone_at_once() -> None:
    """M-30, RFC 5321 3.8."""
    assert _pause(Reply(421, "4.3.2", "closing"), 1) == DOMAIN_WAITS[0]


def test_a_full_mailbox_says_nothing_about_its_domain() -> None:
    assert _pause(Reply(452, "4.2.2", "mailbox full"), 100) is None
