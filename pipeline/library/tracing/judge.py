"""The verdict on one statement: whether its figures stand in its sources, and whether its words say what theirs say.

    judge    figures | look up | years, units, ranges | bindings, sums | wording | what the sources are to one another | Verdict

`numbers` finds figures, `units` and `compare` tell whether two are one, `evidence` indexes what is held of a source. The rules are
`figures` (S301 to S304, S307), `binding`, `swaps` and `names` (S305, S310), `sums` (S306), `wording` (S320 to S322) and `origins`
(S330 to S333).
All of it is arithmetic and comparing words: the same input gives the same verdict, which says what words it rests on.

Errors are figures without a source, with another unit or another year. Everything that depends on reading is a hint.
In a paragraph of our own reading nothing is found fault with: what stands there is ours, and is only looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pipeline.library.copies import origins
from pipeline.library.tracing.binding import check_binding
from pipeline.library.tracing.evidence import QUOTE, TEXT, Evidence, Place, evidence_of
from pipeline.library.tracing.figures import (
    Others,
    Sighting,
    Sought,
    check_figures,
    check_odd,
    check_years,
    is_soft,
    look_up,
    look_up_dates,
    too_many,
)
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.names import check_names, check_unknown_names
from pipeline.library.tracing.nearest import closest
from pipeline.library.tracing.numbers import Figures, Quantity, When, find
from pipeline.library.tracing.origins import check_age, check_agreement, check_copies, check_primary, disagreements
from pipeline.library.tracing.quoted import is_cited_whole, not_in_the_quote
from pipeline.library.tracing.statements import BlockKind
from pipeline.library.tracing.sums import check_since, check_sums
from pipeline.library.tracing.swaps import check_swaps
from pipeline.library.tracing.wording import check_bounds, check_direction, check_hedge, check_negation
from pipeline.model import Article, Basis, Passage, Severity

if TYPE_CHECKING:
    from pipeline.library import Library
    from pipeline.library.tracing.held import Held
    from pipeline.library.tracing.statements import Statement
    from pipeline.model import Source

__all__ = ["Finding", "Looked", "Verdict", "examine", "judge"]


_Borne: TypeAlias = tuple[Quantity | When, Evidence, Place]  # what a statement says, and where it stands


class Looked(NamedTuple):
    """A number or a date that was looked up: as the article writes it, and how it stands with it."""

    words: str
    at: int
    basis: Basis


class Verdict(NamedTuple):
    numbers: tuple[Looked, ...] = ()
    passages: tuple[Passage, ...] = ()
    findings: tuple[Finding, ...] = ()
    disagree: bool = False
    origins: int = 0


def judge(statement: Statement, held: Sequence[Held], *, library: Library, article: Article) -> Verdict:
    """Look up each figure of *statement* in what is *held* of its sources, and compare its words with theirs."""
    cited = tuple(_evidence(one.source, library) for one in held)
    if not cited:
        return Verdict()
    texts = {e.id: text for e in cited if (text := library.texts.of(e.source)[0]) is not None}
    figures = _ours(find(statement.text), (*statement.verbatim, *_named(statement.text, cited)))
    if excess := tuple(too_many(figures)):
        return Verdict(
            (Looked(statement.text[excess[0].at : excess[0].end], excess[0].at, Basis.UNTRACED),),
            findings=() if statement.analysis else excess,
        )
    sought = look_up(statement.text, figures, cited, before=statement.before)
    differing = tuple(disagreements(sought, cited))
    findings: list[Finding] = []
    if not statement.analysis:
        ids = {evidence.id for evidence in cited}
        findings += _examined(
            statement.text,
            figures,
            sought,
            cited,
            lambda: (_evidence(library.sources[id_], library) for id_ in sorted(library.sources) if id_ not in ids),
            before=statement.before,
            written=article.date.year,
            is_prose=statement.kind is not BlockKind.ROW,
            quotes=bool(statement.verbatim),
            columns=statement.columns,
        )
        findings += _check_named(sought, statement, held)
        findings += check_agreement(differing)
        findings += _check_sources(statement.text, sought, cited, library, texts)
    borne: list[_Borne] = [*_borne(sought), *look_up_dates(statement.text, figures, cited)]
    return Verdict(
        tuple(sorted((*_looked(sought, cited), *_dated(borne)), key=lambda looked: looked.at)),
        tuple(_passages(borne)),
        tuple(sorted(findings, key=lambda f: (f.at, f.code, f.message))),
        bool(differing),
        len(origins((e.source for e in cited), texts)),
    )


def examine(text: str, cited: Sequence[Evidence], *, before: str = "", written: int | None = None) -> Iterator[Finding]:
    """What is wrong with the sentence *text* of an article of the year *written*, by the *cited* sources and nothing else."""
    figures = _ours(find(text), ())
    sought = look_up(text, figures, cited, before=before)
    yield from _examined(text, figures, sought, cited, tuple, before=before, written=written, is_prose=True)


def _examined(
    text: str,
    figures: Figures,
    sought: Sequence[Sought],
    cited: Sequence[Evidence],
    others: Others,
    *,
    before: str,
    written: int | None,
    is_prose: bool,
    quotes: bool = False,
    columns: Sequence[tuple[str, str]] = (),
) -> Iterator[Finding]:
    yield from check_odd(text, figures)
    yield from check_figures(sought, text, cited, others)
    yield from check_years(figures, cited, before=before)
    yield from check_sums(text, figures)
    yield from check_since(text, figures, written=written)
    if not is_prose:
        yield from check_swaps(sought, text, figures, columns)
        return
    found = closest(text, cited, sought)
    bound = tuple(check_binding(sought, text, figures, found))
    yield from bound or check_swaps(sought, text, figures)
    yield from check_bounds(sought, text)
    yield from check_unknown_names(text, cited, before=before)
    for evidence, place in _spoken_of(found, sought):
        yield from check_names(text, place, evidence)
    if found is not None:
        evidence, place = found
        if not quotes:  # the words of a quotation are looked at where it is looked up
            yield from check_negation(text, place, evidence.id)
        yield from check_hedge(text, place, evidence.id)
        yield from check_direction(text, sought, place, evidence.id)


def _evidence(source: Source, library: Library) -> Evidence:
    return evidence_of(source, library.texts.of(source)[0], is_away=library.texts.is_away(source))


def _ours(figures: Figures, verbatim: Iterable[tuple[int, int]]) -> Figures:
    """*figures* without those in a quotation, which is compared word for word by itself, and without what nobody can read."""
    spans = tuple(verbatim)

    def is_ours(start: int) -> bool:
        return not any(low <= start < high for low, high in spans)

    odd = tuple(span for span in figures.odd if is_ours(span[0]))
    return Figures(
        tuple(
            q
            for q in figures.quantities
            if is_ours(q.start) and not any(low < q.end and q.start < high for low, high in odd)
        ),
        tuple(w for w in figures.whens if is_ours(w.start)),
        odd,
    )


def _check_named(sought: Sequence[Sought], statement: Statement, held: Sequence[Held]) -> Iterator[Finding]:
    """S305: a number stands in a source, and not at one of its quotes that the statement names."""
    names = {one.source.id: one.names for one in held if one.names and not is_cited_whole(one.source.id, statement)}
    for one in sought:
        if one.best is None or is_soft(one.said):
            continue
        if any(s.evidence.id not in names or _is_at_a_quote(s, names[s.evidence.id]) for s in one.sightings):
            continue
        message = f'"{one.said.words}" {not_in_the_quote(one.best.evidence.id)}'
        yield Finding("S305", one.said.start, one.said.end, message, Severity.WARNING)


def _is_at_a_quote(sighting: Sighting, names: Sequence[str]) -> bool:
    """True for a number in one of the quotes of these *names*, or in a paragraph that holds one; and for a recorded one."""
    place, evidence = sighting.place, sighting.evidence
    if place.kind not in (TEXT, QUOTE) or place.name in names:
        return True
    paragraph = " ".join(one.words for one in evidence.lines.get(place.line or 0, ()))
    return any(quote.text in paragraph for name in names if (quote := evidence.source.quotes.get(name)) is not None)


def _named(text: str, cited: Iterable[Evidence]) -> Iterator[tuple[int, int]]:
    """Where *text* names one of the *cited* publishers: the 360 of CRE 360 Signal is no figure."""
    for name in {evidence.source.publisher for evidence in cited}:
        if any(letter.isdigit() for letter in name):
            yield from (found.span() for found in re.finditer(re.escape(name), text, re.IGNORECASE))


def _spoken_of(found: tuple[Evidence, Place] | None, sought: Sequence[Sought]) -> list[tuple[Evidence, Place]]:
    """The sentence that says the same; where none clearly does, the one that has the figure."""
    if found is not None:
        return [found]
    return [
        (one.best.evidence, one.best.place) for one in sought if one.best is not None and one.best.place.kind == TEXT
    ][:1]


def _check_sources(
    text: str, sought: Sequence[Sought], cited: Sequence[Evidence], library: Library, texts: dict[str, str]
) -> Iterator[Finding]:
    def at_hand(id_: str) -> Evidence | None:
        source = library.sources.get(id_)
        return _evidence(source, library) if source else None

    yield from check_age(text, sought, cited, library.newer, at_hand)
    yield from check_copies(text, cited, texts)
    yield from check_primary(sought, cited, at_hand)


def _looked(sought: Sequence[Sought], cited: Sequence[Evidence]) -> Iterator[Looked]:
    """How it stands with each figure; one that is worked out rests on those that it is worked out from, and is not looked up."""
    away = any(evidence.is_away for evidence in cited)
    for one in sought:
        if one.best is not None:
            traced = any(sighting.place.basis is Basis.TRACED for sighting in one.sightings)
            yield Looked(one.said.words, one.said.start, Basis.TRACED if traced else Basis.RECORDED)
        elif not one.is_ours and not is_soft(one.said):
            yield Looked(one.said.words, one.said.start, Basis.UNSEEN if away else Basis.UNTRACED)


def _dated(borne: Iterable[_Borne]) -> Iterator[Looked]:
    """How it stands with the dates; one that is not found there is known from elsewhere, or `check_years` tells of it."""
    for said, _, place in borne:
        if isinstance(said, When):
            yield Looked(said.words, said.start, place.basis)


def _borne(sought: Sequence[Sought]) -> Iterator[tuple[Quantity, Evidence, Place]]:
    """Each figure with the place that is shown for it: of a stored text if one has it, then where its words are most at home."""
    for one in sought:
        if one.best is not None:
            traced = next((s for s in one.sightings if s.place.basis is Basis.TRACED), one.best)
            shown = one.best if one.best.place.basis is Basis.TRACED else traced
            yield one.said, shown.evidence, shown.place


def _passages(borne: Iterable[_Borne]) -> Iterator[Passage]:
    """Each place once, with all that it bears out."""
    together: dict[int, tuple[Evidence, Place, list[str]]] = {}
    for said, evidence, place in borne:
        together.setdefault(id(place), (evidence, place, []))[2].append(said.words)
    for evidence, place, words in together.values():
        yield place.passage(evidence.id, tuple(dict.fromkeys(words)))
