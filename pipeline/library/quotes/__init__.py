"""Whether the words of a quote stand in the stored text of its source, however either was typed.

    places       a quote | normal form | words | every place where they stand     `normal`, `text`, `pattern`, `cuts`
    difference   a quote | the passage most like it, with the words that differ marked   `difference`

Words and numbers are compared whole, with their signs, currencies and percents; marks that point elsewhere, such as ``[12]``, are
passed over in the source, and what an editor may do to a quotation is known to `pattern`. This says that words occur in a text,
nothing about whether they are true or used fairly.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from pipeline.library.quotes.cuts import cuts
from pipeline.library.quotes.difference import Nearest, difference
from pipeline.library.quotes.normal import normal
from pipeline.library.quotes.pattern import Part, edited, plain
from pipeline.library.quotes.text import Text, Token, text_of

__all__ = ["Nearest", "Place", "Text", "difference", "nearest", "normal", "occurs", "places", "text_of"]

WINDOW: Final = 1_000  # characters that the parts of a quote with an elision may lie apart: about a paragraph


class Place(NamedTuple):
    """Where a quote stands in `Text.flat`, and on which line of the text's file, from 1."""

    start: int
    end: int
    line: int


def places(
    quote: str, text: str | Text, *, prefix: str = "", suffix: str = "", first_letter: bool = False
) -> list[Place]:
    """Each place in *text* where *quote* stands, in order.

    With *prefix* or *suffix* only where these words stand directly before or after it. With *first_letter*, the first letter of the
    quote may be of the other case, where the source begins a sentence with it or the quote does.
    """
    wanted = normal(quote)
    given = text if isinstance(text, Text) else text_of(text)
    if prefix or suffix:
        head, tail = normal(prefix), normal(suffix)
        return [
            Place(place.start, place.end, place.line)
            for place in places(wanted, given)
            if _stands_before(head, given, place.start) and _stands_after(tail, given, place.end)
        ]
    found = list(dict.fromkeys(_literal(wanted, given)))
    if not found and wanted:
        found = list(dict.fromkeys(_by_words(wanted, given, first_letter=first_letter)))
    return [Place(start, end, given.line_at(start)) for start, end in sorted(found)]


def occurs(quote: str, text: str | Text) -> bool:
    """True when *quote* stands in *text*."""
    return bool(places(quote, text))


def nearest(quote: str, text: str) -> str:
    """The passage of *text* that is most like *quote*; empty where nothing is like it."""
    found = difference(quote, text)
    return found.words if found else ""


# --- letter by letter -----------------------------------------------------------------------------------------------------------


def _literal(wanted: str, given: Text) -> Iterator[tuple[int, int]]:
    """The places of *wanted* as it is written: quick, and mostly enough."""
    at = given.flat.find(wanted) if wanted else -1
    while at >= 0:
        end = at + len(wanted)
        if not cuts(given.flat, at, end):
            yield at, end
        at = given.flat.find(wanted, at + 1)


def _stands_before(prefix: str, given: Text, start: int) -> bool:
    return not prefix or given.flat[:start].rstrip(" \"'([").endswith(prefix.rstrip(" \"'(["))


def _stands_after(suffix: str, given: Text, end: int) -> bool:
    return not suffix or given.flat[end:].lstrip(" \"')],.;:").startswith(suffix.lstrip(" \"')],.;:"))


# --- word by word ---------------------------------------------------------------------------------------------------------------


def _by_words(wanted: str, given: Text, *, first_letter: bool) -> Iterator[tuple[int, int]]:
    """The places of *wanted* as it may be typed: as it stands first, and with an editor's brackets and dots if nowhere."""
    for parts in (plain(wanted), edited(wanted, given.flat)):
        if not any(token.is_word for part in parts for token in part.tokens):
            continue
        for search in _searches(given):
            found = list(search.all(parts, first_letter=first_letter))
            if found:
                yield from found
                return


def _searches(given: Text) -> Iterator[_Search]:
    yield _Search(given, given.tokens, given.index)
    if given.tokens_without_markers is not given.tokens:
        yield _Search(given, given.tokens_without_markers, given.index_without_markers)


class _Run(NamedTuple):
    """Where a part stands, as numbers of tokens, and behind which token the last of the parts ends that follow it."""

    first: int
    behind: int
    last: int


_Key: TypeAlias = tuple[tuple[str, ...], bool, bool]  # a part without what may stand before it


class _Search:
    """One look through the tokens of a text."""

    def __init__(self, given: Text, found: Sequence[Token], index: dict[str, list[int]]) -> None:
        self._given = given
        self._tokens = found
        self._index = index

    def all(self, parts: Sequence[Part], *, first_letter: bool) -> Iterator[tuple[int, int]]:
        """Start and end of each run of *parts* in order."""
        for run in self._chains(parts, first_letter=first_letter):
            start, end = self._tokens[run.first].start, self._tokens[run.last - 1].end
            if not cuts(self._given.flat, start, end):
                yield start, end

    def _chains(self, parts: Sequence[Part], *, first_letter: bool) -> list[_Run]:
        """Each place of the first of *parts* that the others follow; found from the last one on, so that each is looked at once."""
        following: Part | None = None
        chains: list[_Run] = []
        known: dict[_Key, list[_Run]] = {}
        for number in range(len(parts) - 1, -1, -1):
            part, capital = parts[number], first_letter and number == 0
            key = (tuple(token.key for token in part.tokens), part.first_letter or capital, part.stem)
            if key not in known:
                known[key] = list(self._runs(part, first_letter=capital))
            runs = known[key]
            if following is not None:
                runs = [run._replace(last=last) for run in runs if (last := self._last(run.behind, following, chains))]
            if not runs:
                return []
            following, chains = part, runs
        return chains

    def _last(self, after: int, part: Part, chains: Sequence[_Run]) -> int | None:
        """Behind which token the words end that go on with *part* behind the token before *after*; None where they do not go on."""
        found = bisect.bisect_left(chains, after, key=lambda run: run.first)
        if found == len(chains):
            return None
        first, start = chains[found].first, self._tokens[chains[found].first].start
        if start > self._tokens[after - 1].end + WINDOW or (
            part.passed_by is not None and first - after > part.passed_by
        ):
            return None
        if part.bare and self._tokens[after].key == "..." and first > after + 1:
            return None
        if part.passed_by is None and self._given.parts_between(self._tokens[after - 1].start, start):
            return None
        if part.passed_by and any(token.key in _ENDS for token in self._tokens[after:first]):
            return None
        return chains[found].last

    def _runs(self, part: Part, *, first_letter: bool) -> Iterator[_Run]:
        """Each place where *part* stands, with or without the stop at its end, in order."""
        shorter = part.without_stop()
        for first in self._candidates(part, first_letter=first_letter):
            behind = self._match(part, first, first_letter=first_letter)
            if behind is None and shorter is not None:
                behind = self._match(shorter, first, first_letter=first_letter)
            if behind is not None and not self._cuts_inside(first, behind):
                yield _Run(first, behind, behind)

    def _cuts_inside(self, first: int, behind: int) -> bool:
        return cuts(self._given.flat, self._tokens[first].start, self._tokens[behind - 1].end)

    def _candidates(self, part: Part, *, first_letter: bool) -> list[int]:
        """Tokens with which *part* may begin, in order, by its first word."""
        key = part.tokens[0].key
        keys = {key, _other_case(key)} if part.first_letter or first_letter else {key}
        if part.stem and len(part.tokens) == 1:
            keys |= {other for other in self._index if _is_stem(key, other)}
        found = {place for each in keys for place in self._index.get(each, ())}
        if key.isalpha():
            found.update(self._torn(part))
        return sorted(found)

    def _torn(self, part: Part) -> Iterator[int]:
        """Where the first word of *part* stands in two pieces (con-tract), or joined to the next one (longterm)."""
        key = part.tokens[0].key
        if len(part.tokens) > 2 and part.tokens[1].key == "-":
            yield from self._index.get(key + part.tokens[2].key, ())
        yield from (place - 1 for place in self._index.get("-", ()) if place and _pieces(self._tokens, place - 1, key))

    def _match(self, part: Part, first: int, *, first_letter: bool) -> int | None:
        """Behind which token *part* ends that begins with the token *first*; None where the words differ."""
        wanted, given, at = part.tokens, self._tokens, first
        number = 0
        while number < len(wanted):
            if at >= len(given):
                return None
            key, here = wanted[number].key, given[at].key
            opens = number == 0 and (part.first_letter or (first_letter and self._may_change_case(first, key)))
            stem = number + 1 == len(wanted) and part.stem and _is_stem(key, here)
            if key == here or stem or (opens and _other_case(key) == here):
                number, at = number + 1, at + 1
            elif pieces := _pieces(given, at, key):  # the source has con-tract where the quote has contract
                number, at = number + 1, at + pieces
            elif pieces := _pieces(wanted, number, here):  # the other way round
                number, at = number + pieces, at + 1
            else:
                return None
        return at

    def _may_change_case(self, first: int, key: str) -> bool:
        """True when the quote begins a sentence with a capital, or the source with a capital that the quote has not."""
        return key[0].isupper() or first == 0 or self._tokens[first - 1].key in _ENDS


_ENDS: Final = frozenset('. ! ? : " ...'.split())


def _other_case(key: str) -> str:
    return (key[0].lower() if key[0].isupper() else key[0].upper()) + key[1:]


def _is_stem(key: str, word: str) -> bool:
    """True when *word* is *key*, or has another ending: ``expect`` and ``expecting``."""
    return len(key) >= 3 and word.startswith(key) and len(word) - len(key) <= 4 and word.isalpha()


def _pieces(found: Sequence[Token], at: int, word: str) -> int:
    """How many tokens of *found* are *word* in pieces with hyphens between: the line of a page ended there. 0: they are not."""
    if at + 2 >= len(found) or found[at + 1].key != "-" or not word.replace("'", "").isalpha():
        return 0
    joined, behind = found[at].key, at + 1
    while len(joined) < len(word) and behind + 1 < len(found) and found[behind].key == "-":
        joined, behind = joined + found[behind + 1].key, behind + 2
    return behind - at if joined == word else 0
