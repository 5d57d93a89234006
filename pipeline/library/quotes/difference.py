"""The passage of a text that is most like a quotation that does not stand in it, word by word beside it."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pipeline.library.quotes.cuts import cuts_after, cuts_before
from pipeline.library.quotes.normal import normal
from pipeline.library.quotes.text import Text, Token, text_of, tokens

_ALIKE: Final = 0.5  # of the words of the quotation; with fewer in common, there is nothing to show
_TOO_COMMON: Final = 400  # places; a word that stands in more says nothing about where to look
_MOST: Final = 300  # words of a quotation that are looked for
_LONGEST: Final = 60  # words that are shown


class Nearest(NamedTuple):
    """A passage beside the quotation: *words* is the source's, *marked* shows ``[-the quotation's-] {+the source's+}``."""

    words: str
    marked: str
    line: int
    likeness: float  # 1 where both have the same words


def difference(quote: str, text: str | Text) -> Nearest | None:
    """The passage of *text* that has most words of *quote*; None where nothing is like it."""
    given = text if isinstance(text, Text) else text_of(text)
    quote = " ".join(normal(quote).split()[:_MOST])
    wanted = [token for token in tokens(quote) if token.is_word]
    words = [token for token in given.tokens if token.is_word]
    if not wanted or not words:
        return None
    window = _window([_bare(token) for token in wanted], [_bare(token) for token in words])
    if window is None:
        return None
    likeness, first, behind = window
    start = words[first].start
    if cuts_before(given.flat, start):
        start = given.flat.rfind(" ", 0, start) + 1
    end = _with_punctuation(given, words[behind - 1].end)
    while end < len(given.flat) and cuts_after(given.flat, end):
        end = _behind_next_word(given.flat, end)  # what a number is of belongs to it
    passage = given.flat[start:end]
    return Nearest(passage, _marked(quote.split(), passage.split()), given.line_at(start), likeness)


def _bare(token: Token) -> str:
    """*token* as it is compared where a passage is looked for: its letters or its digits alone."""
    return token.key.lower().strip("$€£¥₹+-%‰")


def _window(wanted: Sequence[str], words: Sequence[str]) -> tuple[float, int, int] | None:
    """How like it is, and from which to behind which of *words* the passage lies that has most of *wanted*, in order."""
    places: dict[str, list[int]] = {word: [] for word in wanted}
    for at, word in enumerate(words):
        if word in places:
            places[word].append(at)
    votes: dict[int, float] = defaultdict(float)  # by where the passage would begin; a rare word has more to say
    for number, word in enumerate(wanted):
        if len(places[word]) <= _TOO_COMMON:
            for at in places[word]:
                votes[at - number] += 1 / len(places[word])
    best: tuple[float, int, int] | None = None
    for shift in _shifts(votes, len(wanted)):
        low = max(0, shift - len(wanted) // 4)
        for more in (0, 1, len(wanted) // 4, len(wanted) // 2):
            found = _aligned(wanted, words, low, shift + len(wanted) + more)
            if found is not None and (best is None or found[0] > best[0]):
                best = found
    return best


def _aligned(wanted: Sequence[str], words: Sequence[str], low: int, high: int) -> tuple[float, int, int] | None:
    """How like *wanted* the best passage of *words* between *low* and *high* is, and from where to where it goes."""
    matcher = difflib.SequenceMatcher(None, wanted, words[low : max(low, high)], autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    same = sum(block.size for block in blocks)
    if same < _ALIKE * len(wanted):
        return None
    first, last = blocks[0], blocks[-1]
    begin = max(0, low + first.b - first.a)
    behind = min(len(words), low + last.b + last.size + len(wanted) - last.a - last.size)
    return 2 * same / (len(wanted) + behind - begin), begin, behind


def _shifts(votes: Mapping[int, float], length: int) -> list[int]:
    """The likeliest beginnings, neighbours counted together: a word too many moves what follows by one."""
    near = max(1, length // 4)
    likeliest = sorted(votes, key=lambda shift: (-votes[shift], shift))[:200]
    together = {
        shift: sum(votes.get(other, 0) for other in range(shift - near, shift + near + 1)) for shift in likeliest
    }
    return sorted(together, key=lambda shift: (-together[shift], -votes[shift], shift))[:12]


def _with_punctuation(given: Text, end: int) -> int:
    while end < len(given.flat) and given.flat[end] in ".,;:!?)\"'%":
        end += 1
    return end


def _behind_next_word(flat: str, end: int) -> int:
    following = flat.find(" ", end + 1)
    following = following if following >= 0 else len(flat)
    return _behind_next_word(flat, following) if flat[end:following].strip() in ("to", "or") else following


def _marked(wanted: Sequence[str], given: Sequence[str]) -> str:
    """``may need [-8%-] {+9%+} to 17%``: what the quotation has instead, then what the source has."""
    shown: list[str] = []
    matcher = difflib.SequenceMatcher(None, [*map(_compared, wanted)], [*map(_compared, given)], autojunk=False)
    for kind, low, high, begin, behind in matcher.get_opcodes():
        if kind == "equal":
            shown += given[begin:behind]
            continue
        if high > low:
            shown.append(f"[-{' '.join(wanted[low:high])}-]")
        if behind > begin:
            shown.append(f"{{+{' '.join(given[begin:behind])}+}}")
    if len(shown) > _LONGEST:
        shown = _around_the_marks(shown)
    return " ".join(shown)


def _compared(word: str) -> str:
    """Punctuation at the end of a word is shown as different only where nothing else is."""
    return word.rstrip(",.;:\"'") or word


def _around_the_marks(shown: list[str]) -> list[str]:
    marks = [at for at, word in enumerate(shown) if word.startswith(("[-", "{+"))]
    if not marks:
        return [*shown[:_LONGEST], "..."]
    low, high = max(0, marks[0] - 12), min(len(shown), marks[-1] + 13)
    high = min(high, low + _LONGEST)
    return [*(["..."] if low else []), *shown[low:high], *(["..."] if high < len(shown) else [])]
