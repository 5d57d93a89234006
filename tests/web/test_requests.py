"""See everything, erase everything: by a link that is mailed afresh, once, within a day (P-04, P-05, T-07, T-08)."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.mail.person import SCHEMA_PATH
from pipeline.mail.tokens import Purpose
from pipeline.store import consents, subscribers
from pipeline.store.consents import ConsentEvent, Method
from tests.web.conftest import Desk, words

EMAIL = "reader@example.org"
DAY = dt.timedelta(days=1)


def ask(desk: Desk, what: str) -> str:
    """Press the button on the page of preferences; what it answers."""
    answer = desk.press(desk.link(Purpose.PREFERENCES, EMAIL), {"do": what})
    assert answer.status_code == 200
    return words(answer)


def test_a_reader_gets_everything_by_a_mailed_link(desk_of_each: Desk) -> None:
    """P-04: asked for behind the link in any letter; the archive comes by the fresh link alone."""
    desk = desk_of_each
    desk.joined(EMAIL)
    told = ask(desk, "export")
    link = desk.link(Purpose.EXPORT, EMAIL)
    page = desk.get(link)

    archive = desk.press(link, {"export": "yes"})
    again = desk.press(link, {"export": "yes"})

    assert "on its way to r•••@e•••.org" in told
    assert EMAIL not in page.text
    assert archive.headers["Content-Type"] == "application/zip"
    assert archive.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        found = json.loads(files.read("everything.json"))
    assert found["email"] == EMAIL
    assert [row["event"] for row in found["consents"]] == ["asked", "confirmed"]
    assert found["requests"][0]["used_at"] is not None
    assert (again.status_code, "used" in words(again)) == (410, True)


def test_the_schema_is_published(desk: Desk) -> None:
    """P-04: whoever reads the archive with a program knows what it holds."""
    answer = desk.get(SCHEMA_PATH)

    assert answer.status_code == 200
    assert {"email", "consents", "deliveries", "bounces"} <= set(answer.json()["properties"])


def test_a_reader_erases_everything_by_a_mailed_link(desk_of_each: Desk) -> None:
    """P-05: the button behind the fresh link does it, before the answer; the old links lead nowhere."""
    desk = desk_of_each
    person = desk.joined(EMAIL)
    preferences = desk.link(Purpose.PREFERENCES, EMAIL)
    told = ask(desk, "erase")
    link = desk.link(Purpose.ERASE, EMAIL)

    answer = desk.press(link, {"erase": "yes"})
    again = desk.get(link)

    assert "Nothing is erased before" in told
    assert "all that we kept about it is gone" in words(answer)
    assert again.status_code == desk.get(preferences).status_code == 410
    with desk.store.reading() as c:
        gone = subscribers.by_ref(c, person.ref)
        assert gone is not None
        assert (gone.email, gone.state.value) == ("", "suppressed")
        last = consents.of(c, person.id)[-1]
    assert (last.event, last.method) == (ConsentEvent.ERASED, Method.LINK)
    assert "reader@" not in repr(desk.dump())


def test_only_the_reader_can_sign_up_again(desk: Desk) -> None:
    """P-07: after an erasure a fresh sign-up and its confirmation bring somebody back, and nothing else."""
    desk.joined(EMAIL)
    desk.press(desk.link(Purpose.ERASE, EMAIL))

    assert desk.joined(EMAIL).state.value == "active"


@pytest.mark.parametrize("purpose", [Purpose.EXPORT, Purpose.ERASE])
def test_a_link_of_yesterday_does_nothing(desk: Desk, purpose: Purpose) -> None:
    """T-07"""
    desk.joined(EMAIL)
    link = desk.link(purpose, EMAIL)
    desk.now += DAY
    before = desk.dump()

    answer = desk.press(link)

    assert (answer.status_code, "24 hours" in words(answer)) == (410, True)
    assert desk.dump() == before


def test_of_two_presses_at_once_one_counts(desk_of_each: Desk) -> None:
    """T-07: the archive is handed out once, and a person is erased once."""
    desk = desk_of_each
    desk.joined(EMAIL)
    for purpose, good in ((Purpose.EXPORT, "application/zip"), (Purpose.ERASE, "text/html; charset=utf-8")):
        link = desk.link(purpose, EMAIL)
        nonce = desk.nonce(desk.get(link).text)
        desk.now += dt.timedelta(seconds=2)

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _, link=link, nonce=nonce: desk.post(link, {"nonce": nonce}), range(4)))

        fine = [answer for answer in answers if answer.status_code == 200]
        assert [answer.headers["Content-Type"] for answer in fine] == [good]


def test_who_was_forwarded_a_letter_can_neither_see_nor_erase(desk: Desk) -> None:
    """T-08: its links show a masked address, and hand out or erase nothing; what they can do, its reader can undo."""
    desk.joined(EMAIL)
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES):
        link = desk.link(purpose, EMAIL)
        for fields in ({"do": "export"}, {"do": "erase"}, {"export": "yes"}, {"erase": "yes"}):
            answer = desk.press(link, fields)
            assert EMAIL not in answer.text
            assert "zip" not in answer.headers["Content-Type"]
    stolen = desk.link(Purpose.PREFERENCES, EMAIL).rpartition("/")[2]
    for page in ("export", "erase"):
        assert desk.get(f"{page}/{stolen}").status_code == 404

    assert desk.person(EMAIL).email == EMAIL
