"""Signed addresses of ours: nobody else can make one, and mail systems may fold their case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import TokenError
from pipeline.keys import Key, KeyRing
from pipeline.mail import verp
from pipeline.mail.tokens import new_ref
from pipeline.mail.verp import About, Kind

KEY = bytes(range(32))
ABOUT = st.builds(
    About,
    st.sampled_from([Kind.LETTER, Kind.NOTICE]),
    st.binary(min_size=16, max_size=16).map(bytes.hex),
    st.integers(1, 2**63),
)


@given(about=ABOUT)
def test_m22_an_envelope_sender_names_its_letter_in_64_octets_whatever_the_case(about: About) -> None:
    local = verp.local_part(KEY, about)

    assert len(local) <= 64
    assert local == local.lower()
    assert verp.read(KEY, local.upper()) == about


def test_m20_the_address_that_unsubscribes_names_the_subscriber() -> None:
    about = About(Kind.LEAVE, new_ref())

    assert verp.read(KEY, verp.local_part(KEY, about)) == about
    assert len(verp.local_part(KEY, about)) <= 64
    assert verp.leaver(KEY)(about.ref) == verp.local_part(KEY, about)


@given(about=ABOUT, data=st.data())
def test_m22_a_changed_address_is_refused(about: About, data: st.DataObject) -> None:
    local = verp.local_part(KEY, about)
    place = data.draw(st.integers(0, len(local) - 1))
    other = data.draw(st.sampled_from([c for c in "abcdefghijklmnopqrstuvwxyz234567019-" if c != local[place]]))

    with pytest.raises(TokenError):
        verp.read(KEY, local[:place] + other + local[place + 1 :])


@pytest.mark.parametrize("local", ["", "signals", "b-a-1-b", "u-" + "a" * 26 + "-1-" + "a" * 16, "b" * 70])
def test_what_is_no_address_of_ours_is_refused(local: str) -> None:
    with pytest.raises(TokenError):
        verp.read(KEY, local)


def test_an_address_of_another_key_is_refused() -> None:
    with pytest.raises(TokenError, match="another key"):
        verp.read(bytes(32), verp.local_part(KEY, About(Kind.LETTER, new_ref(), 7)))


def test_m18_a_bounce_of_a_letter_from_before_the_keys_changed_still_names_it() -> None:
    about = About(Kind.LETTER, new_ref(), 7)
    older, newer = Key(KEY), Key(bytes(range(32, 64)))
    local = verp.local_part(KeyRing((older,)), about)

    assert verp.read(KeyRing((newer, older)), local) == about
    assert verp.local_part(KeyRing((newer, older)), about) != local
