"""Sentences that are nearly what a source says: each differs by one thing, and none of them passes."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from pipeline.library.tracing.evidence import evidence_of
from pipeline.library.tracing.figures import look_up
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.judge import examine
from pipeline.library.tracing.numbers import find
from pipeline.library.tracing.swaps import check_swaps
from pipeline.model import Severity, Source, Tier
from tests.library.newsroom import Newsroom

PATIENCE = 30.0  # seconds of the processor; it takes a few on an idle machine

OUTLOOK = """\
Load outlook 2026
The authority expects a summer peak of 9.4 gigawatts in 2026, of which data centres account for 1.1 gigawatts.
Halls under contract may need 9% to 17% of regional supply by 2030, depending on how many of them are built.
Requests for connection stood at 246 on 31 December 2025, and at 88 two years before.
The average request waits 41 months for its connection. In 2022 it waited 19.
Of 640 firms that were asked, 212 had postponed an investment.
Data centres used 415 GWh in 2024; the bill came to $5.48 billion.
Two lines were at their limit for 310 hours in 2025, against 120 hours in 2024.
"""
TABLE = """\
Sales of the year
In millions of euros
Segment North South
Sales 1,204 846 1,117
"""


def told(sentence: str, text: str = OUTLOOK) -> list[Finding]:
    source = Source("outlook", "https://example.org/outlook", "Northfield Authority", Tier.PRIMARY, issued="2026-02-26")
    return list(examine(sentence, (evidence_of(source, text),), written=2026))


def errors(sentence: str, text: str = OUTLOOK) -> set[str]:
    return {finding.code for finding in told(sentence, text) if finding.severity is Severity.ERROR}


@pytest.mark.parametrize(
    "sentence",
    [
        "Requests stood at 246 thousand.",
        "There were 246 million requests.",
        "Requests stood at 246k.",
        "Of 640 million firms, some had postponed an investment.",
        "Of 640 thousand firms, 212 thousand had postponed an investment.",
        "There were 88 billion requests at the end of 2023.",
    ],
)
def test_s302_a_bare_number_has_no_scale_that_the_source_does_not_name(sentence: str) -> None:
    assert errors(sentence) & {"S301", "S302"}


@pytest.mark.parametrize(
    "sentence",
    ["The line cost €246.", "It is worth €246 thousand.", "It took 246 gigawatts.", "The requests came to 88 dollars."],
)
def test_s302_a_bare_number_has_no_unit_that_the_source_does_not_name(sentence: str) -> None:
    assert errors(sentence) & {"S301", "S302"}


@pytest.mark.parametrize(
    "sentence", ["Sales in the north were €846 million.", "In the south sales came to 1.117 billion euros."]
)
def test_s302_the_head_of_a_table_lends_its_unit_and_its_scale(sentence: str) -> None:
    assert errors(sentence, TABLE) == set()


def test_s302_the_sentence_before_lends_its_unit() -> None:
    assert errors("In 2022 a request waited 19 months.") == set()
    assert errors("In 2022 a request waited 19 megawatts.")


@pytest.mark.parametrize(
    "sentence",
    [
        "Requests stood at two hundred and forty-seven.",
        "Requests stood at two hundred forty-seven.",
        "Requests stood at two-hundred-forty-seven.",
        "Requests numbered two hundred.",
        "There were one hundred requests.",
        "There were three hundred requests.",
    ],
)
def test_s301_numbers_in_words_are_looked_up_to_their_last_word(sentence: str) -> None:
    assert "S301" in errors(sentence)
    assert errors("Requests stood at two hundred and forty-six.") == set()


@pytest.mark.parametrize(
    "sentence", ["The wait is -41 months.", "Minus 41 months is the wait.", "The peak is −9.4 gigawatts in 2026."]
)
def test_s301_a_minus_that_the_source_has_not(sentence: str) -> None:
    assert "S301" in errors(sentence)


def test_s301_a_minus_for_a_fall_is_none() -> None:
    text = "Sales fell by 4.2 percent. Growth in the south was -3.1 percent."

    assert errors("Growth was -4.2 percent.", text) == set()
    assert errors("Growth in the south was −3.1 percent.", text) == set()


@pytest.mark.parametrize(
    "sentence",
    [
        "Of 640 firms, 210 had postponed an investment.",
        "Of 640 firms, 213 had postponed an investment.",
        "Of 640 firms, 215 had postponed an investment.",
        "Of 640 firms, 200 had postponed an investment.",
        "Data centres used 410 GWh in 2024.",
        "Data centres used 420 GWh in 2024.",
        "The bill came to $5.4 billion.",
    ],
)
def test_s301_a_number_agrees_as_it_is_written(sentence: str) -> None:
    assert "S301" in errors(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Of 640 firms, about 210 had postponed an investment.",
        "Of 640 firms, some 200 had postponed an investment.",
        "Data centres used nearly 420 GWh in 2024.",
        "Data centres used 0.415 TWh in 2024.",
        "The bill came to $5.5 billion.",
        "The bill came to more than $5 billion.",
    ],
)
def test_s301_a_rounded_number_says_so_or_has_fewer_places(sentence: str) -> None:
    assert errors(sentence) == set()


# --- signs ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence",
    [
        "The wait is ⁴² months.",
        "The wait is ㊷ months.",
        "The wait is 41e3 months.",
        "The wait is 4.1e1 months.",
        "The wait is 0x2A months.",
        "The wait is 41^5^ months.",
        "The peak is 9.4 kGW in 2026.",
        "The peak is ⁹.⁵ gigawatts in 2026.",
        "The peak is 9.4² gigawatts in 2026.",
    ],
)
def test_s301_a_number_in_signs_that_nobody_reads_is_to_be_written_in_digits(sentence: str) -> None:
    (finding,) = (found for found in told(sentence) if found.code == "S301")

    assert finding.severity is Severity.ERROR
    assert finding.message.endswith("; write it in plain digits")


def test_a_raised_sign_of_a_unit_or_a_footnote_is_no_number() -> None:
    text = "A hall takes 500 m² of land."

    assert told("A hall takes 500 m² of land.¹²", text) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "The wait is 41½ months.",
        "The wait is 41⅞ months.",
        "The wait is ½ of a month.",
        "The 42nd month is the average.",
    ],
)
def test_s301_fractions_of_one_sign_and_counted_months_are_read(sentence: str) -> None:
    assert "S301" in errors(sentence)


def test_fractions_of_one_sign_are_read_in_both_texts() -> None:
    assert errors("The wait is 3.5 years.", "The average request waits 3½ years.") == set()
    assert errors("The wait is 3½ years.", "The average request waits 3.5 years.") == set()


@pytest.mark.parametrize(
    "sentence",
    ["The outlook came out on 02/27/2026.", "It came out on 27.02.2026.", "The wait has grown since the nineties."],
)
def test_s307_days_in_digits_and_named_decades_are_looked_up(sentence: str) -> None:
    text = "The outlook came out on 26 February 2026."

    assert "S307" in errors(sentence, text)
    assert errors("The outlook came out on 02/26/2026.", text) == set()
    assert errors("The outlook came out on 26.02.2026.", text) == set()


# --- messages and limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "code", "end"),
    [
        ("The wait is 42 months.", "S301", "if you worked it out, mark the paragraph <!-- analysis -->"),
        ("The wait is 41 megawatts.", "S302", "; mend the unit, or cite where it stands"),
        ("The wait is 41 months a year.", "S302", "; take the rate of the source"),
        ("In 2021 a request waited 19 months.", "S307", "; mend it, or cite what names it"),
    ],
)  # fmt: skip
def test_s301_s302_s307_messages_end_with_what_to_do(sentence: str, code: str, end: str) -> None:
    (finding,) = (found for found in told(sentence) if found.code == code)

    assert finding.message.endswith(end)


def test_s301_a_sentence_of_thousands_of_figures_is_refused_in_time(tmp_path: Path) -> None:
    """One sentence of 130 kB: each rule compares each figure with each."""
    newsroom = Newsroom(tmp_path)
    many = ", ".join(f"{1000 + 7 * at} months" for at in range(10_000))
    began = time.process_time()

    article, library = newsroom.load_article(f"The waits are {many}.[^northfield-2026]")
    (claim,) = library.claims(article)

    assert time.process_time() - began < PATIENCE
    assert [problem.code for problem in claim.problems] == ["S301"]
    assert "split it" in claim.problems[0].message


# --- quotes by name ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("The wait is 41 months.[^outlook.share]", ["S305"]),
        ("Halls may need 9% to 17% of supply.[^outlook.share]", []),
        ("The wait is 41 months.[^outlook.wait]", []),
        ("The wait is 41 months.[^outlook.share][^outlook]", []),
        ("The authority says that halls “may need 9% to 17% of regional supply”.[^outlook.wait]", ["S110"]),
        ("The authority says that halls “may need 9% to 17% of regional supply”.[^outlook.share]", []),
        ("The authority says “Halls under contract may need 9% to 17% of regional supply”.[^outlook.share]", []),
    ],
)
def test_s305_s110_what_the_named_quote_does_not_hold_is_told(tmp_path: Path, body: str, codes: list[str]) -> None:
    """The source has it, elsewhere than in the quote that is cited by name: a hint."""
    newsroom = Newsroom(tmp_path)
    sha = hashlib.sha256(OUTLOOK.encode()).hexdigest()
    newsroom.write(f"content/sources/snapshots/{sha}.txt", OUTLOOK)
    newsroom.write(
        "content/sources/outlook.yml",
        "id: outlook\nurl: https://outlook.example.org/page\npublisher: Northfield Authority\ntitle: Load outlook\n"
        "issued: 2026-02-26\ntier: primary\nredistribute: full\n"
        f"snapshot: {{sha256: {sha}, text_sha256: {sha}, at: 2026-11-23T09:14:02Z, tool: plain, bytes: 9}}\n"
        'quotes:\n  share: {text: "may need 9% to 17% of regional supply"}\n  wait: {text: "waits 41 months"}\n',
    )

    article, library = newsroom.load_article(body)
    (claim,) = library.claims(article)

    told = [problem for problem in claim.problems if problem.code in ("S110", "S305")]
    assert [problem.code for problem in told] == codes
    assert all(problem.severity is Severity.WARNING for problem in told)
    assert all("not in the quote that you name" in problem.message for problem in told)


@pytest.mark.parametrize(
    "sentence", ["Halls may need 9% of regional supply by 2030.", "Halls may need 17% of regional supply by 2030."]
)
def test_s304_may_is_no_word_for_one_end_of_a_range(sentence: str) -> None:
    assert "S304" in {finding.code for finding in told(sentence)}
    assert told("Halls may need up to 17% of regional supply by 2030.") == []


# --- swapped ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "true"),
    [
        (
            "Of 212 firms that were asked, 640 had postponed an investment.",
            "Of 640 firms that were asked, 212 had postponed one.",
        ),
        ("640 of 212 firms had postponed an investment.", "212 of 640 firms had postponed an investment."),
        (
            "Two lines were at their limit for 310 hours in 2024, against 120 hours in 2025.",
            "Two lines were at their limit for 120 hours in 2024, against 310 hours in 2025.",
        ),
    ],
)
def test_s305_figures_that_changed_places_are_told(sentence: str, true: str) -> None:
    assert [finding.code for finding in told(sentence)] == ["S305"]
    assert told(true) == []


def test_s305_cells_of_a_row_that_changed_places_are_told() -> None:
    text = "Data centres used 415 TWh in 2024 and will use 945 TWh in 2030."
    source = Source("outlook", "https://example.org/outlook", "Northfield Authority", Tier.PRIMARY)

    def codes(row: str, *cells: str) -> list[str]:
        columns = [*zip(("", "2024", "2030"), cells, strict=True)]
        sought = look_up(row, find(row), (evidence_of(source, text),))
        return [finding.code for finding in check_swaps(sought, row, find(row), columns)]

    assert codes("Use | 945 | 415", "Use", "945", "415") == ["S305"]
    assert codes("Use | 415 | 945", "Use", "415", "945") == []


@pytest.mark.parametrize(
    "sentence", ["Requests stood at more than 246 on 31 December 2025.", "Fewer than 246 requests were known."]
)
def test_s322_more_or_less_than_the_very_number_is_told(sentence: str) -> None:
    assert "S322" in {finding.code for finding in told(sentence)}
