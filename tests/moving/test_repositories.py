"""What lies in the repository of a site generator: where its texts stood, what their tags say, and what is no text of its."""

# ruff: noqa: E501 -- what a file holds stands on one line
from __future__ import annotations

import datetime as dt
import os
import sys
import time
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
from tests.moving.newsletter import png, write_zip

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
        (
            "Words {% include lost.md %}{% include loop.md %}{% for a in (1..900000000) %}x{% endfor %}",
            "no _includes/lost.md",
        ),
        ("Words {{ (1..900000000) | join: '' }}", "more than the filter join may take"),
        ("Words {{ 'x' " + "| replace: 'x', 'xxxxxxxxxx' " * 12 + "}}", "the filter replace makes more"),
        ("Words {% assign a = 99999 %}" + "{% assign a = a | times: a %}" * 40, "the filter times makes more"),
        ("Words {{ 99999999999999 | date: '%Y' }}", "a filter was given what it cannot take"),
        ("Words {{ '1e999999999' | round }}", "more than the filter round may take"),
        ("Words {{ page.title | no_such }}", "nobody here knows the filters no_such"),
        ("Words {% include x.md a=² b=" + "9" * 5000 + " %}", "there is no _includes/x.md"),
        ("Words {% include {{ page }} %}", "there is no _includes/"),
    ],
)
def test_tags_that_cannot_be_filled_in_are_told_and_lose_nothing(tmp_path: Path, body: str, why: str) -> None:
    export = read(
        tmp_path,
        {**JEKYLL, "_includes/loop.md": "{% include loop.md %}", "_posts/2024-03-01-a.md": f"---\n---\n{body}\n"},
    )

    assert "Words" in only(export).content
    assert len(told(export)) < 2_000
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

    assert "{" not in html
    assert "Contents" not in html
    assert html.count("<ul>") == 1
    assert "<dt>Term</dt>" in html
    assert "Below." in html


def test_what_looks_like_a_mark_of_kramdown_in_code_stays(tmp_path: Path) -> None:
    code = 'println!("{:?}", x);\n{:ok, pid}\n{: .note}\n## Head {#top}\n'
    body = f'`{{:.2f}}` and *this*{{:.wide}}, `a`{{:.ruby}}\n\n```rust\n{code}```\n\n- in a list:\n\n  ~~~\n  {{:.x}}\n  ~~~\n\nthe "{{:>10}}" `b\n'
    html = commonmark(only(read(tmp_path, {**JEKYLL, "_posts/2024-03-01-a.md": f"---\n---\n{body}"})).content)

    assert plain_text(code) in plain_text(html)
    assert "<code>{:.2f}</code> and <em>this</em>, <code>a</code></p>" in html
    assert "<code>{:.x}\n</code>" in html
    assert "the &quot;{:&gt;10}&quot; `b" in html


def test_data_of_a_site_may_be_a_list_and_its_posts_stand_newest_first(tmp_path: Path) -> None:
    text = "---\n---\n{% for one in site.data.team %}{{ one.name }} {% endfor %}{{ site.posts[0].title }}\n"
    files = {
        "_data/team.yml": "- {name: Ann}\n- {name: Bo}\n",
        "_posts/2024-03-01-a.md": text,
        "_posts/2024-03-02-b.md": "---\ntitle: Newest\n---\nB\n",
    }
    export = read(tmp_path, {**JEKYLL, **files})

    assert export.posts[0].content.strip() == "Ann Bo Newest"


def test_what_of_jekyll_is_no_post_is_told(tmp_path: Path) -> None:
    files = {
        "_posts/2024-03-01-a.textile": "A",
        "_posts/notes.md": "B",
        "_recipes/c.md": "C",
        "_posts/2024-03-02-D.MD": "D",
        "2024-03-02-e.md": "E",
    }
    export = read(tmp_path, {"_config.yml": JEKYLL["_config.yml"] + "collections: [recipes]\n", **files})

    assert only(export).path == "/2024/03/02/D.html"
    assert export.passed_by == {"pages": 1, "posts without a day in their name": 1, "documents of collections": 1}
    assert "_posts/2024-03-01-a.textile: is Textile" in told(export)


@pytest.mark.parametrize(
    ("name", "front", "address"),
    [
        ("my_post.v2", "", "/2024/03/01/my_post.v2.html"),
        ("my post", "", "/2024/03/01/my-post.html"),
        ("a", "category: Deep Learning", "/deep learning/2024/03/01/a.html"),
    ],
)
def test_a_name_stands_in_the_address_as_jekyll_writes_it(tmp_path: Path, name: str, front: str, address: str) -> None:
    assert only(read(tmp_path, {**JEKYLL, f"_posts/2024-03-01-{name}.md": f"---\n{front}\n---\nA\n"})).path == address


# --- Hugo -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "name", "front", "address"),
    [
        ("", "posts/queue.md", "", "/posts/queue/"),
        ("", "posts/2024/Queue Up.md", "", "/posts/2024/queue-up/"),
        ("", "posts/queue/index.md", "", "/posts/queue/"),
        ("", "posts/On_node.js é.md", "", "/posts/on_node.js-é/"),
        ("[languages.en]\n[languages.fr]\n", "posts/a/queue.fr.md", "", "/fr/posts/a/queue/"),
        ("[languages.en]\n[languages.fr]\n", "posts/queue/index.fr.md", "", "/fr/posts/queue/"),
        ("[languages.en]\n[languages.fr]\n", "posts/queue.en.md", "", "/posts/queue/"),
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
            "/posts/queue/",  # a folder without an _index.md is no section
        ),
        ("uglyURLs = true\n", "posts/queue/index.md", "", "/posts/queue.html"),
        ("uglyurls = true\n", "posts/queue.md", "url = '/x/y'\n", "/x/y.html"),
        ("[uglyURLs]\nposts = true\n", "notes/queue.md", "", "/notes/queue/"),
        ("uglyURLs = true\n[permalinks]\nposts = '/:year/:slug/'\n", "posts/queue.md", "slug = 'x'\n", "/2024/x.html"),
        ("[permalinks]\nposts = '/:year/:slug'\n", "posts/queue.md", "title = 'C & Café: #1'\n", "/2024/c-café-#1/"),
        (
            "[permalinks]\nposts = '/:sections[1:]/:06/:1/:contentbasename/'\n",
            "posts/queue.md",
            "slug = 'x'\n",
            "/24/3/queue/",
        ),
        ("[permalinks]\nposts = '/:2006/:Jan/:slug/'\n", "posts/queue.md", "slug = 'x'\n", "/2024/mar/x/"),
        ("", "posts/queue.md", "url = '/X/:year/:slug/'\ntitle = 'Line'\n", "/X/2024/line/"),
        ("defaultContentLanguageInSubdir = true\n[languages.en]\n", "posts/queue.md", "", "/en/posts/queue/"),
        ("[languages.fr.permalinks]\nposts = '/p/:slug/'\n", "posts/queue.fr.md", "slug = 'x'\n", "/fr/p/x/"),
        ("disablePathToLower = true\n", "Posts/Queue.md", "", "/Posts/Queue/"),
        ("removePathAccents = true\n", "posts/crème.md", "", "/posts/creme/"),
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


def test_the_name_of_a_text_of_hugo_dates_it_where_its_settings_say(tmp_path: Path) -> None:
    settings = HUGO["hugo.toml"] + "[frontmatter]\ndate = [':filename', ':default']\n"
    text = "+++\ndate = 2024-03-01T06:00:00+01:00\n+++\nWords\n"
    post = only(read(tmp_path, {"hugo.toml": settings, "content/posts/2024-03-02-queue.md": text}))

    assert post.path == "/posts/queue/"
    assert post.published == dt.datetime(2024, 3, 2, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("settings", "files", "addresses"),
    [
        ({"hugo.toml": "contentDir = 'src/texts'\n"}, ["src/texts/posts/a.md"], ["/posts/a/"]),
        (
            {"hugo.toml": "[languages.en]\ncontentDir = 'content/en'\n[languages.fr]\ncontentDir = 'content/fr'\n"},
            ["content/en/posts/a.md", "content/fr/posts/a.md"],
            ["/posts/a/", "/fr/posts/a/"],
        ),
        (
            {
                "hugo.toml": "[[module.mounts]]\nsource = 'content'\ntarget = 'content'\n[[module.mounts]]\nsource = 'blog'\ntarget = 'content/posts'\n"
            },
            ["content/a.md", "blog/b.md"],
            ["/a/", "/posts/b/"],
        ),
        (
            {
                "config/_default/hugo.toml": "timeZone = 'Asia/Tokyo'\n",
                "config/_default/languages.toml": "[en]\n[fr]\n",
                "config/_default/permalinks.fr.toml": "posts = '/never/:slug/'\n",
                "config/production/permalinks.yaml": "posts: /:year/:day/:filename/\n",
            },
            ["content/posts/a.md"],
            ["/2024/02/a/"],
        ),
    ],
)
def test_texts_of_hugo_lie_where_its_settings_say(
    tmp_path: Path, settings: Mapping[str, str], files: list[str], addresses: list[str]
) -> None:
    first, *rest = settings
    site = {
        first: 'baseURL = "https://notes.example.com/"\n' + settings[first],
        **{name: settings[name] for name in rest},
    }

    export = read(tmp_path, {**site, **dict.fromkeys(files, "---\ntitle: A\ndate: 2024-03-02\n---\nA\n")})

    assert export.service == "hugo"
    assert sorted(post.url or "" for post in export.posts) == sorted(
        f"https://notes.example.com{one}" for one in addresses
    )
    assert len({post.id for post in export.posts}) == len(files)


def test_languages_of_hugo_have_their_own_addresses_and_links(tmp_path: Path) -> None:
    settings = "[languages.en]\n[languages.pt-br]\nlanguageCode = 'pt-BR'\nbaseURL = 'https://pt.example.com/'\n"
    front = '---\ndate: 2024-01-01\naliases: [old, ../up, /abs/x.html]\n---\n[b]({{< relref "b" >}})\n'
    files = {f"content/posts/{name}": front for name in ("a.md", "b.md", "a.pt-br.md", "b.pt-br.md")}
    export = read(tmp_path, {"hugo.toml": HUGO["hugo.toml"] + settings, **files})

    found = {post.id: post for post in export.posts}
    assert found["posts/b.pt-br.md"].url == "https://pt.example.com/posts/b/"
    assert (found["posts/b.pt-br.md"].lang, found["posts/a.md"].lang) == ("pt-BR", "")
    assert found["posts/a.md"].also == ("/posts/old/", "/up/", "/abs/x.html")
    assert "[b](/posts/b/)" in found["posts/a.md"].content


def test_what_stands_beside_an_index_of_hugo_is_part_of_its_page(tmp_path: Path) -> None:
    text = "---\ndate: 2024-01-01\n---\nA\n"
    files = dict.fromkeys(("posts/a/index.md", "posts/a/part.md", "posts/a/deep/part.md", "posts/b.md"), text)
    hidden = {"content/posts/c/index.md": text.replace("date", "headless: true\ndate")}
    export = read(tmp_path, {**HUGO, **{f"content/{name}": one for name, one in files.items()}, **hidden})

    assert [post.path for post in export.posts] == ["/posts/a/", "/posts/b/"]
    assert export.passed_by == {"parts of page bundles": 2, "pages": 1}


def test_a_post_of_hugo_without_a_date_is_one_where_others_have_a_date(settings: Settings, tmp_path: Path) -> None:
    files = {
        "content/posts/a.md": "---\ntitle: A\ndate: 2024-01-01\n---\nA\n",
        "content/posts/b.md": "---\ntitle: Undated\n---\nB\n",
        "content/posts/c.md": "---\ntitle: Changed\nlastmod: 2023-01-01\n---\nC\n",
        "content/about.md": "---\ntitle: About\nlastmod: 2023-01-01\n---\nUs\n",
        "content/docs/x.md": "---\ntitle: X\n---\nX\n",
    }
    export = read(tmp_path, {**HUGO, **files})

    assert {post.title: post.published and post.published.year for post in export.posts} == {
        "A": 2024,
        "Undated": None,
        "Changed": 2023,
    }
    assert export.passed_by == {"pages": 2}
    report = move_in(settings, [tmp_path / "repository"], Options(), now=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    assert "“Undated”: has no date, so it is a draft" in "\n".join(map(str, report.notes))


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


def test_keys_of_hugo_mean_the_same_in_capitals(tmp_path: Path) -> None:
    files = {
        "content/posts/a.md": "---\nTitle: A\nDate: 2024-01-01\nDraft: true\n---\nA\n",
        "content/posts/b.md": "---\ntitle: B\ndate: 2024-01-01\npublishDate: 2190-01-01\n---\nB\n",
        "content/posts/c.org": "#+TITLE: C\n",
    }
    export = read(tmp_path, {**HUGO, **files})

    assert {post.title: post.held_back for post in export.posts} == {
        "A": "was a draft",
        "B": "was to be published later",
    }
    assert "content/posts/c.org: is Org, which is not read" in told(export)


def test_shortcodes_become_what_they_make_and_others_are_told(tmp_path: Path) -> None:
    body = (
        '[a]({{< relref "posts/b.md#part" >}}) {{< figure src="x.png" alt="X & y" caption="It says" >}}\n\n{{< youtube id="q8h4r2tz9Lk" >}}\n\n'
        "{{< highlight go >}}\nx := 1\n{{< /highlight >}}\n\n{{% notice tip %}}Words{{% /notice %}} {{</* shown */>}} {{< x user=ann id=7 >}}{{< img width=50% >}}\n\n## Head {#top .wide}\n"
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
    assert "<h2>Head</h2>" in html
    assert "https://x.com/ann/status/7" in html
    assert "the shortcodes notice, img mean nothing here" in told(export)


def test_one_shortcode_that_means_nothing_is_told_as_one(tmp_path: Path) -> None:
    export = read(
        tmp_path, {**HUGO, "content/posts/a.md": "---\ndate: 2024-01-01\n---\n{{< mybox >}}Words{{< /mybox >}}\n"}
    )

    assert "the shortcode mybox means nothing here; what stood inside it is kept" in told(export)


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


@pytest.mark.parametrize(
    ("settings", "name", "front", "address", "tags"),
    [
        (
            r"FILENAME_METADATA = r'(?P<date>\d{4}-\d{2}-\d{2})_(?P<slug>.*)'",
            "2024-01-02_hey.md",
            "Title: T\n",
            "/hey.html",
            (),
        ),
        (
            r"FILENAME_METADATA = r'(?P<date>\d{4}-\d{2}-\d{2})-(?P<category>[a-z]+)-(?P<title>.*)'",
            "2024-01-02-power-hello you.md",
            "Tags: x\n",
            "/hello-you.html",
            ("power", "x"),
        ),
        (
            r"PATH_METADATA = r'(?P<category>[^/]+)/(?P<date>\d{4}-\d{2}-\d{2})/(?P<slug>[^/]+)/.*'",
            "power/2024-01-02/hey/index.md",
            "Title: T\n",
            "/hey.html",
            ("power",),
        ),
        ("SLUGIFY_SOURCE = 'basename'", "2024-01-02-hey.md", "Title: T\n", "/2024-01-02-hey.html", ()),
        ("USE_FOLDER_AS_CATEGORY = False", "power/2024-01-02.md", "Title: T\n", "/t.html", ()),
        ("DEFAULT_METADATA = {'tags': 'x, y'}", "2024-01-02.md", "Title: T\n", "/t.html", ("x", "y")),
    ],
)
def test_what_a_text_of_pelican_does_not_say_its_path_says(
    tmp_path: Path, settings: str, name: str, front: str, address: str, tags: tuple[str, ...]
) -> None:
    program = PELICAN["pelicanconf.py"] + settings
    export = read(tmp_path, {"pelicanconf.py": program, f"content/{name}": f"{front}\nWords\n"})

    post = only(export)
    assert (post.path, post.tags) == (address, tags)
    assert post.published == dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
    assert export.notes == []


def test_folders_of_pelican_that_hold_no_articles_stay_where_they_are(tmp_path: Path) -> None:
    program = (
        PELICAN["pelicanconf.py"]
        + "ARTICLE_PATHS = ['blog']\nARTICLE_EXCLUDES = ['blog/old']\nPAGE_PATHS = ['about']\n"
    )
    files = {
        f"content/{name}/a.md": "Title: A\nDate: 2024-01-01\n\nA\n" for name in ("blog", "blog/old", "about", "notes")
    }
    export = read(tmp_path, {"pelicanconf.py": program, **files})

    assert only(export).file == "content/blog/a.md"
    assert export.passed_by == {"pages": 1, "texts in folders of no articles": 2}


@pytest.mark.parametrize(
    "pattern",
    [
        "(?P<slug>(a+)+)b",
        "(?P<slug>.*.*.*.*)!",
        "(?P<slug>a|a){1,90}b",
        "(?P<slug>",
        "(a)" * 900,
        ".?" * 60 + "!",
        r"\(?a?" * 30 + "!",
        "(?:a|.)" * 40 + "!",
        "(?x)(?P<slug>a+) +!",
    ],
)
def test_a_pattern_of_pelican_that_would_take_for_ever_is_told_and_not_tried(tmp_path: Path, pattern: str) -> None:
    program = PELICAN["pelicanconf.py"] + f"FILENAME_METADATA = {pattern!r}\nSLUG_REGEX_SUBSTITUTIONS = [('a', 'b')]\n"
    export = read(tmp_path, {"pelicanconf.py": program, f"content/{'a' * 150}.md": "Title: T\nDate: 2024-01-01\n\nA\n"})

    assert only(export).path == "/t.html"
    assert "its FILENAME_METADATA is not followed" in told(export)
    assert "its SLUG_REGEX_SUBSTITUTIONS are not followed" in told(export)


def test_half_a_letter_in_a_setting_of_pelican_stops_no_import(tmp_path: Path) -> None:
    halves = "ARTICLE_URL = '{date:\\ud800}'\nDEFAULT_METADATA = {'summary': '\\ud800'}\n"
    export = read(
        tmp_path,
        {"pelicanconf.py": PELICAN["pelicanconf.py"] + halves, "content/a.md": "Title: T\nDate: 2024-01-01\n\nA\n"},
    )

    assert only(export).path == "/t.html"


def test_a_head_of_ten_megabytes_is_told_at_once(tmp_path: Path) -> None:
    files = {
        "content/a.md": "Title: A\n" + "Tags: x\n" * 1_200_000,
        "content/b.md": "Title: B\n" + "    more\n" * 1_200_000,
    }
    began = time.process_time()
    export = read(tmp_path, {**PELICAN, **files})

    assert export.posts == []
    assert told(export).count("its front matter cannot be read: longer than 200,000 characters; mend it") == 2
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("hugo.toml", ".".join("a" * 60_000) + " = 1\n", "it has a key of more than 100 parts"),
        ("hugo.toml", "[" + ".".join(["x", ' "y" '] * 80) + "]\n", "it has a key of more than 100 parts"),
        ("hugo.yaml", f"x: {'[' * 99_000}{']' * 99_000}\n", "it nests too deeply"),
        ("hugo.yaml", f"x:\n  {'- ' * 99_000}1\n", "it nests too deeply"),
        ("hugo.json", '{"x": ' + '{"a": ' * 600 + "1" + "}" * 601, "it nests too deeply"),
    ],
)
def test_settings_that_nest_without_end_end_nothing(tmp_path: Path, name: str, text: str, why: str) -> None:
    export = read(tmp_path, {name: text, "content/post/a.md": "---\ntitle: A\ndate: 2024-01-01\n---\nWords\n"})

    assert only(export).title == "A"
    assert f"{name}: cannot be read: {why}; give --site" in told(export)


def test_front_matter_that_nests_without_end_ends_nothing(tmp_path: Path) -> None:
    files = {
        "content/post/a.md": f"---\nx: {'[' * 99_000}{']' * 99_000}\n---\nA\n",
        "content/post/b.md": f"+++\n{'.'.join('a' * 90_000)} = 1\n+++\nB\n",
        "content/post/c.md": "---\ntitle: C\ndate: 2024-01-01\n---\nC\n",
    }
    export = read(tmp_path, {**HUGO, **files})

    assert only(export).title == "C"
    assert "content/post/a.md: its front matter cannot be read: it nests too deeply; mend it" in told(export)
    assert "content/post/b.md: its front matter cannot be read: it has a key of more than 100 parts" in told(export)


def test_folders_of_texts_that_hugo_names_without_end_are_told_and_each_is_read_once(tmp_path: Path) -> None:
    mount = '[[module.mounts]]\nsource = "content"\ntarget = "content{}"\n'
    post = {"content/post/a.md": "---\ntitle: A\ndate: 2024-01-01\n---\nA\n"}
    once = read(tmp_path / "once", {"hugo.toml": mount.format("") * 900, **post})
    many = read(tmp_path / "many", {"hugo.toml": "".join(mount.format(f"/{at}") for at in range(900)), **post})

    assert only(once).path == "/post/a/"
    assert len(many.posts) == 100
    assert "its settings name 900 folders of texts, of which the first 100 are read" in told(many)


def test_an_address_that_nobody_can_read_and_a_tag_without_letters_stop_no_import(
    settings: Settings, tmp_path: Path
) -> None:
    repository = tmp_path / "site"
    (repository / "content/post").mkdir(parents=True)
    (repository / "hugo.toml").write_text(
        f'baseURL = "https://[x/"\n[permalinks]\npost = "{"/:slug" * 20_000}"\n', "utf-8"
    )
    (repository / "content/post/queue.md").write_text(
        '---\ntitle: A\ndate: 2024-01-01\ntags: ["\\0", power]\n---\n[Words](https://[x/post/queue/)\n', "utf-8"
    )
    report = move_in(settings, [repository], Options(), now=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))

    assert report.outcomes == {"new": 1}
    (article,) = (settings.content / "articles").rglob("*.md")
    assert 'tags: [""]' not in article.read_text("utf-8")
    assert all(len(str(one)) < 5_000 for one in report.notes)


def test_a_name_of_thousands_of_folders_is_told(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "hugo.toml": HUGO["hugo.toml"],
        f"content/{'a/' * 30_000}a.md": "---\ntitle: A\ndate: 2024-01-01\n---\nA\n",
        f"content/{'b/' * 90}b.md": "---\ntitle: B\ndate: 2024-01-01\n---\nB\n",
    }
    with Archive.of([write_zip(tmp_path / "site.zip", files)]) as archive:
        export = read_export(archive, None)

    assert only(export).title == "B"
    assert "lies in more than 100 folders, one in the other; move it up" in told(export)


@pytest.mark.parametrize(
    ("name", "front", "address"),
    [
        ("blog/2024 notes/a.md", "", "/2024-notes/a.html"),
        ("a.md", "", "/misc/a.html"),
        ("a.md", "Lang: fr\n", "/a-fr.html"),
    ],
)
def test_a_text_of_pelican_stood_where_its_folder_and_language_say(
    tmp_path: Path, name: str, front: str, address: str
) -> None:
    program = PELICAN["pelicanconf.py"] + "ARTICLE_URL = '{category}/{slug}.html'\n"
    text = f"Title: A\nDate: 2024-01-01\n{front}Status: skip\n\nA\n"
    export = read(tmp_path, {"pelicanconf.py": program, f"content/{name}": text})

    assert (only(export).path, only(export).held_back) == (address, "was not published")


@pytest.mark.parametrize(
    "program",
    ["x = (", "x = " + "-" * 50_000 + "1", "x = " + "(" * 5_000, "x = 1" + "+1" * 200_000, "x = 1\n" * 200_000],
    ids=["open", "signs", "brackets", "sums", "long"],
)
def test_settings_of_pelican_that_cannot_be_read_are_told(tmp_path: Path, program: str) -> None:
    export = read(tmp_path, {"pelicanconf.py": program, "content/a.md": "Title: A\nDate: 2024-01-01\n\nA\n"})

    assert only(export).title == "A"
    assert "pelicanconf.py: cannot be read" in told(export)


@pytest.mark.filterwarnings("error")
def test_what_is_doubtful_in_a_program_of_others_is_not_told(tmp_path: Path) -> None:
    program = PELICAN["pelicanconf.py"] + "X = '\\d'\nY = 1 is 1\n"

    assert read(tmp_path, {"pelicanconf.py": program, "content/a.md": "Title: A\n\nA\n"}).notes == []


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
        "---\na: &a [l, l]\n"
        + "".join(f"a{n}: &a{n} [*a{n - 1 or ''}, *a{n - 1 or ''}]\n" for n in range(1, 40))
        + "---\n",
        '{"title": "\\ud800", "date": "2024-01-01"}\n',
        "---\ntitle: A\ndraft: true\n",
    ],
    ids=["unclosed", "list", "toml", "long", "deep", "loop", "bomb", "half", "endless"],
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


@pytest.mark.parametrize(
    "date",
    ["9999-99-99", "0001-01-01 00:00 +1400", "Mon, 99 Jan 99999999999999 00:00:00 +9999", "x" + " " * 150_000 + "y"],
)
@pytest.mark.parametrize(("site", "name"), POSTS, ids=["jekyll", "hugo", "pelican"])
def test_a_date_that_is_none_makes_a_draft(
    settings: Settings, tmp_path: Path, site: dict[str, str], name: str, date: str
) -> None:
    read(tmp_path, {**site, name: f'---\ntitle: A\ndate: "{date}"\n---\nWords\n'})

    report = move_in(settings, [tmp_path / "repository"], Options(), now=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))

    assert (report.outcomes, report.drafts) == ({"new": 1}, 1)


def test_a_number_of_more_digits_than_python_writes_is_no_title(tmp_path: Path) -> None:
    export = read(tmp_path, {**HUGO, "content/a.md": f"+++\ntitle = 0x{'f' * 6000}\ndate = 2024-01-01\n+++\nA\n"})

    assert only(export).title == "A"


def test_a_file_whose_name_is_no_text_comes_over_once(settings: Settings, tmp_path: Path) -> None:
    read(tmp_path, {**JEKYLL, "_posts/2024-03-01-a.md": "A\n"})
    for name in (b"2024-03-02-b\xff.md", b"2024-03-03-c\n\x7f.md"):
        path = tmp_path / "repository" / "_posts" / os.fsdecode(name)
        path.write_text("---\npermalink: '/there:'\n---\nWords\n")
    now = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)

    outcomes = [move_in(settings, [tmp_path / "repository"], Options(), now=now).outcomes for _ in range(2)]

    assert outcomes == [{"new": 3}, {"unchanged": 3}]


def test_what_is_a_link_to_a_folder_is_told_and_what_vanishes_too(tmp_path: Path) -> None:
    read(tmp_path, {**JEKYLL, "_posts/2024-03-01-a.md": "A\n", "_posts/2024-03-02-b.md": "B\n"})
    root = tmp_path / "repository"
    (root / "_drafts").symlink_to(root / "_posts")

    with Archive.of([root]) as archive:
        (root / "_posts/2024-03-02-b.md").unlink()
        export = read_export(archive, None)

    assert only(export).slug == "a"
    assert "_drafts: is a link to a folder" in told(export)
    assert "_posts/2024-03-02-b.md: cannot be read" in told(export)


def test_an_image_beside_a_text_is_its_own_and_one_of_somebody_else_is_not_taken_for_ours(
    settings: Settings, tmp_path: Path
) -> None:
    body = "![a](c.png)\n\n![b](https://elsewhere.example.net/logo.png)\n"
    read(
        tmp_path,
        {
            "hugo.toml": HUGO["hugo.toml"] + "[permalinks]\nposts = '/:slug/'\n",
            **{
                f"content/posts/{n}/index.md": f"---\ndate: 2024-01-01\nslug: {n}-line\n---\n{body}"
                for n in ("one", "two")
            },
        },
    )
    root = tmp_path / "repository"
    for number, name in enumerate(("content/posts/one/c.png", "content/posts/two/c.png", "static/logo.png")):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(png(number))

    report = move_in(settings, [root], Options(), now=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))

    folder = settings.root / "content/pages/images/archive"
    kept = {path.parent.name: path.read_bytes() for path in folder.glob("*/*.png")}
    assert kept == {"one-line": png(0), "two-line": png(1)}
    assert report.images_away == {"elsewhere.example.net": 2}


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


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "{:",
            "{::comment}",
            "*{:a a ",
            "- a\n{:a toc ",
            "{%",
            "{{",
            "{% highlight c %}",
            "{% capture a",
            "{{< a ",
            '{{< a="',
        ),
        *("{{</* ", "{{< highlight c >}}", "` ``\n\n", "``` ` ", " ", " {#a", "\n\t", "<title>", "<body>", "- "),
    ],
)
@pytest.mark.parametrize("begins", ["", "{% capture ", "{% highlight ", "{{< a"])
def test_what_opens_much_and_closes_nothing_is_read_in_time(tmp_path: Path, begins: str, piece: str) -> None:
    text = f"Words {begins}{piece * (60_000 // len(piece))}"
    began = time.monotonic()

    for at, (site, name) in enumerate(POSTS):
        head = "Title: A\n\n" if site is PELICAN else "---\ntitle: A\ndate: 2024-01-01\n---\n"
        assert only(read(tmp_path / str(at), {**site, name: head + text})).content.startswith("Words ")
    read(tmp_path / "html", {**PELICAN, "content/a.html": text})

    assert time.monotonic() - began < 5


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
