"""One message as bytes: headers that say exactly what we mean, and a text and an HTML part.

Python's own policies break two things that we need (M-12, M-06): ``email.policy.SMTP`` turns a long List-Unsubscribe into
encoded-words, which RFC 2047 5 forbids there, and a larger line length makes encoded-words that are too long. So the headers
in `RAW` are written as they are, and the rest by the default policy. After that the bytes are read again: the header names
must be those we meant, each once, so that nothing in a title can ever add one (CVE-2024-6923).
"""

from __future__ import annotations

import datetime as dt
import email.parser
import email.policy
import email.utils
import hashlib
import re
import unicodedata
from collections.abc import Mapping
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from typing import Any

from pipeline.errors import ContentError

MAX_LINE = 998  # octets, RFC 5322 2.1.1
MAX_HEADER_TEXT = 200  # characters of text that others wrote

RAW = ("to", "message-id", "list-id", "list-unsubscribe", "list-unsubscribe-post", "list-help", "list-archive")


class RawHeader(UnstructuredHeader):
    """A header whose value goes out as it stands: no folding, no encoding."""

    max_count = 1

    def fold(self, *, policy: email.policy.Policy) -> str:
        value, name = str(self), str(self.name)  # type: ignore[attr-defined]  # BaseHeader has it
        assert value.isascii(), name
        assert not set(value) & set("\r\n\0"), name
        assert len(name) + 2 + len(value) <= MAX_LINE, name
        return f"{name}: {value}{policy.linesep}"


def _policy() -> email.policy.EmailPolicy[Any]:
    registry = HeaderRegistry()
    for name in RAW:
        registry.map_to_type(name, RawHeader)  # type: ignore[arg-type]  # its own headers are made so too
    return email.policy.SMTP.clone(header_factory=registry)


_POLICY = _policy()


def build_message(
    *,
    sender: tuple[str, str],
    to: str,
    subject: str,
    text: str,
    html: str,
    date: dt.datetime,
    message_id: str,
    headers: Mapping[str, str],
) -> bytes:
    """The message, with CRLF line ends, the same bytes for the same arguments.

    *sender* is a name and an address, *headers* are further ones. Raises `ContentError` when the text would break the headers.
    """
    message = EmailMessage(policy=_POLICY)
    name, address = sender
    user, _, domain = address.rpartition("@")
    message["From"] = Address(clean_text(name), user, domain)
    message["To"] = to
    message["Subject"] = clean_text(subject)
    message["Date"] = email.utils.format_datetime(date)
    message["Message-ID"] = message_id
    for header, value in headers.items():
        message[header] = value
    message.set_content(text, subtype="plain", charset="utf-8", cte="quoted-printable")
    message.add_alternative(html, subtype="html", charset="utf-8", cte="quoted-printable")
    message.set_boundary(f"=_{hashlib.sha256((message_id + subject + text).encode()).hexdigest()[:40]}")
    raw = message.as_bytes()
    _must_be_clean(
        raw, {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", *map(str.lower, headers)}
    )
    return raw


def clean_text(text: str) -> str:
    """*text* as it may stand in a header: one line without control characters or direction overrides (M-05).

    What still looks like an encoded-word is defused: a mail reader would decode it, and what is in it was never looked at.
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if _is_space(c) else c for c in text if not _is_hidden(c))
    text = " ".join(text.split())[:MAX_HEADER_TEXT]
    return text.replace("=?", "= ?")


def _is_space(character: str) -> bool:
    return character in "\u2028\u2029" or character.isspace()


def _is_hidden(character: str) -> bool:
    """Control characters and bidirectional overrides: invisible, and able to turn what is visible around."""
    control = unicodedata.category(character) == "Cc" and not character.isspace()
    return control or "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"


def _must_be_clean(raw: bytes, names: set[str]) -> None:
    found = [name.lower() for name in email.parser.BytesHeaderParser().parsebytes(raw).keys()]  # noqa: SIM118 -- each one
    if sorted(found) != sorted(names):
        raise ContentError(
            f"a letter would have the headers {', '.join(sorted(found))}; look for odd characters in its subject and names"
        )
    if re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw) or any(len(line) > MAX_LINE for line in raw.split(b"\r\n")):
        raise ContentError(
            "a letter would have a bare line break, a NUL or a line of over 998 octets; look for odd characters"
        )
