"""Sources from the file of a reference manager: one file of content/sources for each work that is not there yet."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ContentError
from pipeline.files import put_new
from pipeline.ingest.clean import TITLE_LIMIT, one_line
from pipeline.ingest.ids import free_id, host_name, name_of, refresh_command
from pipeline.ingest.sources.cite import guess_tier
from pipeline.library import schema
from pipeline.library.exchange import OURS, Item, Name, format_of, read_items
from pipeline.library.files import SOURCES, read_content
from pipeline.library.frontmatter import Unreadable, read_text
from pipeline.library.licences import may_be_passed_on
from pipeline.library.new import plain_words
from pipeline.library.sourcefile import Value, write_source
from pipeline.library.urls import canonical_url, page_key

_ID_LENGTH: Final = 41


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of each work."""

    file: str
    made: tuple[tuple[str, str], ...] = ()  # its key in the file, and the id of the new source
    known: tuple[tuple[str, str], ...] = ()  # its key, and the id of the source that has its address
    refused: tuple[tuple[int, str], ...] = ()  # line, and why

    @property
    def ok(self) -> bool:
        return not self.refused

    def as_dict(self) -> dict[str, Any]:
        return {
            "made": [{"key": key, "id": id_, "path": f"{SOURCES}/{id_}.yml"} for key, id_ in self.made],
            "known": [{"key": key, "id": id_} for key, id_ in self.known],
            "refused": [{"line": line, "why": why} for line, why in self.refused],
        }

    def lines(self) -> Iterator[str]:
        for key, id_ in self.made:
            yield f"  {key:<32} wrote {SOURCES}/{id_}.yml"
        for key, id_ in self.known:
            yield f"  {key:<32} known as {id_}"
        for line, why in self.refused:
            yield f"{self.file}:{line} {why}" if line else f"{self.file}: {why}"
        number = "1 source" if len(self.made) == 1 else f"{len(self.made)} sources"
        yield f"{number} written, {len(self.known)} known already, {len(self.refused)} not read"
        if self.made:
            yield f"mend the tiers, which are guesses, and take the copies: {refresh_command(id_ for _, id_ in self.made)}"


def import_sources(file: Path, *, root: Path, now: dt.datetime) -> ImportReport:
    """A source for each work in *file*, by its ending CSL-JSON, BibTeX or RIS; one whose address a source has is known already.

    Nothing is fetched. Raises `UsageError` for a file of no such name, `ContentError` for one that cannot be read.
    """
    format_ = format_of(file)
    try:
        items, slips = read_items(read_text(file), format_)
    except Unreadable as wrong:
        raise ContentError(f"{file}:{wrong.place.line}:{wrong.place.column} {wrong.message}") from wrong
    shelf = read_content(root)
    by_page = {page_key(read.noun.url): read.noun.id for read in shelf.sources}
    taken = {path.stem for path in (root / SOURCES).rglob("*.yml")} | set(by_page.values())
    made, known, refused = [], [], [(slip.line, slip.message) for slip in slips]
    for item in items:
        values = _values(item, now=now)
        url = str(values["url"])
        if not schema.WEB_URL.fullmatch(url):
            refused.append((item.line, f'"{item.id}" has no web address; give it a url or a DOI'))
            continue
        if same := by_page.get(page_key(url)):
            known.append((item.id, same))
            continue
        values.setdefault("tier", guess_tier(url, shelf).value)
        values["id"] = free_id(_id(item), taken)
        checked, findings = schema.read(schema.SourceFile, values)
        if findings or checked is None:
            refused.append((item.line, f'"{item.id}": {findings[0].message}'))
            continue
        while not put_new(root / SOURCES / f"{values['id']}.yml", write_source(values).encode()):
            taken.add(str(values["id"]))  # by someone else, meanwhile
            values["id"] = free_id(_id(item), taken)
        taken.add(str(values["id"]))
        by_page[page_key(url)] = str(values["id"])
        made.append((item.id, str(values["id"])))
    return ImportReport(str(file), tuple(made), tuple(known), tuple(sorted(refused)))


def _values(item: Item, *, now: dt.datetime) -> dict[str, Value]:
    """*item* as it stands in a source's file, without an id."""
    doi = item.doi if schema.DOI.fullmatch(item.doi) else ""
    url = item.url or (f"https://doi.org/{doi}" if doi else "")
    licence = item.ours.get("licence") or "unknown"
    texts = {
        "type": item.type,
        "title": one_line(item.title, limit=TITLE_LIMIT),
        "publisher": one_line(_publisher(item, url), limit=TITLE_LIMIT),
        "container": one_line(item.container, limit=TITLE_LIMIT),
        "issued": item.issued if _is_date(item.issued) else "",
        "accessed": item.accessed if _is_date(item.accessed) else f"{now:%Y-%m-%d}",
        "url": canonical_url(url) if schema.WEB_URL.fullmatch(url) else "",
        "doi": doi,
        "licence": licence,
        "redistribute": "full" if may_be_passed_on(licence) else "quote",
        **{key: value for key, value in item.ours.items() if key in OURS and value},
    }
    values: dict[str, Value] = {key: text for key, text in texts.items() if text}
    if item.authors:
        values["author"] = [_author(name) for name in item.authors]
    return {"url": "", **values}


def _publisher(item: Item, url: str) -> str:
    """Who published it: as the file says, else the journal, the first author, or the host."""
    return item.publisher or item.container or (str(item.authors[0]) if item.authors else "") or host_name(url)


def _author(name: Name) -> Value:
    if name.family and name.given:
        return {"family": one_line(name.family, limit=TITLE_LIMIT), "given": one_line(name.given, limit=TITLE_LIMIT)}
    return one_line(str(name), limit=TITLE_LIMIT)


def _is_date(text: str) -> bool:
    return re.fullmatch(r"\d{4}(-\d\d){0,2}", text) is not None and schema.is_date((text + "-01-01")[:10])


def _id(item: Item) -> str:
    """The key in the file, as an id; where it makes none, one of publisher and year."""
    made = "-".join(plain_words(item.id))[:_ID_LENGTH].strip("-")
    if schema.ID.fullmatch(made):
        return made
    return f"{name_of(item.publisher or item.title, words=2, length=32) or 'source'}-{item.issued[:4] or 'n'}"
