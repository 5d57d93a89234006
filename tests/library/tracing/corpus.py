"""Sources that nobody published, true sentences about them, and distortions, as tests/data/tracing/ holds them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.library.tracing.evidence import evidence_of
from pipeline.library.tracing.findings import Finding
from pipeline.library.tracing.judge import examine
from pipeline.model import Source, Tier

DATA = Path(__file__).parents[2] / "data" / "tracing"
WRITTEN = dt.date(2026, 8, 1)


@dataclass
class Invented:
    """A source whose text is the passages, one a line."""

    id: str
    publisher: str
    issued: str
    passages: dict[str, str] = field(default_factory=dict)
    true: list[tuple[str, str]] = field(default_factory=list)  # passage, sentence
    distorted: list[tuple[str, str, str]] = field(default_factory=list)  # passage, kind, sentence

    @property
    def source(self) -> Source:
        url = f"https://{self.id}.example/page"
        return Source(self.id, url, self.publisher, Tier.PRIMARY, issued=self.issued)

    @property
    def text(self) -> str:
        return "\n".join(self.passages.values())


def read(name: str = "invented.txt") -> dict[str, Invented]:
    """The sources of one file, by id."""
    sources: dict[str, Invented] = {}
    current = passage = None
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "@":
            current = Invented(*(part.strip() for part in rest.split("|")))
            sources[current.id] = current
        elif mark == "*":
            passage = rest.strip()
        elif current is not None and passage is not None and line.strip():
            if mark == "=":
                current.true.append((passage, rest))
            elif mark == "!":
                kind, _, sentence = rest.partition("|")
                current.distorted.append((passage, kind.strip(), sentence.strip()))
            else:
                current.passages[passage] = line.strip()
    return sources


def second_half() -> Iterator[tuple[str, str, str, str]]:
    """The distortions that were written when the rules were done: source, passage, kind, sentence."""
    for line in (DATA / "second-half.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            where, kind, sentence = (part.strip() for part in line.split("|"))
            source, passage = where.split(".")
            yield source, passage, kind, sentence


def findings(passage: str, sentence: str, invented: Invented) -> tuple[Finding, ...]:
    """What the rules say of *sentence* where it cites the source, behind the first true sentence about the passage."""
    first = next(true for where, true in invented.true if where == passage)
    before = "" if sentence == first else first
    cited = (evidence_of(invented.source, invented.text),)
    return tuple(examine(sentence, cited, before=before, written=WRITTEN.year))
