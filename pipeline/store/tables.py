"""The tables, the same for SQLite and Postgres. `migrations/versions` makes them; a test holds the two against each other.

Who reads stands in `subscribers` alone: every other table knows a person by number, so that erasing one row erases the person.
`consents` and `wordings` are only ever added to; triggers refuse the rest.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

BigId = sa.BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only in an INTEGER key


class UtcTime(sa.types.TypeDecorator[dt.datetime]):
    """An aware time, kept in UTC. SQLite has no such type and would drop the zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        assert value.tzinfo is not None, "times are aware"
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _id() -> Column[Any]:
    return Column("id", BigId, primary_key=True, autoincrement=True)


# --- who reads ---------------------------------------------------------------------------------------------------------------

subscribers = Table(
    "subscribers",
    metadata,
    _id(),
    Column("ref", String(32), nullable=False, unique=True),  # random; stands in links, says nothing
    Column("email", Text),  # as mail is sent to it; NULL once erased
    Column("email_key", Text, unique=True),  # canonical form: one row per mailbox
    Column("state", String(16), nullable=False),
    Column("cadence", String(16), nullable=False),
    Column("topics", Text, nullable=False, default=""),  # ids, sorted, comma-separated; empty: all
    Column("created_at", UtcTime, nullable=False),
    Column("confirmed_at", UtcTime),
    Column("paused_until", UtcTime),
    Index("ix_subscribers_due", "cadence", "state", "id"),
    sqlite_autoincrement=True,  # a number is never given twice, not even after an erasure
)

wordings = Table(
    "wordings",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of the text
    Column("text", Text, nullable=False),
    Column("first_shown_at", UtcTime, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    _id(),
    Column("subscriber_id", BigId, ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("event", String(24), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("method", String(16), nullable=False),  # form | api | link | one-click | import | command | bounce
    Column("cadence", String(16)),
    Column("topics", Text),
    Column("wording", String(64), ForeignKey("wordings.hash")),
    Column("page", Text),  # address of the page that asked
    Column("detail", Text),  # source and basis of an import, reason of a suppression
)

confirmations = Table(
    "confirmations",
    metadata,
    _id(),
    Column("ref", String(32), nullable=False, unique=True),  # random; stands in the link, signed
    Column("subscriber_id", BigId, ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("cadence", String(16), nullable=False),  # what was asked for; takes effect when confirmed
    Column("topics", Text, nullable=False, default=""),
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("hash", String(64), primary_key=True),  # keyed hash of the canonical address; survives erasure
    Column("reason", String(16), nullable=False),  # bounce | complaint | erased | not-me | unsubscribed | imported
    Column("at", UtcTime, nullable=False),
)

signups = Table(  # what the form took in, not yet looked at: the answer is the same and as fast for every address
    "signups",
    metadata,
    _id(),
    Column("email", Text, nullable=False),
    Column("cadence", String(16), nullable=False),
    Column("topics", Text, nullable=False, default=""),
    Column("method", String(16), nullable=False),
    Column("wording", String(64), ForeignKey("wordings.hash")),
    Column("page", Text),
    Column("at", UtcTime, nullable=False),
)

# --- what was sent -------------------------------------------------------------------------------------------------------------

workers = Table(  # processes that send; their number is the fencing token of what they claim
    "workers",
    metadata,
    _id(),
    Column("host", Text, nullable=False),
    Column("task", String(120), nullable=False),  # key of the issue that it sends
    Column("process", Text, nullable=False),  # boot id, pid and start time: tells whether it still lives
    Column("started_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

issues = Table(
    "issues",
    metadata,
    _id(),
    Column("key", String(120), nullable=False, unique=True),
    Column("cadence", String(16), nullable=False),
    Column("date", sa.Date, nullable=False),
    Column("closes_at", UtcTime, nullable=False),
    Column("slug", String(80)),
    Column("created_at", UtcTime, nullable=False),
    Column("planned_at", UtcTime),  # NULL while rows are still being planned
)

letters = Table(  # an issue as composed for one selection of articles, kept so that a repeat has the same bytes
    "letters",
    metadata,
    _id(),
    Column("issue_id", BigId, ForeignKey("issues.id"), nullable=False),
    Column("selection", String(64), nullable=False),  # SHA-256 of the articles' slugs, in order
    Column("subject", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),  # the whole message with blanks to stamp
    UniqueConstraint("issue_id", "selection"),
)

letter_articles = Table(
    "letter_articles",
    metadata,
    Column("letter_id", BigId, ForeignKey("letters.id"), primary_key=True),
    Column("slug", String(80), primary_key=True),
    Index("ix_letter_articles_slug", "slug"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("issue_id", BigId, ForeignKey("issues.id"), nullable=False),
    Column("subscriber_id", BigId, ForeignKey("subscribers.id"), nullable=False),
    Column("letter_id", BigId, ForeignKey("letters.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", UtcTime),  # when a deferred one is due again
    Column("worker_id", BigId),  # who claimed it
    Column("started_at", UtcTime),  # set before MAIL FROM: from here on it may be on the wire
    Column("finished_at", UtcTime),  # NULL while anything is still to be done
    Column("code", Integer),
    Column("enhanced", String(16)),
    Column("reply", Text),
    Index("uq_deliveries_issue_id", "issue_id", "subscriber_id", unique=True),
    Index(
        "ix_deliveries_open",
        "issue_id",
        "status",
        "id",
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    ),
    Index("ix_deliveries_subscriber_id", "subscriber_id"),
)

notices = Table(  # letters to one person about their subscription: confirmation, welcome, reminder of an existing one
    "notices",
    metadata,
    _id(),
    Column("kind", String(16), nullable=False),  # confirm | welcome | known
    Column("subscriber_id", BigId, ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("confirmation_id", BigId, ForeignKey("confirmations.id")),
    Column("status", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", UtcTime),
    Column("worker_id", BigId),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("code", Integer),
    Column("enhanced", String(16)),
    Column("reply", Text),
    Index(
        "ix_notices_open",
        "status",
        "id",
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    ),
)

# --- what we read --------------------------------------------------------------------------------------------------------------

feeds = Table(
    "feeds",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("url", Text, nullable=False),
    Column("etag", Text),  # exact bytes, as the server gave them
    Column("last_modified", Text),
    Column("next_at", UtcTime),
    Column("fetched_at", UtcTime),
    Column("ttl", Integer),  # seconds: what the feed itself last asked for; a 304 brings no feed to ask again
    Column("fails", Integer, nullable=False, default=0),  # since it last answered
    Column("failing_since", UtcTime),
    Column("last_status", Integer),
    Column("last_error", Text),
)

entries = Table(
    "entries",
    metadata,
    Column("feed_id", String(80), ForeignKey("feeds.id"), primary_key=True),
    Column("entry_id", String(64), primary_key=True),  # SHA-256 of the feed's own id: those have no limit
    Column("story", String(64), nullable=False, index=True),  # SHA-256 of the canonical URL, or of title and date
    Column("title", Text, nullable=False),
    Column("at", UtcTime, nullable=False, index=True),  # when published, or first seen where the feed does not say
    Column("card", Text, nullable=False),  # file name below content/inbox/; empty: passed by without a card
    Column("seen_at", UtcTime, nullable=False),
)
