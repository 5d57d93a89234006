"""Units of measure and currencies as prose writes them, and what each is worth in the first unit of its dimension.

Two quantities can be compared when their units have one dimension. Every currency is a dimension of its own: rates of exchange
belong to a day, and no check of ours knows the day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from pipeline.library.late import Late


class Unit(NamedTuple):
    """*factor* of the dimension's first unit."""

    name: str  # as messages show it
    dimension: str
    factor: float

    @property
    def is_money(self) -> bool:
        return self.dimension in _CURRENCIES

    @property
    def is_exact(self) -> bool:
        """True when it is the first unit times a power of ten, so that a conversion moves the decimal point only."""
        return f"{self.factor:e}".startswith("1.000000e")


FOLD: Final = Unit("times", "fold", 1)
SHARE: Final = Unit("of the whole", "percent", 100)  # a fraction in words: half is 50 percent

# One unit a line: dimension, factor, then its spellings, the first as messages show it. Symbols with a capital letter are compared
# with their case (MW is not mW); a space may be written as a hyphen.
_TABLE: Final = """
percent 1       percent | per cent | % | pct
points  1       percentage points | percentage point | points | point | pp | ppt | ppts | % points | percent points
points  0.01    basis points | basis point | bps
fold    1       times | x | fold | X
power   1       W | watts | watt
power   1e3     kW | kilowatts | kilowatt | KW
power   1e6     MW | megawatts | megawatt
power   1e9     GW | gigawatts | gigawatt
power   1e12    TW | terawatts | terawatt
energy  1       Wh | watt hours | watt hour
energy  1e3     kWh | kilowatt hours | kilowatt hour | KWh
energy  1e6     MWh | megawatt hours | megawatt hour | megawatthours
energy  1e9     GWh | gigawatt hours | gigawatt hour
energy  1e12    TWh | terawatt hours | terawatt hour
energy  277.777777778      MJ | megajoules
energy  277777.777778      GJ | gigajoules
energy  277777777777.778   PJ | petajoules
energy  277777777777778    EJ | exajoules
energy  293071.07           MMBtu | million Btu
mass    1       kg | kilograms | kilogram | kilos
mass    1e3     tonnes | tonne | t | metric tons | metric ton | metric tonnes | tons | ton | tCO2 | tCO2e
mass    1e6     kt | kilotonnes | kilotons
mass    1e9     Mt | megatonnes | megatons | MtCO2 | MtCO2e
mass    1e12    Gt | gigatonnes | gigatons | GtCO2 | GtCO2e
mass    1e-3    g | grams | gram
mass    0.45359237         lb | lbs | pounds of weight
volume  1       litres | litre | liters | liter | l | L
volume  0.001   ml | millilitres | milliliters
volume  1e3     cubic metres | cubic metre | cubic meters | cubic meter | m3
volume  3.785411784        gallons | gallon | US gallons
volume  1233481.83755      acre feet | acre foot
volume  158.987294928      barrels | barrel
volume  28.316846592       cubic feet
length  1       metres | metre | meters | meter
length  1e3     km | kilometres | kilometre | kilometers | kilometer
length  0.01    cm | centimetres | centimeters
length  0.001   mm | millimetres | millimeters
length  1e-9    nm | nanometres | nanometre | nanometers | nanometer
length  1609.344           miles | mile
length  0.3048             feet | foot | ft
length  0.0254             inches | inch
area    1       square metres | square metre | square meters | sq m | m2
area    1e4     hectares | hectare | ha
area    1e6     square kilometres | square kilometers | km2 | sq km
area    4046.8564224       acres | acre
area    0.09290304         square feet | square foot | sq ft
area    2589988.110336     square miles | square mile
time    1       seconds | second
time    0.001   milliseconds | millisecond | ms
time    60      minutes | minute
time    3600    hours | hour
time    86400   days | day
time    604800  weeks | week
time    2629800 months | month
time    31557600           years | year
time    315576000          decades | decade
data    1       bytes | byte
data    1e3     kB | KB | kilobytes
data    1e6     MB | megabytes | megabyte
data    1e9     GB | gigabytes | gigabyte
data    1e12    TB | terabytes | terabyte
data    1e15    PB | petabytes | petabyte
data    1e18    EB | exabytes
compute 1e12    teraflops | TFLOPS | teraFLOPS
compute 1e15    petaflops | PFLOPS | petaFLOPS
compute 1e18    exaflops | exaflop | EFLOPS | exaFLOPS
rate    1e6     Mbps | megabits per second
rate    1e9     Gbps | gigabits per second
rate    1e12    Tbps | terabits per second
frequency 1e6   MHz | megahertz
frequency 1e9   GHz | gigahertz
voltage 1       volts | volt
voltage 1e3     kV | kilovolts | kilovolt
heat    1       °C | degrees Celsius | degrees
heat-f  1       °F | degrees Fahrenheit
"""

# A currency a line: its code, then its signs, which stand before the number, and its names, which stand behind it.
_MONEY: Final = """
USD  US$ $           | dollars | dollar | US dollars | American dollars | U.S. dollars
EUR  €               | euros | euro
GBP  £               | pounds | pound | pounds sterling | British pounds | sterling
JPY  ¥ JP¥           | yen
CNY  CN¥ RMB         | yuan | renminbi
INR  ₹ Rs Rs. Re     | rupees | rupee | Indian rupees
KRW  ₩               | won | Korean won | South Korean won
TWD  NT$             | Taiwan dollars | New Taiwan dollars
HKD  HK$             | Hong Kong dollars
SGD  S$              | Singapore dollars
AUD  A$ AU$          | Australian dollars
CAD  C$ CA$          | Canadian dollars
BRL  R$              | reais | real
CZK                  | crowns | crown | koruna
BGN                  | leva | lev
PLN                  | zloty | zlotys
HUF                  | forints | forint
RUB                  | roubles | rubles
TRY                  | lira | liras
ZAR                  | rand
MXN                  | pesos
ILS  ₪               | shekels
THB                  | baht
IDR                  | rupiah
CHF                  | Swiss francs | francs | franc
SEK                  | Swedish kronor | kronor
NOK                  | Norwegian kroner | kroner
DKK                  | Danish kroner
SAR                  | riyals | Saudi riyals
AED                  | dirhams
"""
_SMALL_MONEY: Final = {"cents": ("USD", 0.01), "cent": ("USD", 0.01), "¢": ("USD", 0.01), "pence": ("GBP", 0.01)}

SCALES: Final = {
    "hundred": 1e2,
    "thousand": 1e3,
    "lakh": 1e5,
    "million": 1e6,
    "crore": 1e7,
    "billion": 1e9,
    "trillion": 1e12,
    "k": 1e3,
    "K": 1e3,
    "m": 1e6,
    "M": 1e6,
    "mn": 1e6,
    "mln": 1e6,
    "b": 1e9,
    "B": 1e9,
    "bn": 1e9,
    "bln": 1e9,
    "tn": 1e12,
    "T": 1e12,
    "trn": 1e12,
}


def _read_tables() -> tuple[dict[str, Unit], dict[str, Unit], frozenset[str]]:
    behind: dict[str, Unit] = {}
    before: dict[str, Unit] = {}
    currencies = set()
    for line in _TABLE.strip().splitlines():
        dimension, factor, names = line.split(maxsplit=2)
        spellings = [name.strip() for name in names.split("|")]
        behind |= {name: Unit(spellings[0], dimension, float(factor)) for name in spellings}
    for line in _MONEY.strip().splitlines():
        signs, *words = (part.strip() for part in line.split("|"))
        code, *marks = signs.split()
        unit = Unit(words[0], code, 1)
        currencies.add(code)
        before |= dict.fromkeys((code, *marks), unit)
        behind |= dict.fromkeys((code, *words), unit)
    behind |= {name: Unit(name, code, factor) for name, (code, factor) in _SMALL_MONEY.items()}
    behind |= {"€": before["€"], "$": before["$"]}
    return behind, before, frozenset(currencies)


_BEHIND, _BEFORE, _CURRENCIES = _read_tables()
_FOLDED: Final = {
    name.lower(): unit for name, unit in _BEHIND.items() if len(name) > 3 or name in ("won", "yen", "day")
}


def _any_of(names: Iterable[str]) -> str:
    """A pattern for the longest of *names*: what begins alike is written once, a letter decides, not four hundred tries."""
    tree: dict[str, Any] = {}
    for name in names:
        branch = tree
        for sign in name:
            branch = branch.setdefault("[ -]" if sign == " " else re.escape(sign), {})
        branch[""] = {}
    return _branches(tree)


def _branches(tree: dict[str, Any]) -> str:
    ends_here = "" in tree
    ways = [sign + _branches(rest) for sign, rest in tree.items() if sign]
    if not ways:
        return ""
    if len(ways) == 1 and not ends_here:
        return ways[0]
    return f"(?:{'|'.join(ways)}){'?' if ends_here else ''}"


BEFORE: Final = _any_of(_BEFORE)  # what may stand before a number
SCALE_WORDS: Final = r"(?i:hundred|thousand|lakhs?|million|crores?|billion|trillion)"
SCALE_SIGNS: Final = r"(?:bn|mn|mln|bln|tn|trn|k|K|m|M|b|B|T)"


# Letters that an expression takes for s and i where it passes over case, and that no small letter makes one of ours.
OTHER_LETTERS: Final = {"ſ": "s", "ı": "i", "İ": "I"}
_OURS: Final = str.maketrans(OTHER_LETTERS)


def in_our_letters(text: str) -> str:
    """*text* with s and i for `OTHER_LETTERS`; every letter keeps its place."""
    return text if text.isascii() else text.translate(_OURS)


class Named(NamedTuple):
    """A unit as a text names it."""

    words: str  # as they stand there
    unit: Unit
    end: int  # where they end


_FIRST: Final = re.compile(r"[A-Za-z]+|[^A-Za-z]")


def _by_first(names: Mapping[str, Unit]) -> dict[str, list[tuple[str, Unit]]]:
    """*names* and their units by the first word or sign of the name, longer names first."""
    found: dict[str, list[tuple[str, Unit]]] = {}
    for name in sorted(names, key=len, reverse=True):
        first = _FIRST.match(name)
        assert first is not None
        found.setdefault(first[0], []).append((name, names[name]))
    return found


_SYMBOLS: Final = _by_first(_BEHIND)  # in their case
_WORDS: Final = _by_first(_FOLDED)  # in any
_LONGEST: Final = max(map(len, _BEHIND))


def unit_at(text: str, start: int, *, free: re.Pattern[str]) -> Named | None:
    """The unit that *text* names at *start*, behind a number, where *free* matches behind the name. The longest name wins.

    Looked up, and no expression of four hundred names: compiling one took a tenth of the time in which an article is built again.
    """
    first = _FIRST.match(text, start)
    if first is None:
        return None
    there = text[start : start + _LONGEST].replace("-", " ")
    for name, unit in _SYMBOLS.get(first[0], ()):
        if there.startswith(name) and free.match(text, end := start + len(name)):
            return Named(text[start:end], unit, end)
    there = there.lower()
    for name, unit in _WORDS.get(first[0].lower(), ()):
        if there.startswith(name) and free.match(text, end := start + len(name)):
            return Named(text[start:end], unit, end)
    return None


def unit_named(name: str) -> Unit:
    """The unit that has this *name*, in words."""
    return _FOLDED[name.lower()]


def unit_before(sign: str) -> Unit:
    """The currency whose *sign* stands before a number, found by `BEFORE`."""
    return _BEFORE[sign]


def scale_of(words: str) -> float:
    """What ``billion`` or ``bn`` multiplies by."""
    if words in SCALES:
        return SCALES[words]
    return SCALES[words.lower().rstrip("s")]


_STARTS: Final = re.escape("".join(sorted({name[0] for name in (*_BEHIND, *_BEFORE)})))
_NAME: Final = Late(rf"(?<![A-Za-z])[A-Za-z{_STARTS}]")
_NO_LETTER: Final = re.compile(r"(?![A-Za-z])")
_SIGN: Final = Late(rf"(?<!\$){BEFORE}(?![A-Za-z])")


def dimensions_in(text: str) -> frozenset[str]:
    """The dimensions of the units that *text* names, with or without a number: those of a table's head, of a heading."""
    found = set()
    end = 0
    for start in _NAME.finditer(text):
        if start.start() < end:
            continue
        if named := unit_at(text, start.start(), free=_NO_LETTER):
            words, unit, end = named
        elif sign := _SIGN.match(text, start.start()):
            words, unit, end = sign[0], _BEFORE[sign[0]], sign.end()
        else:
            continue
        if len(words) > 1 or not words.isalpha() or unit.is_money:
            found.add(unit.dimension)
    return frozenset(found)


_SCALE_NAMED: Final = Late(
    r"\b(?:(?P<word>thousand|lakh|million|crore|billion|trillion)s?|(?P<short>mn|mln|bn|bln|tn|trn))\b|(?<![A-Za-z])(?P<noughts>'?000s?)\b",
    re.IGNORECASE,
)


def scales_in(text: str) -> frozenset[float]:
    """The scales that *text* names: 1,000,000 where it says "in millions" or "2 million"."""
    return frozenset(
        1e3 if found["noughts"] else scale_of((found["word"] or found["short"]).lower())
        for found in _SCALE_NAMED.finditer(in_our_letters(text))
    )
