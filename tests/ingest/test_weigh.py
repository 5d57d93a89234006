"""Which story an editor sees first, and what the list says about why."""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import replace

import pytest

from pipeline.ingest.inbox import Card, CardEntry, read, render
from pipeline.ingest.weigh import Story, StoryList, about, cited_addresses, weigh
from pipeline.model import Article, Citation, Source, Status, Tier

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def telling(publisher: str, *, tier: str = "secondary", at: dt.datetime | None = NOW, copy: bool = False) -> CardEntry:
    name = publisher.lower()
    return CardEntry(name, publisher, tier, f"https://{name}.example.org/story", f"{publisher} tells", at, copy)


def card(*entries: CardEntry, name: str = "2026-11-23-story-00000000.md", topics: tuple[str, ...] = ("power",)) -> Card:
    return Card(name, "A story", NOW, NOW, topics, entries)


def order(*cards: Card) -> list[str]:
    return [story.card.name for story in weigh(cards, now=NOW)]


def only(one: Card, **more: object) -> Story:
    (story,) = weigh([one], now=NOW, **more)  # type: ignore[arg-type]
    return story


def test_more_independent_voices_weigh_more() -> None:
    one, two = card(telling("North"), name="a.md"), card(telling("North"), telling("East"), name="b.md")

    assert order(one, two) == ["b.md", "a.md"]


def test_two_publishers_with_one_text_are_one_voice() -> None:
    syndicated = card(telling("North"), telling("East", copy=True), telling("West", copy=True))

    assert only(syndicated).voices == 1
    assert "1 independent, 2 with the same text" in only(syndicated).why


def test_nearer_sources_weigh_more() -> None:
    names = [card(telling("North", tier=tier), name=f"{tier}.md") for tier in ("aggregator", "secondary", "primary")]

    assert order(*names) == ["primary.md", "secondary.md", "aggregator.md"]


def test_what_was_told_two_days_ago_weighs_half() -> None:
    old, new = card(telling("North", at=NOW - 48 * HOUR), name="a.md"), card(telling("North"), name="b.md")

    assert order(old, new) == ["b.md", "a.md"]
    assert only(old).weight == pytest.approx(only(new).weight / 2)


def test_news_of_an_old_story_makes_it_fresh() -> None:
    assert only(card(telling("North", at=NOW - 90 * HOUR), telling("East", at=NOW - HOUR))).age == HOUR


def test_a_date_ahead_is_no_fresher_than_now() -> None:
    assert only(card(telling("North", at=NOW + 30 * HOUR))).age == dt.timedelta(0)


def test_a_story_without_a_date_is_as_old_as_its_card() -> None:
    assert only(replace(card(telling("North", at=None)), first_seen=NOW - 5 * HOUR)).age == 5 * HOUR


def test_an_editors_number_counts_instead_of_the_voices() -> None:
    text = render(card(telling("North"))).replace("weight: 1", "weight: 9")

    story = only(read(text, "a.md"))

    assert (story.voices, story.set_by_hand) == (9, True)
    assert story.why.startswith("weight 9 set by hand")


def test_the_list_says_why() -> None:
    story = only(card(telling("North", tier="primary"), telling("East", at=NOW - 3 * HOUR)))

    assert story.why == "2 independent, primary source, 0 hours old: North, East"


def test_a_story_that_an_article_rests_on_already_says_so() -> None:
    article = Article(
        slug="grid", title="x", dek="x", date=NOW, status=Status.DRAFT, authors=(), topics=(), body="", path="x.md",
        citations=(Citation("north-2026", None, 1, 1), Citation("gone", None, 1, 1)),
    )  # fmt: skip
    source = Source("north-2026", "https://www.north.example.org/story/?utm_source=x", "North", Tier.PRIMARY)
    cited = cited_addresses([article], {"north-2026": source})

    story = only(card(telling("North")), cited=cited)

    assert story.cited_in == ("grid",)
    assert "cited already in grid" in story.why


def test_the_same_cards_are_listed_in_the_same_order() -> None:
    cards = [card(telling("North"), name=f"{n}.md") for n in range(20)]
    shuffled = random.Random(5).sample(cards, len(cards))

    assert order(*cards) == order(*shuffled) == sorted(f"{n}.md" for n in range(20))


def test_stories_can_be_chosen_by_topic() -> None:
    cards = [card(telling("North"), name="a.md"), card(telling("North"), name="b.md", topics=("chips", "money"))]

    assert [one.name for one in about(cards, ["money", "policy"])] == ["b.md"]
    assert about(cards, []) == cards


def test_the_list_is_the_same_for_programs() -> None:
    stories = weigh([card(telling("North"), telling("East", copy=True))], now=NOW)

    told = json.loads(json.dumps(StoryList(stories, 1).as_dict()))

    assert told["stories"][0]["voices"] == 1
    assert [entry["copy"] for entry in told["stories"][0]["entries"]] == [False, True]


def test_a_tier_that_an_editor_mistyped_weighs_like_most() -> None:
    assert only(card(telling("North", tier="primry"))).tier is Tier.SECONDARY
