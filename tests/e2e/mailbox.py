"""Reading mailboxes by IMAP, as a mail program does."""

from __future__ import annotations

import email
import email.policy
import imaplib
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from tests.e2e.servers import IMAPS_PORT, PASSWORD
from tests.e2e.table import Unmet
from tests.e2e.world import IMAP

PATIENCE = 120.0  # seconds; the relay tries again every five


@dataclass(frozen=True)
class Delivered:
    """A mail as the receiver kept it."""

    mailbox: str
    raw: bytes
    message: EmailMessage = field(compare=False)

    def text(self) -> str:
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part else ""

    def html(self) -> str:
        part = self.message.get_body(("html",))
        return str(part.get_content()) if part else ""

    def all(self, name: str) -> list[str]:
        """Every header of that name, unfolded, the topmost first."""
        return [" ".join(str(value).split()) for value in self.message.get_all(name, [])]

    def one(self, name: str) -> str:
        found = self.all(name)
        if len(found) != 1:
            raise Unmet(f"a letter to {self.mailbox} has {len(found)} headers {name}, not one")
        return found[0]

    def link(self, kind: str) -> str:
        """The address of the mailing page *kind* in the plain text."""
        found = re.search(rf"https://\S+/{kind}/[^\s>)]+", self.text())
        if found is None:
            raise Unmet(f"no link to /{kind}/ in the letter to {self.mailbox}:\n{self.text()}")
        return found[0]


@dataclass(frozen=True)
class Mailboxes:
    """All mailboxes of the rig; the authority signs the server's certificate."""

    authority: Path

    def all(self, mailbox: str) -> list[Delivered]:
        """Everything in the mailbox, in the order of arrival."""
        with self._opened(mailbox) as client:
            status, data = client.uid("SEARCH", "ALL")
            numbers = data[0].split() if status == "OK" and data and data[0] else []
            raws = [self._fetch(client, number) for number in numbers]
        return [Delivered(mailbox, raw, _parsed(raw)) for raw in raws]

    def wait(
        self,
        mailbox: str,
        what: str,
        wanted: Callable[[Delivered], bool] = lambda mail: True,
        *,
        patience: float = PATIENCE,
    ) -> Delivered:
        """The first mail that is *wanted*, as soon as it is there. *what* names it where it does not come."""
        deadline = time.monotonic() + patience
        while True:
            there = self.all(mailbox)
            found = next((mail for mail in there if wanted(mail)), None)
            if found is not None:
                return found
            if time.monotonic() > deadline:
                subjects = ", ".join(repr(str(mail.message["Subject"])) for mail in there) or "nothing"
                raise Unmet(f"{what} did not reach {mailbox} within {patience:.0f} seconds; it holds {subjects}")
            time.sleep(0.2)

    @contextmanager
    def _opened(self, mailbox: str) -> Iterator[imaplib.IMAP4_SSL]:
        context = ssl.create_default_context(cafile=str(self.authority))
        client = imaplib.IMAP4_SSL(IMAP, IMAPS_PORT, ssl_context=context, timeout=20)
        try:
            client.login(mailbox, PASSWORD)
            client.select("INBOX", readonly=True)
            yield client
        finally:
            client.logout()

    def _fetch(self, client: imaplib.IMAP4_SSL, number: bytes) -> bytes:
        _, data = client.uid("FETCH", number.decode(), "(BODY.PEEK[])")
        [raw] = [part[1] for part in data if isinstance(part, tuple)]
        return bytes(raw)


def _parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message
