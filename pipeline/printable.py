"""What others wrote, made fit to be printed: a file's name, a commit's author, what a server said."""

from __future__ import annotations

import os
from typing import Final

# What Unicode (23.7) will never give to a character: feeds and pages that hold one are no HTML, as those who look say.
NONCHARACTERS: Final = "\ufdd0-\ufdef" + "".join(
    chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)
)


def printable(text: str | os.PathLike[str]) -> str:
    """*text* in one line, with ``?`` for whatever could move a cursor, begin a line of its own, or not be encoded."""
    return "".join(c if c.isprintable() else "?" for c in os.fsencode(text).decode("utf-8", "replace"))
