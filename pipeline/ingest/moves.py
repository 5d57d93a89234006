"""What a machine found out of an address in content/feeds.yml and an editor must decide: the feed has moved (F6, F7).

Nothing is changed by itself: the moves are told, and written into the text of the file when somebody asks for it, to be looked at
and committed like any other change.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ContentError
from pipeline.ingest.fetch import due
from pipeline.library.editing import unreadable
from pipeline.library.frontmatter import Unreadable, parse
from pipeline.library.yamltext import address, tree
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


def moved(text: str, found: Sequence[Move], *, path: str) -> str:
    """The text of a feeds.yml with the new addresses in it, and every other character as it was.

    Raises `ContentError` for a file that cannot be read, or not be changed without changing something else.
    """
    try:
        document = parse(text)
    except Unreadable as wrong:
        raise unreadable(path, wrong) from wrong
    root = tree(text)
    if not isinstance(document.data, list) or root is None:
        raise ContentError(f"{path}:1: is no list of feeds; begin each one with a hyphen")
    new = {move.feed: move for move in found}
    items = list(enumerate(zip(document.data, root.items, strict=True)))
    changed, wanted = text, list(document.data)
    for number, (item, node) in reversed(items):
        move = new.get(str(item.get("id"))) if isinstance(item, dict) else None
        if move is None or item.get("url") != move.was:
            continue
        place = node.keys["url"]
        written = json.dumps(move.now) if text[place.start] in "\"'|>" else address(move.now)
        changed = changed[: place.start] + written + changed[place.end :]
        wanted[number] = {**item, "url": move.now}
        if not _says(changed, wanted):
            line = document.value_place((number, "url")).line
            raise ContentError(f"{path}:{line}: cannot be changed without changing more; write by hand url: {move.now}")
    return changed


def _says(text: str, wanted: list[Any]) -> bool:
    try:
        return bool(parse(text).data == wanted)
    except Unreadable:
        return False


def _why(state: FeedState, *, now: dt.datetime) -> str:
    if due.is_gone(state, now=now):
        return f"it is gone ({state.last_status}), and its site offers this one"
    assert state.moved_since is not None  # or there would be no new address
    return f"its host has said since {state.moved_since:%Y-%m-%d} that it moved for good"
