"""The theme's style sheets: joined into the one that the site and the mailing pages link, and the tokens that letters inline.

Beside them the script of the search page.

The sheets are joined in the order of the @import lines of site.css, made small, and named by the hash of the result. What the
templates in the theme's folder look like is no matter here.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import BuildError, SettingsError

SHEETS = "assets/css"
SCRIPTS = "assets/js"
ENTRY = "site.css"
MAILING = "web.css"  # what only the mailing pages need
RECEIPTS = "receipts.css"  # what only receipts, registers, archive, search and written pages need
TOKENS = "tokens.css"
_IMPORT = re.compile(r'@import url\("([a-z0-9.-]+)"\);')
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")
_AROUND = re.compile(r" ?([{};,>/]) ?")
_ZERO = re.compile(r"(?<=[ :,(])(-?)0(?=\.\d)")  # 0.5rem is .5rem
_ROOT_BLOCK = re.compile(r":root\s*\{(.*?)\}", re.DOTALL)
_VARIABLE = re.compile(r"--([a-z0-9-]+)\s*:\s*([^;]+);")


class Asset(NamedTuple):
    """One style sheet or script, whole."""

    path: str  # below the address that links it; its name changes whenever its text does
    text: str


def site_stylesheet(theme: Path) -> Asset:
    """The style sheet of the site, from the theme in the folder *theme*. Raises `BuildError` where a sheet is missing."""
    return named("site", _joined(theme))


def receipts_stylesheet(theme: Path) -> Asset:
    """The sheet of receipts, registers, archive, search and written pages: the site's and their own, in one.

    Raises `BuildError` as above.
    """
    return named("receipts", _joined(theme) + minified(_read(theme / SHEETS / RECEIPTS)))


def mailing_stylesheet(theme: Path) -> Asset:
    """The site's style sheet and what the mailing pages need beside it, if anything. Raises `BuildError` as above."""
    extra = theme / SHEETS / MAILING
    return named("mailing", _joined(theme) + (minified(_read(extra)) if extra.is_file() else ""))


def search_script(theme: Path) -> Asset:
    """The script of the search page. Raises `BuildError` where it is missing."""
    return named("search", _read(theme / SCRIPTS / "search.js"), folder=SCRIPTS, ending="js")


def named(name: str, text: str, *, folder: str = SHEETS, ending: str = "css") -> Asset:
    """The style sheet or script *text*, in a file that is called by *name* and the hash of the text."""
    return Asset(f"{folder}/{name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}.{ending}", text)


@functools.lru_cache(maxsize=4)  # the site's sheet stands in that of receipts too
def minified(css: str) -> str:
    """*css* without comments and needless space. Space before ``:`` and around ``+`` and ``-`` can mean something and stays."""
    text = _AROUND.sub(r"\1", _SPACE.sub(" ", _COMMENT.sub("", css)))
    return _ZERO.sub(r"\1", text.replace(";}", "}").replace(": ", ":")).strip() + "\n"


@functools.cache
def design_tokens(theme: Path) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The light and the dark values of the theme's tokens, by name. Raises `SettingsError` for a file that is not as ours is."""
    path = theme / SHEETS / TOKENS
    try:
        css = _COMMENT.sub("", path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}; letters take their colours from it") from error
    blocks = [dict(_VARIABLE.findall(block)) for block in _ROOT_BLOCK.findall(css)]
    if len(blocks) < 2:
        raise SettingsError(f"{path}: wants a :root block and one in @media (prefers-color-scheme: dark)")
    return blocks[0], {**blocks[0], **blocks[1]}


def _joined(theme: Path) -> str:
    folder = theme / SHEETS
    return minified(_IMPORT.sub(lambda match: _read(folder / match[1]), _read(folder / ENTRY)))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{path}: cannot be read: {error}; put it back or mend {ENTRY}") from error
