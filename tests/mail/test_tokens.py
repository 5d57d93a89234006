"""Tokens in mailed links: what we signed is accepted for that purpose, and nothing else ever is (T-06)."""

from __future__ import annotations

import random
import secrets

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.errors import TokenError
from pipeline.keys import Key, KeyRing, key_id
from pipeline.mail.tokens import REF_BYTES, TOKEN_LENGTH, Purpose, new_ref, read, sign

KEY = bytes(range(32))
PURPOSES = st.sampled_from(Purpose)
REFS = st.binary(min_size=REF_BYTES, max_size=REF_BYTES).map(bytes.hex)
ALPHABET = "0123456789abcdef"


@given(PURPOSES, REFS, st.binary(min_size=32, max_size=32))
def test_a_token_gives_back_the_ref_that_it_was_signed_for(purpose: Purpose, ref: str, key: bytes) -> None:
    token = sign(key, purpose, ref)

    assert read(key, purpose, token) == ref
    assert len(token) == TOKEN_LENGTH
    assert set(token) <= set(ALPHABET)


@given(PURPOSES, REFS)
def test_a_mail_system_that_changes_the_case_does_no_harm(purpose: Purpose, ref: str) -> None:
    assert read(KEY, purpose, f" {sign(KEY, purpose, ref).upper()}\n") == ref


@given(PURPOSES, PURPOSES, REFS)
def test_a_token_does_one_thing_only(signed_for: Purpose, used_for: Purpose, ref: str) -> None:
    assume(signed_for is not used_for)

    with pytest.raises(TokenError):
        read(KEY, used_for, sign(KEY, signed_for, ref))


@given(PURPOSES, REFS, st.integers(0, TOKEN_LENGTH - 1), st.sampled_from(ALPHABET))
@hypothesis_settings(max_examples=500)
def test_one_changed_character_is_enough_to_refuse(purpose: Purpose, ref: str, place: int, other: str) -> None:
    token = sign(KEY, purpose, ref)
    assume(token[place] != other)

    with pytest.raises(TokenError):
        read(KEY, purpose, token[:place] + other + token[place + 1 :])


@given(PURPOSES, REFS, st.data())
def test_cut_lengthened_and_shuffled_tokens_are_refused(purpose: Purpose, ref: str, data: st.DataObject) -> None:
    token = sign(KEY, purpose, ref)
    mangled = data.draw(
        st.one_of(
            st.integers(0, TOKEN_LENGTH - 1).map(lambda n: token[:n]),
            st.integers(1, TOKEN_LENGTH).map(lambda n: token[n:]),
            st.text(min_size=1, max_size=8).map(lambda more: token + more),
            st.permutations(token).map("".join),
            st.just(token + token),
        )
    )
    assume(mangled.strip().lower() != token)

    with pytest.raises(TokenError):
        read(KEY, purpose, mangled)


@given(st.one_of(st.text(max_size=200), st.text(ALPHABET, min_size=TOKEN_LENGTH, max_size=TOKEN_LENGTH)))
def test_what_we_did_not_sign_is_refused_whatever_it_is(text: str) -> None:
    with pytest.raises(TokenError):
        read(KEY, Purpose.UNSUBSCRIBE, text)


@given(PURPOSES, REFS, st.binary(min_size=32, max_size=32))
def test_another_key_is_another_house(purpose: Purpose, ref: str, key: bytes) -> None:
    assume(key != KEY)

    with pytest.raises(TokenError):
        read(KEY, purpose, sign(key, purpose, ref))


@given(PURPOSES, REFS)
def test_m18_a_link_outlives_the_key_that_signed_it(purpose: Purpose, ref: str) -> None:
    older, newer = Key(KEY), Key(bytes(range(32, 64)))
    link = sign(KeyRing((older,)), purpose, ref)

    assert read(KeyRing((newer, older)), purpose, link) == ref
    assert sign(KeyRing((newer, older)), purpose, ref) == sign(newer.secret, purpose, ref) != link
    assert link.startswith(key_id(KEY)[:2])
    with pytest.raises(TokenError):
        read(KeyRing((newer,)), purpose, link)


def test_t06_no_mutated_token_is_accepted() -> None:
    """T-06: bits flipped, keys crossed, purposes crossed: none of 60,000 opens anything."""
    ring = KeyRing((Key(KEY), Key(bytes(range(32, 64)))))
    chance = random.Random(6)
    accepted = 0
    for _ in range(60_000):
        signed_for, used_for = chance.sample(list(Purpose), 2)
        raw = bytearray.fromhex(sign(ring, signed_for, chance.randbytes(REF_BYTES).hex()))
        if chance.random() < 0.75:
            used_for = signed_for
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        try:
            read(ring, used_for, raw.hex())
            accepted += 1
        except TokenError:
            pass

    assert accepted == 0


def test_random_tokens_of_the_right_form_are_all_refused() -> None:
    refused = 0
    for _ in range(20_000):
        raw = bytes([1]) + secrets.token_bytes(34)
        try:
            read(KEY, Purpose.UNSUBSCRIBE, raw.hex())
        except TokenError:
            refused += 1

    assert refused == 20_000


def test_refs_are_random_and_say_nothing() -> None:
    refs = {new_ref() for _ in range(1_000)}

    assert len(refs) == 1_000
    assert {len(ref) for ref in refs} == {32}
