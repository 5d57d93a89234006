"""Addresses: one mailbox or a plain refusal, whatever is typed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import AddressError
from pipeline.mail.addresses import Address, _checked, masked, parse_address

# What an attacker would try: the pieces of mail syntax, put together at random.
PIECES = st.sampled_from(
    [
        *"aZé@.,;:<>()[]\\\"'+-_ \t\r\n\0=?!#Ω＠。ßİﬀ\u00ad\u200b\u202e\u2028",
        *("@example.org", "b@c.test", "а.test", "xn--", "\ud800", "mailto:", "%0a"),
        *("\r\nBcc: evil@example.com", "=?utf-8?q?=0D=0A?="),
    ]
)
HOSTILE = st.lists(PIECES, max_size=12).map("".join)


@pytest.mark.parametrize(
    ("typed", "email", "key"),
    [
        ("reader@example.org", "reader@example.org", "reader@example.org"),
        ("  Reader@Example.ORG ", "Reader@example.org", "reader@example.org"),
        ("first.last+news@example.org", "first.last+news@example.org", "first.last+news@example.org"),
        ("a@b.test", "a@b.test", "a@b.test"),
        ("a@news.example", "a@news.example", "a@news.example"),
        ("o'hara@example.org", "o'hara@example.org", "o'hara@example.org"),
        ("JOSÉ@exämple.test", "JOSÉ@xn--exmple-cua.test", "josé@xn--exmple-cua.test"),
        ("jose\u0301@example.org", "josé@example.org", "josé@example.org"),
        ("a@раураl.test", "a@xn--l-7sba6dbr.test", "a@xn--l-7sba6dbr.test"),  # Cyrillic: shown for what it is
    ],
)
def test_one_mailbox_has_one_canonical_form(typed: str, email: str, key: str) -> None:
    address = parse_address(typed)

    assert (address.email, address.key) == (email, key)


def test_dots_and_tags_are_not_folded() -> None:
    keys = {parse_address(text).key for text in ("ab@example.org", "a.b@example.org", "ab+news@example.org")}

    assert len(keys) == 3


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "=?utf-8?b?enF0eXBlZA0KQmNjOiB4QGV2aWwudGVzdA==?=@example.org",  # to many a reader two headers
        "reader",
        "@example.org",
        "reader@",
        "a@b",
        "a@localhost",
        "a@b.c, d@e.f",
        "a@example.org,b@example.org",
        "a@example.org;b@example.org",
        "a@b@example.org",
        "Reader <a@example.org>",
        "<a@example.org>",
        '"a b"@example.org',
        '"a\r\nb"@example.org',
        "a b@example.org",
        "a@exam ple.org",
        "a\u00a0b@example.org",
        "a@example.org\n",
        "a@example.org\r\nBcc: b@example.org",
        "a\0@example.org",
        "a@example.org\u2028",
        "a\u202e@example.org",
        "a\u200b@example.org",
        "a\ud800@example.org",
        "a\ufffd@example.org",  # noqa: PT014 -- a lone surrogate above, its replacement here
        "a..b@example.org",
        ".a@example.org",
        "a.@example.org",
        "a@-example.org",
        "a@example..org",
        "a@example.org.",
        "a@[192.0.2.1]",
        "a@192.0.2.1",
        "a＠example.org",
        "mailto:a@example.org",
        "a(comment)@example.org",
        "=?utf-8?q?a=0D=0A?=@example.org(",
        f"{'a' * 65}@example.org",
        f"{'a' * 288}@example.org",
        f"a@{'b' * 64}.org",
        f"é{'é' * 32}@example.org",
    ],
)
def test_what_is_not_one_mailbox_is_refused_in_plain_words(typed: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(typed)

    assert str(caught.value)[0].islower()
    assert "\n" not in str(caught.value)


@given(HOSTILE | st.text(max_size=300) | st.emails())
@example("a@example.org,b@example.org")
@example("İ@example.org")
@example("ﬀ@exaﬀmple.org")
@example("ẞ@straße.test")
def test_nothing_that_is_accepted_can_reach_two_people_or_another_header(typed: str) -> None:
    address = read(typed)

    if address is not None:
        for text in (address.email, address.key):
            assert text.count("@") == 1
            assert not any(c in text for c in ' \t\r\n\0,;:<>()[]\\"')
            assert all(unicodedata.category(c)[0] not in "CZ" for c in text)
        assert len(address.email.encode()) <= 254
        assert address.email.rpartition("@")[2].isascii()


@given(HOSTILE | st.emails() | st.builds(lambda a, b: f"{a}@{b}.test", st.text(min_size=1), st.text(min_size=1)))
@example("İ@example.org")
@example("a@faß.test")
@example("a@example。org")
def test_reading_an_address_again_changes_nothing(typed: str) -> None:
    address = read(typed)

    if address is not None:
        assert parse_address(address.email) == address


@given(st.emails())
def test_case_never_makes_a_second_mailbox(typed: str) -> None:
    upper, lower = read(typed.upper()), read(typed.lower())

    if upper is not None and lower is not None:
        assert upper.key == lower.key


@given(
    st.text("aZ09.!#$%&'*+/=?^_`{|}~-", max_size=70),
    st.text("aZ09.-", max_size=12).map(lambda text: text + ".test") | st.sampled_from(["example.org", "xn--a.test"]),
)
@example("a" * 64, "example.org")
@example("a" * 65, "example.org")
def test_the_short_way_for_plain_addresses_agrees_with_the_long_one(local: str, domain: str) -> None:
    try:
        long_way = "@".join(_checked(f"{local}@{domain}"))
    except AddressError:
        long_way = None

    address = read(f"{local}@{domain}")

    assert (address.email if address else None) == long_way


def read(typed: str) -> Address | None:
    try:
        return parse_address(typed)
    except AddressError:
        return None


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("reader@example.org", "r•••@e•••.org"),
        ("a@b.test", "a•••@b•••.test"),
        ("someone@mail.example.co.uk", "s•••@m•••.uk"),
    ],
)
def test_a_page_shows_an_address_masked(email: str, shown: str) -> None:
    assert masked(email) == shown
