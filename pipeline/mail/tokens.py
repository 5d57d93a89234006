"""The tokens in mailed links: who it is and what the link may do, signed; nothing of it needs to be stored.

A token is 35 bytes in small hexadecimal digits, so that every byte string has exactly one spelling and a mail system that folds
case does no harm:

    key id (1) | random id of the subscriber or confirmation (16) | HMAC-SHA-256 over purpose and id, cut to 18

The purpose is in the MAC and not in the token: a link that unsubscribes cannot confirm. The key id is the first byte of what
`keys.key_id` calls the key: it tells people which key a link wants. Whoever reads a token tries every live key.
"""

from __future__ import annotations

import functools
import hmac
import secrets
from binascii import hexlify
from collections.abc import Callable
from enum import StrEnum

from pipeline.errors import TokenError
from pipeline.keys import Keys, key_id, live, mac, newest

REF_BYTES = 16
MAC_BYTES = 18  # 144 bits; RFC 2104 5 asks for at least half of the hash's 256
TOKEN_LENGTH = 2 * (1 + REF_BYTES + MAC_BYTES)  # characters, always


class Purpose(StrEnum):
    """What a link may do."""

    CONFIRM = "confirm"
    DECLINE = "decline"  # "this was not me"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    EXPORT = "export"  # names a request, as the next one does
    ERASE = "erase"


def new_ref() -> str:
    """A random id for a subscriber or a confirmation: 128 bits, 32 characters."""
    return secrets.token_hex(REF_BYTES)


def new_refs(number: int) -> list[str]:
    """*number* of them."""
    digits, length = secrets.token_bytes(REF_BYTES * number).hex(), 2 * REF_BYTES
    return [digits[at : at + length] for at in range(0, len(digits), length)]


def sign(keys: Keys, purpose: Purpose, ref: str) -> str:
    """The token that lets *ref*'s mailbox do what *purpose* says, signed with the newest of *keys*."""
    return signer(newest(keys), purpose)(bytes.fromhex(ref)).decode()


@functools.lru_cache(maxsize=256)
def signer(key: bytes, purpose: Purpose) -> Callable[[bytes], bytes]:
    """What makes the tokens of *purpose*, in bytes, from refs in bytes: what is the same for all of them is prepared once."""
    first, digest = bytes.fromhex(key_id(key)[:2]), mac(key, _BEGINNINGS[purpose]).digest

    def token(ref: bytes) -> bytes:
        body = first + ref
        return hexlify(body + digest(body)[:MAC_BYTES])

    return token


def read(keys: Keys, purpose: Purpose, token: str) -> str:
    """The ref that *token* names. Raises `TokenError` unless it was signed for *purpose* with one of *keys*."""
    token = token.strip().lower()
    try:
        raw = bytes.fromhex(token)
    except ValueError:
        raw = b""
    body, seal = raw[: 1 + REF_BYTES], raw[1 + REF_BYTES :]
    genuine = False
    for key in live(keys):  # all of them, whatever the answer: the time tells nothing
        genuine |= hmac.compare_digest(seal, _mac(key, purpose, body))
    if not genuine or raw.hex() != token:
        raise TokenError("this link is not complete or was not made by us; copy it whole from the newest mail")
    return body[1:].hex()


def _mac(key: bytes, purpose: Purpose, body: bytes) -> bytes:
    return mac(key, _BEGINNINGS[purpose]).digest(body)[:MAC_BYTES]


_BEGINNINGS = {purpose: b"open signal link\0" + purpose.value.encode() + b"\0" for purpose in Purpose}
