"""What exports should not be, and are: each is told, nothing is lost in silence, and nothing hostile is written."""

# ruff: noqa: E501 -- what is broken stands on one line
from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import re
import zipfile
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import ContentError, StoreBusy, UsageError
from pipeline.library import load_library, render_article
from pipeline.model import Severity, Status
from pipeline.moving import Moved, Options, move_in
from tests.moving import newsletter
from tests.moving.newsletter import png, table, write_zip

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
COLUMNS = "post_id post_date is_published email_sent_at type audience title subtitle podcast_url".split()


def row(slug: str = "grid", number: int = 1, **changes: str) -> dict[str, str]:
    given = {
        "post_id": f"{number}.{slug}",
        "post_date": "2024-03-01T06:00:00.000Z",
        "is_published": "true",
        "type": "newsletter",
        "audience": "everyone",
        "title": f"A title for {slug}",
        "subtitle": f"What {slug} is about.",
    }
    return {**given, **changes}


def substack(folder: Path, *posts: tuple[dict[str, str], str], **more: str | bytes) -> Path:
    files: dict[str, str | bytes] = {"posts.csv": table(COLUMNS, [fields for fields, _ in posts])}
    files |= {f"posts/{fields['post_id']}.html": body for fields, body in posts}
    return write_zip(folder / "export.zip", {**files, **more})


def take(settings: Settings, *paths: Path, **options: object) -> Moved:
    return move_in(settings, paths, Options(**options), now=NOW)  # type: ignore[arg-type]


def told(report: Moved) -> str:
    return "\n".join(map(str, report.notes))


def only_file(settings: Settings) -> Path:
    (path,) = (settings.content / "articles").rglob("*.md")
    return path


def errors(settings: Settings) -> list[str]:
    found = load_library(settings.root, now=NOW).problems
    return [str(problem) for problem in found if problem.severity is Severity.ERROR]


# --- posts ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "<p>Open <b>and <i>never</b> closed</i> <div><p>words <table><tr><td>alone</p>",
        "<p>words" + "<div>" * 3_000 + " alone",
        "<blockquote>" * 300 + "words alone" + "</blockquote>" * 300,
        "<ul><li>" * 200 + "words alone" + "</li></ul>" * 200,
        "<p>words <b>" + "<i><b>" * 500 + "alone</b></p>",
        "words </p></div></div> alone",
        "<p>words & alone &nbsp; &bogus; &#0; &#x110000;</p>",
        "\x00<p>words \x01\x1b alone\u2028\u202e</p>",
        "<!-- <p>hidden</p> --><p>words<!-- --> alone</p><![CDATA[ x ]]>",
    ],
    ids=["unclosed", "divs", "quotes", "lists", "marks", "overclosed", "entities", "controls", "comments"],
)
def test_broken_html_keeps_its_words_and_can_be_built(settings: Settings, tmp_path: Path, body: str) -> None:
    report = take(settings, substack(tmp_path, (row(), body)))

    assert sum(report.outcomes.values()) == 1
    text = only_file(settings).read_text("utf-8")
    assert "words" in text
    assert "alone" in text
    assert errors(settings) == []
    library = load_library(settings.root, now=NOW)
    render_article(library.articles[0], library, site_url=settings.site_url)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">here</a>',
        '<a href="java\tscript:alert(1)">here</a>',
        '<a href="data:text/html,<script>alert(1)</script>">here</a>',
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
        "[here](javascript:alert(1)) {: onclick=alert(1) }",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        '<form action="https://evil.example"><input name=a></form>',
    ],
)
def test_nothing_that_runs_comes_over(settings: Settings, tmp_path: Path, hostile: str) -> None:
    take(settings, substack(tmp_path, (row(title=f"Title {hostile}"), f"<p>Before {hostile} behind.</p>")))

    library = load_library(settings.root, now=NOW)
    (article,) = library.articles
    html = render_article(article, library, site_url=settings.site_url).html
    assert "<script" not in html
    assert "javascript:" not in html.replace("[here](javascript:alert(1))", "")
    assert "onerror" not in html.replace("&lt;", "")
    assert "<form" not in html
    assert "Before" in html
    assert "behind." in html


def test_what_looks_like_our_notation_is_words(settings: Settings, tmp_path: Path) -> None:
    words = "![[a.b]] [^1] [@x] {++new++} !!! note {: .c } - no list 1. # head > quote | a | b | === x"
    take(settings, substack(tmp_path, (row(), "".join(f"<p>{word}</p>" for word in [words, *words.split(" ")]))))

    assert errors(settings) == []
    library = load_library(settings.root, now=NOW)
    html = render_article(library.articles[0], library, site_url=settings.site_url).html
    assert "![[a.b]] [^1] [@x] {++new++} !!! note {: .c } - no list 1. # head" in html
    assert not {"<ul", "<ol", "<h2", "<h1", "<blockquote", "<table", "admonition"} & {
        tag for tag in ("<ul", "<ol", "<h2", "<h1", "<blockquote", "<table", "admonition") if tag in html
    }


def test_a_post_without_a_date_is_a_draft_and_told(settings: Settings, tmp_path: Path) -> None:
    report = take(
        settings,
        substack(tmp_path, (row(post_date=""), "<p>Words.</p>"), (row("other", 2, post_date="soon"), "<p>W.</p>")),
    )

    assert told(report).count("has no date, so it is a draft; set its date and status: published") == 2
    assert {article.status for article in load_library(settings.root, now=NOW).articles} == {Status.DRAFT}
    again = move_in(settings, [tmp_path / "export.zip"], Options(), now=NOW + dt.timedelta(days=3))
    assert again.outcomes == {"unchanged": 2}


def test_a_post_without_a_text_is_a_draft_and_told(settings: Settings, tmp_path: Path) -> None:
    report = take(settings, substack(tmp_path, (row(), " \n")))

    assert load_library(settings.root, now=NOW).articles[0].status is Status.DRAFT
    assert "is empty, so it is a draft" in told(report)
    assert "has no text; write it, or delete the article" in told(report)


def test_what_only_some_could_see_becomes_no_public_article(settings: Settings, tmp_path: Path) -> None:
    paths = substack(
        tmp_path,
        (row("paid", 1, audience="only_paid"), "<p>Secret.</p>"),
        (row("draft", 2, is_published="false"), "<p>Early.</p>"),
        (row("later", 3, post_date="2031-01-01T00:00:00Z"), "<p>Later.</p>"),
    )

    report = take(settings, paths)

    assert report.drafts == 3
    assert all(article.status is Status.DRAFT for article in load_library(settings.root, now=NOW).articles)
    assert "for paying readers only, so it is a draft" in told(report)


def test_slugs_that_are_taken_get_a_number_and_links_follow(settings: Settings, tmp_path: Path) -> None:
    link = '<p><a href="https://old.example.com/p/grid">there</a></p>'
    paths = substack(
        tmp_path, (row("grid", 1), "<p>One.</p>"), (row("grid", 2), link), (row("Grid!?", 3), "<p>Three.</p>")
    )

    report = take(settings, paths, site="https://old.example.com")

    names = sorted(path.name for path in (settings.content / "articles").rglob("*.md"))
    assert names == ["2024-03-01-grid-2.md", "2024-03-01-grid-3.md", "2024-03-01-grid.md"]
    assert 'its address "grid" was taken or is none here; it has "grid-2"' in told(report)
    assert errors(settings) == []


def test_a_row_without_a_file_and_a_file_without_a_row_are_told(settings: Settings, tmp_path: Path) -> None:
    files = {"posts.csv": table(COLUMNS, [row()]), "posts/7.lost.html": "<p>Words.</p>"}

    report = take(settings, write_zip(tmp_path / "export.zip", files))

    assert not report.ok
    assert "there is no file posts/1.grid.html; export it again" in told(report)
    assert "posts/7.lost.html: is in no row of posts.csv" in told(report)


def test_absolute_images_stay_where_they_are_until_they_are_fetched(settings: Settings, tmp_path: Path) -> None:
    report = take(settings, substack(tmp_path, (row(), '<p>x</p><img src="https://img.example.com/a.png" alt="A">')))

    assert report.images_away == {"img.example.com": 1}
    assert "an image still lies where it was; run again with --fetch-images" in told(report)
    assert "![A](https://img.example.com/a.png)" in only_file(settings).read_text("utf-8")


@pytest.mark.parametrize("content", [b"<svg><script>alert(1)</script></svg>", b"GIF?", b"", b"<html>no</html>"])
def test_an_image_that_is_none_is_not_written(settings: Settings, tmp_path: Path, content: bytes) -> None:
    post = (row(), '<p>x</p><img src="images/a.png" alt="What it shows">')

    report = take(settings, substack(tmp_path, post, **{"images/a.png": content}), site="https://old.example.com")

    assert not (settings.content / "pages/images").exists()
    assert "an image was not taken over" in told(report)
    assert "What it shows" in only_file(settings).read_text("utf-8")


def test_an_image_with_an_address_that_is_none_is_told(settings: Settings, tmp_path: Path) -> None:
    report = take(settings, substack(tmp_path, (row(), '<p>Words.</p><img src="http://[::1" alt="What it shows">')))

    assert report.outcomes == {"new": 1}
    assert "an image has an address that is none" in told(report)
    assert "What it shows" in only_file(settings).read_text("utf-8")


def test_an_image_in_the_text_itself_becomes_a_file(settings: Settings, tmp_path: Path) -> None:
    import base64

    data = base64.b64encode(png(3)).decode()
    take(settings, substack(tmp_path, (row(), f'<p>x</p><img alt="A" src="data:image/png;base64,{data}">')))

    (image,) = (settings.content / "pages/images/archive/grid").iterdir()
    assert image.read_bytes() == png(3)


# --- archives -------------------------------------------------------------------------------------------------------------------


def test_names_that_lead_out_of_the_archive_are_told_and_written_nowhere(settings: Settings, tmp_path: Path) -> None:
    evil = {
        "../../evil.html": "x",
        "/etc/evil.csv": "email\na@example.org\n",
        "posts\\..\\..\\evil.md": "x",
        "C:/evil.html": "x",
    }

    report = take(settings, substack(tmp_path, (row(), "<p>Words.</p>"), **evil))

    assert told(report).count("leads out of the archive, so it was not read") == 4
    assert not list(tmp_path.rglob("evil*"))
    assert report.outcomes == {"new": 1}


def test_a_zip_bomb_is_not_unpacked(settings: Settings, tmp_path: Path) -> None:
    report = take(
        settings, substack(tmp_path, (row(), "<p>" + "a" * 30_000_000 + "</p>"), (row("other", 2), "<p>Words.</p>"))
    )

    assert report.outcomes == {"new": 1}
    assert "30,000,007 bytes packed into" in told(report)


def test_a_zip_that_is_cut_off_or_none_is_said_to_be(settings: Settings, tmp_path: Path) -> None:
    whole = substack(tmp_path, (row(), "<p>Words.</p>"))
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:-40])

    with pytest.raises(UsageError, match="is no whole zip; download the export again"):
        take(settings, cut)
    with pytest.raises(UsageError, match="no such file or folder"):
        take(settings, tmp_path / "nothing.zip")


def test_a_member_that_is_broken_or_locked_costs_itself_alone(settings: Settings, tmp_path: Path) -> None:
    path = substack(tmp_path, (row(), "<p>Words that stand alone here.</p>"), (row("other", 2), "<p>More.</p>"))
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("posts/1.grid.html").header_offset
    raw[at + 30 + len("posts/1.grid.html") + 4] ^= 0xFF
    path.write_bytes(raw)

    report = take(settings, path)

    assert report.outcomes == {"new": 1}
    assert "posts/1.grid.html" in told(report)
    assert "cannot be read" in told(report)


def test_a_member_that_is_packed_otherwise_and_broken_costs_itself_alone(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("posts.csv", table(COLUMNS, [row(), row("other", number=2)]))
        archive.writestr("posts/1.grid.html", "<p>Words that stand alone here.</p>" * 99)
        archive.writestr("posts/2.other.html", "<p>More.</p>")
        at = archive.getinfo("posts/1.grid.html").header_offset
    raw = bytearray(path.read_bytes())
    for place in range(20):
        raw[at + 30 + len("posts/1.grid.html") + 13 + place] ^= 0xFF
    path.write_bytes(raw)

    report = take(settings, path)

    assert report.outcomes == {"new": 1}
    assert "posts/1.grid.html" in told(report)
    assert "cannot be read" in told(report)


@pytest.mark.parametrize("target", ["gone.html", "2.other.html"])
def test_a_link_in_a_folder_that_leads_nowhere_or_to_itself_is_told(
    settings: Settings, tmp_path: Path, target: str
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "posts.csv").write_text(table(COLUMNS, [row()]))
    (folder / "1.grid.html").write_text("<p>Words that stand alone here.</p>")
    (folder / "2.other.html").symlink_to(target)

    report = take(settings, folder)

    assert report.outcomes == {"new": 1}
    assert "2.other.html: is a link that leads nowhere" in told(report)


def test_a_link_in_a_folder_that_leads_out_is_not_followed(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (tmp_path / "secret.html").write_text("<p>Secret.</p>")
    (folder / "posts.csv").write_text(table(COLUMNS, [row()]))
    (folder / "1.grid.html").symlink_to(tmp_path / "secret.html")

    report = take(settings, folder)

    assert "1.grid.html: is a link that leads out of the folder" in told(report)
    assert not (settings.content / "articles").exists()


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss SYSTEM "https://evil.example/x.dtd">',
    ],
)
def test_entities_of_an_xml_are_refused_unread(settings: Settings, tmp_path: Path, declared: str) -> None:
    (tmp_path / "in").mkdir()
    export = newsletter.wordpress(tmp_path / "in", newsletter.pieces(2), [])[0]
    export.write_text(
        export.read_text("utf-8").replace("<rss", f"{declared}<rss", 1).replace("The quiet", "&x;&b;"), "utf-8"
    )

    report = take(settings, export)

    assert report.outcomes == {}
    assert "declares a document type or entities" in told(report)


def test_an_xml_that_ends_in_the_middle_gives_what_stands_before(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    export = newsletter.wordpress(tmp_path / "in", newsletter.pieces(5), [])[0]
    text = export.read_text("utf-8")
    export.write_text(text[: text.index("chapter 3")], "utf-8")

    report = take(settings, export)

    assert sum(report.outcomes.values()) == 3
    assert "ends in the middle of a post; export it again" in told(report)
    assert not report.ok


def test_a_file_in_another_encoding_is_read_and_told(settings: Settings, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "posts.csv": table(COLUMNS, [row(title="Ein schöner Titel")]).encode("utf-16"),
        "posts/1.grid.html": "<p>Grüße aus Århus – “ja”</p>".encode("cp1252"),
    }

    report = take(settings, write_zip(tmp_path / "export.zip", files))

    text = only_file(settings).read_text("utf-8")
    assert "title: Ein schöner Titel" in text or 'title: "Ein schöner Titel"' in text
    assert "Grüße aus Århus – “ja”" in text
    assert "posts/1.grid.html: is not in UTF-8; read as Windows-1252" in told(report)


def test_a_json_that_is_none_is_told(settings: Settings, tmp_path: Path) -> None:
    export = tmp_path / "ghost.json"
    export.write_text('{"db": [{"meta": 1, "data": ')

    report = take(settings, export)

    assert report.outcomes == {}
    assert "ghost.json: " in told(report)


@pytest.mark.parametrize("text", ['{"db": "no"}', '{"db": [{"data": {"posts": "no"}}]}', '{"db": [[[]]]}'])
def test_an_export_that_holds_nothing_is_refused(settings: Settings, tmp_path: Path, text: str) -> None:
    export = tmp_path / "ghost.json"
    export.write_text(text)

    with pytest.raises(UsageError, match=r"ghost\.json: nothing in it is Ghost's; name its export, or another service"):
        take(settings, export)


def test_a_folder_of_another_service_than_the_one_that_was_named_is_refused(settings: Settings, tmp_path: Path) -> None:
    post = tmp_path / "content/posts/grid.md"
    post.parent.mkdir(parents=True)
    post.write_text("---\ntitle: Grid\ndate: 2024-03-01\n---\nWords.\n")

    with pytest.raises(UsageError, match=r"nothing in it is Ghost's"):
        take(settings, tmp_path, service="ghost")


def test_texts_of_ghost_that_were_never_rendered_are_read(settings: Settings, tmp_path: Path) -> None:
    lexical = {"root": {"children": [
        {"type": "extended-heading", "tag": "h2", "children": [{"type": "extended-text", "text": "A head", "format": 0}]},
        {"type": "paragraph", "children": [
            {"type": "extended-text", "text": "Bold", "format": 1}, {"type": "extended-text", "text": " and ", "format": 0},
            {"type": "link", "url": "https://example.org/", "children": [{"type": "extended-text", "text": "a link", "format": 2}]}]},
        {"type": "list", "listType": "number", "children": [{"type": "listitem", "children": [{"type": "text", "text": "One", "format": 0}]}]},
    ]}}  # fmt: skip
    mobiledoc = {"version": "0.3.1", "atoms": [], "cards": [["hr", {}]], "markups": [["strong"], ["a", ["href", "https://example.org/"]]],
                 "sections": [[1, "h2", [[0, [], 0, "A head"]]], [1, "p", [[0, [0], 1, "Bold"], [0, [], 0, " and "], [0, [1], 1, "a link"]]],
                              [10, 0], [3, "ol", [[[0, [], 0, "One"]]]]]}  # fmt: skip
    posts = [
        {"id": f"p{n}", "title": f"A text in {name}", "slug": name, "type": "post", "status": "published", "html": None,
         "published_at": "2024-01-02T03:04:05.000Z", name: json.dumps(kept)}
        for n, (name, kept) in enumerate((("lexical", lexical), ("mobiledoc", mobiledoc)))
    ]  # fmt: skip
    export = tmp_path / "ghost.json"
    export.write_text(json.dumps({"db": [{"meta": {}, "data": {"posts": posts}}]}))

    report = take(settings, export)

    assert report.outcomes == {"new": 2}
    for path in (settings.content / "articles").rglob("*.md"):
        text = path.read_text("utf-8")
        assert "## A head" in text
        assert "**Bold** and [" in text
        assert "](https://example.org/)" in text
        assert "1. One" in text


def test_a_form_of_buttondown_stays_there_and_what_it_filled_in_is_told(settings: Settings, tmp_path: Path) -> None:
    export = tmp_path / "emails.csv"
    body = "Dear {{ subscriber.email }},\n\n{{ subscribe_form }}\n\nThe grid is full."
    export.write_text(
        "id,subject,slug,publish_date,status,email_type,body\n"
        f'0b1,The quiet grid,quiet-grid,2024-03-01T10:00:00Z,sent,public,"{body}"\n'
    )

    report = take(settings, export)

    (path,) = (settings.content / "articles").rglob("*.md")
    assert "subscribe" not in path.read_text("utf-8").rpartition("---")[2].replace("subscriber", "")
    (told,) = [line for line in report.lines() if "filled in" in line]
    assert told.endswith(
        "“The quiet grid”: {{ subscriber.email }} was filled in by Buttondown for each reader, and stands here as it is; write it over"
    )


def test_what_is_no_export_is_said_to_be_none(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Words.")

    with pytest.raises(UsageError, match=r"this looks like no export of beehiiv, buttondown, ghost"):
        take(settings, tmp_path / "a.txt")
    with pytest.raises(UsageError, match='"tumblr" is no service that is known'):
        take(settings, tmp_path / "a.txt", service="tumblr")


# --- again, killed, edited --------------------------------------------------------------------------------------------------------


def test_an_edited_article_is_not_written_over_wherever_it_lies(settings: Settings, tmp_path: Path) -> None:
    export = substack(tmp_path, (row(), "<p>Words.</p>"), (row("other", 2), "<p>More.</p>"))
    take(settings, export)
    path = settings.content / "articles/2024/2024-03-01-grid.md"
    moved = path.with_name("2024-03-01-renamed.md")
    moved.write_text(path.read_text("utf-8") + "\nA word of ours.\n")
    path.unlink()

    report = take(settings, export)

    assert report.outcomes == {"unchanged": 1, "kept": 1}
    assert not path.exists()
    assert moved.read_text("utf-8").endswith("A word of ours.\n")


def test_a_run_that_was_killed_is_finished_by_the_next(settings: Settings, tmp_path: Path) -> None:
    export = substack(tmp_path, *((row(f"post-{n}", n), f"<p>Words {n}.</p>") for n in range(10)))
    take(settings, export)
    whole = {path.name: path.read_bytes() for path in (settings.content / "articles").rglob("*.md")}
    for name in list(whole)[3:]:
        (settings.content / "articles/2024" / name).unlink()

    report = move_in(settings, [export], Options(), now=NOW)

    assert report.outcomes == {"new": 7, "unchanged": 3}
    assert {path.name: path.read_bytes() for path in (settings.content / "articles").rglob("*.md")} == whole
    assert errors(settings) == []


def test_what_a_killed_run_left_half_written_goes_with_the_next(settings: Settings, tmp_path: Path) -> None:
    export = substack(tmp_path, (row(), "<p>Words.</p>"))
    take(settings, export)
    images = settings.content / "pages/images/archive/grid"
    images.mkdir(parents=True)
    halves = [
        settings.content / "articles/2024/.2024-03-01-grid.md.0a1b2c3d",
        settings.content / ".imports.yml.0a1b2c3d",
        images / ".quay-1.png.0a1b2c3d",
    ]
    others = [settings.content / "articles/2024/.editor.swp", images / ".0a1b2c3d"]
    for path in (*halves, *others):
        path.write_text("half")

    dry = move_in(settings, [export], Options(dry_run=True), now=NOW)
    assert all(path.exists() for path in halves)
    report = move_in(settings, [export], Options(), now=NOW)

    assert dry.outcomes == report.outcomes == {"unchanged": 1}
    assert not any(path.exists() for path in halves)
    assert all(path.exists() for path in others)


def test_two_imports_at_once_do_not_write_over_each_other(settings: Settings, tmp_path: Path) -> None:
    export = substack(tmp_path, (row(), "<p>Words.</p>"))
    folder = os.open(settings.content, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)

        with pytest.raises(StoreBusy, match="another import is running; wait for it to end and run again"):
            take(settings, export)
    finally:
        os.close(folder)

    assert take(settings, export).outcomes == {"new": 1}


def test_what_a_thousand_posts_say_alike_hides_nothing_that_one_says(settings: Settings, tmp_path: Path) -> None:
    posts = [
        (row(f"post-{n}", n), f'<p>Words {n}.</p><img src="https://images.example.net/{n}.png">') for n in range(60)
    ]
    posts += [(row("odd", 99), "<p>Words.</p><script>alert(1)</script>")]
    done: list[tuple[str, int, int]] = []

    report = move_in(
        settings,
        [substack(tmp_path, *posts)],
        Options(),
        now=NOW,
        tell=lambda what, number, of: done.append((what, number, of)),
    )

    lines = list(report.lines())
    assert sum("an image still lies where it was" in line for line in lines) == 3
    assert any("(and 57 more like this)" in line for line in lines)
    assert any("a script was left out" in line for line in lines)
    assert "  --json names them all" in lines
    assert len(report.as_dict()["notes"]) == len(report.notes) > 60
    assert done[-1] == ("articles", 60, 61)


def test_a_file_in_the_way_that_cannot_be_read_is_left(settings: Settings, tmp_path: Path) -> None:
    path = settings.content / "articles/2024/2024-03-01-grid.md"
    path.parent.mkdir(parents=True)
    path.write_text("no front matter")

    report = take(settings, substack(tmp_path, (row(), "<p>Words.</p>")))

    assert path.read_text() == "no front matter"
    assert report.outcomes == {"not taken over": 1}
    assert "is there, and cannot be read; mend or move it, and run again" in told(report)


def test_a_list_of_imports_that_is_broken_is_not_written_over(settings: Settings, tmp_path: Path) -> None:
    (settings.content / "imports.yml").write_text("- {service: ghost, on: 2024-01-01, articles: 3")

    with pytest.raises(ContentError, match=r"content/imports.yml has errors"):
        take(settings, substack(tmp_path, (row(), "<p>Words.</p>")))

    assert (settings.content / "imports.yml").read_text() == "- {service: ghost, on: 2024-01-01, articles: 3"
    assert not (settings.content / "articles").exists()


def test_imports_of_several_services_and_days_stand_side_by_side(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    take(settings, *newsletter.ghost(tmp_path / "in", newsletter.pieces(3), []))
    take(settings, substack(tmp_path, (row(), "<p>Words.</p>")))
    more = substack(tmp_path, (row(), "<p>Words.</p>"), (row("other", 2), "<p>More.</p>"))

    move_in(settings, [more], Options(), now=NOW + dt.timedelta(days=2))

    assert (settings.content / "imports.yml").read_text("utf-8").splitlines()[2:] == [
        "- {service: ghost, on: 2026-11-23, articles: 3}",
        "- {service: substack, on: 2026-11-23, articles: 1}",
        "- {service: substack, on: 2026-11-25, articles: 1}",
    ]
    assert errors(settings) == []


def test_a_dry_run_writes_nothing(settings: Settings, tmp_path: Path) -> None:
    before = sorted(settings.root.rglob("*"))
    (tmp_path / "in").mkdir()

    report = take(
        settings,
        *newsletter.ghost(tmp_path / "in", newsletter.pieces(3), newsletter.readers(9)),
        dry_run=True,
        basis="x",
    )

    assert report.outcomes == {"new": 3}
    assert report.readers.report is None
    assert sorted(settings.root.rglob("*")) == before


# --- subscribers ----------------------------------------------------------------------------------------------------------------


def test_without_a_basis_nobody_is_imported(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()

    report = take(settings, *newsletter.ghost(tmp_path / "in", newsletter.pieces(1), newsletter.readers(9)))

    assert report.readers.report is None
    assert "say with --basis why you may write to them" in "\n".join(report.lines())
    assert not settings.state_dir.exists() or not list(settings.state_dir.glob("*.sqlite*"))


def test_rows_that_name_nobody_are_told_by_line_and_never_by_address(settings: Settings, tmp_path: Path) -> None:
    listed = tmp_path / "members.csv"
    listed.write_text(
        "email,subscribed_to_emails,created_at\nno-address,true,2024-01-01\nb@example.org,true,someday\n"
        "c@example.org,true,2024-01-01\nC@Example.org,true,2024-01-02\n"
    )

    report = take(settings, listed, basis="double opt-in", confirmed=True)

    assert report.readers.report is not None
    assert report.readers.report.imported == 2
    assert [line for line, _ in report.readers.report.rows] == [2, 5]
    assert "members.csv:3: the date of this subscriber cannot be read" in told(report)
    assert not re.search(r"\w@\w", "\n".join(report.lines()))


def test_who_subscribed_here_anew_is_not_put_out_by_an_old_list(settings: Settings, tmp_path: Path) -> None:
    listed = tmp_path / "members.csv"
    listed.write_text("email,subscribed_to_emails,created_at\na@example.org,true,2024-01-01\n")
    take(settings, listed, basis="double opt-in", confirmed=True)
    listed.write_text("email,subscribed_to_emails,created_at\na@example.org,false,2024-01-01\n")

    report = take(settings, listed, basis="double opt-in", confirmed=True)

    assert report.readers.suppressed == {}
