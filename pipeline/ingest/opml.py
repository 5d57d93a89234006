"""Lists of feeds to and from other readers: OPML 2.0 (opml.org/spec2.opml).

    import   a file of outlines | what is new about it | lines at the end of content/feeds.yml
    export   content/feeds.yml | outlines, a folder for each first topic

The list itself stays as its editors wrote it, comments among it: feeds are added below, nothing else changes. What an outline
cannot say (tier, interval) an editor adds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from pipeline.errors import ContentError, FetchError
from pipeline.ingest.clean import NAME_LIMIT, one_line, web_url
from pipeline.ingest.guard import check_xml
from pipeline.ingest.ids import free_id, host_name, name_of
from pipeline.ingest.parse import decode
from pipeline.library.editing import unreadable
from pipeline.library.frontmatter import Unreadable, parse
from pipeline.library.urls import page_key, without_tracking
from pipeline.library.yamltext import address, document_end, tree
from pipeline.model import Feed, Topic

MOST_FEEDS: Final = 5_000  # of one file
MOST_TOPICS: Final = 3
_ID_WORDS: Final = 3
_ID_LENGTH: Final = 36
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9 .()/&'-]*[A-Za-z0-9)]")  # in YAML, a text without quotation marks
_NO_TEXT: Final = re.compile(r"true|false|yes|no|on|off|null", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of an OPML file."""

    name: str
    url: str  # as written
    categories: tuple[str, ...]  # names of the folders around it, and its own categories
    line: int


@dataclass(frozen=True, slots=True)
class Import:
    """What a file of outlines brings."""

    new: tuple[Feed, ...]
    known: tuple[tuple[str, str], ...] = ()  # address and the id of the feed that has it
    refused: tuple[str, ...] = ()  # where, what, what next
    no_topics: tuple[str, ...] = ()  # categories that are no topics of ours
    written: bool = field(default=False)

    def as_dict(self) -> dict[str, Any]:
        return {
            "new": [
                {"id": feed.id, "url": feed.url, "publisher": feed.publisher, "topics": list(feed.topics)}
                for feed in self.new
            ],
            "known": [{"url": url, "id": id_} for url, id_ in self.known],
            "refused": list(self.refused),
            "no_topics": list(self.no_topics),
            "written": self.written,
        }

    def lines(self) -> Iterator[str]:
        for feed in self.new:
            yield f"  new    {feed.id:<32} {feed.url}"
        for url, id_ in self.known:
            yield f"  known  {id_:<32} {url}"
        if self.no_topics:
            yield f"  no topics of content/topics.yml: {', '.join(self.no_topics)}"
        yield from (f"  {why}" for why in self.refused)
        did = "added to content/feeds.yml" if self.written else "would be added"
        number = "1 feed" if len(self.new) == 1 else f"{len(self.new):,} feeds"
        yield f"{number} {did}" + (
            "; look at their tier and publisher, and commit" if self.written and self.new else ""
        )


# --- in ---------------------------------------------------------------------------------------------------------------


def read_opml(body: bytes, *, name: str) -> tuple[Outline, ...]:
    """The feeds of the OPML file *name*, in their order. Raises `ContentError` where it is none, or is XML that is not read."""
    text = decode(body, content_type="")
    try:
        check_xml(text, url=name)
    except FetchError as error:
        raise ContentError(str(error)) from error
    reader = _Reader()
    try:
        reader.parser.Parse(text.lstrip().encode(), True)
    except expat.ExpatError as error:
        what = expat.errors.messages[error.code]
        raise ContentError(
            f"{name}:{error.lineno}:{error.offset + 1}: not XML: {what}; mend the file or export it anew"
        ) from error
    if not reader.is_opml:
        raise ContentError(f"{name}: no OPML; export the list of feeds from the other reader as OPML")
    return tuple(reader.found[:MOST_FEEDS])


class _Reader:
    """Takes the outlines out of a document as Expat reads it."""

    def __init__(self) -> None:
        self.is_opml = False
        self.found: list[Outline] = []
        self._folders: list[str | None] = []  # the names of the open outlines that are no feeds
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, given: dict[str, str]) -> None:
        if name == "opml":
            self.is_opml = True
        if name != "outline":
            return
        words = {key.lower(): value for key, value in given.items()}
        title = one_line(words.get("title") or words.get("text", ""), limit=NAME_LIMIT)
        url = words.get("xmlurl", "").strip()
        self._folders.append(None if url else title)
        if url:
            own = (part.strip().strip("/") for part in words.get("category", "").split(","))
            around = [folder for folder in self._folders if folder]
            categories = tuple(dict.fromkeys(one_line(part, limit=NAME_LIMIT) for part in (*around, *own) if part))
            self.found.append(Outline(title, url, categories, self.parser.CurrentLineNumber))

    def _end(self, name: str) -> None:
        if name == "outline":
            self._folders.pop()


def take_in(outlines: Iterable[Outline], feeds: Sequence[Feed], topics: Mapping[str, Topic], *, name: str) -> Import:
    """What *outlines* of the file *name* add to *feeds*. One address is one feed, however it is written."""
    by_address = {page_key(feed.url): feed.id for feed in feeds}
    taken = {feed.id for feed in feeds}
    by_name = {_folded(word): topic.id for topic in topics.values() for word in (topic.name, topic.id)}
    new: list[Feed] = []
    known: list[tuple[str, str]] = []
    refused: list[str] = []
    strange: dict[str, None] = {}
    for outline in outlines:
        url = web_url(outline.url)
        if url is None:
            what = one_line(outline.url, limit=80)
            refused.append(f'{name}:{outline.line}: "{what}" is not a web address; mend it there and import again')
            continue
        url = without_tracking(url)
        if (id_ := by_address.get(page_key(url))) is not None:
            known.append((url, id_))
            continue
        publisher = outline.name or host_name(url)
        wanted = name_of(publisher, words=_ID_WORDS, length=_ID_LENGTH) or name_of(
            (urlsplit(url).hostname or "").replace(".", " "), words=_ID_WORDS, length=_ID_LENGTH
        )
        id_ = free_id(wanted if len(wanted) > 1 else f"feed-{wanted}", taken)
        mine = dict.fromkeys(by_name[folded] for word in outline.categories if (folded := _folded(word)) in by_name)
        strange.update(dict.fromkeys(word for word in outline.categories if _folded(word) not in by_name))
        new.append(Feed(id_, url, publisher, tuple(mine)[:MOST_TOPICS]))
        by_address[page_key(url)] = id_
        taken.add(id_)
    return Import(tuple(new), tuple(known), tuple(refused), tuple(strange))


def with_feeds(text: str, new: Sequence[Feed], *, path: str) -> str:
    """The text of a feeds.yml with the feeds *new* at its end, and every other character as it was.

    Raises `ContentError` for a file that is no list of one item below the other, or where the last one would change.
    """
    if not new:
        return text
    try:
        document = parse(text)
    except Unreadable as wrong:
        raise unreadable(path, wrong) from wrong
    before = document.data or []
    root = tree(text)
    if not isinstance(before, list) or (before and (root is None or root.flow)):
        line = document.value_place(()).line
        raise ContentError(f"{path}:{line}: is not a list of one feed below the other; write it so, and import again")
    indent = " " * (root.column if root is not None else 0)
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = [f"{indent}{line}" for feed in new for line in _written(feed)]
    at = document_end(text)
    end = "" if not text[:at] or text[:at].endswith("\n") else newline
    changed = f"{text[:at]}{end}{newline.join(lines)}{newline}{text[at:]}"
    if not _is_added(changed, before, [feed.id for feed in new]):
        line = document.value_place((len(before) - 1,)).line if before else 1
        raise ContentError(
            f"{path}:{line}: nothing can be added below without changing this; write its values on lines of their own, "
            "and import again"
        )
    return changed


def _is_added(changed: str, before: list[Any], ids: list[str]) -> bool:
    """True when *changed* says what was there *before* and then the feeds with *ids*."""
    try:
        after = parse(changed).data
    except Unreadable:
        return False
    return after[: len(before)] == before and [item["id"] for item in after[len(before) :]] == ids


def _written(feed: Feed) -> Iterator[str]:
    yield f"- id: {feed.id}"
    yield f"  url: {address(feed.url)}"
    yield f"  publisher: {_scalar(feed.publisher)}"
    if feed.topics:
        yield f"  topics: [{', '.join(feed.topics)}]"


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and not _NO_TEXT.fullmatch(text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _folded(word: str) -> str:
    return " ".join(re.findall(r"\w+", word.casefold()))


# --- out --------------------------------------------------------------------------------------------------------------


def write_opml(feeds: Iterable[Feed], topics: Mapping[str, Topic], *, title: str) -> str:
    """The *feeds* as OPML 2.0, in a folder for each first topic, in the order of *topics*; those without one stand last."""
    by_topic: dict[str, list[Feed]] = {topic: [] for topic in (*topics, "")}
    for feed in feeds:
        first = next((topic for topic in feed.topics if topic in topics), "")
        by_topic[first].append(feed)
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", '<opml version="2.0">', "  <head>"]
    lines += [
        f"    <title>{escape(title)}</title>",
        "    <docs>http://opml.org/spec2.opml</docs>",
        "  </head>",
        "  <body>",
    ]
    for topic, members in by_topic.items():
        if topic and members:
            lines.append(f"    <outline text={quoteattr(topics[topic].name)}>")
        lines += [f"    {'  ' if topic else ''}{_outline(feed)}" for feed in members]
        if topic and members:
            lines.append("    </outline>")
    return "\n".join([*lines, "  </body>", "</opml>", ""])


def _outline(feed: Feed) -> str:
    category = f" category={quoteattr(','.join(feed.topics))}" if feed.topics else ""
    name = quoteattr(feed.publisher)
    return f'<outline type="rss" text={name} title={name} xmlUrl={quoteattr(feed.url)}{category}/>'
