"""Elements of XML as text: for files that are put together of pieces which are written once and stand in many.

Plain words are escaped by hexadecimal references, as the RSS Advisory Board's profile asks: programs that take a title for HTML,
and those that take it for words, then show the same. Characters that XML cannot hold, or should not, are left out.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

from pipeline.printable import NONCHARACTERS

XML: Final = '<?xml version="1.0" encoding="utf-8"?>'
# XML 1.0, 2.2 and its note: no control characters, and nothing that is no character.
_NOT_XML: Final = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff{NONCHARACTERS}]")
_REFERENCES: Final = str.maketrans({"&": "&#x26;", "<": "&#x3C;", ">": "&#x3E;", '"': "&#x22;"})


def element(tag: str, words: str = "", **attributes: str) -> str:
    """An element that holds *words*, or nothing."""
    return _written(tag, plain(words), attributes)


def marked_up(tag: str, html: str, **attributes: str) -> str:
    """An element that holds *html* as text, which a reader unpacks."""
    return _written(tag, escape(_NOT_XML.sub("", html), quote=False), attributes)


def plain(words: str) -> str:
    """*words* as they may stand in an element or, between double quotes, in an attribute."""
    return _NOT_XML.sub("", words).translate(_REFERENCES)


def _written(tag: str, text: str, attributes: dict[str, str]) -> str:
    opening = tag + "".join(f' {name}="{plain(value)}"' for name, value in attributes.items())
    return f"<{opening}>{text}</{tag}>" if text else f"<{opening}/>"
