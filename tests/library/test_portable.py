"""The Markdown twin of an article's body: nothing in it that only our renderer knows, and every source in a footnote."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.library import Library, render_article
from pipeline.library.portable import Portable, portable
from pipeline.model import Quote, Source, Tier
from tests.builders import an_article
from tests.library.newsroom import SITE

PATH = "content/articles/2026/2026-11-20-grid.md"
WORDS = "Halls *may* need 9% to 17%."
LIBRARY = Library(
    sources={
        "north": Source(
            "north",
            "https://north.example.org/a",
            "North Grid",
            Tier.PRIMARY,
            title="Outlook [2026]",
            issued="2026-02",
            quotes={"halls": Quote("halls", WORDS)},
        ),
        "south": Source("south", "https://south.example.org/", "South", Tier.SECONDARY),
    },
    articles=(an_article("water", path="content/articles/2026/water.md"),),
)


def of(body: str) -> Portable:
    article = an_article("grid", body=body, path=PATH)
    rendered = render_article(article, LIBRARY, site_url=SITE)
    return portable(article, LIBRARY, rendered.cited, site_url=SITE)


def body_of(body: str) -> str:
    return of(body).body


def test_citations_are_footnotes_with_the_numbers_of_the_page() -> None:
    found = of("It grew.[^south] It fell.[^north][^south]\n\nAs [@north, p. 3; @south] say.[^north.halls]\n")

    assert found.body == "It grew.[^1] It fell.[^2][^1]\n\nAs [^2][^1] say.[^2]"
    first, second = found.sources
    kept = "recorded by the editor, no stored copy yet"
    assert first == f"[^1]: South (secondary source; {kept}). <https://south.example.org/>"
    assert second == (
        f"[^2]: Outlook \\[2026\\], North Grid, 2026-02 (primary source; {kept}). <https://north.example.org/a> "
        "“Halls \\*may\\* need 9% to 17%.”"
    )


def test_words_of_a_source_stand_in_place_of_their_name() -> None:
    assert body_of("They say ![[north.halls]] and more.") == "They say “Halls \\*may\\* need 9% to 17%.”[^1] and more."


@pytest.mark.parametrize("body", ["Before.\n\n![[north.halls]]\n\nAfter.\n", "Before.\n\n> [^north.halls]\n\nAfter.\n"])
def test_words_of_a_source_that_stand_alone_are_a_quote_and_say_whose_they_are(body: str) -> None:
    assert body_of(body) == (
        "Before.\n\n> Halls \\*may\\* need 9% to 17%.[^1]\n>\n> — Outlook \\[2026\\], North Grid\n\nAfter."
    )


def test_code_stays_as_it_is() -> None:
    body = "A `[^north]` and:\n\n```\n[^south] <b> {: .x } [a](b.md)\n!!! note\n<!-- x -->\n```\n\n    [^north] indented\n\nEnd."

    assert body_of(body) == body


def test_links_lead_somewhere_from_anywhere() -> None:
    assert body_of("[a](water.md) [b](#why) [c](https://x.example.org/(y)) [d](../../pages/about.md#top)") == (
        f"[a]({SITE}articles/water/) [b]({SITE}articles/grid/#why) [c](https://x.example.org/(y)) [d]({SITE}about/#top)"
    )
    assert body_of("[a][1] and ![x](pic.png)\n\n[1]: water.md\n") == (
        f"[a][1] and ![x]({SITE}pic.png)\n\n[1]: {SITE}articles/water/"
    )


def test_a_link_that_leads_nowhere_leaves_its_words() -> None:
    assert body_of("See [the *secret* [one]](2026-12-01-secret.md) and [that](javascript:alert(1)).") == (
        "See the *secret* [one] and that."
    )


def test_boxes_are_quotes_with_a_title() -> None:
    body = (
        '!!! warning "Mind the *gap*"\n    One.\n\n    ??? tip\n        Two.\n\n'
        '=== "First"\n    - a\n=== "Second"\n\n    b\n\n!!! note ""\n    Untitled.\nAfter.\n'
    )

    assert body_of(body) == (
        "> **Mind the *gap***\n>\n> One.\n>\n> > **Tip**\n> >\n> > Two.\n\n"
        "> **First**\n>\n> - a\n\n> **Second**\n>\n> b\n\n> Untitled.\n\nAfter."
    )


def test_definition_lists_are_lists() -> None:
    assert body_of("Grid\nNetwork\n:   What carries it.\n:   What\n    breaks.\n\nNo: not this.\n") == (
        "**Grid**\n\n**Network**\n\n- What carries it.\n- What\n    breaks.\n\nNo: not this."
    )


def test_listings_keep_their_language_and_their_name() -> None:
    assert body_of(
        '```py title="a.py" hl_lines="1" linenums="1"\nx = 1\n```\n\n``` { .sh title=\'b\' }\nls\n```\n'
    ) == ("**a.py**\n\n```py\nx = 1\n```\n\n**b**\n\n```sh\nls\n```")


def test_attributes_comments_and_raw_html_are_gone_but_for_their_words() -> None:
    body = (
        "## Why {#why .big}\n\nA[x](https://x.example.org/){ .button target=_blank }<!-- hidden -->.\n\n"
        '<div onclick="x()"><p>Words</p></div>\n<script>alert("[^north]")</script>\n\nH<sub class="a">2</sub>O {not one}\n'
    )

    found = body_of(body)

    assert found.startswith("## Why\n\nA[x](https://x.example.org/).\n\n")
    assert found.endswith("H<sub>2</sub>O {not one}")
    assert re.sub(r"\s+", " ", found.split("\n\n", 2)[2]) == " Words H<sub>2</sub>O {not one}"


def test_tables_and_task_lists_stay() -> None:
    body = "| a | b |\n|---|--:|\n| 1[^1] | 2 |\n\n- [ ] open\n- [x] done\n\n* * *\n\n1. one\n   more"

    assert body_of(body) == body


def test_definitions_at_the_foot_of_a_file_are_not_told_twice() -> None:
    body = "It grew.[^south]\n\n<!-- sources -->\n[^south]: South. <https://south.example.org/>\n<!-- sources -->\n"

    assert body_of(body) == "It grew.[^1]"


SIGNS = "[^north] [^south.x] ![[north.halls]] [a](water.md) ]( [ !!! === : ``` ~~~ ` <!-- --> {:.x} <script> </b> |a| \\ word"
PIECES = st.sampled_from(
    [*SIGNS.split(), "> ", "\n", "\n\n", "    ", "!!! note", '=== "T"', ":   d", "\t", "- [x] ", "<scr<b>ipt>"]
)


@given(st.lists(PIECES, max_size=25).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_text_has_a_twin_without_scripts_and_unmade_citations(body: str) -> None:
    found = of(body)

    assert "<script" not in found.body or "`" in body or "~" in body or "    " in body or "\t" in body
    assert len(found.sources) == len({line.partition(":")[0] for line in found.sources})
    if not any(sign in body for sign in ("`", "~", "    ", "\t", "<", "\\")):
        assert "[^north]" not in found.body
