"""A small newsroom in a folder of its own, whose files are all right until a test spoils one."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

from pipeline.library import Library, load_library
from pipeline.model import Article, Problem

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
SITE = "https://signals.example.org/"

FRONT = """\
title: The grid is the story
dek: What the grid can carry decides what is built.
date: 2026-11-20T06:00:00Z
status: published
authors: [ines]
topics: [power]
"""
TOPICS = """\
- {id: power, name: Power}
- {id: chips, name: Chips}
"""
PEOPLE = """\
- {id: ines, name: Ines Example, role: editor}
- {id: tomas, name: Tomas Example, role: writer}
- {id: drafting-model, name: A model, role: model}
"""
SOURCE = """\
id: {id}
url: https://{id}.example.org/outlook
publisher: Northfield Grid Authority
title: Load outlook
issued: 2026-02-26
tier: primary
facts:
  peak: {{what: peak demand, value: 9.40, unit: GW, period: 2025}}
"""
TEXT = "Halls under contract may need 9% to 17% of regional supply by 2030. That is 60% above our 2024 outlook."


class Newsroom:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("content/topics.yml", TOPICS)
        self.write("content/people.yml", PEOPLE)
        self.source("northfield-2026")
        self.source("southfield-2026")

    def write(self, path: str, text: str | bytes) -> str:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def source(self, id_: str, more: str = "") -> str:
        return self.write(f"content/sources/{id_}.yml", SOURCE.format(id=id_) + more)

    def quoted_source(self, id_: str, quote: str, *, text: str = TEXT, redistribute: str = "full") -> str:
        """A source with a stored copy of *text* and one quote, ``share``."""
        sha = hashlib.sha256(text.encode()).hexdigest()
        self.write(f"content/sources/snapshots/{sha}.txt", text)
        return self.source(
            id_,
            f"redistribute: {redistribute}\n"
            f"snapshot: {{sha256: {sha}, text_sha256: {sha}, at: 2026-11-23T09:14:02Z, tool: trafilatura/2, bytes: 9}}\n"
            f'quotes:\n  share: {{text: "{quote}"}}\n',
        )

    def keep_outside_git(self) -> None:
        """Move every stored text to the folder of those that may not be redistributed."""
        kept = self.root / ".opensignal" / "snapshots"
        kept.parent.mkdir()
        (self.root / "content/sources/snapshots").rename(kept)

    def article(
        self, body: str = "A plain sentence.\n", *, front: str = FRONT, slug: str = "grid", date: str = "2026-11-20"
    ) -> str:
        return self.write(f"content/articles/{date[:4]}/{date}-{slug}.md", f"---\n{front}---\n{body}")

    def load(self) -> Library:
        return load_library(self.root, now=dt.datetime.now(dt.UTC))

    def load_article(self, body: str = "A plain sentence.\n", *, front: str = FRONT) -> tuple[Article, Library]:
        path = self.article(body, front=front)
        library = self.load()
        article = library.article_at(path)
        assert article is not None, library.problems
        return article, library

    def problems(self) -> list[tuple[str, int, int, str]]:
        """File name, line, column and code of each problem."""
        return [(Path(p.path).name, p.line, p.column, p.code) for p in self.load().problems]

    def only_problem(self) -> Problem:
        problems = self.load().problems
        assert len(problems) == 1, [str(problem) for problem in problems]
        return problems[0]


def front(**changes: str | None) -> str:
    """The front matter with values replaced, added, or (None) taken away."""
    lines = dict(line.split(": ", 1) for line in FRONT.splitlines())
    lines.update({key: value for key, value in changes.items() if value is not None})
    return "".join(f"{key}: {value}\n" for key, value in lines.items() if changes.get(key, "") is not None)
