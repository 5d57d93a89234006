"""Reading a folder on an IMAP server (RFC 3501). The one place that speaks IMAP.

TLS is verified, and a password never goes over a line in clear. The server is not trusted beyond that: what it may send, and how
long it may take, is limited; whatever it answers ends in mails or in a `TransportError`.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.errors import SettingsError, TransportError

TIMEOUT = 30.0  # seconds without a word
DEADLINE = 600.0  # seconds, all in all
ANSWER = 1024 * 1024  # octets that an answer may have beside a mail
WINDOW = 50_000  # mails that one search looks through, so that its answer stays small
FORM = "imaps://USER:PASSWORD@HOST/INBOX"

_UID = re.compile(rb"\bUID (\d{1,10})\b")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the folder is, and who we are there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    tls: str = "implicit"  # implicit | starttls | never

    @property
    def name(self) -> str:
        """For people, without secrets."""
        return f"{self.host}:{self.port}"

    @classmethod
    def from_url(cls, url: str) -> Address:
        """``imaps://USER:PASSWORD@HOST[:993]/FOLDER`` or ``imap://...[?starttls=never]``. Raises `SettingsError`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:  # it would repeat a part of the password
            raise SettingsError(
                f"bounces_url is not an address; write {FORM}, and / # @ : in a password as %2F %23 %40 %3A"
            ) from error
        options = parse_qs(parts.query)
        starttls = options.pop("starttls", ["require"])[-1]
        if parts.scheme not in ("imap", "imaps") or not host or not parts.username or options:
            raise SettingsError(f"bounces_url: write {FORM}, or the folder of a Maildir")
        if starttls not in ("require", "never"):
            raise SettingsError("bounces_url: starttls is require or never")
        folder = unquote(parts.path.strip("/")) or "INBOX"
        user, password = unquote(parts.username), unquote(parts.password or "")
        if not folder.isascii() or not (folder + user + password).isprintable() or set(folder) & set('"\\'):
            raise SettingsError("bounces_url: folder, user and password are plain text, the folder's name in ASCII")
        implicit = parts.scheme == "imaps"
        tls = "implicit" if implicit else "never" if starttls == "never" else "starttls"
        return cls(host, port or (993 if implicit else 143), user, password, folder, tls)


@contextlib.contextmanager
def connected(
    address: Address, *, largest: int, timeout: float = TIMEOUT, deadline: float = DEADLINE, window: int = WINDOW
) -> Iterator[Inbox]:
    """The folder, for as long as the block lasts. *largest*: octets that are read of a mail."""
    with _troubles(address):
        inbox = Inbox(address, _client(address, timeout=timeout, deadline=deadline), largest, window)
    try:
        with _troubles(address):
            inbox.open()
        yield inbox
    finally:
        inbox.close()


class Inbox:
    """One folder; a mail's name is its UID."""

    origin: ClassVar[str] = "imap"

    def __init__(self, address: Address, client: _Client, largest: int, window: int) -> None:
        self._address, self._client, self._largest, self._window = address, client, largest, window
        self._mails = 0

    def open(self) -> None:
        client = self._client
        if self._address.tls == "starttls":
            client.ask("STARTTLS", lambda: client.starttls(ssl.create_default_context()))
        client.ask("login", self._log_in)
        answer = client.ask("SELECT", lambda: client.select(f'"{self._address.folder}"'))
        self._mails = int(answer[0])

    def _log_in(self) -> tuple[str, Any]:
        client, address = self._client, self._address
        if "AUTH=PLAIN" in client.capabilities:
            secret = f"\0{address.user}\0{address.password}".encode()
            return client.authenticate("PLAIN", lambda challenge: secret)
        user = address.user.replace("\\", "\\\\").replace('"', '\\"')
        return client.login(f'"{user}"', address.password)

    def waiting(self, limit: int) -> tuple[Sequence[str], int]:
        found: list[str] = []
        with _troubles(self._address):
            for first in range(1, self._mails + 1, self._window):
                among = f"{first}:{min(first + self._window - 1, self._mails)}"
                answer = self._client.ask("SEARCH", lambda among=among: self._search(among))
                found += [word.decode("ascii") for line in answer if line for word in line.split() if word.isdigit()]
                if len(found) > limit:
                    break
        return found[:limit], max(0, len(found) - limit)

    def _search(self, among: str) -> tuple[str, list[Any]]:
        return self._client.uid("SEARCH", among, "UNSEEN", "UNDELETED")

    def read(self, name: str) -> bytes:
        with _troubles(self._address):
            wanted = f"(BODY.PEEK[]<0.{self._largest}>)"
            answer = self._client.ask("FETCH", lambda: self._client.uid("FETCH", name, wanted), extra=self._largest)
            for item in answer:
                if isinstance(item, tuple) and b"BODY[" in item[0].upper():
                    uid = _UID.search(item[0].upper())
                    if uid is None or uid[1].decode() == name:
                        return bytes(item[1])
        return b""  # gone since, or empty

    def taken(self, names: Sequence[str]) -> None:
        if names:
            with _troubles(self._address):
                those = ",".join(names)
                self._client.ask("STORE", lambda: self._client.uid("STORE", those, "+FLAGS.SILENT", "(\\Seen)"))

    def close(self) -> None:
        with contextlib.suppress(Exception):  # whatever it says to our good-bye
            self._client.allow(ANSWER)
            self._client.logout()
        self._client.shutdown()


class _Client(imaplib.IMAP4):
    """imaplib, with a limit to what it reads, for it believes any length that the server names, and to how long it takes."""

    left = ANSWER
    _alarm: threading.Timer | None = None

    def __init__(self, *where: Any, deadline: float, **more: Any) -> None:
        self._deadline = deadline
        super().__init__(*where, **more)

    def open(self, *where: Any, **more: Any) -> None:
        super().open(*where, **more)
        self._alarm = threading.Timer(self._deadline, self._hang_up)
        self._alarm.daemon = True
        self._alarm.start()

    def shutdown(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        with contextlib.suppress(OSError):
            super().shutdown()

    def _hang_up(self) -> None:
        """Break the line: whoever waits for it wakes up."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def allow(self, octets: int) -> None:
        self.left = octets

    def ask(self, what: str, command: Any, *, extra: int = 0) -> list[Any]:
        """The data of an answer that is OK. Raises `TransportError` for another one."""
        self.allow(ANSWER + extra)
        status, data = command()
        if status != "OK":
            raise TransportError(f"it refused {what}: {_words(data)}")
        return data if isinstance(data, list) else []

    def read(self, size: int) -> bytes:
        self._spend(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._spend(len(line))
        return line

    def _spend(self, octets: int) -> None:
        self.left -= octets
        if self.left < 0:
            raise self.abort("it sends more than it was asked for")


class _TlsClient(_Client, imaplib.IMAP4_SSL):
    pass


def _client(address: Address, *, timeout: float, deadline: float) -> _Client:
    if address.tls == "implicit":
        tls = ssl.create_default_context()
        return _TlsClient(address.host, address.port, ssl_context=tls, timeout=timeout, deadline=deadline)
    return _Client(address.host, address.port, timeout=timeout, deadline=deadline)


@contextlib.contextmanager
def _troubles(address: Address) -> Iterator[None]:
    """Whatever goes wrong on the line is a `TransportError`."""
    try:
        yield
    except TransportError as error:
        raise TransportError(f"mailbox {address.name}: {error}; check OPENSIGNAL_BOUNCES_URL") from error
    except ssl.SSLError as error:
        raise TransportError(
            f"mailbox {address.name}: TLS failed: {error.reason or error}; check the host name and its certificate"
        ) from error
    except OSError as error:
        what = error.strerror or str(error) or type(error).__name__
        raise TransportError(
            f"mailbox {address.name} cannot be reached: {what}; check that OPENSIGNAL_BOUNCES_URL names it"
        ) from error
    except imaplib.IMAP4.error as error:
        raise TransportError(f"mailbox {address.name}: {_words([error])}; check OPENSIGNAL_BOUNCES_URL") from error
    except Exception as error:  # imaplib takes a server at its word, and breaks in many ways when it lies
        raise TransportError(
            f"mailbox {address.name} talks no IMAP that we understand ({type(error).__name__})"
        ) from error


def _words(data: Any) -> str:
    """What a server said, in short; it may be anything."""
    text = " ".join(str(item, "utf-8", "replace") if isinstance(item, bytes) else str(item) for item in data or [])
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:200] or "without a word"
