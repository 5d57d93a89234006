"""The tokens in mailed links: who it is and what the link may do, signed; nothing of it needs to be stored.

A token is 35 bytes in lower-case base32, 56 characters without padding, so that every byte string has exactly one spelling and a
mail system that folds case does no harm:

    key id (1) | random id of the subscriber or confirmation (16) | HMAC-SHA-256 over purpose and id, cut to 18

The purpose is in the MAC and not in the token: a link that unsubscribes cannot confirm.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from enum import StrEnum

from pipeline.errors import TokenError

KEY_ID = 1
REF_BYTES = 16
MAC_BYTES = 18  # 144 bits; RFC 2104 5 asks for at least half of the hash's 256
TOKEN_LENGTH = 56  # characters, always


class Purpose(StrEnum):
    """What a link may do."""

    CONFIRM = "confirm"
    DECLINE = "decline"  # "this was not me"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"


def new_ref() -> str:
    """A random id for a subscriber or a confirmation: 128 bits, 26 characters."""
    return _text(secrets.token_bytes(REF_BYTES))


def sign(key: bytes, purpose: Purpose, ref: str) -> str:
    """The token that lets *ref*'s mailbox do what *purpose* says."""
    raw = bytes([KEY_ID]) + _bytes(ref)
    return _text(raw + _mac(key, purpose, raw))


def read(key: bytes, purpose: Purpose, token: str) -> str:
    """The ref that *token* names. Raises `TokenError` unless it was signed for *purpose* with *key*."""
    token = token.strip().lower()
    try:
        raw = _bytes(token)
    except (binascii.Error, ValueError):
        raw = b""
    body, mac = raw[: 1 + REF_BYTES], raw[1 + REF_BYTES :]
    genuine = hmac.compare_digest(mac, _mac(key, purpose, body))
    if len(token) != TOKEN_LENGTH or not genuine or body[0] != KEY_ID:
        raise TokenError("this link is not complete or was not made by us; copy it whole from the newest mail")
    return _text(body[1:])


def _mac(key: bytes, purpose: Purpose, body: bytes) -> bytes:
    return hmac.digest(key, b"open signal link\0" + purpose.value.encode() + b"\0" + body, "sha256")[:MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def _bytes(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
