"""Plain text for mail: wrapped, readable without markup, with one numbered list of what it links to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ContentError
from pipeline.library import Library, Numbers, opening_to_plain_text, summary_paragraphs, to_plain_text
from pipeline.model import Article, Source, Tier
from tests.builders import an_article
from tests.library.newsroom import SITE

LIBRARY = Library(
    sources={
        "north": Source(
            "north", "https://north.example.org/a", "North Grid", Tier.PRIMARY, title="Outlook", issued="2026-02"
        ),
        "south": Source("south", "https://south.example.org/" + "x" * 80, "South", Tier.SECONDARY, sample=True),
    },
    articles=(an_article("water", path="content/articles/2026/water.md"),),
)


def body_of(body: str, *, width: int = 72) -> str:
    """What becomes of *body*, without title and dek."""
    article = an_article(body=body, title="Title", dek="Dek.")
    return to_plain_text(article, LIBRARY, site_url=SITE, width=width).split("Dek.\n\n", 1)[1].rstrip("\n")


def test_a_whole_article_reads_from_title_to_sources() -> None:
    article = an_article(
        title="The grid is the story",
        dek="What it can carry decides.",
        body="It grew.[^south]\nIt [fell](https://example.org/f).\n\n## Why\n\n"
        "Nobody knows.[^north][^south]\n\n### Really\n\nNo.\n",
    )

    assert to_plain_text(article, LIBRARY, site_url=SITE) == (
        "The grid is the story\n"
        "=====================\n"
        "\n"
        "What it can carry decides.\n"
        "\n"
        "It grew. [1] It fell [2].\n"
        "\n"
        "Why\n"
        "---\n"
        "\n"
        "Nobody knows. [3][1]\n"
        "\n"
        "Really\n"
        "......\n"
        "\n"
        "No.\n"
        "\n"
        "Sources\n"
        "-------\n"
        "\n"
        "[1] South (secondary source, an invented sample; recorded by the editor,\n"
        "    no stored copy yet)\n"
        f"    https://south.example.org/{'x' * 80}\n"
        "\n"
        "[2] https://example.org/f\n"
        "\n"
        "[3] Outlook, North Grid, 2026-02 (primary source; recorded by the\n"
        "    editor, no stored copy yet)\n"
        "    https://north.example.org/a\n"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("One *two* **three** `four` <b>five</b> &amp; AT&T &lt;x> \\*", "One two three four five & AT&T <x> *"),
        ("A  \nB", "A\nB"),
        ("<https://example.org/x>", "https://example.org/x"),
        ("[a@example.org](mailto:a@example.org) <b@example.org>", "a@example.org b@example.org"),
        ("[x](#part) [y](javascript:1)", "x y"),
        ("![A map](https://example.org/m.png)", "[A map]"),
        ("- one\n- two\n    - deeper\n", "- one\n- two\n  - deeper"),
        ("1. one\n2. two\n", "1. one\n2. two"),
        ("- one\n\n    more\n\n- two\n", "- one\n\n  more\n\n- two"),
        ("> quoted\n>\n> twice\n", "> quoted\n> \n> twice"),
        ("```python\ndef f(x):\n    return x < 1 & 2\n```", "    def f(x):\n        return x < 1 & 2"),
        ("Text\n\n    code <b>\n", "Text\n\n    code <b>"),
        ("- item\n\n    ```\n    code\n    ```\n", "- item\n\n      code"),
        ('!!! note "Mind"\n    the gap\n', "Mind\n    the gap"),
        ('=== "One"\n\n    First.\n\n=== "Two"\n\n    Second.\n', "One\n    First.\n\nTwo\n    Second."),
        ("Term\n:   Meaning\n", "Term\n\n    Meaning"),
        ("a\n\n***\n\nb", "a\n\n" + " " * 33 + "* * *\n\nb"),
        ("| a | bb |\n| - | -: |\n| ccc | 1 |\n", "a    bb\n---  --\nccc   1"),
        ("A <!-- note --> b. <!-- analysis -->", "A b."),
        ("<div>raw <i>html</i><script>x</script></div>", "raw html"),
        ("$x^2$ H~2~O `a  b`", "$x^2$ H~2~O a b"),
    ],
)
def test_markup_becomes_what_a_typist_would_write(body: str, text: str) -> None:
    assert body_of(body) == text


def test_marks_stay_as_typed() -> None:
    assert body_of('It\'s "so".') == 'It\'s "so".'


def test_a_link_to_an_article_is_its_address_on_the_site() -> None:
    assert body_of("See [water](water.md#part).").endswith(f"[1] {SITE}articles/water/#part")


def test_one_address_has_one_number() -> None:
    text = body_of("[a](https://example.org/) [b](https://example.org/) A.[^north] B.[^north]")

    assert text.startswith("a [1] b [1] A. [2] B. [2]\n")
    assert text.count("\n[") == 2


def test_a_table_too_wide_for_columns_becomes_a_paragraph_a_row() -> None:
    table = "| Who | What they say of it | When |\n| - | - | - |\n| North | It grew [^north] | |\n| South | It fell | 2026 |\n"

    assert body_of(table, width=28).split("\n\nSources")[0] == (
        "North\n  What they say of it: It\n  grew [1]\n\nSouth\n  What they say of it: It\n  fell\n  When: 2026"
    )


def test_lines_are_wrapped_and_addresses_are_not() -> None:
    text = body_of(
        "word " * 60 + "\n\n- " + "item " * 40 + "\n\n> " + "quote " * 40 + "\n\nhttps://example.org/" + "x" * 90
    )

    lines = text.split("\n")
    assert max(len(line) for line in lines if "https:" not in line) <= 72
    assert any(len(line) > 100 for line in lines)
    assert all(line.startswith("  ") for line in lines if line.strip().startswith("item"))


def test_text_has_room_however_deep_it_is_quoted() -> None:
    text = body_of("> " * 40 + "some words that stay on one line")

    assert "some words that stay\n" in text


def test_a_digest_opens_with_the_first_paragraphs_that_are_prose() -> None:
    article = an_article(
        dek="The dek.",
        body="![x](https://example.org/x.png)\n\n## Head\n\n> quote\n\n| a |\n| - |\n| 1 |\n\n- list\n\nFirst.[^north]\n\n"
        "```\ncode\n```\n\nSecond.[^south]\n\nThird.\n",
    )

    assert summary_paragraphs(article, 2) == "First.[^north]\n\nSecond.[^south]"
    assert summary_paragraphs(article, 0) == ""


def test_an_opening_names_no_sources_and_numbers_its_links_in_the_row_of_the_whole_letter() -> None:
    body = "First.[^north] See [this](https://a.example.org/) and [that](https://b.example.org/).\n\nSecond.[^south]\n\nThird.\n"
    numbers = Numbers()
    numbers.of("https://b.example.org/")

    text, links = opening_to_plain_text(an_article(body=body), LIBRARY, site_url=SITE, paragraphs=2, numbers=numbers)

    assert text == "First. See this [2] and that [1].\n\nSecond.\n"
    assert links == ("https://a.example.org/", "https://b.example.org/")
    assert numbers.row("https://a.example.org/") == "[2] https://a.example.org/"
    assert numbers.row("https://c.example.org/", "A  third\none") == "[3] A third one\n    https://c.example.org/"
    long = numbers.row("https://c.example.org/" + "c" * 80, "many words " * 10)
    assert long.splitlines()[-1] == "    https://c.example.org/" + "c" * 80
    assert max(map(len, long.splitlines()[:-1])) <= 72


def test_a_text_without_links_has_no_list() -> None:
    assert "Sources" not in to_plain_text(an_article(), Library(), site_url=SITE)


@settings(max_examples=150)
@given(
    st.lists(
        st.one_of(
            st.text("[](){}:!#^*_`~<>|&\\ \n-=+\"'.ax1\u2028é", max_size=12),
            st.sampled_from(
                ["[^north]", "\n\n", "    ", "- ", "> ", "<div markdown>", "</div>", "\n```\n", "| a |\n| - |\n"]
            ),
        ),
        max_size=10,
    ).map("".join)
)
def test_any_markdown_becomes_text_without_placeholders(body: str) -> None:
    article: Article = an_article(body=body)

    text = to_plain_text(article, LIBRARY, site_url=SITE)

    assert not set(text) & {"\x02", "\x03"}
    assert text.endswith("\n")


def test_a_body_that_nests_without_end_is_a_content_error() -> None:
    body = "\n".join("    " * depth + "- x" for depth in range(300))

    with pytest.raises(ContentError, match="nested too deeply"):
        to_plain_text(an_article(body=body), LIBRARY, site_url=SITE)
