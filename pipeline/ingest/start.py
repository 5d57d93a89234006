"""An article started from a card of the inbox: a draft that cites what told the story, with a source file for each.

What feeds wrote goes into front matter and source files as data, written by a YAML library. Nothing of it becomes Markdown (T-36):
the body holds our own words and the ids of sources.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ContentError, UsageError
from pipeline.files import put_new
from pipeline.ingest import inbox
from pipeline.ingest.clean import one_line, web_url
from pipeline.ingest.ids import free_id, name_of, refresh_command
from pipeline.ingest.inbox import Card, CardEntry
from pipeline.library.files import SOURCES, read_content
from pipeline.library.new import draft_of, write_draft
from pipeline.library.schema import TITLE_LENGTH, closest
from pipeline.library.sourcefile import write_source
from pipeline.library.urls import canonical_url, page_key
from pipeline.model import Tier

MOST_TOPICS: Final = 3
_NAME_LENGTH: Final = 32  # characters of a publisher in an id


@dataclass(frozen=True, slots=True)
class Started:
    """What was written."""

    article: str  # path from the repository, as are all here
    written: tuple[str, ...]  # new source files
    known: tuple[str, ...]  # ids of sources that were there
    left_out: tuple[str, ...]  # tellings that became no source, and why

    def as_dict(self) -> dict[str, Any]:
        return {
            "article": self.article,
            "written": list(self.written),
            "known": list(self.known),
            "left_out": list(self.left_out),
        }

    def lines(self) -> Iterator[str]:
        for path in self.written:
            yield f"wrote {path}"
        for id_ in self.known:
            yield f"cites {id_}, which is known"
        for why in self.left_out:
            yield f"left out {why}"
        slug = Path(self.article).stem[11:]
        yield f"wrote {self.article}; write, then run: opensignal check {slug}"
        if self.written:
            yield f"take the copies of its sources: {refresh_command(Path(path).stem for path in self.written)}"


def start_article(root: Path, card: str, *, title: str | None, today: dt.date) -> Started:
    """Write a draft about the story on *card* into *root*/content, and a source file for each of its addresses that has none.

    *card* is the name of a file in content/inbox, or the beginning or a part of one name only. Without a *title* the card's is
    taken, cut to what an article may have. Copies of another telling are left out: they are no sources of their own.
    Raises `UsageError` for a card that is not there or a title that will not do, `ContentError` for a card that cannot be read.
    """
    story = _card(root / "content" / "inbox", card)
    shelf = read_content(root)
    by_address = {page_key(read.noun.url): read.noun.id for read in shelf.sources}
    taken = {path.stem for path in (root / SOURCES).rglob("*.yml")} | set(by_address.values())
    ids: list[str] = []
    files: dict[str, str] = {}
    left_out: list[str] = []
    for entry in story.entries:
        url = web_url(entry.url)
        if url is None or entry.copy:
            left_out.append(
                f"{entry.publisher}: " + ("it has the same text as another" if entry.copy else "no address")
            )
            continue
        id_ = by_address.get(page_key(url))
        if id_ is None:
            id_ = free_id(
                f"{name_of(entry.publisher, words=2, length=_NAME_LENGTH) or 'source'}-{_year(entry, today)}", taken
            )
            files[id_] = _source(id_, entry, url, today=today)
            by_address[page_key(url)] = id_
            taken.add(id_)
        ids += [id_] if id_ not in ids else []
    topics = [read.noun.id for read in shelf.topics if read.noun.id in story.topics][:MOST_TOPICS]
    path, text = draft_of(root, title or _title(story), today=today, topics=topics, cites=ids)
    for id_, content in files.items():
        place = root / SOURCES / f"{id_}.yml"
        if not put_new(place, content.encode()):
            raise ContentError(f"{SOURCES}/{id_}.yml was made by someone else meanwhile; run the command again")
    write_draft(path, text)
    return Started(
        article=path.relative_to(root).as_posix(),
        written=tuple(f"{SOURCES}/{id_}.yml" for id_ in files),
        known=tuple(id_ for id_ in ids if id_ not in files),
        left_out=tuple(left_out),
    )


def _card(folder: Path, wanted: str) -> Card:
    """The card that *wanted* names. Raises `UsageError` where none or several do."""
    names = inbox.names(folder)
    name = Path(wanted).name
    found = [known for known in names if known == name] or [known for known in names if wanted and wanted in known]
    if not found:
        hint = closest(name, names) or "; opensignal inbox lists them"
        raise UsageError(f'no card "{wanted}" in content/inbox{hint}')
    if len(found) > 1:
        raise UsageError(
            f'"{wanted}" stands in the names of {len(found)} cards, such as {found[0]} and {found[1]}; write more of it'
        )
    try:
        return inbox.read((folder / found[0]).read_bytes().decode(), found[0])
    except UnicodeDecodeError as error:
        raise ContentError(f"content/inbox/{found[0]}: not UTF-8; save it as UTF-8") from error
    except OSError as error:
        raise ContentError(
            f"content/inbox/{found[0]}: cannot be read: {error.strerror}; mend the file's rights"
        ) from error


def _title(story: Card) -> str:
    """The title of *story* as an article may have it: no longer than allowed, and without a full stop at its end."""
    return one_line(story.title, limit=TITLE_LENGTH[1]).rstrip(".")


def _year(entry: CardEntry, today: dt.date) -> int:
    return (entry.published or today).year


def _source(id_: str, entry: CardEntry, url: str, *, today: dt.date) -> str:
    """The file of a source that *entry* tells of."""
    values = {
        "id": id_,
        "type": "webpage",
        "publisher": entry.publisher,
        "url": canonical_url(url),
        "accessed": today.isoformat(),
        "tier": entry.tier if entry.tier in list(Tier) else Tier.SECONDARY.value,
        "licence": "unknown",
        "redistribute": "quote",
    }
    if entry.title:
        values["title"] = entry.title
    if entry.published:
        values["issued"] = f"{entry.published:%Y-%m-%d}"
    return write_source(values)
