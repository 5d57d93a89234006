"""The address of a source, down to the very sentence, and the marks by which a dead link can be followed all the same.

A text fragment (``#:~:text=``, WICG Scroll to Text Fragment) lets a browser scroll to words and mark them; one that does not know
them, or does not find them, opens the page as ever. Robust Links (robustlinks.mementoweb.org) are three attributes that say where
a link led, when that was read, and where a copy from then is kept.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from pipeline.library.quotes import normal
from pipeline.model import Source, SourceStatus

WHOLE: Final = 12  # words; more are named by their beginning and end
ENDS: Final = 5  # words of each end
AROUND: Final = 3  # words before or after that tell one place from another

# A stored text is in normal form, its page is not: there these may be any of several characters, and a fragment would not fit.
_UNSURE: Final = re.compile(r"['\"\[\]]|\.\.\.|(?<!\w)-|-(?!\w)|(?<=\d)-(?=\d)")
_EDGES: Final = "'\"()[]"


def address(source: Source) -> str:
    """Where a reader finds *source*: at its own address, or in the copy that somebody else keeps once it is gone from there."""
    return source.archive if source.status is SourceStatus.GONE and source.archive else source.url


def deep_link(source: Source, words: str = "", *, page: int | None = None, text: str | None = None) -> str:
    """The address of *source* that opens on *words* (a passage in normal form), or on *page* of a document that has pages.

    *text* is the stored text: where the words stand in it more than once, what stands around them is named too.
    """
    url = address(source)
    if page is not None:
        return url if "#" in url else f"{url}#page={page}"  # RFC 8118, 3
    directive = text_directive(words, text=text)
    if not directive or not url.startswith(("https://", "http://")):
        return url
    return f"{url}{'' if '#' in url else '#'}:~:{directive}"


@functools.lru_cache(maxsize=1)  # a page and then our copy of it are asked for at the same words; it holds the text
def text_directive(words: str, *, text: str | None = None) -> str:
    """``text=[prefix-,]start[,end][,-suffix]`` for *words*; empty where none of them is sure to stand so on the page."""
    tokens = normal(words).split()
    runs = _runs(tokens)
    if not runs:
        return ""
    first, last = runs[0], runs[-1]
    if first == last and len(tokens) <= WHOLE:
        start, end = _said(tokens[slice(*first)]), ""
    else:
        opening = (first[0], min(first[0] + ENDS, first[1]))
        closing = (max(last[0], last[1] - ENDS, opening[1]), last[1])
        start = _said(tokens[slice(*opening)])
        end = _said(tokens[slice(*closing)])
    prefix, suffix = _around(normal(words), text, runs, len(tokens)) if text else ("", "")
    parts = [
        f"{_encoded(prefix)}-" if prefix else "",
        _encoded(start),
        _encoded(end),
        f"-{_encoded(suffix)}" if suffix else "",
    ]
    return "text=" + ",".join(part for part in parts if part)


def robust_attributes(source: Source) -> dict[str, str]:
    """The Robust Links attributes of a link to *source*, as far as they are known.

    None where neither is known when it was read nor where a copy is: its address alone stands in the link already.
    """
    read = source.snapshot.at.date().isoformat() if source.snapshot else source.accessed
    version = {"data-versiondate": read, "data-versionurl": source.archive}
    known = {name: value for name, value in version.items() if value}
    return {"data-originalurl": source.url, **known} if known else {}


def _runs(tokens: Sequence[str]) -> list[tuple[int, int]]:
    """From where to where words stand next to one another that a page has as they are here."""
    runs: list[tuple[int, int]] = []
    sure = [not _UNSURE.search(token.strip(_EDGES)) and bool(token.strip(_EDGES)) for token in tokens]
    at = 0
    while at < len(tokens):
        if not sure[at]:
            at += 1
            continue
        end = at + 1
        # A mark at the edge of a word ends the run there: the page may have another one.
        while end < len(tokens) and sure[end] and not _marked_between(tokens[end - 1], tokens[end]):
            end += 1
        runs.append((at, end))
        at = end
    return runs


def _marked_between(left: str, right: str) -> bool:
    return left != left.rstrip("'\"[]") or right != right.lstrip("'\"[]")


def _said(tokens: Sequence[str]) -> str:
    return " ".join(tokens).strip(_EDGES)


def _around(words: str, text: str, runs: Sequence[tuple[int, int]], length: int) -> tuple[str, str]:
    """What stands before and after the first place of *words* in *text*, where they stand there more than once."""
    if normal(text).casefold().count(words.casefold()) < 2:
        return "", ""
    line = next((line for line in map(normal, text.split("\n")) if words in line), "")
    before, _, after = line.partition(words)
    left, right = before.split()[-AROUND:], after.split()[:AROUND]
    prefix = _said(left) if left and runs[0][0] == 0 and _runs(left) == [(0, len(left))] else ""
    suffix = _said(right) if right and runs[-1][1] == length and _runs(right) == [(0, len(right))] else ""
    return prefix, suffix


def _encoded(words: str) -> str:
    """Percent-encoded, also what parts a directive: dash, comma and ampersand."""
    return quote(words, safe="").replace("-", "%2D")
