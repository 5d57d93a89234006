"""Words in quotation marks are looked up in the sources that their sentence cites."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from pipeline.model import Basis, Claim, Problem, Severity
from tests.library.newsroom import TEXT, Newsroom, front

VOSS = (
    'The outlook came out on Thursday. "We would rather not have found this number," said Maren Voss, who leads the authority.\n'
    'Halls do not need the harbour line, the council holds. Ana Example, its chair, called the plan "a bridge to an empty island".'
)
LONG = (
    "Until a line of 220 kilovolts to the harbour is built, which is planned for 2029, new halls there must reduce their load"
    " within half an hour when the operator asks them to, and must prove once a year that they can."
)


def _problems(newsroom: Newsroom, body: str) -> list[Problem]:
    path = newsroom.article(body)
    return [problem for problem in newsroom.load().problems if problem.path == path and problem.code[:2] != "S3"]


def _claim(newsroom: Newsroom, body: str) -> Claim:
    article, library = newsroom.load_article(body)
    (claim,) = library.claims(article)
    return claim


def _stored(newsroom: Newsroom, id_: str, text: str) -> str:
    """A source with a stored copy of *text*, and nothing quoted from it."""
    sha = hashlib.sha256(text.encode()).hexdigest()
    newsroom.write(f"content/sources/snapshots/{sha}.txt", text)
    shot = f"{{sha256: {sha}, text_sha256: {sha}, at: 2026-11-23T09:14:02Z, tool: trafilatura/2, bytes: 9}}"
    return newsroom.source(id_, f"redistribute: full\nsnapshot: {shot}\n")


@pytest.mark.parametrize(
    "quoted",
    [
        "“60% above our 2024 outlook”",
        '"60% above our 2024 outlook"',
        "«60 % above our 2024 outlook»",
        "„60% above our 2024 outlook“",
        "‘60% above our 2024 outlook’",
        "“60% above … 2024 outlook,”",
        "“60% *above* our 2024 outlook.”",
        "“[t]hat is 60% above our 2024 outlook”",
        "“that is 60% above our 2024 outlook”",
        "“60% above [its] 2024 outlook”",
        "“60% above our &#50;024 outlook”",
    ],
)
def test_words_that_stand_in_the_source_are_quoted(newsroom: Newsroom, quoted: str) -> None:
    _stored(newsroom, "westfield", TEXT)

    claim = _claim(newsroom, f"The authority expects {quoted} and more.[^westfield]")

    assert claim.basis is Basis.QUOTED
    (passage,) = claim.passages
    assert (passage.source, passage.kind, passage.line) == ("westfield", "text", 1)
    assert passage.words == "That is 60% above our 2024 outlook."
    assert [part in claim.text for part in passage.bears] == [True]


def test_a_quote_that_is_cited_by_name_is_the_passage(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "may need 9% to 17% of regional supply by 2030")

    claim = _claim(newsroom, "Halls “may need 9% to 17% of regional supply”.[^westfield.share]")

    assert claim.basis is Basis.QUOTED
    assert [(p.kind, p.name, p.line) for p in claim.passages] == [("quote", "share", 1)]


@pytest.mark.parametrize(
    ("quoted", "shown"),
    [
        ("“70% above our 2024 outlook”", "[-70%-] {+60%+} above our 2024 outlook"),
        ("“60% below our 2024 outlook”", "60% [-below-] {+above+} our 2024 outlook"),
        ("“60% above our 2025 outlook”", "60% above our [-2025-] {+2024+} outlook"),
        ("“0% above our 2024 outlook”", "[-0%-] {+60%+} above"),
        ("“60% above our outlook”", "60% above our {+2024+} outlook"),
        ("“Halls … above our 2024 outlook from 2020”", "outlook"),
        ("‘not 60% above our 2024 outlook’", "[-not-]"),
    ],
)
def test_s110_words_that_do_not_are_shown_beside_the_nearest(newsroom: Newsroom, quoted: str, shown: str) -> None:
    _stored(newsroom, "westfield", TEXT)

    (problem,) = _problems(newsroom, f"The authority expects {quoted} and more.[^westfield]")

    assert (problem.code, problem.severity) == ("S110", Severity.ERROR)
    assert (problem.line, problem.column) == (9, 23)
    assert shown in problem.message
    assert "westfield, line 1" in problem.message


def test_s110_words_that_only_the_page_has_are_told_from_invented_ones(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)
    page = f"<html><body><p>{TEXT}</p><ul><li>Halls must wait <b>41</b> months.</li></ul></body></html>"
    raw = newsroom.root / ".opensignal/snapshots/raw"
    raw.mkdir(parents=True)
    (raw / f"{hashlib.sha256(TEXT.encode()).hexdigest()}.gz").write_bytes(gzip.compress(page.encode()))

    (problem,) = _problems(newsroom, "It says “Halls must wait 41 months”.[^westfield]")

    assert (problem.code, problem.severity) == ("S110", Severity.ERROR)
    assert "stands on the page of westfield, but not in the text" in problem.message


def test_s110_a_page_that_is_no_page_stops_nothing(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)
    raw = newsroom.root / ".opensignal/snapshots/raw"
    raw.mkdir(parents=True)
    file = raw / f"{hashlib.sha256(TEXT.encode()).hexdigest()}.gz"

    for spoilt in (b"", b"no gzip", gzip.compress(b"<p>words")[:-9], gzip.compress(b"%PDF-1.7 \x00\xff")):
        file.write_bytes(spoilt)
        assert [p.code for p in _problems(newsroom, "It says “Halls must wait 41 months”.[^westfield]")] == ["S110"]


def test_s110_nothing_like_the_words_is_told_too(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)

    (problem,) = _problems(newsroom, "It says “the moon is made of cheese and air”.[^westfield]")

    assert problem.code == "S110"
    assert "nothing there is like these words" in problem.message


def test_s110_a_quotation_is_not_stitched_together_from_two_paragraphs(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", VOSS)

    stitched = _problems(newsroom, "She said: “We would … need the harbour line”.[^westfield]")
    whole = _problems(newsroom, "The council says: “Halls … need the harbour line”.[^westfield]")

    assert [problem.code for problem in stitched] == ["S110"]
    assert [problem.code for problem in whole] == []


def test_s110_two_sentences_that_become_one_are_told(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)

    joined = _problems(newsroom, "It says: “Halls under contract … above our 2024 outlook”.[^westfield]")
    apart = _problems(
        newsroom, "It says: “Halls under contract may need … supply by 2030. … [A]bove our 2024 outlook”.[^westfield]"
    )

    assert [(problem.code, problem.severity) for problem in joined] == [("S110", Severity.WARNING)]
    assert "two become one" in joined[0].message
    assert apart == []


def test_s111_words_of_another_source_are_misattributed_not_invented(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", VOSS)
    _stored(newsroom, "eastfield", TEXT)

    (problem,) = _problems(newsroom, "It is “60% above our 2024 outlook”.[^westfield]")

    assert (problem.code, problem.severity) == ("S111", Severity.ERROR)
    assert "not occur in westfield but in eastfield (line 1 of its text)" in problem.message


def test_any_of_the_cited_sources_may_have_the_words(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", VOSS)
    _stored(newsroom, "eastfield", TEXT)

    claim = _claim(newsroom, "It is “60% above our 2024 outlook”.[^westfield][^eastfield]")

    assert claim.basis is Basis.QUOTED
    assert [passage.source for passage in claim.passages] == ["eastfield"]


def test_s118_a_source_without_a_copy_leaves_the_words_unseen(newsroom: Newsroom) -> None:
    (problem,) = _problems(newsroom, "It is “60% above our 2024 outlook”.[^northfield-2026]")

    assert (problem.code, problem.severity) == ("S118", Severity.WARNING)
    assert "there is no stored copy of northfield-2026" in problem.message


def test_s118_a_copy_that_is_elsewhere_leaves_the_words_unseen(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook", redistribute="quote")
    (copy,) = (newsroom.root / "content/sources/snapshots").iterdir()
    copy.unlink()

    claim = _claim(newsroom, "It is “60% above our 2024 outlook”.[^westfield]")

    assert claim.basis is Basis.UNSEEN
    assert [problem.code for problem in claim.problems] == ["S118"]
    assert [(passage.kind, passage.name) for passage in claim.passages] == [("quote", "share")]


def test_what_is_wrong_in_a_draft_is_a_warning(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)
    newsroom.article("It is “70% above our 2024 outlook”.[^westfield]", front=front(status="draft"))

    assert newsroom.only_problem().code == "S110"
    assert newsroom.only_problem().severity is Severity.WARNING


@pytest.mark.parametrize(
    "body",
    [
        "It calls this “the northern hunger” <!-- not a quotation -->.[^westfield]",
        "It calls this “the northern hunger”.[^westfield]<!-- not a quotation -->",
        "It calls this ‘the northern hunger’.[^westfield]",  # three words between single marks are a term
        "In “Load outlook”, the authority tells more.[^westfield]",  # the title of the source
        "It calls this *the northern hunger*.[^westfield]",
        'The wafer is 12" wide.[^westfield]',
        "`“code”` is code.[^westfield]",
        '!!! note "The northern hunger"\n    It is so.[^westfield]',
    ],
)
def test_titles_and_terms_are_no_quotations(newsroom: Newsroom, body: str) -> None:
    _stored(newsroom, "westfield", TEXT)

    assert _problems(newsroom, body) == []


def test_one_word_that_no_source_has_is_wrong_where_it_cites(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)

    assert [p.code for p in _problems(newsroom, "The halls are a “menace” to it.[^westfield]")] == ["S110"]
    assert _problems(newsroom, "The halls are “under contract”, it says.[^westfield]") == []


def test_a_block_quote_is_a_quotation(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)

    right = _claim(newsroom, "> That is 60% above\n> our 2024 outlook.\n> — the authority[^westfield]\n")
    wrong = _claim(newsroom, "> That is 60% above our latest outlook.[^westfield]\n")

    assert right.basis is Basis.QUOTED
    assert wrong.basis is Basis.UNTRACED
    assert [problem.code for problem in wrong.problems] == ["S110"]


def test_marks_inside_a_block_quote_are_the_sources_own(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", VOSS)

    right = _claim(newsroom, "> Ana Example, its chair, called the plan “a bridge to an empty island”.[^westfield]\n")
    wrong = _claim(newsroom, "> Ana Example, its owner, called the plan “a bridge to an empty island”.[^westfield]\n")
    excused = _claim(newsroom, "> Ana Example, its owner, waits.[^westfield]\n> <!-- not a quotation -->\n")

    assert (right.basis, wrong.basis, excused.basis) == (Basis.QUOTED, Basis.UNTRACED, Basis.CITED)


def test_s118_of_two_sources_one_may_have_the_words(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)

    (problem,) = _problems(newsroom, "It is “70% above our 2024 outlook”.[^westfield][^northfield-2026]")

    assert problem.code == "S118"
    assert (
        "does not occur in westfield, and could not be looked up: there is no stored copy of northfield-2026"
        in problem.message
    )


@pytest.mark.parametrize("body", ["It is ![[westfield.share]].\n", "![[westfield.share]]\n", "> [^westfield.share]\n"])
def test_words_that_the_build_inserts_are_quoted_and_need_no_look(newsroom: Newsroom, body: str) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")

    claim = _claim(newsroom, body)

    assert claim.basis is Basis.QUOTED
    assert "60% above our 2024 outlook" in claim.text
    assert claim.problems == ()


def test_a_quotation_of_several_sentences_is_one(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)

    claim = _claim(
        newsroom, "It says: “9% to 17% of regional supply by 2030. That is 60% above our 2024 outlook.”[^westfield]"
    )

    assert claim.basis is Basis.QUOTED


def test_a_quotation_that_goes_on_in_the_next_paragraph_is_looked_up_in_both(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", TEXT)
    article, library = newsroom.load_article(
        "“Halls under contract may need 9% to 17% of regional supply by 2030.[^westfield]\n\n"
        "“That is 60% below our 2024 outlook.”[^westfield]\n"
    )

    first, second = library.claims(article)

    assert (first.basis, second.basis) == (Basis.QUOTED, Basis.UNTRACED)


# --- negations ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("The council holds that halls “need the harbour line”.[^westfield]", "not"),
        ("The council holds: “Halls … need the harbour line”.[^westfield]", "not"),
        ("She would “have found this number”.[^westfield]", "not"),
    ],
)
def test_s320_a_negation_beside_the_words_or_left_out_of_them_is_told(newsroom: Newsroom, body: str, word: str) -> None:
    _stored(newsroom, "westfield", VOSS)

    (problem,) = [p for p in _claim(newsroom, body).problems if p.code == "S320"]

    assert problem.severity is Severity.WARNING
    assert f"“{word}" in problem.message


@pytest.mark.parametrize(
    "body",
    [
        "The council holds that halls do not “need the harbour line”.[^westfield]",
        "The council holds that halls “do not need the harbour line”.[^westfield]",
        "It told of “the harbour line”.[^westfield]",
    ],
)
def test_a_negation_that_is_told_is_none(newsroom: Newsroom, body: str) -> None:
    _stored(newsroom, "westfield", VOSS)

    assert [p for p in _claim(newsroom, body).problems if p.code == "S320"] == []


# --- speakers -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "“We would rather not have found this number”, said Ana Example.[^westfield]",
        "Ana Example called the outcome a number “we would rather not have found”.[^westfield]",
        "Maren Voss, who leads the authority, spoke of “a bridge to an empty island” and Maren Voss said so.[^westfield]",
        "According to Peter Sample, the plan is “a bridge to an empty island”.[^westfield]",
        "The Lowland Institute wrote that it was “a bridge to an empty island”.[^westfield]",
    ],
)
def test_s311_words_given_to_somebody_else_are_told(newsroom: Newsroom, body: str) -> None:
    _stored(newsroom, "westfield", VOSS.replace("found this number", "found this number"))
    text = body.replace("a number “we would rather not have found”", "“We would rather not have found this number”")

    problems = [p for p in _claim(newsroom, text).problems if p.code == "S311"]

    assert [problem.severity for problem in problems] == [Severity.WARNING]
    assert "westfield (line" in problems[0].message


@pytest.mark.parametrize(
    "body",
    [
        "“We would rather not have found this number”, said Maren Voss.[^westfield]",
        "“We would rather not have found this number”, Voss said.[^westfield]",
        "The authority's director, Maren Voss, said: “We would rather not have found this number.”[^westfield]",
        "The authority said it “would rather not have found this number”.[^westfield]",
        "She called it “a bridge to an empty island”.[^westfield]",
        "The Northfield Grid Authority wrote: “a bridge to an empty island”.[^westfield]",  # the publisher
        "The chair, Ana Example, called the plan “a bridge to an empty island”.[^westfield]",
        "Halls said to “need the harbour line” do not.[^westfield]",
    ],
)
def test_words_given_to_who_says_them_are_not(newsroom: Newsroom, body: str) -> None:
    _stored(newsroom, "westfield", VOSS)

    assert [p for p in _claim(newsroom, body).problems if p.code == "S311"] == []


# --- copies ---------------------------------------------------------------------------------------------------------------------


def test_s340_a_long_run_of_words_of_a_source_is_told(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", LONG)

    (problem,) = [
        p
        for p in _claim(newsroom, f"As planned, {LONG[0].lower()}{LONG[1:]}[^westfield]\n").problems
        if p.code == "S340"
    ]

    assert problem.severity is Severity.WARNING
    assert f"{len(LONG.split()) - 1} words follow one another here as in westfield" in problem.message


def test_words_in_quotation_marks_and_short_runs_are_no_copies(newsroom: Newsroom) -> None:
    _stored(newsroom, "westfield", LONG)
    short = " ".join(LONG.split()[:25])

    quoted = _claim(newsroom, f"“{LONG}”[^westfield]\n")
    brief = _claim(newsroom, f"{short} many things.[^westfield]\n")

    assert [p for p in (*quoted.problems, *brief.problems) if p.code == "S340"] == []
