"""The outside world, as real servers on loopback: a mail server that keeps what it is given and answers as it is told.

python -m tests.fakes JOURNAL     a mail server of its own process: prints its port, writes a line for each letter it takes
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import cast

Answer = bytes | None  # None: hang up


@dataclass(frozen=True)
class Received:
    """One letter as it came over the wire, dots unstuffed."""

    sender: str
    recipient: str
    data: bytes

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


class MailServer:
    """An SMTP server (RFC 5321) in a thread of its own. `answer` decides what it says; by default it takes everything.

    *answer* gets the stage (connect, mail, rcpt, data, message), the recipient if known, and how many connections there were.
    It returns a line without its end, None to hang up, or "" for the usual answer. For the stage ``message`` hanging up happens
    after the letter was kept: the server took it, and the client cannot know.
    """

    def __init__(self, answer: Callable[[str, str, int], str | None] = lambda stage, recipient, connection: "") -> None:
        self.answer = answer
        self.received: list[Received] = []
        self.connections = 0
        self.open_now = 0
        self.most_open = 0
        self.journal: Callable[[Received], None] = self.received.append
        self.extensions = ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "PIPELINING"]
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

    # -- inside

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", self._want_port, limit=2**22)
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
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, _HangUp):
                await self._converse(reader, writer, self.connections)
        finally:
            self.open_now -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()
            self._tasks.discard(task)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        sender = recipient = ""
        accepted = ""

        def say(stage: str, usual: str) -> str:
            line = self.answer(stage, recipient, number)
            if line is None:
                raise _HangUp
            writer.write((line or usual).encode() + b"\r\n")
            return line or usual

        say("connect", "220 mail.test ready")
        while line := await reader.readline():
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    lines = ["mail.test", *self.extensions]
                    writer.write("".join(f"250-{x}\r\n" for x in lines[:-1]).encode() + f"250 {lines[-1]}\r\n".encode())
                case "MAIL":
                    sender = rest[rest.index("<") + 1 : rest.index(">")]
                    accepted = "mail" if say("mail", "250 2.1.0 go on").startswith("2") else ""
                case "RCPT":
                    recipient = rest[rest.index("<") + 1 : rest.index(">")]
                    if not accepted:
                        writer.write(b"503 5.5.1 sender first\r\n")
                    elif say("rcpt", "250 2.1.5 go on").startswith("2"):
                        accepted = "rcpt"
                case "DATA" if accepted != "rcpt":
                    writer.write(b"554 5.5.1 no valid recipients\r\n")
                case "DATA":
                    if not say("data", "354 end with a dot").startswith("354"):
                        continue
                    await writer.drain()
                    data = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                    verdict = self.answer("message", recipient, number)
                    if verdict is None or not verdict or verdict.startswith("2"):
                        self.journal(Received(sender, recipient, data))
                    if verdict is None:
                        raise _HangUp
                    writer.write((verdict or "250 2.0.0 kept").encode() + b"\r\n")
                case "RSET":
                    accepted = ""
                    writer.write(b"250 2.0.0 forgotten\r\n")
                case "QUIT":
                    writer.write(b"221 2.0.0 bye\r\n")
                    return
                case _:
                    writer.write(b"502 5.5.1 not here\r\n")
            await writer.drain()


class _HangUp(Exception):
    pass


@contextlib.contextmanager
def mail_server(answer: Callable[[str, str, int], str | None] | None = None) -> Iterator[MailServer]:
    server = MailServer(answer) if answer else MailServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def main(journal: str) -> None:
    """Run a mail server until the standard input ends. Each letter is in the journal before the client hears of it."""
    server = MailServer()
    file = Path(journal).open("ab", buffering=0)  # noqa: SIM115 -- open as long as the process

    def write(received: Received) -> None:
        message_id = (
            received.data[: received.data.index(b"\r\n\r\n")].partition(b"Message-ID: ")[2].partition(b"\r\n")[0]
        )
        file.write(received.recipient.encode() + b" " + message_id + b"\n")

    server.journal = write
    server.start()
    print(server.port, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
