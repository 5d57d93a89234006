"""Which story an entry tells. No network, no database, no clock.

Two entries tell the same story when they lie at one address, or when two feeds tell within 72 hours

- nearly the same text (`library.copies`), or
- much the same, by what their titles and summaries name: of the words, names and numbers of both, three fifths in weight are
  shared. Names and numbers weigh more than other words. A day between them, or numbers of which none is shared, speaks against it.

Where one of them has hardly more than a title, titles are compared, and half of their significant words must be shared (the rule of
NewsBlur). Within one feed only the address counts: a publisher tells "Morning briefing" anew each day.

The numbers here were found on the odd families of tests/data/pairs.txt and are measured on the even ones.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.ingest.clean import title_and_date
from pipeline.library.copies import are_copies
from pipeline.library.urls import page_key

WITHIN: Final = dt.timedelta(hours=72)
SAME: Final = 0.6  # likeness of two tellings of one story
NAME: Final = 2.5  # weight of a name; that of another word is 1
NUMBER: Final = 1.5
NO_COMMON_NUMBER: Final = 0.2  # off the likeness
A_DAY_APART: Final = 0.1
FEWEST_SHARED: Final = 4  # words, names and numbers
ENOUGH: Final = 8  # of them in a telling; what has fewer is compared by its title
SAME_TITLE: Final = 0.5  # Jaccard index of the significant words
FEWEST_SHARED_WORDS: Final = 3  # of two titles: "Weekly review" is no story
_MAYBE_COPY: Final = 0.5  # likeness from which on texts are compared word by word

_WORD: Final = re.compile(r"\w+(?:[.,]\d+)*")
_LETTERS: Final = re.compile(r"[^\W\d_]\w*")
# A capital within a sentence, or at the beginning of a title or a summary.
_CAPITAL: Final = re.compile(r"(?<=[a-z,] )[A-Z][\w-]+|^[A-Z]\w+", re.MULTILINE)
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3})")
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s?(bn|billion|million|trillion|m|%|percent|per cent)?(?!\w)")
_SCALES: Final = {"bn": "billion", "m": "million", "%": "percent", "per cent": "percent"}
_SPELLED: Final = {
    word: str(number)
    for number, word in enumerate("two three four five six seven eight nine ten eleven twelve".split(), start=2)
}
_SPELLED_OUT: Final = re.compile(rf"\b(?:{'|'.join(_SPELLED)})\b")
_ENDINGS: Final = ("ing", "ed", "es", "s")
_WORDS_THAT_TELL_NOTHING: Final = (
    "a about after again all also am an and any are as at be because been before being but by can could did do does doing during "
    "each few for from further had has have having he her here hers him his how i if in into is it its itself just me more most my "
    "now of off on once only or other our out over own said same say says she should so some such than that the their them then "
    "there these they this those through to too under until up very via vs was we were what when where which while who whom why "
    "will with would you your"
)
_STOP_WORDS: Final = frozenset(_WORDS_THAT_TELL_NOTHING.split())


@dataclass(frozen=True, slots=True)
class Telling:
    """What one feed says of a story."""

    title: str
    text: str  # its summary; empty where it is not known
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class _Named:
    """What a telling names."""

    words: frozenset[str]
    names: frozenset[str]  # those of the words that were written with a capital
    numbers: frozenset[str]  # with their scale: 2.1 billion is not 2.1 million

    @property
    def all(self) -> frozenset[str]:
        return self.words | self.numbers


def story_key(url: str | None, title: str, published: dt.datetime | None) -> str:
    """What names a story across feeds: the hash of its address, whoever serves it, or of title and date where it has none."""
    return hashlib.sha256((page_key(url) if url else title_and_date(title, published)).encode()).hexdigest()


def likeness(a: Telling, b: Telling) -> float:
    """How alike two tellings are, from 0 to 1 and 0 for two stories. Two that are copies are 1."""
    if abs(a.at - b.at) > WITHIN:
        return 0.0
    named, other = _named(a.title, a.text), _named(b.title, b.text)
    if not a.text or not b.text or min(len(named.all), len(other.all)) < ENOUGH:
        return _title_likeness(a.title, b.title)
    found = _shared(named, other, apart=abs(a.at - b.at))
    if found >= _MAYBE_COPY and are_copies(a.text, b.text):
        return 1.0
    return min(found, 1.0) if found >= SAME else 0.0


def significant_words(title: str) -> frozenset[str]:
    """The words of *title* that tell what it is about, without case, accents and plural endings' apostrophes."""
    return frozenset(word for word in _WORD.findall(_bare(title).casefold()) if word not in _STOP_WORDS)


def _title_likeness(a: str, b: str) -> float:
    words, others = significant_words(a), significant_words(b)
    shared = len(words & others)
    found = shared / len(words | others) if shared >= FEWEST_SHARED_WORDS else 0.0
    return found if found >= SAME_TITLE else 0.0


def _shared(a: _Named, b: _Named, *, apart: dt.timedelta) -> float:
    if len(a.all & b.all) < FEWEST_SHARED:
        return 0.0
    names = a.names | b.names

    def weight(words: frozenset[str], numbers: frozenset[str]) -> float:
        return len(words) + (NAME - 1) * len(words & names) + NUMBER * len(numbers)

    shared = weight(a.words & b.words, a.numbers & b.numbers)
    one, other = weight(a.words, a.numbers), weight(b.words, b.numbers)
    found = (shared / min(one, other) + shared / math.sqrt(one * other)) / 2  # between "held by" and "like"
    if a.numbers and b.numbers and not a.numbers & b.numbers:
        found -= NO_COMMON_NUMBER
    return found - A_DAY_APART * (apart / dt.timedelta(days=1))


@functools.lru_cache(maxsize=4096)  # a new entry is compared with many tellings, and each of those with many entries
def _named(title: str, text: str) -> _Named:
    plain = _THOUSANDS.sub("", _bare(f"{title}\n{text}"))
    names = {_stem(name.casefold()) for name in _CAPITAL.findall(plain)}
    low = _SPELLED_OUT.sub(lambda match: _SPELLED[match[0]], plain.casefold())
    numbers = {
        number + _SCALES.get(scale, scale) for number, scale in _NUMBER.findall(low) if number != "1"
    }  # "one" says little
    words = {_stem(word) for word in _LETTERS.findall(_NUMBER.sub(" ", low)) if word not in _STOP_WORDS}
    return _Named(frozenset(words), frozenset(words & names), frozenset(numbers))


def _bare(text: str) -> str:
    """*text* without accents and genitives."""
    plain = unicodedata.normalize("NFKD", text).replace("’", "'").replace("'s", "")
    return "".join(character for character in plain if not unicodedata.combining(character))


def _stem(word: str) -> str:
    """*word* without its ending, roughly, so that warns, warned and warning are one word."""
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 3), "")
    stem = word.removesuffix(ending) if len(word) > 4 else word
    return stem.removesuffix("e") if len(stem) > 4 else stem


# --- all stories of the inbox -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Carried:
    """A telling, and the card that carries it."""

    telling: Telling
    card: str


class Stories:
    """The stories that have a card, and the question which of them an entry tells."""

    def __init__(self) -> None:
        self._cards: dict[str, str] = {}  # by story key
        self._tellings: list[_Carried] = []
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._feeds_of: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, *, card: str, feed: str, key: str, title: str, at: dt.datetime, text: str = "") -> None:
        """Remember that *card* tells the story *key*, as *feed* told it at *at*."""
        self._cards.setdefault(key, card)
        self._feeds_of[card].add(feed)
        for word in _named(title, text).all | significant_words(title):
            self._by_word[word].append(len(self._tellings))
        self._tellings.append(_Carried(Telling(title, text, at), card))

    def know(self, keys: Mapping[str, str]) -> None:
        """Remember which card each story key has, without titles."""
        for key, card in keys.items():
            self._cards.setdefault(key, card)

    def card_of(self, *, feed: str, key: str, title: str, at: dt.datetime, text: str = "") -> str | None:
        """The card of the story that this entry tells, or None when it is a new one."""
        if key in self._cards:
            return self._cards[key]
        new = Telling(title, text, at)
        shared: defaultdict[int, int] = defaultdict(int)
        for word in _named(title, text).all | significant_words(title):
            for number in self._by_word.get(word, ()):
                shared[number] += 1
        best: tuple[float, int] | None = None
        for number, count in shared.items():
            told = self._tellings[number]
            if count < FEWEST_SHARED_WORDS or feed in self._feeds_of[told.card]:
                continue
            if found := likeness(new, told.telling):
                best = max(best or (0.0, 0), (found, -number))  # of equals, the one told first
        return self._tellings[-best[1]].card if best else None
