"""A set by an author who did not know the rules: what the whole of a trace, quotations too, tells of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline.library.quotes.normal import normal_lines
from pipeline.model import Problem, Severity
from tests.library.newsroom import Newsroom
from tests.library.tracing.corpus import Invented, read

SOFT = frozenset({"S203", "S204", "S205", "S206", "S117", "S333"})  # of citing, not of what is said


@pytest.fixture(scope="module")
def sources() -> dict[str, Invented]:
    return read("independent.txt")


def _told(root: Path, invented: Invented, sentences: list[str]) -> list[list[Problem]]:
    """For each of *sentences*, in an article that cites the source with each, what is told of it."""
    newsroom = Newsroom(root)
    text = "".join(f"{passage}\n" for passage in invented.passages.values())
    text = "\n".join(normal_lines(text)) + "\n"
    sha = hashlib.sha256(text.encode()).hexdigest()
    newsroom.write(f"content/sources/snapshots/{sha}.txt", text)
    newsroom.write(
        f"content/sources/{invented.id}.yml",
        f"id: {invented.id}\nurl: https://{invented.id}.example/p\npublisher: {invented.publisher}\ntier: primary\n"
        f"issued: '{invented.issued}'\nredistribute: full\n"
        f"snapshot: {{sha256: {sha}, text_sha256: {sha}, at: 2026-03-20T00:00:00Z, tool: plain/1, bytes: 9}}\n",
    )
    article, library = newsroom.load_article("".join(f"{sentence}[^{invented.id}]\n\n" for sentence in sentences))
    lines = [article.body_line + 2 * number for number in range(len(sentences))]
    problems = [problem for claim in library.claims(article) for problem in claim.problems if problem.code not in SOFT]
    return [[problem for problem in problems if problem.line == line] for line in lines]


def test_four_in_five_distortions_of_an_author_who_did_not_know_the_rules_are_told(
    sources: dict[str, Invented], tmp_path: Path
) -> None:
    """S110, S301 to S322: as measured when the set came, and no less."""
    missed, blocked, count = [], 0, 0
    for number, invented in enumerate(sources.values()):
        sentences = [sentence for _, _, sentence in invented.distorted]
        told = _told(tmp_path / str(number), invented, sentences)
        missed += [sentence for sentence, problems in zip(sentences, told, strict=True) if not problems]
        blocked += sum(any(problem.severity is Severity.ERROR for problem in problems) for problems in told)
        count += len(sentences)

    assert count == 112
    assert len(missed) <= 0.2 * count, missed
    assert blocked >= 0.4 * count


def test_of_its_true_sentences_few_are_told(sources: dict[str, Invented], tmp_path: Path) -> None:
    alarms, blocked, count = [], [], 0
    for number, invented in enumerate(sources.values()):
        sentences = [sentence for _, sentence in invented.true]
        told = _told(tmp_path / str(number), invented, sentences)
        alarms += [sentence for sentence, problems in zip(sentences, told, strict=True) if problems]
        blocked += [
            s for s, found in zip(sentences, told, strict=True) if any(p.severity is Severity.ERROR for p in found)
        ]
        count += len(sentences)

    assert count == 70
    assert len(alarms) <= 22, alarms
    assert len(blocked) <= 16, blocked
