"""Addresses: what a visitor typed becomes one mailbox, or a plain sentence that says why not.

Nothing here asks the network whether the mailbox exists. `Address.key` is the canonical form by which we tell two spellings of
one mailbox (P-06); `masked` is what a page may show of an address to whoever holds a link, `without_addresses` what may be kept
of a server's words.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from pipeline.errors import AddressError

LONGEST_LOCAL = 64  # octets, RFC 5321 4.5.3.1.1; the validator counts characters
# RFC 5322 3.2.3: a dot-atom in front; behind the @, what a name in ASCII may hold.
PLAIN = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@(?P<domain>[A-Za-z0-9.-]+)"
)
LONGEST_WORDS = 1_000  # characters kept of what a server said
ADDRESS = "[address]"  # stands where one stood
_QUOTED = re.compile(r'"[^"]{1,64}"@')
_WORD = re.compile(r"""[^\s<>(),;:"'\[\]]+""")
LONGEST = 254  # RFC 5321 4.5.3.1.3: a path has 256 octets, its angle brackets among them


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox."""

    email: str  # what mail is sent to: the local part as typed (NFC), the domain as lower-case A-labels
    key: str  # canonical form: two spellings of one mailbox have the same


def parse_address(text: str) -> Address:
    """The one mailbox that *text* names.

    Raises `AddressError`, in words for the person who typed it, for anything else: two addresses, a display name, quoted or
    bracketed forms, line breaks and other control characters, more than 254 octets. Spaces around it are dropped, no others.
    """
    text = text.strip(" ")
    if "=?" in text:
        # Legal, but many a mail program decodes it: to who knows what, line breaks among it (RFC 2047 5, T-09).
        raise AddressError("the address cannot be right: no mailbox has =? in its name")
    if (plain := PLAIN.fullmatch(text)) and len(text) <= LONGEST:
        local, domain = plain["local"], _domain(plain["domain"].lower())
    else:
        _refuse_what_a_person_can_mend(text)
        local, domain = _checked(text)
    email = f"{local}@{domain}"
    if len(local.encode()) > LONGEST_LOCAL or len(email.encode()) > LONGEST:
        raise AddressError("the address is longer than any mail server takes")
    return Address(email=email, key=f"{_folded(local)}@{domain}")


def _refuse_what_a_person_can_mend(text: str) -> None:
    if not text:
        raise AddressError("please type your e-mail address, such as name@example.org")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") or c == "\ufffd" for c in text):
        raise AddressError("the address holds characters that cannot be seen; please type it by hand")
    if len(text.encode()) > LONGEST:
        raise AddressError("the address is longer than any mail server takes")
    if any(c.isspace() for c in text):
        raise AddressError("the address holds a space; please type one address without spaces")
    if text.count("@") > 1:
        raise AddressError("please type one address only, with a single @")


def _checked(text: str) -> tuple[str, str]:
    """Local part and domain, checked against the whole grammar: 100 us, where `PLAIN` and a known domain take 2."""
    try:
        found = validate_email(
            text,
            check_deliverability=False,
            strict=True,  # T-10: without it a local part of 65 octets passes
            allow_quoted_local=False,
            allow_domain_literal=False,
            test_environment=True,  # lets .test through (RFC 6761); other names that no mail can reach stay refused
        )
    except EmailNotValidError as error:
        raise AddressError(f"the address cannot be right: {_plain(error)}") from error
    return found.local_part, (found.ascii_domain or "").lower()


@functools.lru_cache(maxsize=10_000)
def _domain(domain: str) -> str:
    """A domain that many people share is checked once."""
    return _checked(f"a@{domain}")[1]


def masked(email: str) -> str:
    """As much of an address as its owner needs to know it again, and no more: ``a•••@e•••.org``."""
    local, _, domain = email.rpartition("@")
    name, _, top = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{top}"


def without_addresses(text: str, *, names: Iterable[str] = ()) -> str:
    """What a server said, without the addresses in it, nor the local parts *names* where they stand alone: fit for a log."""
    text = " ".join(text[:LONGEST_WORDS].split())
    text = _QUOTED.sub("x@", text)
    text = _WORD.sub(lambda word: ADDRESS if "@" in word[0] or "%40" in word[0].lower() else word[0], text)
    for name in names:
        if 2 < len(name) <= LONGEST_LOCAL:
            text = re.sub(rf"(?<![\w.+-]){re.escape(name)}(?![\w+-])", ADDRESS, text, flags=re.IGNORECASE)
    return text


def _folded(local: str) -> str:
    """The local part in canonical form. Dots and +tags stay: elsewhere they are other people's mailboxes."""
    return local.lower() if local.isascii() else unicodedata.normalize("NFC", local.casefold())


def _plain(error: EmailNotValidError) -> str:
    words = str(error).rstrip(".")
    return words[:1].lower() + words[1:]
