"""What `opensignal fmt` does to an article: citations in our notation, and their definitions at the foot of the file.

    <!-- sources -->
    [^northfield-2026]: Northfield Grid Authority, Load outlook 2026, 2026-02-26. <https://northfield.example/outlook-2026>
    <!-- sources -->

With the definitions the file reads well on a forge and in any editor; readers of the site get the panel made from the sources.
Nothing else of the file changes, and what was tidied once stays as it is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.library.citations import (
    CITATION,
    DEFINITION,
    definitions_at,
    line_and_column,
    marks_in,
    prose,
    without_code,
)
from pipeline.library.editing import TextFile
from pipeline.library.files import article_files, read_sources
from pipeline.library.frontmatter import Place, Unreadable
from pipeline.library.notation import addresses_of, plain_markdown, rewrites
from pipeline.model import Problem, Source

MARK: Final = "<!-- sources -->"


@dataclass(frozen=True)
class Tidying:
    """What is, or would be, written otherwise."""

    files: tuple[TextFile, ...]  # those that change
    problems: tuple[Problem, ...]  # files that must be mended first
    looked_at: int


def tidy(root: Path, paths: Iterable[str] | None = None) -> Tidying:
    """See what is to be written otherwise in the articles at *paths* from *root* (by default in all); `TextFile.write` does it."""
    sources = {source.id: source for source in read_sources(root)}
    addresses = addresses_of(sources.values())
    files: list[TextFile] = []
    problems: list[Problem] = []
    chosen = article_files(root) if paths is None else list(paths)
    for path in chosen:
        try:
            file = tidied(TextFile.read(root / path), sources, addresses)
        except Unreadable as wrong:
            problems.append(Problem(path, wrong.place.line, wrong.place.column, wrong.code, wrong.message))
            continue
        if file.is_changed:
            files.append(file)
    return Tidying(tuple(files), tuple(problems), len(chosen))


def diff_of(file: TextFile, path: str) -> Iterator[str]:
    """The lines of a unified diff."""
    before = TextFile(file.path, file.original, file.original.decode("utf-8-sig")).text
    yield from difflib.unified_diff(before.splitlines(), file.text.splitlines(), path, path, lineterm="")


def tidied(file: TextFile, sources: Mapping[str, Source], addresses: Mapping[str, str]) -> TextFile:
    """*file* as it should be. Raises `Unreadable` for one that must be mended first."""
    base = file.body_start
    while found := rewrites(file.body, sources, addresses):  # mostly once: what is rewritten may have hidden a link
        for rewrite in reversed(found):
            file = file.changed(base + rewrite.start, base + rewrite.end, rewrite.words)
    return _with_definitions(file, sources)


def _with_definitions(file: TextFile, sources: Mapping[str, Source]) -> TextFile:
    base, body = file.body_start, file.body
    span = definitions_at(body)
    if wrong := wrong_definitions(body):
        message, at = wrong
        raise Unreadable("S106", message, Place(*line_and_column(file.text, base + at)))
    lines = _definitions(body[: span[0]] + body[span[1] :] if span else body, sources)
    foot = "\n".join([MARK, *lines, MARK]) if lines else ""
    start, end = span or (len(body), len(body))
    if not body[end:].strip():
        if span is None and not foot:
            return file
        start = len(body[:start].rstrip())
        words = f"\n\n{foot}\n" if foot else "\n"
        return file if body[start:] == words else file.changed(base + start, base + len(body), words)
    # Text follows the definitions: they go to the end.
    last = len(body.rstrip())
    file = file.changed(base + last, base + len(body), f"\n\n{foot}\n" if foot else "\n")
    blank = re.compile(r"(?:[ \t]*\n)*").match(body, end)
    after = blank.end() if blank else end
    return file.changed(base + len(body[:start].rstrip()), base + after, "\n\n")


def wrong_definitions(body: str) -> tuple[str, int] | None:
    """What is wrong with the marked definitions of *body*, and where: readers are shown nothing of what stands there."""
    span = definitions_at(body)
    if span is None:
        return None
    start, end = span
    marks = marks_in(body)
    if len(marks) > 2:
        return f"a third {MARK}; two stand around the definitions, delete the others", marks[2][0]
    inner = marks[0][1], marks[1][0] if len(marks) > 1 else end
    block = re.sub(DEFINITION, lambda m: re.sub(r"[^\n]", " ", m[0]), body[slice(*inner)])
    if lost := re.search(r"\S.*", block):
        what = f'"{lost[0][:40]}" stands among the definitions, and no reader sees it'
        return f"{what}; move it above {MARK}, and put a second one below the last definition", inner[0] + lost.start()
    return None if len(marks) > 1 else (f"the second {MARK} is missing; put it below the last definition", start)


def _definitions(body: str, sources: Mapping[str, Source]) -> list[str]:
    """A definition for each source, and each quote, that is cited in *body* and not defined there by hand."""
    by_hand = {m[0].lstrip().partition("]:")[0] for m in DEFINITION.finditer(without_code(body))}
    cited = dict.fromkeys((m[1], m[2]) for m in re.finditer(rf"(?<!\\){CITATION}", prose(body)))
    lines = []
    for id_, name in cited:
        label = f"[^{id_}.{name}" if name else f"[^{id_}"
        source = sources.get(id_)
        if source is not None and label not in by_hand and (name is None or name in source.quotes):
            lines.append(f"{label}]: {_described(source, name)}")
    return lines


def _described(source: Source, name: str | None) -> str:
    parts = [source.publisher, source.title, source.issued]
    words = plain_markdown(", ".join(part for part in parts if part).rstrip("."))
    quoted = f": “{plain_markdown(source.quotes[name].text)}”" if name else ""
    return f"{words}{quoted}. <{source.url}>"
