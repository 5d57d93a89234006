"""Sources, asked for again: does each address still answer, do the words that we cite still stand there, is the copy still missing?

A page changes every day by its date and its advertisements; what counts is what articles lean on. So "changed" is said where words
that are quoted from a source stand there no more, and never because a page has other bytes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pipeline.errors import ContentError, FetchError
from pipeline.ingest.fetch import Answer, Fetcher, NotHad, Request, fetch_all
from pipeline.ingest.sandbox import Sandbox
from pipeline.ingest.snapshot import PAGES, Taken, keep, read
from pipeline.library import Library, StoredTexts
from pipeline.library.citations import find_citations
from pipeline.library.quotes import occurs, places
from pipeline.library.sourcefile import Value, change, snapshot_values
from pipeline.library.sourcelist import chosen_sources
from pipeline.library.urls import page_key
from pipeline.model import Article, Basis, Fact, Source, SourceStatus, Status

_GONE: Final = frozenset({404, 410})


def _number(sources: Sequence[object]) -> str:
    return "1 source" if len(sources) == 1 else f"{len(sources)} sources"


# --- check ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found at the address of one source."""

    source: Source
    found: SourceStatus | None  # None: it could not be told today
    why: str = ""
    lost: tuple[str, ...] = ()  # names of quotes, or words, that articles cite and that no longer stand there
    leads_to: str | None = None

    @property
    def is_news(self) -> bool:
        """True when the file of the source says otherwise."""
        return self.found is not None and self.found is not self.source.status

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.source.id,
            "path": self.source.path,
            "url": self.source.url,
            "was": self.source.status.value,
            "found": self.found.value if self.found else None,
            "why": self.why,
            "lost": list(self.lost),
            "leads_to": self.leads_to,
        }


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found of all that were asked for."""

    checked: tuple[Checked, ...]
    left_out: int  # invented ones, which are nowhere, and those that were retracted
    written: tuple[str, ...] = ()  # files

    @property
    def ok(self) -> bool:
        return all(one.found is SourceStatus.LIVE for one in self.checked)

    def as_dict(self) -> dict[str, Any]:
        return {
            "sources": [one.as_dict() for one in self.checked],
            "left_out": self.left_out,
            "written": list(self.written),
        }

    def lines(self) -> Iterator[str]:
        for one in self.checked:
            if one.found is not SourceStatus.LIVE or one.is_news:
                yield f"  {one.source.id:<32} {one.found or 'unknown':<8} {one.why}".rstrip()
        counts = Counter(str(one.found or "unknown") for one in self.checked)
        told = ", ".join(f"{counts[name]} {name}" for name in (*SourceStatus, "unknown") if counts[name])
        left_out = f"; {self.left_out} invented or retracted ones left out" if self.left_out else ""
        yield f"{_number(self.checked)} asked for: {told or 'none'}{left_out}"
        for path in self.written:
            yield f"wrote the status into {path}"
        if not self.written and any(one.is_news for one in self.checked):
            yield "run with --write to put these statuses into the files"


def check_sources(
    fetcher: Fetcher,
    sandbox: Sandbox,
    library: Library,
    *,
    root: Path,
    now: dt.datetime,
    only: Sequence[str] = (),
    write: bool = False,
) -> CheckReport:
    """Ask for the page of each source, or of *only* those ids, and tell what became of it.

        fetch | extract | judge | write the status, if asked to and if it is another one

    One that cannot be had today is told as unknown, and changes no file. Raises `UsageError` for an id that is not there.
    """
    sources = chosen_sources(library.sources, only)
    asked = [source for source in sources if _is_asked(source, named=bool(only))]
    cited = cited_words(library)
    checked = []
    answers = fetch_all(fetcher, [Request(source.url, accept=PAGES) for source in asked], now=now)
    for source, answer in zip(asked, answers, strict=True):
        words, text = cited.get(source.id, {}), ""
        try:
            if words and not isinstance(answer, NotHad):
                text = read(sandbox, answer, url=source.url, now=now).page.text
            checked.append(judge(source, answer, text, cited=words))
        except FetchError as error:
            checked.append(Checked(source, None, str(error)))
    written = [_write_status(one, root=root, now=now) for one in checked if one.is_news] if write else []
    return CheckReport(tuple(checked), len(sources) - len(asked), tuple(written))


def judge(source: Source, answer: Answer | NotHad, text: str, *, cited: Mapping[str, str]) -> Checked:
    """What *answer* means for *source*; *text* is that of its page, and *cited* are the words that must stand in it."""
    if isinstance(answer, NotHad):
        if answer.status in _GONE:
            return Checked(
                source, SourceStatus.GONE, f"answers {answer.status}; cite a copy that somebody keeps under archive:"
            )
        return Checked(source, None, str(answer))
    if urlsplit(answer.url).path in ("", "/") and urlsplit(source.url).path not in ("", "/"):
        return Checked(source, SourceStatus.GONE, f"leads to a front page, {answer.url}", leads_to=answer.url)
    leads_to = answer.moved if answer.moved and page_key(answer.moved) != page_key(source.url) else None
    lost = tuple(name for name, words in cited.items() if not places(words, text, first_letter=True))
    if lost:
        ours = f"; our copy is of {source.snapshot.at:%Y-%m-%d}" if source.snapshot else ""
        why = f"not there any more: {', '.join(lost)}{ours}"
        return Checked(source, SourceStatus.CHANGED, why, lost, leads_to)
    if leads_to is not None:
        return Checked(source, SourceStatus.MOVED, f"leads to {leads_to}; set url: to that", leads_to=leads_to)
    return Checked(source, SourceStatus.LIVE, "answers again" if source.status is not SourceStatus.LIVE else "")


def cited_words(library: Library) -> Mapping[str, Mapping[str, str]]:
    """By source, the words that articles lean on, by what to call them: the quotes that they name; of a source that is cited
    without one, all its quotes; and what stands between quotation marks and was found in the stored copy."""
    cited: dict[str, dict[str, str]] = {}
    for article in library.articles:
        for citation in article.citations:
            source = library.sources.get(citation.source)
            for name, quote in source.quotes.items() if source else ():
                if citation.quote in (None, name):
                    cited.setdefault(citation.source, {})[name] = quote.text
        for claim in library.claims(article):
            for passage in claim.passages:
                direct = {f"“{part}”": part for part in passage.bears if f"“{part}”" in claim.text}
                if passage.kind == "text" and direct:
                    cited.setdefault(passage.source, {}).update(direct)
    return cited


def _is_asked(source: Source, *, named: bool) -> bool:
    """An invented source is asked for where it is named: its address is one that nobody can have, or a test's."""
    return source.status is not SourceStatus.RETRACTED and (named or not source.sample)


def _write_status(one: Checked, *, root: Path, now: dt.datetime) -> str:
    assert one.found is not None
    change(one.source, {"status": one.found.value, "status_at": f"{now:%Y-%m-%d}"}, root=root)
    return one.source.path


# --- refresh ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of the copy of one source."""

    source: Source
    done: str  # taken: the first copy; restored: the one that was recorded, on this machine; replaced; same; other; failed
    why: str = ""
    traced: tuple[str, ...] = ()  # facts whose figure stands in the text
    untraced: tuple[str, ...] = ()  # facts whose figure does not
    lost: tuple[str, ...] = ()  # quotes that do not stand in what was fetched

    @property
    def ok(self) -> bool:
        return self.done not in ("failed", "other") and not self.untraced

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.source.id,
            "path": self.source.path,
            "done": self.done,
            "why": self.why,
            "traced": list(self.traced),
            "untraced": list(self.untraced),
            "lost": list(self.lost),
        }


@dataclass(frozen=True, slots=True)
class RefreshReport:
    refreshed: tuple[Refreshed, ...]

    @property
    def ok(self) -> bool:
        return all(one.ok for one in self.refreshed)

    def as_dict(self) -> dict[str, Any]:
        return {"sources": [one.as_dict() for one in self.refreshed]}

    def lines(self) -> Iterator[str]:
        for one in self.refreshed:
            yield f"  {one.source.id:<32} {one.done:<9} {one.why}".rstrip()
            if one.traced:
                yield f"  {'':<32} traced    {', '.join(one.traced)}"
            for name in one.untraced:
                fact = one.source.facts[name]
                yield f"  {'':<32} not found {name}: {fact.value} {fact.unit} stands nowhere in the text; compare it with the page"
        counts = Counter(one.done for one in self.refreshed)
        told = ", ".join(f"{number} {done}" for done, number in sorted(counts.items()))
        facts = sum(len(one.traced) for one in self.refreshed)
        unborne = sum(len(one.untraced) for one in self.refreshed)
        if not self.refreshed:
            yield "no copy is missing"
            return
        yield f"{_number(self.refreshed)}: {told}; of their recorded facts, {facts} traced and {unborne} not found"


def refresh(
    fetcher: Fetcher,
    sandbox: Sandbox,
    library: Library,
    *,
    root: Path,
    kept: Path,
    now: dt.datetime,
    only: Sequence[str] = (),
    again: bool = False,
) -> RefreshReport:
    """Take the copies that are missing, of all sources or of *only* those ids, and say which recorded facts their texts bear out.

    With *again*, those that have one get a new one, unless quotes do not stand in it. Raises `UsageError` for an unknown id.
    """
    wanted = [
        source
        for source in chosen_sources(library.sources, only)
        if (only or not source.sample) and (again or library.texts.of(source)[0] is None)
    ]
    done = []
    answers = fetch_all(fetcher, [Request(source.url, accept=PAGES) for source in wanted], now=now)
    for source, answer in zip(wanted, answers, strict=True):
        if isinstance(answer, NotHad):
            done.append(Refreshed(source, "failed", str(answer)))
            continue
        try:
            taken = read(sandbox, answer, url=source.url, now=now)
            done.append(_refreshed(source, taken, root=root, kept=kept, again=again))
        except (FetchError, ContentError) as error:
            done.append(Refreshed(source, "failed", str(error)))
    return RefreshReport(tuple(done))


def _refreshed(source: Source, taken: Taken, *, root: Path, kept: Path, again: bool) -> Refreshed:
    text = taken.page.text
    lost = tuple(name for name, quote in source.quotes.items() if not occurs(quote.text, text))
    known = source.snapshot
    is_same = known is not None and known.text_sha256 == taken.snapshot.text_sha256
    if known is not None and not is_same and (lost or not again):
        missing = f"the quotes {', '.join(lost)} do not stand in it" if lost else "its quotes still stand in it"
        why = f"the page has another text than the copy of {known.at:%Y-%m-%d}; {missing}"
        what_next = "keep the old copy" if lost else "take it with --again, or the old one by opensignal sources pull"
        return Refreshed(source, "other", f"{why}; {what_next}", lost=lost)
    keep(taken, root=root, kept=kept, in_git=source.redistribute == "full", licence=source.licence)
    copied, texts = replace(source, snapshot=taken.snapshot), StoredTexts(root, kept)
    traced = tuple(name for name, fact in source.facts.items() if stands_in(fact, copied, texts))
    untraced = tuple(name for name in source.facts if name not in traced)
    if is_same:
        return Refreshed(source, "same" if again else "restored", "", traced, untraced, lost)
    changes: dict[str, Value] = {
        "accessed": f"{taken.snapshot.at:%Y-%m-%d}",
        "snapshot": snapshot_values(taken.snapshot),
    }
    change(source, changes, root=root)
    why = f"{len(text.split()):,} words" + (f"; the quotes {', '.join(lost)} do not stand in it" if lost else "")
    return Refreshed(source, "taken" if known is None else "replaced", why, traced, untraced, lost)


def stands_in(fact: Fact, source: Source, texts: StoredTexts) -> bool:
    """True when the stored text of *source* bears out *fact*, as it would the sentence of an article that says it."""
    alone = Library(sources={source.id: replace(source, facts={}, quotes={})}, texts=texts)
    body = f"{fact.what}: {fact.value} {fact.unit}.[^{source.id}]\n"
    article = Article(
        slug="fact",
        title="",
        dek="",
        date=dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
        status=Status.PUBLISHED,
        authors=(),
        topics=(),
        body=body,
        path="",
        citations=find_citations(body),
    )
    claims = alone.claims(article)
    return bool(claims) and all(claim.basis is Basis.TRACED for claim in claims)
