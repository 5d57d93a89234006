"""The outside world, as real servers on loopback: a mail server that keeps what it is given and answers as it is told.

python -m tests.fakes JOURNAL [--fault STAGE:KIND[:SHARE]]... [--seed N] [--extension NAME]... [--port N]

runs a mail server of its own process: it prints its port, and writes a line of JSON for each letter before it says that it
has it. `Accepted` reads those lines. A number on its standard input is how many more letters it begins before it says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import email
import email.policy
import hashlib
import ipaddress
import json
import os
import re
import ssl
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from enum import Enum
from pathlib import Path
from typing import cast

EXTENSIONS = ("8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "PIPELINING")
STAGES = ("connect", "ehlo", "starttls", "mail", "rcpt", "data", "body", "message")


class Mood(Enum):
    """What a server may do instead of answering. At the stage ``message`` it has kept the letter before, except for `LOSE`."""

    DRIBBLE = "a reply that comes an octet at a time and never ends"
    ENDLESS = "lines without an end, each saying that more will come"
    SILENT = "nothing at all, and the line stays open"
    LOSE = "hangs up, and has not kept the letter"


Answer = str | bytes | Mood | None  # "": the usual one; bytes: as they are; None: hang up


@dataclass(frozen=True)
class Received:
    """One letter as it came over the wire, dots unstuffed."""

    sender: str
    recipient: str
    data: bytes
    began: float = 0.0  # when its MAIL FROM was read, in seconds since 1970
    at: float = 0.0  # when it was kept: before the server said so
    connection: int = 0  # the server's number of the connection
    options: tuple[str, str] = ("", "")  # what stood behind the addresses of MAIL FROM and RCPT TO

    @property
    def message(self) -> EmailMessage:
        return cast("EmailMessage", email.message_from_bytes(self.data, policy=email.policy.default))

    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return cast("str", part.get_content())

    def html(self) -> str:
        part = self.message.get_body(("html",))
        assert part is not None
        return cast("str", part.get_content())


@dataclass(frozen=True)
class Accepted:
    """A letter that a server has kept, as its journal tells it: without the letter, with its hash."""

    recipient: str
    message_id: str
    sha256: str
    sender: str
    began: float
    at: float
    connection: int

    @classmethod
    def of(cls, letter: Received) -> Accepted:
        head = letter.data[: letter.data.find(b"\r\n\r\n") + 2]
        found = re.search(rb"(?mi)^Message-ID:[ \t\r\n]*([^\r\n]+)", head)
        return cls(
            recipient=letter.recipient,
            message_id=found[1].decode("utf-8", "replace").strip() if found else "",
            sha256=hashlib.sha256(letter.data).hexdigest(),
            sender=letter.sender,
            began=letter.began,
            at=letter.at,
            connection=letter.connection,
        )

    @classmethod
    def read(cls, journal: Path) -> list[Accepted]:
        """What the journal holds; a last line that is only half there was never acknowledged."""
        return [cls(**json.loads(line)) for line in journal.read_bytes().split(b"\n")[:-1]]

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


class MailServer:
    """An SMTP server (RFC 5321) in a thread of its own. `answer` decides what it says; by default it takes everything.

    *answer* gets the stage (one of `STAGES`), the recipient if known, and how many connections there were. It returns a line
    without its end, bytes that are written as they are, a `Mood`, None to hang up, or "" for the usual answer. The stage ``body``
    comes when a part of the letter has been read: None hangs up there, and nothing else can be answered. The stage ``message``
    comes when the whole of it was read: hanging up then happens after it was kept, and the client cannot know.
    Beside these there is ``rset``, by which a client lets go of a letter that was refused.

    `extensions` are what EHLO offers; CHUNKING (RFC 3030), DSN (RFC 3461) and STARTTLS (with `tls`) are understood too.
    """

    def __init__(self, answer: Callable[[str, str, int], Answer] = lambda stage, recipient, connection: "") -> None:
        self.answer = answer
        self.received: list[Received] = []
        self.connections = 0
        self.open_now = 0
        self.most_open = 0
        self.asked: list[tuple[str, str]] = []  # the last stages and recipients that were come to, in order
        self.journal: Callable[[Received], None] = self.received.append
        self.extensions = list(EXTENSIONS)
        self.tls: ssl.SSLContext | None = None
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self, port: int = 0) -> MailServer:
        self._want_port = port
        self._thread.start()
        self._ready.wait(10)
        return self

    def stop(self) -> None:
        """Close the door and hang up on everybody."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def recipients(self) -> list[str]:
        return [received.recipient for received in self.received]

    def accepted(self) -> list[Accepted]:
        return [Accepted.of(letter) for letter in list(self.received)]

    # -- inside

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", self._want_port, limit=2**22, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        await asyncio.sleep(0)  # connections that were accepted in this very moment get their task
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            gone = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError, _HangUp)
            with contextlib.suppress(*gone):
                await _Conversation(self, reader, writer, self.connections).run()
        finally:
            self.open_now -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError, ssl.SSLError):
                await writer.wait_closed()
            self._tasks.discard(task)


class _Conversation:
    """One connection, from the greeting to its end."""

    def __init__(
        self, server: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self._server, self._reader, self._writer, self._number = server, reader, writer, number
        self._secure = False
        self._forget()

    async def run(self) -> None:
        await self._say("connect", "220 mail.test ready")
        while line := await self._reader.readline():
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    await self._hello()
                case "STARTTLS" if self._server.tls and not self._secure:
                    await self._start_tls()
                case "MAIL":
                    await self._mail(rest)
                case "RCPT":
                    await self._rcpt(rest)
                case "DATA" if self._stage != "rcpt":
                    self._write("503 5.5.1 sender first" if not self._stage else "554 5.5.1 no valid recipients")
                case "DATA":
                    await self._data()
                case "BDAT" if "CHUNKING" in self._server.extensions:
                    await self._chunk(rest)
                case "RSET":
                    await self._say("rset", "250 2.0.0 forgotten")
                    self._forget()
                case "QUIT":
                    self._write("221 2.0.0 bye")
                    return
                case _:
                    self._write("502 5.5.1 not here")
            await self._writer.drain()

    def _forget(self) -> None:
        self._stage = self._sender = self._recipient = ""  # stage: "", mail, rcpt
        self._options = ["", ""]
        self._began = 0.0
        self._chunks = bytearray()

    async def _hello(self) -> None:
        offered = [x for x in self._server.extensions if not (x == "STARTTLS" and self._secure)]
        lines = ["mail.test", *offered]
        await self._say("ehlo", "\r\n".join([*(f"250-{x}" for x in lines[:-1]), f"250 {lines[-1]}"]))

    async def _start_tls(self) -> None:
        said = await self._say("starttls", "220 2.0.0 go ahead")
        if said.startswith("220"):
            await self._writer.drain()
            assert self._server.tls is not None
            await self._writer.start_tls(self._server.tls)
            self._secure = True

    async def _mail(self, rest: str) -> None:
        self._forget()
        self._began = time.time()
        self._sender, self._options[0] = _path(rest)
        if (await self._say("mail", "250 2.1.0 go on")).startswith("2"):
            self._stage = "mail"

    async def _rcpt(self, rest: str) -> None:
        self._recipient, self._options[1] = _path(rest)
        if not self._stage:
            self._write("503 5.5.1 sender first")
        elif (await self._say("rcpt", "250 2.1.5 go on")).startswith("2"):
            self._stage = "rcpt"

    async def _data(self) -> None:
        if not (await self._say("data", "354 end with a dot")).startswith("354"):
            return
        await self._writer.drain()
        await self._may_hang_up_in_the_body()
        stuffed = await self._until_the_dot()
        await self._verdict((b"\r\n" + stuffed).replace(b"\r\n..", b"\r\n.")[2:])

    async def _until_the_dot(self) -> bytes:
        """The letter as it is on the wire, without the line of the final dot."""
        data = bytearray(await self._reader.readexactly(3))  # a dot alone on the very first line ends it too
        while data != b".\r\n" and not data.endswith(b"\r\n.\r\n"):
            data += await self._reader.readuntil(b".\r\n" if b"\n" in data[:3] else b"\r\n.\r\n")
        return bytes(data[:-3])

    async def _chunk(self, rest: str) -> None:
        """RFC 3030 2: the octets follow the command, whatever we say to it."""
        size, _, last = rest.partition(" ")
        if not size.isdigit():
            self._write("501 5.5.4 BDAT SIZE [LAST]")
            return
        if self._stage == "rcpt":
            await self._may_hang_up_in_the_body()
        octets = await self._reader.readexactly(int(size))
        if self._stage != "rcpt":
            self._write("503 5.5.1 sender first" if not self._stage else "554 5.5.1 no valid recipients")
            return
        self._chunks += octets
        if last.upper() == "LAST":
            await self._verdict(bytes(self._chunks))
        else:
            await self._say("data", f"250 2.0.0 {len(self._chunks)} octets received")

    async def _may_hang_up_in_the_body(self) -> None:
        if self._ask("body") is None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._reader.read(64), 1)
            raise _HangUp

    async def _verdict(self, data: bytes) -> None:
        answer = self._ask("message")
        if answer is Mood.LOSE:
            raise _HangUp
        kept = answer is None or isinstance(answer, Mood | bytes) or not answer or answer.startswith("2")
        if kept:
            options = (self._options[0], self._options[1])
            letter = Received(self._sender, self._recipient, data, self._began, time.time(), self._number, options)
            self._server.journal(letter)
        await self._answer(answer, "250 2.0.0 kept")
        self._forget()

    def _ask(self, stage: str) -> Answer:
        self._server.asked.append((stage, self._recipient))
        del self._server.asked[:-10_000]
        return self._server.answer(stage, self._recipient, self._number)

    async def _say(self, stage: str, usual: str) -> str:
        """Answer as the test wants it; returns what was said, as text."""
        return await self._answer(self._ask(stage), usual)

    async def _answer(self, answer: Answer, usual: str) -> str:
        match answer:
            case None | Mood.LOSE:
                await self._writer.drain()
                raise _HangUp
            case Mood():
                await self._misbehave(answer)
            case bytes():
                self._writer.write(answer)
                return answer.decode("latin-1")
        self._write(answer or usual)
        return answer or usual

    async def _misbehave(self, mood: Mood) -> None:
        """Goes on until the client hangs up, or the server is stopped."""
        while not self._reader.at_eof():
            if mood is Mood.ENDLESS:
                self._writer.write(b"250-and more\r\n" * 8)
                await self._writer.drain()
                await asyncio.sleep(0.01)
            elif mood is Mood.DRIBBLE:
                self._writer.write(b"2" if self._number % 2 else b"4")
                await self._writer.drain()
                await asyncio.sleep(0.2)
            else:
                await asyncio.sleep(0.2)
            if self._writer.is_closing():
                break
        raise _HangUp

    def _write(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")


class _HangUp(Exception):
    pass


def _path(rest: str) -> tuple[str, str]:
    """The address of ``FROM:<a@example.org> SIZE=1`` and what stands behind it."""
    _, _, behind = rest.partition("<")
    address, _, options = behind.rpartition(">") if ">" in behind else (behind, "", "")
    if "> " in behind:
        address, _, options = behind.partition("> ")
    return address, options.strip()


@contextlib.contextmanager
def mail_server(answer: Callable[[str, str, int], Answer] | None = None) -> Iterator[MailServer]:
    server = MailServer(answer) if answer else MailServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


# --- what goes wrong, by a script ------------------------------------------------------------------------------------------------


REPLIES: dict[str, Answer] = {
    "421": "421 4.3.2 shutting down",
    "450": "450 4.2.1 mailbox busy",
    "451": "451 4.7.1 greylisted, come again",
    "452": "452 4.3.1 no room now",
    "550": "550 5.1.1 no such user",
    "552": "552 5.2.2 mailbox full",
    "554": "554 5.3.0 no",
    "571": "550 5.7.1 refused by policy",
    "drop": None,
    "lose": Mood.LOSE,
    "dribble": Mood.DRIBBLE,
    "garbage": b"\x00\xff\xfe%%% no SMTP at all\r\n",
    "eight-bit": b"",  # the usual reply with octets above 127, made by `_eight_bit`
    "endless": Mood.ENDLESS,
    "silent": Mood.SILENT,
}
_USUAL = {"connect": 220, "starttls": 220, "data": 354}


@dataclass(frozen=True)
class Fault:
    """At *stage* the server does *kind* (a key of `REPLIES`) to a *share* of the recipients, or of the connections or letters.

    Who is struck depends on *seed* and on the recipient alone where there is one: it is struck each time.
    """

    stage: str
    kind: str
    share: float = 1.0
    seed: int = 0

    @classmethod
    def parse(cls, text: str, *, seed: int = 0) -> Fault:
        stage, kind, *share = text.split(":")
        assert stage in STAGES, stage
        assert kind in REPLIES, kind
        return cls(stage, kind, float(share[0]) if share else 1.0, seed)

    def strikes(self, whom: str) -> bool:
        return zlib.crc32(f"{self.seed} {self.stage} {self.kind} {whom}".encode()) / 2**32 < self.share

    @property
    def answer(self) -> Answer:
        if self.kind != "eight-bit":
            return REPLIES[self.kind]
        if self.stage == "ehlo":
            return b"250-mail.test gr\xfc\xdf dich \x80\xff\r\n250 PIPELINING\r\n"
        return b"%d gr\xfc\xdf dich \x80\xff\r\n" % _USUAL.get(self.stage, 250)


class Script:
    """An `answer` for `MailServer` that follows *faults*."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._letters = 0
        self.kept = 0  # whole letters so far
        self.most = sys.maxsize  # kept letters, after which it is silent to whoever begins another

    def __call__(self, stage: str, recipient: str, connection: int) -> Answer:
        if stage == "mail":
            self._letters += 1
            if self.kept >= self.most:
                return Mood.SILENT
        whom = recipient or (f"letter {self._letters}" if stage == "mail" else f"connection {connection}")
        for fault in self._faults:
            if fault.stage == stage and fault.strikes(whom):
                return fault.answer
        return ""


# --- TLS -----------------------------------------------------------------------------------------------------------------------


def certificate(folder: Path, *, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate of its own authority for *name*, and its key, as files in *folder*."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.now(dt.UTC)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "mail.test.pem", folder / "mail.test.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def server_tls(certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """For `MailServer.tls`; offer STARTTLS in its `extensions` too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return context


# --- a process of its own --------------------------------------------------------------------------------------------------------


def main(words: Sequence[str]) -> None:
    """Run a mail server until the standard input ends. Each letter is in the journal before the client hears of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes")
    parser.add_argument("journal", type=Path)
    parser.add_argument("--fault", action="append", default=[], help="STAGE:KIND[:SHARE]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--extension", action="append", default=[], help="offered by EHLO, besides the usual ones")
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args(words)
    script = Script([Fault.parse(text, seed=chosen.seed) for text in chosen.fault])
    server = MailServer(script)
    server.extensions += chosen.extension
    file = chosen.journal.open("ab", buffering=0)

    def keep(letter: Received) -> None:
        file.write(Accepted.of(letter).line())
        script.kept += 1

    server.journal = keep
    server.start(chosen.port)
    print(server.port, flush=True)
    for line in sys.stdin:
        script.most = script.kept + int(line)
        print(script.most, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
