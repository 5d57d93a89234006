"""Compose once, stamp per person: a letter is bytes with a few blanks, and a copy is those bytes with the blanks filled.

The blanks are as long as what fills them (the recipient, which stands alone on its header line, excepted), so that filling moves no
line break. A body may break a line inside a blank (``=`` CRLF in quoted-printable, CRLF in base64); such a blank is filled in
pieces. In base64 a blank also shares its first and last letters with its neighbours, which are known: they are encoded with it.

What the mail server is given differs from the letter in its leading dots (RFC 5321 4.5.2): they are doubled once, in the form
that has the blanks still.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from binascii import hexlify
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.keys import Keys, Mac, mac, newest
from pipeline.mail import tokens, verp
from pipeline.mail.smtp import dot_stuffed
from pipeline.mail.tokens import Purpose

MESSAGE_ID_LENGTH = 32  # hexadecimal digits, 128 bits
LEAVE_LENGTH = len("u-") + 32 + 1 + 20  # of the local part that unsubscribes, see verp.py

# Small letters only, so that neither quoted-printable nor HTML changes them; no word of any language.
BLANKS: Mapping[str, str] = {
    "recipient": "qzblankrecipientzq@blank.invalid",
    "message_id": "qzblankmessageid".ljust(MESSAGE_ID_LENGTH, "z"),
    "unsubscribe": "qzblankunsubscribe".ljust(tokens.TOKEN_LENGTH, "z"),
    "preferences": "qzblankpreferences".ljust(tokens.TOKEN_LENGTH, "z"),
    "leave": "qzblankleave".ljust(LEAVE_LENGTH, "z"),
    "confirmed": "qzblankday",  # as long as 2026-11-23
}


def message_id(key: bytes, issue_key: str, ref: str) -> str:
    """The left side of the Message-ID: one for each (issue, subscriber), without anything personal (M-07)."""
    return _message_ids(key, issue_key).digest(ref.encode()).hex()[:MESSAGE_ID_LENGTH]


def _message_ids(key: bytes, issue_key: str) -> Mac:
    return mac(key, b"message id\0" + issue_key.encode() + b"\0")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters *start* to *stop* of what fills *blank*: as it is, or in base64 between the bytes *before* and *after* it."""

    blank: str
    start: int = 0
    stop: int | None = None
    before: bytes | None = None  # None: not base64
    after: bytes = b""


class Stamp:
    """A composed letter, ready to be filled for one subscriber after the other."""

    def __init__(self, message: bytes, *, issue_key: str, token_key: Keys) -> None:
        self._plain = _Form(message)
        self._wire = _Form(dot_stuffed(message))
        self._key = newest(token_key)
        self._message_id = _message_ids(self._key, issue_key).digest
        self._unsubscribe = tokens.signer(self._key, Purpose.UNSUBSCRIBE)
        self._preferences = tokens.signer(self._key, Purpose.PREFERENCES)
        self._leave = verp.leaver(self._key) if "leave" in self._plain.blanks else None
        self._says_when = "confirmed" in self._plain.blanks

    def copy_for(self, *, email: str, ref: str, confirmed_at: dt.datetime | None = None) -> bytes:
        """The whole message for one subscriber; the same bytes each time (M-08).

        *confirmed_at*: when they confirmed, for a letter that says so.
        """
        return self._plain.filled(self._values(email, ref, confirmed_at))

    def wire_for(self, *, email: str, ref: str, confirmed_at: dt.datetime | None = None) -> bytes:
        """The same message as it goes over the wire after DATA: dots doubled, the final dot and its CRLF behind it.

        A header that a signer puts before `copy_for` may be put before this too, as none begins with a dot.
        """
        return self._wire.stuffed(self._values(email, ref, confirmed_at))

    def _values(self, email: str, ref: str, confirmed_at: dt.datetime | None) -> dict[str, bytes]:
        octets = bytes.fromhex(ref)
        values = {
            "recipient": email.encode(),
            "message_id": hexlify(self._message_id(ref.encode()))[:MESSAGE_ID_LENGTH],
            "unsubscribe": self._unsubscribe(octets),
            "preferences": self._preferences(octets),
        }
        if self._leave is not None:
            values["leave"] = self._leave(ref).encode()
        if self._says_when:
            assert confirmed_at is not None, "the letter says when its reader confirmed"
            values["confirmed"] = str(confirmed_at)[:10].encode()
        return values


class _Form:
    """Bytes with blanks: what lies between them, and what is to be filled in where."""

    def __init__(self, message: bytes) -> None:
        self._between: list[bytes] = []
        self._as_it_is: list[tuple[int, str, slice]] = []  # place, blank, which part of it
        self._in_base64: list[tuple[int, _Piece]] = []
        for place, piece in enumerate(_cut(message)):
            self._between.append(piece if isinstance(piece, bytes) else b"")
            if isinstance(piece, _Piece) and piece.before is None:
                self._as_it_is.append((place, piece.blank, slice(piece.start, piece.stop)))
            elif isinstance(piece, _Piece):
                self._in_base64.append((place, piece))
        # Where a dot would have to be doubled: what else is filled in has none.
        recipients = [n for n, blank, _ in self._as_it_is if blank == "recipient"]
        self._at_line_start = [n for n in recipients if n == 0 or self._between[n - 1].endswith(b"\n")]
        self.blanks = {blank for _, blank, _ in self._as_it_is} | {piece.blank for _, piece in self._in_base64}

    def filled(self, values: Mapping[str, bytes]) -> bytes:
        return b"".join(self._parts(values))

    def stuffed(self, values: Mapping[str, bytes]) -> bytes:
        """As `filled`, where what lies between the blanks has its dots doubled already."""
        parts = self._parts(values)
        for place in self._at_line_start:
            if parts[place].startswith(b"."):
                parts[place] = b"." + parts[place]
        return b"".join(parts)

    def _parts(self, values: Mapping[str, bytes]) -> list[bytes]:
        parts = self._between.copy()
        for place, blank, part in self._as_it_is:
            parts[place] = values[blank][part]
        for place, piece in self._in_base64:
            assert piece.before is not None
            encoded = base64.b64encode(piece.before + values[piece.blank] + piece.after)
            parts[place] = encoded[piece.start : piece.stop]
        return parts


# --- finding the blanks -----------------------------------------------------------------------------------------------


def blanks_in(message: bytes) -> Counter[str]:
    """How often *message* has each blank: so often a reader's own would be filled in."""
    return Counter(str(match.lastgroup).partition("_in_base64_")[0] for match in _ANY_BLANK.finditer(message))


def _cut(message: bytes) -> Iterator[bytes | _Piece]:
    position = 0
    for match in _ANY_BLANK.finditer(message):
        name = str(match.lastgroup).partition("_in_base64_")
        if name[1]:
            begin, end, pieces = _base64_pieces(message, match, name[0], offset=int(name[2]))
        else:
            begin, end, pieces = match.start(), match.end(), _pieces(_Piece(name[0]), match[0], b"=\r\n")
        assert begin >= position, "two blanks share a letter of base64"
        yield message[position:begin]
        yield from pieces
        position = end
    yield message[position:]


def _pieces(whole: _Piece, found: bytes, line_break: bytes) -> list[bytes | _Piece]:
    """*whole*, cut where *found* has line breaks; without any it stays whole, and what fills it may be longer than the blank."""
    if line_break not in found:
        return [whole]
    pieces: list[bytes | _Piece] = []
    start = 0
    for part in found.split(line_break):
        piece = _Piece(whole.blank, start, start + len(part), whole.before, whole.after)
        pieces += [piece, line_break]
        start += len(part)
    return pieces[:-1]


def _base64_pieces(
    message: bytes, match: re.Match[bytes], name: str, *, offset: int
) -> tuple[int, int, list[bytes | _Piece]]:
    """The blank whose inner letters *match* is, with the letters on both sides that it shares with its neighbours."""
    begin, end = match.start(), match.end()
    first = last = b""
    if offset:
        begin, first = _four_letters(message, begin, backwards=True)
    if (offset + len(BLANKS[name])) % 3:
        end, last = _four_letters(message, end)
    behind = base64.b64decode(last)[(offset + len(BLANKS[name])) % 3 :] if last else b""
    whole = _Piece(name, before=base64.b64decode(first)[:offset], after=behind)
    return begin, end, _pieces(whole, message[begin:end], b"\r\n")


def _four_letters(message: bytes, place: int, *, backwards: bool = False) -> tuple[int, bytes]:
    """Four letters of base64 before or behind *place*, whatever line breaks stand between, and where they begin or end."""
    letters = b""
    step = -1 if backwards else 1
    while len(letters) < 4:
        letter = message[place - 1 : place] if backwards else message[place : place + 1]
        place += step
        if letter not in b"\r\n":
            letters = letter + letters if backwards else letters + letter
    return place, letters


def _pattern() -> re.Pattern[bytes]:
    """Any blank, with or without line breaks inside, as it is or in one of the three ways in which base64 can meet it."""
    groups = []
    for name, text in BLANKS.items():
        groups.append(_broken_anywhere(name, text, b"=\r\n"))
        for offset in range(3):
            whole = base64.b64encode(b"\0" * offset + text.encode()).decode().rstrip("=")
            inner = whole[4 * bool(offset) : (offset + len(text)) // 3 * 4]  # the letters that no neighbour shares
            groups.append(_broken_anywhere(f"{name}_in_base64_{offset}", inner, b"\r\n"))
    return re.compile(b"|".join(groups))


def _broken_anywhere(name: str, text: str, line_break: bytes) -> bytes:
    between = b"(?:" + line_break + b")?"
    return b"(?P<" + name.encode() + b">" + between.join(re.escape(c).encode() for c in text) + b")"


_ANY_BLANK = _pattern()
