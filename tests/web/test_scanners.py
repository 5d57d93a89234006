"""Scanners of mail: they open every link, run its scripts and press every button, and must confirm and change nothing (M-44)."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import pytest

from pipeline.keys import KeyRing, load_keys
from pipeline.mail.tokens import Purpose, new_ref, sign
from pipeline.model import State
from pipeline.store import tables
from pipeline.web.forms import Fields
from pipeline.web.nonce import DECOY, make_nonce, was_pressed
from tests.builders import NOW, add_subscribers
from tests.web.conftest import REPOSITORY, Desk, words
from tests.web.scanner import Forms

EMAIL = "reader@example.org"
SECOND = dt.timedelta(seconds=1)
GUARDED = [purpose for purpose in Purpose if purpose is not Purpose.UNSUBSCRIBE]


def people(desk: Desk, number: int, *, state: str) -> list[tuple[str, str]]:
    """So many people with an open question each: the ref of the question, and theirs."""
    refs = add_subscribers(desk.store, *[f"reader{i}-{state}@example.org" for i in range(number)], state=state)
    with desk.store.writing() as c:
        ids = [row.id for row in c.execute(tables.subscribers.select().where(tables.subscribers.c.state == state))]
        rows = [
            {"ref": new_ref(), "subscriber_id": i, "cadence": "daily", "topics": "", "asked_at": NOW,
             "expires_at": NOW + dt.timedelta(days=2)}
            for i in ids
        ]  # fmt: skip
        c.execute(tables.confirmations.insert(), rows)
    return list(zip([str(row["ref"]) for row in rows], refs, strict=True))


def test_a_thousand_scanned_links_confirm_and_change_nothing(desk: Desk) -> None:
    """M-43, M-44, M-46: HEAD, GET, GET and every button within a second, in two orders: not one row is another one."""
    desk.now = NOW
    keys = load_keys(desk.settings.state_dir, "token")
    asked, active = people(desk, 400, state="pending"), people(desk, 100, state="active")
    paths = [f"/{p}/{sign(keys, p, question)}" for question, _ in asked for p in (Purpose.CONFIRM, Purpose.DECLINE)]
    paths += [f"/{p}/{sign(keys, p, who)}" for _, who in active for p in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)]
    before = desk.dump()

    scanners = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.web.scanner", desk.url, order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        for order in ("forwards", "backwards")
    ]
    for number, scanner in enumerate(scanners):
        assert scanner.stdin is not None
        scanner.stdin.write("\n".join(paths[number::2]))
        scanner.stdin.close()
        scanner.stdin = None
    met = [json.loads(scanner.communicate(timeout=100)[0]) for scanner in scanners]

    assert len(paths) == 1_000
    assert sum(each["presses"] for each in met) > 3_000
    assert {status for each in met for status in each["told"]} == {"200"}
    assert desk.dump() == before


@pytest.mark.parametrize("purpose", GUARDED)
def test_a_button_counts_from_a_second_and_a_half_to_a_day_after_the_look(desk: Desk, purpose: Purpose) -> None:
    """M-44"""
    desk.sign_up(EMAIL)
    desk.work()
    if purpose is Purpose.PREFERENCES:
        desk.press(desk.link(Purpose.CONFIRM, EMAIL), {"confirm": "yes"})
    path, drawn = desk.link(purpose, EMAIL), desk.now
    form = Forms(desk.get(path).text).found[0]
    sent = dict(form.fields) | {form.buttons[0]["name"]: form.buttons[0]["value"], "cadence": "weekly"}
    before = desk.dump()

    refused = []
    for age, more in (
        (1.4, {}),
        (24 * 3_600 + 1, {}),
        (5, {DECOY: "pressed"}),
        (5, {"nonce": ""}),
        (5, {"nonce": "x"}),
    ):
        desk.now = drawn + age * SECOND
        refused.append(desk.post(path, {**sent, **more}))
    unchanged = desk.dump() == before
    desk.now = drawn + 1.5 * SECOND
    taken = desk.post(path, sent)

    assert unchanged
    # What was asked for by a link of its own is too old by then.
    refusals = ("Please press the button again", "This link is too old")
    assert all(any(refusal in words(answer) for refusal in refusals) for answer in refused)
    assert {answer.status_code for answer in [*refused, taken]} <= {200, 410}
    assert taken.status_code == 200
    assert "press the button again" not in words(taken)
    assert desk.dump() != before


def test_pressing_again_on_the_page_that_asks_for_it_is_enough(desk: Desk) -> None:
    """M-44: a person who is too quick, or comes back the next day, presses once more."""
    desk.sign_up(EMAIL)
    desk.work()
    path = desk.link(Purpose.CONFIRM, EMAIL)

    again = desk.post(path, {"confirm": "yes"})
    desk.now += 2 * SECOND
    done = desk.post(path, {"confirm": "yes", "nonce": desk.nonce(again.text)})

    assert "You are in" in words(done)
    assert desk.person(EMAIL).state is State.ACTIVE


def test_leaving_by_the_page_is_guarded_against_scanners_and_by_nothing_else(desk: Desk) -> None:
    """M-16: the page's own form shows haste and decoys; a bare POST of its field leaves at once."""
    desk.joined(EMAIL)
    path = desk.link(Purpose.UNSUBSCRIBE, EMAIL)
    nonce = desk.nonce(desk.get(path).text)

    hasty = desk.post(path, {"unsubscribe": "yes", "nonce": nonce})
    trapped = desk.post(path, {"unsubscribe": "yes", DECOY: "pressed"})
    stayed = desk.person(EMAIL).state
    left = desk.post(path, {"unsubscribe": "yes"})

    assert "press the button again" in words(hasty)
    assert "press the button again" in words(trapped)
    assert stayed is State.ACTIVE
    assert "You are unsubscribed" in words(left)


@pytest.mark.parametrize("purpose", Purpose)
def test_the_real_button_comes_first_and_the_decoy_is_out_of_reach(desk: Desk, purpose: Purpose) -> None:
    """M-44: Enter presses a form's first button; no keyboard and no screen reader gets to the decoy."""
    desk.joined(EMAIL)
    if purpose in (Purpose.CONFIRM, Purpose.DECLINE):
        desk.sign_up("other@example.org")
        desk.work()
    page = desk.get(desk.link(purpose, "other@example.org" if purpose in (Purpose.CONFIRM, Purpose.DECLINE) else EMAIL))
    forms = Forms(page.text).found

    assert forms
    assert "<script" not in page.text
    for form in forms:
        real, decoy = form.buttons
        assert real["name"] != DECOY
        assert (decoy["name"], decoy["tabindex"], decoy["type"]) == (DECOY, "-1", "submit")
        assert dict(form.fields)["nonce"]
    assert page.text.count('<span class="aloud" aria-hidden="true"><button') == len(forms)


def test_presses_by_machines_are_counted_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """M-44"""
    caplog.set_level("INFO")
    desk.sign_up(EMAIL)
    desk.work()

    for _ in range(5):
        desk.post(desk.link(Purpose.CONFIRM, EMAIL), {"confirm": "yes"})

    told = [r.getMessage() for r in caplog.records if "machines" in r.getMessage()]
    assert told == [f"web: presses by machines: {number} since the start" for number in (1, 2, 4)]


def test_a_nonce_is_good_for_one_person_and_outlives_a_change_of_keys(desk: Desk) -> None:
    """M-44, T-06: bound to whom the link names; a key that was added since does not spoil it."""
    old = load_keys(desk.settings.state_dir, "token")
    mine, other, later = new_ref(), new_ref(), NOW + 2 * SECOND
    nonce = make_nonce(old, mine, now=NOW)
    newer = KeyRing((type(old.keys[0])(bytes(range(32))), *old.keys))

    assert was_pressed(old, mine, Fields((("nonce", nonce),)), now=later)
    assert was_pressed(newer, mine, Fields((("nonce", nonce),)), now=later)
    assert not was_pressed(old, other, Fields((("nonce", nonce),)), now=later)
    assert not was_pressed(KeyRing(newer.keys[:1]), mine, Fields((("nonce", nonce),)), now=later)
    assert not was_pressed(old, mine, Fields((("nonce", nonce),)), now=NOW - SECOND)
