"""What to do with what came: which story an entry tells. No network, no database, no clock.

Two entries tell the same story when their canonical addresses are equal, or when two feeds give them titles that share at least
half of their significant words within 72 hours (NewsBlur's rule). Within one feed only the address counts: a publisher tells
"Morning briefing" anew each day.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.ingest.clean import title_and_date
from pipeline.library.urls import canonical_url
from pipeline.model import Entry

SAME_TITLE: Final = 0.5  # Jaccard index of the significant words
SAME_TITLE_WITHIN: Final = dt.timedelta(hours=72)
FEWEST_SHARED_WORDS: Final = 3  # "Weekly review" is no story
NEW_ENTRIES: Final = 50  # of one feed within a day (T-35): more is its first visit, or a flood
A_DAY: Final = dt.timedelta(days=1)

_WORD: Final = re.compile(r"\w+(?:[.,]\d+)*")
_WORDS_THAT_TELL_NOTHING: Final = (
    "a about after again all also am an and any are as at be because been before being but by can could did do does doing during "
    "each few for from further had has have having he her here hers him his how i if in into is it its itself just me more most my "
    "now of off on once only or other our out over own said same say says she should so some such than that the their them then "
    "there these they this those through to too under until up very via vs was we were what when where which while who whom why "
    "will with would you your"
)
_STOP_WORDS: Final = frozenset(_WORDS_THAT_TELL_NOTHING.split())


# --- which story ----------------------------------------------------------------------------------------------------


def story_key(url: str | None, title: str, published: dt.datetime | None) -> str:
    """What names a story across feeds: the hash of its canonical address, or of title and date where it has none."""
    return hashlib.sha256((canonical_url(url) if url else title_and_date(title, published)).encode()).hexdigest()


def significant_words(title: str) -> frozenset[str]:
    """The words of *title* that tell what it is about, without case, accents and plural endings' apostrophes."""
    plain = unicodedata.normalize("NFKD", title.casefold()).replace("’", "'").replace("'s", "")
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return frozenset(word for word in _WORD.findall(plain) if word not in _STOP_WORDS)


def newest(entries: Iterable[Entry], *, limit: int = NEW_ENTRIES) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """*entries* parted into the *limit* newest, in their order, and the rest. An entry without a date counts by its place."""
    ordered = list(entries)
    by_age = sorted(
        range(len(ordered)), key=lambda i: (ordered[i].published is None, _reversed(ordered[i].published), i)
    )
    kept = frozenset(by_age[:limit])
    return (
        tuple(entry for i, entry in enumerate(ordered) if i in kept),
        tuple(entry for i, entry in enumerate(ordered) if i not in kept),
    )


@dataclass(frozen=True, slots=True)
class _Telling:
    """One entry's title as one card carries it."""

    card: str
    feed: str
    at: dt.datetime
    words: frozenset[str]


class Stories:
    """The stories that have a card, and the question which of them an entry tells."""

    def __init__(self) -> None:
        self._cards: dict[str, str] = {}  # by story key
        self._tellings: list[_Telling] = []
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._feeds_of: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, *, card: str, feed: str, key: str, title: str, at: dt.datetime) -> None:
        """Remember that *card* tells the story *key*, as *feed* titled it at *at*."""
        self._cards.setdefault(key, card)
        self._feeds_of[card].add(feed)
        telling = _Telling(card, feed, at, significant_words(title))
        for word in telling.words:
            self._by_word[word].append(len(self._tellings))
        self._tellings.append(telling)

    def know(self, keys: dict[str, str]) -> None:
        """Remember which card each story key has, without titles."""
        for key, card in keys.items():
            self._cards.setdefault(key, card)

    def card_of(self, *, feed: str, key: str, title: str, at: dt.datetime) -> str | None:
        """The card of the story that this entry tells, or None when it is a new one."""
        if key in self._cards:
            return self._cards[key]
        words = significant_words(title)
        shared: defaultdict[int, int] = defaultdict(int)
        for word in words:
            for number in self._by_word.get(word, ()):
                shared[number] += 1
        best: tuple[float, int] | None = None
        for number, count in shared.items():
            told = self._tellings[number]
            likeness = count / (len(words) + len(told.words) - count)
            if count < FEWEST_SHARED_WORDS or likeness < SAME_TITLE or abs(told.at - at) > SAME_TITLE_WITHIN:
                continue
            if feed in self._feeds_of[told.card]:
                continue
            best = max(best or (0.0, 0), (likeness, -number))  # of equals, the one told first
        return self._tellings[-best[1]].card if best else None


def _reversed(when: dt.datetime | None) -> float:
    return -when.timestamp() if when else 0.0
