"""The tables, the same for SQLite and Postgres. `migrations/versions` makes them; a test holds the two against each other.

Who reads stands in `subscribers`: the tables behind it know a person by number. What else is about a person, and goes with
them, is in `traces`, `requests`, `signups` and `bounces`. `consents` and `wordings` are only ever added to: triggers refuse the
rest, but for a consent whose time is over, and that only where a row of `cuts` keeps its place in the chain. Triggers also refuse
to claim a delivery to somebody who has left, and to bring a suppressed person back without a new confirmation.
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
    Column("language", String(35)),  # of the words (BCP 47)
    Column(
        "trace", String(64)
    ),  # SHA-256 over the row's salted `traces`: shows them unchanged, says nothing once they are erased
    Column("previous", String(64)),  # `hash` of the row before this one
    Column("hash", String(64)),  # SHA-256 over all of the above; NULL in rows from before there was a chain
)

chain = Table(  # one row: the head of the chain over `consents`; whoever adds to it locks this
    "chain",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("head", String(64), nullable=False),  # `hash` of the newest consent, empty before the first
)

cuts = Table(  # consents whose time is over: what is left of each is its link of the chain
    "cuts",
    metadata,
    Column("consent_id", BigId, primary_key=True, autoincrement=False),
    Column("hash", String(64)),
    Column("at", UtcTime, nullable=False),
)

traces = Table(  # where a consent came from, as far as it is about a person: deleted with them, while the consent stays
    "traces",
    metadata,
    Column("consent_id", BigId, ForeignKey("consents.id"), primary_key=True, autoincrement=False),
    Column("salt", String(32), nullable=False),
    Column("ip", Text),  # cut to /24 or /48
    Column("agent", String(120)),  # the browser's User-Agent
    Column("message_id", Text),  # of the confirmation
    Column("token", String(64)),  # SHA-256 of the link's token
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
    Column("key", String(16)),  # which key of the ring made the hash: the start of a hash of the key
)

departures = Table(  # how far each machine's file of departures has been compared with this database
    "departures",
    metadata,
    Column("file", String(32), primary_key=True),  # the file's own random id
    Column("offset", BigId, nullable=False),  # bytes
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
    Column("ip", Text),  # cut to /24 or /48
    Column("agent", String(120)),
    Column("language", String(35)),
    Column("proven", sa.Boolean, nullable=False, server_default=sa.true()),  # by a proof of work
    Column("due_at", UtcTime),  # not to be looked at before: a limit was reached
)

limits = Table(  # how much of something was used up; see `store/limits.py`
    "limits",
    metadata,
    Column("bucket", String(80), primary_key=True),  # what is limited, and a keyed hash of whom: no address, no IP
    Column("used", sa.Float, nullable=False),  # hits of a window, or the time at which a GCRA is full again
    Column("expires_at", UtcTime, nullable=False, index=True),
)

solved = Table(  # proofs of work that were spent: each counts once
    "solved",
    metadata,
    Column("challenge", String(64), primary_key=True),  # SHA-256 of its signature
    Column("expires_at", UtcTime, nullable=False, index=True),
)

requests = Table(  # a person asked for their data, or for its erasure, by a mailed link that works once
    "requests",
    metadata,
    _id(),
    Column("ref", String(32), nullable=False, unique=True),
    Column("subscriber_id", BigId, ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),  # export | erase
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
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
    Column(
        "control", String(16), nullable=False, default="sending", server_default="sending"
    ),  # sending | paused | cancelled
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
    Column(
        "domain", String(255), nullable=False, default="", server_default=""
    ),  # the recipient's: limits are kept for each
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("first_at", UtcTime),  # first attempt: how long to go on trying counts from here
    Column("next_at", UtcTime),  # when a deferred one is due again; NULL for one that waits for a person
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

delivery_counts = Table(  # what is left of an issue's deliveries when their time is over
    "delivery_counts",
    metadata,
    Column("issue_id", BigId, ForeignKey("issues.id"), primary_key=True, autoincrement=False),
    Column("status", String(16), primary_key=True),
    Column("number", BigId, nullable=False),
)

notices = Table(  # letters to one person about their subscription: confirmation, welcome, reminder of an existing one
    "notices",
    metadata,
    _id(),
    Column("kind", String(16), nullable=False),  # confirm | welcome | known | export | erase
    Column("subscriber_id", BigId, ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("confirmation_id", BigId, ForeignKey("confirmations.id")),
    Column("request_id", BigId, ForeignKey("requests.id")),
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

domains = Table(  # receivers that asked us to slow down, or refuse us
    "domains",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("paused_until", UtcTime),
    Column("strikes", Integer, nullable=False, default=0),  # refusals in a row; an acceptance forgets them
    Column("reason", Text),  # the server's words, without addresses
    Column("at", UtcTime, nullable=False),
)

bounces = Table(  # later news of a delivery, as it came: by mail or by a provider's hook
    "bounces",
    metadata,
    _id(),
    Column(
        "key", String(64), nullable=False, unique=True
    ),  # SHA-256 of the mail or event: what comes twice counts once
    Column("at", UtcTime, nullable=False, index=True),
    Column("origin", String(40), nullable=False),  # maildir | mbox | file | imap | smtp | the hook's name
    Column("kind", String(16), nullable=False),  # bounce | complaint | auto-reply | delay | delivered | other
    Column("category", String(16)),  # of a bounce: its `BounceClass`; of a complaint: its Feedback-Type (RFC 5965 7.3)
    Column("subscriber_id", BigId, ForeignKey("subscribers.id"), index=True),  # NULL where nothing signed names one
    Column("issue_id", BigId, ForeignKey("issues.id"), index=True),
    Column("domain", String(255), nullable=False, default=""),
    Column("status", String(16)),  # RFC 3463
    Column("code", Integer),  # RFC 5321
    Column("diagnostic", Text),  # the receiver's words, without addresses
    Column("action", String(24), nullable=False),  # what was done: suppressed | counted | noted | ...
    Column("raw", LargeBinary),  # kept for 30 days, for a person to look at
)

stops = Table(  # receivers at which the rest of an issue is not sent, for too many there called it spam (M-28)
    "stops",
    metadata,
    Column("issue_id", BigId, ForeignKey("issues.id"), primary_key=True, autoincrement=False),
    Column("domain", String(255), primary_key=True),
    Column("complaints", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),  # letters of the issue that the receiver had taken by then
    Column("at", UtcTime, nullable=False),
)

calls = Table(  # tokens of hooks whose signature does not cover what they say: each comes with one event only
    "calls",
    metadata,
    Column("token", String(64), primary_key=True),  # SHA-256
    Column("event", String(64), nullable=False),  # SHA-256 of what came with it
    Column("expires_at", UtcTime, nullable=False, index=True),
)

instance = Table(  # one row: which machine this database last sent from, and how far it was (a restored copy is behind)
    "instance",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(32), nullable=False),  # random; the same in the state folder
    Column("epoch", BigId, nullable=False),  # counts up whenever mail begins to leave
    Column("seen_at", UtcTime),  # when somebody last looked for issues that are due
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
    Column(
        "moved_to", Text
    ),  # where it says that it has moved for good; of one that is gone, where its site offers one
    Column("moved_since", UtcTime),
    Column("moved_seen", UtcTime),
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
