"""The one style sheet: the theme's sheets joined in the order of their @import lines, made small, named by the hash of the result.

The mailing pages link the same sheet; nothing here knows MkDocs.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BuildError

SHEETS = "assets/css"
ENTRY = "site.css"
_IMPORT = re.compile(r'@import url\("([a-z0-9.-]+)"\);')
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")
_AROUND = re.compile(r" ?([{};,>]) ?")


@dataclass(frozen=True, slots=True)
class Stylesheet:
    path: str  # below the site's address; its name changes whenever its text does
    text: str


def load_stylesheet(theme: Path) -> Stylesheet:
    """The style sheet of the theme in the folder *theme*.

    Raises `BuildError` where a sheet is missing.
    """
    folder = theme / SHEETS
    joined = _IMPORT.sub(lambda match: _read(folder / match[1]), _read(folder / ENTRY))
    text = minified(joined)
    return Stylesheet(f"{SHEETS}/site-{hashlib.sha256(text.encode()).hexdigest()[:10]}.css", text)


def minified(css: str) -> str:
    """*css* without comments and needless space. Space before ``:`` and around ``+`` and ``-`` can mean something and stays."""
    text = _AROUND.sub(r"\1", _SPACE.sub(" ", _COMMENT.sub("", css)))
    return text.replace(";}", "}").replace(": ", ":").strip() + "\n"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{path}: the style sheet cannot be read: {error}; put it back or mend {ENTRY}") from error
