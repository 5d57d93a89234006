"""Which texts are one text, and how many origins a set of sources has."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.library.copies import COPY, are_copies, origins, sketch, sketched_likeness
from pipeline.model import Source, Tier
from tests.repository import HERE

REPORT = (
    "Northfield Grid Authority expects that data halls under contract may need between 9 and 17 percent of regional supply by "
    "2030, up from the 6 percent of its outlook of 2024. The authority names two campuses that moved their opening forward, and "
    "nineteen requests that were withdrawn during the year. It counts only those with a signed agreement and a paid deposit. "
    "No request was refused, but four were asked to bring their own supply for the first three years of operation."
)
OTHER = (
    "Eastfield's cooling tower has been given a third life. After twelve years at a paper mill and four in storage it now cools "
    "a hall of accelerators on the edge of town, where neighbours had feared for the level of the river. The operator says that "
    "it takes less water than the mill did, and the town's engineers, who measured it through one summer, agree with that."
)


def source(id_: str, *, via: str | None = None, url: str = "") -> Source:
    return Source(id_, url or f"https://{id_}.example.org/report", "Sample", Tier.SECONDARY, via=via)


# --- copies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copy",
    [
        REPORT,
        REPORT.upper(),
        REPORT.replace(" ", "\n").replace(".", " …").replace("'", "’"),
        "NORTHFIELD (Wire) — " + REPORT + " Reporting by a sample desk; editing by another.",
        REPORT.replace("nineteen", "19").replace("percent", "per cent"),
        REPORT[: len(REPORT) * 3 // 4],
        OTHER + " " + REPORT,  # taken over whole, with more around it
    ],
)
def test_a_copy_is_known_whatever_was_done_to_it(copy: str) -> None:
    assert are_copies(REPORT, copy)
    assert are_copies(copy, REPORT)


@pytest.mark.parametrize(
    "text",
    [
        OTHER,
        "",
        "Northfield Grid Authority expects more demand.",
        " ".join(reversed(REPORT.split())),
        REPORT[: len(REPORT) // 5] + OTHER,  # one sentence quoted
        (
            "By 2030, data halls may need up to 17 percent of what the region supplies, Northfield's grid authority said. In 2024 "
            "it had expected 6 percent. Four operators must bring their own supply; none was turned away. The authority counts "
            "requests only once a deposit was paid, and nineteen were withdrawn."
        ),
    ],
)
def test_another_text_is_none_though_it_tells_the_same(text: str) -> None:
    assert not are_copies(REPORT, text)


def test_short_texts_are_copies_only_when_they_are_the_same() -> None:
    assert are_copies("Nine gigawatts were needed in summer.", "Nine gigawatts were needed, in summer!")
    assert not are_copies("Nine gigawatts were needed in summer.", "Nine gigawatts were needed in summer. Why?")
    assert not are_copies("Nine gigawatts.", "Nine gigawatts.")
    assert not are_copies("", "")


def test_the_sketch_tells_the_likeness_of_long_texts_to_a_few_hundredths() -> None:
    chance = random.Random(7)
    worst = 0.0
    for part in range(11):
        words = [f"w{chance.randrange(50_000)}" for _ in range(4_000)]
        kept = 400 * part
        changed = [*words[:kept], *(f"v{chance.randrange(50_000)}" for _ in range(4_000 - kept))]
        a, b = " ".join(words), " ".join(changed)
        shared = max(0, kept - 4)
        true = shared / (2 * 3_996 - shared)
        worst = max(worst, abs(sketched_likeness(sketch(a), sketch(b)) - true))

        if abs(true - COPY) > 0.01:
            assert are_copies(a, b) is (true > COPY or shared / 3_996 >= 0.8)

    assert worst < 0.13  # three standard errors of 128 draws


def test_every_run_and_machine_sketches_alike() -> None:
    """Hashes of Python's own change with every process."""
    code = "import sys; from pipeline.library.copies import sketch; print(hash(sketch(sys.argv[1]).smallest))"
    told = {
        subprocess.run(
            [sys.executable, "-c", code, REPORT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(HERE)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert told == {f"{hash(sketch(REPORT).smallest)}\n"}


@settings(max_examples=50)
@given(st.text(), st.text())
def test_likeness_has_no_direction(a: str, b: str) -> None:
    assert are_copies(a, b) == are_copies(b, a)


# --- origins ----------------------------------------------------------------------------------------------------------


def test_three_reports_of_one_study_have_one_origin() -> None:
    sources = [source("a", via="study"), source("b", via="study"), source("c", via="b"), source("study")]

    assert origins(sources, {}) == (("a", "b", "c", "study"),)


def test_two_reports_of_a_study_that_is_not_cited_have_one_origin() -> None:
    assert origins([source("a", via="study"), source("b", via="study")], {}) == (("a", "b"),)


def test_two_copies_of_one_text_have_one_origin_and_another_text_has_its_own() -> None:
    sources = [source("a"), source("other"), source("b"), source("none")]

    assert origins(sources, {"a": REPORT, "b": "Wire: " + REPORT, "other": OTHER}) == (
        ("a", "b"),
        ("other",),
        ("none",),
    )


def test_one_page_under_two_ids_is_one_origin() -> None:
    sources = [source("a", url="https://www.example.org/a"), source("b", url="http://m.example.org/a/?utm_source=x")]

    assert origins(sources, {}) == (("a", "b"),)


def test_copies_of_reports_are_joined_across_chains() -> None:
    sources = [source("a", via="study"), source("b"), source("c"), source("d", via="c")]

    assert origins(sources, {"a": REPORT, "b": REPORT, "c": OTHER}) == (("a", "b"), ("c", "d"))


def test_a_ring_of_reports_ends() -> None:
    assert origins([source("a", via="b"), source("b", via="a"), source("c", via="c")], {}) == (("a", "b"), ("c",))


def test_groups_stand_in_the_order_of_the_sources() -> None:
    sources = [source("z"), source("m", via="a"), source("a"), source("z")]

    assert origins(sources, {}) == (("z",), ("m", "a"))
