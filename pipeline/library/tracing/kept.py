"""Claims that were found before are kept in a folder of this machine: a check looks at what has changed, and at nothing else.

A file is named by all that its claims depend on: the article, the sources that it cites with what these report and what replaces
them, which of their texts are here, and the code that looks. What is wrong with an article may also hang on sources that it does
not cite ("it occurs in another source"), so claims with problems are found again when any source has changed. The folder may be
deleted at any time; where it cannot be written, nothing is kept.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import StoreError
from pipeline.files import put
from pipeline.model import Article, Basis, Citation, Claim, Passage, PassageKind, Problem, Severity, Source

if TYPE_CHECKING:
    from pipeline.library import Library

_BROKEN: Final = (ValueError, TypeError, KeyError)  # what a file that was cut off or written over raises
_UNFINISHED: Final = 3600.0  # seconds after which nobody writes on at a file
_UNUSED: Final = 7 * 24 * 3600.0  # seconds after which a file that nothing asked for is deleted


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """What a check wants to know of an article's claims."""

    problems: tuple[Problem, ...]
    factual: int
    cited: int


class KeptClaims:
    """The claims kept in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asked: set[str] = set()
        self._told: dict[str, str] = {}  # by id of a source: what claims may depend on of it
        self._wrote = False

    def summary(self, article: Article, library: Library) -> Summary | None:
        """The summary of the claims of *article*; None where there is none that still holds."""
        lines = self._lines(article, library, most=1)
        try:
            return _summary(json.loads(lines[0])) if lines else None
        except _BROKEN:
            return None

    def claims(self, article: Article, library: Library) -> tuple[Claim, ...] | None:
        """The claims of *article*; None where there are none that still hold."""
        lines = self._lines(article, library, most=2)
        try:
            return tuple(_claim(data) for data in json.loads(lines[1])) if lines else None
        except _BROKEN:
            return None

    def keep(self, article: Article, library: Library, claims: Sequence[Claim]) -> None:
        """Write the claims of *article*, whole or not at all."""
        summary = summarized(article, claims)
        head = {**dataclasses.asdict(summary), "sources": self._all(library) if summary.problems else ""}
        text = "\n".join(_json(part) for part in (head, [dataclasses.asdict(claim) for claim in claims]))
        key = self._key(article, library)
        try:
            put(self._folder / f"{key}.json", text.encode(), sync=False)
        except StoreError:
            return
        self._wrote = True

    def tidy(self) -> None:
        """Delete what nobody asked for in a week, or was not written to its end; looked for only after something was written."""
        for path in self._folder.glob("*") if self._wrote else ():
            longest = _UNFINISHED if path.name.startswith(".") else _UNUSED
            with contextlib.suppress(OSError):
                if path.stem not in self._asked and time.time() - path.stat().st_mtime > longest:
                    path.unlink()

    def _lines(self, article: Article, library: Library, *, most: int) -> list[str]:
        key = self._key(article, library)
        self._asked.add(key)
        try:
            with (self._folder / f"{key}.json").open(encoding="utf-8") as file:
                lines = [file.readline() for _ in range(most)]
            sources = json.loads(lines[0])["sources"]
            holds = sources == "" or sources == self._all(library)
        except (OSError, *_BROKEN):
            return []
        return lines if holds else []

    def _key(self, article: Article, library: Library) -> str:
        """What the claims of *article* depend on, as one name."""
        return _digest([_code(), repr(article), *(self._of(source, library) for source in _near(article, library))])

    def _all(self, library: Library) -> str:
        """All sources as they are now, as one name."""
        return _digest(self._of(library.sources[id_], library) for id_ in sorted(library.sources))

    def _of(self, source: Source, library: Library) -> str:
        if source.id not in self._told:
            text, wrong = library.texts.of(source)
            self._told[source.id] = f"{source!r} {'here' if text is not None else 'not here'} {wrong}"
        return self._told[source.id]


def summarized(article: Article, claims: Sequence[Claim]) -> Summary:
    """What is wrong with *claims* and with the citations of *article* that belong to none of them, and how many say something."""
    factual = [claim for claim in claims if claim.is_factual]
    problems = tuple(problem for claim in claims for problem in claim.problems)
    return Summary(
        (*problems, *_left_over(article, claims)), len(factual), sum(bool(claim.citations) for claim in factual)
    )


def _left_over(article: Article, claims: Sequence[Claim]) -> Iterator[Problem]:
    """S206 for the citations that cover nothing, such as one in a heading."""
    belong = {citation for claim in claims for citation in claim.citations}
    for citation in article.citations:
        if citation not in belong:
            message = f'the citation of "{citation.source}" belongs to no sentence; put it behind the full stop of one'
            yield Problem(article.path, citation.line, citation.column, "S206", message, Severity.WARNING)


# --- keys -----------------------------------------------------------------------------------------------------------------------


def _near(article: Article, library: Library) -> Iterator[Source]:
    """The sources that *article* cites, and those that they lead to: what they report, what replaces them."""
    waiting, seen = [*article.source_ids], set[str]()
    while waiting:
        id_ = waiting.pop(0)
        source = library.sources.get(id_)
        if source is None or id_ in seen:
            continue
        seen.add(id_)
        yield source
        others = (source.via, source.supersedes, source.superseded_by, library.newer.get(id_))
        waiting += [other for other in others if other]


@functools.cache
def _code() -> str:
    """The code that finds claims: with another one they may be others."""
    return _digest(path.read_text("utf-8") for path in files_of_code())


def files_of_code() -> list[Path]:
    """The files of the code that finds claims, in order."""
    library = Path(__file__).parent.parent
    return sorted(
        [
            *library.glob("tracing/*.py"),
            *library.glob("quotes/*.py"),
            *library.glob("*.py"),
            *library.parent.glob("*.py"),
        ]
    )


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


# --- to JSON and back -----------------------------------------------------------------------------------------------------------


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _summary(data: dict[str, Any]) -> Summary:
    return Summary(tuple(map(_problem, data["problems"])), data["factual"], data["cited"])


def _claim(data: dict[str, Any]) -> Claim:
    nouns = {
        "basis": Basis(data["basis"]),
        "citations": tuple(Citation(**one) for one in data["citations"]),
        "passages": tuple(_passage(one) for one in data["passages"]),
        "problems": tuple(map(_problem, data["problems"])),
    }
    return Claim(**{**data, **nouns})


def _passage(data: dict[str, Any]) -> Passage:
    return Passage(**{**data, "kind": PassageKind(data["kind"]), "bears": tuple(data["bears"])})


def _problem(data: dict[str, Any]) -> Problem:
    return Problem(**{**data, "severity": Severity(data["severity"])})
