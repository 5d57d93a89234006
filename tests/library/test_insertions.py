"""Words that the build sets from a source: they are the quote's own, wherever and however they are shown."""

from __future__ import annotations

import dataclasses
import html as entities
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.library import Library, render_article, to_plain_text
from pipeline.library.citations import find_citations
from pipeline.library.plain import summary_paragraphs
from pipeline.model import Quote, Source, Tier
from tests.builders import an_article
from tests.library.newsroom import SITE, Newsroom, front

WORDS = "may need 9% to 17% of regional supply by 2030"


def a_library(words: str = WORDS) -> Library:
    quote = Quote("share", words)
    source = Source("north", "https://north.example.org/", "North", Tier.PRIMARY, quotes={"share": quote})
    other = Source("south", "https://south.example.org/", "South", Tier.PRIMARY)
    return Library(sources={"north": source, "south": other})


def rendered(body: str, library: Library | None = None, *, lang: str = "en") -> str:
    article = dataclasses.replace(an_article(body=body), lang=lang)
    return render_article(article, library or a_library(), site_url=SITE).html


CITED = '<sup class="cite"><a href="#source-1" id="cite-1-1">1</a></sup>'


def test_in_a_line_the_words_stand_in_quotation_marks_with_their_citation() -> None:
    html = rendered("Halls ![[north.share]], it says.")

    assert html == f"<p>Halls <span>“{WORDS}”</span>{CITED}, it says.</p>"


@pytest.mark.parametrize(
    "body",
    ["![[north.share]]", "> ![[north.share]]", "> [^north.share]", ">[^north.share]\n", "> \n> ![[north.share]]"],
)
def test_alone_they_are_a_block_quote_without_marks(body: str) -> None:
    html = rendered(f"Before.\n\n{body}\n\nAfter.")

    quoted = (
        f'<blockquote>\n<p><span>{WORDS}</span>{CITED}</p>\n</blockquote>\n<p class="label">— <span>North</span></p>'
    )
    assert html.replace("</p></blockquote>", "</p>\n</blockquote>").replace("<blockquote><p>", "<blockquote>\n<p>") == (
        f"<p>Before.</p>\n{quoted}\n<p>After.</p>"
    )
    assert [(c.source, c.quote, c.inserted) for c in find_citations(f"Before.\n\n{body}\n\nAfter.")] == [
        ("north", "share", True)
    ]


@pytest.mark.parametrize(
    "body", ["> Some words.[^north.share]", "> [^north.share]\n> and words", "> [^north]", "[^north.share]"]
)
def test_a_citation_with_words_of_its_own_inserts_none(body: str) -> None:
    assert WORDS not in rendered(body)


@pytest.mark.parametrize("lang", ["en", "de"])
@given(
    words=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=60)
)
@example(words="AT&amp;T &lt;b&gt; <script>alert(1)</script> & more")
@example(words="He said \"no\" to 'that' -- *never* _ever_ `code` [x](y) [^north] ![[north.share]] {: .x }")
@example(words="\\* 1. # | --- &nbsp; &copy &#65; https://example.org/?a=1&b=2")
def test_the_words_shown_are_those_of_the_quote_whatever_they_are(words: str, lang: str) -> None:
    if not words.strip():
        return
    library = a_library(words)
    for body in (
        "It says ![[north.share]].",
        "![[north.share]]",
        "> [^north.share]",
        "- x ![[north.share]]",
        "|a|\n|-|\n|![[north.share]]|",
    ):
        html = rendered(body, library, lang=lang)
        shown = re.search(r"<span>(.*?)</span><sup", html, re.DOTALL)
        assert shown is not None, html
        seen = entities.unescape(re.sub(r"<[^>]*>", "", shown[1]))
        assert seen in (words, f"“{words}”")
        assert "<" not in shown[1]
    text = to_plain_text(an_article(body="It says ![[north.share]]."), library, site_url=SITE, width=10_000)
    assert f"It says “{' '.join(words.split())}" in text.replace("“ ", "“")


def test_in_plain_text_they_are_told_alike() -> None:
    text = to_plain_text(an_article(body="It ![[north.share]].\n\n![[north.share]]\n"), a_library(), site_url=SITE)

    assert f"It “{WORDS}” [1]." in text
    assert f"> {WORDS} [1]\n\n— North\n" in text


def test_below_words_that_stand_alone_readers_see_whose_they_are() -> None:
    library = a_library()
    titled = dataclasses.replace(library.sources["north"], title="Load <b>outlook</b> & [more](x)")
    library = dataclasses.replace(library, sources={**library.sources, "north": titled})
    named = '<p class="label">— <span>Load &lt;b&gt;outlook&lt;/b&gt; &amp; [more](x), North</span></p>'

    for body in ("> [^north.share]", "- An item\n\n    > [^north.share]", "![[north.share]]"):
        assert rendered(body, library).count(named) == 1
    for body in ("> Typed words.[^north.share]", "It says ![[north.share]]."):
        assert 'class="label"' not in rendered(body, library)


def test_pandoc_s_way_to_cite_is_read_until_it_is_rewritten() -> None:
    body = "Both say so [@north, p. 3; @south]. One [@south]."

    html = rendered(body)

    assert re.findall(r'href="#(source-\d)"', html) == ["source-1", "source-2", "source-2"]
    assert "[@" not in html
    assert [(c.source, c.line, c.column) for c in find_citations(body)] == [
        ("north", 1, 14),
        ("south", 1, 28),
        ("south", 1, 42),
    ]
    assert "[@home]" in rendered("Leave [@home] alone")
    assert find_citations("[@me](https://example.org/), `[@north]`, \\[@north]") == ()


def test_inserted_words_touch_what_is_beside_them() -> None:
    html = rendered("*![[north.share]]*[^south] and [![[north.share]]](https://example.org/)")

    assert html.count(WORDS) == 2
    assert "![[" not in html
    ET.fromstring(f"<x>{html}</x>")


def test_inserted_words_count_as_words_and_a_summary_takes_them_along() -> None:
    article = an_article(body="![[north.share]]\n\n![[north.share]] is what it says.\n")

    assert render_article(article, a_library(), site_url=SITE).words == 10 + 10 + 4
    assert summary_paragraphs(article, 2) == "![[north.share]] is what it says."


def test_s104_tells_where_words_are_wanted_that_do_not_exist(newsroom: Newsroom) -> None:
    newsroom.quoted_source("northfield-2026", "9% to 17% of regional supply")
    newsroom.article(
        "It says ![[northfeild-2026.share]].\nAnd ![[northfield-2026.shar]].\n\n> [^northfield-2026]\n\n![[southfield-2026]]\n\n"
        "So [@northfield-2026; @southfeld-2026].\n",
        front=front(topics="[power]"),
    )

    said = [(p.line, p.column, p.message) for p in newsroom.load().problems if p.code == "S104"]

    assert said == [
        (9, 9, 'unknown source "northfeild-2026"; did you mean "northfield-2026"?'),
        (10, 5, 'source "northfield-2026" has no quote "shar"; did you mean "share"?'),
        (12, 3, "no words are named that could stand here; write one of northfield-2026.share"),
        (14, 1, "no words are named that could stand here; add quotes: to content/sources/southfield-2026.yml"),
        (16, 23, 'unknown source "southfeld-2026"; did you mean "southfield-2026"?'),
    ]
