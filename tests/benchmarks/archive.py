"""A newsroom's archive of any size, the same in every run: articles of about 1,370 words with sources, tables, lists and code.

What is measured must be what an editor has: every article cites sources with stored texts, quotes one of them word for word, has
numbers that are looked up, links to an earlier article, and passes `opensignal check` without an error. A newsroom comes back to
its sources, so there is one to four articles.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.repository import HERE

ARTICLES_A_SOURCE: Final = 4
CITED: Final = 5  # sources of one article
FIRST_DAY: Final = dt.datetime(2026, 11, 20, 6, tzinfo=dt.UTC)
PARTS: Final = 6  # sections of an article, of about 230 words each
BETWEEN: Final = dt.timedelta(hours=9)  # about 970 articles a year

_SUBJECTS: Final = (
    "office",
    "region",
    "board",
    "harbour",
    "grid",
    "council",
    "plant",
    "utility",
    "ministry",
    "operator",
)
_VERBS: Final = (
    "waits for",
    "speaks of",
    "asks about",
    "looks at",
    "returns to",
    "puts off",
    "comes back to",
    "thinks of",
)
_OBJECTS: Final = (
    "a line",
    "its plans",
    "a hall",
    "the queue",
    "a permit",
    "its neighbours",
    "the water",
    "a contract",
)
_ENDINGS: Final = (
    "as it did before", "with little to show for it", "while others wait", "in a market that is not in a hurry",
    "and nobody is surprised", "because nothing else is left", "as the season ends", "without saying when",
)  # fmt: skip


def make(root: Path, *, articles: int) -> None:
    """Write the repository of a newsletter with so many *articles* into *root*."""
    for name in ("content/topics.yml", "content/people.yml", "mkdocs.yml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / name, root / name)
    shutil.copytree(HERE / "theme", root / "theme")
    shutil.copytree(HERE / "content/pages", root / "content/pages")
    (root / "pyproject.toml").write_text('[tool.opensignal]\nmail_from = "Deep Signals <signals@example.org>"\n')
    sources = max(CITED, articles // ARTICLES_A_SOURCE)
    for number in range(sources):
        _write_source(root, number)
    known = topics_of(root)
    for number in range(articles):
        path = root / article_path(number, articles=articles)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(article(number, articles=articles, sources=sources, topics=known))


def topics_of(root: Path) -> list[str]:
    lines = (root / "content/topics.yml").read_text().splitlines()
    return [line.split("id:")[1].strip() for line in lines if "id:" in line]


def date_of(number: int, *, articles: int) -> dt.datetime:
    return FIRST_DAY - (articles - 1 - number) * BETWEEN


def slug_of(number: int) -> str:
    return f"signal-{number:05}"


def article_path(number: int, *, articles: int) -> str:
    """Where article *number* lies; 0 is the oldest."""
    date = date_of(number, articles=articles)
    return f"content/articles/{date:%Y}/{date:%Y-%m-%d}-{slug_of(number)}.md"


def article(number: int, *, articles: int, sources: int, topics: list[str]) -> str:
    """The text of the file of article *number*."""
    chance = random.Random(number)
    date = date_of(number, articles=articles)
    two = chance.sample(topics, 2)
    body = "\n".join(_body(chance, number, articles=articles, sources=sources))
    return (
        f"---\ntitle: {_title(chance, number)}\ndek: {_sentence(chance)}\ndate: {date:%Y-%m-%dT%H:%M:%SZ}\nstatus: published\n"
        f"authors: [ines-halvorsen]\ntopics: [{', '.join(two)}]\n---\n{body}\n"
    )


def _title(chance: random.Random, number: int) -> str:
    return f"The {chance.choice(_SUBJECTS)} {chance.choice(_VERBS)} {chance.choice(_OBJECTS)}, part {_letters(number)}"


def _letters(number: int) -> str:
    """*number* as letters, since a number in a title would have to stand in the text."""
    letters = ""
    while True:
        letters = "abcdefghijklmnopqrstuvwxyz"[number % 26] + letters
        number = number // 26 - 1
        if number < 0:
            return letters


def _sentence(chance: random.Random) -> str:
    return (
        f"The {chance.choice(_SUBJECTS)} {chance.choice(_VERBS)} {chance.choice(_OBJECTS)} {chance.choice(_ENDINGS)}."
    )


def _body(chance: random.Random, number: int, *, articles: int, sources: int) -> Iterator[str]:
    cited = [(number // ARTICLES_A_SOURCE + step * 7) % sources for step in range(CITED)]
    for part in range(PARTS):
        if part:
            yield f"\n## What the {chance.choice(_SUBJECTS)} {chance.choice(_VERBS)}, part {_letters(part)}\n"
        for paragraph in range(3):
            for _ in range(3):
                yield f"{_sentence(chance)} {_sentence(chance)}"
            source = cited[(part + paragraph) % CITED]
            if paragraph == 0:
                yield f"Office {_letters(source)} counted {_figure(source, part)} megawatts in the region.[^{_id(source)}]"
            elif paragraph == 1 and part % 3 == 0:
                yield f"It says so itself: “{_quotable(source, part)}”.[^{_id(source)}]"
            yield ""
        if part == 2:
            yield "- **A list** of what is open\n- with `code` in it\n- and [a link](https://example.org/report)\n"
        if part == 4:
            yield "| What | How it stands |\n|---|---|\n| A line | open |\n| A hall | built |\n"
        if part == 5 and number:
            earlier = chance.randrange(max(0, number - 50), number)
            name = Path(article_path(earlier, articles=articles))
            yield f"See [what we wrote before](../{name.parent.name}/{name.name}).\n"
        if part == 3:
            yield "```python\ndef wait(queue):\n    return [each for each in queue if each.waits]\n```\n"


# --- sources ----------------------------------------------------------------------------------------------------------------------


def _id(number: int) -> str:
    return f"office-{_letters(number)}x"


def _figure(source: int, part: int) -> int:
    return 110 + (source * 13 + part * 97) % 880


def _quotable(source: int, part: int) -> str:
    return f"Nobody in office {_letters(source)} expects to see the line of part {_letters(part)} before the harbour is full"


def source_text(number: int) -> str:
    """The stored text of source *number*: about 450 words."""
    chance = random.Random(-1 - number)
    lines = []
    for part in range(8):
        lines.append(f"Office {_letters(number)} counted {_figure(number, part)} megawatts in the region.")
        lines.append(f"{_quotable(number, part)}.")
        lines.append(" ".join(_sentence(chance) for _ in range(3)))
    return "\n".join(lines) + "\n"


def _write_source(root: Path, number: int) -> None:
    text = source_text(number)
    sha = hashlib.sha256(text.encode()).hexdigest()
    copy = root / f"content/sources/snapshots/{sha}.txt"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text)
    (root / f"content/sources/{_id(number)}.yml").write_text(
        f"id: {_id(number)}\nurl: https://{_id(number)}.example.org/report\npublisher: Office {_letters(number)}\n"
        f"title: The count of office {_letters(number)}\ntier: {'primary' if number % 3 else 'secondary'}\nissued: 2026-02\n"
        "licence: CC-BY-4.0\nredistribute: full\n"
        f"snapshot: {{sha256: {sha}, text_sha256: {sha}, at: 2026-11-19T09:14:02Z, tool: a tool 1, bytes: {len(text)}}}\n"
    )
