"""A source from its address: fetched, read, kept, and described in a file that an editor mends where we guessed wrong."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pipeline.errors import ContentError, FetchError, UsageError
from pipeline.files import put_new
from pipeline.ingest.extract import Page
from pipeline.ingest.fetch import Fetcher
from pipeline.ingest.ids import free_id, host_name, name_of
from pipeline.ingest.sandbox import Sandbox
from pipeline.ingest.snapshot import Taken, keep, pages_of, take
from pipeline.library import schema
from pipeline.library.domains import site_of
from pipeline.library.editing import TextFile
from pipeline.library.files import SOURCES, Read, Shelf, read_content
from pipeline.library.licences import may_be_passed_on
from pipeline.library.quotes import normal, places
from pipeline.library.quotes.difference import difference
from pipeline.library.snapshots import StoredTexts
from pipeline.library.sourcefile import Value, add_below, set_values, snapshot_values, write_source
from pipeline.library.urls import canonical_url, page_key
from pipeline.model import Feed, Source, Tier

# Whose own word it is, by the last labels of a host: governments, the European Union, bodies of states, universities.
_PRIMARY_HOSTS: Final = re.compile(
    r"(?:^|\.)(?:gov|mil|int|edu|europa\.eu|(?:gov|gob|gouv|govt|go|ac|edu)\.[a-z]{2}|arxiv\.org|doi\.org)$"
)
_SAID: Final = {"title": "title", "issued": "date"}
_ID_LENGTH: Final = 32  # characters of a name that we make; with a year and a number it is still an id
_QUOTE_WORDS: Final = 3  # that name a quote


@dataclass(frozen=True, slots=True)
class Cited:
    """What became of an address."""

    id: str
    path: str  # of the source's file, from the repository
    done: str  # "new", "known", "copied": it was known, and has a stored copy now
    label: str
    tier: Tier
    guessed: bool  # the tier is our guess
    copy: str  # where its text lies: "in Git", "outside Git", or "" where it is not here
    words: int = 0  # of the text
    quote: str | None = None  # id of the quote that was asked for
    page: int | None = None
    usage: tuple[str, ...] = ()  # what the publisher says of machines
    notes: tuple[str, ...] = field(default=())

    @property
    def citation(self) -> str:
        """What to paste behind a sentence."""
        return f"[^{self.id}.{self.quote}]" if self.quote else f"[^{self.id}]"

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "path": self.path,
            "done": self.done,
            "title": self.label,
            "tier": self.tier.value,
            "tier_guessed": self.guessed,
            "copy": self.copy or None,
            "words": self.words,
            "quote": self.quote,
            "page": self.page,
            "usage": list(self.usage),
            "notes": list(self.notes),
            "citation": self.citation,
        }

    def lines(self) -> Iterator[str]:
        did = {"new": "wrote", "known": "known already:", "copied": "known already; took the copy that was missing:"}
        yield f"{did[self.done]} {self.path}: {self.label}"
        yield f"  tier   {self.tier.value}" + (" (a guess; mend it in the file)" if self.guessed else "")
        yield f"  copy   {self.words:,} words, {self.copy}" if self.copy else "  copy   not on this machine"
        if self.quote:
            yield f"  quote  {self.quote}" + (f", page {self.page}" if self.page else "")
        for line in self.usage:
            yield f"  use    the publisher says: {line}"
        for line in self.notes:
            yield f"  note   {line}"
        yield self.citation


def cite(
    fetcher: Fetcher,
    sandbox: Sandbox,
    url: str,
    *,
    root: Path,
    kept: Path,
    now: dt.datetime,
    quote: str | None = None,
    quote_id: str | None = None,
    id_: str | None = None,
    licence: str = "unknown",
    tier: str | None = None,
    publisher: str | None = None,
) -> Cited:
    """The source at *url* as a file of content/sources, with the words of *quote* among its quotes if they stand in it.

        known? | fetch | extract | known by its own address? | the quote stands there? | keep the copy | write the file

    *quote_id* names the quote and *id_* a new source, where ours would not do; *tier* and *publisher* stand for our guesses.
    *licence* decides whether the text may stand in Git or goes to the folder *kept*. An address that a source has already is not
    fetched again, unless its copy was never taken; parameters that track readers are not asked for.
    Raises `UsageError` for words that make no sense, `FetchError` when the page cannot be had, `ContentError` when the quote does
    not stand in it.
    """
    if not schema.WEB_URL.fullmatch(url):
        raise UsageError(f'"{url}" is not a web address; write it whole, beginning with https://')
    for name, word, pattern in (("--id", id_, schema.ID), ("--as", quote_id, schema.NAME)):
        if word is not None and not pattern.fullmatch(word):
            raise UsageError(f'{name} "{word}" is not allowed; use small letters, digits and hyphens')
    if tier is not None and tier not in [one.value for one in Tier]:
        raise UsageError(f'--tier "{tier}" is not known; use one of {", ".join(Tier)}')
    given = _Given(Tier(tier) if tier else None, " ".join((publisher or "").split()))
    shelf = read_content(root)
    desk = _Desk(root, kept, shelf, StoredTexts(root, kept), now, given)
    known = desk.at([url])
    if known is not None and known.noun.snapshot is not None:
        return desk.add_to(known, None, quote=quote, quote_id=quote_id)
    try:
        taken = take(fetcher, sandbox, canonical_url(url), now=now)
    except FetchError as error:
        if known is None:
            raise
        raise FetchError(f"{error}; the source is known as [^{known.noun.id}], without a stored copy") from error
    known = known or desk.at(filter(None, (taken.page.canonical, taken.answer.url)))
    if known is not None:
        return desk.add_to(known, taken, quote=quote, quote_id=quote_id)
    return desk.write(taken, quote=quote, quote_id=quote_id, id_=id_, licence=licence)


@dataclass(frozen=True)
class _Given:
    """What an editor says of a new source, so that we need not guess."""

    tier: Tier | None = None
    publisher: str = ""


@dataclass(frozen=True)
class _Desk:
    root: Path
    kept: Path
    shelf: Shelf
    texts: StoredTexts
    now: dt.datetime
    given: _Given = _Given()

    def at(self, urls: Iterable[str]) -> Read[Source] | None:
        """The source that has one of the addresses *urls*."""
        keys = {page_key(url) for url in urls}
        return next((read for read in self.shelf.sources if page_key(read.noun.url) in keys), None)

    def write(self, taken: Taken, *, quote: str | None, quote_id: str | None, id_: str | None, licence: str) -> Cited:
        """A new file for what was *taken*."""
        found = _find_quote(taken.page.text, quote, pages=taken.page.pages, quote_id=quote_id, others={})
        in_git = may_be_passed_on(licence)
        tier = self.given.tier or guess_tier(taken.answer.url, self.shelf)
        values: dict[str, Value] = {
            "type": "report" if taken.page.pages else "webpage",
            **_told_by(taken.page, url=taken.answer.url),
            "publisher": self.given.publisher or taken.page.publisher or guess_publisher(taken.answer.url, self.shelf),
            "accessed": f"{self.now:%Y-%m-%d}",
            "tier": tier.value,
            "licence": licence,
            "redistribute": "full" if in_git else "quote",
            "snapshot": snapshot_values(taken.snapshot),
            **({"quotes": {found.id: found.values}} if found else {}),
        }
        values["id"] = self._free_id(id_, values)
        notes = [
            f"{path} cannot be read, so it may have this address already; run opensignal check" for path in self._unread
        ]
        if silent := [name for name in ("title", "issued") if name not in values]:
            notes.append(
                f"the page does not say its {' and '.join(_SAID[name] for name in silent)}; add {', '.join(silent)}"
            )
        if not in_git:
            notes.append(f"licence {licence}: the text is kept on this machine; its hash and quotes go into Git")
        path = f"{SOURCES}/{values['id']}.yml"
        keep(taken, root=self.root, kept=self.kept, in_git=in_git, licence=licence)
        if not put_new(self.root / path, write_source(values).encode()):
            return self._second(taken, quote=quote, quote_id=quote_id, id_=id_, licence=licence)
        return Cited(
            id=str(values["id"]),
            path=path,
            done="new",
            label=_label(values.get("title"), str(values["publisher"])),
            tier=tier,
            guessed=self.given.tier is None,
            copy="in Git" if in_git else "outside Git",
            words=len(taken.page.text.split()),
            quote=found.id if found else None,
            page=found.page if found else None,
            usage=taken.usage,
            notes=tuple(notes),
        )

    def _second(self, taken: Taken, *, quote: str | None, quote_id: str | None, id_: str | None, licence: str) -> Cited:
        """What becomes of what was *taken* when someone else has just taken the id that we chose: perhaps for the same page."""
        desk = replace(self, shelf=read_content(self.root))
        known = desk.at(filter(None, (taken.page.canonical, taken.answer.url)))
        if known is not None:
            return desk.add_to(known, taken, quote=quote, quote_id=quote_id)
        return desk.write(taken, quote=quote, quote_id=quote_id, id_=id_, licence=licence)

    def add_to(self, known: Read[Source], taken: Taken | None, *, quote: str | None, quote_id: str | None) -> Cited:
        """What is new about a source that we have: its copy, if there was none, and the quote."""
        source = known.noun
        fresh = taken if source.snapshot is None else None
        stored, wrong = self.texts.of(source)
        if wrong:
            raise ContentError(wrong)
        if quote and source.redistribute == "hash":
            raise ContentError(
                f"{known.path}: redistribute is hash, so no words of it may be passed on; quote another source"
            )
        if quote and stored is None and fresh is None:
            raise ContentError(
                f"{known.path}: its stored copy is not on this machine, so the quote cannot be looked up; "
                "run opensignal sources pull, or cite it where the copy is"
            )
        text = fresh.page.text if fresh else stored or ""
        pages = fresh.page.pages if fresh else pages_of(source, kept=self.kept)
        found = _find_quote(text, quote, pages=pages, quote_id=quote_id, others=source.quotes)
        in_git = source.redistribute == "full"
        if fresh:
            keep(fresh, root=self.root, kept=self.kept, in_git=in_git, licence=source.licence)
        self._change(known.path, fresh, found if found and found.id not in source.quotes else None)
        return Cited(
            id=source.id,
            path=known.path,
            done="copied" if fresh else "known",
            label=source.label,
            tier=source.tier,
            guessed=False,
            copy=("in Git" if in_git else "outside Git") if text else "",
            words=len(text.split()),
            quote=found.id if found else None,
            page=found.page if found else None,
            usage=fresh.usage if fresh else (),
            notes=self._kept_as_they_are(known),
        )

    def _kept_as_they_are(self, known: Read[Source]) -> tuple[str, ...]:
        """What was said of a source that is known and says otherwise of itself."""
        source, given = known.noun, self.given
        other = [f"tier {given.tier}"] if given.tier and given.tier is not source.tier else []
        other += [f"publisher {given.publisher}"] if given.publisher not in ("", source.publisher) else []
        return (f"not written: {', '.join(other)}; the source is known, so mend {known.path}",) if other else ()

    def _change(self, path: str, fresh: Taken | None, quote: _Found | None) -> None:
        """Put a *fresh* copy and a new *quote* into the file *path*, and touch nothing else of it."""
        file = TextFile.to_change(self.root / path, name=path)
        text = file.text
        if fresh:
            text = set_values(
                text,
                {"accessed": f"{self.now:%Y-%m-%d}", "snapshot": snapshot_values(fresh.snapshot)},
                path=path,
            )
        if quote:
            text = add_below(text, "quotes", quote.id, quote.values, path=path)
        if text != file.text:
            file.rewritten(text).write()

    @property
    def _unread(self) -> list[str]:
        """The files of sources that say nothing we could use."""
        read = {one.path for one in self.shelf.sources}
        files = (path.relative_to(self.root).as_posix() for path in (self.root / SOURCES).rglob("*.yml"))
        return sorted(path for path in files if path not in read and not Path(path).name.startswith("."))

    def _free_id(self, wanted: str | None, values: Mapping[str, Value]) -> str:
        """An id that no source has: *wanted*, or one of the publisher's name and the year."""
        taken = {path.stem for path in (self.root / SOURCES).rglob("*.yml")} | {
            read.noun.id for read in self.shelf.sources
        }
        if wanted is not None:
            if wanted in taken:
                raise UsageError(f'the id "{wanted}" is taken; name another with --id')
            return wanted
        year = str(values.get("issued") or values["accessed"])[:4]
        return free_id(f"{name_of(str(values['publisher']), words=2, length=_ID_LENGTH) or 'source'}-{year}", taken)


# --- what a page tells ------------------------------------------------------------------------------------------------------


def _told_by(page: Page, *, url: str) -> dict[str, Value]:
    """What the *page* at *url* tells of itself, as it stands in a file."""
    told: dict[str, Value] = {"url": canonical_url(page.canonical or url)}
    if page.title:
        told["title"] = page.title
    if page.authors:
        told["author"] = list(page.authors)
    if page.date:
        told["issued"] = page.date
    return told


def guess_tier(url: str, shelf: Shelf) -> Tier:
    """How near a source at *url* stands to what it tells of: as its neighbours do, or as its host's name says."""
    known = {neighbour.tier for neighbour in _neighbours(url, shelf)}
    if len(known) == 1:
        return known.pop()
    is_primary = _PRIMARY_HOSTS.search(urlsplit(url).hostname or "") is not None
    return Tier.PRIMARY if is_primary else Tier.SECONDARY


def guess_publisher(url: str, shelf: Shelf) -> str:
    """Who publishes what stands at *url*: as its neighbours say, or the name of its host."""
    known = {neighbour.publisher for neighbour in _neighbours(url, shelf)}
    return known.pop() if len(known) == 1 else host_name(url)


def _neighbours(url: str, shelf: Shelf) -> list[Source | Feed]:
    """The sources on the site of *url*; where there are none, the feeds."""
    site = site_of(urlsplit(url).hostname or "")
    sources: list[Source | Feed] = [read.noun for read in shelf.sources if _is_on(read.noun.url, site)]
    return sources or [read.noun for read in shelf.feeds if _is_on(read.noun.url, site)]


def _is_on(url: str, site: str) -> bool:
    return site_of(urlsplit(url).hostname or "") == site


def _label(title: object, publisher: str) -> str:
    return f"{title}, {publisher}" if title else publisher


# --- quotes -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """Words that stand in a text."""

    id: str
    text: str
    page: int | None

    @property
    def values(self) -> dict[str, Value]:
        return {"text": self.text, **({"page": str(self.page)} if self.page else {})}


def _find_quote(
    text: str, quote: str | None, *, pages: tuple[int, ...], quote_id: str | None, others: Mapping[str, Any]
) -> _Found | None:
    """The words of *quote* in *text*, and what to call them; None where none are asked for.

    Raises `ContentError` where they do not stand there, `UsageError` where another quote has the name.
    """
    if quote is None:
        return None
    if not normal(quote):
        raise UsageError("--quote holds no words; write those that stand on the page")
    found = places(quote, text)
    if not found:
        near = difference(quote, text)
        hint = f"the nearest text is: {near.marked}" if near else "nothing in it is like these words"
        raise ContentError(f"the quote does not stand in the page's text; {hint}; nothing was written")
    page = pages[found[0].line - 1] if pages else None
    same = next((name for name, other in others.items() if normal(other.text) == normal(quote)), None)
    if same is not None:
        return _Found(same, quote, others[same].page)
    if quote_id in others:
        raise UsageError(f'the source has a quote "{quote_id}" already, of other words; name another with --as')
    made = name_of(quote, words=_QUOTE_WORDS, length=_ID_LENGTH) or "quote"
    return _Found(quote_id or free_id(made, set(others)), " ".join(quote.split()), page)
