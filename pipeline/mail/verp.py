"""Addresses of ours that say what they are about, signed: where a letter bounces to, and where a mail unsubscribes (M-20, M-22).

    b-REF-ISSUE-MAC@bounce.example.org     a bounce of that issue's letter to that subscriber
    n-REF-NOTICE-MAC@bounce.example.org    a bounce of a confirmation or another notice
    u-REF-MAC@bounce.example.org           a mail to it unsubscribes

REF is the subscriber's random id, MAC is 80 bits of HMAC-SHA-256 over all before it. Where a number stands between them, they are
in base32, to fit into 64 octets (RFC 5321 4.5.3.1.1); the number, and all of an address that unsubscribes, is in hexadecimal
digits: those are quicker to make, and each letter holds one. Small letters and digits only: mail systems fold the case of local
parts.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.errors import TokenError
from pipeline.keys import Keys, live, mac, newest

MAC_BYTES = 10

SHAPE = r"[bn]-[a-z2-7]{26}-[0-9a-f]{1,16}-[a-z2-7]{16}|u-[0-9a-f]{32}-[0-9a-f]{20}"  # to find one in a text
_ADDRESS = re.compile(r"([bn])-([a-z2-7]{26})-([0-9a-f]{1,16})-([a-z2-7]{16})|(u)-([0-9a-f]{32})-([0-9a-f]{20})")


class Kind(StrEnum):
    """What a mail to the address is about."""

    LETTER = "b"  # the number is the issue's
    NOTICE = "n"  # the number is the notice's
    LEAVE = "u"  # without a number


@dataclass(frozen=True, slots=True)
class About:
    """What a signed address names: a subscriber by ref, and the issue or notice by number (0 for `LEAVE`)."""

    kind: Kind
    ref: str
    number: int = 0


def local_part(keys: Keys, about: About) -> str:
    """The local part that names *about*, signed with the newest of *keys*."""
    if about.kind is Kind.LEAVE:
        return leaver(newest(keys))(about.ref)
    words = f"{about.kind.value}-{_base32(bytes.fromhex(about.ref))}-{about.number:x}"
    return f"{words}-{_mac(newest(keys), words)}"


def return_path(keys: Keys, about: About, *, domain: str, otherwise: str) -> str:
    """The envelope sender of what is *about* somebody: an address of *domain* that names it (M-22); without one, *otherwise*."""
    return f"{local_part(keys, about)}@{domain}" if domain else otherwise


def leaver(key: bytes) -> Callable[[str], str]:
    """What makes the local part that unsubscribes a ref: as `local_part`, for one who makes a million."""
    digest, first = mac(key, _BEGINNING).digest, f"{Kind.LEAVE.value}-"

    def leave(ref: str) -> str:
        words = first + ref
        return f"{words}-{digest(words.encode())[:MAC_BYTES].hex()}"

    return leave


def read(keys: Keys, local: str) -> About:
    """What the local part *local* names. Raises `TokenError` unless it was signed with one of *keys*."""
    local = local.strip().lower()
    found = _ADDRESS.fullmatch(local)
    if found is None:
        raise TokenError("this address was not made by us")
    words, _, seal = local.rpartition("-")
    seal_of = _mac if found[1] else _hex_mac
    genuine = False
    for key in live(keys):  # all of them, whatever the answer: the time tells nothing
        genuine |= hmac.compare_digest(seal, seal_of(key, words))
    if not genuine:
        raise TokenError("this address is changed, or was signed with another key")
    if found[5]:
        return About(Kind.LEAVE, found[6])
    return About(Kind(found[1]), base64.b32decode(f"{found[2].upper()}======").hex(), int(found[3], 16))


def _mac(key: bytes, words: str) -> str:
    return _base32(_digest(key, words))


def _hex_mac(key: bytes, words: str) -> str:
    return _digest(key, words).hex()


def _digest(key: bytes, words: str) -> bytes:
    return mac(key, _BEGINNING).digest(words.encode())[:MAC_BYTES]


def _base32(raw: bytes) -> str:
    """RFC 4648 6 in small letters, without padding: two letters at a time, for this is done with each letter."""
    bits = 8 * len(raw)
    number = int.from_bytes(raw, "big") << -bits % 10
    return "".join([_TWO_LETTERS[number >> shift & 1023] for shift in _SHIFTS[bits]])[: -(-bits // 5)]


_BEGINNING = b"open signal address\0"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_TWO_LETTERS = [first + second for first in _LETTERS for second in _LETTERS]
_SHIFTS = {bits: range((bits - 1) // 10 * 10, -1, -10) for bits in (8 * 16, 8 * MAC_BYTES)}
