"""One message as bytes: headers that say exactly what we mean, and a text and an HTML part. The same bytes on every machine.

Python's own mail policies break three things that we need: ``email.policy.SMTP`` turns a long List-Unsubscribe into encoded-words,
which RFC 2047 5 forbids there (M-12); its encoded-words are up to 76 octets long, and a larger line length makes them longer
(M-06); and what it writes differs from version to version (M-08). So the bytes are put together here. Then they are read again: the
header names must be those we meant, each once, so that nothing in a title can ever add one (CVE-2024-6923).
"""

from __future__ import annotations

import base64
import datetime as dt
import email.parser
import email.utils
import hashlib
import re
import string
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from pipeline.errors import ContentError

MAX_LINE = 998  # octets, RFC 5322 2.1.1
LINE = 78  # octets that a line should have at most, RFC 5322 2.1.1
MAX_HEADER_TEXT = 200  # characters of text that others wrote

QUOTED_LINE = 76  # octets, RFC 2045 6.7
ENCODED_WORD = 75  # octets, RFC 2047 2
ENCODED_LINE = 76  # octets of a line with an encoded-word in it, RFC 2047 2
_AROUND = len("=?utf-8?q?") + len("?=")
# RFC 2047 5 (3): those that suit a name too.
_Q_PLAIN = frozenset((string.ascii_letters + string.digits + "!*+-/").encode())
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")

_Piece = TypeVar("_Piece", str, bytes)
Words = Sequence[str]  # of a header, which may be folded between them; a string is a header that stands on one line


def build_message(
    *,
    sender: tuple[str, str],
    to: str,
    subject: str,
    text: str,
    html: str,
    date: dt.datetime,
    message_id: str,
    headers: Mapping[str, str | Words],
) -> bytes:
    """The message, with CRLF line ends, the same bytes for the same arguments.

    *sender* is a name and an address, *headers* are further ones. Raises `ContentError` when the text would break the headers.
    """
    name, address = sender
    # Quoted-printable never holds "=_", and base64 no "_" (RFC 2045 6.7).
    boundary = "=_" + hashlib.sha256("\0".join((message_id, subject, text)).encode("utf-8", "replace")).hexdigest()[:40]
    fields: dict[str, str | Words] = {
        "From": [*phrase("From", clean_text(name)), f"<{address}>"],
        "To": to,
        "Subject": unstructured("Subject", clean_text(subject)),
        "Date": email.utils.format_datetime(date.astimezone(dt.UTC)),
        "Message-ID": message_id,
        **headers,
        "MIME-Version": "1.0",
        "Content-Type": ["multipart/alternative;", f'boundary="{boundary}"'],
    }
    raw = b"\r\n".join(
        [
            "".join(_folded(name, value) for name, value in fields.items()).encode("ascii"),
            f"--{boundary}".encode(),
            _part("plain", text),
            f"--{boundary}".encode(),
            _part("html", html),
            f"--{boundary}--\r\n".encode(),
        ]
    )
    _must_be_clean(raw, fields)
    return raw


# --- text in headers --------------------------------------------------------------------------------------------------


def clean_text(text: str) -> str:
    """*text* as it may stand in a header: one line without control characters or direction overrides (M-05).

    What still looks like an encoded-word is defused: a mail reader would decode it, and what is in it was never looked at.
    """
    text = unicodedata.normalize("NFC", _HIDDEN.sub("", text))
    return " ".join(text.split())[:MAX_HEADER_TEXT].rstrip().replace("=?", "= ?")


# Control characters that are no space, halves of characters, and bidirectional overrides: invisible, and able to turn what is
# visible around. What is some kind of space, U+2028 and U+2029 among them, `split` turns into one.
_HIDDEN = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def unstructured(name: str, text: str) -> Words:
    """*text* as the value of a header like Subject, which the header *name* begins."""
    return text.split(" ") if text.isascii() else _encoded_words(text, first=ENCODED_LINE - len(f"{name}: "))


def phrase(name: str, text: str) -> Words:
    """*text* as the name before an address in angle brackets (RFC 5322 3.2.5)."""
    if not text.isascii():
        return _encoded_words(text, first=ENCODED_LINE - len(f"{name}: "))
    if all(_ATOM.fullmatch(word) for word in text.split(" ")):
        return text.split(" ")
    return ('"' + re.sub(r'(["\\])', r"\\\1", text) + '"').split(" ")


def _encoded_words(text: str, *, first: int) -> list[str]:
    """*text* in encoded-words of at most 75 octets that cut no character in two (RFC 2047 2), the first of *first* at most."""
    as_q = [_q(character) for character in text]
    if sum(map(len, as_q)) <= _base64_length(text.encode()):
        parts = _parts(as_q, first=min(first, ENCODED_WORD) - _AROUND, then=ENCODED_WORD - _AROUND)
        return [f"=?utf-8?q?{''.join(part)}?=" for part in parts]
    octets = [character.encode() for character in text]
    room = [size // 4 * 3 for size in (min(first, ENCODED_WORD) - _AROUND, ENCODED_WORD - _AROUND)]
    parts_of_octets = _parts(octets, first=room[0], then=room[1])
    return [f"=?utf-8?b?{base64.b64encode(b''.join(part)).decode()}?=" for part in parts_of_octets]


def _parts(pieces: Sequence[_Piece], *, first: int, then: int) -> list[list[_Piece]]:
    """*pieces* in lists that are no longer than *first* and *then* together."""
    parts: list[list[_Piece]] = [[]]
    room = first
    for piece in pieces:
        if len(piece) > room and parts[-1]:
            parts.append([])
            room = then
        parts[-1].append(piece)
        room -= len(piece)
    return parts


def _q(character: str) -> str:
    return "_" if character == " " else "".join(chr(b) if b in _Q_PLAIN else f"={b:02X}" for b in character.encode())


def _base64_length(octets: bytes) -> int:
    return -(-len(octets) // 3) * 4


def _folded(name: str, value: str | Words) -> str:
    """The header, folded between its words where a line would be too long."""
    words = [value] if isinstance(value, str) else value
    assert all(word.isascii() and not set(word) & set("\r\n\0") for word in words), name
    lines = [f"{name}:"]
    for word in words:
        limit = ENCODED_LINE if word.startswith("=?") or "=?" in lines[-1] else LINE
        if len(lines[-1]) + 1 + len(word) > limit and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "".join(f"{line}\r\n" for line in lines)


# --- parts ------------------------------------------------------------------------------------------------------------


def encoded_body(text: str) -> tuple[str, bytes]:
    """How *text* goes into a part: the name of the encoding, and the lines. Base64 where it is shorter, as for Greek or Thai."""
    octets = _clean_body(text).encode("utf-8", "replace")
    quoted = b"".join(_quoted(line) for line in octets.split(b"\n")[:-1])
    in_base64 = octets.replace(b"\n", b"\r\n")
    if len(quoted) <= -(-len(in_base64) // 57) * 78:
        return "quoted-printable", quoted
    lines = (base64.b64encode(in_base64[start : start + 57]) for start in range(0, len(in_base64), 57))
    return "base64", b"".join(line + b"\r\n" for line in lines)


def _quoted(line: bytes) -> bytes:
    """A line in quoted-printable (RFC 2045 6.7), in lines of at most 76 octets.

    None of them begins with a dot, which careless servers lose, or with "From ", before which mailboxes put a mark.
    """
    left = _NOT_PLAIN.sub(lambda match: b"=%02X" % match[0][0], line)
    if left[-1:] in (b" ", b"\t"):
        left = left[:-1] + b"=%02X" % left[-1]
    lines: list[bytes] = []
    while True:
        if left.startswith((b".", b"From ")):
            left = b"=%02X" % left[0] + left[1:]
        if len(left) <= QUOTED_LINE:
            return b"".join([*lines, left, b"\r\n"])
        cut = QUOTED_LINE - 1
        cut -= 1 if left[cut - 1] == _EQUALS else 2 if left[cut - 2] == _EQUALS else 0
        lines.append(left[:cut] + b"=\r\n")
        left = left[cut:]


_NOT_PLAIN = re.compile(rb"[^\t\x20-<>-~]")
_EQUALS = ord("=")


def _clean_body(text: str) -> str:
    """One kind of line end, one at the end, and no control characters, which no mail program shows."""
    return _CONTROL.sub("", re.sub(r"\r\n?", "\n", text)).rstrip("\n") + "\n"


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _part(subtype: str, text: str) -> bytes:
    encoding, body = encoded_body(text)
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + body


# --- a last look --------------------------------------------------------------------------------------------------------


def header_names(raw: bytes) -> list[str]:
    """The names of the headers that the bytes have, in small letters, each as often as it is there."""
    head = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    return [name.lower() for name in email.parser.BytesHeaderParser().parsebytes(head).keys()]  # noqa: SIM118 -- each one


def _must_be_clean(raw: bytes, names: Iterable[str]) -> None:
    found = header_names(raw)
    if sorted(found) != sorted(name.lower() for name in names):
        raise ContentError(
            f"a letter would have the headers {', '.join(sorted(found))}; look for odd characters in its subject and names"
        )
    if _BARE.search(raw) or any(len(line) > MAX_LINE for line in raw.split(b"\r\n")):
        raise ContentError(
            "a letter would have a bare line break, a NUL or a line of over 998 octets; look for odd characters"
        )


_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)|\0")
