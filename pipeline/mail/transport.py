"""What carries letters: an SMTP server, or a folder. The one place that speaks SMTP.

A `Transport` opens connections; a connection carries one letter after the other and answers with the server's `Reply`. What
concerns one letter is always a reply. What concerns the line is an exception: `LineBroken` tells whether the server may have
taken the letter (RFC 5321 6.1: after the final dot, only its reply tells).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pipeline.config import Settings
from pipeline.errors import SettingsError, TransportError
from pipeline.model import Reply

TIMEOUT = 60.0  # seconds without any answer; RFC 5321 4.5.3.2 allows minutes, mailbox providers answer in seconds
AUTHENTICATION = (530, 534, 535, 538)  # RFC 4954 6: who we are is the matter, not whom we write to
REPLY_LINE = 2_048  # octets; RFC 5321 4.5.3.1.5 wants 512
REPLY_LINES = 100
LETTERS_PER_CONNECTION = 1_000  # servers count letters per connection and close the door at some number


class LineBroken(Exception):
    """The connection broke while a letter was on it. *uncertain*: the server may have taken it."""

    def __init__(self, what: str, *, uncertain: bool) -> None:
        super().__init__(what)
        self.uncertain = uncertain


class Connection(Protocol):
    def send(self, sender: str, recipient: str, message: bytes) -> Reply:
        """Hand over one letter, CRLF line ends only.

        Raises `LineBroken` when the line breaks, `TransportError` when the server refuses us and not this letter.
        """

    def close(self) -> None:
        """End the conversation politely; never raises."""


class Transport(Protocol):
    @property
    def name(self) -> str:
        """Where the letters go, for people, without secrets."""

    def connect(self) -> Connection:
        """Raises `TransportError` when the server cannot be reached or refuses us as a whole."""


def open_transport(settings: Settings) -> Transport:
    """The transport that *settings* name: SMTP where there is a server, else the outbox folder."""
    if settings.smtp_url:
        transport = SmtpTransport.from_url(settings.smtp_url)
        _refuse_the_samples_sender(settings, transport)
        return transport
    assert settings.outbox_dir is not None
    return Outbox(settings.outbox_dir)


def _refuse_the_samples_sender(settings: Settings, transport: SmtpTransport) -> None:
    """Links and answers of the sample lead nowhere: it may mail to this machine, and to nobody else."""
    domain = settings.sender_address.rpartition("@")[2]
    at_home = transport.host in ("localhost", "127.0.0.1", "::1")
    if re.search(r"(^|\.)example\.(org|com|net)$", domain) and not at_home:
        raise SettingsError(
            f"mail_from is still the sample's ({settings.sender_address}); "
            f"set your own in pyproject.toml, and site_url in mkdocs.yml, before {transport.name} is given letters"
        )


# --- SMTP -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    """One mail server. TLS certificates are verified; a password never goes over a line in clear."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    implicit_tls: bool = False  # smtps://
    starttls: str = "offered"  # offered | require | never
    timeout: float = TIMEOUT

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def from_url(cls, url: str) -> SmtpTransport:
        """``smtp[s]://[USER:PASSWORD@]HOST[:PORT][?starttls=offered|require|never]``. Raises `SettingsError`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            # The error would repeat a part of the password.
            raise SettingsError(
                "smtp_url is not an address; write smtp://USER:PASSWORD@HOST:587, and / # @ : in a password as %2F %23 %40 %3A"
            ) from error
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise SettingsError("smtp_url: write smtp://USER:PASSWORD@HOST:587 or smtps://HOST:465")
        implicit = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=port or (465 if implicit else 587 if parts.username else 25),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            implicit_tls=implicit,
            starttls=_starttls(parts),
        )

    def connect(self) -> Connection:
        try:
            return SmtpConnection(self._greeted())
        except smtplib.SMTPAuthenticationError as error:
            raise TransportError(
                f"mail server {self.name} refused the user name or password ({_reply(error)}); check OPENSIGNAL_SMTP_URL"
            ) from error
        except smtplib.SMTPResponseException as error:
            raise TransportError(f"mail server {self.name} does not want to talk to us: {_reply(error)}") from error
        except ssl.SSLError as error:
            raise TransportError(
                f"mail server {self.name}: TLS failed: {error.reason or error}; check the host name and its certificate"
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise TransportError(
                f"mail server {self.name} cannot be reached: {_plain(error)}; "
                "check that it runs and that OPENSIGNAL_SMTP_URL names it"
            ) from error

    def _greeted(self) -> smtplib.SMTP:
        tls = ssl.create_default_context()
        client: smtplib.SMTP
        if self.implicit_tls:
            client = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=tls)
        else:
            client = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            if client.sock is not None:
                client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.ehlo_or_helo_if_needed()
            if not self.implicit_tls:
                self._secure(client, tls)
            if self.user:
                client.login(self.user, self.password)
        except BaseException:
            client.close()
            raise
        return client

    def _secure(self, client: smtplib.SMTP, tls: ssl.SSLContext) -> None:
        required = self.starttls == "require" or (self.user and self.starttls != "never")
        if self.starttls != "never" and client.has_extn("starttls"):
            client.starttls(context=tls)
            client.ehlo()
        elif required:
            raise TransportError(
                f"mail server {self.name} offers no STARTTLS, and a password must not go over a line in clear; "
                "use smtps://, or add ?starttls=never on a line that you trust"
            )


class SmtpConnection:
    """A conversation with one server, greeted by smtplib; letters then go over its socket directly.

    Where the server offers PIPELINING (RFC 2920), the envelope and DATA are sent at once: two waits a letter instead of four.
    """

    def __init__(self, client: smtplib.SMTP) -> None:
        assert client.sock is not None
        self._client, self._socket = client, client.sock
        self._file = self._socket.makefile("rb")
        self._pipelining = client.has_extn("pipelining")
        self._international = client.has_extn("smtputf8")

    def send(self, sender: str, recipient: str, message: bytes) -> Reply:
        ascii_only = recipient.isascii() and sender.isascii()
        if not ascii_only and not self._international:
            return Reply(553, "5.6.7", "the mail server does not take addresses beyond ASCII (RFC 6531)")
        options = "" if ascii_only else " SMTPUTF8 BODY=8BITMIME"
        with _line_breaks_are(uncertain=False):
            refusal = self._envelope(f"MAIL FROM:<{sender}>{options}", f"RCPT TO:<{recipient}>", "DATA")
            if refusal is not None:
                return refusal
            self._socket.sendall(dot_stuffed(message))
        with _line_breaks_are(uncertain=True):
            return self._reply()

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._say("QUIT")
        self._file.close()
        self._client.close()

    def _envelope(self, *commands: str) -> Reply | None:
        """Go through *commands* up to the point where the letter itself is wanted, or return the reply that refuses it."""
        if self._pipelining:
            self._say(*commands)
        for place, command in enumerate(commands):
            if not self._pipelining:
                self._say(command)
            reply = self._reply()
            if reply.permanent and (not command.startswith("RCPT") or reply.code in AUTHENTICATION):
                # Not this reader is refused but our sender, or all of us: no letter may be booked as failed for it.
                raise TransportError(
                    f"the mail server refuses {command.partition(':')[0]}: {reply}; check mail_from and smtp_url"
                )
            if reply.code not in (250, 251, 354):
                self._begin_anew(reply, unread=len(commands) - place - 1 if self._pipelining else 0)
                return reply
        return None

    def _begin_anew(self, refusal: Reply, *, unread: int) -> None:
        """After a refusal: read what is still to come, and make the server forget the envelope."""
        if refusal.code == 421:  # RFC 5321 3.8: the server closes the channel; so do we, whatever it still says
            self._file.close()
            self._client.close()
            return
        for _ in range(unread):
            if self._reply().code == 354:  # RFC 2920 3.1: it wants a letter that nobody is to get; give it none
                self._socket.sendall(b".\r\n")
                self._reply()
        self._say("RSET")
        self._reply()

    def _say(self, *commands: str) -> None:
        self._socket.sendall("".join(f"{command}\r\n" for command in commands).encode("utf-8"))

    def _reply(self) -> Reply:
        """The server's next reply, of one or more lines (RFC 5321 4.2.1)."""
        texts: list[bytes] = []
        while len(texts) < REPLY_LINES:
            line = self._file.readline(REPLY_LINE + 1)
            if not line.endswith(b"\n"):
                raise smtplib.SMTPServerDisconnected(
                    "the server hung up" if len(line) <= REPLY_LINE else "endless reply"
                )
            if not line[:3].isdigit():
                raise smtplib.SMTPServerDisconnected("the server does not speak SMTP any more")
            texts.append(line[4:].strip())
            if line[3:4] != b"-":
                return _to_reply(int(line[:3]), b" ".join(texts))
        raise smtplib.SMTPServerDisconnected("endless reply")


@contextlib.contextmanager
def _line_breaks_are(*, uncertain: bool) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, smtplib.SMTPException) as error:  # ValueError: the socket was closed by us
        raise LineBroken(_plain(error), uncertain=uncertain) from error


def dot_stuffed(message: bytes) -> bytes:
    """*message* as it goes over the wire after DATA, with the final dot (RFC 5321 4.5.2)."""
    stuffed = re.sub(rb"(?m)^\.", b"..", message)
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n")


_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\s*")


def _to_reply(code: int, text: bytes) -> Reply:
    """The server's words, made printable: they may hold anything."""
    words = " ".join(text.decode("utf-8", "replace").split())
    words = "".join(c if c.isprintable() else "?" for c in words)
    found = _ENHANCED.match(words)
    return Reply(max(0, code), found[1] if found else "", words[found.end() :] if found else words)


def _reply(error: smtplib.SMTPResponseException) -> str:
    text = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
    return str(_to_reply(error.smtp_code, text))


def _plain(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _starttls(parts: SplitResult) -> str:
    value = parse_qs(parts.query).get("starttls", ["offered"])[-1]
    if value not in ("offered", "require", "never"):
        raise SettingsError(f"smtp_url: starttls={value} is not known; use offered, require or never")
    return value


# --- the outbox ------------------------------------------------------------------------------------------------------


class Outbox:
    """A Maildir: every letter a file, byte for byte as it would go over the wire.

    A file is named by its content, so that a letter that is written again after a crash is still one letter.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)

    def connect(self) -> Connection:
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            for part in ("", "tmp", "new", "cur"):
                (self.folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise TransportError(f"outbox {self.folder} cannot be made: {_plain(error)}") from error
        return self

    def send(self, sender: str, recipient: str, message: bytes) -> Reply:
        name = f"{hashlib.sha256(message).hexdigest()[:32]}.opensignal"
        waiting, kept = self.folder / "tmp" / f"{name}.{os.getpid()}", self.folder / "new" / name
        try:
            with waiting.open("wb") as file:
                file.write(message)
                file.flush()
                os.fsync(file.fileno())
            waiting.replace(kept)
        except OSError as error:
            waiting.unlink(missing_ok=True)
            raise TransportError(
                f"outbox {self.folder} cannot be written: {_plain(error)}; make room and run again"
            ) from error
        return Reply(250, "2.0.0", "kept in the outbox")

    def close(self) -> None:
        pass
