"""What a person may ask for: a link that is mailed to them, works once, and for a day (P-04, P-05, T-07, T-08)."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest

from pipeline.config import Settings
from pipeline.errors import TokenError
from pipeline.keys import load_keys
from pipeline.mail import requests
from pipeline.mail.lifecycle import Outcome
from pipeline.mail.notices import send_notices
from pipeline.mail.tokens import Purpose, read, sign
from pipeline.mail.transport import open_transport
from pipeline.store import Store, subscribers, tables
from pipeline.store import requests as rows
from pipeline.store.requests import RequestKind
from tests.builders import add_subscribers
from tests.conftest import REPOSITORY
from tests.fakes import mail_server

HOUR = dt.timedelta(hours=1)
KINDS = list(RequestKind)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With the theme, whose colours letters have."""
    shutil.copytree(REPOSITORY / "theme" / "assets" / "css", settings.root / "theme" / "assets" / "css")
    return settings


def ask(store: Store, ref: str, kind: RequestKind, now: dt.datetime) -> Outcome:
    with store.writing() as c:
        return requests.ask(c, ref, kind, now=now).outcome


def use(store: Store, request: str, kind: RequestKind, now: dt.datetime) -> Outcome:
    with store.writing() as c:
        return requests.use(c, request, kind, now=now).outcome


def the_request(store: Store, ref: str) -> str:
    with store.reading() as c:
        person = subscribers.by_ref(c, ref)
        assert person is not None
        return rows.of(c, person.id)[-1].ref


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_works_once_and_for_a_day(store: Store, kind: RequestKind, now: dt.datetime) -> None:
    """T-07: the second press does nothing, and neither does one that comes too late."""
    early, late = add_subscribers(store, "early@example.org", "late@example.org")
    asked = [ask(store, ref, kind, now) for ref in (early, late)]

    told = [
        use(store, the_request(store, early), kind, now + HOUR),
        use(store, the_request(store, early), kind, now + HOUR),
        use(store, the_request(store, late), kind, now + 24 * HOUR),
        use(store, "0" * 32, kind, now),
    ]

    assert asked == [Outcome.DONE, Outcome.DONE]
    assert told == [Outcome.DONE, Outcome.SPENT, Outcome.EXPIRED, Outcome.GONE]


def test_a_link_to_see_cannot_erase(sqlite_store: Store, now: dt.datetime) -> None:
    """T-06: neither the row nor the token of one purpose serves the other."""
    [ref] = add_subscribers(sqlite_store, "a@example.org")
    ask(sqlite_store, ref, RequestKind.EXPORT, now)
    request = the_request(sqlite_store, ref)

    assert use(sqlite_store, request, RequestKind.ERASE, now) is Outcome.GONE
    with pytest.raises(TokenError):
        read(b"k" * 32, Purpose.ERASE, sign(b"k" * 32, Purpose.EXPORT, request))


def test_a_holder_of_a_forwarded_letter_cannot_bury_its_reader(sqlite_store: Store, now: dt.datetime) -> None:
    """T-08: one mail of a kind a day, whoever presses the button."""
    [ref] = add_subscribers(sqlite_store, "a@example.org")

    told = [ask(sqlite_store, ref, RequestKind.EXPORT, now + hours * HOUR) for hours in (0, 1, 23, 24)]

    assert told == [Outcome.DONE, Outcome.ALREADY, Outcome.ALREADY, Outcome.DONE]
    with sqlite_store.reading() as c:
        assert len(c.execute(tables.notices.select()).all()) == 2


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("active", Outcome.DONE),
        ("paused", Outcome.DONE),
        ("unsubscribed", Outcome.DONE),
        ("suppressed", Outcome.REFUSED),
        ("pending", Outcome.REFUSED),
    ],
)
def test_no_letter_goes_to_who_is_suppressed(
    sqlite_store: Store, state: str, outcome: Outcome, now: dt.datetime
) -> None:
    """P-07: they are told to write to the editors."""
    [ref] = add_subscribers(sqlite_store, "a@example.org", state=state)

    assert ask(sqlite_store, ref, RequestKind.ERASE, now) is outcome


@pytest.mark.parametrize("kind", KINDS)
def test_the_letter_is_plain_and_holds_the_link_alone(
    store: Store, settings: Settings, kind: RequestKind, now: dt.datetime
) -> None:
    """M-41, P-09: fixed words, one link, the postal address, nothing to unsubscribe from; who unsubscribed gets it too."""
    [ref] = add_subscribers(store, "reader@example.org", state="unsubscribed")
    ask(store, ref, kind, now)
    with mail_server() as server:
        tally = send_notices(
            store,
            settings.model_copy(update={"smtp_url": server.url}),
            _transport(settings, server.url),
            clock=lambda: now,
        )

    [letter] = server.received
    text, html = letter.text(), letter.html()
    key = load_keys(settings.state_dir, "token").newest
    link = f"{settings.web_url}{kind.value}/{sign(key, Purpose(kind.value), the_request(store, ref))}"
    assert sum(tally.values()) == 1
    assert link in text
    assert f'href="{link}"' in html
    assert text.count("https://") == html.count("https://") == 1
    assert settings.postal_address in " ".join(text.split())
    assert "List-Unsubscribe" not in letter.message
    assert "reader@" not in text + html
    assert len(letter.data) < 15_000


def _transport(settings: Settings, url: str):  # type: ignore[no-untyped-def]
    return open_transport(settings.model_copy(update={"smtp_url": url}))


def test_a_link_that_was_used_is_not_mailed_again(sqlite_store: Store, settings: Settings, now: dt.datetime) -> None:
    [ref] = add_subscribers(sqlite_store, "a@example.org")
    ask(sqlite_store, ref, RequestKind.EXPORT, now)
    use(sqlite_store, the_request(sqlite_store, ref), RequestKind.EXPORT, now)

    with mail_server() as server:
        send_notices(sqlite_store, settings, _transport(settings, server.url), clock=lambda: now)

    assert server.received == []
