"""What an export holds, whichever service it comes from: posts, who wrote them, who reads them, and what could not be read.

`services/` makes these, all others take them. An address of a reader stands in `Reader.email` and nowhere else.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import Enum, StrEnum
from typing import Final
from urllib.parse import urlsplit

from pipeline.library.credits import GENERATORS

ADDRESS: Final = re.compile(r"[^\s'\"(<>:;,]+@[^\s'\")<>;,]+\.[^\s'\")<>;,]+")


class Standing(StrEnum):
    """How somebody stood with the newsletter at the service."""

    ACTIVE = "active"
    PENDING = "pending"  # asked, and did not confirm
    LEFT = "left"  # unsubscribed, or was removed
    BOUNCED = "bounced"
    COMPLAINED = "complained"  # called it spam
    OTHER = "other"  # a word that we do not know; not written to


class Markup(Enum):
    """What the text of a post is written in."""

    HTML = 1
    MARKDOWN = 2  # as Python-Markdown reads it, and Gruber's first one: lists are indented by four
    COMMONMARK = 3  # commonmark.org, with the tables, footnotes and definition lists of Hugo and kramdown


@dataclass(frozen=True, slots=True)
class Reader:
    """One row of a list of subscribers."""

    line: int
    email: str
    standing: Standing
    since: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote, as the service shows it to readers."""

    name: str
    bio: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One article of the export."""

    id: str
    title: str
    content: str
    file: str  # where in the export it stands
    slug: str = ""
    subtitle: str = ""
    published: dt.datetime | None = None
    held_back: str = ""  # why readers there could not see it, or not all of them; nothing for a public one
    path: str = ""  # its address there, below the site's
    also: tuple[str, ...] = ()  # further ones that led to it, likewise
    url: str | None = None  # and whole, where that is known
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    cover: str = ""  # address of the image above it
    cover_alt: str = ""
    cover_caption: str = ""
    lang: str = ""
    markup: Markup = Markup.HTML
    lead: str = ""  # what the service sends in front of the text: a recording

    @property
    def is_empty(self) -> bool:
        return not (self.content.strip() or self.cover or self.lead)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that did not come over, or came over in another shape."""

    file: str
    post: str  # its title; nothing where no single one is meant
    what: str
    next: str = ""
    lost: bool = False  # it did not come over at all

    def __str__(self) -> str:
        where = " ".join(filter(None, (self.file, f"“{self.post}”" if self.post else "")))
        then = f"; {self.next}" if self.next else ""
        return f"{where}: {self.what}{then}" if where else f"{self.what}{then}"


def note(file: str, post: str, what: str, then: str = "", *, lost: bool = False) -> Note:
    """A `Note` without addresses: reports are kept in logs."""
    return Note(file, _bare(post), _bare(what), _bare(then), lost)


def _bare(text: str) -> str:
    return ADDRESS.sub("(address)", " ".join(text.split()))


@dataclass(slots=True)
class Export:
    """All that was read."""

    service: str
    posts: list[Post] = field(default_factory=list)
    authors: dict[str, Author] = field(default_factory=dict)  # by name
    readers: list[Reader] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    passed_by: dict[str, int] = field(default_factory=dict)  # how many of what is no article: pages, comments
    sites: list[str] = field(default_factory=list)  # addresses that the newsletter had there
    topic_names: Mapping[str, str] = field(default_factory=dict)  # slug of a tag -> its name, where the two differ

    @property
    def is_site(self) -> bool:
        """True for the repository of a site: an image that a text names lies beside it, and none of another host in it."""
        return self.service in GENERATORS

    def pass_by(self, what: str) -> None:
        self.passed_by[what] = self.passed_by.get(what, 0) + 1


# --- what all of them write ---------------------------------------------------------------------------------------------------

_SPELLED: Final = (
    "%B %d, %Y",
    "%b %d, %Y",
    "%B %d, %Y %I:%M %p",
    "%d %B %Y",
    "%d %b %Y",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
)
_EARLIEST: Final = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
_LATEST: Final = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)


def moment(text: str | float | None) -> dt.datetime | None:
    """The moment that *text* tells in one of the ways in which exports write it, in UTC; None where it tells none."""
    found = _moment(str(text or "").strip())
    if found is None:
        return None
    try:
        found = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except OverflowError:
        return None
    return found if _EARLIEST <= found <= _LATEST else None


def _moment(text: str) -> dt.datetime | None:
    if re.fullmatch(r"\d{9,10}|\d{12,13}", text):  # seconds or milliseconds since 1970
        return dt.datetime.fromtimestamp(int(text) / (1 if len(text) < 11 else 1000), dt.UTC)
    iso = re.sub(r"\s*UTC$", "+00:00", text)
    try:
        return dt.datetime.fromisoformat(iso)
    except ValueError:
        pass
    for form in _SPELLED:
        try:
            return dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC)
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def truth(text: str | bool | None) -> bool:
    """True for what exports write for yes."""
    return str(text or "").strip().lower() in ("true", "t", "1", "yes", "y")


def path_of(url: str) -> str:
    """The path of an address; nothing where it is none, as ``https://[::1``."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def words(items: Iterable[str]) -> tuple[str, ...]:
    """*items* without blanks around them, empty ones and repetitions."""
    return tuple(dict.fromkeys(item.strip() for item in items if item and item.strip()))
