"""What an article says, in words: what readers are told that an error in is corrected in the open.

Two articles have the same wording when title, dek and rendered text have the same words in normal form. Markup, white space,
typography, citations, the addresses of links, and comments make no difference; a comma does, and so do words that are struck out.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final
from xml.etree import ElementTree as ET

from pipeline.errors import ContentError
from pipeline.library.citations import CITATION, INSERTION, PANDOC, WORDLESS, inserted_in, without_definitions
from pipeline.library.insertions import words_of
from pipeline.library.notation import in_our_notation
from pipeline.library.quotes import normal
from pipeline.library.render import body_tree
from pipeline.model import Article, Correction, Source

FORM: Final = 1  # of `wording`: one more whenever it says the same text in other words
_CITED: Final = re.compile(rf"{CITATION}|{PANDOC}")
_ADDRESS: Final = re.compile(r"\(?<?https?://[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*>?\)?")
_SPACE_BEFORE_STOP: Final = re.compile(r"\s+(?=[.,;:!?](?:\s|$))")
_STRUCK: Final = re.compile(r"<(/?)(?:del|s)\b[^<>]*>", re.IGNORECASE)  # what readers see as no longer said
_AROUND: Final = 20  # characters on either side of words, by which one place of them is told from another
_IN_A_LINE: Final = frozenset(
    "a abbr b cite code del em i ins kbd mark q s samp small span strong sub sup u var".split()
)


def wording(article: Article, sources: Mapping[str, Source]) -> str:
    """The words of *article* in normal form, in one line; an address of a source is what `opensignal fmt` makes of it."""
    if "://" in article.body:
        article = replace(article, body=in_our_notation(article.body, sources))
    body = _STRUCK.sub(lambda m: " ⟨end⟩ " if m[1] else " ⟨struck out⟩ ", article.body)
    try:
        words = " ".join(_words(body_tree(replace(article, body=body), sources, attributed=False)))
    except ContentError:  # nested too deeply to be rendered: the Markdown must do
        words = article.body
    return _settled(f"{article.title}\n{article.dek}\n{words}")


def same_wording(one: Article, other: Article, sources: Mapping[str, Source]) -> bool:
    """True when readers are told the same words by both."""
    if (one.title, one.dek) == (other.title, other.dek):  # what costs least is looked at first
        if one.body == other.body or _uncited(one.body) == _uncited(other.body):
            return True
        if _bare(one.body) == _bare(other.body):
            return True
    return wording(one, sources) == wording(other, sources)


def wording_hash(article: Article, sources: Mapping[str, Source]) -> str:
    """SHA-256 of the words of *article*, with the number of the normal form: what other forms gave cannot be compared."""
    return f"{FORM}:{hashlib.sha256(wording(article, sources).encode()).hexdigest()}"


def carried_out(
    corrections: Sequence[Correction], was: Article, now: Article, sources: Mapping[str, Source]
) -> tuple[str, list[Correction]]:
    """The words of *was* with those of *corrections* put in, and the corrections that tell of nothing: what they say was written
    does not stand in *was*, or what is right not in *now*."""
    old, new = wording(was, sources), wording(now, sources)
    pairs = [(_rendered(c.was, now, sources), _rendered(c.now, now, sources)) for c in corrections]
    idle: list[Correction] = []
    for number, (correction, (wrong, right)) in enumerate(zip(corrections, pairs, strict=True), start=1):
        spans = _places(wrong, old)
        is_corrected_again = any(_places(right, again) for again, _ in pairs[number:])
        if not spans or not (is_corrected_again or _places(right, new)):
            idle.append(correction)
            continue
        for start, end in reversed(_meant(spans, right, old, new)):
            old = old[:start] + right + old[end:]
    return _settled(old), idle


def _rendered(words: str, article: Article, sources: Mapping[str, Source]) -> str:
    """Words as an article would show them, without emphasis and links."""
    bare = replace(article, title="", dek="", body=" ".join(words.split()).replace(".", "\\.", 1))
    return wording(bare, sources)


def _places(words: str, text: str) -> list[tuple[int, int]]:
    """Where *words* stand in *text* as whole words and numbers."""
    if not words:
        return []
    before = r"(?<!\w)(?<!\d[.,])" if words[0].isalnum() else ""
    after = r"(?!\w|[.,]\d)" if words[-1].isalnum() else ""
    return [m.span() for m in re.finditer(f"{before}{re.escape(words)}{after}", text)]


def _meant(spans: list[tuple[int, int]], words: str, old: str, new: str) -> list[tuple[int, int]]:
    """Those of *spans* of *old* in whose place *words* stand in *new*, by what stands around them there."""
    if len(spans) == 1:
        return spans
    for before, after in ((_AROUND, _AROUND), (_AROUND, 0), (0, _AROUND)):
        found = [
            (start, end)
            for start, end in spans
            if old[max(0, start - before) : start] + words + old[end : end + after] in new
        ]
        if found:
            return found
    return spans[:1]


def written_out(article: Article, sources: Mapping[str, Source]) -> Article:
    """*article* with the words in its body that the build would set there from *sources*: it keeps them when those change."""

    def words(source: str, quote: str | None) -> str:
        return " ".join((words_of(sources, source, quote) or "").split())

    def in_a_line(m: re.Match[str]) -> str:
        return f"“{found}”" if (found := words(m[1], m[2])) else m[0]

    def in_a_block(m: re.Match[str]) -> str:
        return m[0].replace(m["citation"], words(m[2], m[3]) + m["citation"])

    if not inserted_in(article.body):
        return article
    body = re.sub(INSERTION, in_a_line, WORDLESS.sub(in_a_block, article.body))
    return replace(article, body=body)


def changed_lines(was: str, now: str) -> tuple[int, int | None]:
    """How many lines of the body *was* are others in the body *now*, and the first such line, from 1 (None: there is none)."""
    old = [line for _, line in _lines(was)]
    numbered = _lines(now)
    new = [line for _, line in numbered]
    count, first = 0, None
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            count += max(b - a, d - c)
            if first is None:
                first = numbered[min(c, len(numbered) - 1)][0] if numbered else 1
    return count, first


def _lines(body: str) -> list[tuple[int, str]]:
    lines = enumerate(without_definitions(body).split("\n"), start=1)
    return [(number, words) for number, line in lines if (words := _settled(line))]


def _uncited(body: str) -> str:
    return _CITED.sub("", body)


@functools.lru_cache(maxsize=8)  # of an article, each version is compared with the next
def _bare(body: str) -> str:
    return " ".join(_uncited(without_definitions(body)).split())


def _settled(text: str) -> str:
    text = normal(_ADDRESS.sub(" ", _CITED.sub("", text)))
    return _SPACE_BEFORE_STOP.sub("", text)


def _words(element: ET.Element) -> Iterator[str]:
    """The text of each block in *element*."""
    words = ""
    for piece in _pieces(element):
        if piece is None:
            yield words
            words = ""
        else:
            words += piece
    yield words


def _pieces(element: ET.Element) -> Iterator[str | None]:
    """The text in *element* in reading order; None where one block ends and the next begins."""
    if element.tag == "sup" and element.get("class") in ("cite", "cite-sep"):
        return
    if element.tag not in _IN_A_LINE:
        yield None
    yield element.text or ""
    for child in element:
        yield from _pieces(child)
        yield child.tail or ""
    if element.tag not in _IN_A_LINE:
        yield None
