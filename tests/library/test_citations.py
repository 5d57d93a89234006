"""Citations are found where they are rendered, and rendered where they are found."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.library import Library, render_article
from pipeline.library.citations import find_citations
from pipeline.model import Citation, Quote, Source, Tier
from tests.builders import an_article
from tests.library.newsroom import SITE, Newsroom

SOURCES = {
    id_: Source(
        id=id_, url=f"https://{id_}.example.org/", publisher=id_, tier=Tier.PRIMARY, quotes={"x": Quote("x", "words")}
    )
    for id_ in ("aa", "bb")
}


def test_a_citation_names_a_source_and_perhaps_a_quote_at_its_line_and_column() -> None:
    found = find_citations("Ü one.[^aa] two.[^bb.share]\n\nThree.[^aa][^bb]\n", first_line=10)

    assert found == (
        Citation("aa", None, 10, 7),
        Citation("bb", "share", 10, 17),
        Citation("aa", None, 12, 7),
        Citation("bb", None, 12, 12),
    )


@pytest.mark.parametrize(
    "body",
    [
        "In `code [^aa]` here",
        "In ``code ` [^aa]`` here",
        "```\n[^aa]\n```\n",
        "~~~~ python\n[^aa]\n```\n~~~~\n",
        "- item\n\n    ```\n    [^aa]\n    ```\n",
        "Text\n\n    indented [^aa]\n",
        "Text\n\n \tindented [^aa]\n",
        "<!-- [^aa] -->",
        "<!--\n\n[^aa]\n\n-->\n",
        r"Escaped \[^aa]",
        "<div>\n[^aa]\n</div>\n",
        "[^aa]: https://example.org/ a definition\n",
        "Text.\n\n<!-- sources -->\n[^aa]: Northfield\n\nmore [^bb]\n<!-- sources -->\n",
        "Text.\n\n<!-- sources -->\n[^aa]: Northfield\n",
        "Not one: [^ aa], [aa], [^], [^aa.], [^.aa]",
    ],
)
def test_what_stands_in_code_comments_html_or_definitions_is_no_citation(body: str) -> None:
    assert find_citations(body) == ()
    assert _rendered(body) == 0


@pytest.mark.parametrize(
    "body",
    [
        "Plain.[^aa]",
        "**Bold.[^aa]**",
        "- item [^aa]\n- item",
        "- item\n\n    its second paragraph [^aa]\n",
        "1. item\n\n    - nested\n\n        deeper [^aa]\n",
        "> quoted [^aa]",
        "| a | b |\n| - | - |\n| 1 [^aa] | 2 |\n",
        "## Heading [^aa]",
        '!!! note "Title"\n    boxed [^aa]\n\n    and more\n',
        '=== "One"\n\n    in a tab [^aa]\n',
        "??? note\n    folded [^aa]\n",
        "Term\n\n:   defined [^aa]\n",
        "Unclosed `tick [^aa]",
        '<div markdown="1">\nin a block [^aa]\n</div>\n',
        "one ` two\n\nthree ` [^aa]",
        "[^aa] begins a line",
    ],
)
def test_anywhere_else_it_is_found_and_rendered(body: str) -> None:
    assert [citation.source for citation in find_citations(body)] == ["aa"]
    assert _rendered(body) == 1


def test_a_text_full_of_comments_that_nothing_closes_is_read_at_once() -> None:
    body = "[^aa] " + "<!-- [^aa] `x` " * 4_000

    assert (
        len(find_citations(body)) == 4_001
    )  # the time limit of the tests ends this where it takes the square of the length


PIECES = st.sampled_from(
    [
        "Plain [^aa] text [^bb].",
        "With `code [^aa]` and [^bb.x].",
        "```\ncode [^aa]\n```",
        "    indented [^aa]",
        "- item [^aa]\n- `[^bb]`",
        "- item\n\n    more [^aa]\n\n        code [^bb]",
        "> quote [^aa]",
        "## Title [^aa]",
        "!!! note\n    box [^aa]\n\n        code [^bb]",
        "| a |\n| - |\n| 1 [^aa] |",
        "<!-- comment [^aa] -->",
        "<div>raw [^aa]</div>",
        "Term\n:   text [^aa]",
        "~~~ text\n[^bb]\n~~~",
        r"\[^aa] *em [^bb]*",
        "One `tick [^aa]",
        "1. one\n2. two [^aa][^bb]",
        "***",
        "> ![[aa.x]]",
        "![[aa.x]] and ![[bb.x]]",
        "`![[aa.x]]` and [@aa; @bb, p. 3].",
        "> [^aa.x]",
        "[^aa]![[bb.x]][@aa][^bb] and [@bb](x)",
        "- > [^aa.x]",
        "[![[aa.x]]](https://e.example/)",
    ]
)


@settings(max_examples=300)
@given(st.lists(PIECES, min_size=1, max_size=6))
def test_finder_and_renderer_agree_on_any_document(pieces: list[str]) -> None:
    body = "\n\n".join(pieces) + "\n"

    assert _rendered(body) == len(find_citations(body))


def _rendered(body: str) -> int:
    library = Library(sources=SOURCES)
    html = render_article(an_article(body=body), library, site_url=SITE).html
    return len(re.findall(r'<sup class="cite">', html))


@pytest.mark.parametrize(
    ("body", "column", "said"),
    [
        ("It grew.[^unclosed Then.\n", 9, '"[^unclosed" is not closed'),
        ("It grew.[^northfield-2026\n", 9, '"[^northfield-2026" is not closed'),
        ("It [^north[^northfield-2026] grew.\n", 4, '"[^north" is not closed'),
        ("It grew.[^north field] Then.\n", 9, '"[^north field]" names no source'),
        ("It grew.[^] Then.\n", 9, '"[^]" names no source'),
    ],
)
def test_s104_a_citation_that_is_not_closed_is_told_with_its_place(
    newsroom: Newsroom, body: str, column: int, said: str
) -> None:
    newsroom.article(body)

    problem = newsroom.only_problem()

    assert (problem.code, problem.line, problem.column) == ("S104", 9, column)
    assert said in problem.message


@pytest.mark.parametrize("body", ["`[^a` and \\[^b.\n", "```\n[^a\n```\n", "It grew.[^northfield-2026] [a^b]\n"])
def test_what_is_no_citation_is_no_broken_one(newsroom: Newsroom, body: str) -> None:
    newsroom.article(body)

    assert newsroom.problems() == []
