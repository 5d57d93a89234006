"""What a machine found out of an address in content/feeds.yml and an editor must decide: the feed has moved (F6, F7).

Nothing is changed by itself: the moves are told, and written into the text of the file when somebody asks for it, to be looked at
and committed like any other change.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from pipeline.ingest.fetch import due
from pipeline.model import Feed
from pipeline.store.feeds import FeedState


@dataclass(frozen=True, slots=True)
class Move:
    """One feed's new address."""

    feed: str  # id
    was: str
    now: str
    why: str

    def as_dict(self) -> dict[str, str]:
        return {"feed": self.feed, "was": self.was, "now": self.now, "why": self.why}


def moves(feeds: Sequence[Feed], states: Mapping[str, FeedState], *, now: dt.datetime) -> tuple[Move, ...]:
    """The feeds of *feeds* that have moved, in their order. An address that another feed has already is not proposed again."""
    taken = {feed.url for feed in feeds}
    found = []
    for feed in feeds:
        state = states[feed.id]
        new = due.new_address(state, now=now)
        if new is None or new in taken:
            continue
        taken.add(new)
        found.append(Move(feed.id, feed.url, new, _why(state, now=now)))
    return tuple(found)


def moved(text: str, found: Sequence[Move]) -> str:
    """The text of a feeds.yml with the new addresses in it, and every other character as it was."""
    new = {move.feed: move for move in found}
    for feed_id, value in reversed(list(_addresses(text))):
        move = new.get(feed_id)
        if move is not None and value.value == move.was:
            written = move.now if value.style is None else json.dumps(move.now)
            text = text[: value.start_mark.index] + written + text[value.end_mark.index :]
    return text


def _addresses(text: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """The id of each feed, and the place of its address."""
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    for item in document.value if isinstance(document, yaml.SequenceNode) else ():
        pairs = {key.value: value for key, value in item.value} if isinstance(item, yaml.MappingNode) else {}
        if isinstance(pairs.get("url"), yaml.ScalarNode) and "id" in pairs:
            yield pairs["id"].value, pairs["url"]


def _why(state: FeedState, *, now: dt.datetime) -> str:
    if due.is_gone(state, now=now):
        return f"it is gone ({state.last_status}), and its site offers this one"
    assert state.moved_since is not None  # or there would be no new address
    return f"its host has said since {state.moved_since:%Y-%m-%d} that it moved for good"
