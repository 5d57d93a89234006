"""A small newsletter's repository with one of everything, and the site built from it."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.library.quotes import normal
from pipeline.site import BuildReport, build_site

REPOSITORY = Path(__file__).parents[2]
SITE = "https://deepsignals.example.org/"
NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
HOSTILE = '"Quoted" & <script>alert(\'x\')</script> ]]> and </title> " >'
HOSTILE_PRINTED = '“Quoted” & <script>alert(‘x’)</script> ]]> and </title> " >'  # a lone mark stays, to be escaped
SECRET = "zanzibarite"  # stands in every draft and future article, and nowhere else
RECEIPTS_SLUG = "northfield-with-its-receipts"  # the sample article that rests on stored copies
WORDS = "The queue holds 268 gigawatts of requests, most of which will never be built."

MKDOCS = """\
site_name: Deep Signals
site_url: https://deepsignals.example.org/
site_description: Free. Sourced. AI-written. The AI buildout, daily.
docs_dir: content/pages
theme:
  name: material
  custom_dir: theme
plugins:
  - opensignal
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that a test may spoil."""
    return write_repository(tmp_path / "repository")


@pytest.fixture
def own_settings(repository: Path) -> Settings:
    return Settings.load(repository)


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    """What building the repository reported; for tests that only look."""
    root = write_repository(tmp_path_factory.mktemp("built"))
    return build_site(Settings.load(root), now=NOW)


@pytest.fixture(scope="session")
def site(report: BuildReport) -> Path:
    return report.site_dir


@pytest.fixture(scope="session")
def repository_with_receipts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample article that rests on stored copies, and one that rests on a recorded figure and on a text kept outside Git."""
    root = write_repository(tmp_path_factory.mktemp("receipts"))
    for path in (root / "content/articles").rglob("*.md"):
        path.unlink()
    article = next(REPOSITORY.glob(f"content/articles/*/*-{RECEIPTS_SLUG}.md"))
    shutil.copy(article, root / "content/articles/2026" / article.name)
    for source in set(re.findall(r"\[\^([a-z0-9-]+)", article.read_text("utf-8"))):
        text = (REPOSITORY / f"content/sources/{source}.yml").read_text("utf-8")
        (root / f"content/sources/{source}.yml").write_text(re.sub(r"(?m)^superseded_by:.*\n", "", text), "utf-8")
        sha256 = re.findall(r"text_sha256: *['\"]?([0-9a-f]{64})", text)[0]
        shutil.copy(REPOSITORY / f"content/sources/snapshots/{sha256}.txt", root / "content/sources/snapshots")
    _add_an_article_on_less(root)
    return root


def _add_an_article_on_less(root: Path) -> None:
    kept = "The harbour line carries 220 kilovolts from 2029 on.\n"
    sha256 = hashlib.sha256(kept.encode()).hexdigest()
    folder = root / ".opensignal/snapshots"
    folder.mkdir(parents=True)
    (folder / f"{sha256}.txt").write_text(kept, "utf-8")
    (root / "content/sources/harbour.yml").write_text(
        "id: harbour\nurl: https://harbour.example.org/\npublisher: Harbour\ntier: primary\nlicence: all-rights-reserved\n"
        f"redistribute: quote\nsnapshot: {{sha256: {'0' * 64}, text_sha256: {sha256}, at: 2026-11-19T10:00:00Z, tool: a tool 1, "
        "bytes: 100}\n",
        "utf-8",
    )
    (root / "content/sources/office.yml").write_text(
        "id: office\nurl: https://office.example.org/\npublisher: Office\ntier: primary\nlicence: unknown\nredistribute: quote\n"
        "facts:\n  halls: {what: halls under contract, value: 42, unit: halls}\n",
        "utf-8",
    )
    body = "The line carries 220 kilovolts.[^harbour]\n\nThere are 42 halls under contract.[^office]\n"
    write_article(root, "on-less", body=body)


@pytest.fixture(scope="session")
def receipts_site(repository_with_receipts: Path) -> Path:
    return build_site(Settings.load(repository_with_receipts), now=NOW).site_dir


def write_repository(root: Path) -> Path:
    """A repository with published, corrected, retracted, scheduled, future and draft articles, and a small handbook."""
    content = root / "content"
    (content / "sources" / "snapshots").mkdir(parents=True)
    for name in ("topics.yml", "people.yml"):
        shutil.copy(REPOSITORY / "content" / name, content / name)
    (root / "mkdocs.yml").write_text(MKDOCS, "utf-8")
    (root / "pyproject.toml").write_text("[tool.opensignal]\n", "utf-8")
    shutil.copytree(REPOSITORY / "theme", root / "theme")
    _write_pages(content / "pages")
    _write_sources(content / "sources")
    _write_articles(root)
    return root


def write_article(
    root: Path, slug: str, *, date: str = "2026-11-20", status: str = "published", **changes: str
) -> Path:
    """An article that stands by itself. *changes*: title, dek, topics, body, more (front matter)."""
    title = changes.get("title", f"What the {slug} tells us").replace("'", "''")
    path = root / f"content/articles/{date[:4]}/{date}-{slug}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"---\ntitle: '{title}'\ndek: {changes.get('dek', f'One sentence on the {slug}.')}\ndate: {date}T06:00:00Z\n"
        f"status: {status}\nauthors: [drafting-model, ines-halvorsen]\ntopics: [{changes.get('topics', 'power')}]\n"
        "ai: {involvement: drafted, model: a model, reviewed_by: ines-halvorsen, reviewed_at: 2026-11-19}\n"
        f"{changes.get('more', '')}---\n\n{changes.get('body', f'A paragraph on the {slug}.')}\n",
        "utf-8",
    )
    return path


def _write_articles(root: Path) -> None:
    body = (
        "The queue is long.[^grid-office][^wire]\n\n## The count\n\nIt says so itself.[^grid-office.queue]\n\n"
        "| What | How much |\n|---|---|\n| Requests | 268 GW[^grid-office] |\n\n"
        "### In short\n\nSee [the older one](../2025/2025-12-30-transformers.md) and [how](../../pages/how-this-is-made.md).\n"
        "An [anchor](#the-count) and a [sample].[^invented]\n"
    )
    write_article(root, "grid-queue", date="2026-11-22", topics="power, money", body=body)
    write_article(root, "hostile", date="2026-11-21", title=HOSTILE, dek="'A <b>dek</b> with \"quotes\" & ]]> in it.'")
    correction = "corrections:\n  - {date: 2026-11-21, was: It was 5 <b>GW</b>., now: It was 6 GW., why: A slip.}\n"
    updated = "updated: 2026-11-21T08:00:00Z\n"
    write_article(root, "corrected-one", date="2026-11-19", status="corrected", more=updated + correction)
    write_article(root, "retracted-one", date="2026-11-18", status="retracted", topics="chips")
    write_article(root, "scheduled-past", date="2026-11-17", status="scheduled", topics="chips")
    write_article(root, "transformers", date="2025-12-30", body="Transformers are late.[^wire]")
    for number, (status, date) in enumerate(
        [("draft", "2026-11-10"), ("review", "2026-11-11"), ("idea", "2026-11-12"), ("scheduled", "2026-12-01")]
    ):
        write_article(root, f"{SECRET}-{number}", date=date, status=status, title=f"The {SECRET} story", body=SECRET)


def _write_sources(folder: Path) -> None:
    text = normal(f"Preface. {WORDS} The rest follows.")
    digest = hashlib.sha256(text.encode()).hexdigest()
    (folder / "snapshots" / f"{digest}.txt").write_text(text, "utf-8")
    (folder / "grid-office.yml").write_text(
        "id: grid-office\nurl: https://grid.example.org/queue?year=2026&month=11\npublisher: Grid Office\n"
        "title: 'The queue, \"counted\" & <listed>'\ntier: primary\nissued: 2026-10\naccessed: 2026-11-19\nlicence: unknown\n"
        f"redistribute: full\nsnapshot: {{sha256: {'0' * 64}, text_sha256: {digest}, at: 2026-11-19T10:00:00Z, tool: a tool 1, "
        f"bytes: 100}}\nquotes:\n  queue: {{text: '{WORDS}'}}\n",
        "utf-8",
    )
    (folder / "wire.yml").write_text(
        "id: wire\nurl: https://wire.example.org/grid\npublisher: The Wire\ntier: secondary\nvia: grid-office\nlicence: unknown\n"
        "redistribute: quote\n",
        "utf-8",
    )
    (folder / "invented.yml").write_text(
        "id: invented\nurl: https://sample.example.org/\npublisher: Sample Press\ntitle: A made-up page\ntier: aggregator\n"
        "licence: unknown\nredistribute: quote\nsample: true\n",
        "utf-8",
    )


def _write_pages(folder: Path) -> None:
    shutil.copytree(REPOSITORY / "content" / "pages", folder, ignore=shutil.ignore_patterns("handbook"))
    handbook = folder / "handbook"
    handbook.mkdir()
    (handbook / "index.md").write_text(
        "---\ntitle: Handbook\norder: 1\n---\n\nWhere to begin: [start](start.md).\n", "utf-8"
    )
    (handbook / "start.md").write_text(
        "---\norder: 2\n---\n\n# Start & run\n\n## Install <it>\n\n```sh\nmake demo  # <b>\n```\n\n"
        '!!! note "Mind"\n    The gap.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>alert(2)</script>\n',
        "utf-8",
    )
    (handbook / "editors.md").write_text(
        "---\ntitle: Editors\norder: 3\n---\n\n## One\n\n## Two\n\n## Three\n", "utf-8"
    )
