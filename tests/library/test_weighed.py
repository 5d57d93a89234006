"""What is made of texts is held by its length: a library of long texts must not fill the memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pipeline.library import copies
from pipeline.library.quotes import text as quotes_text
from pipeline.library.quotes import text_of
from pipeline.library.tracing import evidence
from pipeline.library.weighed import Weighed, rest
from pipeline.model import Source, Tier


def test_long_texts_push_out_what_nobody_asked_for() -> None:
    held: Weighed[str, str] = Weighed(10)
    made: list[str] = []

    def get(key: str) -> str:
        return held.get(key, lambda: made.append(key) or key.upper(), characters=len(key))

    assert [
        get(key) for key in ("aaaa", "bbbb", "aaaa", "cccc", "aaaa", "bbbb")
    ] == "AAAA BBBB AAAA CCCC AAAA BBBB".split()
    assert made == ["aaaa", "bbbb", "cccc", "bbbb"]
    assert held.weight == 8


def test_a_text_that_is_longer_than_all_may_be_is_still_made_once() -> None:
    held: Weighed[str, int] = Weighed(10)
    made: list[int] = []

    for _ in range(3):
        held.get("long", lambda: made.append(1) or 1, characters=99)

    assert made == [1]


def test_at_rest_less_is_held_and_what_was_asked_for_last_stays() -> None:
    held: Weighed[str, str] = Weighed(20, resting=8)
    for key in ("aaaa", "bbbb", "cccc", "dddd", "aaaa"):
        held.get(key, key.upper, characters=len(key))
    assert held.weight == 16

    rest()

    assert held.weight == 8
    assert [held.get(key, lambda: "made again", characters=4) for key in ("dddd", "aaaa", "bbbb")] == [
        *("DDDD", "AAAA"),
        "made again",
    ]


def test_a_value_may_tell_its_own_length() -> None:
    held: Weighed[str, str] = Weighed(10)

    for key in ("a", "b", "c"):
        held.get(key, lambda: "four", characters=len)

    assert held.weight == 8


def test_several_may_ask_at_once() -> None:
    held: Weighed[int, int] = Weighed(50)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: held.get(n % 20, lambda: n % 20, characters=5), range(2_000)))

    assert found == [n % 20 for n in range(2_000)]
    assert held.weight <= 50


def test_texts_and_what_is_read_of_sources_are_held_up_to_a_number_of_characters() -> None:
    source = Source("x", "https://x.example/", "X", Tier.PRIMARY)
    for number in range(12):
        long = f"{number} " + "word " * 100_000
        assert text_of(long) is text_of(long)
        assert evidence.evidence_of(source, long) is evidence.evidence_of(source, long)

    assert copies.sketch(long) is copies.sketch(long)
    assert quotes_text._made.weight <= quotes_text.MOST_HELD
    assert evidence._made.weight <= evidence.MOST_HELD
