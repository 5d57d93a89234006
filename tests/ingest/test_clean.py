"""One line of text, one address, one identity: what feeds write, made plain."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.clean import identity, one_line, plausible, unescaped, web_url
from pipeline.library.urls import canonical_url

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("address", "absolute"),
    [
        ("https://example.org/a", "https://example.org/a"),
        (" https://example.org/a b ", "https://example.org/a%20b"),
        ("HTTPS://Example.ORG/A?b=C#d", "https://example.org/A?b=C#d"),
        ("/news/1", "https://feeds.example.org/news/1"),
        ("../1?x=[2]", "https://feeds.example.org/1?x=[2]"),
        ("//other.example.org/x", "https://other.example.org/x"),
        ("https://bücher.example/ö", "https://xn--bcher-kva.example/%C3%B6"),
        ("https://example.org/%C3%B6", "https://example.org/%C3%B6"),
        ('https://example.org/"><script>', "https://example.org/%22%3E%3Cscript%3E"),
        ("javascript:alert(1)", None),
        ("java\x01script:alert(1)", None),
        ("https://exa\x00mple.org/", None),
        ("data:text/html,x", None),
        ("mailto:a@example.org", None),
        ("https://someone@example.org/", None),
        ("https://example.org\\@evil.test/", None),
        ("https://example.org:port/", None),
        ("https://[broken/", None),
        ("https://" + "ü" * 300 + ".org/", None),
        ("http:///x", None),
        ("https://example.org/" + "x" * 2000, None),
        ("", None),
        (None, None),
    ],
)
def test_a_web_address_is_whole_and_harmless_or_none(address: str | None, absolute: str | None) -> None:
    assert web_url(address, base="https://feeds.example.org/feed/atom.xml") == absolute


def test_without_a_base_a_relative_address_is_none() -> None:
    assert web_url("/news") is None


@given(st.text())
def test_any_text_is_an_address_or_none(text: str) -> None:
    address = web_url(text, base="https://example.org/feed")

    if address is not None:
        assert address.isascii()
        assert address.startswith(("http://", "https://"))
        assert web_url(address) == address
        canonical_url(address)


@given(st.text(st.characters(codec="utf-16", exclude_categories=())), st.integers(min_value=10, max_value=50))
def test_one_line_is_one_line_and_no_longer_than_allowed(text: str, limit: int) -> None:
    line = one_line(text, limit=limit)

    assert len(line) <= limit
    assert line == " ".join(line.split())
    assert len(line.splitlines()) <= 1
    assert one_line(line, limit=limit) == line


def test_marks_that_turn_the_reading_direction_are_taken_out() -> None:
    assert one_line("a\u202eb\u2066c\u200bd\ufeffe\u00adf", limit=100) == "abcdef"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("AT&amp;amp;T", "AT&T"),
        ("AT&T", "AT&T"),
        ("&hellip;", "…"),
        ("R&D; more", "R&D; more"),
        ("&#0;", "\ufffd"),
        ("a & b", "a & b"),
    ],
)
def test_references_are_resolved_twice_at_most(written: str, meant: str) -> None:
    assert unescaped(written) == meant


def test_identity_prefers_the_feeds_own_id_then_the_address_then_title_and_date() -> None:
    url = "https://example.org/a?utm_source=x"

    assert identity(" id-1 ", url, "t", NOW) == "id-1"
    assert identity("", url, "t", NOW) == "https://example.org/a"
    assert identity(None, None, "t", NOW) == identity(None, None, "t", NOW)
    assert identity(None, None, "t", NOW) != identity(None, None, "t", None)


def test_a_date_is_kept_in_whole_seconds() -> None:
    assert plausible(NOW.replace(microsecond=5), now=NOW) == NOW
