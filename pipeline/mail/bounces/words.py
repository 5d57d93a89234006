"""The words by which mails that come back are known: `words.toml`, made into patterns."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent


def load(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def any_of(phrases: list[str], *, before: str = "", after: str = "") -> re.Pattern[str]:
    """A pattern for one of *phrases*, between two others."""
    return re.compile(f"{before}(?:{'|'.join(phrases)}){after}")


_WORDS: Final = load("words.toml")


def pattern(section: str, name: str, *, before: str = "", after: str = "") -> re.Pattern[str]:
    """The pattern of a list of `words.toml`, over text in small letters."""
    return any_of(_WORDS[section][name], before=before, after=after)
