"""Feeds in, inbox cards out: the stage behind `opensignal ingest`.

    feeds.due | fetch | parse | clean | decide | inbox.write | feeds.remember

`fetch` alone speaks to other machines, `parse` alone reads what they say, `decide` and `stories` have no side effects, `inbox`
alone writes cards and `store.feeds` alone remembers. `weigh` puts the cards in order, `start` begins an article from one, `opml`
brings lists of feeds in and out. `snapshot` stores a page that an article will rest on, `sources/` makes and looks after the files
of such pages. Nothing here publishes anything.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.errors import FetchError, UsageError
from pipeline.ingest import decide, inbox
from pipeline.ingest.discover import new_home
from pipeline.ingest.fetch import Answer, Fetcher, Limits, NotHad, Request, due, fetch_all, host_of, open_fetcher
from pipeline.ingest.guard import require_expat
from pipeline.ingest.inbox import opened
from pipeline.ingest.parse import Parsed
from pipeline.ingest.sandbox import Sandbox
from pipeline.ingest.snapshot import take_snapshot
from pipeline.ingest.stories import WITHIN, Stories, story_key
from pipeline.model import Entry, Feed
from pipeline.store import Connection, Store
from pipeline.store import feeds as memory
from pipeline.store.feeds import FeedState, SeenEntry

__all__ = [
    "FeedResult",
    "Fetcher",
    "IngestReport",
    "Limits",
    "Outcome",
    "due_feeds",
    "ingest",
    "open_fetcher",
    "take_snapshot",
]

TITLES_REMEMBERED = dt.timedelta(days=14)  # stories that old can still be joined by title; by address at any age


def ingest(
    store: Store,
    feeds: Sequence[Feed],
    *,
    inbox: Path,
    fetcher: Fetcher,
    now: dt.datetime,
    only: Collection[str] | None = None,
    force: bool = False,
) -> IngestReport:
    """Ask every feed that is due, and write a card in the folder *inbox* for each story that is new.

        feeds.due | fetch | parse | clean | decide | inbox.write | feeds.remember

    *only* names the feeds to look at, *force* asks also those that are not due or gone. A feed that fails is reported and stops no
    other one. Safe to be killed at any moment and run again: a feed is remembered only after its cards are on the disk, and a card
    that is there is found again.

    Raises `UsageError` for an unknown feed in *only*, `SettingsError` for a Python whose XML reader is too old, `StoreBusy` while
    another process writes the inbox, `StoreError` when the database or the folder cannot be written.
    """
    require_expat()
    chosen = _chosen(feeds, only)
    with store.reading() as connection:
        states = memory.states(connection, chosen)
    asked = [feed for feed in chosen if _is_due(feed, states[feed.id], now=now, force=force)]
    wanted = [Request(feed.url, states[feed.id].etag, states[feed.id].last_modified) for feed in asked]
    with opened(inbox), Sandbox() as sandbox, closing(fetch_all(fetcher, wanted, now=now)) as answers:
        newsroom = _Newsroom(store, inbox, feeds, sandbox, fetcher, now=now)
        results = {
            feed.id: newsroom.take(feed, states[feed.id], answer) for feed, answer in zip(asked, answers, strict=True)
        }
    return IngestReport(tuple(results.get(feed.id) or _left_alone(feed, states[feed.id], now=now) for feed in chosen))


def due_feeds(connection: Connection, feeds: Sequence[Feed], *, now: dt.datetime) -> list[Feed]:
    """Those of *feeds* that `ingest` would ask now."""
    states = memory.states(connection, feeds)
    return [feed for feed in feeds if _is_due(feed, states[feed.id], now=now, force=False)]


# --- the report -------------------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What became of one feed in one run."""

    NEW = "new"  # it gave entries that we had not seen
    UNCHANGED = "unchanged"  # it answered, with nothing new
    FAILED = "failed"  # it could not be had or read; asked again later
    GONE = "gone"  # it will not come back; an editor must remove it or mend its address
    WAITING = "waiting"  # its host asks us to wait
    NOT_DUE = "not due"
    PAUSED = "paused"  # by an editor


@dataclass(frozen=True, slots=True)
class FeedResult:
    """What one feed gave."""

    id: str
    url: str
    outcome: Outcome
    entries: int = 0  # not seen before
    cards: tuple[str, ...] = ()  # files of the stories that are new
    same_stories: int = 0  # entries added to a card that was there
    passed_by: int = 0  # entries beyond the newest fifty of a first visit, for which no card was made
    held: int = 0  # entries beyond fifty new ones within a day, for which a person decides
    message: str = ""  # what went wrong, which, what next
    problems: tuple[str, ...] = ()  # cards that could not be added to, and what next
    next_at: dt.datetime | None = None
    new_address: str | None = None  # what an editor should write in content/feeds.yml in place of its address (F6, F7)

    @property
    def failed(self) -> bool:
        return self.outcome in (Outcome.FAILED, Outcome.GONE)

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "url": self.url,
            "outcome": self.outcome.value,
            "entries": self.entries,
            "cards": list(self.cards),
            "same_stories": self.same_stories,
            "passed_by": self.passed_by,
            "held": self.held,
            "message": self.message,
            "problems": list(self.problems),
            "next_at": self.next_at.isoformat() if self.next_at else None,
            "new_address": self.new_address,
        }


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What each feed gave, in the order of content/feeds.yml, and what all of them did together."""

    feeds: tuple[FeedResult, ...] = ()

    @property
    def asked(self) -> int:
        """Feeds that a request was meant for."""
        return sum(result.outcome not in (Outcome.NOT_DUE, Outcome.PAUSED) for result in self.feeds)

    @property
    def entries(self) -> int:
        return sum(result.entries for result in self.feeds)

    @property
    def cards(self) -> tuple[str, ...]:
        """Files of the new stories below content/inbox/."""
        return tuple(card for result in self.feeds for card in result.cards)

    @property
    def same_stories(self) -> int:
        return sum(result.same_stories for result in self.feeds)

    @property
    def failed(self) -> tuple[FeedResult, ...]:
        """The feeds that could not be had, for the end of the report."""
        return tuple(result for result in self.feeds if result.failed)

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(problem for result in self.feeds for problem in result.problems)

    @property
    def ok(self) -> bool:
        return not self.failed and not self.problems

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "asked": self.asked,
            "entries": self.entries,
            "cards": list(self.cards),
            "same_stories": self.same_stories,
            "failed": len(self.failed),
            "ok": self.ok,
            "feeds": [result.as_dict() for result in self.feeds],
        }


# --- which feeds ------------------------------------------------------------------------------------------------------


def _chosen(feeds: Sequence[Feed], only: Collection[str] | None) -> list[Feed]:
    if only is None:
        return list(feeds)
    known = [feed.id for feed in feeds]
    for name in only:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see content/feeds.yml"
            raise UsageError(f"no feed {name!r}; {hint}")
    return [feed for feed in feeds if feed.id in only]


def _is_due(feed: Feed, state: FeedState, *, now: dt.datetime, force: bool) -> bool:
    if feed.paused:
        return False
    return force or (state.is_due(now) and not due.is_gone(state, now=now))


def _left_alone(feed: Feed, state: FeedState, *, now: dt.datetime) -> FeedResult:
    if feed.paused:
        return FeedResult(feed.id, feed.url, Outcome.PAUSED)
    new = due.new_address(state, now=now)
    if due.is_gone(state, now=now):
        return FeedResult(feed.id, feed.url, Outcome.GONE, message=_gone(feed, state), new_address=new)
    return FeedResult(feed.id, feed.url, Outcome.NOT_DUE, next_at=state.next_at, new_address=new)


def _gone(feed: Feed, state: FeedState) -> str:
    told = f"{feed.url}: gone ({state.last_status}), no longer asked; in content/feeds.yml,"
    if state.moved_to:
        offered = f"{told} give {feed.id} the address that its site offers now, {state.moved_to}"
        return f"{offered} (opensignal feeds moved --apply writes it)"
    return f"{told} remove {feed.id}, pause it, or give it its new address"


# --- one feed after the other -----------------------------------------------------------------------------------------


class _Newsroom:
    """Takes what one feed answered, and does all that follows from it, before the next one's turn comes."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        feeds: Sequence[Feed],
        sandbox: Sandbox,
        fetcher: Fetcher,
        *,
        now: dt.datetime,
    ) -> None:
        self._store = store
        self._folder = folder
        self._feeds = feeds
        self._sandbox = sandbox
        self._fetcher = fetcher
        self._now = now
        self._stories = _known_stories(store, folder, now=now)

    def take(self, feed: Feed, state: FeedState, answer: Answer | NotHad) -> FeedResult:
        """Parse, decide, write cards, and then remember: in this order, so that being killed in between loses nothing."""
        if isinstance(answer, NotHad):
            return self._not_had(feed, state, answer)
        if answer.unchanged:
            return self._remember(
                feed, self._answered(feed, state, answer, ttl=None), FeedResult(feed.id, feed.url, Outcome.UNCHANGED)
            )
        try:
            parsed = self._sandbox.parse(
                answer.body, content_type=answer.content_type, url=answer.url, feed=feed.id, now=self._now
            )
        except FetchError as error:
            return self._not_had(feed, state, NotHad(str(error), status=answer.status))
        return self._parsed(feed, self._answered(feed, state, answer, ttl=parsed.ttl), parsed)

    def _parsed(self, feed: Feed, state: FeedState, parsed: Parsed) -> FeedResult:
        with self._store.reading() as connection:
            news = _news(connection, feed, parsed.entries, now=self._now)
            self._stories.know(memory.cards_of(connection, [_key(entry) for entry in news.kept]))
        desk = _Desk(self._folder, feed, self._stories, now=self._now)
        for entry in news.kept:
            desk.file(entry)
        if desk.problems:  # what could not be filed must come again, so the feed must come whole
            state = replace(state, etag=None, last_modified=None)
        result = FeedResult(
            feed.id,
            feed.url,
            Outcome.NEW if news.number else Outcome.UNCHANGED,
            entries=news.number,
            cards=tuple(desk.cards),
            same_stories=desk.same_stories,
            passed_by=len(news.passed_by),
            held=len(news.held),
            problems=tuple(desk.problems),
        )
        handled = [
            *desk.handled,
            *(_seen(feed, entry, card=memory.HELD, now=self._now) for entry in news.held),
            *(_seen(feed, entry, card="", now=self._now) for entry in (*news.passed_by, *news.told_again)),
        ]
        return self._remember(feed, state, result, handled)

    def _answered(self, feed: Feed, state: FeedState, answer: Answer, *, ttl: dt.timedelta | None) -> FeedState:
        return due.answered(
            feed,
            state,
            status=answer.status,
            etag=answer.etag,
            last_modified=answer.last_modified,
            fresh_for=answer.fresh_for,
            ttl=ttl,
            now=self._now,
            moved=answer.moved,
        )

    def _not_had(self, feed: Feed, state: FeedState, error: NotHad) -> FeedResult:
        if error.status is None and error.retry_after is not None:  # it was not asked at all
            until = due.held_until(feed, error.retry_after, now=self._now)
            state = replace(state, next_at=max(state.next_at or until, until))
            return self._remember(feed, state, FeedResult(feed.id, feed.url, Outcome.WAITING, message=str(error)))
        state = due.failed(
            feed, state, status=error.status, error=str(error), retry_after=error.retry_after, now=self._now
        )
        gone = due.is_gone(state, now=self._now)
        if gone and (found := new_home(self._fetcher, feed.url, now=self._now)):
            state = replace(state, moved_to=found, moved_since=self._now, moved_seen=self._now)
        message = _gone(feed, state) if gone else str(error)
        result = FeedResult(feed.id, feed.url, Outcome.GONE if gone else Outcome.FAILED, message=message)
        return self._remember(feed, state, result, wait=error.retry_after)

    def _remember(
        self,
        feed: Feed,
        state: FeedState,
        result: FeedResult,
        handled: Sequence[SeenEntry] = (),
        *,
        wait: dt.timedelta | None = None,
    ) -> FeedResult:
        with self._store.writing() as connection:
            memory.remember(connection, state)
            memory.remember_entries(connection, handled, now=self._now)
            if wait is not None:  # asked for by the host, so meant for all feeds of it (F4)
                neighbours = [other for other in self._feeds if host_of(other.url) == host_of(feed.url)]
                memory.postpone(
                    connection, {other.id: due.held_until(other, wait, now=self._now) for other in neighbours}
                )
        return replace(result, next_at=state.next_at, new_address=due.new_address(state, now=self._now))


@dataclass(frozen=True, slots=True)
class _News:
    """What a feed gave that it had not given before, by what becomes of it."""

    kept: tuple[Entry, ...]  # go to a card
    held: tuple[Entry, ...]  # wait for a person: more than a feed tells in a day
    passed_by: tuple[Entry, ...]  # are older than the fifty newest of a feed's first visit
    told_again: tuple[Entry, ...]  # have a new id, and an address or a title and date that the feed has given before

    @property
    def number(self) -> int:
        return len(self.kept) + len(self.held) + len(self.passed_by)


def _news(connection: Connection, feed: Feed, given: Sequence[Entry], *, now: dt.datetime) -> _News:
    ids = [entry.id for entry in given]
    seen, let_in = memory.seen(connection, feed.id, ids), memory.released(connection, feed.id, ids)
    fresh = [entry for entry in given if entry.id not in seen]
    told = memory.told(connection, feed.id, [_key(entry) for entry in fresh if entry.id not in let_in])
    new = [entry for entry in fresh if entry.id not in let_in and _key(entry) not in told]
    first = memory.first_seen(connection, feed.id)
    # What the first visit gave is an archive, and says nothing about how much a feed tells in a day.
    earlier = memory.taken_in(connection, feed.id, after=max(first, now - decide.A_DAY)) if first else 0
    kept, rest = decide.newest(new, limit=max(0, decide.NEW_ENTRIES - earlier))
    wanted = {entry.id for entry in kept} | let_in
    return _News(
        kept=tuple(entry for entry in fresh if entry.id in wanted),
        held=rest if first else (),
        passed_by=() if first else rest,
        told_again=tuple(entry for entry in fresh if entry.id not in let_in and _key(entry) in told),
    )


@dataclass(slots=True)
class _Desk:
    """Where the entries of one feed become cards, or lines on the cards of others."""

    folder: Path
    feed: Feed
    stories: Stories
    now: dt.datetime
    cards: list[str] = field(default_factory=list)
    same_stories: int = 0
    handled: list[SeenEntry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def file(self, entry: Entry) -> None:
        """Put *entry* on the card of its story, or on a new one."""
        key, at, text = _key(entry), entry.published or self.now, inbox.excerpt_of(entry)
        name = self.stories.card_of(feed=self.feed.id, key=key, title=entry.title, at=at, text=text)
        try:
            if name is None:
                card = inbox.new_card(self.feed, entry, key, now=self.now)
                inbox.write(self.folder, card)
                name = card.name
                self.cards.append(name)
            else:
                self.same_stories += inbox.add(self.folder, name, [inbox.card_entry(self.feed, entry)], excerpt=text)
        except inbox.Unwritable as error:
            self.problems.append(f"{self.folder.name}/{error}")
            return
        self.stories.add(card=name, feed=self.feed.id, key=key, title=entry.title, at=at, text=text)
        self.handled.append(_seen(self.feed, entry, card=name, now=self.now))


def _known_stories(store: Store, folder: Path, *, now: dt.datetime) -> Stories:
    """The stories that have a card: those remembered, and those on cards that a run could not remember before it was killed."""
    stories = Stories()
    # The database keeps titles alone; what the first feed said of a story stands on its card.
    texts = inbox.excerpts(folder, since=(now - WITHIN - decide.A_DAY).date())
    with store.reading() as connection:
        for told in reversed(memory.recent(connection, since=now - TITLES_REMEMBERED)):
            text = texts.pop(told.card, "")
            stories.add(card=told.card, feed=told.feed, key=told.story, title=told.title, at=told.at, text=text)
        known = memory.known_cards(connection, inbox.names(folder))
    for card in inbox.unknown_cards(folder, known):
        for line in card.entries:
            key, at = story_key(line.url, line.title, line.published), line.published or card.first_seen
            text = texts.pop(card.name, "")
            stories.add(card=card.name, feed=line.feed, key=key, title=line.title, at=at, text=text)
    return stories


def _key(entry: Entry) -> str:
    return story_key(entry.url, entry.title, entry.published)


def _seen(feed: Feed, entry: Entry, *, card: str, now: dt.datetime) -> SeenEntry:
    return SeenEntry(
        feed=feed.id, entry_id=entry.id, story=_key(entry), title=entry.title, at=entry.published or now, card=card
    )
