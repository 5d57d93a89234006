"""Sign letters (DKIM, RFC 6376), by RSA (RFC 8301) or Ed25519 (RFC 8463), and make the keys for it.

    Signer.load(settings)   the keys that the setting dkim_selectors names
    signer.sign(message)    the message with a signature by each of them before it

Both the headers and the body are signed in their relaxed form and whole: no l=. Time is the letter's own Date, and both algorithms
have one signature for one text, so that a letter that is sent again has the same bytes. What is signed must be what is sent.
"""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import hashlib
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from pipeline.config import Settings
from pipeline.errors import SettingsError, UsageError
from pipeline.keys import must_be_closed, write_secret

RSA_BITS = 2048  # RFC 8301 3.2: signers SHOULD; longer ones do not fit one TXT answer over UDP
TXT_STRING = 255  # octets of one string of a TXT record, RFC 1035 3.3

# Named in h= once more than the letter has them, so that none can be added (RFC 6376 8.15): a second From or Subject would be
# shown in place of ours, and a second List-Unsubscribe, or one without -Post, would send the one click elsewhere (RFC 8058 4).
OVERSIGNED = ("From", "To", "Subject", "Date", "List-Unsubscribe", "List-Unsubscribe-Post")
SIGNED = (
    *OVERSIGNED,
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Reply-To",
    "List-Id",
    "Feedback-ID",
    "Auto-Submitted",
)


class Algorithm(StrEnum):
    RSA = "rsa"  # what every receiver verifies
    ED25519 = "ed25519"  # small and quick; not verified everywhere, so beside RSA, not instead of it


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One private key, by the selector under which its public half stands in the DNS."""

    selector: str
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm.RSA if isinstance(self.private, rsa.RSAPrivateKey) else Algorithm.ED25519

    @property
    def record(self) -> str:
        """The text of the TXT record (RFC 6376 3.6.1, RFC 8463 4.2)."""
        public = self.private.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            octets = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        else:
            octets = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k={self.algorithm.value}; p={base64.b64encode(octets).decode()}"

    @property
    def strings(self) -> tuple[str, ...]:
        """The record in the pieces that a zone file wants."""
        return tuple(self.record[start : start + TXT_STRING] for start in range(0, len(self.record), TXT_STRING))

    def sign(self, text: bytes) -> bytes:
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(hashlib.sha256(text).digest())  # RFC 8463 3: PureEdDSA over the hash


class Signer:
    """Signs for one domain, with one or more keys."""

    def __init__(self, domain: str, keys: Sequence[DkimKey]) -> None:
        self.domain = domain
        self.keys = tuple(keys)

    @classmethod
    def load(cls, settings: Settings) -> Signer | None:
        """The signer that *settings* ask for; None where the mail server signs. Raises `SettingsError` for a key that is no key."""
        if not settings.dkim_selectors:
            return None
        keys = [_read(key_file(settings.state_dir, selector), selector) for selector in settings.dkim_selectors.split()]
        return cls(domain_of(settings), keys)

    def sign(self, message: bytes) -> bytes:
        """*message*, CRLF line ends only, with its signatures before it. The same bytes for the same message."""
        return self.signatures(message) + message

    def signatures(self, message: bytes) -> bytes:
        """The DKIM-Signature headers that belong before *message*, CRLF behind each."""
        head, _, body = message.partition(b"\r\n\r\n")
        fields = _fields(head)
        time = _time_of(fields)
        names = _signed_names(fields)
        signed = b"".join(_chosen(fields, names))
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        return b"".join(self._signature(key, signed, names, body_hash, time) for key in self.keys)

    def _signature(self, key: DkimKey, signed: bytes, names: Sequence[str], body_hash: str, time: int) -> bytes:
        tags = (
            f"v=1; a={key.algorithm.value}-sha256; c=relaxed/relaxed; d={self.domain};\r\n"
            f"\ts={key.selector}; t={time};\r\n"
            f"\th={_folded(names)};\r\n"
            f"\tbh={body_hash};\r\n"
            f"\tb="
        )
        unsigned = f"DKIM-Signature: {tags}".encode()
        seal = base64.b64encode(key.sign(signed + relaxed_header(unsigned))).decode()
        return unsigned + "\r\n\t".join(textwrap.wrap(seal, 72)).encode() + b"\r\n"


# --- canonical forms (RFC 6376 3.4) -----------------------------------------------------------------------------------


def relaxed_header(field: bytes) -> bytes:
    """One header field without its line end: name in small letters, white space as single spaces, none at either end."""
    name, _, value = field.partition(b":")
    return name.strip(b" \t").lower() + b":" + b" ".join(re.split(rb"[ \t\r\n]+", value)).strip(b" ")


def relaxed_body(body: bytes) -> bytes:
    """White space as single spaces, none at the end of a line, no empty lines at the end; nothing where nothing is left."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:  # halves every run: 45 kB take 20 us, by a regular expression 1,000
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \r\n", b"\r\n").rstrip(b" ").rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _fields(head: bytes) -> list[tuple[str, bytes]]:
    """The header fields with their names in small letters, folded as they are."""
    fields = re.split(rb"\r\n(?![ \t])", head)
    return [(field.partition(b":")[0].strip(b" \t").lower().decode("latin-1"), field) for field in fields if field]


def _signed_names(fields: Sequence[tuple[str, bytes]]) -> list[str]:
    """What h= says: each field as often as it is there, and those that nobody may add once more."""
    there = [name for name, _ in fields]
    return [name for name in SIGNED for _ in range(there.count(name.lower()) + (name in OVERSIGNED))]


def _chosen(fields: Sequence[tuple[str, bytes]], names: Sequence[str]) -> Iterator[bytes]:
    """The fields that *names* choose, the last of a name first; nothing for one too many (RFC 6376 5.4.2)."""
    left = list(fields)
    for name in names:
        for place in range(len(left) - 1, -1, -1):
            if left[place][0] == name.lower():
                yield relaxed_header(left.pop(place)[1]) + b"\r\n"
                break


def _folded(names: Sequence[str]) -> str:
    """The names with a colon between, on lines that are short enough."""
    spaced = textwrap.wrap(": ".join(names), 70, break_on_hyphens=False)
    return "\r\n\t ".join(line.replace(": ", ":") for line in spaced)


def _time_of(fields: Sequence[tuple[str, bytes]]) -> int:
    """When the letter says it was written: a repeat of it says the same."""
    for name, field in fields:
        if name == "date":
            time = email.utils.parsedate_to_datetime(field.partition(b":")[2].decode("ascii").strip())
            return int((time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp())
    raise ValueError("a letter without a Date cannot be signed")


# --- keys -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Published:
    """A key, and what must stand in the DNS for it."""

    key: DkimKey
    domain: str
    file: Path
    made: bool  # just now

    @property
    def name(self) -> str:
        return f"{self.key.selector}._domainkey.{self.domain}"


def domain_of(settings: Settings) -> str:
    """The domain that signs: the sender's, so that DMARC finds them aligned (RFC 9989)."""
    return settings.sender_address.rpartition("@")[2].lower()


def key_file(state_dir: Path, selector: str) -> Path:
    return state_dir / "keys" / f"dkim-{selector}.pem"


def make_key(settings: Settings, *, selector: str, algorithm: Algorithm) -> Published:
    """Make the key *selector*, or tell of the one that is there. Raises `UsageError` where it is of another algorithm."""
    path = key_file(settings.state_dir, selector)
    made = False
    if not path.exists():
        private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
        if algorithm is Algorithm.RSA:
            private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        else:
            private = ed25519.Ed25519PrivateKey.generate()
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            made = write_secret(path, pem)
        except OSError as error:
            raise SettingsError(f"{path}: the key cannot be written: {error}") from error
    key = _read(path, selector)
    if key.algorithm is not algorithm:
        raise UsageError(f"{selector} is a key of {key.algorithm.value}; name another selector for {algorithm.value}")
    return Published(key, domain_of(settings), path, made)


def keys_there(settings: Settings) -> list[DkimKey]:
    """Every key in the state folder, by selector."""
    files = sorted((settings.state_dir / "keys").glob("dkim-*.pem"))
    return [_read(file, file.stem.removeprefix("dkim-")) for file in files]


def _read(path: Path, selector: str) -> DkimKey:
    try:
        must_be_closed(path, path.stat().st_mode)
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path}: there is no such key to sign with; make it with: opensignal keys dkim --selector {selector}, "
            "or copy it from the machine that has it"
        ) from error
    except (OSError, ValueError, TypeError) as error:  # TypeError: it has a password
        raise SettingsError(f"{path}: not a private key that can be read: {error}") from error
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= RSA_BITS:
        return DkimKey(selector, private)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return DkimKey(selector, private)
    raise SettingsError(f"{path}: wants RSA of {RSA_BITS} bits or more, or Ed25519 (RFC 8301 3.2, RFC 8463)")
