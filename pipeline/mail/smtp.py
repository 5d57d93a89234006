"""One copy over one SMTP conversation: what to say, and what the answers mean. Knows no socket and no clock.

    PIPELINING and CHUNKING offered    MAIL RCPT BDAT+octets ▶ 3 replies              one wait    RFC 2920, 3030
    PIPELINING offered                 MAIL RCPT DATA ▶ 3 replies, octets ▶ 1 reply   two waits   RFC 2920
    neither                            MAIL ▶, RCPT ▶, DATA ▶, octets ▶               four waits  RFC 5321

`transport` opens the conversation with smtplib and drives one `Transaction` at a time, `lines` drives many at once. A copy is
the server's once it has answered the end of its octets, and may be from the moment in which they have all left (RFC 5321 6.1):
what breaks then is *uncertain*.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline.model import Reply

AUTHENTICATION = (530, 534, 535, 538)  # RFC 4954 6: who we are is the matter, not whom we write to
SERVICE_CLOSES = 421  # RFC 5321 3.8: to whatever it answers, the server closes the channel behind it
REPLY_LINE = 2_048  # octets; RFC 5321 4.5.3.1.5 wants 512
REPLY_LINES = 100


class NotSmtp(Exception):
    """What the server sends is no reply: the line cannot be used any more."""


class CannotMake(Exception):
    """The copy itself could not be made: the fault lies in this letter or this reader, and the cause is chained."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What the server said it can, in its answer to EHLO."""

    pipelining: bool = False  # RFC 2920
    chunking: bool = False  # RFC 3030
    dsn: bool = False  # RFC 3461
    smtputf8: bool = False  # RFC 6531
    eight_bit: bool = False  # RFC 6152

    @classmethod
    def named(cls, extensions: Mapping[str, str]) -> Offers:
        """From EHLO's keywords in small letters, as smtplib keeps them."""
        return cls(
            pipelining="pipelining" in extensions,
            chunking="chunking" in extensions,
            dsn="dsn" in extensions,
            smtputf8="smtputf8" in extensions,
            eight_bit="8bitmime" in extensions,
        )


@dataclass(frozen=True, slots=True)
class Copy:
    """A letter as it goes to one person. The octets are made when they are needed, in the form that the server wants."""

    sender: str  # of the envelope
    recipient: str
    make_plain: Callable[[], bytes]
    make_stuffed: Callable[[], bytes]
    envelope_id: str = ""  # printable ASCII; comes back in a delivery status notification (RFC 3461 4.4)

    @classmethod
    def of(cls, sender: str, recipient: str, message: bytes, *, envelope_id: str = "") -> Copy:
        return cls(sender, recipient, lambda: message, lambda: dot_stuffed(message), envelope_id)

    def plain(self) -> bytes:
        """The octets, with CRLF line ends only. Raises `CannotMake`."""
        return _made(self.make_plain)

    def stuffed(self) -> bytes:
        """The octets as they go after DATA, with the final dot (RFC 5321 4.5.2). Raises `CannotMake`."""
        return _made(self.make_stuffed)


class Stage(StrEnum):
    """The command whose answer is awaited."""

    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    OCTETS = "the letter"  # the answer that counts
    NOTHING = "the empty letter"  # after a 354 for a copy that nobody is to get
    RSET = "RSET"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a transaction ended: the reply that decided, and at which stage it was given."""

    reply: Reply
    stage: Stage

    @property
    def concerns_us(self) -> bool:
        """True where not this recipient was refused but our sender, or all of us: nobody's letter may be booked as failed."""
        if not self.reply.permanent:
            return False
        return self.stage in (Stage.MAIL, Stage.DATA) or self.reply.code in AUTHENTICATION


class Transaction:
    """One copy: `start`, then `hear` each reply, until `answer` is there and `is_over`.

    `start` and `hear` return what to send next; the driver alone knows whether it has left, and asks `is_uncertain` only then.
    """

    def __init__(self, offers: Offers, copy: Copy) -> None:
        self._offers, self._copy = offers, copy
        self._awaited: list[Stage] = []
        self._refused: Answer | None = None
        self._commands: list[bytes] = []  # not yet said; without PIPELINING they wait for their turn
        self.answer: Answer | None = None
        self.closes = False  # the server closes the channel
        self.carries_octets = False  # what was handed out last holds the whole copy

    @property
    def is_over(self) -> bool:
        return self.answer is not None and (self.closes or not self._awaited)

    @property
    def waits_for(self) -> Stage | None:
        return self._awaited[0] if self._awaited else None

    @property
    def is_uncertain(self) -> bool:
        """True when the server may have taken the copy, if the line breaks now and all that was handed out has left."""
        return self.carries_octets and self._refused is None and self.answer is None

    def start(self) -> bytes:
        """The first words. Raises `CannotMake`, also for an address that is none."""
        mail, rcpt = self._envelope()
        if self._offers.pipelining and self._offers.chunking:
            octets = self._copy.plain()
            self._awaited = [Stage.MAIL, Stage.RCPT, Stage.OCTETS]
            self.carries_octets = True
            return b"%b%bBDAT %d LAST\r\n%b" % (mail, rcpt, len(octets), octets)
        if self._offers.pipelining:
            self._awaited = [Stage.MAIL, Stage.RCPT, Stage.DATA]
            return mail + rcpt + b"DATA\r\n"
        self._awaited = [Stage.MAIL]
        self._commands = [rcpt, b"DATA\r\n"]
        return mail

    @property
    def verdict(self) -> Answer | None:
        """The answer that decides about the copy, as soon as it was heard: before what is owed in politeness is over."""
        return self.answer or self._refused

    def hear(self, reply: Reply) -> bytes:
        """Take the next reply; returns what to send now, often nothing.

        Raises `CannotMake`, and `NotSmtp` for an answer that neither goes on nor refuses.
        """
        stage = self._awaited.pop(0)
        if reply.code == SERVICE_CLOSES:
            self.closes = True
            self.answer = self._refused or Answer(reply, stage)
            return b""
        if stage is Stage.OCTETS:
            if _asks_for_more(reply):
                raise NotSmtp(f"the server answers {stage} with {reply.code}")
            self.answer = self._refused or Answer(reply, stage)
            return self._forget() if self._refused else b""
        if stage in (Stage.NOTHING, Stage.RSET):
            return b""
        # RFC 5321 4.3.2: a code that is not of the list counts by its first digit.
        wanted = _asks_for_more(reply) if stage is Stage.DATA else reply.accepted
        if not wanted and self._refused is None:
            if not (reply.temporary or reply.permanent):
                raise NotSmtp(f"the server answers {stage} with {reply.code}")
            self._refused = Answer(reply, stage)
        return self._go_on(stage, reply)

    def _go_on(self, stage: Stage, reply: Reply) -> bytes:
        if self._refused is None:
            if stage is Stage.DATA:
                octets = self._copy.stuffed()
                self._awaited = [Stage.OCTETS]
                self.carries_octets = True
                return octets
            if self._commands:
                self._awaited = [Stage.RCPT if stage is Stage.MAIL else Stage.DATA]
                return self._commands.pop(0)
            return b""
        if stage is Stage.DATA and _asks_for_more(reply):
            # RFC 2920 3.1: it wants a letter that nobody is to get; give it none.
            self._awaited = [Stage.NOTHING]
            self.answer = self._refused
            return b".\r\n" + self._forget()
        if self._awaited:  # pipelined: the rest has been said already
            return b""
        self.answer = self._refused
        return self._forget()

    def _forget(self) -> bytes:
        """After a refusal, make the server forget the envelope."""
        self._awaited = [*self._awaited, Stage.RSET]
        return b"RSET\r\n"

    def _envelope(self) -> tuple[bytes, bytes]:
        copy, offers = self._copy, self._offers
        for address in (copy.sender, copy.recipient):
            if not _is_mailbox(address):
                # smtplib would cut it, and mail somebody else.
                raise CannotMake("the address is none that a server could be given")
        mail, rcpt = f"MAIL FROM:<{copy.sender}>", f"RCPT TO:<{copy.recipient}>"
        if not (copy.sender + copy.recipient).isascii():
            mail += " SMTPUTF8 BODY=8BITMIME" if offers.eight_bit else " SMTPUTF8"
        if offers.dsn:
            # Of failures alone, with headers only (M-23): a delay is our own relay's matter.
            mail += " RET=HDRS" + (f" ENVID={_xtext(copy.envelope_id)}" if copy.envelope_id else "")
            rcpt += " NOTIFY=FAILURE" + (f" ORCPT=rfc822;{_xtext(copy.recipient)}" if copy.recipient.isascii() else "")
        return f"{mail}\r\n".encode(), f"{rcpt}\r\n".encode()


def _asks_for_more(reply: Reply) -> bool:
    return 300 <= reply.code < 400


_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f<>\ufffd]")


@functools.lru_cache(maxsize=64)  # the sender of most letters is the same
def _is_mailbox(address: str) -> bool:
    """One local part and one domain, of the lengths of RFC 5321 4.5.3.1; what else makes an address is `mail/addresses.py`'s."""
    if _NO_ADDRESS.search(address):
        return False
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain) and "@" not in local and len(local.encode()) <= 64 and len(domain) <= 255


def _made(make: Callable[[], bytes]) -> bytes:
    try:
        return make()
    except Exception as error:  # whatever may be wrong with one reader's row or one letter's bytes
        raise CannotMake(f"{type(error).__name__}: {error}") from error


def cannot_carry(offers: Offers, copy: Copy) -> Reply | None:
    """Why this server cannot be given the copy at all (M-26), in the reply that it would have given."""
    if (copy.sender + copy.recipient).isascii() or offers.smtputf8:
        return None
    return Reply(553, "5.6.7", "the mail server does not take addresses beyond ASCII (RFC 6531)")


class Replies:
    """Cuts what comes in into replies of one or more lines (RFC 5321 4.2.1)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._texts: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self._buffer += data

    @property
    def is_empty(self) -> bool:
        """False where more came in than was asked for."""
        return not self._buffer and not self._texts

    def next(self) -> Reply | None:
        """The next whole reply, None until it is there. Raises `NotSmtp`."""
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[: end + 1])
            del self._buffer[: end + 1]
            if end > REPLY_LINE or len(self._texts) >= REPLY_LINES:
                raise NotSmtp("endless reply")
            code, text, goes_on = _cut(line)
            if goes_on:
                self._texts.append(text)
                continue
            if self._texts:
                text = b" ".join([*self._texts, text])
                self._texts.clear()
            return to_reply(code, text)
        if len(self._buffer) > REPLY_LINE:
            raise NotSmtp("endless reply")
        return None


@functools.lru_cache(maxsize=256)  # as below
def _cut(line: bytes) -> tuple[int, bytes, bool]:
    """Code and text of one line of a reply, and whether another one follows. Raises `NotSmtp`."""
    if not _REPLY.match(line):
        raise NotSmtp("the server does not speak SMTP any more")
    return int(line[:3]), line[4:].strip(), line[3:4] == b"-"


def dot_stuffed(message: bytes) -> bytes:
    """*message* as it goes over the wire after DATA, with the final dot (RFC 5321 4.5.2)."""
    stuffed = re.sub(rb"(?m)^\.", b"..", message)
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n")


_REPLY = re.compile(rb"[2-5]\d\d[ \r\n-]")
_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})(?=\s|$)\s*")


@functools.lru_cache(maxsize=256)  # servers say the same of most letters
def to_reply(code: int, text: bytes) -> Reply:
    """The server's words, made printable: they may hold anything."""
    words = " ".join(text.decode("utf-8", "replace").split())
    if not words.isprintable():
        words = "".join(c if c.isprintable() else "?" for c in words)
    found = _ENHANCED.match(words)
    if not found:
        return Reply(max(0, code), "", words)
    # Each line of a reply repeats the status (RFC 2034 4).
    return Reply(max(0, code), found[1], words[found.end() :].replace(f"{found[1]} ", ""))


def _xtext(text: str) -> str:
    """RFC 3461 4: printable ASCII without space, + and =, the rest in hexadecimal digits."""
    return re.sub(r"[^!-*,-<>-~]", lambda found: "".join(f"+{byte:02X}" for byte in found[0].encode()), text)
