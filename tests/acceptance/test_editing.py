"""An editor's commands, as processes: new, check, build, ingest."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

import feedparser
import pytest
from pytest_httpserver import HTTPServer

from tests.repository import Repository

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Sample</title><link>https://example.org/</link>
<item><title>Turbines &amp; time</title><link>https://example.org/turbines</link><guid>t1</guid></item></channel></rss>"""


def test_a_new_article_is_a_draft_that_passes_the_check(repository: Repository) -> None:
    made = repository.run("new", "The grid is the new fab")
    checked = repository.run("check")

    [path] = (repository.root / "content" / "articles").rglob("*.md")
    assert made.code == 0
    assert path.name.endswith("-the-grid-is-the-new-fab.md")
    assert "status: draft" in path.read_text()
    assert checked.code == 0, checked.out


def test_a_new_article_never_overwrites_one(repository: Repository) -> None:
    repository.run("new", "The grid is the new fab")

    again = repository.run("new", "The grid is the new fab")

    assert again.code == 2
    assert "the-grid-is-the-new-fab" in again.err


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("title:", "tittle:", "S003", "title"),
        ("---\nA paragraph", "A paragraph", "S001", "---"),
        ("dek: What", "dek: [What", "S002", ""),
        ("[^sample-source]", "[^sample-sorce]", "S104", "sample-source"),
        ("topics: [power]", "topics: [powr]", "S017", "power"),
        ("authors: [ines-halvorsen]", "authors: [drafting-model]", "S016", "editor"),
    ],
)
def test_a_fault_in_an_article_has_its_place_its_code_and_what_next(
    repository: Repository, old: str, new: str, code: str, words: str
) -> None:
    path = repository.add_article("grid")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    checked = repository.run("check", "--json")
    built = repository.run("build")

    problems = [problem for problem in checked.json["problems"] if problem["code"] == code]
    assert checked.code == 1
    assert problems, checked.out
    assert problems[0]["path"] == str(path.relative_to(repository.root))
    assert set(problems[0]) == {"path", "line", "column", "code", "message", "severity"}
    assert words in problems[0]["message"]
    assert built.code == 1
    assert f"{problems[0]['path']}:{problems[0]['line']}:{problems[0]['column']} {code}" in built.err
    assert not (repository.root / "site").exists()


def test_the_hundredth_line_has_its_number(repository: Repository) -> None:
    path = repository.add_article("grid")
    lines = path.read_text().splitlines()
    lines[-1:] = [*[""] * (99 - len(lines) + 1), "It rests on nothing[^nobody]."]
    path.write_text("\n".join(lines))

    checked = repository.run("check")

    assert f"{path.relative_to(repository.root)}:100:" in checked.out


@pytest.mark.parametrize("date", ["2026-02-30", "yesterday", "2026-11-20T25:00:00Z"])
def test_a_bad_date_is_named(repository: Repository, date: str) -> None:
    path = repository.add_article("grid")
    lines = [f"date: {date}" if line.startswith("date:") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))

    checked = repository.run("check")

    assert checked.code == 1
    assert "S014" in checked.out
    assert date in checked.out


def test_a_slug_that_is_taken_names_both_files(repository: Repository) -> None:
    first = repository.add_article("grid")
    second = first.with_name(first.name.replace("grid", "other"))
    shutil.copy(first, second)
    second.write_text(second.read_text().replace("title:", "slug: grid\ntitle:", 1))

    checked = repository.run("check")

    assert checked.code == 1
    assert "S013" in checked.out
    assert first.name in checked.out
    assert second.name in checked.out


def test_no_check_builds_what_can_be_built(repository: Repository) -> None:
    path = repository.add_article("grid")
    path.write_text(path.read_text().replace("[^sample-source]", "[^nobody]"))

    assert repository.run("build").code == 1
    assert repository.run("build", "--no-check").code == 0
    assert (repository.root / "site" / "articles" / "grid" / "index.html").is_file()


def test_drafts_and_the_future_are_nowhere_on_the_site(repository: Repository) -> None:
    repository.add_article("grid")
    repository.add_article("kept-back-draft", status="draft")
    repository.add_article("kept-back-tomorrow", hours_old=-20)

    built = repository.run("build", "--json")

    site = repository.root / "site"
    everything = "".join(path.read_text("utf-8", "replace") for path in site.rglob("*") if path.is_file())
    assert built.json["articles"] == 1
    assert "The story of grid" in everything
    assert "kept-back" not in everything


def test_the_site_goes_where_it_is_told_and_comes_out_the_same(repository: Repository, tmp_path: Path) -> None:
    repository.add_article("grid")

    for name in ("one", "two"):
        assert repository.run("build", "--site-dir", str(tmp_path / name)).code == 0

    assert _differences(filecmp.dircmp(tmp_path / "one", tmp_path / "two")) == []
    for feed in ("feed.xml", "atom.xml"):
        parsed = feedparser.parse((tmp_path / "one" / feed).read_bytes())
        assert not parsed.bozo
        assert [entry.title for entry in parsed.entries] == ["The story of grid"]


def _differences(compared: filecmp.dircmp[str]) -> list[str]:
    below = [name for sub in compared.subdirs.values() for name in _differences(sub)]
    return [*compared.left_only, *compared.right_only, *compared.diff_files, *below]


def test_a_command_outside_of_a_repository_says_where_it_looked(repository: Repository, tmp_path: Path) -> None:
    ended = repository.run("check", "--root", str(tmp_path))

    assert ended.code == 2
    assert f"no mkdocs.yml in {tmp_path}" in ended.err


def test_a_command_works_from_anywhere_with_root(repository: Repository, tmp_path: Path) -> None:
    repository.add_article("grid")
    elsewhere = Repository(tmp_path)

    assert elsewhere.run("check", "--root", str(repository.root)).code == 0


def test_one_dead_feed_stops_no_other_and_is_told(repository: Repository, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    httpserver.expect_request("/good.xml").respond_with_data(
        RSS, content_type="application/rss+xml", headers={"ETag": '"1"'}
    )
    httpserver.expect_request("/page").respond_with_data("<html><body>no feed</body></html>", content_type="text/html")
    feeds = "".join(
        f"- {{id: {name}, url: '{httpserver.url_for(path)}', publisher: {name}}}\n"
        for name, path in (("dead", "/missing.xml"), ("page", "/page"), ("good", "/good.xml"))
    )
    (repository.root / "content" / "feeds.yml").write_text(feeds)

    first = repository.run("ingest", "--json", allow_private="true")
    second = repository.run("ingest", "good", "--allow-private")

    outcomes = {feed["id"]: feed["outcome"] for feed in first.json["feeds"]}
    assert first.code == 1
    assert outcomes["good"] == "new"
    assert outcomes["dead"] == outcomes["page"] == "failed"
    [card] = (repository.root / "content" / "inbox").glob("*.md")
    assert "Turbines & time" in card.read_text()
    assert second.code == 0
    assert httpserver.log[-1][0].headers["If-None-Match"] == '"1"'


def test_feeds_on_this_machine_are_refused_unless_allowed(repository: Repository, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/good.xml").respond_with_data(RSS, content_type="application/rss+xml")
    (repository.root / "content" / "feeds.yml").write_text(
        f"- {{id: inside, url: '{httpserver.url_for('/good.xml')}', publisher: Inside}}\n"
    )

    ended = repository.run("ingest")

    assert ended.code == 1
    assert "use --allow-private" in ended.err
    assert httpserver.log == []


def test_f_07_the_new_address_of_a_feed_that_is_gone_is_written_when_an_editor_says_so(
    repository: Repository, httpserver: HTTPServer
) -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="/new.xml">'
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    httpserver.expect_request("/old.xml").respond_with_data("", status=410)
    httpserver.expect_request("/").respond_with_data(link, content_type="text/html")
    httpserver.expect_request("/new.xml").respond_with_data(RSS, content_type="application/rss+xml")
    old, new = httpserver.url_for("/old.xml"), httpserver.url_for("/new.xml")
    listed = repository.root / "content" / "feeds.yml"
    listed.write_text(f"# ours\n- id: office\n  url: {old}  # the feed\n  publisher: Office\n")

    gone = repository.run("ingest", "--allow-private")
    told = repository.run("feeds", "moved")
    written = repository.run("feeds", "moved", "--apply", "--json")
    again = repository.run("feeds", "moved")

    assert (gone.code, told.code, written.code, again.code) == (1, 1, 0, 0)
    assert f"its site offers now, {new}" in gone.err
    assert f"-> {new}: it is gone (410), and its site offers this one" in told.out
    assert written.json["moved"] == [
        {"feed": "office", "was": old, "now": new, "why": "it is gone (410), and its site offers this one"}
    ]
    assert listed.read_text() == f"# ours\n- id: office\n  url: {new}  # the feed\n  publisher: Office\n"


def test_articles_by_name_are_checked_with_their_sources_and_nothing_else(repository: Repository) -> None:
    repository.add_article("grid")
    draft = repository.add_article("halls", status="draft")
    draft.write_text(draft.read_text().replace("More of it", "It named 42 halls. More of it"))
    spoilt = repository.add_article("spoilt")
    spoilt.write_text(spoilt.read_text().replace("topics: [power]", "topics: [powr]"))
    (repository.root / "content/sources/other.yml").write_text("id: another\n")

    whole = repository.run("check")
    one = repository.run("check", "halls", str(draft), "--json")
    other = repository.run("check", "spoilt", "grid")

    assert (whole.code, one.code, other.code) == (1, 0, 1)
    assert "cited in published articles; 1 draft: 2 factual sentences, 1 cited\n" in whole.out
    assert "content/sources/other.yml" in whole.out
    assert one.json == {"problems": [], "factual": 2, "cited": 1}
    assert "content/sources/other.yml" not in other.out
    assert "2 articles, 1 source: 1 error, 0 warnings\n" in other.out
    source = repository.root / "content/sources/sample-source.yml"
    source.write_text(source.read_text().replace("id: sample-source", "id: sample"))
    assert "S101" in repository.run("check", "grid").out
    assert repository.run("check", "nothing").code == 2
    halted = repository.run("check", "nothing", "--json")
    assert (halted.out, halted.err.count("\n")) == ("", 1)
