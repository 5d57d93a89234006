"""Figures and words of sentences against sources that nobody published: what must be caught, and what must be left alone."""

from __future__ import annotations

import re

import pytest

from pipeline.model import Severity
from tests.library.tracing.corpus import Invented, findings, read
from tests.repository import HERE


def test_true_sentences_raise_next_to_nothing() -> None:
    """S301 to S322: at most 2 of 100 true sentences about a source raise anything."""
    sources = read()
    wrong = [
        (sentence, [finding.message for finding in found])
        for invented in sources.values()
        for passage, sentence in invented.true
        if (found := findings(passage, sentence, invented))
    ]
    count = sum(len(invented.true) for invented in sources.values())

    assert sum(len(invented.passages) for invented in sources.values()) >= 60
    assert count >= 150
    assert len(wrong) <= 0.02 * count, wrong


def test_distortions_that_the_rules_were_made_with_are_caught() -> None:
    """S301 to S322: the first half of the distortions."""
    sources = read()
    missed = [
        (kind, sentence)
        for invented in sources.values()
        for passage, kind, sentence in invented.distorted
        if not findings(passage, sentence, invented)
    ]
    count = sum(len(invented.distorted) for invented in sources.values())

    assert count >= 60
    assert len(missed) <= 0.1 * count, missed


@pytest.mark.parametrize("name", ["second-half.txt", "last-third.txt", "afterwards.txt"])
def test_of_distortions_written_when_the_rules_were_done_four_in_five_are_caught(name: str) -> None:
    """S301 to S322: what nobody looked at while the rules were made, and true sentences about the same sources."""
    sources = read(name)
    distorted = [(invented, *item) for invented in sources.values() for item in invented.distorted]
    true = [(invented, *item) for invented in sources.values() for item in invented.true]
    missed = [(kind, text) for invented, passage, kind, text in distorted if not findings(passage, text, invented)]
    alarms = [text for invented, passage, text in true if findings(passage, text, invented)]

    assert len(distorted) >= 40
    assert len(missed) <= 0.2 * len(distorted), missed
    assert len(alarms) <= 0.05 * len(true), alarms


@pytest.mark.parametrize(
    ("code", "severity", "source", "passage", "sentence", "told"),
    [
        ("S301", "error", "northgrid", "queue", "Requests reached 236 GW in November 2025.", "[-236 GW-] {+226 GW+}"),
        ("S302", "error", "northgrid", "line", "The line to Harrow is to cost 1.6 billion euros.", '"$1.6 billion"'),
        ("S302", "error", "energyagency", "emissions", "They are put at 180 million tonnes a day.", '"180 million tonnes a year"'),
        ("S303", "error", "ledger", "revenue", "The gross margin of Tessel widened by 3.2 percent.", "two things"),
        ("S303", "error", "statistics", "use", "The share rose by 7 percent, from 11% to 18%.", "7 percentage points"),
        ("S304", "warning", "energyagency", "gas", "A buyer now waits seven years for a machine.", "one end of a range"),
        ("S305", "warning", "energyagency", "world", "Data centres consumed around 945 TWh in 2024.", '"415 TWh"'),
        ("S306", "warning", "ledger", "revenue", "It grew from 8.9 to 11.3 billion dollars, a rise of 47 percent.", "27 percent"),
        ("S306", "warning", "field", "bees", "The trial lasted 24 months, from April 2023 to September 2024.", "17 months"),
        ("S307", "error", "northgrid", "peak", "Demand peaked at 78.1 GW on 14 January 2023.", '"14 January 2025"'),
        ("S310", "warning", "markets", "outlook", "The analyst Lena Castellan sees a peak in 2027.", "Castellan"),
        ("S320", "warning", "policy", "tariff", "Chips for research are not exempt.", '"not"'),
        ("S321", "warning", "northgrid", "storage", "A further 5.1 GW will enter service by the end of 2027.", '"could"'),
        ("S321", "warning", "chips", "grants", "The state gives the project $5 billion in loans.", '"up to"'),
        ("S322", "warning", "harbour", "drought", "The company cut deliveries to industry to 15% for 23 days.", '"by 15%"'),
        ("S322", "warning", "survey", "productivity", "The gains were larger in manufacturing than in finance.", "turned round"),
    ],
)  # fmt: skip
def test_each_kind_has_its_code(code: str, severity: str, source: str, passage: str, sentence: str, told: str) -> None:
    """S301, S302, S303, S304, S305, S306, S307, S310, S320, S321, S322: one distortion each, with what is told of it."""
    found = {finding.code: finding for finding in findings(passage, sentence, read()[source])}

    assert code in found, found
    assert found[code].severity is Severity(severity)
    assert told in found[code].message


# --- what the handbook says -------------------------------------------------------------------------------------------------------


def _table(head: str) -> list[list[str]]:
    page = (HERE / "content/pages/handbook/editors.md").read_text("utf-8")
    rows = page.partition(head)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_what_the_handbook_shows_to_be_told_is_told() -> None:
    examples = _table("| the source has | and this is told | as |")

    assert len(examples) >= 10
    for source, sentence, code in examples:
        invented = Invented(
            "example", "Office", "2026-01-10", {"one": f"{source.strip('`')} Others said nothing of it."}
        )
        told = [finding.code for finding in findings("one", sentence.strip("`"), invented)]
        true = findings("one", source.strip("`"), invented)

        assert code in told, (sentence, told)
        assert true == (), source


def test_what_the_handbook_allows_is_borne_out() -> None:
    rows = _table("| the source has | you may write |")

    assert len(rows) >= 5
    for given, allowed in rows[:-1]:
        source = re.findall("`([^`]+)`", given)[0]
        invented = Invented(
            "example", "Office", "2026-01-10", {"one": f"The office has put the amount at {source} this time."}
        )
        for words in re.findall("`([^`]+)`", allowed.partition(";")[0]):
            assert findings("one", f"The office puts the amount at {words}.", invented) == (), (source, words)
