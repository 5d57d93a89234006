"""What the receipts of an article show: its sentences in order, each with what it rests on and the passage that bears it out.

As in `publication`, the values are ready to print and not escaped. What the words mean is decided in `library.receipts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.library import TocEntry, typographic
from pipeline.library.citations import prose
from pipeline.library.credits import authorship
from pipeline.library.dates import partial_date_words
from pipeline.library.deeplinks import deep_link, robust_attributes, text_directive
from pipeline.library.receipts import (
    DISAGREE,
    PROMISE,
    SINGLE_SOURCE,
    STANDINGS,
    has_a_single_source,
    independence,
    place_words,
    status_note,
    tally,
)
from pipeline.model import Article, Claim, Passage, PassageKind, Source
from pipeline.site.claims import are_withheld, claims_path, published_text, text_path

if TYPE_CHECKING:
    from pipeline.site.publication import Card, Publication

_HEADING: Final = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_EMPTY_LINE: Final = re.compile(r"\n[ \t]*\n")
_BEFORE: Final = re.compile(r"[\w.,]")  # what a part of a longer word or figure has before it, and behind it
_BEHIND: Final = re.compile(r"\w|[.,]\d")
_FIGURE: Final = re.compile(r"\d[\d.,]*\d|\d")


class PassageRow(NamedTuple):
    """A place in a source, as the receipts show it."""

    anchor: str
    number: int  # of the source, in order of citation
    about: str  # where the page of the source stands
    title: str
    publisher: str
    facts: tuple[str, ...]  # what the title does not say: publisher and date, in words
    tier: str
    primary: bool
    sample: bool
    words: tuple[
        tuple[str, bool], ...
    ]  # in pieces; true: what the sentence takes from it. None where they are withheld
    recorded: bool  # a figure that an editor took down, not words of the source
    place: str
    url: str | None  # the live page, at these words; None where it cannot be followed
    robust: Mapping[str, str]
    stored: str | None  # our copy, at these words, below the site's address; None where it may not be passed on
    note: str  # what became of the source since


class Named(NamedTuple):
    """A source that a sentence names, and of which there is no passage to show."""

    number: int
    publisher: str
    about: str


class Receipt(NamedTuple):
    """A sentence, and what it rests on."""

    number: int
    anchor: str
    text: str
    basis: str  # as the style sheet names it
    words: str
    flags: tuple[str, ...]
    passages: tuple[PassageRow, ...]
    named: tuple[Named, ...]
    opens_paragraph: bool

    @property
    def opens(self) -> str:
        """What is seen when it is opened: ``2 passages, 1 recorded figure``."""
        recorded = sum(row.recorded for row in self.passages)
        numbers = ((len(self.passages) - recorded, "passage"), (recorded, "recorded figure"))
        return ", ".join(f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in numbers if number)

    @property
    def publishers(self) -> str:
        """Whose they are, each once."""
        return ", ".join(dict.fromkeys(row.publisher for row in self.passages))


class Part(NamedTuple):
    """The sentences below one heading of the article; those above the first have none."""

    heading: str
    address: str
    receipts: tuple[Receipt, ...]


class Count(NamedTuple):
    basis: str
    words: str
    meaning: str
    number: int


class ReceiptsView(NamedTuple):
    """The receipts of one article."""

    card: Card
    lang: str
    authorship: str
    claims_url: str  # below the site's address
    sentences: int
    counts: tuple[Count, ...]
    single: int  # how many sentences have a single source
    disagree: int  # of how many the sources disagree
    independence: str
    parts: tuple[Part, ...]
    promise: str = PROMISE


def receipts_path(article: Article) -> str:
    return f"{article.url_path}receipts/"


def source_path(source: str) -> str:
    """Where the page of the source with this id stands, below the site's address."""
    return f"sources/{source}/"


def receipts_view(publication: Publication, article: Article) -> ReceiptsView:
    """What the receipts of *article* show."""
    claims = publication.claims[article.slug]
    rendered = publication.rendered[article.slug]
    rows = _Rows(publication, article)
    counts = [Count(basis.value, STANDINGS[basis].words, STANDINGS[basis].meaning, n) for basis, n in tally(claims)]
    return ReceiptsView(
        card=publication.cards[article.slug],
        lang=article.lang,
        authorship=authorship(article, publication.library.people),
        claims_url=claims_path(article),
        sentences=len(claims),
        counts=tuple(counts),
        single=sum(map(has_a_single_source, claims)),
        disagree=sum(claim.disagree for claim in claims),
        independence=independence(len(rendered.cited), len(publication.origins(article))),
        parts=_parts(article, claims, rendered.toc, rows),
    )


# --- the order of the article ------------------------------------------------------------------------------------------------


def _parts(article: Article, claims: Sequence[Claim], toc: Sequence[TocEntry], rows: _Rows) -> tuple[Part, ...]:
    """*claims* under the headings of the article, which are found again in its Markdown."""
    body = article.body
    headings = list(_HEADING.finditer(prose(body)))
    titles = [(entry.title, f"{article.url_path}#{entry.id}") for entry in toc]
    if len(titles) != len(headings):  # one of another make, underlined or raw HTML
        titles = [(heading[1], article.url_path) for heading in headings]
    starts = [0, *(heading.start() for heading in headings)]
    ends = [*starts[1:], len(body) + 1]
    parts = []
    for (title, address), start, end in zip([("", article.url_path), *titles], starts, ends, strict=True):
        inside = [claim for claim in claims if start <= claim.start < end]
        if inside:
            receipts = [rows.receipt(claim, _opens(body, inside, at)) for at, claim in enumerate(inside)]
            parts.append(Part(title, address, tuple(receipts)))
    return tuple(parts)


def _opens(body: str, claims: Sequence[Claim], at: int) -> bool:
    """True when the sentence at *at* is the first of its paragraph, row or item."""
    return at == 0 or _EMPTY_LINE.search(body[claims[at - 1].end : claims[at].start]) is not None


class _Rows:
    """Makes the rows of one article."""

    def __init__(self, publication: Publication, article: Article) -> None:
        self._article = article
        self._library = publication.library
        self._numbers = {cited.source.id: cited.number for cited in publication.rendered[article.slug].cited}

    @cached_property
    def _shown(self) -> dict[str, str | None]:
        """The stored texts that the site shows, by the id of their source."""
        library = self._library
        return {id_: published_text(library.sources[id_], library.texts) for id_ in self._numbers}

    def receipt(self, claim: Claim, opens_paragraph: bool) -> Receipt:
        sources = claim.source_ids if claim.citations else ()
        flags = [SINGLE_SOURCE] if has_a_single_source(claim) else []
        flags += [DISAGREE] if claim.disagree else []
        flags += [independence(len(sources), claim.origins)] if len(sources) > 1 and claim.is_factual else []
        return Receipt(
            number=claim.number,
            anchor=f"claim-{claim.number}",
            text=typographic(claim.text, language=self._article.lang),
            basis=claim.basis.value,
            words=STANDINGS[claim.basis].words,
            flags=tuple(flags),
            passages=self._passages(claim) if claim.passages else (),
            named=self._named(claim, sources) if sources else (),
            opens_paragraph=opens_paragraph,
        )

    def _passages(self, claim: Claim) -> tuple[PassageRow, ...]:
        return tuple(
            self._row(passage, _passage_anchor(claim, place))
            for place, passage in enumerate(claim.passages, 1)
            if passage.source in self._numbers
        )

    def _named(self, claim: Claim, sources: Sequence[str]) -> tuple[Named, ...]:
        borne = {passage.source for passage in claim.passages}
        wanted = (id_ for id_ in sources if id_ in self._numbers and id_ not in borne)
        return tuple(
            Named(self._numbers[id_], self._library.sources[id_].publisher, source_path(id_)) for id_ in wanted
        )

    def _row(self, passage: Passage, anchor: str) -> PassageRow:
        source = self._library.sources[passage.source]
        recorded = passage.kind is PassageKind.FACT
        held = self._library.texts.of(source)[0]
        withheld = are_withheld(passage, source)
        words = "" if recorded or withheld else passage.words
        url = deep_link(source, words, page=passage.page, text=held)
        return PassageRow(
            anchor=anchor,
            number=self._numbers[source.id],
            about=source_path(source.id),
            title=source.label,
            publisher=source.publisher,
            facts=_facts(source),
            tier=source.tier.value,
            primary=source.is_primary,
            sample=source.sample,
            words=() if withheld else in_pieces(passage.words, passage.bears),
            recorded=recorded,
            place=place_words(passage, source),
            url=url if url.startswith(("https://", "http://")) else None,
            robust=robust_attributes(source),
            stored=None if recorded else self._stored(source, passage.words),
            note=status_note(source),
        )

    def _stored(self, source: Source, words: str) -> str | None:
        text = self._shown.get(source.id)
        if text is None or source.snapshot is None:
            return None
        directive = text_directive(words, text=text)
        return text_path(source.snapshot.text_sha256) + (f"#:~:{directive}" if directive else "")


def in_pieces(words: str, bears: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """*words* in pieces, such that what a sentence takes from them can be marked: a part of it as it stands there, else the
    figures in it."""
    wanted = [part for part in bears if part and part in words]
    wanted += [figure for part in bears if part not in wanted for figure in _FIGURE.findall(part)]
    if not wanted:
        return ((words, False),)
    longest_first = sorted(set(wanted), key=lambda part: (-len(part), part))
    pieces: list[tuple[str, bool]] = []
    at = 0
    while places := [
        (place, rank) for rank, part in enumerate(longest_first) if (place := _place(part, words, at)) >= 0
    ]:
        start, rank = min(places)
        end = start + len(longest_first[rank])
        pieces += [(words[at:start], False), (words[start:end], True)]
        at = end
    return tuple(piece for piece in (*pieces, (words[at:], False)) if piece[0])


def _place(part: str, words: str, at: int) -> int:
    """Where from *at* on *part* stands in *words* by itself, and not in a longer word or figure; else -1."""
    while (at := words.find(part, at)) >= 0:
        if not _BEFORE.match(words[at - 1 : at]) and not _BEHIND.match(words, at + len(part)):
            return at
        at += 1
    return at


def _facts(source: Source) -> tuple[str, ...]:
    facts = [source.publisher] if source.title else []
    return (*facts, *([partial_date_words(source.issued)] if source.issued else []))


def _passage_anchor(claim: Claim, place: int) -> str:
    return f"passage-{claim.number}-{place}"
