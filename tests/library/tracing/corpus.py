"""Sources that nobody published, true sentences about them, and distortions, as tests/data/tracing/ holds them."""

from __future__ import annotations

import datetime as dt
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
    """The sources of one file, by id; one that only names a source of the first file has that one's passages."""
    sources: dict[str, Invented] = {}
    current, passage = None, ""
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "#" or not line.strip():
            continue
        if mark == "@":
            parts = [part.strip() for part in rest.split("|")]
            current = Invented(*parts) if len(parts) > 1 else _without_sentences(read()[parts[0]])
            sources[current.id], passage = current, ""
        elif mark == "*":
            passage = rest.strip()
        elif current is not None:
            if mark == "=":
                current.true.append((passage, rest))
            elif mark == "!":
                kind, _, sentence = rest.partition("|")
                current.distorted.append((passage, kind.strip(), sentence.strip()))
            else:
                current.passages[passage] = line.strip()
    return sources


def _without_sentences(invented: Invented) -> Invented:
    return Invented(invented.id, invented.publisher, invented.issued, invented.passages)


def findings(passage: str, sentence: str, invented: Invented) -> tuple[Finding, ...]:
    """What the rules say of *sentence* where it cites the source, behind the first true sentence about the passage."""
    first = next((true for where, true in invented.true if where == passage), "")
    before = "" if sentence == first else first
    cited = (evidence_of(invented.source, invented.text),)
    return tuple(examine(sentence, cited, before=before, written=WRITTEN.year))
