"""What carries letters: SMTP servers, or a folder. The one place that opens SMTP connections.

A `Transport` opens connections; a connection carries one copy after the other and answers with the server's reply. What
concerns one copy is always an answer. What concerns the line is an exception: `LineBroken` tells whether the server may have
taken the copy. What is said on a connection is `smtp`'s, many connections at once are `lines`'.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pipeline.config import Settings
from pipeline.errors import SettingsError, TransportError
from pipeline.mail.smtp import Answer, Copy, NotSmtp, Offers, Replies, Stage, Transaction, cannot_carry, to_reply
from pipeline.model import Reply

TIMEOUT = 60.0  # seconds without any answer; RFC 5321 4.5.3.2 allows minutes, mailbox providers answer in seconds
# RFC 5321 4.5.3.2.6: ten minutes for the answer to the letter; who hangs up sooner sends it twice.
PATIENCE_AT_THE_END = 10  # times TIMEOUT
CHUNK = 65_536  # octets read at once
# Seconds that a relay is left alone after the first, second, ... failure in a row.
DOWN_FOR = (30.0, 60.0, 120.0, 300.0)


class LineBroken(Exception):
    """The connection broke while a copy was on it. *uncertain*: the server may have taken it."""

    def __init__(self, what: str, *, uncertain: bool) -> None:
        super().__init__(what)
        self.uncertain = uncertain


class Connection(Protocol):
    @property
    def is_open(self) -> bool:
        """False once the server has said that it closes, or the line broke."""

    def carry(self, copy: Copy) -> Answer:
        """Hand over one copy and wait for the answer.

        Raises `LineBroken` when the line breaks, `TransportError` when nothing more can be carried at all.
        """

    def close(self) -> None:
        """End the conversation politely; never raises."""


class Transport(Protocol):
    @property
    def name(self) -> str:
        """Where the letters go, for people, without secrets."""

    def connect(self) -> Connection:
        """Raises `TransportError` when no server can be reached, or all refuse us as a whole."""


def open_transport(settings: Settings) -> Transport:
    """The transport that *settings* name: SMTP where there is a server, else the outbox folder."""
    if settings.smtp_url:
        relays = [SmtpTransport.from_url(url, ehlo=settings.ehlo) for url in settings.smtp_url.split()]
        for relay in relays:
            _refuse_the_samples_sender(settings, relay)
        return relays[0] if len(relays) == 1 else Relays(relays)
    assert settings.outbox_dir is not None
    return Outbox(settings.outbox_dir)


def send_one(transport: Transport, sender: str, recipient: str, message: bytes) -> Reply:
    """Carry one message over a connection of its own. Raises `TransportError` where no reply came, or where it refuses us."""
    connection = transport.connect()
    try:
        answer = connection.carry(Copy.of(sender, recipient, message))
    except LineBroken as error:
        raise TransportError(f"mail server {transport.name} broke the connection: {error}; send it again") from error
    finally:
        connection.close()
    if answer.concerns_us:
        raise TransportError(refusal_of_us(transport.name, answer))
    return answer.reply


def refusal_of_us(name: str, answer: Answer) -> str:
    """The words for an answer that concerns us and not the recipient."""
    return f"the mail server {name} refuses {answer.stage}: {answer.reply}; check mail_from and smtp_url"


def _refuse_the_samples_sender(settings: Settings, transport: SmtpTransport) -> None:
    """Links and answers of the sample lead nowhere: it may mail to this machine, and to nobody else."""
    at_home = transport.host in ("localhost", "127.0.0.1", "::1")
    if settings.is_sample and not at_home:
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
    password: str = field(default="", repr=False)
    implicit_tls: bool = False  # smtps://
    starttls: str = "offered"  # offered | require | never
    timeout: float = TIMEOUT
    weight: int = 1  # its share, among several
    chunking: bool = True  # use BDAT where it is offered
    ehlo: str = field(default_factory=socket.gethostname)  # what we call ourselves

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def from_url(cls, url: str, *, ehlo: str = "") -> SmtpTransport:
        """``smtp[s]://[USER:PASSWORD@]HOST[:PORT][?starttls=require&weight=2&timeout=30&chunking=never]``.

        Raises `SettingsError`.
        """
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
        options = _Options(parts)
        return cls(
            host=parts.hostname,
            port=port or (465 if implicit else 587 if parts.username else 25),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            implicit_tls=implicit,
            starttls=options.one_of("starttls", ("offered", "require", "never")),
            timeout=options.number("timeout", int(TIMEOUT), least=1, most=600),
            weight=options.number("weight", 1, least=1, most=1_000),
            chunking=options.one_of("chunking", ("offered", "never")) == "offered",
            ehlo=ehlo or socket.gethostname(),
        )

    def connect(self) -> SmtpConnection:
        try:
            return SmtpConnection(self._greeted(), self)
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
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise TransportError(
                f"mail server {self.name} cannot be reached: {plain(error)}; "
                "check that it runs and that OPENSIGNAL_SMTP_URL names it"
            ) from error

    def _greeted(self) -> smtplib.SMTP:
        kind = functools.partial(smtplib.SMTP_SSL, context=_tls()) if self.implicit_tls else smtplib.SMTP
        # Without a name, smtplib asks DNS for ours, for five seconds where that does not answer.
        client = kind(local_hostname=self.ehlo, timeout=self.timeout)
        client._host = self.host  # type: ignore[attr-defined]  # the name that TLS checks; `connect` does not set it
        # A server that never finishes its greeting must not hold us for ever: smtplib's time-out starts anew with every octet.
        guard = threading.Timer(3 * self.timeout, _hang_up, [client])
        guard.daemon = True
        guard.start()
        try:
            code, words = client.connect(self.host, self.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, words)  # noqa: TRY301 -- closed as after any other fault
            if client.sock is not None:
                client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.ehlo_or_helo_if_needed()
            if not self.implicit_tls:
                self._secure(client)
            if self.user:
                client.login(self.user, self.password)
        except BaseException:
            client.close()
            raise
        finally:
            guard.cancel()
        return client

    def _secure(self, client: smtplib.SMTP) -> None:
        required = self.starttls == "require" or (self.user and self.starttls != "never")
        if self.starttls != "never" and client.has_extn("starttls"):
            client.starttls(context=_tls())
            client.ehlo()
        elif required:
            raise TransportError(
                f"mail server {self.name} offers no STARTTLS, and a password must not go over a line in clear; "
                "use smtps://, or add ?starttls=never on a line that you trust"
            )


def _tls() -> ssl.SSLContext:
    return _tls_trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.lru_cache(maxsize=4)
def _tls_trusting(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Verifies certificates; reading those that it trusts takes longer than sending a hundred letters, so once is enough."""
    return ssl.create_default_context()


def _hang_up(client: smtplib.SMTP) -> None:
    sock = client.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


class SmtpConnection:
    """A conversation with one server, greeted by smtplib; copies then go over its socket directly."""

    def __init__(self, client: smtplib.SMTP, relay: SmtpTransport) -> None:
        assert client.sock is not None
        self.socket = client.sock
        self.relay = relay
        self.offers = _offers(client, relay)
        self.replies = Replies()
        self.is_open = True
        self._client = client  # owns the socket

    def carry(self, copy: Copy) -> Answer:
        if refusal := cannot_carry(self.offers, copy):
            return Answer(refusal, Stage.RCPT)
        transaction = Transaction(self.offers, copy)
        left = False  # all that was handed out
        try:
            words = transaction.start()
            while True:
                left = False
                if words:
                    self._say(words)
                left = True
                if transaction.is_over:
                    break
                words = transaction.hear(self._hear(transaction))
        except (OSError, NotSmtp) as error:
            self.is_open = False
            if transaction.verdict is not None:
                return transaction.verdict
            raise LineBroken(plain(error), uncertain=left and transaction.is_uncertain) from error
        assert transaction.answer is not None
        if transaction.closes or not self.replies.is_empty:
            self.is_open = False
            self._client.close()
        return transaction.answer

    @property
    def is_unasked(self) -> bool:
        """True where the server says something, or hangs up, between two letters: its next answer would be none to what we ask.

        For a socket that does not block.
        """
        try:
            self.socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.socket.settimeout(1.0)
            self.socket.sendall(b"QUIT\r\n")
        self._client.close()

    def _say(self, words: bytes) -> None:
        self.socket.settimeout(self.relay.timeout)  # of the whole of it: `sendall` counts so
        self.socket.sendall(words)

    def _hear(self, transaction: Transaction) -> Reply:
        deadline = time.monotonic() + patience(self.relay, transaction)
        while (reply := self.replies.next()) is None:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            if time.monotonic() > deadline:
                raise TimeoutError("timed out")
            data = self.socket.recv(CHUNK)
            if not data:
                raise NotSmtp("the server hung up")
            self.replies.feed(data)
        return reply


def patience(relay: SmtpTransport, transaction: Transaction) -> float:
    """Seconds to wait for the next reply, however slowly it comes."""
    return relay.timeout * (PATIENCE_AT_THE_END if transaction.waits_for is Stage.OCTETS else 1)


def _offers(client: smtplib.SMTP, relay: SmtpTransport) -> Offers:
    extensions = dict(client.esmtp_features)
    if not relay.chunking:
        extensions.pop("chunking", None)
    return Offers.named(extensions)


class _Options:
    """What stands behind the ``?`` of an address."""

    def __init__(self, parts: SplitResult) -> None:
        self._values = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if unknown := set(self._values) - {"starttls", "timeout", "weight", "chunking"}:
            raise SettingsError(
                f"smtp_url: {min(unknown)} is not known; there are starttls, timeout, weight and chunking"
            )

    def one_of(self, name: str, known: Sequence[str]) -> str:
        """The word that *name* has; the first of *known* by default."""
        value = self._values.get(name, known[0])
        if value not in known:
            raise SettingsError(f"smtp_url: {name}={value} is not known; use {', '.join(known[:-1])} or {known[-1]}")
        return value

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        value = self._values.get(name, str(default))
        if not re.fullmatch(r"\d{1,9}", value) or not least <= int(value) <= most:
            raise SettingsError(f"smtp_url: {name}={value} is not a number from {least} to {most}")
        return int(value)


def _reply(error: smtplib.SMTPResponseException) -> str:
    text = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
    return str(to_reply(error.smtp_code, text))


def plain(error: Exception) -> str:
    """What a foreign error says, in a few words."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


# --- several relays ---------------------------------------------------------------------------------------------------


class Relays:
    """Several mail servers: each connection goes to one of them by weight, and past those that are down."""

    def __init__(self, relays: Sequence[SmtpTransport], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._relays = tuple(relays)
        self._clock = clock
        self._credit = dict.fromkeys(self._relays, 0)
        self._down: dict[SmtpTransport, tuple[float, int]] = {}  # until when, and after how many failures in a row
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return ", ".join(relay.name for relay in self._relays)

    def connect(self) -> SmtpConnection:
        """A connection to the next relay by weight that can be reached. Those that are down are tried last."""
        troubles = []
        for relay in self._in_turn():
            try:
                connection = relay.connect()
            except TransportError as error:
                self.failed(relay)
                troubles.append(str(error))
                continue
            with self._lock:
                self._down.pop(relay, None)
            return connection
        raise TransportError("; ".join(troubles))

    def failed(self, relay: SmtpTransport) -> None:
        """Leave *relay* alone for a while: it cannot be reached, or refuses us."""
        with self._lock:
            failures = self._down.get(relay, (0.0, 0))[1]
            self._down[relay] = (self._clock() + DOWN_FOR[min(failures, len(DOWN_FOR) - 1)], failures + 1)

    def _in_turn(self) -> list[SmtpTransport]:
        """All relays, the one whose turn it is first: smooth weighted round-robin over those that are up."""
        with self._lock:
            now = self._clock()
            up = [relay for relay in self._relays if self._down.get(relay, (0.0, 0))[0] <= now]
            down = [relay for relay in self._relays if relay not in up]
            if not up:
                return sorted(down, key=lambda relay: self._down[relay][0])
            for relay in up:
                self._credit[relay] += relay.weight
            up.sort(key=lambda relay: -self._credit[relay])
            self._credit[up[0]] -= sum(relay.weight for relay in up)
            return [*up, *down]


# --- the outbox ------------------------------------------------------------------------------------------------------


class Outbox:
    """A Maildir: every letter a file, byte for byte as it would go over the wire.

    A file is named by its content, so that a letter that is written again after a crash is still one letter.
    """

    is_open = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)

    def connect(self) -> Outbox:
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            for part in ("", "tmp", "new", "cur"):
                (self.folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise TransportError(f"outbox {self.folder} cannot be made: {plain(error)}") from error
        return self

    def carry(self, copy: Copy) -> Answer:
        message = copy.plain()
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
                f"outbox {self.folder} cannot be written: {plain(error)}; make room and run again"
            ) from error
        return Answer(Reply(250, "2.0.0", "kept in the outbox"), Stage.OCTETS)

    def close(self) -> None:
        pass
