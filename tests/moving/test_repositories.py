"""What lies in the repository of a site generator: where its texts stood, what their tags say, and what is no text of its."""

# ruff: noqa: E501 -- what a file holds stands on one line
from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import ContentError, UsageError
from pipeline.library.clean import plain_text
from pipeline.moving import Options, move_in
from pipeline.moving.archive import Archive
from pipeline.moving.commonmark import commonmark
from pipeline.moving.export import Export, Post
from pipeline.moving.services import read_export
from tests.moving.newsletter import write_zip

JEKYLL = {"_config.yml": "url: https://notes.example.com\n"}
HUGO = {"hugo.toml": 'baseURL = "https://notes.example.com/"\n'}
PELICAN = {"pelicanconf.py": "SITEURL = 'https://notes.example.com'\n"}


def read(folder: Path, files: Mapping[str, str], *more: Path) -> Export:
    for name, content in files.items():
        path = folder / "repository" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    with Archive.of([folder / "repository", *more]) as archive:
        return read_export(archive, None)


def only(export: Export) -> Post:
    (post,) = export.posts
    return post


def told(export: Export) -> str:
    return "\n".join(map(str, export.notes))


# --- Jekyll ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "address"),
    [
        ("", "/grid/2024/03/01/queue.html"),
        ("pretty", "/grid/2024/03/01/queue/"),
        ("ordinal", "/grid/2024/061/queue.html"),
        ("weekdate", "/grid/2024/W09/Fri/queue.html"),
        ("none", "/grid/queue.html"),
        ("/:short_year/:i_month/:i_day/:slug", "/24/3/1/queue"),
        ("/notes/:title:output_ext", "/notes/queue.html"),
    ],
)
def test_a_post_of_jekyll_stood_where_its_permalink_says(tmp_path: Path, style: str, address: str) -> None:
    config = JEKYLL["_config.yml"] + (f"permalink: {style}\n" if style else "")
    export = read(
        tmp_path, {"_config.yml": config, "_posts/2024-03-01-queue.md": "---\ncategories: grid\n---\nWords\n"}
    )

    assert export.service == "jekyll"
    assert (only(export).path, only(export).url) == (address, f"https://notes.example.com{address}")
    assert only(export).title == "Queue"
    assert only(export).published == dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


def test_what_jekyll_says_of_a_post_is_taken_from_wherever_it_says_it(tmp_path: Path) -> None:
    config = (
        "url: https://notes.example.com\nbaseurl: /blog\ntimezone: Europe/Oslo\nauthor: {name: The desk}\n"
        "defaults:\n- scope: {path: ''}\n  values: {image: /logo.png, lang: nb}\n- scope: {path: power, type: posts}\n  values: {tags: [Power]}\n"
    )
    front = "---\ntitle: 2024\ndate: 2024-3-1 07:30\nexcerpt: What it was.\nredirect_from: [/old/, /older]\nimage: {path: /a.png, alt: A}\n---\n"
    export = read(
        tmp_path,
        {"_config.yml": config, "power/_posts/2024-03-01-queue.md": f"{front}Words\n", "power/index.md": "---\n---\n"},
    )

    post = only(export)
    assert (post.title, post.subtitle, post.lang) == ("2024", "What it was.", "nb")
    assert post.published == dt.datetime(2024, 3, 1, 6, 30, tzinfo=dt.UTC)
    assert post.path == "/blog/power/2024/03/01/queue.html"
    assert post.also == ("/old/", "/older")
    assert post.tags == ("power", "Power")
    assert post.authors == ("The desk",)
    assert (post.cover, post.cover_alt) == ("/a.png", "A")
    assert export.passed_by == {"pages": 1}


def test_what_jekyll_did_not_publish_is_held_back(tmp_path: Path) -> None:
    posts = {"_posts/2024-03-01-a.md": "---\npublished: false\n---\nA\n", "_drafts/b.md": "---\ntitle: B\n---\nB\n"}
    export = read(
        tmp_path, {**JEKYLL, **posts, "_posts/2024-03-02-c.md": "C\n", "vendor/x/_posts/2024-01-01-d.md": "D\n"}
    )

    assert {post.slug: post.held_back for post in export.posts} == {
        "a": "was not to be published",
        "b": "was a draft",
        "c": "",
    }


def test_a_zip_of_the_repository_is_read_as_the_folder_is(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "site-main/_config.yml": JEKYLL["_config.yml"],
        "site-main/_posts/2024-03-01-a.md": "---\n---\nA\n",
        "site-main/power/_posts/2024-03-01-a.md": "---\n---\nB\n",
    }
    with Archive.of([write_zip(tmp_path / "site.zip", files)]) as archive:
        export = read_export(archive, None)

    assert [(post.id, post.path, post.tags) for post in export.posts] == [
        ("2024-03-01-a.md", "/2024/03/01/a.html", ()),
        ("power/2024-03-01-a.md", "/power/2024/03/01/a.html", ("power",)),
    ]


def test_tags_are_filled_in_as_jekyll_fills_them_in(tmp_path: Path) -> None:
    files = {
        "_includes/issues.md": '{% capture /dev/null %}{% assign numbers = include.issues | split: "," %}{% endcapture %}'
        "{% for number in numbers %}\n[issue {{ number }}]: {{ site.url }}/issues/{{ number }}{% endfor %}\n",
        "_includes/pick.md": "{% assign key = 'a' %}{{ include.[key] }}",
        "_data/prices.yml": "ton: 40\n",
        "_topics/queue.md": "---\ntitle: The queue\n---\n",
        "_posts/2024-02-01-first.md": "---\ntitle: First\n---\nOne\n",
        "_posts/2024-03-01-second.md": "---\ntitle: Second\n---\n"
        "[Before]({% post_url 2024-02-01-first %}), [issue 7][], {{ site.data.prices.ton }} a ton, {{ page.title | upcase }}.\n"
        '{% include pick.md a="chosen" %} {% for topic in site.topics %}{{ topic.title }} at {{ topic.url }}{% endfor %}\n'
        "{% comment %}{% nobody knows %}{% endcomment %}{% raw %}{{ kept }}{% endraw %}\n{% highlight c linenos %}\nint x;\n{% endhighlight %}\n"
        '{% include issues.md issues="7,8" %}\n',
    }
    export = read(
        tmp_path, {"_config.yml": JEKYLL["_config.yml"] + "collections:\n  topics: {permalink: '/t/:path/'}\n", **files}
    )

    text = commonmark(export.posts[1].content)
    assert '<a href="/2024/02/01/first.html">Before</a>' in text
    assert '<a href="https://notes.example.com/issues/7">issue 7</a>' in text
    assert "40 a ton, SECOND." in text
    assert "chosen The queue at /t/queue/" in text
    assert "{{ kept }}" in text
    assert "nobody" not in text
    assert '<pre><code class="language-c">int x;' in text
    assert export.notes == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{% include lost.md %}Words", "there is no _includes/lost.md"),
        ("{% widget x %}Words", "widget"),
        ("{% post_url 2001-01-01-lost %} Words", "2001-01-01-lost leads nowhere"),
        ("Words {{ unclosed", "expected"),
        ("Words {% for a in (1..900000000) %}x{% endfor %}", "limit"),
        ("{% include loop.md %}Words", "context depth"),
    ],
)
def test_tags_that_cannot_be_filled_in_are_told_and_lose_nothing(tmp_path: Path, body: str, why: str) -> None:
    export = read(
        tmp_path,
        {**JEKYLL, "_includes/loop.md": "{% include loop.md %}", "_posts/2024-03-01-a.md": f"---\n---\n{body}\n"},
    )

    assert "Words" in only(export).content
    assert "its tags are not all filled in: " in told(export)
    assert why in told(export)


def test_without_the_library_that_reads_tags_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pipeline.moving.services.liquid", None)

    with pytest.raises(UsageError, match=r"pip install 'opensignal\[jekyll\]'"):
        read(tmp_path, {**JEKYLL, "_posts/2024-03-01-a.md": "---\n---\n{{ site.url }}\n"})


def test_marks_of_kramdown_are_left_out_and_its_lists_hold_together(tmp_path: Path) -> None:
    body = "# Head {#top}\n\n* Contents\n{:toc}\n\n{: .note}\nA note[^1].\n\n- One\n\n  still one\n- Two\n{: #list}\n\nTerm\n: What it is\n\n[^1]: Below.\n"
    html = commonmark(only(read(tmp_path, {**JEKYLL, "_posts/2024-03-01-a.md": f"---\n---\n{body}"})).content)

    assert "{:" not in html
    assert "Contents" not in html
    assert html.count("<ul>") == 1
    assert "<dt>Term</dt>" in html
    assert "Below." in html


# --- Hugo -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "name", "front", "address"),
    [
        ("", "posts/queue.md", "", "/posts/queue/"),
        ("", "posts/2024/Queue Up.md", "", "/posts/2024/queue-up/"),
        ("", "posts/queue/index.md", "", "/posts/queue/"),
        ("", "posts/queue.md", "slug = 'line'\n", "/posts/line/"),
        ("", "posts/queue.md", "url = 'else/where/'\n", "/else/where/"),
        (
            "[permalinks]\nposts = '/:year/:month/:slug/'\n",
            "posts/queue.md",
            "title = 'The Line'\n",
            "/2024/03/the-line/",
        ),
        (
            "[permalinks.page]\nposts = '/:sections/:slugorcontentbasename/'\n",
            "posts/a/queue.md",
            "",
            "/posts/a/queue/",
        ),
    ],
)
def test_a_post_of_hugo_stood_where_its_settings_say(
    tmp_path: Path, settings: str, name: str, front: str, address: str
) -> None:
    text = f"+++\ndate = 2024-03-01T06:00:00+01:00\n{front}+++\nWords\n"
    export = read(tmp_path, {"hugo.toml": HUGO["hugo.toml"] + settings, f"content/{name}": text})

    assert export.service == "hugo"
    assert only(export).url == f"https://notes.example.com{address}"
    assert only(export).published == dt.datetime(2024, 3, 1, 5, tzinfo=dt.UTC)


def test_what_hugo_does_not_show_is_held_back_and_what_has_no_date_is_a_page(tmp_path: Path) -> None:
    files = {
        "content/posts/_index.md": "---\ntitle: All\ndate: 2024-01-01\n---\n",
        "content/posts/a.md": '{"title": "A", "date": "2024-01-01", "draft": true}\nA\n',
        "content/posts/b.md": "---\ntitle: B\ndate: 2024-01-01\nexpiryDate: 2024-02-01\n---\nB\n",
        "content/posts/c.md": "---\ntitle: C\ndate: 2024-01-01\naliases: [/old/c/]\nauthors: [Ann, {name: Bo}]\n---\nC\n",
        "content/about.md": "---\ntitle: About\n---\nUs\n",
    }
    export = read(tmp_path, {**HUGO, **files})

    assert {post.title: post.held_back for post in export.posts} == {"A": "was a draft", "B": "had expired", "C": ""}
    assert export.passed_by == {"pages": 2}
    assert (export.posts[2].also, export.posts[2].authors) == (("/old/c/",), ("Ann", "Bo"))


def test_shortcodes_become_what_they_make_and_others_are_told(tmp_path: Path) -> None:
    body = (
        '[a]({{< relref "posts/b.md#part" >}}) {{< figure src="x.png" alt="X & y" caption="It says" >}}\n\n{{< youtube id="q8h4r2tz9Lk" >}}\n\n'
        "{{< highlight go >}}\nx := 1\n{{< /highlight >}}\n\n{{% notice tip %}}Words{{% /notice %}} {{</* shown */>}} {{< x user=ann id=7 >}}\n"
    )
    files = {
        "content/posts/a.md": f"---\ndate: 2024-01-01\n---\n{body}",
        "content/posts/b.md": "---\ndate: 2024-01-02\n---\nB\n",
    }
    export = read(tmp_path, {**HUGO, **files})

    html = commonmark(export.posts[0].content)
    assert '<a href="/posts/b/#part">a</a>' in html
    assert '<img src="x.png" alt="X &amp; y"><figcaption>It says</figcaption>' in html
    assert '<iframe src="https://www.youtube.com/embed/q8h4r2tz9Lk">' in html
    assert '<pre><code class="language-go">x := 1' in html
    assert "Words {{&lt; shown &gt;}}" in html
    assert "https://x.com/ann/status/7" in html
    assert "the shortcodes notice mean nothing here" in told(export)


# --- Pelican --------------------------------------------------------------------------------------------------------------------


def test_the_settings_of_pelican_are_read_and_never_run(tmp_path: Path) -> None:
    program = (
        f"import os\nos.mkdir({str(tmp_path / 'run')!r})\nHERE = 'x'\nSITEURL = 'https://notes.example.com' if not HERE else 'http://localhost'\n"
        "ARTICLE_URL = 'blog/{date:%Y}/{category}/{slug}.html'\nTIMEZONE = 'America/New_York'\nAUTHOR = HERE + 'y'\nDEFAULT_LANG = u'de'\n"
    )
    text = "Title: Vec<T>,\n    twice\nDate: 2024-03-01 01:09\nTags: a, b c\nAuthors: Ann; Bo\n\nWords {filename}/x.md and {static}../i.png\n"
    export = read(tmp_path, {"pelicanconf.py": program, "content/Power/2024-a.md": text})

    post = only(export)
    assert not (tmp_path / "run").exists()
    assert (post.path, post.lang) == ("/blog/2024/power/vect-twice.html", "de")
    assert plain_text(post.title) == "Vec<T>, twice"
    assert post.published == dt.datetime(2024, 3, 1, 6, 9, tzinfo=dt.UTC)
    assert (post.tags, post.authors) == (("Power", "a", "b c"), ("Ann", "Bo"))
    assert post.content == "Words /x.md and /i.png\n"


def test_what_of_pelican_is_no_article_is_told(tmp_path: Path) -> None:
    files = {
        "content/a.md": "Title: A\nDate: 2024-01-01\nStatus: draft\n\nA\n",
        "content/b.rst": "B\n=\n",
        "content/pages/c.md": "Title: C\n\nC\n",
        "content/d.md": "just words\n",
        "content/2024-02-01-e.html": "<html><head><title>E &amp; f</title><meta name='tags' content='x'></head><body><p>E</p></body></html>",
    }
    export = read(tmp_path, {**PELICAN, **files})

    assert {post.title: post.held_back for post in export.posts} == {"A": "was a draft", "E &amp; f": ""}
    assert export.passed_by == {"pages": 1, "texts without a title": 1}
    assert "content/b.rst: is reStructuredText" in told(export)
    assert [note.lost for note in export.notes] == [True]


# --- all three ------------------------------------------------------------------------------------------------------------------

POSTS = [(JEKYLL, "_posts/2024-03-01-a.md"), (HUGO, "content/posts/a.md"), (PELICAN, "content/a.md")]


@pytest.mark.parametrize(("site", "name"), POSTS, ids=["jekyll", "hugo", "pelican"])
@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: [\n---\n",
        "---\n- a\n---\n",
        "+++\ntitle = \n+++\n",
        "---\ntitle: " + "x" * 300_000 + "\n---\n",
        "---\na: " + "[" * 9000 + "\n---\n",
        "---\nauthors: &a [Ann, *a]\n---\n",
    ],
    ids=["unclosed", "list", "toml", "long", "deep", "loop"],
)
def test_front_matter_that_cannot_be_read_is_told_with_its_file(
    tmp_path: Path, site: dict[str, str], name: str, front: str
) -> None:
    export = read(
        tmp_path,
        {**site, name: f"{front}Words\n", name.replace("a.md", "b.md"): "---\ntitle: B\ndate: 2024-01-01\n---\nB\n"},
    )

    assert only(export).title == "B"
    assert f"{name}: its front matter cannot be read" in told(export)
    assert export.notes[0].lost


def test_people_are_taken_from_a_list_that_was_named_and_from_nothing_in_the_repository(tmp_path: Path) -> None:
    named = tmp_path / "readers.csv"
    named.write_text("email,status\nann@example.org,active\nbo@example.org,unsubscribed\n")
    files = {**JEKYLL, "_posts/2024-03-01-a.md": "A\n", "members.csv": "email\nnobody@example.org\n"}
    export = read(tmp_path, files, named)

    assert [(reader.email, reader.standing.value) for reader in export.readers] == [
        ("ann@example.org", "active"),
        ("bo@example.org", "left"),
    ]


@pytest.mark.parametrize(
    "text", ["*" * 20_000 + "words", "[" * 20_000 + "words", "> " * 60 + "words", "`" * 9_999 + "words"]
)
def test_what_opens_without_end_is_read_in_time(text: str) -> None:
    assert "words" in commonmark(text)


@pytest.mark.parametrize("text", ["> " * 5_000 + "words", "- " * 3_000 + "words"])
def test_what_nests_too_deeply_is_refused_and_not_lost(text: str) -> None:
    with pytest.raises(ContentError, match="nested too deeply"):
        commonmark(text)


def test_a_part_of_the_posts_comes_over_where_only_that_is_wanted(settings: Settings, tmp_path: Path) -> None:
    posts = {
        f"_posts/{lang}/2024-03-0{day}-a{day}.md": "---\n---\n{% include lost.md %}A\n"
        for lang, day in [("en", 1), ("en", 2), ("fr", 3)]
    }
    for name, content in {**JEKYLL, **posts}.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    now = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)

    report = move_in(settings, [tmp_path / "site"], Options(only="_posts/en/*"), now=now)

    assert report.outcomes == {"new": 2}
    assert report.passed_by == {"posts that --only leaves out": 1}
    assert {note.file.split("/")[1] for note in report.notes} == {"en"}
    with pytest.raises(UsageError, match="names none of the 3 posts; one is called _posts/en/2024"):
        move_in(settings, [tmp_path / "site"], Options(only="posts/*"), now=now)
