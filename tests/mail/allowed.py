"""What HTML and CSS a letter may use: each with what becomes of it in mail programs, in our own words, as of November 2026.

Seen from the programs that matter: Gmail (web, Android, iOS; it drops a whole style sheet where it meets what it does not know, and
all of them for accounts elsewhere), Outlook for Windows (Word draws it: no max-width, no padding on inline elements), Outlook.com
and the new Outlook, Apple Mail, Yahoo, Thunderbird. What is not listed is new: look it up, then list it or leave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

ELEMENTS = {
    "everywhere": """html head meta title style body div p a br hr table tbody thead tr th td h1 h2 h3 h4 h5 h6 ul ol li strong
        em b i code pre blockquote sup sub span img""",
    "shown as their text where not known": "abbr cite del dd dfn dl dt ins kbd q s samp small u var caption tfoot col colgroup",
}
ATTRIBUTES = {
    "everywhere": """href src alt width height style align border cellpadding cellspacing colspan rowspan lang dir title start
        charset name content reversed span open""",
    "for those who listen; dropped by some, to no harm": "role aria-label aria-roledescription scope",
    "only style sheets see them": "class id data-css-inline",
}
INLINE = {
    "everywhere, Outlook for Windows included": """background-color border border-bottom border-bottom-width border-collapse
        border-left border-right border-top color direction display font-family font-size font-weight height line-height margin
        max-height overflow padding padding-bottom padding-left padding-right padding-top text-align
        text-decoration vertical-align width""",
    "an improvement: a table that holds too long a word grows wider without it, as in Outlook for Windows": "table-layout",
    "an improvement: in words that run from the right, code keeps its direction": "unicode-bidi",
    "not in Outlook for Windows, which a table of 600 px holds together there": "max-width",
    "an improvement: corners stay square without it": "border-radius",
    "an improvement: long lines of code are cut off without it": "white-space",
    "an improvement: a word that is longer than its line runs out of it without it": "word-break",
    "an improvement: says that we have dark colours of our own": "color-scheme",
    "Outlook for Windows alone: the preheader stays hidden": "mso-hide",
}
# Of the style sheet that is kept. Every rule there is an improvement: the letter is whole without it (M-47).
SHEET = """background-color border-color border-left-color color color-scheme display font-size line-height overflow-x
    padding-left padding-right""".split()
AT_RULES = {"@media (max-width: 620px)", "@media (prefers-color-scheme: dark)"}
DISPLAYS = {"none", "inline-block"}  # flex and grid are unknown to Outlook for Windows
MARKS = {"[data-ogsc]", "[data-ogsb]"}  # Outlook.com puts them before what it has darkened itself
PADDINGS = {"padding-left", "padding-right"}  # on a phone; `padding: 0 16px` would take the inline top and bottom away


def listed(table: dict[str, str]) -> set[str]:
    return {word for words in table.values() for word in words.split()}


class _Used(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.styles += [value or "" for name, value in attrs if name == "style"]


def findings(html: str) -> list[str]:
    """What *html* uses that is not listed."""
    used = _Used()
    used.feed(html)
    sheets = "".join(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL))
    return sorted(
        {
            *(f"element {name}" for name in used.elements - listed(ELEMENTS)),
            *(f"attribute {name}" for name in used.attributes - listed(ATTRIBUTES)),
            *(f"property {finding}" for style in used.styles for finding in _of_declarations(style)),
            *_of_sheet(sheets),
        }
    )


def _of_declarations(style: str) -> Iterator[str]:
    for name, value in _declarations(style):
        if name not in listed(INLINE):
            yield name
        if name == "display" and value not in DISPLAYS:
            yield f"display: {value}"
        if re.search(r"url\(|var\(|calc\(|\d(r?em|vw|vh|ch)\b", value) and name != "font-family":
            yield f"{name}: {value}"


def _of_sheet(sheet: str) -> Iterator[str]:
    for rule in re.findall(r"@[a-z-]+[^{;]*", sheet):
        if rule.strip() not in AT_RULES:
            yield f"rule {rule.strip()}"
    for mark in re.findall(r"\[[^\]]*\]", sheet):
        if mark not in MARKS:
            yield f"selector {mark}"
    for block in re.findall(r"\{([^{}]*)\}", sheet):
        for name, _ in _declarations(block):
            if name not in SHEET:
                yield f"property {name} in a sheet"
    for block in re.findall(r"\.pad \{([^{}]*)\}", sheet):
        yield from (f"{name} of .pad in a sheet" for name, _ in _declarations(block) if name not in PADDINGS)


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for part in style.split(";"):
        name, colon, value = part.partition(":")
        if colon:
            yield name.strip().lower(), value.replace("!important", "").strip()
