"""Articles become HTML that is safe to publish, with numbered citations, whole addresses and ids that are ours."""

from __future__ import annotations

import re
import threading
import time
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown import Markdown

from pipeline.errors import ContentError
from pipeline.library import Library, TocEntry, markdown_extensions, render_article
from pipeline.library.clean import ATTRIBUTES
from pipeline.library.render import count_words
from pipeline.model import Quote, Source, Tier
from tests.builders import an_article
from tests.library.newsroom import SITE
from tests.library.test_clean import VECTORS, wrong_with

SOURCES = {
    id_: Source(
        id=id_,
        url=f"https://{id_}.example.org/",
        publisher=id_.title(),
        tier=Tier.PRIMARY,
        quotes={"share": Quote("share", "9% to 17%"), "rise": Quote("rise", "60% above")},
    )
    for id_ in ("north", "south", "west")
}
LIBRARY = Library(
    sources=SOURCES,
    articles=(an_article("water", path="content/articles/2025/2025-11-19-water.md"),),
)


def render(body: str) -> str:
    return render_article(an_article(body=body), LIBRARY, site_url=SITE).html


# --- citations --------------------------------------------------------------------------------------------------------------------


def test_a_citation_is_a_numbered_link_to_the_sources_panel() -> None:
    assert render("It grew.[^north]") == (
        '<p>It grew.<sup class="cite"><a href="#source-1" id="cite-1-1">1</a></sup></p>'
    )


def test_numbers_follow_the_order_of_reading_wherever_the_citations_stand() -> None:
    body = "## Head [^west]\n\n- *one [^south]*\n\n> two [^west]\n\n| a |\n| - |\n| [^north] |\n"

    rendered = render_article(an_article(body=body), LIBRARY, site_url=SITE)

    assert [row.source.id for row in rendered.cited] == ["west", "south", "north"]
    assert re.findall(r'href="#source-(\d)" id="([a-z0-9-]+)">(\d)<', rendered.html) == [
        ("1", "cite-1-1", "1"),
        ("2", "cite-2-1", "2"),
        ("1", "cite-1-2", "1"),
        ("3", "cite-3-1", "3"),
    ]


def test_a_row_of_the_panel_knows_its_quotes_and_the_way_back() -> None:
    body = "A.[^north.rise] B.[^south] C.[^north] D.[^north.share] E.[^north.rise] F.[^north.nothing]"

    north, south = render_article(an_article(body=body), LIBRARY, site_url=SITE).cited

    assert (north.number, north.anchor) == (1, "source-1")
    assert [quote.id for quote in north.quotes] == ["rise", "share"]
    assert north.back == ("cite-1-1", "cite-1-2", "cite-1-3", "cite-1-4", "cite-1-5")
    assert (south.number, south.quotes, south.back) == (2, (), ("cite-2-1",))


def test_citations_that_touch_are_parted_by_a_comma() -> None:
    assert re.sub("<[^>]*>", "", render("A.[^north][^south][^north] B.[^west]")) == "A.1, 2, 1 B.3"


def test_a_citation_of_nothing_stays_as_it_was_typed() -> None:
    assert render("A.[^nobody]") == "<p>A.[^nobody]</p>"


def test_the_definitions_at_the_files_foot_are_for_the_forge_only() -> None:
    body = "A.[^north]\n\n<!-- sources -->\n[^north]: North, Outlook\n    and more of it\n<!-- sources -->\n"

    assert render(body) == render("A.[^north]")


def test_a_heading_that_cites_is_titled_without_the_number() -> None:
    rendered = render_article(an_article(body="## The grid [^north]\n"), LIBRARY, site_url=SITE)

    assert rendered.toc == (TocEntry("the-grid", "The grid", 2),)
    assert rendered.html.startswith('<h2 id="the-grid">The grid <sup class="cite">')


def test_what_is_rendered_before_leaves_no_trace() -> None:
    first = render("## Head\n\nA.[^north][^south]\n\n*[x]: y\n\n[ref]: https://example.org/\n")

    assert render("B.[^south]") == '<p>B.<sup class="cite"><a href="#source-1" id="cite-1-1">1</a></sup></p>'
    assert render("[ref]") == "<p>[ref]</p>"
    assert render("## Head\n\nA.[^north][^south]\n\n*[x]: y\n\n[ref]: https://example.org/\n") == first


def test_threads_do_not_disturb_each_other() -> None:
    bodies = [f"## Part {n}\n\n" + f"A {n}.[^north]\n\n" * n for n in range(1, 9)]
    expected, found = [render(body) for body in bodies], [""] * len(bodies)

    def work(index: int) -> None:
        for _ in range(5):
            found[index] = render(bodies[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == expected


# --- links and ids ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "href"),
    [
        ("https://example.org/a?b=1", "https://example.org/a?b=1"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("#part", "#part"),
        ("../2025/2025-11-19-water.md", SITE + "articles/water/"),
        ("../2025/2025-11-19-water.md#part", SITE + "articles/water/#part"),
        ("../../pages/about.md", SITE + "about/"),
        ("../../pages/handbook/index.md", SITE + "handbook/"),
        ("../../pages/index.md", SITE),
        ("/archive/", SITE + "archive/"),
        ("archive/", SITE + "archive/"),
    ],
)
def test_links_are_whole_addresses(link: str, href: str) -> None:
    assert f'<a href="{href}">x</a>' in render(f"[x]({link})")


@pytest.mark.parametrize(
    "link", ["gone.md", "../../../etc/x.md", "javascript:alert(1)", "//evil.example/", "data:text/html,x", "#a'b"]
)
def test_links_that_lead_nowhere_are_words(link: str) -> None:
    assert render(f"[x](<{link}>)") == "<p><a>x</a></p>"


def test_same_page_links_become_whole_where_the_article_has_no_page() -> None:
    body = '`<a href="#x">` [to](#part "a > b href=\\"#y") A.[^north]\n\n## Part\n'
    rendered = render_article(an_article(body=body), LIBRARY, site_url=SITE)

    html = rendered.absolute("https://x.example/?a&b")

    assert re.findall(r'href="([^"]*)"', html.partition("</code>")[2]) == [
        "https://x.example/?a&amp;b#part",
        "https://x.example/?a&amp;b#source-1",
    ]
    assert '&lt;a href="#x"&gt;' in html


def test_headings_have_ids_of_their_own_that_never_collide_with_the_panels() -> None:
    body = (
        "## Source 1\n\n## Source 1\n\n## Cite 2-3\n\n## Own {#mine}\n\n## Stolen {#source-1}\n\n### 日本\n\n"
        "#### `x` & <b>y</b>\n"
    )

    rendered = render_article(an_article(body=body), LIBRARY, site_url=SITE)

    ids = re.findall(r'<h\d id="([^"]+)">', rendered.html)
    assert ids == ["section-source-1", "section-source-1_1", "section-cite-2-3", "mine", "stolen", "section", "x-y"]
    assert [entry.id for entry in rendered.toc] == ids
    assert rendered.toc[-1] == TocEntry("x-y", "x & y", 4)


def test_an_id_in_raw_html_is_not_ours() -> None:
    assert render('<h2 id="subscribe">x</h2>\n\n## Mine') == '<h2>x</h2>\n\n<h2 id="mine">Mine</h2>'


# --- what Markdown may and may not do ---------------------------------------------------------------------------------------------


def test_the_features_that_material_users_know_survive_cleaning() -> None:
    body = (
        '!!! note "Mind"\n    Boxed.\n\n'
        '??? tip "More"\n    Folded.\n\n'
        "| a | b |\n| - | -: |\n| 1 | 2 |\n\n"
        "Term\n:   Meaning\n\n"
        '```python hl_lines="1" title="x.py"\nx = 1\n```\n\n'
        "    plain code\n\n"
        '<div markdown="1">\n*inside*\n</div>\n'
    )

    html = render(body)

    for piece in (
        '<div class="admonition note">\n<p class="admonition-title">Mind</p>',
        '<details class="tip">\n<summary>More</summary>',
        '<th align="right">b</th>',
        "<dt>Term</dt>",
        '<div class="language-python highlight"><span class="filename">x.py</span>',
        '<span class="n">x</span>',
        "<pre><span></span><code>plain code",
        "<em>inside</em>",
    ):
        assert piece in html
    assert "style=" not in html


def test_tabs_become_a_group_of_details_that_needs_no_script_and_no_style() -> None:
    html = render(
        '=== "One"\n\n    First [^north].\n\n=== "*Two*"\n\n    Second.\n\n\nText.\n\n===! "Three"\n\n    Third.\n'
    )

    assert re.sub(r"\s*\n\s*", "", html) == (
        '<div><details class="tab" name="tabs-1" open=""><summary>One</summary>'
        '<p>First <sup class="cite"><a href="#source-1" id="cite-1-1">1</a></sup>.</p></details>'
        '<details class="tab" name="tabs-1"><summary><em>Two</em></summary><p>Second.</p></details></div>'
        '<p>Text.</p><div><details class="tab" name="tabs-2" open=""><summary>Three</summary><p>Third.</p></details></div>'
    )


ATTACKS = [
    "[x](https://a.example){: onclick=alert(1) }",
    '[x](https://a.example){: href="javascript:alert(1)" }',
    "# h {: style=position:fixed onmouseover=alert(1) #source-1 .evil }",
    "![x](https://a.example/i.png){: onerror=alert(1) srcset=javascript:1 }",
    "<javascript:alert(1)>",
    "[x](java\nscript:alert(1))",
    "[x]: javascript:alert(1)\n\n[x]",
    '```python onclick="alert(1)" {.evil #id data-x="y"}\n<script>alert(1)</script>\n```',
    "`<script>`{: onclick=alert(1) }",
    "!!! note onclick\n    <script>alert(1)</script>",
    '=== "<img src=x onerror=alert(1)>"\n\n    x',
    '--8<-- "pyproject.toml"',
    "{% raw %}{{ config }}",
    "A.[^north]{: onclick=alert(1) id=cite-9-9 class=evil }",
    "|a|\n|-|\n|<script>alert(1)</script>|",
    '<div markdown="1" onclick="alert(1)">\n*x*\n</div>',
    "\x02wzxhzdk:0\x03 \x02klzzwxh:0000\x03",
    *VECTORS,
]
RENDERED_ATTRIBUTES = {
    tag: ATTRIBUTES.get(tag, frozenset()) | {"class", "id", "name", "open"}
    for tag in (*ATTRIBUTES, *"h1 h2 h3 h4 h5 h6 div p span sup pre code a details".split())
}
OUR_CLASSES = re.compile(
    r"(cite|cite-sep|tab|filename|admonition|admonition-title|highlight|note|tip|language-[a-z0-9+#-]+|[a-z][a-z0-9]{0,2})"
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_t27_markdown_gets_nothing_past_the_cleaning(attack: str) -> None:
    html = render(attack)

    assert wrong_with(html, RENDERED_ATTRIBUTES) == []
    assert all(OUR_CLASSES.fullmatch(name) for names in re.findall(r' class="([^"]*)"', html) for name in names.split())
    assert "source-1" not in re.findall(r'id="([^"]*)"', html)


def test_t25_no_file_and_no_setting_can_be_read_from_markdown() -> None:
    assert "build-system" not in render('--8<-- "pyproject.toml"')
    assert render("{{ config }}") == "<p>{{ config }}</p>"


@settings(max_examples=150)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(ATTACKS),
            st.text("[](){}:!#^*_`~<>|&\\ \n\t-=+\"'.ax1", max_size=12),
            st.sampled_from(["[^north]", "\n\n", "    ", "- ", "> ", "{: .x }", "<div markdown>", "</div>", "\n```\n"]),
        ),
        max_size=8,
    ).map("".join)
)
def test_t27_any_mixture_renders_to_harmless_html_and_always_the_same(body: str) -> None:
    html = render(body)

    assert wrong_with(html, RENDERED_ATTRIBUTES) == []
    assert render(body) == html


def test_a_body_that_nests_without_end_is_a_content_error_and_spoils_no_other() -> None:
    before = render("- a\n\n    b\n\nc")

    with pytest.raises(ContentError, match=r"^content/articles/2026/grid.md: .*; write it flatter$"):
        render("\n".join("    " * depth + "- x" for depth in range(300)))

    assert render("- a\n\n    b\n\nc") == before


# --- the rest --------------------------------------------------------------------------------------------------------------


def test_words_are_those_that_a_reader_reads() -> None:
    assert (
        count_words("One two-three, it's 9.4 GW.[^north]\n\n```\ncode here\n```\n\n[four](https://example.org/a/b)", {})
        == 6
    )
    assert render_article(an_article(body="word " * 690), LIBRARY, site_url=SITE).minutes == 3
    assert render_article(an_article(body=""), LIBRARY, site_url=SITE).minutes == 1


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ('It\'s *"so"* and "*so*".', "<p>It’s <em>“so”</em> and “<em>so</em>”.</p>"),
        ("`a'b`'s \"`c`\"", "<p><code>a'b</code>’s “<code>c</code>”</p>"),
        ("'One' 'two'", "<p>‘One’ ‘two’</p>"),
        ('<b title="x\'s">"raw"</b> &quot;e&quot;', '<p><b title="x\'s">“raw”</b> "e"</p>'),
        ("    'y'", "<div class=\"language-text highlight\"><pre><span></span><code>'y'\n</code></pre></div>"),
        ("<div>it's</div>", "<div>it's</div>"),
        ("## It's", '<h2 id="its">It’s</h2>'),
        ('"A"[^north] "b"', '<p>“A”<sup class="cite"><a href="#source-1" id="cite-1-1">1</a></sup> “b”</p>'),
    ],
)
def test_marks_in_the_text_are_typographic_and_no_others(body: str, html: str) -> None:
    assert render(body) == html


def test_the_contents_list_has_typographic_marks_too() -> None:
    rendered = render_article(an_article(body="## It's"), LIBRARY, site_url=SITE)

    assert rendered.toc == (TocEntry("its", "It’s", 2),)


def test_articles_in_other_languages_keep_their_marks() -> None:
    article = an_article(body='l\'heure "x"', lang="fr")

    assert render_article(article, LIBRARY, site_url=SITE).html == '<p>l\'heure "x"</p>'


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("```sh\none\n```\n```py\ntwo\n```\n", ["div", "div"]),
        ("Before.\n```sh\none\n```\nAfter,\nand on.\n", ["p", "div", "p"]),
        ("- Before.\n\n    ```sh\n    one\n    ```\n    ```sh\n    two\n    ```\n", ["ul"]),
    ],
)
def test_listings_stand_in_no_paragraph(body: str, names: list[str]) -> None:
    tree = ET.fromstring(f"<body>{render(body)}</body>")

    assert [element.tag for element in tree] == names
    assert tree.findall(".//p/div") == []
    assert [p.text for p in tree.iter("p") if not "".join(p.itertext()).strip()] == []
    assert len(list(tree.iter("pre"))) == body.count("```") / 2


def test_the_extensions_can_be_handed_to_python_markdown_by_name() -> None:
    names, configs = markdown_extensions()

    html = Markdown(extensions=names, extension_configs=configs).convert('=== "A"\n\n    x\n\n## B\n')

    assert "<details" in html
    assert '<h2 id="b">B</h2>' in html


def test_an_article_is_rendered_in_milliseconds() -> None:
    body = "A sentence of *some* words with a [link](https://example.org/) in it.[^north]\n" * 80 + "\n\n## Head\n\n"
    render(body)

    begun = time.process_time()
    for _ in range(10):
        render(body)

    assert (time.process_time() - begun) / 10 < 0.1, "about 8 ms on an idle machine"
