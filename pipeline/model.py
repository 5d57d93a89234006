"""The nouns: frozen data that every stage speaks of, and nothing that touches a file, a network, a database or a clock.

Times are aware and in UTC. Collections are tuples or read-only mappings. What an editor types is checked in
`library/schema.py` before it becomes one of these.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pipeline.printable import printable

# --- content: what editors write -------------------------------------------------------------------------------------------


class Status(StrEnum):
    """Where an article stands between an idea and its retraction."""

    IDEA = "idea"  # a title and a hope
    DRAFT = "draft"  # being written; never in any output
    REVIEW = "review"  # waits for a person; never in any output
    SCHEDULED = "scheduled"  # published when built after its date
    PUBLISHED = "published"
    CORRECTED = "corrected"  # published, and carries at least one correction
    RETRACTED = "retracted"  # still readable, and says so

    @property
    def is_final(self) -> bool:
        """True when readers may see the article once its date has come."""
        return self in _FINAL


_FINAL: Final = (Status.PUBLISHED, Status.SCHEDULED, Status.CORRECTED, Status.RETRACTED)


class Tier(StrEnum):
    """How near a source stands to what it tells of."""

    PRIMARY = "primary"  # who made or measured it
    SECONDARY = "secondary"  # who reports it
    AGGREGATOR = "aggregator"  # who collects reports


class SourceStatus(StrEnum):
    """What was found when the address of a source was last asked for."""

    LIVE = "live"  # it answers, and the words that we cite stand there
    MOVED = "moved"  # it answers at another address
    CHANGED = "changed"  # it answers, but words that we cite no longer stand there
    GONE = "gone"  # it answers no more
    RETRACTED = "retracted"  # its publisher took it back; an editor says so, no machine


class Role(StrEnum):
    WRITER = "writer"
    EDITOR = "editor"  # a person who holds editorial responsibility
    MODEL = "model"  # a language model


class Severity(StrEnum):
    ERROR = "error"  # published content with it is not built
    WARNING = "warning"  # printed, does not block


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file: where, what, and what next. Lines and columns count from 1."""

    path: str  # relative to the repository, with forward slashes
    line: int
    column: int
    code: str
    message: str  # what; what next
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return printable(f"{self.path}:{self.line}:{self.column} {self.code} {self.message}")


@dataclass(frozen=True, slots=True)
class Topic:
    id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Articles that belong together and are read in order, as named in content/series.yml."""

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A writer, an editor or a model, as named in content/people.yml."""

    id: str
    name: str
    role: Role
    bio: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a source that must occur in its snapshot."""

    id: str
    text: str
    page: int | None = None  # of a document with pages, from 1
    prefix: str = ""  # words that stand directly before it, where its own stand there more than once
    suffix: str = ""  # words that stand directly behind it


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure that an editor recorded by hand: *recorded*, not *traced*."""

    id: str
    what: str
    value: str  # as written, so that 1.50 stays 1.50
    unit: str
    period: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The stored copy of a source, addressed by the hash of its text."""

    sha256: str  # of the bytes as fetched
    text_sha256: str  # of the extracted text in normal form; names the file in content/sources/snapshots/
    at: dt.datetime
    tool: str  # extractor and version
    bytes: int


@dataclass(frozen=True, slots=True)
class Source:
    """A work that articles rest on; exportable as a CSL-JSON item."""

    id: str
    url: str
    publisher: str
    tier: Tier
    title: str | None = None
    type: str = "webpage"  # CSL type
    authors: tuple[str, ...] = ()
    container: str | None = None  # the journal, newspaper or book that it stands in
    doi: str | None = None
    issued: str | None = None  # 2026, 2026-02 or 2026-02-26
    accessed: str | None = None
    via: str | None = None  # id of the primary source, where this one only reports it
    licence: str = "unknown"
    redistribute: str = "quote"  # full | quote | hash
    snapshot: Snapshot | None = None
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    supersedes: str | None = None  # id of the source that this one replaces
    superseded_by: str | None = None  # id of the source that replaces this one
    status: SourceStatus = SourceStatus.LIVE
    status_at: dt.date | None = None  # when that was found
    archive: str | None = None  # address of a copy that somebody else keeps
    note: str = ""
    sample: bool = False  # an invented source, for demonstration only
    path: str = ""

    @property
    def label(self) -> str:
        """What a reader sees as the source's name: its title, or who published it where the title is not recorded."""
        return self.title or f"{self.publisher} (untitled page)"

    @property
    def is_primary(self) -> bool:
        return self.tier is Tier.PRIMARY


@dataclass(frozen=True, slots=True)
class Citation:
    """One place in an article that leans on a source."""

    source: str
    quote: str | None  # id of a quote of that source
    line: int  # of the article's file
    column: int
    inserted: bool = False  # the build sets the words of the quote here


class Basis(StrEnum):
    """What one sentence of an article rests on, as readers are told. The weakest part of a sentence decides."""

    QUOTED = "quoted"  # its quotation stands word for word in a stored copy of a source that it cites
    TRACED = "traced"  # each of its numbers stands in a stored copy of a source that it cites
    RECORDED = "recorded"  # a number stands only in a figure that an editor recorded; there is no stored copy yet
    CITED = "cited"  # names its sources, and holds neither a number nor a quotation that could be looked up
    ANALYSIS = "analysis"  # our own reading
    IMPORTED = "imported"  # should cite, and came along from where its article was published before
    UNSEEN = "unseen"  # the stored copy is not on this machine, so that nothing could be looked up
    UNTRACED = "untraced"  # a number or a quotation stands in none of its sources, or it should cite and does not


class PassageKind(StrEnum):
    """What the words of a passage are."""

    TEXT = "text"  # words of the source's stored copy
    QUOTE = "quote"  # a quote of the source, with a name
    FACT = "fact"  # a figure recorded by an editor


@dataclass(frozen=True, slots=True)
class Passage:
    """The place in a source that bears out a claim, or a part of it."""

    source: str  # id
    words: str  # as stored; of a recorded figure: what it is, its value and its unit
    kind: PassageKind = PassageKind.TEXT
    name: str | None = None  # id of the quote or the fact within its source
    line: int | None = None  # of the stored text, from 1
    page: int | None = None
    bears: tuple[str, ...] = ()  # the parts of the claim that it bears out, as the article writes them


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an article, with what it leans on and the verdict on it."""

    number: int  # within the article, from 1
    text: str  # as readers see it: no markup, no citations
    start: int  # where it stands in the article's body, in characters
    end: int
    line: int  # of the article's file
    column: int
    basis: Basis
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    origins: int = 0  # independent ones among the sources that it cites: three reports of one study are one
    disagree: bool = False  # the sources that it cites give different figures for it
    problems: tuple[Problem, ...] = ()

    @property
    def is_factual(self) -> bool:
        """True when it says something that a reader may ask the source of."""
        return self.basis is not Basis.ANALYSIS

    @property
    def source_ids(self) -> tuple[str, ...]:
        """The sources in order of first citation, each once."""
        return tuple(dict.fromkeys(citation.source for citation in self.citations))


@dataclass(frozen=True, slots=True)
class Correction:
    date: dt.date
    was: str
    now: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class AiUse:
    """How far a model wrote the text, and which person answers for it."""

    involvement: str = "none"  # none | assisted | drafted
    model: str | None = None
    reviewed_by: str | None = None  # id of a person
    reviewed_at: dt.date | None = None
    review_commit: str | None = None  # of Git: what that person read
    review_text: str | None = None  # hash of its words: known where the commit is not, as after a squashed merge


@dataclass(frozen=True, slots=True)
class Imported:
    """Where an article was published before it was brought here, by `opensignal import`."""

    service: str  # "substack"
    id: str  # what it was called there
    on: dt.date  # the day on which it was brought along
    url: str | None = None
    tags: tuple[str, ...] = ()  # those of its tags that are no topics here


@dataclass(frozen=True, slots=True)
class Move:
    """One day's import from one service, as content/imports.yml tells of it."""

    service: str
    on: dt.date
    articles: int  # how many it brought


@dataclass(frozen=True, slots=True)
class Article:
    """A Markdown file that we publish, with its sources."""

    slug: str
    title: str
    dek: str
    date: dt.datetime
    status: Status
    authors: tuple[str, ...]  # ids of people
    topics: tuple[str, ...]  # ids of topics, the first one leads
    body: str  # Markdown, without the front matter
    path: str  # relative to the repository
    body_line: int = 1  # line of the file on which the body begins
    kicker: str = ""  # empty: who publishes, and the newsletter's name
    updated: dt.datetime | None = None
    stale_after: dt.date | None = None  # from then on its figures may be out of date
    citations: tuple[Citation, ...] = ()
    ai: AiUse = AiUse()
    corrections: tuple[Correction, ...] = ()
    email_subject: str | None = None
    email_preheader: str | None = None
    email_skip: bool = False
    lang: str = "en"
    imported: Imported | None = None
    series: str | None = None  # id of the series that it is a part of
    aliases: tuple[str, ...] = ()  # older addresses below the site's that lead here: ``old/path/``, ``old.html``

    @property
    def owes_citations(self) -> bool:
        """False for what was published elsewhere before it was brought along, without sources; readers are told."""
        return self.imported is None or self.date.date() > self.imported.on

    @property
    def source_ids(self) -> tuple[str, ...]:
        """The sources in order of first citation, each once."""
        return tuple(dict.fromkeys(citation.source for citation in self.citations))

    @property
    def url_path(self) -> str:
        """The article's address below the site's, for ever: ``articles/<slug>/``."""
        return f"articles/{self.slug}/"

    @property
    def modified(self) -> dt.datetime:
        return self.updated or self.date

    def is_public(self, now: dt.datetime) -> bool:
        """True when readers may see it at *now*: drafts and future dates appear nowhere."""
        return self.status.is_final and self.date <= now


# --- feeds: what others publish ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Feed:
    """An address that we read, as content/feeds.yml names it; what the machine remembers of it is `store.feeds.FeedState`."""

    id: str
    url: str
    publisher: str
    topics: tuple[str, ...] = ()
    tier: Tier = Tier.SECONDARY
    min_interval: dt.timedelta = dt.timedelta(hours=1)
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One item that a feed gave, cleaned: text without markup, HTML through the allow-list, absolute http(s) links."""

    feed: str  # id of the feed
    id: str  # the feed's own id for it, or one we derived
    url: str | None
    title: str
    html: str
    summary: str  # plain text
    published: dt.datetime | None
    updated: dt.datetime | None = None
    authors: tuple[str, ...] = ()


# --- mail: who reads, and what was sent --------------------------------------------------------------------------------------


class Cadence(StrEnum):
    """How often a subscriber wants mail."""

    DAILY = "daily"
    WEEKLY = "weekly"
    EACH = "each"  # every article, as it is published


class State(StrEnum):
    """Where a subscriber stands."""

    PENDING = "pending"  # asked, has not confirmed
    ACTIVE = "active"
    PAUSED = "paused"  # confirmed, wants no mail for now
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"  # never to be written to: bounced, complained, erased, or said it was not them


@dataclass(frozen=True, slots=True)
class Choice:
    """What a subscriber asks for. No topics means all of them."""

    cadence: Cadence = Cadence.DAILY
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An address and its state. *ref* is random, stands in every link, and says nothing about the person."""

    id: int
    ref: str
    email: str
    state: State
    choice: Choice
    created_at: dt.datetime
    confirmed_at: dt.datetime | None = None
    paused_until: dt.datetime | None = None

    def receives_mail(self, now: dt.datetime) -> bool:
        """True when issues may go to this subscriber at *now*: active, or paused until a time that has passed."""
        if self.state is State.PAUSED:
            return self.paused_until is not None and self.paused_until <= now
        return self.state is State.ACTIVE


class DeliveryStatus(StrEnum):
    """Where one letter to one person stands. Only a recorded reply ends a claim."""

    PLANNED = "planned"  # due, nobody works on it
    CLAIMED = "claimed"  # a worker holds it; with started_at set, it may be on the wire
    SENT = "sent"  # the server took responsibility (2xx to the final dot)
    DEFERRED = "deferred"  # a temporary refusal; tried again at next_at
    FAILED = "failed"  # refused for good, or given up
    QUARANTINED = "quarantined"  # the letter could not be made for this one reader; waits for a person
    CANCELLED = "cancelled"  # a person stopped the issue before it was sent
    SUPPRESSED = "suppressed"  # the subscriber left before it was sent
    # The worker died, or the line broke, between the final dot and the reply: sent again, or held.
    UNCERTAIN = "uncertain"


class Control(StrEnum):
    """What a person wants with an issue."""

    SENDING = "sending"
    PAUSED = "paused"  # no letter leaves before somebody resumes it
    CANCELLED = "cancelled"  # what has not left never will


class BounceClass(StrEnum):
    """Whom or what a refusal is about (M-25). It decides what is done, never the word "permanent"."""

    ADDRESS = "address"  # nobody has this address, or not any more
    DOMAIN = "domain"  # its domain takes no mail at all: not in DNS, or a null MX
    MAILBOX = "mailbox"  # somebody has it and cannot take mail now: full, shut for a while
    POLICY = "policy"  # our fault, or the receiver's rules: spam, block lists, authentication, size, syntax. Nobody is blamed
    GREYLIST = "greylist"  # later, or slower
    UNKNOWN = "unknown"  # a refusal that does not say why


@dataclass(frozen=True, slots=True)
class Reply:
    """What the mail server answered (RFC 5321 4.2, RFC 3463). Code 0: no answer came."""

    code: int
    enhanced: str = ""
    text: str = ""

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600

    @property
    def temporary(self) -> bool:
        return 400 <= self.code < 500

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code) if self.code else "", self.enhanced, self.text) if part)


@dataclass(frozen=True, slots=True)
class Issue:
    """One number of the newsletter. A *digest* is gathered by rule from what each subscriber has not had.

    *key* is ``daily-2026-11-23``, ``weekly-2026-W47`` or ``each-<slug>`` and names the issue once and for all.
    """

    key: str
    cadence: Cadence
    date: dt.date  # printed on it
    closes_at: dt.datetime  # articles published later belong to the next one
    slug: str | None = None  # the article of an ``each-`` issue
