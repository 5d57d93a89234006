"""What the machine remembers of each feed, and which entries and stories it has seen.

What an editor says of a feed (address, publisher, interval) is `model.Feed`; the entries' texts are not kept here at all, they
stand on the cards in content/inbox/.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

import sqlalchemy as sa

from pipeline.model import Feed
from pipeline.store.engine import Connection, insert_once, row_count
from pipeline.store.tables import entries, feeds

RECENT_LIMIT = 50_000  # entries that `recent` returns at most
HELD_LIMIT = 10_000  # entries that `held` returns at most
HELD = "held"  # in place of a card: too many came at once (T-35), a person decides
RELEASED = "released"  # in place of a card: a person has let it in; the feed's next visit makes its card
_CHUNK = 500  # values in one IN (...)
_HAS_CARD = entries.c.card.like("%.md")


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is remembered of the feed *id* between two runs. Validators are kept byte for byte as the server gave them (F1)."""

    id: str
    url: str  # the address that all of this is about: another one starts anew
    etag: str | None = None
    last_modified: str | None = None
    next_at: dt.datetime | None = None
    fetched_at: dt.datetime | None = None
    ttl: int | None = None  # seconds
    fails: int = 0  # since it last answered
    failing_since: dt.datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    moved_to: str | None = (
        None  # where it says that it has moved for good; of one that is gone, where its site offers one
    )
    moved_since: dt.datetime | None = None  # when it first said so
    moved_seen: dt.datetime | None = None  # and last

    def is_due(self, now: dt.datetime) -> bool:
        return self.next_at is None or self.next_at <= now


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """An entry that was handled: which feed gave it, which story it tells, and the card it went to ("" for none)."""

    feed: str
    entry_id: str  # the feed's own id for it, of any length
    story: str  # `ingest.decide.story_key`
    title: str
    at: dt.datetime  # when published, or first seen where the feed does not say
    card: str  # file name below content/inbox/, HELD, or "" for none


# --- feeds ----------------------------------------------------------------------------------------------------------


def states(connection: Connection, wanted: Iterable[Feed]) -> dict[str, FeedState]:
    """What is remembered of each of *wanted*. A feed whose address has changed since is as new."""
    wanted = list(wanted)
    found: dict[str, FeedState] = {}
    for chunk in _chunks(feed.id for feed in wanted):
        for row in connection.execute(sa.select(feeds).where(feeds.c.id.in_(chunk))).mappings():
            found[row["id"]] = FeedState(**row)
    return {
        feed.id: found[feed.id] if feed.id in found and found[feed.id].url == feed.url else FeedState(feed.id, feed.url)
        for feed in wanted
    }


def remember(connection: Connection, state: FeedState) -> None:
    """Write *state* in place of what was remembered of the feed before."""
    row = asdict(state)
    connection.execute(insert_once(connection, feeds), [row])
    connection.execute(feeds.update().where(feeds.c.id == state.id), row)


def postpone(connection: Connection, held: Mapping[str, dt.datetime]) -> None:
    """Let none of the feeds *held* be due before its time there: their host asked for it (F4)."""
    for feed_id, until in sorted(held.items()):
        early = (feeds.c.id == feed_id) & (feeds.c.next_at < until)
        connection.execute(feeds.update().where(early).values(next_at=until))


# --- entries and stories --------------------------------------------------------------------------------------------


def seen(connection: Connection, feed_id: str, entry_ids: Iterable[str]) -> set[str]:
    """Which of *entry_ids* the feed has given before, but for those that wait for being given once more."""
    return _given(connection, feed_id, entry_ids, entries.c.card != RELEASED)


def released(connection: Connection, feed_id: str, entry_ids: Iterable[str]) -> set[str]:
    """Which of *entry_ids* a person has let in."""
    return _given(connection, feed_id, entry_ids, entries.c.card == RELEASED)


def _given(connection: Connection, feed_id: str, entry_ids: Iterable[str], which: sa.ColumnElement[bool]) -> set[str]:
    by_hash = {_hash(entry_id): entry_id for entry_id in entry_ids}
    found: set[str] = set()
    for chunk in _chunks(by_hash):
        mine = (entries.c.feed_id == feed_id) & entries.c.entry_id.in_(chunk)
        query = sa.select(entries.c.entry_id).where(mine, which)
        found.update(by_hash[value] for value in connection.execute(query).scalars())
    return found


def told(connection: Connection, feed_id: str, stories: Iterable[str]) -> set[str]:
    """Which of *stories* the feed has told before, under whatever id."""
    found: set[str] = set()
    for chunk in _chunks(stories):
        mine = (entries.c.feed_id == feed_id) & entries.c.story.in_(chunk)
        found.update(connection.execute(sa.select(entries.c.story).where(mine).distinct()).scalars())
    return found


def first_seen(connection: Connection, feed_id: str) -> dt.datetime | None:
    """When the feed gave its first entries, or None if it never gave any."""
    query = sa.select(sa.func.min(entries.c.seen_at)).where(entries.c.feed_id == feed_id)
    found: dt.datetime | None = connection.execute(query).scalar()
    return found


def taken_in(connection: Connection, feed_id: str, *, after: dt.datetime) -> int:
    """How many entries of the feed went to a card after that moment."""
    mine = (entries.c.feed_id == feed_id) & (entries.c.seen_at > after) & _HAS_CARD
    number: int = connection.execute(sa.select(sa.func.count()).select_from(entries).where(mine)).scalar_one()
    return number


def cards_of(connection: Connection, stories: Iterable[str]) -> dict[str, str]:
    """The card of each of *stories* that has one: the first that was made, should there be two."""
    found: dict[str, str] = {}
    for chunk in _chunks(stories):
        query = (
            sa.select(entries.c.story, entries.c.card)
            .where(entries.c.story.in_(chunk), _HAS_CARD)
            .order_by(entries.c.seen_at, entries.c.feed_id, entries.c.entry_id)
        )
        for story, card in connection.execute(query):
            found.setdefault(story, card)
    return found


def recent(connection: Connection, *, since: dt.datetime, limit: int = RECENT_LIMIT) -> list[SeenEntry]:
    """The entries with a card that were published at *since* or later, newest first. Their *entry_id* is left empty."""
    query = (
        sa.select(entries.c.feed_id, entries.c.story, entries.c.title, entries.c.at, entries.c.card)
        .where(entries.c.at >= since, _HAS_CARD)
        .order_by(entries.c.at.desc(), entries.c.feed_id, entries.c.entry_id)
        .limit(limit)
    )
    return [
        SeenEntry(feed=row.feed_id, entry_id="", story=row.story, title=row.title, at=row.at, card=row.card)
        for row in connection.execute(query)
    ]


def known_cards(connection: Connection, names: Iterable[str]) -> set[str]:
    """Which of the cards *names* the database knows of."""
    found: set[str] = set()
    for chunk in _chunks(names):
        found.update(
            connection.execute(sa.select(entries.c.card).where(entries.c.card.in_(chunk)).distinct()).scalars()
        )
    return found


def remember_entries(connection: Connection, handled: Sequence[SeenEntry], *, now: dt.datetime) -> None:
    """Write down that *handled* were seen; one that is written down already stays as it is, unless it was let in since."""
    rows = [
        {
            "feed_id": entry.feed,
            "entry_id": _hash(entry.entry_id),
            "story": entry.story,
            "title": entry.title,
            "at": entry.at,
            "card": entry.card,
            "seen_at": now,
        }
        for entry in handled
    ]
    if rows:
        connection.execute(insert_once(connection, entries), rows)
        waiting = (
            (entries.c.feed_id == sa.bindparam("its_feed"))
            & (entries.c.entry_id == sa.bindparam("its_id"))
            & (entries.c.card == RELEASED)
        )
        changes = [
            {"its_feed": row["feed_id"], "its_id": row["entry_id"], "card": row["card"], "seen_at": now} for row in rows
        ]
        connection.execute(entries.update().where(waiting), changes)


# --- entries that a person has to look at -----------------------------------------------------------------------------


def held(connection: Connection, *, limit: int = HELD_LIMIT) -> list[SeenEntry]:
    """The entries that are held back, feed by feed, the newest of each first. Their *entry_id* is left empty."""
    query = (
        sa.select(entries.c.feed_id, entries.c.story, entries.c.title, entries.c.at, entries.c.card)
        .where(entries.c.card == HELD)
        .order_by(entries.c.feed_id, entries.c.at.desc(), entries.c.entry_id)
        .limit(limit)
    )
    return [
        SeenEntry(feed=row.feed_id, entry_id="", story=row.story, title=row.title, at=row.at, card=row.card)
        for row in connection.execute(query)
    ]


def release(connection: Connection, feed_id: str) -> int:
    """Let in what is held back of the feed, and have it given once more: whole, and at the next run. How many those are."""
    waiting = (entries.c.feed_id == feed_id) & (entries.c.card == HELD)
    number = row_count(connection.execute(entries.update().where(waiting).values(card=RELEASED)))
    if number:
        again = {"etag": None, "last_modified": None, "next_at": None}
        connection.execute(feeds.update().where(feeds.c.id == feed_id).values(again))
    return number


def dismiss(connection: Connection, feed_id: str) -> int:
    """Let what is held back of the feed go without a card. How many those are."""
    waiting = (entries.c.feed_id == feed_id) & (entries.c.card == HELD)
    return row_count(connection.execute(entries.update().where(waiting).values(card="")))


def _hash(entry_id: str) -> str:
    return hashlib.sha256(entry_id.encode("utf-8", "surrogatepass")).hexdigest()


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    """*values* in pieces that fit into one statement, in a stable order."""
    rest = iter(sorted(set(values)))
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
