"""The pages behind mailed links: a GET changes nothing, a POST does one thing, and says it."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from pipeline.mail.notices import send_notices
from pipeline.mail.person import erase
from pipeline.mail.tokens import Purpose
from pipeline.mail.transport import open_transport
from pipeline.model import Cadence, Choice, State
from pipeline.store import consents
from pipeline.store.consents import ConsentEvent, Method
from pipeline.web.links import confirm_wording
from tests.conftest import REPOSITORY
from tests.fakes import mail_server
from tests.web.conftest import Desk, words

DAY = dt.timedelta(days=1)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
EMAIL = "reader@example.org"


def history(desk: Desk, email: str = EMAIL) -> list[tuple[ConsentEvent, Method]]:
    with desk.store.reading() as c:
        return [(consent.event, consent.method) for consent in consents.of(c, desk.person(email).id)]


# --- for all of them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("state", [*State, "erased", "expired"])
def test_looking_changes_nothing(desk: Desk, purpose: Purpose, state: str) -> None:
    """M-16, M-43: GET and HEAD of every page, for a subscriber in every state, leave every row as it was."""
    desk.sign_up(EMAIL)
    desk.work()
    links = {p: desk.link(p, EMAIL) for p in Purpose}
    if state not in (State.PENDING, "expired"):
        desk.press(links[Purpose.CONFIRM])
    if state == "expired":
        desk.now += 3 * DAY
    if state == State.PAUSED:
        desk.press(links[Purpose.PREFERENCES], {"do": "pause", "days": "7"})
    if state == State.UNSUBSCRIBED:
        desk.post(links[Purpose.UNSUBSCRIBE], ONE_CLICK)
    if state == State.SUPPRESSED:
        desk.press(links[Purpose.DECLINE])
    if state == "erased":
        erase(desk.store, desk.settings, EMAIL, now=desk.now)
    before = desk.dump()

    for path in (links[purpose], links[purpose] + "/"):
        page, head = desk.get(path), desk.session.head(desk.url + path, timeout=20)

        assert page.status_code == head.status_code
        assert page.status_code in (200, 410)
        assert EMAIL not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Robots-Tag"] == "noindex"
        assert "Set-Cookie" not in page.headers
        assert "<script" not in page.text
    assert desk.dump() == before


@pytest.mark.parametrize("purpose", Purpose)
def test_a_forged_truncated_or_borrowed_link_is_a_404_that_says_what_next(desk: Desk, purpose: Purpose) -> None:
    desk.sign_up(EMAIL)
    desk.work()
    genuine = desk.link(purpose, EMAIL).rpartition("/")[2]
    others = [desk.link(other, EMAIL).rpartition("/")[2] for other in Purpose if other is not purpose]
    forged = [genuine[:-1], genuine[:20], "a" * 56, "x", "%00", "é" * 56, "a" * 9_000, *others]
    forged.append(genuine[:-1] + ("a" if genuine[-1] != "a" else "b"))
    before = desk.dump()

    answers = [
        answer
        for token in forged
        for answer in (desk.get(f"{purpose.value}/{token}"), desk.post(f"{purpose.value}/{token}", ONE_CLICK))
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert all("copy it whole" in words(answer) for answer in answers)
    assert desk.dump() == before


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(desk: Desk, purpose: Purpose, method: str) -> None:
    desk.sign_up(EMAIL)
    desk.work()

    answer = desk.session.request(method, desk.url + desk.link(purpose, EMAIL), timeout=20)

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("purpose", Purpose)
def test_too_much_and_the_wrong_kind_are_refused(desk: Desk, purpose: Purpose) -> None:
    desk.sign_up(EMAIL)
    desk.work()
    path = desk.link(purpose, EMAIL)
    before = desk.dump()

    large = desk.post(path, {"x": "a" * 9_000})
    json = desk.post(path, json={"List-Unsubscribe": "One-Click"})

    assert (large.status_code, json.status_code) == (413, 415)
    assert desk.dump() == before


def test_a_button_pressed_many_times_at_once_counts_once(desk_of_each: Desk) -> None:
    desk = desk_of_each
    desk.sign_up(EMAIL)
    desk.work()
    paths = {purpose: desk.url + desk.link(purpose, EMAIL) for purpose in (Purpose.CONFIRM, Purpose.UNSUBSCRIBE)}
    pressed = {"nonce": desk.nonce(desk.get(desk.link(Purpose.CONFIRM, EMAIL)).text), "confirm": "yes"}
    desk.now += dt.timedelta(seconds=2)

    with ThreadPoolExecutor(8) as pool:
        confirmed = list(
            pool.map(lambda _: requests.post(paths[Purpose.CONFIRM], pressed, timeout=30).status_code, range(8))
        )
        left = list(
            pool.map(lambda _: requests.post(paths[Purpose.UNSUBSCRIBE], ONE_CLICK, timeout=30).status_code, range(8))
        )

    assert (set(confirmed), set(left)) == ({200}, {200})
    assert [event for event, _ in history(desk)] == [
        ConsentEvent.ASKED,
        ConsentEvent.CONFIRMED,
        ConsentEvent.WITHDRAWN,
    ]
    assert sorted(row[2] for row in desk.dump() if row[0] == "notices") == ["confirm", "welcome"]


# --- confirm ---------------------------------------------------------------------------------------------------------


def test_the_button_confirms_and_says_what_will_come(desk_of_each: Desk) -> None:
    desk = desk_of_each
    desk.sign_up(EMAIL, cadence="weekly", topics=["power"])
    desk.work()
    path = desk.link(Purpose.CONFIRM, EMAIL)

    asked = desk.get(path)
    done = desk.press(path, {"confirm": "yes"})
    again = desk.press(path, {"confirm": "yes"})

    assert "r•••@e•••.org" in words(asked)
    assert "one letter a week, on Power" in words(asked)
    assert "Yes, send it to me" in words(asked)
    assert (done.status_code, again.status_code) == (200, 200)
    assert "You are in" in words(done)
    assert "already confirmed" in words(again)
    person = desk.person(EMAIL)
    assert (person.state, person.choice) == (State.ACTIVE, Choice(Cadence.WEEKLY, frozenset({"power"})))
    assert history(desk) == [(ConsentEvent.ASKED, Method.FORM), (ConsentEvent.CONFIRMED, Method.LINK)]
    with desk.store.reading() as c:
        words_kept = consents.of(c, person.id)[-1].wording
    assert words_kept
    assert all(line in words(asked) for line in words_kept.splitlines())


def test_an_old_link_says_how_to_sign_up_anew(desk: Desk) -> None:
    desk.sign_up(EMAIL)
    desk.work()
    path = desk.link(Purpose.CONFIRM, EMAIL)
    desk.now += 2 * DAY

    looked, pressed = desk.get(path), desk.press(path)

    for answer in (looked, pressed):
        assert answer.status_code == 410
        assert "too old" in words(answer)
        assert 'href="/subscribe"' in answer.text
    assert desk.person(EMAIL).state is State.PENDING


def test_a_spent_link_brings_nobody_back(desk: Desk) -> None:
    desk.joined(EMAIL)
    path = desk.link(Purpose.CONFIRM, EMAIL)
    desk.post(desk.link(Purpose.UNSUBSCRIBE, EMAIL), ONE_CLICK)

    answer = desk.press(path)

    assert answer.status_code == 410
    assert "Sign up again" in words(answer)
    assert desk.person(EMAIL).state is State.UNSUBSCRIBED


@pytest.mark.parametrize("by", ["its own page", "the confirm page"])
def test_this_was_not_me_ends_it_for_good(desk: Desk, by: str) -> None:
    desk.sign_up(EMAIL)
    desk.work()
    confirm, decline = desk.link(Purpose.CONFIRM, EMAIL), desk.link(Purpose.DECLINE, EMAIL)

    asked = desk.get(decline)
    done = desk.press(decline) if by == "its own page" else desk.press(confirm, {"decline": "1"})
    desk.now += 30 * DAY
    again, late = desk.press(decline), desk.press(confirm)
    desk.sign_up(EMAIL)
    desk.work()

    assert "It was not you?" in words(asked)
    assert (done.status_code, again.status_code, late.status_code) == (200, 200, 410)
    assert "will not write to you again" in words(done)
    assert desk.person(EMAIL).state is State.SUPPRESSED
    assert [event for event, _ in history(desk)] == [ConsentEvent.ASKED, ConsentEvent.DECLINED]


# --- unsubscribe -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("multipart", [False, True])
@pytest.mark.parametrize("slash", ["", "/"])
def test_one_click_unsubscribes_without_anything_but_the_link(desk_of_each: Desk, multipart: bool, slash: str) -> None:
    """RFC 8058 3.1, M-15: either form type, no cookie, no redirect, committed before the 200, and again as often as they like."""
    desk = desk_of_each
    desk.joined(EMAIL)
    path = desk.link(Purpose.UNSUBSCRIBE, EMAIL) + slash

    answers = [
        desk.post(path, files={"List-Unsubscribe": (None, "One-Click")}) if multipart else desk.post(path, ONE_CLICK)
        for _ in range(3)
    ]

    for answer in answers:
        assert answer.status_code == 200
        assert len(answer.content) < 100
        assert "Set-Cookie" not in answer.headers
    assert desk.person(EMAIL).state is State.UNSUBSCRIBED
    assert history(desk)[-1] == (ConsentEvent.WITHDRAWN, Method.ONE_CLICK)
    assert len(history(desk)) == 3


def test_a_mail_system_that_changes_case_does_no_harm(desk: Desk) -> None:
    desk.joined(EMAIL)
    token = desk.link(Purpose.UNSUBSCRIBE, EMAIL).rpartition("/")[2]

    assert desk.post(f"unsubscribe/{token.upper()}", ONE_CLICK).status_code == 200
    assert desk.person(EMAIL).state is State.UNSUBSCRIBED


def test_the_page_unsubscribes_by_its_button_and_offers_less(desk: Desk) -> None:
    desk.joined(EMAIL)
    path = desk.link(Purpose.UNSUBSCRIBE, EMAIL)

    asked = desk.get(path)
    done = desk.press(path, {"unsubscribe": "yes"})

    assert "r•••@e•••.org" in words(asked)
    assert "One letter a week" in words(asked)
    assert "Pause for 30 days" in words(asked)
    assert done.status_code == 200
    assert "You are unsubscribed" in words(done)
    assert "Subscribe again" in words(done)
    assert history(desk)[-1] == (ConsentEvent.WITHDRAWN, Method.LINK)


@pytest.mark.parametrize("fields", [{}, {"List-Unsubscribe": "one-click"}, {"x": "y"}, {"unsubscribe": ""}])
def test_a_post_that_does_not_say_so_unsubscribes_nobody(desk: Desk, fields: dict[str, str]) -> None:
    desk.joined(EMAIL)
    before = desk.dump()

    answer = desk.post(desk.link(Purpose.UNSUBSCRIBE, EMAIL), fields)

    assert answer.status_code == 200
    assert "Unsubscribe?" in words(answer)
    assert desk.dump() == before


def test_an_erased_subscriber_is_told_that_nothing_comes(desk: Desk) -> None:
    desk.joined(EMAIL)
    unsubscribe, preferences = desk.link(Purpose.UNSUBSCRIBE, EMAIL), desk.link(Purpose.PREFERENCES, EMAIL)
    confirm = desk.link(Purpose.CONFIRM, EMAIL)
    erase(desk.store, desk.settings, EMAIL, now=desk.now)

    assert desk.post(unsubscribe, ONE_CLICK).status_code == 200
    assert "Nothing is sent" in words(desk.get(unsubscribe))
    assert desk.get(preferences).status_code == 410
    assert desk.press(preferences, {"do": "resubscribe"}).status_code == 410
    assert desk.press(confirm).status_code == 410


# --- preferences -----------------------------------------------------------------------------------------------------


def test_everything_can_be_changed_without_a_password(desk_of_each: Desk) -> None:
    desk = desk_of_each
    desk.joined(EMAIL)
    path = desk.link(Purpose.PREFERENCES, EMAIL)
    told = []

    for fields in (
        {"do": "save", "cadence": "each", "topics": ["money", "chips"]},
        {"do": "pause", "days": "7"},
        {"do": "pause"},
        {"do": "resume"},
        {"do": "weekly"},
        {"do": "unsubscribe"},
        {"do": "resubscribe"},
    ):
        answer = desk.press(path, fields)
        assert answer.status_code == 200
        told.append(words(answer))

    person = desk.person(EMAIL)
    assert (person.state, person.choice) == (State.ACTIVE, Choice(Cadence.WEEKLY, frozenset({"money", "chips"})))
    assert [event for event, _ in history(desk)][2:] == [
        ConsentEvent.CHANGED,
        ConsentEvent.PAUSED,
        ConsentEvent.PAUSED,
        ConsentEvent.RESUMED,
        ConsentEvent.CHANGED,
        ConsentEvent.WITHDRAWN,
        ConsentEvent.RETURNED,
    ]
    for said, text in zip(
        (
            "Saved.",
            "rests until 30 November 2026",
            "rests until you come back",
            "go on",
            "one letter a week",
            "You are unsubscribed",
            "Welcome back",
        ),
        told,
        strict=True,
    ):
        assert said in text


def test_the_page_shows_what_was_chosen(desk: Desk) -> None:
    desk.joined(EMAIL)
    path = desk.link(Purpose.PREFERENCES, EMAIL)

    desk.press(path, {"cadence": "weekly", "topics": ["power", "chips"]})

    page = desk.get(path).text
    assert 'value="weekly" checked' in page
    assert 'value="daily">' in page
    assert [
        topic for topic in ("money", "power", "chips", "adoption", "policy") if f'value="{topic}" checked' in page
    ] == [
        "power",
        "chips",
    ]


def test_a_pause_that_is_over_is_none(desk: Desk) -> None:
    desk.joined(EMAIL)
    path = desk.link(Purpose.PREFERENCES, EMAIL)
    desk.press(path, {"do": "pause", "days": "7"})
    desk.now += 8 * DAY

    assert "comes to r•••@e•••.org" in words(desk.get(path))


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "save", "cadence": "hourly"},
        {"do": "save", "cadence": "daily", "topics": "sports"},
        {"do": "pause", "days": "8"},
        {"do": "pause", "days": "-1"},
        {"do": "pause", "days": "٧"},
        {"do": "<script>"},
    ],
)
def test_what_the_page_does_not_offer_is_refused_and_said(desk: Desk, fields: dict[str, str]) -> None:
    desk.joined(EMAIL)
    before = desk.dump()

    answer = desk.press(desk.link(Purpose.PREFERENCES, EMAIL), fields)

    assert answer.status_code == 422
    assert "lease" in words(answer) or "no topic" in words(answer)
    assert desk.dump() == before


def test_who_was_suppressed_is_not_brought_back_by_a_link(desk: Desk) -> None:
    desk.joined(EMAIL)
    path = desk.link(Purpose.PREFERENCES, EMAIL)
    desk.press(desk.link(Purpose.DECLINE, EMAIL))
    before = desk.dump()

    answers = [desk.press(path, {"do": do}) for do in ("resubscribe", "resume", "pause", "unsubscribe", "weekly")]

    assert {answer.status_code for answer in answers} == {200}
    assert all("do not write to this address" in words(answer) for answer in answers)
    assert desk.dump() == before


def test_a_confirmation_is_kept_with_the_letter_and_the_link_that_brought_it(desk: Desk) -> None:
    """P-01: the words of the page, the Message-ID of the letter that asked, and a hash of the token; never the token."""
    shutil.copytree(REPOSITORY / "theme" / "assets" / "css", desk.settings.root / "theme" / "assets" / "css")
    desk.sign_up(EMAIL)
    desk.work()
    with mail_server() as server:
        transport = open_transport(desk.settings.model_copy(update={"smtp_url": server.url}))
        send_notices(desk.store, desk.settings, transport, clock=lambda: desk.now)
    link = desk.link(Purpose.CONFIRM, EMAIL)

    desk.press(link, {"confirm": "yes"}, headers={"User-Agent": "Browser/1.0 " + "x" * 200})

    with desk.store.reading() as c:
        confirmed = consents.of(c, desk.person(EMAIL).id)[-1]
    assert confirmed.event is ConsentEvent.CONFIRMED
    assert confirmed.wording == confirm_wording(desk.settings)
    assert confirmed.language == "en"
    assert confirmed.trace is not None
    assert confirmed.trace.message_id == server.received[0].message["Message-ID"]
    assert confirmed.trace.token == hashlib.sha256(link.rpartition("/")[2].encode()).hexdigest()
    assert confirmed.trace.agent is not None
    assert len(confirmed.trace.agent) == 120
    assert link.rpartition("/")[2] not in repr(desk.dump())
