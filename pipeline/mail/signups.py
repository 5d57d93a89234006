"""Sign-ups: the form's door and the worker behind it.

    form | record_signup | row in `signups` | handle_signups | question asked, notice written

The door does the same work for every address, so that neither the answer nor its time tells whether we know it (T-01, T-02). The
worker looks the address up. The notices are sent by `mail/notices.py`.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable

from pipeline.config import Settings
from pipeline.errors import AddressError
from pipeline.keys import Keys, load_keys
from pipeline.mail import lifecycle
from pipeline.mail.addresses import parse_address
from pipeline.store import Store, consents, signups
from pipeline.store.consents import Evidence, Method

log = logging.getLogger("opensignal")

# The owner's promise. The site's form says it too, in theme/partials/signup.html.
TITLE = "Get the signal in your inbox"
PROMISE = "Free. Sourced. AI-written. The AI buildout, daily."
NO_SPAM = "No spam. Unsubscribe anytime."
CONFIRM_FIRST = "One e-mail asks you to confirm."

# All that the form says, in the order of the page: kept with every consent that it brings.
FORM_WORDING = f"""\
{TITLE}
{PROMISE}
E-mail address
Subscribe
How often
Daily
Weekly
Each article
{NO_SPAM} {CONFIRM_FIRST}"""


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
        shown = consents.remember_wording(connection, wording, now=now) if wording else None
        signups.add(connection, address.email, choice, Evidence(method, page, shown), now=now)


def handle_signups(store: Store, settings: Settings, *, now: dt.datetime, limit: int = 1_000) -> int:
    """Look at up to *limit* sign-ups that wait, oldest first; returns how many.

    Each is one transaction: a crash leaves it waiting, and two workers at once share them out.
    """
    key = load_keys(settings.state_dir, "suppression")
    count = 0
    while count < limit and _waiting(store) and _handle_one(store, key, now=now):
        count += 1
    return count


def _waiting(store: Store) -> bool:
    """Look without writing first: on SQLite an idle worker must not lock out the form."""
    with store.reading() as connection:
        return signups.waiting(connection)


def _handle_one(store: Store, key: Keys, *, now: dt.datetime) -> bool:
    with store.writing() as connection:
        signup = signups.take(connection)
        if signup is None:
            return False
        try:
            address = parse_address(signup.email)
        except (
            AddressError
        ):  # the rules have become stricter since the form took it; waiting, it would hold up all the others
            log.warning("sign-up %d was dropped: mail cannot be sent to its address", signup.id)
            return True
        lifecycle.sign_up_requested(
            connection, address, signup.choice, signup.evidence, asked_at=signup.at, key=key, now=now
        )
        return True
