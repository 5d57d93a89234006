"""What others wrote, made fit to be printed: a file's name, a commit's author, what a server said."""

from __future__ import annotations

import os


def printable(text: str | os.PathLike[str]) -> str:
    """*text* in one line, with ``?`` for whatever could move a cursor, begin a line of its own, or not be encoded."""
    return "".join(c if c.isprintable() else "?" for c in os.fsencode(text).decode("utf-8", "replace"))
