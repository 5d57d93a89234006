"""Which story an entry tells."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.stories import Stories, Telling, likeness, significant_words, story_key
from tests.repository import HERE

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


# --- the labelled pairs -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Labelled:
    """A telling of tests/data/pairs.txt, and the story that it tells."""

    family: int
    story: str
    telling: Telling


def families() -> dict[int, list[Labelled]]:
    found: dict[int, list[Labelled]] = {}
    for line in (HERE / "tests" / "data" / "pairs.txt").read_text("utf-8").splitlines():
        if head := re.match(r"## (\d+) ", line):
            number = int(head[1])
        elif told := re.fullmatch(r"([A-E]) (\d+) \| (.+?) \| (.+)", line):
            story, hours, title, text = told.groups()
            telling = Telling(title, text, NOW + int(hours) * HOUR)
            found.setdefault(number, []).append(Labelled(number, story, telling))
        else:
            assert not line or line.startswith("# "), line
    return found


def pairs(numbers: range) -> Iterator[tuple[Labelled, Labelled]]:
    """All pairs within these families, and of each family's first telling with that of the next."""
    known = families()
    for number in numbers:
        yield from itertools.combinations(known[number], 2)
    yield from itertools.pairwise(known[number][0] for number in numbers)


def measured(numbers: range) -> tuple[float, float, int]:
    """Precision, recall, and how many pairs they were measured on."""
    right = wrong = missed = total = 0
    for a, b in pairs(numbers):
        said, same = likeness(a.telling, b.telling) > 0, (a.family, a.story) == (b.family, b.story)
        total += 1
        right += said and same
        wrong += said and not same
        missed += same and not said
    return right / (right + wrong), right / (right + missed), total


def test_of_more_than_five_hundred_pairs_nearly_all_are_told_apart_as_a_person_did() -> None:
    precision, recall, number = measured(range(1, 31))

    assert number >= 500
    assert precision >= 0.95
    assert recall >= 0.80


def test_the_half_on_which_nothing_was_tuned_is_told_apart_hardly_less_well() -> None:
    """Measured: a precision of 0.95 and a recall of 0.79, after 0.97 and 0.91 on the half that the rules were tuned on."""
    precision, recall, number = measured(range(2, 31, 2))

    assert number >= 250
    assert precision >= 0.94
    assert recall >= 0.78


def test_cards_made_of_all_of_them_hold_what_belongs_together() -> None:
    """An entry joins a card when it is like any of its tellings, so cards find more than pairs do, and err more often."""
    stories, cards = Stories(), {}
    for number, told in enumerate(sorted(ALL, key=lambda told: (told.telling.at, told.family, told.story))):
        told_by = {"feed": f"feed-{number}", "key": f"key-{number}"}
        words = {"title": told.telling.title, "at": told.telling.at, "text": told.telling.text}
        cards[told] = stories.card_of(**told_by, **words) or f"card-{number}"
        stories.add(card=cards[told], **told_by, **words)

    joined = [
        a.family == b.family and a.story == b.story for a, b in itertools.combinations(cards, 2) if cards[a] == cards[b]
    ]
    apart = [
        a
        for a, b in itertools.combinations(cards, 2)
        if cards[a] != cards[b] and (a.family, a.story) == (b.family, b.story)
    ]

    assert sum(joined) / len(joined) >= 0.90
    assert sum(joined) / (sum(joined) + len(apart)) >= 0.90


ALL = [labelled for family in families().values() for labelled in family]


@given(st.sampled_from(ALL), st.sampled_from(ALL))
def test_likeness_has_no_direction_and_an_end(a: Labelled, b: Labelled) -> None:
    found = likeness(a.telling, b.telling)

    assert found == likeness(b.telling, a.telling)
    assert 0 <= found <= 1
    assert likeness(a.telling, a.telling) > 0.99


@given(st.text(), st.text(), st.text(), st.text())
def test_any_two_tellings_are_alike_or_not(title: str, text: str, other: str, more: str) -> None:
    assert 0 <= likeness(Telling(title, text, NOW), Telling(other, more, NOW)) <= 1


# --- which story ------------------------------------------------------------------------------------------------------


def told(*titles: str, at: dt.datetime = NOW) -> Stories:
    """Stories with one card a title, each from a feed of its own."""
    stories = Stories()
    for number, title in enumerate(titles):
        stories.add(card=f"card-{number}", feed=f"feed-{number}", key=f"key-{number}", title=title, at=at)
    return stories


def card(stories: Stories, title: str, *, key: str = "new", feed: str = "other", at: dt.datetime = NOW) -> str | None:
    return stories.card_of(feed=feed, key=key, title=title, at=at)


def test_the_same_address_is_the_same_story_whatever_the_title_and_the_age() -> None:
    stories = told("Grid operator warns of shortfall")

    assert card(stories, "Something else", key="key-0", at=NOW + dt.timedelta(days=400)) == "card-0"


@pytest.mark.parametrize(
    "title",
    [
        "Grid operator warns of winter shortfall",
        "GRID OPERATOR WARNS OF A WINTER SHORTFALL, says report",
        "Winter shortfall: the grid operator warns",
        "“Grid operator’s” winter shortfall warns",
    ],
)
def test_titles_that_share_half_of_their_words_tell_the_same_story(title: str) -> None:
    assert card(told("Grid operator warns of winter shortfall"), title) == "card-0"


@pytest.mark.parametrize(
    "title",
    ["Grid operator names new chief", "Chip maker warns of winter losses", "Winter", "Grid operator", "", "of the and"],
)
def test_titles_that_share_less_do_not(title: str) -> None:
    assert card(told("Grid operator warns of winter shortfall"), title) is None


def test_numbers_tell_titles_apart() -> None:
    assert card(told("Load outlook 2025: 9.4 GW"), "Load outlook 2026: 11.1 GW") is None


def test_three_words_must_be_shared_at_least() -> None:
    assert card(told("Weekly review"), "Weekly review") is None


@pytest.mark.parametrize(("hours", "same"), [(72, True), (73, False), (-72, True), (-73, False)])
def test_titles_count_for_seventy_two_hours(hours: int, same: bool) -> None:
    found = card(told("Grid operator warns of shortfall"), "Grid operator warns of shortfall", at=NOW + hours * HOUR)

    assert (found == "card-0") is same


def test_one_feed_tells_two_stories_even_under_one_title() -> None:
    stories = told("Morning briefing on grid and chips")

    assert card(stories, "Morning briefing on grid and chips", feed="feed-0") is None
    stories.add(card="card-0", feed="feed-9", key="k", title="Whatever", at=NOW)
    assert card(stories, "Morning briefing on grid and chips", feed="feed-9") is None


def test_the_likest_story_wins_and_of_equals_the_first() -> None:
    stories = told(
        "Grid operator warns of shortfall today", "Grid operator warns of shortfall", "Grid operator warns of shortfall"
    )

    assert card(stories, "Grid operator warns of shortfall") == "card-1"


def test_a_story_key_is_the_canonical_address_or_title_and_date() -> None:
    assert story_key("https://X.org/a?utm_source=b#c", "t", NOW) == story_key("https://x.org/a", "other", None)
    assert story_key(None, "t", NOW) == story_key(None, "t", NOW) != story_key(None, "t", None)


def test_words_are_compared_without_case_accents_and_small_words() -> None:
    assert significant_words("The Élan of AI’s build-out") == {"elan", "ai", "build"}


def test_decimal_numbers_stay_whole() -> None:
    assert significant_words("9.4 GW") == {"9.4", "gw"}


# --- with what they say -------------------------------------------------------------------------------------------------

TEXT = "The authority expects that halls under contract may need 9% to 17% of regional supply by 2030, 60% above its last outlook."


def test_a_copy_under_another_title_tells_the_same_story() -> None:
    stories = Stories()
    stories.add(card="card-0", feed="a", key="k", title="Load outlook", at=NOW, text=TEXT)

    assert stories.card_of(feed="b", key="l", title="Who will feed them?", at=NOW, text=f"{TEXT} (Wire)") == "card-0"
    assert stories.card_of(feed="b", key="l", title="Who will feed them?", at=NOW, text="") is None


def test_what_was_remembered_without_its_words_is_known_by_its_title() -> None:
    stories = told("Grid operator warns of winter shortfall")

    assert (
        stories.card_of(feed="b", key="l", title="Winter shortfall: the grid operator warns", at=NOW, text=TEXT)
        == "card-0"
    )


def test_a_page_for_phones_is_the_page() -> None:
    assert story_key("https://m.example.org/a/amp?utm_source=x", "t", None) == story_key(
        "http://www.example.org/a", "u", NOW
    )
