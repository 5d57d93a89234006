"""What the forms ask, and what pages load: nothing ticked, nothing needed but an address (P-02, P-13), nothing of others (P-10)."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from pipeline.mail.tokens import Purpose
from pipeline.store import tables
from tests import loaded
from tests.web.conftest import REPOSITORY, Desk

EMAIL = "reader@example.org"
ASKED = {"email", "cadence", "topics"}  # of a person; the rest is against machines
AGAINST_MACHINES = {"website", "decoy", "nonce", "altcha", "shown", "proof", "challenge", "again", "form"}


class Inputs(HTMLParser):
    """Every field of a page, with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("input", "select", "textarea"):
            self.found.append({"tag": tag, **dict(attrs)})

    def named(self) -> list[dict[str, str | None]]:
        return [field for field in self.found if field.get("name")]


def forms(desk: Desk) -> list[str]:
    """The form on the mailing pages, and the one that stands on every page of the site."""
    partial = (REPOSITORY / "theme" / "partials" / "signup.html").read_text("utf-8")
    return [desk.get("subscribe").text, partial]


def test_nothing_is_ticked_beforehand(desk: Desk) -> None:
    """P-02: a box is ticked by who wants it; how often is one choice, not a second purpose."""
    for form in forms(desk):
        boxes = [field for field in Inputs(form).found if field.get("type") == "checkbox"]
        assert [box for box in boxes if "checked" in box] == []


def test_joining_is_tied_to_nothing_else(desk: Desk) -> None:
    """P-02, P-13: an address is all that is needed; what else is asked is how often and on what."""
    for form in forms(desk):
        fields = Inputs(form).named()
        names = {str(field["name"]) for field in fields}
        needed = {field["name"] for field in fields if "required" in field}
        assert needed == {"email"}
        assert names - AGAINST_MACHINES <= ASKED
    answer = desk.sign_up(EMAIL)
    desk.work()

    assert answer.status_code == 200
    assert desk.person(EMAIL).choice.topics == frozenset()


def test_nothing_else_about_a_person_has_a_column() -> None:
    """P-13: address, cadence, topics, and where they stand. Who adds a column here asks more of people."""
    assert set(tables.subscribers.c.keys()) == {
        *("id", "ref", "email", "email_key", "state", "cadence", "topics", "created_at", "confirmed_at", "paused_until")
    }


def test_leaving_is_as_easy_as_joining(desk: Desk) -> None:
    """P-02: one press behind the link, no login, no question first; joining takes a form and a confirmation."""
    desk.joined(EMAIL)
    page = desk.get(desk.link(Purpose.UNSUBSCRIBE, EMAIL)).text

    desk.press(desk.link(Purpose.UNSUBSCRIBE, EMAIL), {"unsubscribe": "yes"})

    assert [field for field in Inputs(page).named() if field.get("type") != "hidden"] == []
    assert desk.person(EMAIL).state.value == "unsubscribed"


@pytest.mark.parametrize("purpose", Purpose)
def test_no_mailing_page_loads_anything_from_anybody_else(desk: Desk, purpose: Purpose) -> None:
    """P-10: no picture, script, font or style but our own; no cookie either."""
    desk.joined(EMAIL)
    for path in (desk.link(purpose, EMAIL), "subscribe"):
        answer = desk.get(path)
        read = loaded.read(answer.text)
        assert loaded.foreign(read.found, base=desk.url) == []
        assert read.small == []
        assert "Set-Cookie" not in answer.headers
        assert re.search(r"default-src 'none'", answer.headers["Content-Security-Policy"])
