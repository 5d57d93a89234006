"""A newsroom whose folder is a real Git repository, made by the real git."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from pathlib import Path

from pipeline.model import Problem
from tests.library.newsroom import Newsroom

START = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)  # two hours after the newsroom's article appeared
OWN = {
    "GIT_AUTHOR_NAME": "Ines Example",
    "GIT_AUTHOR_EMAIL": "ines@example.org",
    "GIT_COMMITTER_NAME": "Ines Example",
    "GIT_COMMITTER_EMAIL": "ines@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Gitted(Newsroom):
    def __init__(self, root: Path, *init: str) -> None:
        super().__init__(root)
        self.at = START
        self.git("init", "-q", "-b", "main", *init)

    def git(self, *words: str, cwd: Path | None = None) -> str:
        when = self.at.strftime("%Y-%m-%dT%H:%M:%SZ")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", *words],
            cwd=cwd or self.root,
            env={**kept, **OWN, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str = "A change", *, hours: float = 1) -> str:
        """Commit all that there is, *hours* after the commit before; the commit's name."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.at += dt.timedelta(hours=hours)
        return self.git("rev-parse", "HEAD")

    def problems_with_articles(self) -> list[Problem]:
        """Those of front matter, review and history: what a sentence rests on is tested elsewhere."""
        return [problem for problem in self.load().problems if problem.code < "S100"]

    def only_problem(self) -> Problem:
        problems = self.problems_with_articles()
        assert len(problems) == 1, [str(problem) for problem in problems]
        return problems[0]

    def said(self) -> list[tuple[str, str]]:
        """Code and message of each problem."""
        return [(problem.code, problem.message) for problem in self.problems_with_articles()]

    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems_with_articles()]
