"""Sign-ups: the form's door and the worker behind it.

    form | write_signups | row in `signups` | handle_signups | limits | question asked, notice written

The door does the same work for every address, so that neither the answer nor its time tells whether we know it (T-01, T-02). The
worker looks the address up, and counts each mail against the limits of `caps`. The notices are sent by `mail/notices.py`.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pipeline.config import Settings
from pipeline.errors import AddressError
from pipeline.keys import load_keys
from pipeline.mail import caps, lifecycle
from pipeline.mail.addresses import Address, parse_address
from pipeline.mail.caps import Refusal
from pipeline.model import Choice
from pipeline.store import Connection, Store, consents, limits, signups, solved
from pipeline.store.consents import Evidence, Method, Trace
from pipeline.store.notices import NoticeKind
from pipeline.store.signups import Signup

log = logging.getLogger("opensignal")

REST = 0.002  # seconds between two sign-ups, in which the form gets its turn to write
WAITS_AT_MOST = dt.timedelta(days=7)  # what a limit holds back for longer, nobody waits for any more

# The site's form says these too, in theme/partials/signup.html.
NO_SPAM = "No spam. Unsubscribe anytime."
CONFIRM_FIRST = "One e-mail asks you to confirm."


def form_wording(settings: Settings) -> str:
    """All that the form says, in the order of the page: kept with every consent that it brings."""
    promise = promise_of(settings)
    said = (title_of(settings), promise, "E-mail address", "Subscribe", "How often", "Daily", "Weekly", "Each article")
    return "\n".join([*filter(None, said), f"{NO_SPAM} {CONFIRM_FIRST}"])


def title_of(settings: Settings) -> str:
    """What stands above the form."""
    return f"Get {settings.site_name} in your inbox"


def promise_of(settings: Settings) -> str:
    """What the newsletter says of itself in a line: nothing, where its owner does not."""
    return " ".join(settings.site_description.split())


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody typed into a form, checked: `read_form` made it."""

    address: Address
    choice: Choice
    method: Method
    page: str | None
    wording: str | None
    at: dt.datetime
    language: str | None = None
    trace: Trace | None = None
    proven: bool = True  # by a proof of work


def record_signup(
    store: Store,
    *,
    email: str,
    cadence: str,
    topics: Iterable[str],
    known_topics: Collection[str],
    method: Method,
    page: str | None,
    wording: str | None,
    now: dt.datetime,
) -> None:
    """Write down that somebody typed *email* into the form on *page*, which showed the words *wording*.

    Raises `AddressError` or `lifecycle.ChoiceError` for what the visitor must mend, `StoreError` when it cannot be written.
    """
    address = parse_address(email)
    choice = lifecycle.parse_choice(cadence, topics, known=known_topics)
    with store.writing() as connection:
        write_signups(connection, [Asked(address, choice, method, page, wording, now)])


def write_signups(connection: Connection, asked: Sequence[Asked]) -> None:
    """Write down many at once, for the worker to look at."""
    shown = {
        text: consents.remember_wording(connection, text, now=max(each.at for each in asked))
        for text in sorted({each.wording for each in asked if each.wording})
    }
    signups.add_many(
        connection,
        [
            Signup(
                each.address.email,
                each.choice,
                Evidence(each.method, each.page, shown.get(each.wording or ""), each.language, each.trace),
                each.at,
                each.proven,
            )
            for each in asked
        ],
    )


# --- the worker ---------------------------------------------------------------------------------------------------------------


def handle_signups(store: Store, settings: Settings, *, now: dt.datetime, limit: int = 1_000) -> int:
    """Look at up to *limit* sign-ups that are due, oldest first; returns how many.

    Each is one transaction: a crash leaves it waiting, and two workers at once share them out. Where the limit of all is reached,
    the rest waits for another round.
    """
    count = 0
    desk = _Desk(store, settings, now)
    while count < limit and _waiting(store, now=now) and desk.handle_one():
        count += 1
        time.sleep(REST)
    _sweep(store, now=now)
    return count


def _waiting(store: Store, *, now: dt.datetime) -> bool:
    """Look without writing first: on SQLite an idle worker must not lock out the form."""
    with store.reading() as connection:
        return signups.waiting(connection, now=now)


class _Full(Exception):
    """The limit of all is reached."""


class _Desk:
    """One round of the worker."""

    def __init__(self, store: Store, settings: Settings, now: dt.datetime) -> None:
        self._store = store
        self._settings = settings
        self._now = now
        self._suppression_keys = load_keys(settings.state_dir, "suppression")
        self._per_hour = 0

    def handle_one(self) -> bool:
        """Handle the oldest sign-up. False when there is none, or when it must wait and all others behind it."""
        try:
            with self._store.writing() as connection:
                signup = signups.take(connection, now=self._now)
                if signup is None:
                    return False
                self._handle(connection, signup)
                return True
        except _Full:
            self._tell_of_flood()
            return False

    def _handle(self, connection: Connection, signup: Signup) -> None:
        if self._now - signup.at > WAITS_AT_MOST:
            log.warning("sign-up %d was dropped: it has waited for a week", signup.id)
            return
        try:
            address = parse_address(signup.email)
        except AddressError:  # the rules are stricter than when the form took it; waiting, it would hold up all others
            log.warning("sign-up %d was dropped: mail cannot be sent to its address", signup.id)
            return
        attempt = connection.begin_nested()
        refused = self._ask(connection, address, signup)
        if refused is None:
            attempt.commit()
            return
        attempt.rollback()
        why, seconds = refused
        if why is Refusal.SERVICE:
            raise _Full
        if why is Refusal.DOMAIN:
            signups.put_off(connection, signup, until=self._now + dt.timedelta(seconds=seconds))

    def _ask(self, connection: Connection, address: Address, signup: Signup) -> tuple[Refusal, float] | None:
        """Do what was asked for; or which limit its mail would break, and for how many seconds."""
        kind = lifecycle.sign_up_requested(
            connection,
            address,
            signup.choice,
            signup.evidence,
            asked_at=signup.at,
            key=self._suppression_keys,
            now=self._now,
        )
        if kind is None or not self._settings.signup_limits:
            return None
        return caps.admit(
            connection,
            address,
            asks=kind is NoticeKind.CONFIRM,
            proven=signup.proven,
            per_hour=self._limit_of_all(connection),
            suppression_keys=self._suppression_keys,
            key=load_keys(self._settings.state_dir, "token").newest,
            now=self._now,
        )

    def _limit_of_all(self, connection: Connection) -> int:
        self._per_hour = self._per_hour or self._settings.signups_per_hour
        self._per_hour = self._per_hour or caps.usual_per_hour(connection, now=self._now)
        return self._per_hour

    def _tell_of_flood(self) -> None:
        with self._store.writing() as connection:
            is_news = caps.begin_flood(connection, now=self._now)
            number = signups.number(connection)
        if is_news:
            log.warning(
                "sign-ups: more than %d an hour want mail; %d wait, and the form asks browsers for eight times the work; "
                "if this is no attack, raise signups_per_hour",
                self._per_hour,
                number,
            )


def _sweep(store: Store, *, now: dt.datetime) -> None:
    """Forget counts and proofs that say nothing any more: of a client, at most a day and a minute after its first sign-up."""
    before = now - dt.timedelta(minutes=1)
    with store.reading() as connection:
        if not limits.any_over(connection, now=before) and not solved.any_over(connection, now=before):
            return
    with store.writing() as connection:
        limits.sweep(connection, now=now)
        solved.sweep(connection, now=now)
