"""Sources: their addresses, their origins, and whether the words quoted from them stand in their stored copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from pipeline.library.checks.articles import unknown_source
from pipeline.library.files import SNAPSHOTS, Read
from pipeline.library.licences import RESERVED
from pipeline.library.quotes import difference, normal, occurs, places
from pipeline.library.urls import page_key, tracking
from pipeline.model import Article, Basis, Claim, Feed, Problem, Severity, Source, SourceStatus, Tier

if TYPE_CHECKING:
    from pipeline.library import Library

TAKEN: Final = "snapshots"  # stands beside the pages of sources on the site
QUOTE_MAX: Final = 300  # characters; more is hard to call a quotation
QUOTE_SHARE: Final = 0.05  # of a text that may not be passed on
_FIGURES: Final = frozenset({Basis.TRACED, Basis.RECORDED, Basis.UNSEEN, Basis.UNTRACED})  # what a number may rest on
A_LINE: Final = 80  # characters that may be quoted of the shortest text


class _Listed(Protocol):
    @property
    def id(self) -> str: ...


def check_source(read: Read[Source], library: Library) -> Iterator[Problem]:
    """S101, S102, S104: what a source says of itself."""
    source, stem = read.noun, Path(read.path).stem
    if source.id != stem:
        yield read.problem(
            "S101", ("id",), f'the id is "{source.id}", the file\'s name says "{stem}"; make them the same'
        )
    if source.id == TAKEN:
        yield read.problem("S101", ("id",), f'"{TAKEN}" is the folder of the stored texts; give the source another id')
    for key, what in (("via", "origin"), ("supersedes", "predecessor"), ("superseded_by", "successor")):
        other = getattr(source, key)
        if other == source.id:
            yield read.problem("S104", (key,), f"{key}: a source cannot be its own {what}; delete the line")
        elif other is not None and other not in library.sources:
            yield read.problem("S104", (key,), f"{key}: {unknown_source(other, library)}")
    if names := tracking(source.url):
        yield read.warning("S102", ("url",), f"the address holds {', '.join(names)}, which tracks readers; delete it")
    if source.url.lower().startswith("http:"):
        yield read.warning("S102", ("url",), "the address is not https; use the https one if the site has it")


def check_superseded(read: Read[Article], library: Library) -> Iterator[Problem]:
    """S116: an article leans on what was replaced or taken back. Who cites the newer one beside it compares the two."""
    newer = library.newer
    cited = set(read.noun.source_ids)
    told: set[str] = set()
    for citation in read.noun.citations:
        source = library.sources.get(citation.source)
        if source is None or source.id in told:
            continue
        told.add(source.id)
        if source.status is SourceStatus.RETRACTED:
            message = f'source "{source.id}" was retracted; cite another, or say in the text that it was'
        elif (other := newer.get(source.id)) and other not in cited:
            message = f'source "{source.id}" is superseded by "{other}"; cite the newer one, or both'
        else:
            continue
        yield Problem(read.path, citation.line, citation.column, "S116", message, Severity.WARNING)


def check_support(read: Read[Article], library: Library) -> Iterator[Problem]:
    """S117, S118: a number whose sentence cites nobody but collectors of reports, or that cannot be looked up here."""
    cited = [library.sources[id_] for id_ in read.noun.source_ids if id_ in library.sources]
    if not any(source.tier is Tier.AGGREGATOR or library.texts.is_away(source) for source in cited):
        return  # most articles: their claims need not be read
    for claim in library.claims(read.noun):
        if any(char.isdigit() for char in claim.text) and (wrong := _wrong_with_support(claim, library)):
            yield Problem(read.path, claim.line, claim.column, *wrong, Severity.WARNING)


def _wrong_with_support(claim: Claim, library: Library) -> tuple[str, str] | None:
    """Code and message, if something is wrong with what a claim with a number rests on."""
    sources = [library.sources[id_] for id_ in claim.source_ids if id_ in library.sources]
    if sources and claim.basis in _FIGURES and all(source.tier is Tier.AGGREGATOR for source in sources):
        names = " and ".join(source.id for source in sources)
        who = f"{names} alone, which {'collects' if len(sources) == 1 else 'collect'} what others report"
        return "S117", f"a number here rests on {who}; cite who reports or measured it"
    away = ", ".join(source.id for source in sources if library.texts.is_away(source))
    if away and claim.basis is Basis.UNSEEN and all(problem.code != "S118" for problem in claim.problems):
        what = f"a number here could not be looked up: the stored copy of {away} is not here"
        return "S118", f"{what}; run opensignal sources pull"
    return None


def check_addresses(reads: Iterable[Read[Source]] | Iterable[Read[Feed]]) -> Iterator[Problem]:
    """S103: one address under two ids."""
    first: dict[str, str] = {}
    for read in reads:
        other = first.setdefault(page_key(read.noun.url), read.noun.id)
        if other != read.noun.id:
            yield read.warning("S103", ("url",), f'"{other}" has the same address; merge the two if they are one')


def check_ids(reads: Iterable[Read[_Listed]]) -> Iterator[Problem]:
    """S008: one id twice in a list."""
    seen: set[str] = set()
    for read in reads:
        if read.noun.id in seen:
            yield read.problem("S008", ("id",), f'the id "{read.noun.id}" stands here a second time; rename one')
        seen.add(read.noun.id)


# --- stored copies ----------------------------------------------------------------------------------------------------------------


def check_quotes(read: Read[Source], library: Library) -> Iterator[Problem]:
    """S110 to S118: each quote stands in the stored copy, and the copy is the one that was taken and may be kept."""
    source, texts = read.noun, library.texts
    text, wrong = texts.of(source)
    if wrong:
        yield read.problem("S113", ("snapshot", "text_sha256"), wrong)
    if source.redistribute != "full" and texts.in_git(source):
        kept = f"the full text is stored in {SNAPSHOTS}, but redistribute is {source.redistribute}"
        yield read.problem("S115", ("redistribute",), f"{kept}; move the file out of Git, or set it to full")
    if source.redistribute == "full" and source.licence.lower() == RESERVED:
        yield read.problem(
            "S115", ("redistribute",), f"redistribute is full, but the licence is {RESERVED}; set redistribute to quote"
        )
    if source.redistribute == "hash" and source.quotes:
        yield read.problem("S115", ("quotes",), "redistribute is hash, so no words may be passed on; delete the quotes")
    for id_, quote in source.quotes.items():
        loc = ("quotes", id_, "text")
        if long := _too_long(quote.text, text if source.redistribute != "full" else None):
            yield read.warning("S114", loc, f"the quote is {long}; quote less")
        if source.snapshot is None:
            yield read.problem("S110", loc, f'quote "{id_}" has no stored copy to occur in; take one, or record a fact')
        elif text is None and not wrong:
            yield read.warning(
                "S118",
                loc,
                f'quote "{id_}" could not be checked: the stored copy is not here; run opensignal sources pull',
            )
        elif text is not None:
            yield from _check_place(read, id_, text, library)


def _check_place(read: Read[Source], id_: str, text: str, library: Library) -> Iterator[Problem]:
    """S110 to S112: the words of the quote stand in *text*, and in one place."""
    quote = read.noun.quotes[id_]
    found = places(quote.text, text, prefix=quote.prefix, suffix=quote.suffix)
    if len(found) == 1:
        return
    if found:
        lines = " and ".join(str(place.line) for place in found[:2])
        message = (
            f'quote "{id_}" occurs {len(found)} times (lines {lines}); add prefix: or suffix: with the words beside it'
        )
        yield read.warning("S112", ("quotes", id_, "text"), message)
    elif (quote.prefix or quote.suffix) and occurs(quote.text, text):
        key = "prefix" if quote.prefix else "suffix"
        message = f'quote "{id_}" occurs, but not beside the words of its prefix: or suffix:; mend them'
        yield read.problem("S110", ("quotes", id_, key), message)
    else:
        yield _misquoted(read, id_, text, library)


def _too_long(quote: str, text: str | None) -> str:
    """What makes a *quote* more than a quotation from *text*, or nothing."""
    length = len(normal(quote))
    if length > QUOTE_MAX:
        return f"{length} characters (max {QUOTE_MAX})"
    if text and length > max(A_LINE, QUOTE_SHARE * len(text)):
        return f"{length / len(text):.0%} of its source (max {QUOTE_SHARE:.0%})"
    return ""


def _misquoted(read: Read[Source], id_: str, text: str, library: Library) -> Problem:
    """Not found is not invented: the words may stand in another source."""
    quote, loc = read.noun.quotes[id_], ("quotes", id_, "text")
    for other in library.sources.values():
        elsewhere = library.texts.of(other)[0] if other.id != read.noun.id else None
        if elsewhere is not None and occurs(quote.text, elsewhere):
            return read.problem("S111", loc, f'quote "{id_}" occurs not here but in source "{other.id}"; move it there')
    near = difference(quote.text, text)
    hint = "; nothing in it is like these words"
    if near is not None:
        hint = f"; [-yours-] {{+line {near.line}+}}: “{near.marked}”"
    return read.problem("S110", loc, f'quote "{id_}" does not occur in the stored copy{hint}')
