"""Addresses of sources down to the sentence, as browsers read them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from urllib.parse import unquote

import pytest

from pipeline.library.deeplinks import address, deep_link, robust_attributes, text_directive
from pipeline.model import Snapshot, Source, SourceStatus, Tier

AT = dt.datetime(2026, 2, 26, 9, 14, tzinfo=dt.UTC)


def a_source(url: str = "https://northfield.example/outlook", **changes: object) -> Source:
    return Source(**{"id": "northfield", "url": url, "publisher": "Northfield", "tier": Tier.PRIMARY, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "directive"),
    [
        ("may need 9% to 17% of supply", "text=may%20need%209%25%20to%2017%25%20of%20supply"),
        ("long-term storage, R&D", "text=long%2Dterm%20storage%2C%20R%26D"),
        ("café in Köln", "text=caf%C3%A9%20in%20K%C3%B6ln"),
        (" ".join("abcdefghijklm"), "text=a%20b%20c%20d%20e,i%20j%20k%20l%20m"),
    ],
)
def test_what_parts_a_directive_is_encoded_and_long_passages_are_named_by_their_ends(
    words: str, directive: str
) -> None:
    assert text_directive(words) == directive


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('The authority says "60% above our 2024 outlook" of it', "text=The authority says,of it"),
        ("It's here that the queue begins", "text=here that the queue begins"),
        ("from 39-57% of supply by 2030", "text=from,of supply by 2030"),
        ("it grew - as it had - by half", "text=it grew,by half"),
        ("it grew [...] by half", "text=it grew,by half"),
        ("- '-' -", ""),
        ("", ""),
    ],
)
def test_marks_that_a_page_may_have_in_another_form_are_left_out(words: str, said: str) -> None:
    assert unquote(text_directive(words)) == said


def test_words_that_stand_twice_are_told_apart_by_what_stands_around_them() -> None:
    text = "In 2024 the peak was 9 GW by day.\nIn 2026 the peak was 9 GW by night."

    directive = text_directive("the peak was 9 GW", text=text)

    assert directive == "text=In%202024-,the%20peak%20was%209%20GW,-by%20day."


def test_words_that_stand_once_need_nothing_around_them() -> None:
    assert text_directive("by night", text="By day. Then by night.") == "text=by%20night"


def test_a_link_opens_on_the_words_of_a_page_or_on_the_page_of_a_document() -> None:
    assert deep_link(a_source(), "the peak") == "https://northfield.example/outlook#:~:text=the%20peak"
    assert deep_link(a_source("https://n.example/a#part"), "the peak") == "https://n.example/a#part:~:text=the%20peak"
    assert deep_link(a_source(), "the peak", page=4) == "https://northfield.example/outlook#page=4"
    assert deep_link(a_source(), "") == "https://northfield.example/outlook"
    assert deep_link(a_source("javascript:alert(1)"), "the peak") == "javascript:alert(1)"  # nobody links it


def test_a_link_says_where_it_led_when_it_was_read_and_where_a_copy_is() -> None:
    taken = Snapshot("0" * 64, "1" * 64, AT, "a tool 1", 100)

    assert robust_attributes(a_source(snapshot=taken, archive="https://archive.example/1")) == {
        "data-originalurl": "https://northfield.example/outlook",
        "data-versiondate": "2026-02-26",
        "data-versionurl": "https://archive.example/1",
    }
    assert robust_attributes(a_source(accessed="2026-03")) == {
        "data-originalurl": "https://northfield.example/outlook",
        "data-versiondate": "2026-03",
    }
    assert robust_attributes(a_source()) == {}  # the link itself has the address


def test_what_is_gone_is_found_in_the_copy_that_somebody_else_keeps() -> None:
    kept = a_source(archive="https://archive.example/1")

    assert address(kept) == "https://northfield.example/outlook"
    gone = replace(kept, status=SourceStatus.GONE)
    assert address(gone) == "https://archive.example/1"
    assert deep_link(gone, "the peak") == "https://archive.example/1#:~:text=the%20peak"
    assert robust_attributes(gone)["data-originalurl"] == "https://northfield.example/outlook"
    assert address(replace(gone, archive=None)) == "https://northfield.example/outlook"
