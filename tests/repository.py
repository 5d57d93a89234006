"""A newsletter's repository for commands to work on, and the commands as a person runs them: as processes."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes import Accepted

HERE = Path(__file__).parent.parent
ARTICLE = """\
---
title: {title}
dek: What {slug} tells us in one sentence.
date: {date:%Y-%m-%dT%H:%M:%SZ}
status: {status}
authors: [ines-halvorsen]
topics: [{topic}]
---
A paragraph on {slug}, which leans on its source.[^sample-source]

## A section

More of it, and [a link](https://example.org/).
"""
SOURCE = """\
id: sample-source
type: webpage
title: A sample source
publisher: Sample publisher
url: https://example.org/source
tier: primary
redistribute: quote
sample: true
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Repository:
    """A repository in *root* with the real theme, topics and people, and no articles but those that are added."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path, **environment: str) -> Repository:
        (root / "content" / "sources").mkdir(parents=True)
        for name in ("topics.yml", "people.yml"):
            shutil.copy(HERE / "content" / name, root / "content" / name)
        for name in ("mkdocs.yml", "pyproject.toml"):
            shutil.copy(HERE / name, root / name)
        shutil.copytree(HERE / "theme", root / "theme")
        shutil.copytree(HERE / "content" / "pages", root / "content" / "pages")
        (root / "content" / "sources" / "sample-source.yml").write_text(SOURCE)
        settings = {"proof_of_work": "0", "signup_limits": "false", **environment}
        return cls(root, {f"OPENSIGNAL_{name.upper()}": value for name, value in settings.items()})

    def add_article(
        self,
        slug: str,
        *,
        hours_old: float = 1,
        title: str = "",
        topic: str = "power",
        status: str = "published",
    ) -> Path:
        date = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_old)
        path = self.root / "content" / "articles" / f"{date:%Y}" / f"{date:%Y-%m-%d}-{slug}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = ARTICLE.format(title=title or f"The story of {slug}", slug=slug, date=date, topic=topic, status=status)
        path.write_text(text, "utf-8")
        return path

    def add_subscribers(self, emails: Sequence[str], *, cadence: str = "daily") -> None:
        file = self.root / "people.csv"
        file.write_text("email,cadence\n" + "".join(f"{email},{cadence}\n" for email in emails))
        ended = self.run(
            "subscribers",
            "import",
            "people.csv",
            "--source",
            "test",
            "--basis",
            "test",
            "--confirmed",
            timeout=60 + len(emails) / 2_000,
        )
        assert ended.code == 0, ended.err

    @property
    def today(self) -> str:
        """The key of today's issue. Articles of an hour ago may be yesterday's; the issue takes them all the same."""
        return f"daily-{dt.datetime.now(dt.UTC):%Y-%m-%d}"

    def command(self, *words: str) -> list[str]:
        return [str(Path(sys.executable).parent / "opensignal"), *words]

    def env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENSIGNAL_")}
        return {**kept, **self.environment, **(extra or {})}

    def run(self, *words: str, timeout: float = 60, **extra: str) -> Ended:
        """Run ``opensignal WORDS`` in the repository; *extra* are further settings."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.root,
            env=self.env({f"OPENSIGNAL_{name.upper()}": value for name, value in extra.items()}),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **extra: str) -> subprocess.Popen[str]:
        """Start ``opensignal WORDS`` and go on; the caller ends it."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.env({f"OPENSIGNAL_{name.upper()}": value for name, value in extra.items()}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )


class Sink:
    """A mail server in a process of its own, whose journal outlives every client that is killed.

    *options* are those of ``python -m tests.fakes``. Several sinks, one after the other, may write one journal.
    """

    def __init__(self, journal: Path, *options: str) -> None:
        self.journal = journal
        self._read = self._counted = 0
        journal.touch()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes", str(journal), *options],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def take(self, more: int) -> None:
        """Keep so many *more* letters and those in flight then, and be silent to whoever begins another."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{more}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def accepted(self) -> list[Accepted]:
        """Every letter that was kept, in the order in which they came."""
        return Accepted.read(self.journal)

    def taken(self) -> list[tuple[str, str]]:
        """Recipient and Message-ID of each letter, in the order in which they came."""
        return [(letter.recipient, letter.message_id) for letter in self.accepted()]

    def count(self) -> int:
        """How many letters were kept; what was counted once is not read again."""
        with self.journal.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        self._read += len(fresh)
        self._counted += fresh.count(b"\n")
        return self._counted
