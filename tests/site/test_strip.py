"""The signal strip: its bars, and what is said of it."""

from __future__ import annotations

from pipeline.model import Source, Tier
from pipeline.site.strip import Strip


def test_a_strip_draws_primary_sources_solid_and_the_others_hollow() -> None:
    strip = Strip((a_source(Tier.PRIMARY), a_source(Tier.SECONDARY)))

    assert strip.bars == (True, False)
    assert strip.words == "2 sources, 1 primary"
    assert strip.width == 19
    assert (strip.solid, strip.hollow) == ("M0 0h7v26h-7z", "M12.75 9.75h5.5v15.5h-5.5z")


def test_a_bar_begins_as_far_from_the_one_before_it_as_their_places_are_apart() -> None:
    first, second = Tier.PRIMARY, Tier.SECONDARY
    strip = Strip(tuple(map(a_source, (second, first, second, second, first))))

    assert strip.solid == "M12 0h7v26h-7zm36 0h7v26h-7z"
    assert strip.hollow == "M0.75 9.75h5.5v15.5h-5.5zm24 0h5.5v15.5h-5.5zm12 0h5.5v15.5h-5.5z"


def test_what_is_said_of_an_article_without_sources_is_not_said_of_one_that_has_some() -> None:
    assert Strip((), without="first published elsewhere").words == "first published elsewhere"
    assert Strip((a_source(Tier.PRIMARY),), without="first published elsewhere").words == "1 source, 1 primary"
    assert Strip(()).words == "no sources"


def a_source(tier: Tier) -> Source:
    return Source("a", "https://a.example.org/", "A publisher", tier)
