"""BibTeX, as BibTeX and biblatex write it: entries, strings, and LaTeX's ways of writing letters.

A reader of our own: the libraries for it lose the braces that keep the name of an office whole and the address behind a percent
sign, and tell no line of what they cannot read. Commands that are no letters are dropped, and their words kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.library.exchange.item import Item, Name, Slip, date_in, partial_date

_TYPES: Final = {
    "article": "article-journal",
    "report": "report",
    "techreport": "report",
    "online": "webpage",
    "electronic": "webpage",
    "www": "webpage",
    "misc": "document",
    "book": "book",
    "inbook": "chapter",
    "incollection": "chapter",
    "inproceedings": "paper-conference",
    "conference": "paper-conference",
    "thesis": "thesis",
    "phdthesis": "thesis",
    "mastersthesis": "thesis",
    "dataset": "dataset",
    "legislation": "legislation",
    "patent": "patent",
    "software": "software",
    "unpublished": "manuscript",
}
_KINDS: Final = {kind: entry for entry, kind in reversed(_TYPES.items())} | {"report": "report", "webpage": "online"}
_SUBTYPES: Final = {"newspaper": "article-newspaper", "magazine": "article-magazine"}  # of biblatex's @article
_PUBLISHERS: Final = ("publisher", "institution", "organization", "school")
_PUBLISHED_BY: Final = {"report": "institution", "thesis": "school", "webpage": "organization"}
_MONTHS: Final = dict(
    zip("jan feb mar apr may jun jul aug sep oct nov dec".split(), map(str, range(1, 13)), strict=True)
)

_ENTRY: Final = re.compile(r"^[ \t]*@\s*([A-Za-z]+)\s*([{(])", re.MULTILINE)
_SPACE: Final = re.compile(r"\s*")
_COMMAS: Final = re.compile(r"[\s,]*")
_KEY: Final = re.compile(r"\s*([^\s,{}()\"=#%\\]+)\s*(?=[,})])")
_FIELD: Final = re.compile(r"[\s,]*([A-Za-z][\w:.+/-]*)\s*=\s*")
_BARE: Final = re.compile(r"[^\s,{}()\"=#%\\]+")
_ACCENTS: Final = dict(
    zip(
        "`'^~\"=.uvHcdbkr",
        "\u0300\u0301\u0302\u0303\u0308\u0304\u0307\u0306\u030c\u030b\u0327\u0323\u0331\u0328\u030a",
        strict=True,
    )
)
_LETTERS: Final = dict(
    pair.split(":")
    for pair in (
        "ss:ß o:ø O:Ø l:ł L:Ł ae:æ AE:Æ oe:œ OE:Œ aa:å AA:Å i:i j:j th:þ TH:Þ dh:ð DH:Ð textendash:– textemdash:— dots:… ldots:… "
        "textquoteleft:‘ textquoteright:’ textquotedblleft:“ textquotedblright:” texteuro:€ euro:€ pounds:£ textpounds:£ "
        "textdegree:° copyright:© textasciitilde:~ textasciicircum:^ textbackslash:\\ textunderscore:_ textbar:|"
    ).split()
)
_ACCENTED: Final = re.compile(
    r"\\([`'^~\"=.])\s*(?:\{\s*\\?([A-Za-z])\s*\}|\\?([A-Za-z]))|\\([uvHcdbkr])\s*(?:\{\s*\\?([A-Za-z])\s*\}|\s\\?([A-Za-z]))"
)
_COMMAND: Final = re.compile(r"\\([A-Za-z]+)\s*(?:\{\})?")
_LIGATURES: Final = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"))
_ESCAPED: Final = re.compile(r"[&%$#_{}]")


# --- in ---------------------------------------------------------------------------------------------------------------------


class _Broken(Exception):
    """An entry that cannot be read: where in it, and why."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    key: str
    fields: Mapping[str, str]  # as written, LaTeX and all
    line: int


def read(text: str) -> tuple[list[Item], list[Slip]]:
    """The works in *text*."""
    items: list[Item] = []
    slips: list[Slip] = []
    strings = dict(_MONTHS)
    begins = [found.start() for found in _ENTRY.finditer(text)]
    if not begins:
        return [], [Slip(1, "no entry is here; one begins with its type, as in @report{key,")]
    line = 1 + text.count("\n", 0, begins[0])
    # An entry ends before the next one begins, so that one that is never closed does not take all others with it.
    for start, end in zip(begins, [*begins[1:], len(text)], strict=True):
        whole = text[start:end]
        found = _ENTRY.match(whole)
        assert found is not None
        try:
            if found[1].lower() == "string":
                strings.update(_fields(whole, found, strings))
            elif found[1].lower() not in ("comment", "preamble"):
                items.append(_item(_entry(whole, found, strings, line=line)))
        except _Broken as broken:
            at = line + whole.count("\n", 0, broken.at)
            slips.append(Slip(at, f"{broken}; mend it, or leave the entry out"))
        line += whole.count("\n")
    return items, slips


def _entry(text: str, found: re.Match[str], strings: Mapping[str, str], *, line: int) -> _Entry:
    key = _KEY.match(text, found.end())
    if key is None:
        raise _Broken(0, f"@{found[1]} has no key behind its brace")
    return _Entry(found[1].lower(), key[1], _fields(text, found, strings, at=key.end()), line)


def _fields(text: str, entry: re.Match[str], strings: Mapping[str, str], *, at: int = 0) -> dict[str, str]:
    """The fields of the *entry* from *at* to its end."""
    at = at or entry.end()
    closing = "}" if entry[2] == "{" else ")"
    fields: dict[str, str] = {}
    while True:
        at = _after(_COMMAS, text, at)
        if at >= len(text):
            raise _Broken(0, "the entry that begins here is never closed")
        if text[at] == closing:
            return fields
        name = _FIELD.match(text, at)
        if name is None:
            raise _Broken(at, f'"{text[at : at + 20].splitlines()[0]}" stands where name = value is expected')
        value, at = _value(text, name.end(), strings)
        fields.setdefault(name[1].lower(), value)


def _value(text: str, at: int, strings: Mapping[str, str]) -> tuple[str, int]:
    """A value: parts in braces, in quotation marks, or bare, joined by ``#``."""
    parts = []
    while True:
        opening = text[at : at + 1]
        if opening == "{":
            part, at = _braced(text, at)
        elif opening == '"':
            part, at = _quoted(text, at)
        elif bare := _BARE.match(text, at):
            part, at = strings.get(bare[0].lower(), bare[0]), bare.end()
        else:
            raise _Broken(min(at, len(text) - 1), "a value is missing behind =")
        parts.append(part)
        at = _after(_SPACE, text, at)
        if text[at : at + 1] != "#":
            return "".join(parts), at
        at = _after(_SPACE, text, at + 1)


def _braced(text: str, at: int) -> tuple[str, int]:
    """What stands in the braces that open at *at*, and what follows them."""
    depth = 0
    for brace in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, at):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[at + 1 : brace.start()], brace.end()
    raise _Broken(at, "a brace that opens here is never closed")


def _quoted(text: str, at: int) -> tuple[str, int]:
    depth = 0
    for mark in re.compile(r"\\.|[{}\"]", re.DOTALL).finditer(text, at + 1):
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
        if mark[0] == '"' and depth == 0:
            return text[at + 1 : mark.start()], mark.end()
    raise _Broken(at, "a quotation mark that opens here is never closed")


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _item(entry: _Entry) -> Item:
    def words(*names: str) -> str:
        return next((plain for name in names if (plain := decoded(entry.fields.get(name, "")))), "")

    raw = entry.fields
    kind, subtype = _TYPES.get(entry.kind, "document"), words("entrysubtype")
    if entry.kind == "article":
        kind = _SUBTYPES.get(subtype, kind)
    elif entry.kind == "misc" and subtype:
        kind = subtype
    arxiv = words("eprint") if words("archiveprefix", "eprinttype").lower() == "arxiv" else ""
    link = re.search(r"https?://[^\s{}]+", raw.get("howpublished", ""))
    if entry.kind == "misc" and not subtype and (raw.get("url") or link):
        kind = "webpage"  # what BibTeX has no type for
    return Item(
        id=entry.key,
        type=kind,
        title=": ".join(filter(None, (words("title"), words("subtitle")))),
        authors=_names(raw.get("author", "")),
        publisher=words(*_PUBLISHERS),
        container=words("journaltitle", "journal", "booktitle"),
        issued=date_in(words("date").partition("/")[0])
        or partial_date(words("year"), _month(words("month")), words("day")),
        accessed=date_in(words("urldate")),
        url=_address(raw.get("url", ""))
        or (link[0] if link else "")
        or (f"https://arxiv.org/abs/{arxiv}" if arxiv else ""),
        doi=re.sub(r"^https?://(?:dx\.)?doi\.org/", "", _address(raw.get("doi", ""))),
        line=entry.line,
    )


def _month(text: str) -> str:
    return _MONTHS.get(text.lower()[:3], text)


def _address(raw: str) -> str:
    """An address is no prose: only what must be escaped is written otherwise."""
    return re.sub(r"\\([&%$#_{}~])", r"\1", raw.strip().removeprefix(r"\url").strip("{} "))


def _names(raw: str) -> tuple[Name, ...]:
    """Names are joined by ``and``, outside braces; a name in braces is whole."""
    names = []
    for part in _split(raw, r"\s+and\s+"):
        if re.fullmatch(r"\{[^{}]*\}", part) or part == "others":
            names.append(Name(literal=decoded(part)) if part != "others" else Name())
            continue
        parts = [decoded(piece) for piece in _split(part, r"\s*,\s*")]
        if len(parts) > 1:  # Lehto, Aino or Lehto, Jr., Aino
            names.append(Name(" ".join(parts[:-1]) if len(parts) > 2 else parts[0], parts[-1]))
        elif words := decoded(part).split():
            at = next(
                (n for n, word in enumerate(words[:-1]) if word[:1].islower() and n), len(words) - 1
            )  # Jan van Berg
            names.append(Name(" ".join(words[at:]), " ".join(words[:at])) if at else Name(literal=words[0]))
    return tuple(name for name in names if str(name))


def _split(text: str, between: str) -> list[str]:
    """*text* at each match of *between* that stands in no brace."""
    parts, depth, start = [], 0, 0
    for found in re.compile(rf"\\.|[{{}}]|{between}", re.DOTALL).finditer(text):
        if found[0] in "{}":
            depth += 1 if found[0] == "{" else -1
        elif depth == 0 and not found[0].startswith("\\"):
            parts.append(text[start : found.start()])
            start = found.end()
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def decoded(raw: str) -> str:
    """What LaTeX would print of *raw*, in one line."""
    text = _ACCENTED.sub(_accented, raw)
    text = re.sub(r"\\([&%$#_{}])", lambda m: _kept_apart(m[1]), text)
    text = _COMMAND.sub(lambda m: _kept_apart(_LETTERS.get(m[1], "")), text)
    for written, meant in _LIGATURES:
        text = text.replace(written, meant)
    text = re.sub(r"\\[ ,;:!/-]?|[{}]", lambda m: " " if m[0] == "\\ " else "", text.replace("~", " "))
    text = re.sub(r"[\ue000-\ue07f]", lambda m: chr(ord(m[0]) - 0xE000), text)
    return " ".join(unicodedata.normalize("NFC", text).split())


def _kept_apart(letter: str) -> str:
    """A brace that is meant as one is, until the others are gone, a character that nobody writes; so are ~ and the backslash."""
    return chr(0xE000 + ord(letter)) if letter in set("&%$#_{}~\\") else letter


def _accented(found: re.Match[str]) -> str:
    accent = found[1] or found[4]
    letter = next(letter for letter in (found[2], found[3], found[5], found[6]) if letter)
    return unicodedata.normalize("NFC", letter + _ACCENTS[accent])


# --- out --------------------------------------------------------------------------------------------------------------------


def write(items: Iterable[Item]) -> str:
    """*items* as biblatex entries in UTF-8."""
    return "\n".join(_written(item) for item in items)


def _written(item: Item) -> str:
    subtype = next((sub for sub, kind in _SUBTYPES.items() if kind == item.type), "")
    kind = "article" if subtype else _KINDS.get(item.type, "misc")
    if kind == "misc":
        subtype = item.type
    year, _, rest = item.issued.partition("-")
    fields = {
        "entrysubtype": subtype,
        "title": f"{{{_encoded(item.title)}}}" if item.title else "",  # capitals stay
        "author": " and ".join(_name(name) for name in item.authors),
        _PUBLISHED_BY.get(item.type, "publisher"): _encoded(item.publisher),
        "booktitle" if item.type in ("chapter", "paper-conference") else "journaltitle": _encoded(item.container),
        "date" if rest else "year": item.issued if rest else year,
        "urldate": item.accessed,
        "url": item.url.replace("%", r"\%").replace("#", r"\#"),
        "doi": item.doi,
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@{kind}{{{item.id},\n{lines}}}\n"


def _name(name: Name) -> str:
    if name.family and name.given:
        return f"{_encoded(name.family)}, {_encoded(name.given)}"
    return f"{{{_encoded(str(name))}}}"


def _encoded(text: str) -> str:
    text = text.replace("\\", "\0")
    text = _ESCAPED.sub(lambda m: f"\\{m[0]}", text)
    return (
        text.replace("~", r"\textasciitilde{}").replace("^", r"\textasciicircum{}").replace("\0", r"\textbackslash{}")
    )
