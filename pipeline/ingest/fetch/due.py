"""When to ask a feed again, and what its state becomes with each answer. No network, no database, no clock.

How long is waited is a function of what is known, jitter too: it comes from the feed's id and the time of the visit.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from typing import Final

from pipeline.model import Feed
from pipeline.store.feeds import FeedState

GONE: Final = 410
NOT_FOUND: Final = 404
NOT_FOUND_TRIES: Final = 10  # F7: this many tries over this long, then the feed counts as gone
NOT_FOUND_FOR: Final = dt.timedelta(days=14)
MOVED_FOR: Final = dt.timedelta(hours=24)  # F6: as long must a host say that a feed has moved for good
LONGEST_WAIT: Final = dt.timedelta(hours=24)
JITTER: Final = 0.1  # of a wait, so that the feeds of one host do not come due together (F5)


def answered(
    feed: Feed,
    state: FeedState,
    *,
    status: int,
    etag: str | None,
    last_modified: str | None,
    fresh_for: dt.timedelta,
    ttl: dt.timedelta | None,
    now: dt.datetime,
    moved: str | None = None,
) -> FeedState:
    """The state of a feed that answered at *now*: as it may be asked again when the interval of ours, what the answer is
    fresh for and the feed's own ttl have all passed (F3)."""
    kept_ttl = dt.timedelta(seconds=state.ttl) if state.ttl is not None and ttl is None and status == 304 else ttl
    return FeedState(
        id=feed.id,
        url=feed.url,
        etag=etag,
        last_modified=last_modified,
        next_at=now + wait(feed, asked_for=max(fresh_for, kept_ttl or dt.timedelta(0)), now=now),
        fetched_at=now,
        ttl=int(kept_ttl.total_seconds()) if kept_ttl is not None else None,
        last_status=status,
        moved_to=moved,
        moved_since=state.moved_since if moved is not None and moved == state.moved_to else now if moved else None,
        moved_seen=now if moved else None,
    )


def failed(
    feed: Feed, state: FeedState, *, status: int | None, error: str, retry_after: dt.timedelta | None, now: dt.datetime
) -> FeedState:
    """The state of a feed that could not be had at *now*: the wait doubles with every failure, up to a day."""
    fails = state.fails + 1
    since = state.failing_since or now
    if status == NOT_FOUND and state.last_status != NOT_FOUND:
        fails, since = 1, now  # F7 counts the 404s alone
    patience = min(feed.min_interval * 2 ** min(fails - 1, 10), max(LONGEST_WAIT, feed.min_interval))
    return replace(
        state,
        next_at=None if status == GONE else now + wait(feed, asked_for=max(patience, retry_after or patience), now=now),
        fails=fails,
        failing_since=since,
        last_status=status,
        last_error=error,
    )


def is_gone(state: FeedState, *, now: dt.datetime) -> bool:
    """True when asking again is of no use: the server said so, or has not found it ten times over fourteen days (F7)."""
    if state.last_status == GONE:
        return True
    since = state.failing_since
    return (
        state.last_status == NOT_FOUND
        and state.fails >= NOT_FOUND_TRIES
        and since is not None
        and now - since >= NOT_FOUND_FOR
    )


def new_address(state: FeedState, *, now: dt.datetime) -> str | None:
    """The address that an editor should write in place of the feed's, if there is one.

    It is where the feed has said for a day that it moved for good (F6), or, of one that is gone, where its site offers one (F7).
    """
    if state.moved_to is None or state.moved_since is None or state.moved_seen is None:
        return None
    settled = state.moved_seen - state.moved_since >= MOVED_FOR
    return state.moved_to if settled or is_gone(state, now=now) else None


def held_until(feed: Feed, asked_for: dt.timedelta, *, now: dt.datetime) -> dt.datetime:
    """When *feed* may be asked, after its host asked all who come to wait (F4): not all its feeds at the same moment (F5)."""
    return now + min(asked_for, LONGEST_WAIT) * (1 + JITTER * _part(feed, now))


def wait(feed: Feed, *, asked_for: dt.timedelta, now: dt.datetime) -> dt.timedelta:
    """How long to leave *feed* alone: what it asked for but at most a day, and never less than our own interval.

    What it asked for is only ever lengthened, our own interval only ever shortened, both by up to a tenth: so a command that runs
    hourly finds an hourly feed due each time.
    """
    part = _part(feed, now)
    return max(min(asked_for, LONGEST_WAIT) * (1 + JITTER * part), feed.min_interval * (1 - JITTER * part))


def _part(feed: Feed, now: dt.datetime) -> float:
    """A number from 0 to 1 that differs from feed to feed and from visit to visit."""
    return int.from_bytes(hashlib.sha256(f"{feed.id} {now.isoformat()}".encode()).digest()[:2]) / 0xFFFF
