"""The outbox folder, where a machine without a mail server keeps its letters: those to one person are found and deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import StoreError

HEAD = 64 * 1024  # octets; more than the header of any letter of ours


def forget_letters(folder: Path, is_theirs: Callable[[str], bool]) -> int:
    """Delete every letter in the Maildir *folder* whose recipient *is_theirs*; returns how many. Raises `StoreError`."""
    count = 0
    for part in ("tmp", "new", "cur"):
        for file in sorted((folder / part).glob("*")):
            try:
                if is_theirs(_recipient(file)):
                    file.unlink()
                    count += 1
            except FileNotFoundError:  # sent from here, or deleted, in this very moment
                continue
            except OSError as error:
                raise StoreError(
                    f"{file}: the letter cannot be deleted: {error.strerror}; delete it, or run this again"
                ) from error
    return count


def _recipient(file: Path) -> str:
    with file.open("rb") as handle:
        header = handle.read(HEAD).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    # As we write it: one address, on one line.
    found = re.search(rb"^To:[ \t]*(.*)$", header, re.MULTILINE | re.IGNORECASE)
    return found[1].decode("utf-8", "replace").strip() if found else ""
