"""Sources as reference managers write and read them: CSL-JSON, BibTeX and RIS, in and out.

    read_items     the text of a file | items, and what could not be read of it
    write_items    items | the text of a file
    item_of        a source's file | its item

An `Item` is what the three have in common. CSL-JSON holds all of a source but its quotes, facts, copy and note, and comes back as
it went out; BibTeX and RIS know nothing of tiers and licences. How the three call types of works stands in each one's own table.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import UsageError
from pipeline.library.exchange import bibtex, csl, ris
from pipeline.library.exchange.item import Item, Name, Slip

if TYPE_CHECKING:
    from pipeline.library.files import Read
    from pipeline.model import Source

__all__ = ["FORMATS", "OURS", "Item", "Name", "Slip", "format_of", "item_of", "read_items", "write_items"]

# Keys of a source that no format has a name for; CSL-JSON leaves room for them.
OURS: Final = frozenset(
    "tier via supersedes superseded_by licence redistribute sample status status_at archive".split()
)
FORMATS: Final = ("csl", "bibtex", "ris")
_ENDINGS: Final = {
    ".json": "csl",
    ".csl": "csl",
    ".csljson": "csl",
    ".bib": "bibtex",
    ".bibtex": "bibtex",
    ".ris": "ris",
}
_READERS: Final = {"csl": csl.read, "bibtex": bibtex.read, "ris": ris.read}
_WRITERS: Final = {"csl": csl.write, "bibtex": bibtex.write, "ris": ris.write}


def format_of(path: Path) -> str:
    """Which format the file's name says it holds. Raises `UsageError` where it says nothing."""
    if path.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{path}: what format is this? name it .json (CSL-JSON), .bib (BibTeX) or .ris (RIS)")
    return _ENDINGS[path.suffix.lower()]


def read_items(text: str, format_: str) -> tuple[list[Item], list[Slip]]:
    """The items in *text*, and what could not be read: one that is broken stops no other."""
    return _READERS[format_](text)


def write_items(items: Iterable[Item], format_: str) -> str:
    """*items* as the text of a file."""
    return _WRITERS[format_](items)


def item_of(read: Read[Source]) -> Item:
    """A source as an item; names come from its file, which parts them where the editor did."""
    source = read.noun
    ours = {key: value for key, value in read.document.data.items() if key in OURS and isinstance(value, str)}
    return Item(
        id=source.id,
        type=source.type,
        title=source.title or "",
        authors=tuple(_name(given) for given in read.document.data.get("author") or ()),
        publisher=source.publisher,
        container=source.container or "",
        issued=source.issued or "",
        accessed=source.accessed or "",
        url=source.url,
        doi=source.doi or "",
        ours=ours,
    )


def _name(given: Any) -> Name:
    if isinstance(given, str):
        return Name(literal=given)
    return Name(given.get("family", ""), given.get("given", ""), given.get("literal", ""))
