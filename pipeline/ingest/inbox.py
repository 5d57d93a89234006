"""Cards: what the machine found, one Markdown file a story in content/inbox/, for an editor to read, change or delete.

A card is never published. What feeds wrote is data here (T-26): front matter made by a YAML library, and below it one line of plain
text in which every character that means something to Markdown is escaped (T-28). Files come into being whole. On a card that
exists only two things ever change: entries are added to its list, and its weight follows, unless an editor set another one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline.errors import ContentError, StoreError
from pipeline.files import alone, put, put_new, sweep, what_next
from pipeline.ingest.clean import one_line
from pipeline.library.copies import are_copies
from pipeline.model import Entry, Feed

EXCERPT_LIMIT: Final = 400  # characters
SLUG_LIMIT: Final = 60
MOST_LISTED: Final = 100  # entries on one card; a story that more feeds tell needs no more proof of it
_Loader: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml's where it is built in: ten times as fast
_FRONT_MATTER: Final = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class Unwritable(ContentError):
    """A card as an editor left it, to which nothing can be added; the message says where and why."""


@dataclass(frozen=True, slots=True)
class CardEntry:
    """One feed's telling of a story, as the card lists it."""

    feed: str
    publisher: str
    tier: str
    url: str | None
    title: str
    published: dt.datetime | None
    copy: bool = False  # its text is that of another on the card: it is no voice of its own


@dataclass(frozen=True, slots=True)
class Card:
    """One story and everyone who told it."""

    name: str  # of the file
    title: str
    first_seen: dt.datetime
    published: dt.datetime | None
    topics: tuple[str, ...]
    entries: tuple[CardEntry, ...]
    excerpt: str = ""
    set_weight: int | None = None  # an editor's own number

    @property
    def weight(self) -> int:
        """How many independent publishers tell it: two feeds of one publisher are one voice, and so are two copies of one text."""
        return _weight(entry.publisher for entry in self.entries if not entry.copy)


def new_card(feed: Feed, entry: Entry, key: str, *, now: dt.datetime) -> Card:
    """The card of a story that *entry* is the first to tell; *key* names the story and gives the file its name."""
    return Card(
        name=card_name(entry.title, key, entry.published or now),
        title=entry.title,
        first_seen=now,
        published=entry.published,
        topics=feed.topics,
        entries=(card_entry(feed, entry),),
        excerpt=excerpt_of(entry),
    )


def card_entry(feed: Feed, entry: Entry) -> CardEntry:
    return CardEntry(feed.id, feed.publisher, feed.tier.value, entry.url, entry.title, entry.published)


def excerpt_of(entry: Entry) -> str:
    """The beginning of what *entry* says, as a card keeps it."""
    return one_line(entry.summary, limit=EXCERPT_LIMIT)


def card_name(title: str, key: str, date: dt.datetime) -> str:
    """``2026-11-23-words-of-the-title-1a2b3c4d.md``: the same for the same story, and safe on every file system."""
    words = re.sub(r"[^a-z0-9]+", "-", _ascii(title)).strip("-")
    slug = words[:SLUG_LIMIT].rpartition("-")[0] if len(words) > SLUG_LIMIT else words
    return f"{date:%Y-%m-%d}-{slug or 'untitled'}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.md"


# --- writing --------------------------------------------------------------------------------------------------------


@contextmanager
def opened(inbox: Path) -> Iterator[None]:
    """The inbox, made if there is none, for one process at a time.

    Raises `StoreBusy` while another process has it, `StoreError` when it cannot be made or read.
    """
    try:
        inbox.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{inbox}: the inbox cannot be made: {error.strerror}; {what_next(error)}") from error
    with alone(inbox, other="another process is writing cards"):
        sweep(inbox)
        yield


def write(inbox: Path, card: Card) -> None:
    """Write *card* as a new file. Raises `Unwritable` when there is a file of its name, `StoreError` when none can be written."""
    if not put_new(inbox / card.name, render(card).encode()):
        raise Unwritable(f"{card.name}: is there already, and is no card; mend it or delete the file")


def add(inbox: Path, name: str, entries: Sequence[CardEntry], *, excerpt: str = "") -> int:
    """Add those of *entries* that the card *name* does not list yet, to a hundred in all; return how many those were.

    *excerpt* is what they say: where it is a copy of what the card says, they are marked as such. A card that an editor deleted
    stays deleted. Raises `Unwritable` for one that is no longer a card, `StoreError` when it cannot be read or written.
    """
    path = inbox / name
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return 0
    except UnicodeDecodeError as error:
        raise Unwritable(f"{name}: not UTF-8; save it as UTF-8") from error
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error
    sheet = _Sheet(text, name)
    listed = {_same(entry) for entry in sheet.card.entries}
    missing = [entry for entry in dict.fromkeys(entries) if _same(entry) not in listed][
        : max(0, MOST_LISTED - len(listed))
    ]
    if missing and excerpt and are_copies(excerpt, sheet.card.excerpt):
        missing = [replace(entry, copy=True) for entry in missing]
    if missing:
        put(path, sheet.adding(missing).encode())
    return len(missing)


def unknown_cards(inbox: Path, known: set[str]) -> list[Card]:
    """The cards in *inbox* whose names are not in *known*: written by a run that ended before it could remember them, or by hand.
    Files that are no cards are passed by."""
    cards = []
    for name in names(inbox):
        if name in known:
            continue
        with contextlib.suppress(Unwritable, UnicodeDecodeError, OSError):
            cards.append(read((inbox / name).read_bytes().decode(), name))
    return cards


def names(inbox: Path) -> list[str]:
    """The names of all cards, in order."""
    return sorted(path.name for path in inbox.glob("*.md")) if inbox.is_dir() else []


def _ascii(text: str) -> str:
    """*text* in lower case without accents, and without what has no ASCII form."""
    return unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()


# --- a card as text -------------------------------------------------------------------------------------------------


class _Plain(str):
    """A time, which needs no quotation marks in YAML."""


class _Dumper(yaml.SafeDumper):
    """Safe, and without aliases: each entry stands for itself."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(_Plain, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:timestamp", str(text)))


def render(card: Card) -> str:
    """The file of *card*."""
    front_matter = {
        "title": card.title,
        "first_seen": _time(card.first_seen),
        "published": _time(card.published),
        "topics": list(card.topics),
        "weight": card.weight,
        "entries": [_fields(entry) for entry in card.entries],
    }
    body = f"\n{escaped(card.excerpt)}\n" if card.excerpt else ""
    return f"---\n{_dump(front_matter)}---\n{body}"


def read(text: str, name: str) -> Card:
    """The card in *text*, the content of the file *name*. Raises `Unwritable` where it is none."""
    return _Sheet(text, name).card


def read_all(inbox: Path) -> tuple[list[Card], list[str]]:
    """Every card in the folder, in the order of their names, and what is wrong with files that are none."""
    cards, wrong = [], []
    for name in names(inbox):
        try:
            cards.append(read((inbox / name).read_bytes().decode(), name))
        except Unwritable as error:
            wrong.append(f"{inbox.name}/{error}")
        except UnicodeDecodeError:
            wrong.append(f"{inbox.name}/{name}: not UTF-8; save it as UTF-8")
        except OSError as error:
            wrong.append(f"{inbox.name}/{name}: cannot be read: {error.strerror}; mend the file's rights")
    return cards, wrong


def excerpts(inbox: Path, *, since: dt.date) -> dict[str, str]:
    """The excerpt of every card that was dated *since* or later, by its name; cheaper than reading the cards."""
    found = {}
    for name in names(inbox):
        if name[:10] < since.isoformat():
            continue
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = (inbox / name).read_bytes().decode()
            match = _FRONT_MATTER.match(text)
            found[name] = _excerpt(text[match.end() :]) if match else ""
    return found


class _Sheet:
    """The text of a card, and where in it everything stands: so that it can be added to without touching the rest."""

    def __init__(self, text: str, name: str) -> None:
        match = _FRONT_MATTER.match(text)
        if match is None:
            raise Unwritable(f"{name}:1: no front matter between two lines of ---; mend it or delete the file")
        self._text, self._name = text, name
        self._source, self._offset, self._end = match[1], match.start(1), match.end()
        self._nodes = _nodes(self._source, name)
        card = self._read()
        given = getattr(self._nodes.get("weight"), "value", "")
        by_hand = isinstance(given, str) and given.isdecimal() and given != str(card.weight)
        self.card = replace(card, set_weight=int(given[:6])) if by_hand else card

    def _read(self) -> Card:
        try:
            fields = {key: _data(node) for key, node in self._nodes.items()}
            return Card(
                name=self._name,
                title=str(fields["title"]),
                first_seen=_moment(fields["first_seen"]) or dt.datetime.min.replace(tzinfo=dt.UTC),
                published=_moment(fields.get("published")),
                topics=tuple(fields.get("topics") or ()),
                entries=tuple(_listed(item) for item in fields["entries"]),
                excerpt=_excerpt(self._text[self._end :]),
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise Unwritable(
                f"{self._name}: the front matter is not that of a card ({error}); mend it or delete the file"
            ) from error

    def adding(self, missing: Sequence[CardEntry]) -> str:
        """The text with *missing* added to its entries and its weight brought up to date; every other character as it was."""
        entries, weight = self._nodes["entries"], self._nodes.get("weight")
        if entries.flow_style or not entries.value:
            line = entries.start_mark.line + 2
            raise Unwritable(
                f"{self._name}:{line}: the entries are not one below the other; nothing can be added to them"
            )
        at = _end_of_line(self._source, _last_leaf(entries).end_mark.index)
        newline = "\r\n" if "\r\n" in self._source else "\n"
        indent = " " * entries.start_mark.column
        lines = _dump([_fields(entry) for entry in missing]).splitlines()
        changes = [(at, at, "".join(indent + line + newline for line in lines))]
        if weight is not None and weight.value == str(self.card.weight):  # another number is an editor's
            whole = replace(self.card, entries=(*self.card.entries, *missing))
            changes.append((weight.start_mark.index, weight.end_mark.index, str(whole.weight)))
        changed = self._text
        for start, end, new in sorted(changes, reverse=True):  # from the end, so that the places before stay right
            changed = changed[: self._offset + start] + new + changed[self._offset + end :]
        return changed


def _nodes(source: str, name: str) -> dict[str, Any]:
    """The parts of a card's front matter by key, each knowing its place."""
    try:
        root = yaml.compose(source, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 2}:{mark.column + 1}" if mark else ""
        raise Unwritable(f"{name}{place}: not YAML: {getattr(error, 'problem', error)}; mend the line") from error
    nodes = {key.value: value for key, value in root.value} if isinstance(root, yaml.MappingNode) else {}
    if not isinstance(nodes.get("entries"), yaml.SequenceNode):
        raise Unwritable(f"{name}:2: the front matter has no list of entries; mend it or delete the file")
    return nodes


def _data(node: yaml.Node) -> Any:
    """What *node* holds, every scalar as the text that stands there."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: _data(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_data(item) for item in node.value]
    return node.value


def _listed(item: dict[str, str]) -> CardEntry:
    return CardEntry(
        feed=item["feed"],
        publisher=item["publisher"],
        tier=item["tier"],
        url=_or_none(item["url"]),
        title=item["title"],
        published=_moment(item["published"]),
        copy=item.get("copy") == "true",
    )


def _last_leaf(node: yaml.Node) -> yaml.Node:
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def _end_of_line(source: str, index: int) -> int:
    """The place after the line that *index* stands in, which may be its very start after a block of text."""
    if index and source[index - 1] == "\n":
        return index
    end = source.find("\n", index)
    return len(source) if end < 0 else end + 1


def _fields(entry: CardEntry) -> dict[str, Any]:
    return {
        "feed": entry.feed,
        "publisher": entry.publisher,
        "tier": entry.tier,
        "url": entry.url,
        "title": entry.title,
        "published": _time(entry.published),
        **({"copy": True} if entry.copy else {}),
    }


def _dump(data: Any) -> str:
    return yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=False, width=10_000)


def _time(when: dt.datetime | None) -> _Plain | None:
    return _Plain(when.astimezone(dt.UTC).strftime(_TIME)) if when else None


def _moment(value: Any) -> dt.datetime | None:
    text = _or_none(value)
    if text is None:
        return None
    when = dt.datetime.fromisoformat(text)
    return when.replace(tzinfo=dt.UTC) if when.tzinfo is None else when.astimezone(dt.UTC)


def _or_none(value: Any) -> str | None:
    return None if value in (None, "", "null", "~") else str(value)


def _same(entry: CardEntry) -> tuple[str, str]:
    """What makes two lines of a card's list the same entry."""
    return entry.feed, entry.url or entry.title


def _weight(publishers: Iterable[str]) -> int:
    return len({" ".join(publisher.casefold().split()) for publisher in publishers})


# --- plain text in Markdown -----------------------------------------------------------------------------------------

# Python-Markdown knows fewer escapes than CommonMark: the rest of the ASCII punctuation that means something becomes a reference.
# Commas, semicolons, question and quotation marks mean nothing without one of these beside them.
_BACKSLASHED: Final = "\\`*_{}[]()#+-.!"
_REFERENCED: Final = "&<>|~^=:$@%/"
_ESCAPES: Final = str.maketrans({**{c: f"\\{c}" for c in _BACKSLASHED}, **{c: f"&#{ord(c)};" for c in _REFERENCED}})


def escaped(text: str) -> str:
    """*text*, one line, as Markdown that shows exactly it."""
    return text.translate(_ESCAPES)


def _excerpt(body: str) -> str:
    """What `escaped` made the first paragraph of *body* of."""
    line = next((line for line in body.splitlines() if line.strip()), "")
    return html.unescape(re.sub(r"\\(.)", r"\1", line))
