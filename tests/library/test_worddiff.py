"""A difference is told in a line that an editor can read."""

from __future__ import annotations

from pipeline.library.worddiff import word_diff


def test_it_shows_what_went_and_what_came_with_a_few_words_around() -> None:
    was = "On Monday the office named 24 halls that would have to wait until the year 2030 is over."
    now = "On Monday the office named 42 halls that would have to wait until the end of 2030."

    assert word_diff(was, now) == (
        "… the office named [-24-] {+42+} halls that would …; … wait until the [-year 2030 is over.-] {+end of 2030.+}"
    )


def test_typography_and_white_space_are_no_difference() -> None:
    assert word_diff('It\'s "9\u202f%"\nof  it - all', "It’s “9 %” of it – all") == ""


def test_of_long_texts_the_first_places_are_shown() -> None:
    was = " ".join(f"w{n}" for n in range(2_000))
    now = " ".join(f"W{n}" if n % 20 == 0 else f"w{n}" for n in range(2_000))

    told = word_diff(was, now, most=100)

    assert told.startswith("[-w0-] {+W0+} w1 w2 w3 …; ")
    assert told.endswith("more places")
    assert len(told) < 250
    assert len(word_diff("", now, most=100)) < 150
