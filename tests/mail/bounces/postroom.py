"""Letters that have left, and what comes back of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.keys import load_keys
from pipeline.mail import tokens, verp
from pipeline.mail.bounces.intake import Finding, Intake, News, event_key, take_in
from pipeline.mail.bounces.reading import Kind
from pipeline.mail.bounces.whose import Clues
from pipeline.mail.stamp import message_id as mark_of
from pipeline.mail.tokens import Purpose
from pipeline.model import BounceClass, State
from pipeline.store import Store, tables
from tests.builders import add_subscribers

DEAD = Finding(category=BounceClass.ADDRESS, status="5.1.1", code=550, diagnostic="550 5.1.1 user unknown")
FULL = Finding(category=BounceClass.MAILBOX, status="5.2.2", code=552, diagnostic="552 5.2.2 mailbox full")
REFUSED = Finding(category=BounceClass.POLICY, status="5.7.1", code=550, diagnostic="550 5.7.1 no DKIM")
GONE = Finding(category=BounceClass.DOMAIN, status="5.1.2", diagnostic="no such domain")


@dataclass
class Postroom:
    """A newsletter that sends and hears; `now` is moved by the test."""

    store: Store
    settings: Settings
    now: dt.datetime
    came: int = 0

    # -- what is there

    def people(self, *emails: str, **more: Any) -> list[str]:
        return add_subscribers(self.store, *emails, **more)

    def state(self, ref: str) -> State:
        return State(self._one(sa.select(tables.subscribers.c.state).where(tables.subscribers.c.ref == ref)))

    def reason(self) -> list[str]:
        return [row.reason for row in self.rows(tables.suppressions)]

    def rows(self, table: sa.Table) -> list[Any]:
        with self.store.reading() as connection:
            return list(connection.execute(sa.select(table).order_by(*table.primary_key)))

    def actions(self) -> list[str]:
        return [row.action for row in self.rows(tables.bounces)]

    def issue(self, key: str = "") -> int:
        """An issue of this moment; the same one for the same key."""
        key = key or f"daily-{self.now:%Y-%m-%d}"
        with self.store.writing() as connection:
            found = connection.execute(sa.select(tables.issues.c.id).where(tables.issues.c.key == key)).scalar()
            if found is not None:
                return int(found)
            row = {
                "key": key,
                "cadence": "daily",
                "date": self.now.date(),
                "closes_at": self.now,
                "created_at": self.now,
            }
            number = connection.execute(tables.issues.insert().returning(tables.issues.c.id), row).scalar_one()
            letter = {"issue_id": number, "selection": "0" * 64, "subject": "A subject", "message": b"A letter"}
            connection.execute(tables.letters.insert(), letter)
            return int(number)

    def send(self, *refs: str, key: str = "", status: str = "sent") -> int:
        """The issue's letter leaves now for each of them; returns the issue."""
        issue = self.issue(key)
        t = tables
        with self.store.writing() as connection:
            letter = connection.execute(sa.select(t.letters.c.id).where(t.letters.c.issue_id == issue)).scalar_one()
            s = t.subscribers.c
            people = connection.execute(sa.select(s.id, s.email).where(s.ref.in_(refs))).all()
            rows = [
                {
                    "issue_id": issue,
                    "subscriber_id": person.id,
                    "letter_id": letter,
                    "domain": person.email.rpartition("@")[2],
                    "status": status,
                    "attempts": 1,
                    "finished_at": self.now if status == "sent" else None,
                }
                for person in people
            ]
            connection.execute(t.deliveries.insert(), rows)
        return issue

    # -- what comes back

    def envelope(self, ref: str, issue: int) -> str:
        return self._address(verp.About(verp.Kind.LETTER, ref, issue))

    def leaving(self, ref: str) -> str:
        return self._address(verp.About(verp.Kind.LEAVE, ref))

    def link(self, ref: str) -> str:
        token = tokens.sign(load_keys(self.settings.state_dir, "token"), Purpose.UNSUBSCRIBE, ref)
        return f"<{self.settings.web_url}unsubscribe/{token}>"

    def message_id(self, ref: str, key: str) -> str:
        return f"<{key}.{mark_of(load_keys(self.settings.state_dir, 'token').newest, key, ref)}@example.org>"

    def bounce(self, ref: str, issue: int, finding: Finding = DEAD, **changes: Any) -> News:
        """A bounce that came to the letter's own address."""
        return self.news(Clues(came_to=(self.envelope(ref, issue),)), findings=(finding,), **changes)

    def complaint(self, ref: str, issue: int, feedback: str = "abuse", **changes: Any) -> News:
        clues = Clues(returned=(self.envelope(ref, issue),))
        return self.news(clues, kind=Kind.COMPLAINT, feedback=feedback, **changes)

    def news(self, clues: Clues, *, kind: Kind = Kind.BOUNCE, **more: Any) -> News:
        self.came += 1
        return News(event_key(str(self.came)), kind, clues, **more)

    def take(self, *news: News) -> Intake:
        return take_in(self.store, self.settings, news, origin="test", now=self.now)

    def days(self, number: float) -> None:
        self.now += dt.timedelta(days=number)

    def _address(self, about: verp.About) -> str:
        return f"{verp.local_part(load_keys(self.settings.state_dir, 'token'), about)}@bounce.example.org"

    def _one(self, query: Any) -> Any:
        with self.store.reading() as connection:
            return connection.execute(query).scalar_one()


def said_of(finding: Finding, address: str) -> Finding:
    return replace(finding, address=address)
