"""Other ways to write a citation, and how each is written in ours: ``[^id]``.

    as it stands [@id].            as it stands.[^id]            Pandoc
    both [@id, p. 3; @id2].        both.[^id]<!-- p. 3 -->[^id2]
    [the outlook](https://...)     the outlook[^id]              where the address is that of a source
    in https://... it says         in Load outlook[^id] it says   the title of the source, or its publisher
    as it stands (https://...).    as it stands.[^id]             in brackets, behind a sentence, or alone

Readers are shown Pandoc's way as a citation at once; a link stays a link until `opensignal fmt` has written it anew. What stands in
code, comments, raw HTML, or definitions, and pictures, are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.library.citations import CITED_BY_PANDOC, PANDOC, prose
from pipeline.library.urls import page_key
from pipeline.model import Source

_PANDOC: Final = re.compile(rf"(?<!\\){PANDOC}")
_LINK: Final = re.compile(
    r"(?<![\\!\]])\[(?P<text>(?:[^\[\]\\\n]|\\.)+)\]"
    r"\(\s*(?P<angle><)?(?P<url>https?://[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)(?(angle)>)\s*(?:\"[^\"\n]*\"|'[^'\n]*')?\s*\)(?![{])"
)
_OTHER_LINK: Final = re.compile(
    r"\]\([^)\n]*\)|^ {0,3}\[[^\]\n]+\]:[^\n]*|\{:?[^{}\n]*\}|<(?!https?://)[A-Za-z/][^<>]*>", re.MULTILINE
)
_BARE: Final = re.compile(
    r"<(?P<auto>https?://[^\s<>]+)>|(?<![\w\"'=/.@:\\-])(?P<bare>https?://[^\s<>()\[\]{}\"'`|\\]*[^\s<>()\[\]{}\"'`|\\.,;:!?*_~…“”‘’])",
    re.IGNORECASE,
)
_OPENS: Final = re.compile(
    r"[ \t>]*(?:(?:[-*+:]|\d+[.)]|#{1,6})[ \t]+)*|.*\|[ \t]*"
)  # nothing but what opens a block or a cell
_SENTENCE_ENDS: Final = re.compile(
    r"[.!?]*[ \t]*(?:\n[ \t>]*(?:\n|\Z)|\Z|\||\n[ \t>]*(?:[-*+]|\d+[.)]|#{1,6})[ \t])|[.!?]+(?=\s)"
)
_NEXT_SENTENCE: Final = re.compile(r"\s+[*_\[(\"'“‘]*[^\W\d_a-zß-ÿ]|\s+\d")
_LEADS_ON: Final = re.compile(
    r"(?:[,:;–—(]|\b(?:see|read|visit|at|in|on|by|from|to|of|under|via|with|and|or|than|as|per|cf\.|is|are|was|called))\Z",
    re.IGNORECASE,
)
_MARKUP: Final = re.compile(r"[\\`*_\[\]<>~|]|&(?=#?\w+;)")
_STOP: Final = re.compile(r"[.!?]+(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A place from *start* to *end* of a body, and what is to stand there; *what* tells an editor of it."""

    start: int
    end: int
    words: str
    at: int  # where it is told of
    what: str


def addresses_of(sources: Iterable[Source]) -> dict[str, str]:
    """The id of each source by what its address has in common with others of the same page; none that two sources share."""
    ids: dict[str, list[str]] = {}
    for source in sources:
        ids.setdefault(page_key(source.url), []).append(source.id)
    return {key: same[0] for key, same in ids.items() if len(same) == 1}


def rewrites(body: str, sources: Mapping[str, Source], addresses: Mapping[str, str]) -> tuple[Rewrite, ...]:
    """What `opensignal fmt` would write otherwise in *body*, in order; *addresses* are those of `addresses_of`."""
    if "[@" not in body and "://" not in body:
        return ()
    text = prose(body)
    found = [*_pandoc(text, body, sources), *_links(text, body, sources, addresses)]
    return tuple(sorted(found, key=lambda rewrite: rewrite.start))


def _pandoc(text: str, body: str, sources: Mapping[str, Source]) -> Iterator[Rewrite]:
    for place in _PANDOC.finditer(text):
        cited = [(one[1], (one[2] or "").strip()) for one in CITED_BY_PANDOC.finditer(place[1])]
        if all(id_ in sources for id_, _ in cited):
            words = "".join(f"[^{id_}]" + (f"<!-- {_harmless(where)} -->" if where else "") for id_, where in cited)
            what = f"forges do not know {place[0]} as a citation; write {words}, or run: opensignal fmt"
            yield _moved(body, place.start(), place.end(), words, what)


def _harmless(words: str) -> str:
    """*words* as they may stand in a comment."""
    return re.sub(r"-{2,}|>", "–", words)


def _links(text: str, body: str, sources: Mapping[str, Source], addresses: Mapping[str, str]) -> Iterator[Rewrite]:
    taken: list[tuple[int, int]] = []
    for link in _LINK.finditer(text):
        source = addresses.get(_key(link["url"]))
        shown = body[link.start("text") : link.end("text")]
        if source is None or "[^" in shown or "[@" in shown:
            continue
        taken.append(link.span())
        what = f'this is the address of the source "{source}"; cite it as [^{source}], or run: opensignal fmt'
        if re.match(r"https?://", shown, re.IGNORECASE):
            yield _moved(body, link.start(), link.end(), f"[^{source}]", what)
        else:
            yield Rewrite(link.start(), link.end(), f"{shown}[^{source}]", link.start("url"), what)
    cited = [
        (place, source) for place in _bare(text) if (source := addresses.get(_key(place["auto"] or place["bare"])))
    ]
    taken += [other.span() for other in _OTHER_LINK.finditer(text)] if cited else []
    for place, source in cited:
        if not any(start <= place.start() < end for start, end in taken):
            start, end = place.span()
            what = f'this is the address of the source "{source}"; cite it as [^{source}], or run: opensignal fmt'
            if text[start - 1 : start] == "(" and text[end : end + 1] == ")":
                yield _moved(body, start - 1, end + 1, f"[^{source}]", what)
            elif _is_a_word_of_its_sentence(text, start, end):
                name = plain_markdown(sources[source].title or sources[source].publisher)
                yield Rewrite(start, end, f"{name}[^{source}]", start, what)
            else:
                yield _moved(body, start, end, f"[^{source}]", what)


def _bare(text: str) -> Iterator[re.Match[str]]:
    """The addresses in *text*, looked for where ``://`` stands: the expression would look at every letter."""
    at = end = 0
    while (at := text.find("://", at)) >= 0:
        starts = range(max(end, at - len("<https")), max(end, at - len("http") + 1))
        if place := next((found for start in starts if (found := _BARE.match(text, start))), None):
            yield place
            end = place.end()
        at = max(at + len("://"), end)


def _is_a_word_of_its_sentence(text: str, start: int, end: int) -> bool:
    """True where an address from *start* to *end* cannot be left out: there is more of its sentence behind it, or the words before
    it lead to it (``see``, ``at``, a colon)."""
    line = text[text.rfind("\n", 0, start) + 1 : start].rstrip(" \t")
    if not _SENTENCE_ENDS.match(text, end):
        return not (_NEXT_SENTENCE.match(text, end) and line.endswith((".", "!", "?")))
    return not _OPENS.fullmatch(line) and _LEADS_ON.search(line) is not None


def plain_markdown(text: str) -> str:
    """*text* in one line of Markdown that shows it as it is."""
    return _MARKUP.sub(lambda m: f"\\{m[0]}", " ".join(text.split()))


def in_our_notation(body: str, sources: Mapping[str, Source]) -> str:
    """*body* as `opensignal fmt` would write its citations."""
    addresses = addresses_of(sources.values()) if "://" in body else {}
    while found := rewrites(body, sources, addresses):  # mostly once: what is rewritten may have hidden a link
        for rewrite in reversed(found):
            body = body[: rewrite.start] + rewrite.words + body[rewrite.end :]
    return body


def _key(url: str) -> str:
    try:
        return page_key(url)
    except ValueError:  # a bracket of an IPv6 address is missing
        return url


def _moved(body: str, start: int, end: int, words: str, what: str) -> Rewrite:
    """A citation is set close to what is before it, and behind the full stop that follows."""
    at = start
    line = body[body.rfind("\n", 0, start) + 1 : start]
    if _OPENS.fullmatch(line) or line.rstrip(" \t").endswith("\\"):
        return Rewrite(start, end, words, at, what)
    start -= len(line) - len(line.rstrip(" \t"))
    stop = _STOP.match(body, end)
    if stop is None or body[start - 1] in ".!?":
        return Rewrite(start, end, words, at, what)
    return Rewrite(start, stop.end(), stop[0] + words, at, what)
