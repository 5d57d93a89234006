"""CSL-JSON, which Zotero and pandoc speak (https://docs.citationstyles.org/, schema csl-data): one list of works.

What only we know of a source stands under ``custom``, where the schema leaves room for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from pipeline.library.exchange.item import Item, Name, Slip, date_in, partial_date

_TEXTS: Final = {"title": "title", "publisher": "publisher", "container-title": "container", "URL": "url", "DOI": "doi"}
_MARKUP: Final = re.compile(r"</?(?:i|b|sub|sup|sc|span)\b[^>]*>")  # what CSL allows in a title


def read(text: str) -> tuple[list[Item], list[Slip]]:
    """The works in *text*."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        return [], [Slip(error.lineno, f"not JSON: {error.msg}; export it again as CSL-JSON")]
    except RecursionError:
        return [], [Slip(1, "nested too deep for a list of works; export it again as CSL-JSON")]
    if isinstance(data, dict):
        data = data.get("items", [data])
    if not isinstance(data, list):
        return [], [Slip(1, "a list of works is expected; export it again as CSL-JSON")]
    items, slips = [], []
    for number, work in enumerate(data, start=1):
        if isinstance(work, dict):
            items.append(_item(work, number))
        else:
            slips.append(Slip(1, f"work {number} of the list is no group of keys; mend it"))
    return items, slips


def write(items: Iterable[Item]) -> str:
    """*items* as a list of works."""
    return json.dumps([_work(item) for item in items], ensure_ascii=False, indent=2) + "\n"


def _item(work: dict[str, Any], number: int) -> Item:
    authors = work.get("author")
    custom = work.get("custom")
    return Item(
        id=_text(work.get("id")) or _text(work.get("citation-key")) or f"work-{number}",
        type=_text(work.get("type")) or "document",
        title=_MARKUP.sub("", _text(work.get("title"))),
        authors=tuple(filter(str, map(_name, authors if isinstance(authors, list) else ()))),
        publisher=_text(work.get("publisher")),
        container=_MARKUP.sub("", _text(work.get("container-title"))),
        issued=_date(work.get("issued")),
        accessed=_date(work.get("accessed")),
        url=_text(work.get("URL")),
        doi=_text(work.get("DOI")),
        ours={key: _text(value) for key, value in custom.items()} if isinstance(custom, dict) else {},
    )


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, str | int) else ""


def _name(given: Any) -> Name:
    if not isinstance(given, dict):
        return Name(literal=_text(given))
    particle = _text(given.get("non-dropping-particle"))
    family = " ".join(filter(None, (particle, _text(given.get("family")))))
    return Name(family, _text(given.get("given")), _text(given.get("literal")))


def _date(given: Any) -> str:
    if not isinstance(given, dict):
        return date_in(_text(given))
    parts = given.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list) and parts[0]:
        return partial_date(*(_text(part) for part in parts[0][:3]))
    return date_in(_text(given.get("raw")) or _text(given.get("literal")))


def _work(item: Item) -> dict[str, Any]:
    work: dict[str, Any] = {"id": item.id, "type": item.type}
    work |= {theirs: getattr(item, ours) for theirs, ours in _TEXTS.items() if getattr(item, ours)}
    if item.authors:
        work["author"] = [_parts(name) for name in item.authors]
    for key, date in (("issued", item.issued), ("accessed", item.accessed)):
        if date:
            work[key] = {"date-parts": [[int(part) for part in date.split("-")]]}
    return work | ({"custom": dict(item.ours)} if item.ours else {})


def _parts(name: Name) -> dict[str, str]:
    parts = {"family": name.family, "given": name.given, "literal": name.literal}
    return {key: value for key, value in parts.items() if value}
