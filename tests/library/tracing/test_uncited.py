"""What must carry a citation: numbers and quotations block, the rest are hints."""

from __future__ import annotations

import pytest

from pipeline.model import Basis, Problem, Severity
from tests.library.newsroom import Newsroom, front


def _lacks(newsroom: Newsroom, body: str) -> list[Problem]:
    newsroom.article(body)
    return [problem for problem in newsroom.load().problems if problem.code.startswith("S20")]


@pytest.mark.parametrize(
    ("body", "column"),
    [
        ("The region needs 9.4 GW.", 18),
        ("It **needs** 17% of it.", 14),
        ("It grew by five percent.", 12),
        ("It cost half a billion to build.", 9),
        ("It took twenty-four million litres.", 9),
        ("It costs ₹10,372 crore.", 10),
        ("See [the 40 halls](https://example.org/2026/).", 10),
    ],
)
def test_s201_a_number_without_a_citation_is_an_error(newsroom: Newsroom, body: str, column: int) -> None:
    (problem,) = _lacks(newsroom, body)

    assert (problem.code, problem.severity, problem.column) == ("S201", Severity.ERROR, column)


@pytest.mark.parametrize(
    "body",
    [
        "On the 17th of May, in the 21st century, it fell.",
        "In the 1990s and since 2026 it rose.",
        "Article 50 and Section 4 of the Act apply, says page 12.",
        "GPT-4, the H100, Q2 and COVID-19 are names.",
        "It began at 6:30.",
        "Nine is 3 times 3. <!-- analysis -->",
        "One of them said nothing, and two left.",
    ],
)
def test_dates_names_and_references_are_no_figures(newsroom: Newsroom, body: str) -> None:
    assert [problem for problem in _lacks(newsroom, body) if problem.code == "S201"] == []


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ("It is “a bridge to an empty island”.", Severity.ERROR),
        ("It is “a bridge to an empty island”. <!-- analysis -->", Severity.ERROR),
        ("It is ‘a bridge to an empty island’.", Severity.ERROR),
        ("> It is a bridge to an empty island.", Severity.ERROR),
        ("It is “9 halls”.", Severity.ERROR),
        ("It is a “menace”.", Severity.WARNING),
    ],
)
def test_s202_a_quotation_without_a_citation(newsroom: Newsroom, body: str, severity: Severity) -> None:
    (problem,) = _lacks(newsroom, body)

    assert (problem.code, problem.severity) == ("S202", severity)


@pytest.mark.parametrize(
    "body",
    [
        "It is a “menace”. <!-- analysis -->",
        "It is “a bridge to an empty island” <!-- not a quotation -->.",
        "It is ‘the northern hunger’, no less.",
    ],
)
def test_terms_and_what_an_editor_excuses_need_none(newsroom: Newsroom, body: str) -> None:
    assert _lacks(newsroom, body) == []


def test_words_that_were_quoted_before_may_be_taken_up_in_our_own_reading(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")

    again = _lacks(
        newsroom,
        "It is “60% above our 2024 outlook”.[^westfield]\n\nWhat “above our 2024 outlook” means is open. <!-- analysis -->",
    )
    other = _lacks(
        newsroom,
        "It is “60% above our 2024 outlook”.[^westfield]\n\nWhat “above our latest outlook” means is open. <!-- analysis -->",
    )

    assert again == []
    assert [problem.code for problem in other] == ["S202"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("According to the authority, halls wait.", "S203"),
        ("Maren Voss said that halls wait.", "S203"),
        ("The Northfield Grid Authority expects little and reports less.", "S203"),
        ("The survey found that firms wait.", "S203"),
        ("It is the largest hall in the region.", "S204"),
        ("Halls drew a record demand.", "S204"),
        ("It was the first hall to close.", "S204"),
        ("For the first time, nobody waits.", "S204"),
        ("Meridian Foundry bought the hall.", "S205"),
        ("In May, Maren Voss resigned.", "S205"),
    ],
)
def test_s203_s204_s205_what_others_say_did_or_top_is_a_hint(newsroom: Newsroom, body: str, code: str) -> None:
    """S203, S204, S205."""
    (problem,) = _lacks(newsroom, body)

    assert (problem.code, problem.severity) == (code, Severity.WARNING)


@pytest.mark.parametrize(
    "body",
    [
        "Nobody said that it was easy.",
        "That said, halls wait.",
        "It is found in every report.",
        "The reports differ, and we say so.",
        "Is it the largest hall in the region?",
        "The first of them is open.",
        "At first nobody came.",
        "Firms bought what they could.",
        "We found nothing in the record.",
        "According to the authority, halls wait. <!-- analysis -->",
        "The authority says so.[^northfield-2026]",
    ],
)
def test_what_says_nothing_of_others_is_left_alone(newsroom: Newsroom, body: str) -> None:
    assert _lacks(newsroom, body) == []


@pytest.mark.parametrize(
    ("body", "place", "severity"),
    [
        ("## A head[^northfield-2026]\n\nHalls wait.\n", (9, 10), Severity.WARNING),
        ("Halls “wait for it.[^northfield-2026]\n", (9, 7), Severity.ERROR),
        ("Halls “wait for it.\n\nThey do”.[^northfield-2026]\n", (9, 7), Severity.ERROR),
    ],
)
def test_s206_what_a_citation_or_a_mark_covers_must_be_plain(
    newsroom: Newsroom, body: str, place: tuple[int, int], severity: Severity
) -> None:
    (problem,) = _lacks(newsroom, body)

    assert (problem.code, problem.severity, problem.line, problem.column) == ("S206", severity, *place)


@pytest.mark.parametrize(
    ("body", "code", "severity"),
    [
        ("## “We lied for years”\n\nText.", "S202", Severity.ERROR),
        ("## A “menace”\n\nText.", "S202", Severity.WARNING),
        ("## The wait is 42 months\n\nText.", "S201", Severity.WARNING),
        ('!!! note "It took 42 months"\n\n    Text.', "S201", Severity.ERROR),
        ('!!! quote "“We lied for years”"\n\n    Text.', "S202", Severity.ERROR),
        ("| a | 42 months |\n|---|---|\n| b | c |", "S201", Severity.ERROR),
        ("![42 months of waiting](https://example.org/a.png)", "S201", Severity.ERROR),
        ('[It](https://example.org/ "42 months") is so.', "S201", Severity.ERROR),
        ('It is <abbr title="42 months">long</abbr>.', "S201", Severity.ERROR),
        ("`The wait is 42 months`", "S201", Severity.ERROR),
    ],
)
def test_s201_s202_there_is_no_place_beside_the_sentences(
    newsroom: Newsroom, body: str, code: str, severity: Severity
) -> None:
    """S201, S202."""
    (problem,) = _lacks(newsroom, body)

    assert (problem.code, problem.severity) == (code, severity)


def test_what_a_sentence_says_may_stand_above_and_beside_it(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")

    lacks = _lacks(
        newsroom,
        "## “60% above our 2024 outlook”\n\nIt is “60% above our 2024 outlook”.[^westfield]\n\n"
        '!!! note "Of 60%"\n\n    Text.\n\n![60% in a chart](https://example.org/a.png)\n',
    )

    assert lacks == []


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("According to the authority the wait is 42 months. <!-- analysis -->", ["S201"]),
        ("Maren Voss called it a “scandal”. <!-- analysis -->", ["S202"]),
        ("The regulator says that 42 months are long. <!-- analysis -->", ["S201"]),
        ("The council's announced plans are 42 months old. <!-- analysis -->", []),
        ("It needs 9.40 GW.[^northfield-2026]\n\nThe authority says 9.40, and we doubt it. <!-- analysis -->", []),
    ],
)
def test_what_others_say_is_no_reading_of_ours(newsroom: Newsroom, body: str, codes: list[str]) -> None:
    found = _lacks(newsroom, body)

    assert [problem.code for problem in found] == codes
    assert all(problem.severity is Severity.ERROR for problem in found)


@pytest.mark.parametrize(
    "words",
    [
        "17% of <script>regional</script> supply by 2030",
        "17% of <template>regional</template> supply by 2030",
        "17% of <del>regional</del> supply by 2030",
        "17% of ~~regional~~ supply by 2030",
        "17% of {--regional--} supply by 2030",
        "17% of <!--regional--> supply by 2030",
        "17% of regional{: .hidden hidden=hidden } supply by 2030",
    ],
)
def test_the_words_that_are_looked_up_are_those_that_readers_see(newsroom: Newsroom, words: str) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    newsroom.article(f"It may need “{words}”.[^westfield]\n")

    assert any(problem.severity is Severity.ERROR for problem in newsroom.load().problems)


def test_markup_that_readers_do_not_notice_changes_no_words(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    newsroom.article("It “may *need* <b>9%</b> to 17% [of](https://example.org/) &#114;egional supply”.[^westfield]\n")

    assert newsroom.load().problems == ()


@pytest.mark.parametrize("mark", ["{++not++}", "{--not--}", "{==not==}", "{~~one~>two~~}", "{>>why<<}"])
def test_s207_marks_of_a_revision_are_named(newsroom: Newsroom, mark: str) -> None:
    (problem,) = _lacks(newsroom, f"It does {mark} rise.")

    assert (problem.code, problem.severity, problem.column) == ("S207", Severity.ERROR, 9)
    assert mark in problem.message


def test_what_is_not_finished_may_wait(newsroom: Newsroom) -> None:
    newsroom.article("It needs 9.4 GW, “a bridge to an empty island”.", front=front(status="review"))

    assert newsroom.problems() == []


def test_a_sentence_that_lacks_its_citation_is_untraced_and_any_other_without_one_our_own(newsroom: Newsroom) -> None:
    article, library = newsroom.load_article("It needs 9.4 GW.\nHalls wait.\n\nNine is 3 times 3. <!-- analysis -->\n")

    assert [claim.basis for claim in library.claims(article)] == [Basis.UNTRACED, Basis.ANALYSIS, Basis.ANALYSIS]


@pytest.mark.parametrize(
    ("changed", "found", "line"),
    [
        (front(title="The grid needs 17 halls more"), ("S201", Severity.WARNING), 2),
        (front(dek="What the grid can carry decides on 9.4 gigawatts."), ("S201", Severity.WARNING), 3),
        (front(dek="The grid is “a bridge to an empty island”."), ("S202", Severity.ERROR), 3),
    ],
)
def test_s201_s202_what_stands_above_the_text_must_stand_in_it(
    newsroom: Newsroom, changed: str, found: tuple[str, Severity], line: int
) -> None:
    """S201, S202: title and dek cite nothing."""
    newsroom.article("Halls wait.\n", front=changed)
    problem = newsroom.only_problem()

    newsroom.article(
        "It needs 17 halls, “a bridge to an empty island”, 9,400 megawatts.[^northfield-2026] <!-- analysis -->\n",
        front=changed,
    )
    repeated = [other for other in newsroom.load().problems if other.line < 8]

    assert (problem.code, problem.severity, problem.line) == (*found, line)
    assert repeated == []


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("<table><tr><td>9.4 GW</td></tr></table>", ["S201"]),
        ("<div>\nIt is “a bridge to an empty island”.\n</div>", ["S202"]),
        ("<p>She said “we lied”.</p>", ["S202"]),
        ("<blockquote>We lied about all of it.</blockquote>", ["S202"]),
        ("<figure><figcaption>It is 9.4 GW.</figcaption></figure>", ["S201"]),
        ("<div>In 2026 halls wait.</div>", []),
        ("<div>It is 9.4 GW.</div>\n<!-- analysis -->", []),
        ("<style>p { margin: 9px }</style>", []),
        ("<div markdown>\nIt needs 9.4 GW.[^northfield-2026]\n</div>", []),
        ("`<div>9.4</div>`", []),
    ],
)
def test_s201_s202_html_hides_nothing(newsroom: Newsroom, body: str, codes: list[str]) -> None:
    """S201, S202: where nobody can cite, nothing that must be cited may stand."""
    assert [problem.code for problem in _lacks(newsroom, f"Halls wait.\n\n{body}\n")] == codes


def test_s201_a_number_in_words_with_a_unit_is_one(newsroom: Newsroom) -> None:
    """S201 and S301 agree on it: what is looked up where it cites must cite."""
    article, library = newsroom.load_article(
        "It ran for sixteen weeks. It ran for three weeks. Sixteen of us saw it.\n"
    )

    told = [[problem.code for problem in claim.problems] for claim in library.claims(article)]

    assert told == [["S201"], [], []]
