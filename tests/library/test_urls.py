"""When two addresses are one."""

from __future__ import annotations

import pytest

from pipeline.library.urls import canonical_link, canonical_url, page_key, tracking


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


@pytest.mark.parametrize(
    "address",
    [
        "https://m.example.org/news/a",
        "https://mobile.example.org/news/a/",
        "https://amp.example.org/news/a",
        "https://www2.example.org/news/a",
        "https://example.org/news/a/amp",
        "https://example.org/news/a/amp/?utm_source=x",
        "https://example.org/amp/news/a",
        "https://example.org/news/a.amp.html",
        "https://example.org/news/a?outputType=amp",
        "https://www-example-org.cdn.ampproject.org/c/s/www.example.org/news/a",
        "https://www.google.com/amp/s/www.example.org/news/a/amp",
    ],
)
def test_pages_for_phones_and_copies_in_caches_are_the_page(address: str) -> None:
    assert page_key(address) == page_key("https://example.org/news/a")


def test_a_newspaper_at_the_address_of_its_publishing_system_is_itself() -> None:
    mirror = "https://owner-eastfieldtimes-prod.web.arc-cdn.net/news/a/"

    assert page_key(mirror) == page_key("https://www.eastfieldtimes.com/news/a")


@pytest.mark.parametrize(
    "address",
    ["https://amp.example/a", "https://m.example/a", "https://example.org/champ", "https://example.org/a/amplifier"],
)
def test_names_that_only_look_so_are_kept(address: str) -> None:
    assert page_key(address).endswith(address.removeprefix("https:"))


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("https://www.example.org/a?utm_source=x#b", "https://www.example.org/a"),
        ("http://news.example.org/a", "http://news.example.org/a"),
        ("https://example.org/", None),
        ("https://example.org", None),
        ("https://example.com/a", None),
        (None, None),
        ("", None),
    ],
)
def test_an_address_that_a_page_calls_its_own_is_believed_within_its_site(
    given: str | None, canonical: str | None
) -> None:
    assert canonical_link(given, page="https://blog.example.org/b") == canonical


def test_a_front_page_may_call_itself_the_front_page() -> None:
    assert (
        canonical_link("https://example.org/", page="https://www.example.org/?utm_source=x") == "https://example.org/"
    )


def test_two_blogs_of_one_provider_have_two_owners() -> None:
    assert canonical_link("https://a.github.io/x", page="https://b.github.io/x") is None
