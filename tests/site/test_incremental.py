"""A build that makes only what has changed gives the same site, byte for byte, as one that starts from nothing."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pipeline.config import Settings
from pipeline.site import BuildReport, build_site
from tests.site.conftest import NOW, write_article
from tests.site.test_build import contents, mkdocs

QUEUE = "content/articles/2026/2026-11-22-grid-queue.md"
OLD = "content/articles/2025/2025-12-30-transformers.md"
CORRECTED = "content/articles/2026/2026-11-19-corrected-one.md"
OLDER = OLD.replace("12-30", "12-29")
ON_THE_ORIGIN = "content/articles/2026/2026-03-02-on-the-origin.md"
SUPERSEDING = """id: wire-two
url: https://wire.example.org/two
publisher: The Wire
tier: secondary
supersedes: wire
"""
ORIGIN = """id: origin
url: https://origin.example.org/count
title: The first count
publisher: The Origin
tier: primary
"""
CORRECTION = """updated: 2026-11-22T09:00:00Z
corrections:
  - {date: 2026-11-22, was: 5 GW, now: 6 GW, why: A slip.}
ai:"""
Edit = Callable[[Path], object]


def change(path: str, old: str, new: str) -> Edit:
    """An edit of one file: *old*, a regular expression, becomes *new*."""

    def edit(root: Path) -> None:
        text = (root / path).read_text("utf-8")
        changed = re.sub(old, new, text, count=1, flags=re.MULTILINE)
        assert changed != text, f"nothing in {path} is like {old}"
        (root / path).write_text(changed, "utf-8")

    return edit


def add(path: str, text: str) -> Edit:
    def edit(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")

    return edit


def delete(path: str) -> Edit:
    return lambda root: (root / path).unlink()


def move(old: str, new: str) -> Edit:
    return lambda root: (root / old).rename(root / new)


def both(*edits: Edit) -> Edit:
    return lambda root: [edit(root) for edit in edits]


def lose_copies(root: Path) -> None:
    for copy in (root / "content/sources/snapshots").iterdir():
        copy.unlink()


def draw(name: str, width: int) -> Edit:
    def edit(root: Path) -> None:
        (root / "content/pages/images").mkdir(exist_ok=True)
        Image.linear_gradient("L").resize((width, 100)).save(root / "content/pages/images" / name)

    return edit


EDITS: dict[str, Edit] = {
    "body": change(QUEUE, "The queue is long", "The queue is *long*"),
    "a body with code and a table": change(QUEUE, r"\Z", "\n```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1[^wire] | 2 |\n"),
    "title": change(QUEUE, "^title: .*", "title: Another title of the queue"),
    "dek": change(OLD, "^dek: .*", "dek: Another sentence on it."),
    "date": change(QUEUE, "T06:00:00Z", "T04:00:00Z"),
    "date of another day": both(move(OLD, OLDER), change(OLDER, "2025-12-30T", "2025-12-29T")),
    "order": change("content/articles/2026/2026-11-21-hostile.md", "2026-11-21T06", "2026-11-21T05"),
    "topic": change(QUEUE, "topics: .*", "topics: [policy]"),
    "authors of an article": change(QUEUE, "authors: .*", "authors: [ines-halvorsen]"),
    "author": change("content/people.yml", "name: Ines Halvorsen", "name: Ines H. Halvorsen"),
    "what is told of an author": change("content/people.yml", "bio: Editor of", "bio: The editor of"),
    "what is told of a topic": change("content/topics.yml", "description: Electricity", "description: Power plants"),
    "name of a topic": change("content/topics.yml", "name: Power", "name: Electric power"),
    "source": change("content/sources/wire.yml", "publisher: The Wire", "publisher: The New Wire"),
    "source that is reported by another": change("content/sources/grid-office.yml", "^title: .*", "title: A new count"),
    "words of a quote": change("content/sources/grid-office.yml", "accessed: 2026-11-19", "accessed: 2026-11-18"),
    "tier": change("content/sources/wire.yml", "tier: secondary", "tier: primary"),
    "what became of a source": change("content/sources/wire.yml", r"\Z", "status: gone\nstatus_at: 2026-11-20\n"),
    "new source that replaces one": both(
        add("content/sources/wire-two.yml", SUPERSEDING),
        change(QUEUE, "An \\[anchor\\]", "More.[^wire-two] An [anchor]"),
    ),
    "correction": change(QUEUE, "^ai:", CORRECTION),
    "a source that only an article rests on which was corrected": both(
        add("content/sources/own.yml", ORIGIN.replace("origin", "own")),
        change(CORRECTED, r"\Z", "\nIt is so.[^own]\n"),
    ),
    "date of what was corrected since": change(CORRECTED, "T06:00:00Z", "T05:00:00Z"),
    "status": change(QUEUE, "status: published", "status: corrected"),
    "new": lambda root: write_article(root, "brand-new", date="2026-11-22", body="It is new.[^grid-office]"),
    "new in the middle": lambda root: write_article(root, "late-found", date="2026-03-01", topics="chips"),
    "draft": lambda root: write_article(root, "unborn", date="2026-11-20", status="draft"),
    "draft to published": change("content/articles/2026/2026-11-20-unborn.md", "status: draft", "status: published"),
    "link to a new article": change(QUEUE, r"\Z", "\nSee [it](2026-11-20-unborn.md).\n"),
    "a linked article's address": move("content/articles/2026/2026-11-20-unborn.md", "content/articles/2026/2026-11-20-reborn.md"),
    "published to draft": change("content/articles/2026/2026-11-20-reborn.md", "status: published", "status: draft"),
    "renamed": move("content/articles/2026/2026-11-22-brand-new.md", "content/articles/2026/2026-11-22-branded.md"),
    "an article's address that leads on to another one": both(
        delete("content/articles/2026/2026-11-22-branded.md"),
        change(QUEUE, "^topics:", "aliases: [/articles/branded/]\ntopics:"),
    ),
    "an article at an older address of another": both(
        change(QUEUE, "^aliases: .*\n", ""),
        lambda root: write_article(root, "branded", date="2026-11-22", body="It is back.[^grid-office]"),
    ),
    "deleted": delete("content/articles/2026/2026-11-22-branded.md"),
    "retracted": change(OLDER, "status: published", "status: retracted"),
    "series": both(
        add("content/series.yml", "- {id: figures, name: Figures apart, description: In order.}\n"),
        change(QUEUE, "^topics:", "series: figures\ntopics:"),
        change(OLDER, "^topics:", "series: figures\ntopics:"),
    ),
    "a series without its newest part": change(QUEUE, "^series: figures\n", ""),
    "older address": change(QUEUE, "^topics:", "aliases: [/old/queue/]\ntopics:"),
    "older address taken back": change(QUEUE, "^aliases: .*\n", ""),
    "stale figures": change(QUEUE, "^topics:", "stale_after: 2026-12-01\ntopics:"),
    "copies that are gone": lose_copies,
    "page of content/pages": change("content/pages/about.md", r"\Z", "\n\nMore of [the archive](archive.md).\n"),
    "new page of content/pages": add("content/pages/extra.md", "# An extra page\n\nSee [about](about.md).\n"),
    "deleted page of content/pages": delete("content/pages/extra.md"),
    "home page": change("content/pages/index.md", r"\Z", "\nMore words of the home page.\n"),
    "file beside the pages": add("content/pages/data.csv", "a,b\n1,2\n"),
    "another file beside the pages": add("content/pages/data.csv", "a,b\n1,3\n"),
    "file that is gone": delete("content/pages/data.csv"),
    "image": both(draw("a.png", 900), change(QUEUE, r"\Z", "\n![An image](images/a.png)\n")),
    "another image at its address": draw("a.png", 700),
    "image of a page": change("content/pages/about.md", r"\Z", "\n\n![An image](images/a.png)\n"),
    "another image of the page and of the article": draw("a.png", 600),
    "image that nobody shows": draw("b.png", 90),
    "image that is gone": delete("content/pages/images/a.png"),
    "template of share images": change("theme/share.svg", "1120", "1110"),
    "template": change("theme/article.html", "{% block main %}", "{% block main %}<!-- another -->"),
    "partial": change("theme/partials/card.html", '<article class="card">', '<article class="card new">'),
    "token": change("theme/assets/css/tokens.css", r"#FBFAF7|#fbfaf7", "#FAFAF7"),
    "file of the theme": add("theme/assets/extra.txt", "more\n"),
    "setting": change("pyproject.toml", r"\Z", 'timezone = "America/New_York"\n'),
    "name of the site": change("mkdocs.yml", "^site_name: .*", "site_name: Another Name"),
    "address of the site": change("mkdocs.yml", "^site_url: .*", "site_url: https://other.example.org/"),
    "source of a source": both(
        add("content/sources/origin.yml", ORIGIN), change("content/sources/wire.yml", "via: grid-office", "via: origin")
    ),
    "a source that is replaced by one that no article cites": change("content/sources/wire.yml", r"\Z", "superseded_by: origin\n"),
    "what became of a source that replaces one": change("content/sources/origin.yml", r"\Z", "status: retracted\n"),
    "title of a source that no article cites": change("content/sources/origin.yml", "The first", "Another"),
    "an article that is the first to cite a source": both(
        change("content/sources/wire.yml", "^superseded_by: origin\n", ""),
        lambda root: write_article(root, "on-the-origin", date="2026-03-02", body="Somebody counted.[^origin]"),
    ),
    "date of an article in the list of those that cite a source": change(ON_THE_ORIGIN, "T06:00:00Z", "T07:00:00Z"),
    "an article that a source's list calls corrected": change(ON_THE_ORIGIN, "^status: published", "status: corrected"),
    "the last article that cites a source is withdrawn": change(ON_THE_ORIGIN, "^status: corrected", "status: draft"),
    "image in HTML": both(draw("e&f.png", 900), change(QUEUE, r"\Z", '\n<img src="images/e&amp;f.png" alt="An image">\n')),
    "another image in HTML": draw("e&f.png", 700),
    "image of a page in HTML": change("content/pages/about.md", r"\Z", '\n<img src="../images/e&amp;f.png" alt="An image">\n'),
    "another image of both in HTML": draw("e&f.png", 600),
    "image with brackets in its name": both(draw("a (b).png", 900), change(QUEUE, r"\Z", "\n![An image](<images/a (b).png>)\n")),
    "another image with brackets in its name": draw("a (b).png", 700),
    "address below a path": change("mkdocs.yml", "^site_url: .*", "site_url: https://other.example.org/news/"),
    "image by its whole address": both(
        draw("c.png", 900), change(QUEUE, r"\Z", "\n![An image](https://other.example.org/news/images/c.png)\n")
    ),
    "another image by its whole address": draw("c.png", 700),
    "picture in a template": both(
        add("theme/partials/extra.svg", '<svg id="one"></svg>'),
        change("theme/archive.html", "{% block main %}", '{% block main %}{% include "partials/extra.svg" %}'),
    ),
    "another picture in a template": add("theme/partials/extra.svg", '<svg id="two"></svg>'),
    "inherited settings of MkDocs": both(
        add("base.yml", "extra: {word: one}\n"),
        change("mkdocs.yml", r"\A", "INHERIT: base.yml\n"),
        change("theme/topics.html", "{% block main %}", "{% block main %}{{ config.extra.word }}"),
    ),
    "other inherited settings of MkDocs": add("base.yml", "extra: {word: two}\n"),
}  # fmt: skip


@pytest.fixture
def newsroom(repository: Path) -> Path:
    """A repository without the handbook, whose many pages take their time."""
    shutil.rmtree(repository / "content/pages/handbook")
    return repository


def warm(root: Path, now: dt.datetime = NOW) -> BuildReport:
    return build_site(Settings.load(root), now=now, check=False)


def cold(root: Path, now: dt.datetime = NOW) -> dict[str, bytes]:
    """The site of a copy that knows nothing of earlier builds."""
    copy = root.with_name(f"{root.name}-cold")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("site", "build"))
    return contents(build_site(Settings.load(copy), now=now, check=False).site_dir)


def differences(found: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    return sorted(path for path in found.keys() | wanted.keys() if found.get(path) != wanted.get(path))


@pytest.mark.timeout(900)  # two builds for each kind of edit
def test_warm_equals_cold_after_every_kind_of_edit(newsroom: Path) -> None:
    warm(newsroom)

    for kind, edit in EDITS.items():
        edit(newsroom)
        report = warm(newsroom)
        assert differences(contents(report.site_dir), cold(newsroom)) == [], kind
        assert report.written + report.deleted, kind


def test_time_that_passes_is_an_edit_too(newsroom: Path) -> None:
    warm(newsroom)

    for later in (dt.timedelta(days=3), dt.timedelta(days=9), dt.timedelta(days=400)):
        report = warm(newsroom, NOW + later)
        assert differences(contents(report.site_dir), cold(newsroom, NOW + later)) == []


def test_a_second_file_with_the_id_of_a_source_says_nothing_of_it(newsroom: Path) -> None:
    pages = [warm(newsroom).site_dir / "sources" / name / "index.html" for name in ("grid-office", "wire")]
    before = [page.read_text("utf-8") for page in pages]
    source = (newsroom / "content/sources/grid-office.yml").read_text("utf-8")
    first_read = newsroom / "content/sources/a.yml"
    others = [
        re.sub("^id: .*", "id: wire", source),
        f"{source}via: invented\n",
        f"{source}supersedes: invented\n",
    ]
    for other in others:
        first_read.write_text(other, "utf-8")

        report = warm(newsroom)

        assert [page.read_text("utf-8") for page in pages] == before
        assert differences(contents(report.site_dir), cold(newsroom)) == []


def test_plain_mkdocs_goes_on_where_our_build_ended_and_the_other_way_round(newsroom: Path) -> None:
    warm(newsroom)
    EDITS["title"](newsroom)

    done = mkdocs(newsroom, "build")

    assert done.returncode == 0, done.stderr
    assert differences(contents(newsroom / "site"), cold(newsroom)) == []
    assert warm(newsroom).written == 0


def test_a_build_of_what_is_built_writes_nothing(newsroom: Path) -> None:
    first = warm(newsroom)
    for path in newsroom.rglob("*.md"):
        os.utime(path, (1, 1))

    again = warm(newsroom)

    assert (first.rendered, first.reused, first.kept) == (
        len(list((newsroom / "content/articles").rglob("*.md"))),
        0,
        0,
    )
    assert (again.rendered, again.written, again.deleted, again.kept) == (0, 0, 0, first.written)


def test_one_edited_body_makes_few_files_again(newsroom: Path) -> None:
    warm(newsroom)
    change(OLD, "Transformers are late", "Transformers are *late*")(newsroom)

    report = warm(newsroom)

    assert report.rendered == 1
    assert report.reused == report.articles - 1
    assert 0 < report.written < 25
    assert report.kept > 40


def test_what_is_kept_serves_a_fresh_clone_elsewhere(newsroom: Path, tmp_path: Path) -> None:
    warm(newsroom)
    clone = tmp_path / "clone"
    shutil.copytree(newsroom, clone, copy_function=shutil.copy)  # as Git would: with times of its own

    report = warm(clone)

    assert (report.rendered, report.written) == (0, 0)


def test_many_articles_are_made_by_several_processes_and_are_the_same(
    newsroom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(70):
        write_article(newsroom, f"one-of-many-{number}", date=f"2026-08-{number % 28 + 1:02}", body="It waits.[^wire]")
    together = contents(warm(newsroom).site_dir)
    monkeypatch.setattr("pipeline.library.kept.workers.processes", lambda: 1)

    assert differences(together, cold(newsroom)) == []


@pytest.fixture
def altered(newsroom: Path) -> Path:
    warm(newsroom)
    site = newsroom / "site"
    (site / "index.html").write_text("by hand")
    (site / "feed.xml").unlink()
    (site / "stray.html").write_text("no part of the site")
    return newsroom


def test_verify_mends_what_was_changed_or_deleted_by_hand(altered: Path) -> None:
    report = build_site(Settings.load(altered), now=NOW, check=False, verify=True)

    assert set(report.mended) == {"index.html", "feed.xml", "stray.html"}
    assert differences(contents(report.site_dir), cold(altered)) == []


def test_verify_looks_again_at_an_article_whose_file_was_spoilt_and_at_no_other(newsroom: Path) -> None:
    site = warm(newsroom).site_dir
    spoilt = site / "articles/grid-queue/claims.json"
    whole = spoilt.read_bytes()
    spoilt.write_bytes(b"{}")

    report = build_site(Settings.load(newsroom), now=NOW, check=False, verify=True)

    assert report.mended == ("articles/grid-queue/claims.json",)
    assert (report.written, spoilt.read_bytes()) == (1, whole)


def test_verify_puts_files_in_the_place_of_a_link_and_writes_nothing_through_it(newsroom: Path, tmp_path: Path) -> None:
    site = warm(newsroom).site_dir
    folder, elsewhere = site / "articles/grid-queue", tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere)
    (elsewhere / "index.html").write_text("of somebody else")
    shutil.rmtree(folder)
    folder.symlink_to(elsewhere)
    (site / "empty/folder").mkdir(parents=True)

    report = build_site(Settings.load(newsroom), now=NOW, check=False, verify=True)

    assert "articles/grid-queue/index.html" in report.mended
    assert not folder.is_symlink()
    assert not (site / "empty").exists()
    assert differences(contents(site), cold(newsroom)) == []
    assert (elsewhere / "index.html").read_text() == "of somebody else"


def test_clean_makes_everything_again(altered: Path) -> None:
    report = build_site(Settings.load(altered), now=NOW, check=False, clean=True)

    assert report.kept == 0
    assert differences(contents(report.site_dir), cold(altered)) == []
