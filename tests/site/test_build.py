"""`build_site` and plain MkDocs: all of the site or nothing, the same bytes each time, and a plain word when it cannot be."""

from __future__ import annotations

import datetime as dt
import errno
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import BuildError, ContentError, UsageError
from pipeline.site import BuildReport, build_site
from tests.site.conftest import NOW, REPOSITORY, SECRET, write_article, write_repository


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def mkdocs(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The ordinary command, as anybody would run it, at the time `NOW`."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(int(NOW.timestamp())), "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", *words]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=60)


def test_every_page_stands_at_its_address(site: Path) -> None:
    names = set(contents(site))

    assert {
        "index.html", "404.html", "feed.xml", "atom.xml", "feed.json", "sitemap.xml", "robots.txt",
        "articles/grid-queue/index.html", "archive/index.html", "archive/2025/index.html", "topics/index.html",
        "topics/power/index.html", "topics/policy/index.html", "about/index.html", "subscribe/index.html",
        "handbook/index.html", "handbook/start/index.html", "assets/fonts/newsreader-OFL.txt",
    } <= names  # fmt: skip


def test_the_report_counts_what_was_written(report: BuildReport) -> None:
    pages = [name for name in contents(report.site_dir) if name.endswith(".html")]

    assert (report.articles, report.pages, report.feeds) == (6, len(pages), 8)
    assert report.problems == ()
    assert 0 < report.seconds < 60


def test_drafts_and_future_articles_appear_nowhere(site: Path) -> None:
    files = contents(site)

    assert "articles/grid-queue/index.html" in files
    for name, data in files.items():
        assert SECRET not in name
        assert SECRET.encode() not in data.lower(), name


def test_a_scheduled_article_appears_when_its_time_has_come(own_settings: Settings) -> None:
    later = build_site(own_settings, now=dt.datetime(2026, 12, 2, tzinfo=dt.UTC))

    assert later.articles == 7
    assert (later.site_dir / f"articles/{SECRET}-3/index.html").is_file()


def test_nothing_of_material_is_published_and_no_page_but_the_search_loads_a_script(site: Path) -> None:
    names = contents(site)

    assert not [name for name in names if name.endswith((".gz", ".map")) or "/javascripts/" in name]
    scripts = [name for name in names if name.endswith(".js")]
    assert re.fullmatch(r"assets/js/search-[0-9a-f]{10}\.js", *scripts)
    assert [name for name in names if name.endswith(".css")] == [
        _stylesheet(site, "receipts"),
        _stylesheet(site, "site"),
    ]
    pages = {
        name: data.lower().replace(_DATA, b"").replace(_COPIES, b"")
        for name, data in names.items()
        if name.endswith(".html")
    }
    assert [name for name, data in pages.items() if b"<script" in data] == ["search/index.html"]


_DATA = b'<script type="application/ld+json">'  # is read, never run
_COPIES = b"<script>\nfor (const box of navigator.clipboard"  # the button beside listings


def test_two_builds_of_one_state_are_the_same_bytes(own_settings: Settings, tmp_path: Path) -> None:
    first = build_site(own_settings, now=NOW, site_dir=tmp_path / "a")
    for path in own_settings.root.rglob("*.md"):
        os.utime(path, (1, 1))
    second = build_site(own_settings, now=NOW + dt.timedelta(hours=1), site_dir=tmp_path / "deeper" / "b")

    assert contents(first.site_dir) == contents(second.site_dir)


def test_plain_mkdocs_build_gives_the_same_bytes(own_settings: Settings, tmp_path: Path) -> None:
    ours = build_site(own_settings, now=NOW, site_dir=tmp_path / "ours")

    done = mkdocs(own_settings.root, "build", "--strict", "--site-dir", str(tmp_path / "plain"))

    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "plain") == contents(ours.site_dir)


def test_a_blocking_problem_fails_the_build_and_leaves_the_old_site(own_settings: Settings) -> None:
    build_site(own_settings, now=NOW)
    before = contents(own_settings.site_dir)
    write_article(own_settings.root, "unsourced", date="2026-11-22", body="It is so.[^nobody]")

    with pytest.raises(ContentError, match="1 error in published content; mend it, or build with --no-check") as caught:
        build_site(own_settings, now=NOW)

    assert [problem.code for problem in caught.value.problems] == ["S104"]
    assert contents(own_settings.site_dir) == before


def test_a_problem_in_the_file_of_feeds_is_not_told_of_published_content(own_settings: Settings) -> None:
    feeds = own_settings.content / "feeds.yml"
    feeds.write_text("- {id: tides, url: 'https://tides.example.org/', publisher: Tides, topics: [tides]}\n", "utf-8")

    with pytest.raises(ContentError, match=r"1 error in content/feeds\.yml; mend it, or build with --no-check"):
        build_site(own_settings, now=NOW)

    write_article(own_settings.root, "unsourced", date="2026-11-22", body="It is so.[^nobody]")
    with pytest.raises(ContentError, match=r"2 errors in published content and content/feeds\.yml; mend them"):
        build_site(own_settings, now=NOW)


def test_a_problem_in_a_draft_blocks_nothing_and_is_reported(own_settings: Settings) -> None:
    write_article(own_settings.root, "unfinished", date="2026-11-22", status="draft", body="It is so.[^nobody]")

    report = build_site(own_settings, now=NOW)

    assert [problem.code for problem in report.problems] == ["S104"]


def test_without_check_a_site_is_built_despite_problems(own_settings: Settings) -> None:
    write_article(own_settings.root, "unsourced", date="2026-11-22", body="It is so.[^nobody]")
    write_article(own_settings.root, "grid-queue", date="2026-11-20")  # an address that is taken
    (own_settings.root / "content/articles/2026/2026-11-22-broken.md").write_text("---\ntitle: [\n---\n")

    report = build_site(own_settings, now=NOW, check=False)

    assert report.articles == 7
    assert "[^nobody]" in (report.site_dir / "articles/unsourced/index.html").read_text("utf-8")


def test_plain_mkdocs_refuses_blocking_problems_without_a_traceback(repository: Path) -> None:
    write_article(repository, "unsourced", date="2026-11-22", body="It is so.[^nobody]")

    done = mkdocs(repository, "build")

    assert done.returncode == 1
    assert "content/articles/2026/2026-11-22-unsourced.md:11:10 S104" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% block main %}\n{{ page.title | e }\n{% endblock %}", r"theme/main\.html:2: unexpected '}'"),
        ("<p>\n\n{{ 1 // 0 }}", r"theme/main\.html:3: integer division or modulo by zero"),
        ("<p>{{ page.title | shout }}", r"theme/main\.html:1: No filter named 'shout'"),
        ("\n{% include 'partials/none.html' %}", r"no template 'partials/none\.html'"),
    ],
)
def test_a_broken_template_is_named_with_its_line(own_settings: Settings, template: str, said: str) -> None:
    theme = own_settings.root / "theme"
    (theme / "main.html").write_text(template, "utf-8")

    with pytest.raises(BuildError, match=said):
        build_site(own_settings, now=NOW)


def test_what_other_processes_draw_ends_with_a_build_that_fails(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.site.painting.ENOUGH", 1)
    monkeypatch.setattr("pipeline.library.kept.workers.processes", lambda: 2)
    (own_settings.root / "theme/main.html").write_text("{{ nothing.at.all }}", "utf-8")

    with pytest.raises(BuildError, match="'nothing' is undefined"):
        build_site(own_settings, now=NOW)

    assert not multiprocessing.active_children()
    assert not list(own_settings.root.glob(".site.opensignal-*"))


def test_a_template_that_fails_in_another_process_is_named_with_its_line(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.site.painting.ENOUGH", 1)
    monkeypatch.setattr("pipeline.library.kept.workers.processes", lambda: 2)
    path = own_settings.root / "theme/receipts.html"
    path.write_text(
        path.read_text("utf-8").replace("{% block main %}", "{% block main %}\n{{ nothing.at.all }}"), "utf-8"
    )

    with pytest.raises(BuildError, match=r"theme/receipts.html:\d+: 'nothing' is undefined; mend the template"):
        build_site(own_settings, now=NOW)


def test_plain_mkdocs_names_a_broken_template_without_a_traceback(own_settings: Settings) -> None:
    (own_settings.root / "theme" / "main.html").write_text("<p>\n{{ 1 // 0 }}", "utf-8")

    done = mkdocs(own_settings.root, "build")

    assert done.returncode == 1
    assert "main.html:2: integer division" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_style_sheet_is_named(own_settings: Settings) -> None:
    (own_settings.root / "theme" / "assets/css/tokens.css").unlink()

    with pytest.raises(BuildError, match=r"tokens\.css: cannot be read"):
        build_site(own_settings, now=NOW)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("theme: nowhere\n", r"mkdocs\.yml:4: .*theme.*nowhere"),
        ("plugins: []\n", r"mkdocs\.yml: the plugin opensignal is not named"),
        ("theme: material\nplugins: [opensignal]\n", r"mkdocs\.yml: theme\.custom_dir is missing"),
    ],
)
def test_a_wrong_mkdocs_yml_is_named(own_settings: Settings, line: str, said: str) -> None:
    head = "site_name: Deep Signals\nsite_url: https://deepsignals.example.org/\ndocs_dir: content/pages\n"
    (own_settings.root / "mkdocs.yml").write_text(head + line, "utf-8")

    with pytest.raises(BuildError, match=said):
        build_site(own_settings, now=NOW)


def test_a_failed_build_leaves_the_old_site_and_no_litter(own_settings: Settings) -> None:
    build_site(own_settings, now=NOW)
    before = contents(own_settings.site_dir)
    (own_settings.root / "theme" / "main.html").write_text("{{", "utf-8")
    beside = set(own_settings.root.iterdir())

    with pytest.raises(BuildError):
        build_site(own_settings, now=NOW)

    assert contents(own_settings.site_dir) == before
    assert set(own_settings.root.iterdir()) == beside


def test_what_is_gone_from_the_content_is_gone_from_the_site(own_settings: Settings) -> None:
    build_site(own_settings, now=NOW)
    (own_settings.content / "articles/2026/2026-11-17-scheduled-past.md").unlink()

    build_site(own_settings, now=NOW)

    assert not (own_settings.site_dir / "articles/scheduled-past").exists()


def test_a_folder_that_is_no_site_is_never_replaced(own_settings: Settings, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")

    for target in (precious, own_settings.root, tmp_path, own_settings.content / "pages"):
        with pytest.raises(UsageError):
            build_site(own_settings, now=NOW, site_dir=target)

    assert (precious / "thesis.txt").read_text() == "years of work"


def test_an_empty_folder_is_filled(own_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    report = build_site(own_settings, now=NOW, site_dir=tmp_path / "empty")

    assert (report.site_dir / "index.html").is_file()


def test_the_address_of_the_site_comes_from_the_settings(repository: Path, tmp_path: Path) -> None:
    settings = Settings.load(repository, site_url="http://127.0.0.1:8123/news/", web_url="http://127.0.0.1:9000/")

    site = build_site(settings, now=NOW, site_dir=tmp_path / "site").site_dir

    article = (site / "articles/grid-queue/index.html").read_text("utf-8")
    assert '<link rel="canonical" href="http://127.0.0.1:8123/news/articles/grid-queue/">' in article
    assert '<form method="post" action="http://127.0.0.1:9000/subscribe">' in article
    assert 'href="/news/archive/"' in (site / "404.html").read_text("utf-8")
    assert all(b"deepsignals.example.org" not in data for data in contents(site).values())


def test_a_broken_link_in_a_page_is_reported_with_its_place_and_what_next(own_settings: Settings) -> None:
    (own_settings.content / "pages/about.md").write_text("# About\n\nIt is [gone](gone.md).\n", "utf-8")

    report = build_site(own_settings, now=NOW)

    [problem] = report.problems
    assert (problem.path, problem.line, problem.column, problem.code) == ("content/pages/about.md", 3, 14, "W001")
    assert "contains a link 'gone.md', but" in problem.message
    assert problem.message.endswith("; mend the link, or put there what it leads to")


def test_a_home_page_needs_no_file(own_settings: Settings) -> None:
    (own_settings.content / "pages/index.md").unlink()

    report = build_site(own_settings, now=NOW)

    home = (report.site_dir / "index.html").read_text("utf-8")
    assert "What the grid-queue tells us" in home
    assert "<title>Deep Signals</title>" in home


def test_a_repository_without_articles_has_a_site(own_settings: Settings) -> None:
    shutil.rmtree(own_settings.content / "articles")

    report = build_site(own_settings, now=NOW)

    assert report.articles == 0
    assert "Nothing has been published yet." in (report.site_dir / "index.html").read_text("utf-8")


def test_the_repositorys_own_content_builds_in_time(tmp_path: Path) -> None:
    settings = Settings.load(REPOSITORY)

    began = time.process_time()
    report = build_site(settings, now=dt.datetime(2100, 1, 1, tzinfo=dt.UTC), site_dir=tmp_path / "site")
    took = time.process_time() - began

    assert report.articles >= 10
    assert took < 6  # seconds of the processor: other tests run beside this one


def _stylesheet(site: Path, name: str) -> str:
    return next(site.glob(f"assets/css/{name}-*.css")).relative_to(site).as_posix()


def test_the_fixture_is_what_the_tests_take_it_for(tmp_path: Path) -> None:
    root = write_repository(tmp_path / "again")

    assert len(list(root.glob("content/articles/*/*.md"))) == 10


@pytest.mark.parametrize("path", ["content/pages/h.txt", "content/pages/x.md", "theme/assets/leak.txt"])
def test_a_link_out_of_the_repository_is_never_published(own_settings: Settings, tmp_path: Path, path: str) -> None:
    secret = tmp_path / "elsewhere.txt"
    secret.write_text("the password of the host")
    link = own_settings.root / path
    link.symlink_to(secret)

    with pytest.raises(ContentError) as refused:
        build_site(own_settings, now=NOW)
    with pytest.raises(BuildError, match="link out of the newsletter's own files"):
        build_site(own_settings, now=NOW, check=False)

    assert [problem.path for problem in refused.value.problems] == [path]
    assert not own_settings.site_dir.exists()


def test_a_full_disk_is_told_as_one(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), ".site-x1/new/index.html")

    monkeypatch.setattr("mkdocs.commands.build.build", fail)

    with pytest.raises(BuildError, match=r"site: the disk is full, and the old site stays; make room and run again$"):
        build_site(own_settings, now=NOW)
