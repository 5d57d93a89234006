"""What XML has to be before feedparser sees it: without entities of its own, and of a size and depth that a feed can have (T-31).

A DOCTYPE by itself is harmless, and old feeds have one. Entities declared in it are not: a few lines can stand for gigabytes, or
for a file. Expat reads the document as far as it is well-formed and tells what is in it; what comes behind the first mistake, which
feedparser reads all the same, is looked through tag by tag.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final
from xml.parsers import expat

from pipeline.errors import FetchError, SettingsError

DEPTH: Final = 200  # elements within one another
ATTRIBUTES: Final = 100  # of one element
TEXT: Final = 2_000_000  # characters between two tags
OLDEST_EXPAT: Final = (2, 4, 1)  # the first that ends the expansion of entities by itself (CVE-2013-0340)

_CHUNK: Final = 65_536  # characters given to Expat at once
_ENTITY: Final = re.compile(r"<!ENTITY\b\s*(?:%\s*)?([^\s>'\"]{0,40})", re.IGNORECASE)
_ROOT: Final = re.compile(r"<[A-Za-z_:]")
# A tag as forgiving readers see one; comments and CDATA are passed over whole. Every branch is bounded by the next "<" or its end.
_PIECE: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<(?P<end>/?)(?P<name>[A-Za-z_][^\s/<>]*)(?P<rest>[^<>]*)>", re.DOTALL
)
_QUOTED: Final = re.compile(r"""\"[^"]*\"|'[^']*'""")


class _Refused(Exception):
    """What the document holds, for the message."""


def require_expat() -> None:
    """Raise `SettingsError` where Python came with an Expat that hostile XML can bring down."""
    if expat.version_info < OLDEST_EXPAT:
        found, wanted = (".".join(map(str, version)) for version in (expat.version_info, OLDEST_EXPAT))
        raise SettingsError(
            f"Expat {found} is too old to read XML of strangers; use a Python with Expat {wanted} or newer"
        )


def check_xml(text: str, *, url: str) -> None:
    """Raise `FetchError` where *text*, which came from *url*, is XML that no feed needs and no reader should be given."""
    try:
        place = _well_formed_part(text)
        if place is not None:
            _check_rest(text, place)
    except _Refused as refused:
        raise FetchError(f"not read: {url} {refused}; ask its owner") from None


def _well_formed_part(text: str) -> int | None:
    """Look through *text* as far as it is XML; where that ends, in characters, or None where all of it is."""
    parser = expat.ParserCreate("utf-8")  # we decoded it: its own declaration is void
    parser.buffer_text = False
    depth = length = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, length
        depth, length = depth + 1, 0
        _check_element(depth, len(attributes))

    def end(name: str) -> None:
        nonlocal depth, length
        depth, length = depth - 1, 0

    def characters(data: str) -> None:
        nonlocal length
        length += len(data)
        _check_text(length)

    def entity(name: str, *_: object) -> None:
        _refuse_entity(name)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = entity
    at = 0
    try:
        while at < len(text):
            parser.Parse(text[at : at + _CHUNK].encode("utf-8", "replace"))
            at += _CHUNK
        parser.Parse(b"", True)
    except expat.ExpatError:
        return max(0, at - _CHUNK)  # from the piece before: the mistake lies in this one, and its tags are few
    return None


def _check_rest(text: str, place: int) -> None:
    """Look through *text* from *place* on as feedparser's forgiving half reads it: end tags close what they can."""
    root = _ROOT.search(text)
    if declared := _ENTITY.search(text[: root.start() if root else len(text)]):
        _refuse_entity(declared[1])
    open_: list[str] = []
    times: Counter[str] = Counter()  # that each name is open: an end tag that ends nothing is passed over at once
    last = place
    for piece in _PIECE.finditer(text, place):
        _check_text(piece.start() - last)
        _check_text(len(piece[0]))
        last = piece.end()
        name = piece["name"]
        if name is None:
            continue
        if piece["end"]:
            while times[name]:
                times[closed := open_.pop()] -= 1
                if closed == name:
                    break
            continue
        _check_element(len(open_) + 1, _QUOTED.sub("", piece["rest"]).count("="))
        if not piece["rest"].endswith("/"):
            open_.append(name)
            times[name] += 1
    _check_text(len(text) - last)


def _check_element(depth: int, attributes: int) -> None:
    if depth > DEPTH:
        raise _Refused(f"has more than {DEPTH} elements within one another")
    if attributes > ATTRIBUTES:
        raise _Refused(f"has an element with more than {ATTRIBUTES} attributes")


def _check_text(length: int) -> None:
    if length > TEXT:
        raise _Refused(f"has more than {TEXT:,} characters in one piece of text")


def _refuse_entity(name: str) -> None:
    raise _Refused(f"declares the XML entity {name[:40]!r}, and such can stand for anything; it has to be written out")
