"""The demonstration's mail server: takes every letter by SMTP and keeps it in a Maildir, byte for byte as it was sent."""

from __future__ import annotations

import asyncio
import email
import email.policy
import itertools
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType

from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 10.0  # seconds that `wait_for` waits


class Mailbox:
    """A mail server on loopback while it is open, and what it has taken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self.url = ""  # for OPENSIGNAL_SMTP_URL, while it is open
        self._numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Mailbox:
        self._thread.start()
        self._ready.wait(PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        listening = self._loop.create_server(
            lambda: SMTP(self, hostname="mail.demo.test", enable_SMTPUTF8=True, loop=self._loop), "127.0.0.1", 0
        )
        server = self._loop.run_until_complete(listening)
        self.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(_end_all_tasks())
        self._loop.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's
        content = envelope.content
        assert isinstance(content, bytes)
        name = f"{time.time_ns()}.{next(self._numbers):06}.demo"
        waiting = self.folder / "tmp" / name
        waiting.write_bytes(content)
        waiting.rename(self.folder / "new" / name)
        return "250 2.0.0 kept"

    def letters(self) -> list[EmailMessage]:
        """All letters, in the order in which they came."""
        files = sorted((self.folder / "new").iterdir())
        return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]

    def to(self, address: str) -> list[EmailMessage]:
        """The letters to *address*."""
        return [letter for letter in self.letters() if letter["To"] == address]

    def wait_for(self, address: str, matches: Callable[[EmailMessage], bool]) -> EmailMessage | None:
        """The first letter to *address* that *matches*, waiting for it a little; None if it does not come."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for letter in self.to(address):
                if matches(letter):
                    return letter
            time.sleep(0.05)
        return None


async def _end_all_tasks() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def text_of(letter: EmailMessage) -> str:
    """The plain text of a letter."""
    part = letter.get_body(("plain",))
    return str(part.get_content()) if part else ""
