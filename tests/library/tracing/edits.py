"""Quotations for tests: taken from the sample passages, spoilt by one edit, or typed in another way. The same ones in every run."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.conftest import REPOSITORY

SEED: Final = 20261126

_WORD: Final = re.compile(r"\S+")


def passages() -> list[str]:
    """The sample passages, and the longer paragraphs of the sample sources; all publishers, people and figures are invented."""
    found = (REPOSITORY / "tests/data/tracing/passages.txt").read_text("utf-8").splitlines()
    for path in sorted((REPOSITORY / "content/sources/snapshots").glob("*.txt")):
        found += [line for line in path.read_text("utf-8").splitlines() if len(line.split()) > 30]
    return found


def document(found: list[str], number: int) -> str:
    """A text of several paragraphs as it is stored, the passage of that *number* among them."""
    return "\n".join(found[number % 7 :: 7])


@dataclass(frozen=True)
class Edit:
    kind: str
    quote: str  # the words as they stand in the passage
    spoilt: str
    passage: int


def quotes(passage: str, chance: random.Random, count: int) -> Iterator[str]:
    """*count* runs of 6 to 22 words from *passage*."""
    words = [*_WORD.finditer(passage)]
    for _ in range(count):
        length = chance.randint(6, min(22, len(words)))
        first = chance.randint(0, len(words) - length)
        while length > 6 and re.search(r"\d", words[first + length - 1][0]):
            length -= 1  # what a number is of belongs to it: $5.5 is no quotation of $5.5 million
        yield passage[words[first].start() : words[first + length - 1].end()].strip("\"“”'‘’")


# --- edits that change what is said -----------------------------------------------------------------------------------------------

_NEGATED: Final = (
    (r"\b(is|was|were|are|had|has|may|might|would|could|did|does|do|can|will|should)\b(?! not)", r"\1 not"),
    (r"\bnot ", ""),
    (r"\bno\b", "a"),
    (r"\bnever\b", "often"),
    (r"\bnone\b", "one"),
    (r"\bneither\b", "both"),
    (r"\bwithout\b", "with"),
    (r"\bno longer\b", "still"),
    (r"\bonly\b", "not only"),
)
_UNITS: Final = """
    gigawatts:megawatts megawatts:gigawatts TWh:GWh kW:MW MW:GW watts:kilowatts litres:gallons months:years
    years:months million:billion billion:million trillion:billion %:‰ $:€ €:$ £:$ hours:minutes
    minutes:seconds tonne:ton kilowatt-hour:megawatt-hour week:month households:people wafers:chips nm:mm
    won:yen US$:A$ m³:m² TOPS:FLOPS day:week
""".split()
_OTHERS: Final = """
    harbour:airport board:court region:country water:power supply:demand fell:rose rose:fell above:below
    before:after expects:hopes may:must might:will could:would said:denied largest:smallest second:first
    third:fifth at_least:at_most more:less fewer:more against:for up_to:over between:beyond high:low low:high
    every:no all:some nearly:over about:exactly and:or senior:junior paid:owed asked:refused earlier:later
    correctly:wrongly answers:questions operator:owner share:number
""".split()


def edits(*, each: int = 90) -> Iterator[Edit]:
    """Single edits to quotes of the passages: a digit, a word, a negation, a unit, a year."""
    found = passages()
    chance = random.Random(SEED)
    for number, passage in enumerate(found):
        seen: set[str] = set()
        made = 0
        for _ in range(each * 12):
            if made == each:
                break
            quote = next(quotes(passage, chance, 1))
            kind = chance.choice(
                [_digit, _year, _swapped, _dropped, _added, _negated, _unit, _other, _doubled, _lettered]
            )
            spoilt = kind(quote, passage, chance)
            if spoilt and spoilt not in seen and is_another(spoilt, passage):
                seen.add(spoilt)
                made += 1
                yield Edit(kind.__name__.strip("_"), quote, spoilt, number)


def is_another(spoilt: str, passage: str) -> bool:
    """True when the words of *spoilt* do not follow one another in *passage*: more than their dress differs."""
    return not _stands_in(words_of(spoilt), words_of(passage))


def words_of(text: str) -> list[str]:
    """The words and numbers of *text*, bare of all but what makes a number another; read apart from what is tested."""
    text = re.sub(r"\[\d+(?:, \d+)*\]|(?<=\w)[¹²³](?=\W)(?<!m[²³])", "", text)  # marks that point elsewhere
    return re.findall(r"[$€£]?-?\d+(?:[.,]\d+)*[%‰]?|[^\W\d_]+[²³]?", text)


def _stands_in(words: list[str], among: list[str]) -> bool:
    return any(among[at : at + len(words)] == words for at in range(len(among) - len(words) + 1))


def _digit(quote: str, passage: str, chance: random.Random) -> str:
    at = [m.start() for m in re.finditer(r"\d", quote)]
    if not at:
        return ""
    place = chance.choice(at)
    other = chance.choice([digit for digit in "123456789" if digit != quote[place]])
    return chance.choice([quote[:place] + other + quote[place + 1 :], quote[:place] + other + quote[place:]])


def _year(quote: str, passage: str, chance: random.Random) -> str:
    years = [*re.finditer(r"\b(?:19|20)\d\d\b", quote)]
    if not years:
        return ""
    year = chance.choice(years)
    return quote[: year.start()] + str(int(year[0]) + chance.choice([-10, -2, -1, 1, 2, 10])) + quote[year.end() :]


def _swapped(quote: str, passage: str, chance: random.Random) -> str:
    words = quote.split()
    one, two = sorted(chance.sample(range(len(words)), 2))
    words[one], words[two] = words[two], words[one]
    return " ".join(words)


def _dropped(quote: str, passage: str, chance: random.Random) -> str:
    words = quote.split()
    del words[chance.randint(1, len(words) - 2)]
    return " ".join(words)


def _added(quote: str, passage: str, chance: random.Random) -> str:
    words = quote.split()
    words.insert(
        chance.randint(1, len(words) - 1),
        chance.choice(["also", "very", "not", "almost", "12", "the", "only", "probably"]),
    )
    return " ".join(words)


def _doubled(quote: str, passage: str, chance: random.Random) -> str:
    words = quote.split()
    at = chance.randrange(len(words))
    words.insert(at, words[at])
    return " ".join(words)


def _lettered(quote: str, passage: str, chance: random.Random) -> str:
    """One letter of a word is another."""
    at = [m.start() for m in re.finditer(r"(?<=[a-z])[a-z](?=[a-z])", quote)]
    place = chance.choice(at)
    return quote[:place] + chance.choice([c for c in "aeiounrst" if c != quote[place]]) + quote[place + 1 :]


def _negated(quote: str, passage: str, chance: random.Random) -> str:
    return _replaced(quote, [*_NEGATED], chance)


def _unit(quote: str, passage: str, chance: random.Random) -> str:
    return _replaced(quote, [_pair(pair) for pair in _UNITS], chance)


def _other(quote: str, passage: str, chance: random.Random) -> str:
    return _replaced(quote, [_pair(pair) for pair in _OTHERS], chance)


def _pair(pair: str) -> tuple[str, str]:
    old, _, new = pair.replace("_", " ").partition(":")
    return (rf"\b{re.escape(old)}\b" if old[0].isalpha() and old[-1].isalnum() else re.escape(old)), new


def _replaced(quote: str, pairs: list[tuple[str, str]], chance: random.Random) -> str:
    fitting = [(old, new) for old, new in pairs if re.search(old, quote)]
    if not fitting:
        return ""
    old, new = chance.choice(fitting)
    return re.sub(old, new, quote, count=1).strip()


# --- the same words, typed in another way ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Variant:
    kind: str
    quote: str
    given: str  # the passage as it is stored


def variants(count: int) -> Iterator[Variant]:
    """Quotes of the passages, and the passages, typed in other ways that change no word."""
    found = passages()
    chance = random.Random(SEED + 1)
    kinds = [*_QUOTE_TYPED, *_PASSAGE_TYPED]
    made = 0
    while made < count:
        kind = kinds[made % len(kinds)]
        passage = chance.choice(found)
        quote = next(quotes(passage, chance, 1))
        if not is_honest(quote, passage):
            continue
        if kind in _QUOTE_TYPED:
            typed, given = kind(quote, chance), passage
        else:
            typed, given = quote, kind(passage, chance)
        if (typed, given) != (quote, passage):
            made += 1
            yield Variant(kind.__name__.strip("_"), typed, given)


def is_honest(quote: str, passage: str) -> bool:
    """True when no number is torn from what it cannot be read without, by the test's own simple rule: no number at either end."""
    words = quote.split()
    return not any(re.search(r"\d", word) for word in (words[0], words[-1]))


def _curly(quote: str, chance: random.Random) -> str:
    return re.sub(r'"(\w[^"]*)"', r"“\1”", quote).replace("'", "’").replace('"', "”")


def _straight(quote: str, chance: random.Random) -> str:
    return quote.translate(str.maketrans("“”‘’", "\"\"''"))


def _guillemets(quote: str, chance: random.Random) -> str:
    return quote.translate(str.maketrans("“”", "«»"))


def _dashes(quote: str, chance: random.Random) -> str:
    return re.sub("[-–—]", chance.choice("-‐‑–—−"), quote)


def _no_break_spaces(quote: str, chance: random.Random) -> str:
    return re.sub(" ", lambda _: chance.choice(" \u00a0\u202f\u2009\u2007\u200a\u3000"), quote)


def _broken_lines(quote: str, chance: random.Random) -> str:
    return re.sub(" ", lambda _: chance.choice([" ", " ", "\n", "  ", " \n  "]), quote)


def _soft_hyphens(quote: str, chance: random.Random) -> str:
    return re.sub(r"(?<=[a-z]{3})(?=[a-z]{3})", lambda _: chance.choice(["\u00ad", "", ""]), quote)


def _zero_width(quote: str, chance: random.Random) -> str:
    return re.sub(r"(?=[a-z ])", lambda _: chance.choice(["\u200b", "\ufeff", "\u2060", "", "", ""]), quote)


def _ligatures(quote: str, chance: random.Random) -> str:
    return quote.replace("ffi", "ﬃ").replace("fi", "ﬁ").replace("fl", "ﬂ").replace("ff", "ﬀ").replace("st", "ﬆ")


def _full_width(quote: str, chance: random.Random) -> str:
    return re.sub(r"[0-9%]", lambda m: chr(ord(m[0]) + 0xFEE0), quote)


def _piled(quote: str, chance: random.Random) -> str:
    for typed in (_straight, _no_break_spaces, _soft_hyphens, _zero_width, _ligatures, _american_stop):
        quote = typed(quote, chance)
    return quote


def _american_stop(quote: str, chance: random.Random) -> str:
    return quote.rstrip(".,;:") + chance.choice(",.")


def _elided(quote: str, chance: random.Random) -> str:
    words = re.split(r"(?<=[.!?…]) ", quote)[0].split()
    if len(words) < 6:
        return quote
    low, high = sorted(chance.sample(range(2, len(words) - 1), 2))
    torn = any(re.search(r"\d", words[at]) for at in (low - 1, low, high - 1, high))
    return (
        quote
        if torn
        else " ".join([*words[:low], chance.choice(["…", "[…]", "...", "[...]", "(…)", ". . ."]), *words[high:]])
    )


def _bracketed_capital(quote: str, chance: random.Random) -> str:
    other = quote[0].lower() if quote[0].isupper() else quote[0].upper()
    return f"[{other}]{quote[1:]}" if quote[0].isalpha() and len(quote.split()[0]) > 1 else quote


def _spaced_percent(quote: str, chance: random.Random) -> str:
    return quote.replace("%", "\u202f%")


def _in_a_block_quote(quote: str, chance: random.Random) -> str:
    return f"  {quote}  "


def _hyphenated(passage: str, chance: random.Random) -> str:
    """Set in a narrow column: long words go on in the next line."""
    return re.sub(r"(?<=[a-z]{3})(?=[a-z]{3})", lambda _: chance.choice(["-\n", *[""] * 9]), passage)


def _hyphenated_and_stored(passage: str, chance: random.Random) -> str:
    """The same, and the copy was stored with the hyphens."""
    return re.sub(r"(?<=[a-z]{3})(?=[a-z]{3})", lambda _: chance.choice(["- ", *[""] * 19]), passage)


def _marked(passage: str, chance: random.Random) -> str:
    """With marks that point to notes behind some words."""
    marks = ["[12]", " [3]", "[2, 6]", " [4-7]", "[a]", " [note 2]", "†"]
    return re.sub(r"(?<=[a-z]{2})(?=[ .,;])", lambda _: chance.choice([*marks, *[""] * 20]), passage)


def _raised_marks(passage: str, chance: random.Random) -> str:
    return re.sub(r"(?<=[a-z]{3})(?=[ .,;])", lambda _: chance.choice(["¹", "²³", *[""] * 12]), passage)


def _wide_spaces(passage: str, chance: random.Random) -> str:
    return _no_break_spaces(passage, chance)


_QUOTE_TYPED: Final = (
    _curly, _straight, _guillemets, _dashes, _no_break_spaces, _broken_lines, _soft_hyphens, _zero_width, _ligatures, _full_width,
    _american_stop, _elided, _bracketed_capital, _spaced_percent, _in_a_block_quote, _piled,
)  # fmt: skip
_PASSAGE_TYPED: Final = (_hyphenated, _hyphenated_and_stored, _marked, _raised_marks, _wide_spaces, _curly, _dashes)
