"""The mailbox in which bounces arrive: a folder on an IMAP server, or a Maildir. What was taken in is marked as read, behind it.

A mail is marked only when what it says is on disk; who is stopped between the two reads it again, and it counts once. No mail is
ever deleted here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.config import Settings
from pipeline.errors import TransportError, UsageError
from pipeline.mail.bounces import imap
from pipeline.mail.bounces.mime import MOST_BYTES

log = logging.getLogger("opensignal")


class Mailbox(Protocol):
    @property
    def origin(self) -> str:
        """What kind of mailbox it is, for the record."""

    def waiting(self, limit: int) -> tuple[Sequence[str], int]:
        """Up to *limit* mails that were not taken in, oldest first, and how many more there are."""

    def read(self, name: str) -> bytes:
        """The mail, as far as `MOST_BYTES` goes; empty where it is gone."""

    def taken(self, names: Sequence[str]) -> None:
        """Mark them as read."""


@contextlib.contextmanager
def open_mailbox(settings: Settings) -> Iterator[Mailbox]:
    """The mailbox that `bounces_url` names.

    Raises `UsageError` where it names none, `SettingsError` for what is no address, `TransportError` when it cannot be reached.
    """
    url = settings.bounces_url
    if not url:
        raise UsageError(
            "bounces_url is empty; set OPENSIGNAL_BOUNCES_URL to imaps://USER:PASSWORD@HOST/INBOX or to a Maildir, or name files"
        )
    if "://" not in url:
        yield Maildir(settings.root / Path(url).expanduser())
        return
    address = imap.Address.from_url(url)
    with imap.connected(address, largest=MOST_BYTES) as inbox:
        yield inbox


@dataclass(frozen=True, slots=True)
class Maildir:
    """What is in `new` waits, and is moved to `cur` as seen when it was taken in (D. J. Bernstein, "Using maildir format")."""

    folder: Path
    origin: str = "maildir"

    def waiting(self, limit: int) -> tuple[Sequence[str], int]:
        try:
            files = [entry for entry in os.scandir(self.folder / "new") if entry.is_file(follow_symlinks=False)]
        except OSError as error:
            raise TransportError(
                f"{self.folder}: no Maildir that we can read: {error.strerror}; check bounces_url"
            ) from error
        closed = [entry for entry in files if not os.access(entry.path, os.R_OK)]
        if closed:  # they stay where they are, and those behind them do not wait for it
            log.warning(
                "%s: %d mails cannot be read by this user; give it the right to, they wait", self.folder, len(closed)
            )
        names = sorted(entry.name for entry in files if entry not in closed)
        return names[:limit], max(0, len(names) - limit)

    def read(self, name: str) -> bytes:
        try:
            with (self.folder / "new" / name).open("rb") as file:
                return file.read(MOST_BYTES)
        except FileNotFoundError:  # somebody else was quicker
            return b""
        except OSError as error:
            raise TransportError(f"{self.folder}: a mail cannot be read: {error.strerror}") from error

    def taken(self, names: Sequence[str]) -> None:
        for name in names:
            seen = f"{re.sub(r':2,.*', '', name)}:2,S"
            try:
                (self.folder / "cur").mkdir(exist_ok=True, mode=0o700)
                (self.folder / "new" / name).rename(self.folder / "cur" / seen)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise TransportError(
                    f"{self.folder}: a mail that was taken in cannot be moved to cur: {error.strerror}; "
                    "give this user the right to write there"
                ) from error
