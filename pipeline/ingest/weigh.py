"""Which of the stories in the inbox an editor should look at first, and why. The clock is passed in; the same cards weigh the same.

    weight = voices x nearness x freshness

*Voices* are the independent publishers that tell the story: two feeds of one publisher are one, and so are two publishers with
the same text. An editor's own number on the card counts instead. *Nearness* is that of the nearest one: half as much again for a
primary source, half for a story that aggregators alone tell. *Freshness* halves every two days after the last of them told it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.ingest.inbox import Card
from pipeline.library.urls import page_key
from pipeline.model import Article, Source, Tier

NEARNESS: Final = {Tier.PRIMARY: 1.5, Tier.SECONDARY: 1.0, Tier.AGGREGATOR: 0.5}
HALF_LIFE: Final = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Story:
    """A card as the list of stories shows it."""

    card: Card
    voices: int
    set_by_hand: bool  # an editor wrote the number of voices on the card
    tier: Tier  # of the source nearest to what happened
    told_at: dt.datetime  # last
    age: dt.timedelta
    weight: float
    cited_in: tuple[str, ...] = ()  # slugs of articles that rest on one of its addresses already

    @property
    def why(self) -> str:
        """What its weight is made of."""
        publishers = tuple(dict.fromkeys(entry.publisher for entry in self.card.entries))
        copies = len({entry.publisher for entry in self.card.entries if entry.copy})
        parts = [
            f"weight {self.voices} set by hand" if self.set_by_hand else f"{self.voices} independent",
            f"{self.tier} source",
            f"{_ago(self.age)} old",
        ]
        if copies:
            parts.insert(1, f"{copies} with the same text")
        if self.cited_in:
            parts.append(f"cited already in {', '.join(self.cited_in)}")
        return f"{', '.join(parts)}: {', '.join(publishers)}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "card": self.card.name,
            "title": self.card.title,
            "weight": round(self.weight, 3),
            "voices": self.voices,
            "tier": self.tier.value,
            "told_at": self.told_at.isoformat(),
            "topics": list(self.card.topics),
            "cited_in": list(self.cited_in),
            "why": self.why,
            "entries": [
                {"publisher": entry.publisher, "title": entry.title, "url": entry.url, "copy": entry.copy}
                for entry in self.card.entries
            ],
        }


@dataclass(frozen=True, slots=True)
class StoryList:
    """The stories of the inbox, the heaviest first."""

    stories: tuple[Story, ...]
    total: int  # of cards that could be listed
    unreadable: tuple[str, ...] = ()  # what is wrong with files that are no cards any more, and what next

    def as_dict(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "stories": [story.as_dict() for story in self.stories],
            "unreadable": list(self.unreadable),
        }

    def lines(self) -> Iterator[str]:
        for story in self.stories:
            yield f"{story.weight:5.1f}  {story.card.title}"
            yield f"       {story.why}"
            yield f"       {story.card.name}"
        shown = len(self.stories)
        rest = f", {shown:,} of them listed" if shown < self.total else ""
        yield f"{self.total:,} {'story' if self.total == 1 else 'stories'} in content/inbox/{rest}"
        yield from self.unreadable


def weigh(
    cards: Iterable[Card], *, now: dt.datetime, cited: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[Story, ...]:
    """The stories of *cards*, the heaviest first; of equals the newer one, then by the name of the card.

    *cited* tells which articles rest on an address already, by its `page_key`.
    """
    stories = [_weighed(card, now=now, cited=cited or {}) for card in cards]
    return tuple(sorted(stories, key=lambda story: (-story.weight, -story.told_at.timestamp(), story.card.name)))


def cited_addresses(articles: Iterable[Article], sources: Mapping[str, Source]) -> dict[str, tuple[str, ...]]:
    """The slugs of the *articles* that cite a source, by the `page_key` of that source's address."""
    found: dict[str, list[str]] = {}
    for article in articles:
        for id_ in dict.fromkeys(citation.source for citation in article.citations):
            if id_ in sources:
                found.setdefault(page_key(sources[id_].url), []).append(article.slug)
    return {key: tuple(sorted(slugs)) for key, slugs in found.items()}


def about(cards: Iterable[Card], topics: Collection[str]) -> list[Card]:
    """Those of *cards* that a feed of one of *topics* told first."""
    return [card for card in cards if not topics or set(topics) & set(card.topics)]


def _weighed(card: Card, *, now: dt.datetime, cited: Mapping[str, tuple[str, ...]]) -> Story:
    times = [entry.published for entry in card.entries if entry.published] or [card.first_seen]
    told_at = min(max(times), now)
    tier = min((_tier(entry.tier) for entry in card.entries), key=list(Tier).index, default=Tier.SECONDARY)
    voices = card.weight if card.set_weight is None else card.set_weight
    keys = {page_key(entry.url) for entry in card.entries if entry.url}
    return Story(
        card=card,
        voices=voices,
        set_by_hand=card.set_weight is not None,
        tier=tier,
        told_at=told_at,
        age=now - told_at,
        weight=voices * NEARNESS[tier] * 0.5 ** ((now - told_at) / HALF_LIFE),
        cited_in=tuple(sorted({slug for key in keys for slug in cited.get(key, ())})),
    )


def _tier(written: str) -> Tier:
    return Tier(written) if written in list(Tier) else Tier.SECONDARY


def _ago(age: dt.timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    number, unit = (hours, "hour") if hours < 48 else (age.days, "day")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
