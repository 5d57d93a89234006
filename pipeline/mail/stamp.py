"""Compose once, stamp per person: a letter is bytes with four blanks, and a copy is those bytes with the blanks filled.

The blanks are as long as what fills them (the recipient, which stands alone on its header line, excepted), so that filling moves no
line break. A quoted-printable body may break a line inside a blank (``=`` CRLF); such a blank is filled in pieces.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.mail import tokens
from pipeline.mail.tokens import Purpose

MESSAGE_ID_LENGTH = 32  # hexadecimal digits, 128 bits

# Letters only, so that neither quoted-printable nor HTML changes them; no word of any language.
BLANKS: Mapping[str, str] = {
    "recipient": "qzblankrecipientzq@blank.invalid",
    "message_id": "qzblankmessageid".ljust(MESSAGE_ID_LENGTH, "z"),
    "unsubscribe": "qzblankunsubscribe".ljust(tokens.TOKEN_LENGTH, "z"),
    "preferences": "qzblankpreferences".ljust(tokens.TOKEN_LENGTH, "z"),
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters *start* to *stop* of what fills *blank*."""

    blank: str
    start: int
    stop: int | None


class Stamp:
    """A composed letter, ready to be filled for one subscriber after the other."""

    def __init__(self, message: bytes, *, issue_key: str, token_key: bytes) -> None:
        self._pieces = _cut(message)
        self._issue = issue_key.encode()
        self._key = token_key

    def copy_for(self, *, email: str, ref: str) -> bytes:
        """The whole message for one subscriber; the same bytes each time (M-08)."""
        filled = {
            "recipient": email.encode("utf-8"),
            "message_id": self._message_id(ref).encode(),
            "unsubscribe": tokens.sign(self._key, Purpose.UNSUBSCRIBE, ref).encode(),
            "preferences": tokens.sign(self._key, Purpose.PREFERENCES, ref).encode(),
        }
        return b"".join(p if isinstance(p, bytes) else filled[p.blank][p.start : p.stop] for p in self._pieces)

    def _message_id(self, ref: str) -> str:
        """One for each (issue, subscriber), without anything personal (M-07)."""
        return hmac.digest(self._key, b"message id\0" + self._issue + b"\0" + ref.encode(), "sha256").hex()[
            :MESSAGE_ID_LENGTH
        ]


def _cut(message: bytes) -> list[bytes | _Piece]:
    pieces: list[bytes | _Piece] = []
    position = 0
    for match in _ANY_BLANK.finditer(message):
        pieces.append(message[position : match.start()])
        pieces += _blank_pieces(str(match.lastgroup), match[0])
        position = match.end()
    pieces.append(message[position:])
    return pieces


def _blank_pieces(name: str, found: bytes) -> list[bytes | _Piece]:
    if b"=\r\n" not in found:
        return [_Piece(name, 0, None)]
    pieces: list[bytes | _Piece] = []
    start = 0
    for part in found.split(b"=\r\n"):
        pieces += [_Piece(name, start, start + len(part)), b"=\r\n"]
        start += len(part)
    return pieces[:-1]


def _pattern() -> re.Pattern[bytes]:
    """Any blank, with or without soft line breaks inside."""
    groups = []
    for name, text in BLANKS.items():
        broken_anywhere = "(?:=\r\n)?".join(re.escape(character) for character in text)
        groups.append(f"(?P<{name}>{broken_anywhere})".encode())
    return re.compile(b"|".join(groups))


_ANY_BLANK = _pattern()
