"""How long `opensignal check` takes, whole process: one article of 2,000 words that leans on 25 sources with long stored texts.

Cold is the first run on a machine, warm the next ones. Half of the article's sentences have a number, a fifth a quotation.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.table import Row
from tests.repository import HERE

WARM, COLD = 1.0, 3.0  # seconds
SOURCES = 25
WORDS = 5_000  # of each stored text
SENTENCES = 105  # about 2,000 words

_PASSAGES = (HERE / "tests" / "data" / "tracing" / "passages.txt").read_text("utf-8").splitlines()


def measure(*, runs: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        words = make(root)
        cold = []
        for _ in range(max(2, runs)):
            shutil.rmtree(root / ".opensignal", ignore_errors=True)
            cold.append(_check(root))
        warm = [_check(root) for _ in range(max(3, runs))]
    first, again = statistics.median(cold), statistics.median(warm)
    yield Row(
        f"check {words:,} words, {SOURCES} sources, cold", f"{first:.2f} s", f"at most {COLD:.0f} s", first <= COLD
    )
    yield Row("  the same, warm", f"{again:.2f} s", f"at most {WARM:.1f} s", again <= WARM)


def _check(root: Path) -> float:
    began = time.perf_counter()
    command = [str(Path(sys.executable).parent / "opensignal"), "check", "--root", str(root)]
    # As on the machine of a user: compiled modules are kept from one run to the next.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    if ended.returncode != 0:
        raise RuntimeError(
            f"the article of the benchmark does not pass the check:\n{ended.stdout[-2000:]}{ended.stderr}"
        )
    return time.perf_counter() - began


# --- a newsroom to check ---------------------------------------------------------------------------------------------------------


def make(root: Path) -> int:
    """Write a newsletter's repository with the one article and its sources; how many words the article has."""
    chance = random.Random(2026)
    for name in ("content/topics.yml", "content/people.yml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / name, root / name)
    shutil.copy(HERE / "mkdocs.yml", root / "mkdocs.yml")
    (root / "pyproject.toml").write_text('[tool.opensignal]\nmail_from = "Deep Signals <signals@example.org>"\n')
    texts = [_text(chance, number) for number in range(SOURCES)]
    for number, text in enumerate(texts):
        _write_source(root, number, text)
    body = "\n".join(_body(chance, texts))
    path = root / "content/articles/2026/2026-11-20-twenty-five-sources.md"
    path.parent.mkdir(parents=True)
    path.write_text(
        "---\ntitle: What twenty-five sources say\ndek: An article that leans on many long texts.\ndate: 2026-11-20T06:00:00Z\n"
        f"status: published\nauthors: [ines-halvorsen]\ntopics: [power]\n---\n{body}\n"
    )
    return len(body.split())


def _text(chance: random.Random, number: int) -> str:
    """Paragraphs as long as the sample passages, each with figures and names of its own."""
    paragraphs: list[str] = []
    while sum(len(paragraph.split()) for paragraph in paragraphs) < WORDS:
        paragraph = chance.choice(_PASSAGES)
        for figure in ("9%", "251", "213", "640", "212", "1.8", "41 months", "75", "34%", "176", "352", "81%", "455"):
            digits = "".join(char if not char.isdigit() else chance.choice("123456789") for char in figure)
            paragraph = paragraph.replace(figure, digits)
        paragraphs.append(f"Report {number} of the region, part {len(paragraphs)}: {paragraph}")
    return "\n".join(paragraphs)


def _write_source(root: Path, number: int, text: str) -> None:
    sha = hashlib.sha256(text.encode()).hexdigest()
    copy = root / f"content/sources/snapshots/{sha}.txt"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text)
    (root / f"content/sources/source-{number:02}.yml").write_text(
        f"id: source-{number:02}\nurl: https://source-{number:02}.example.org/report\npublisher: Office {number} of the Region\n"
        f"title: Report {number}\ntier: primary\nissued: 2026-02-{number + 1:02}\nlicence: CC-BY-4.0\nredistribute: full\n"
        f"snapshot: {{sha256: {sha}, text_sha256: {sha}, at: 2026-11-19T09:14:02Z, tool: trafilatura/2, bytes: {len(text)}}}\n"
    )


def _body(chance: random.Random, texts: list[str]) -> Iterator[str]:
    """Sentences that tell what the sources say, as an article would: some word for word, some in other words with their figures."""
    for number in range(SENTENCES):
        source = chance.randrange(SOURCES)
        words = chance.choice(texts[source].split("\n")).partition(": ")[2].split()
        length = chance.randint(8, 16)
        first = chance.randrange(max(1, len(words) - length))
        passage = re.sub('["“”]', "", " ".join(words[first : first + length])).strip(".,;:'")
        passage = re.sub(r"[.?!…] ", ", ", passage)
        cited = f"[^source-{source:02}]"
        if number % 5 == 0 and re.search(r"[\d(\[¹⁶,]", passage) is None:
            yield f"The office puts it in these words, for all who ask about it: “{passage}”.{cited}"
        elif number % 10 == 9:
            yield "\nWe read this as a sign that the region has not made up its mind about who waits. <!-- analysis -->\n"
        else:
            yield f"Of its own region the office adds that {passage[0].lower()}{passage[1:]} all the same.{cited}"
        if number % 8 == 7:
            yield f"\n## Part {number}\n"
