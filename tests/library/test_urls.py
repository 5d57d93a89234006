"""When two addresses are one."""

from __future__ import annotations

import pytest

from pipeline.library.urls import canonical_url, page_key, tracking


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("https://Example.org", "https://example.org/"),
        ("https://example.org:443/a#b", "https://example.org/a"),
        ("http://example.org:8080/a", "http://example.org:8080/a"),
        ("https://example.org/a?utm_source=x&b=2&fbclid=3&a=1&UTM_Medium=y", "https://example.org/a?b=2&a=1"),
        ("https://example.org/a?utm_campaign", "https://example.org/a"),
        ("https://example.org/a?q=utm_source", "https://example.org/a?q=utm_source"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://Example.org:port/a", "https://example.org:port/a"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
    ],
)
def test_the_canonical_address_is_the_same_for_every_feed(address: str, canonical: str) -> None:
    assert canonical_url(address) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/a",
        "https://www.example.org/a/",
        "https://EXAMPLE.org:443/a?utm_source=x#b",
    ],
)
def test_addresses_of_one_page_have_one_key(address: str) -> None:
    assert page_key(address) == page_key("https://example.org/a")


@pytest.mark.parametrize(
    "address", ["https://example.org/A", "https://example.org/a?b=1", "https://news.example.org/a"]
)
def test_addresses_of_other_pages_have_other_keys(address: str) -> None:
    assert page_key(address) != page_key("https://example.org/a")


def test_parameters_that_track_readers_are_named_as_they_stand() -> None:
    assert tracking("https://example.org/?UTM_Source=x&b=utm_a&mc_cid=1&pk_kwd") == ("UTM_Source", "mc_cid", "pk_kwd")
    assert tracking("https://example.org/?source=x") == ()
