"""The line on who wrote an article, and the words of its signal strip."""

from __future__ import annotations

import pytest

from pipeline.library import authorship, weight
from pipeline.model import AiUse, Person, Role, Source, Tier
from tests.builders import an_article

PEOPLE = {
    "ann": Person("ann", "Ann Editor", Role.EDITOR),
    "bob": Person("bob", "Bob Writer", Role.WRITER),
    "model": Person("model", "A model", Role.MODEL),
}


@pytest.mark.parametrize(
    ("involvement", "reviewer", "authors", "words"),
    [
        ("drafted", "ann", ("model", "ann"), "AI-written, reviewed by Ann Editor"),
        ("drafted", None, ("model",), "AI-written"),
        ("assisted", "ann", ("bob",), "By Bob Writer, with help from AI, reviewed by Ann Editor"),
        ("none", None, ("bob", "ann"), "By Bob Writer and Ann Editor"),
        ("none", "ann", ("nobody",), "Unsigned, reviewed by Ann Editor"),
    ],
)
def test_who_wrote_it_is_said_in_one_line(
    involvement: str, reviewer: str | None, authors: tuple[str, ...], words: str
) -> None:
    article = an_article(authors=authors, ai=AiUse(involvement, "a model", reviewer))

    assert authorship(article, PEOPLE) == words


@pytest.mark.parametrize(
    ("tiers", "words"),
    [
        ((), "no sources"),
        ((Tier.PRIMARY,), "1 source, 1 primary"),
        ((Tier.PRIMARY, Tier.SECONDARY, Tier.AGGREGATOR), "3 sources, 1 primary"),
    ],
)
def test_the_weight_of_an_article_counts_its_sources(tiers: tuple[Tier, ...], words: str) -> None:
    assert weight([Source("a", "https://a.example.org/", "A publisher", tier) for tier in tiers]) == words
