"""A running web server on loopback, a browser without scripts, and a person to click links."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.keys import load_keys
from pipeline.mail.addresses import parse_address
from pipeline.mail.signups import handle_signups
from pipeline.mail.tokens import Purpose, new_ref, sign
from pipeline.model import Subscriber
from pipeline.store import Store, subscribers, tables
from pipeline.store import requests as stored_requests
from pipeline.store.requests import RequestKind
from pipeline.web import create_app, mount_site
from pipeline.web.server import serving

REPOSITORY = Path(__file__).parent.parent.parent


@dataclass
class Desk:
    """The mailing pages as seen from outside, and the database behind them as seen from inside."""

    url: str
    store: Store
    settings: Settings
    now: dt.datetime
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(self.url + path, timeout=20, allow_redirects=False, **more)

    def post(self, path: str, data: Any = None, **more: Any) -> requests.Response:
        return self.session.post(self.url + path, data=data, timeout=20, allow_redirects=False, **more)

    def press(self, path: str, data: Any = None, **more: Any) -> requests.Response:
        """Press a button of the page at *path*, as a person does: two seconds after looking at it."""
        nonce = self.nonce(self.get(path).text)
        self.now += dt.timedelta(seconds=2)
        return self.post(path, {**({"nonce": nonce} if nonce else {}), **(data or {})}, **more)

    @staticmethod
    def nonce(page: str) -> str:
        """The nonce of the forms on *page*; nothing where it has none."""
        found = re.search(r'name="nonce" value="([^"]+)"', page)
        return found[1] if found else ""

    def sign_up(self, email: str, **fields: Any) -> requests.Response:
        return self.post("subscribe", {"email": email, "cadence": "daily", **fields})

    def work(self) -> int:
        """The worker behind the form does its round."""
        return handle_signups(self.store, self.settings, now=self.now)

    def person(self, email: str) -> Subscriber:
        with self.store.reading() as connection:
            found = subscribers.find(connection, parse_address(email).key)
        assert found is not None
        return found

    def question(self, email: str) -> str:
        t = tables.confirmations.c
        with self.store.reading() as connection:
            query = sa.select(t.ref).where(t.subscriber_id == self.person(email).id).order_by(t.id.desc()).limit(1)
            return str(connection.execute(query).scalar_one())

    def request(self, kind: RequestKind, email: str) -> str:
        """The newest request of this kind; where there is none, one is made."""
        person = self.person(email).id
        with self.store.writing() as connection:
            found = [r.ref for r in stored_requests.of(connection, person) if r.kind is kind]
            if not found:
                found, until = [new_ref()], self.now + dt.timedelta(days=1)
                stored_requests.add(connection, person, kind, ref=found[0], asked_at=self.now, expires_at=until)
        return found[-1]

    def link(self, purpose: Purpose, email: str) -> str:
        """The path of a mailed link."""
        if purpose in (Purpose.CONFIRM, Purpose.DECLINE):
            ref = self.question(email)
        elif purpose in (Purpose.EXPORT, Purpose.ERASE):
            ref = self.request(RequestKind(purpose.value), email)
        else:
            ref = self.person(email).ref
        return f"{purpose.value}/{sign(load_keys(self.settings.state_dir, 'token').newest, purpose, ref)}"

    def joined(self, email: str) -> Subscriber:
        """Somebody who signed up and confirmed."""
        assert self.sign_up(email).status_code == 200
        self.work()
        assert self.press(self.link(Purpose.CONFIRM, email), {"confirm": "yes"}).status_code == 200
        return self.person(email)

    def dump(self) -> list[tuple[Any, ...]]:
        """Every row of every table."""
        with self.store.reading() as connection:
            every = tables.metadata.sorted_tables
            return [
                (table.name, *row)
                for table in every
                for row in connection.execute(sa.select(table).order_by(*table.primary_key))
            ]


def words(response: requests.Response) -> str:
    """What a person reads on the page."""
    body = re.sub(r"(?s)<head>.*?</head>", " ", response.text)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@contextmanager
def opened(store: Store, settings: Settings, now: dt.datetime) -> Iterator[Desk]:
    clock: list[Desk] = []
    app = create_app(store, settings, clock=lambda: clock[0].now)
    mount_site(app, settings.site_dir)
    with serving(app) as url:
        desk = Desk(url, store, settings, now)
        clock.append(desk)
        with desk.session:
            yield desk


@pytest.fixture
def desk(sqlite_store: Store, settings: Settings, now: dt.datetime) -> Iterator[Desk]:
    with opened(sqlite_store, settings, now) as desk:
        yield desk


@pytest.fixture
def desk_of_each(store: Store, settings: Settings, now: dt.datetime) -> Iterator[Desk]:
    """On SQLite, then on Postgres."""
    with opened(store, settings, now) as desk:
        yield desk
