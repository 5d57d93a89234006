"""RIS, which libraries and publishers hand out: lines of a tag of two characters, two spaces, a hyphen, and a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pipeline.library.exchange.item import Item, Slip, date_in, person

_LINE: Final = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*))?")
_TYPES: Final = {
    "JOUR": "article-journal",
    "NEWS": "article-newspaper",
    "MGZN": "article-magazine",
    "RPRT": "report",
    "ELEC": "webpage",
    "BLOG": "post-weblog",
    "BOOK": "book",
    "CHAP": "chapter",
    "CPAPER": "paper-conference",
    "CONF": "paper-conference",
    "THES": "thesis",
    "DATA": "dataset",
    "BILL": "bill",
    "STAT": "legislation",
    "CASE": "legal_case",
    "HEAR": "hearing",
    "PAT": "patent",
    "UNPB": "manuscript",
    "COMP": "software",
    "MAP": "map",
    "VIDEO": "motion_picture",
    "GEN": "document",
}
_KINDS: Final = {kind: tag for tag, kind in reversed(_TYPES.items())}


def read(text: str) -> tuple[list[Item], list[Slip]]:
    """The works in *text*."""
    items: list[Item] = []
    slips: list[Slip] = []
    record: dict[str, list[str]] | None = None
    began = 0
    tag = ""
    outside = False  # a line outside a work was told; those behind it are not
    for number, line in enumerate(text.splitlines(), start=1):
        found = _LINE.fullmatch(line.strip("\ufeff").rstrip())
        if found is not None and found[1] == "TY":
            if record is not None:
                slips.append(Slip(began, "this work is not ended before the next one begins; put ER  - below it"))
            record, began, tag = {"TY": [(found[2] or "").strip()]}, number, "TY"
        elif record is None:
            if line.strip("\ufeff ") and not outside:
                slips.append(Slip(number, "this stands outside a work; a line such as TY  - RPRT must come first"))
                outside = True
        elif found is None:
            if line.strip() and tag in record:
                record[tag][-1] += f" {line.strip()}"  # a long value goes on
        elif found[1] == "ER":
            items.append(_item(record, began))
            record, outside = None, False
        elif found[2] and found[2].strip():
            tag = found[1]
            record.setdefault(tag, []).append(found[2].strip())
    if record is not None:
        slips.append(Slip(began, "this work is not ended; put ER  - below it"))
    if not items and not slips:
        slips.append(Slip(1, "no work is here; one begins with its type, as in TY  - RPRT"))
    return items, slips


def write(items: Iterable[Item]) -> str:
    """*items*, one record each."""
    return "".join(_record(item) for item in items)


def _item(record: Mapping[str, list[str]], line: int) -> Item:
    def first(*tags: str) -> str:
        return next((" ".join(record[tag][0].split()) for tag in tags if tag in record), "")

    kind = (
        first("M3") if record["TY"][0] == "GEN" and "M3" in record else _TYPES.get(record["TY"][0].upper(), "document")
    )
    return Item(
        id=first("ID", "LB") or f"work-{line}",
        type=kind,
        title=first("TI", "T1", "CT", "BT"),
        authors=tuple(person(name) for tag in ("AU", "A1") for name in record.get(tag, ())),
        publisher=first("PB"),
        container=first("T2", "JO", "JF", "JA"),
        issued=date_in(first("DA")) or date_in(first("PY", "Y1").rstrip("/")),
        accessed=date_in(first("Y2").rstrip("/")),
        url=first("UR", "L2"),
        doi=re.sub(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", "", first("DO"), flags=re.IGNORECASE),
        line=line,
    )


def _record(item: Item) -> str:
    lines = [
        ("TY", _KINDS.get(item.type, "GEN")),
        ("M3", item.type if item.type not in _KINDS else ""),
        ("ID", item.id),
        ("TI", item.title),
        *(("AU", f"{name.family}, {name.given}" if name.family and name.given else str(name)) for name in item.authors),
        ("PB", item.publisher),
        ("T2", item.container),
        ("PY", item.issued[:4]),
        ("DA", item.issued.replace("-", "/")),
        ("Y2", item.accessed.replace("-", "/")),
        ("UR", item.url),
        ("DO", item.doi),
    ]
    return "".join(f"{tag}  - {value}\n" for tag, value in lines if value) + "ER  - \n\n"
