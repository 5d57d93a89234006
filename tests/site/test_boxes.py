"""What becomes of Material's Markdown where no style sheet is: every feature in a form that any feed reader draws."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.library import Library, render_article
from pipeline.site.boxes import boxed
from tests.builders import an_article

SITE = "https://signals.example.org/"
BOX = '<table role="presentation" border="1" cellpadding="6" cellspacing="0" width="100%" style="margin:1em 0"><tbody><tr><td>'
EVERYTHING = """\
!!! warning "Mind the *gap*"
    Some text.

    ```py title="x.py" linenums="1" hl_lines="2"
    def f(x):
        return "<b>" + x & 1
    ```

??? tip
    Hidden.

=== "One"
    First.

    | a | b |
    |---|--:|
    | 1 | 2 |

=== "Two"
    Second.

Term
:   Definition

> A quote.

A paragraph with `code --flag`, ![a *picture*](https://e.example.org/x.png){ width=300 } and <span class="k">a span</span>.

<div class="grid" markdown>
- x
</div>
"""


def boxes_of(body: str) -> str:
    return boxed(render_article(an_article(body=body), Library(), site_url=SITE).html)


def words(html: str) -> str:
    """The words of *html*, without any white space."""
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[method-assign]
    parser.feed(html)
    return re.sub(r"\s+", "", "".join(found))


def test_an_admonition_is_a_box_with_its_title_in_bold() -> None:
    assert boxes_of('!!! note "Mind *this*"\n    The gap.\n').replace("\n", "") == (
        f"{BOX}<p><strong>Mind <em>this</em></strong></p><p>The gap.</p></td></tr></tbody></table>"
    )


def test_details_are_boxes_that_stand_open() -> None:
    assert boxes_of("??? tip\n    Hidden.\n").replace("\n", "") == (
        f"{BOX}<p><strong>Tip</strong></p><p>Hidden.</p></td></tr></tbody></table>"
    )


def test_every_tab_is_a_box() -> None:
    html = boxes_of('=== "One"\n    First.\n\n=== "Two"\n    Second.\n')

    assert html.count(BOX) == 2
    assert [html.index(part) for part in ("One", "First", "Two", "Second")] == sorted(
        html.index(part) for part in ("One", "First", "Two", "Second")
    )
    assert "<details" not in html


def test_tables_have_lines_and_keep_their_alignment() -> None:
    html = boxes_of("| a | b |\n|---|--:|\n| 1 | 2 |\n")

    assert html.startswith('<table border="1" cellpadding="6" cellspacing="0">')
    assert '<td align="right">2</td>' in html


def test_a_listing_is_its_text_with_its_name_above() -> None:
    html = boxes_of('```py title="x.py" linenums="1" hl_lines="1"\nreturn "<b>" + x & 1\n```\n')

    assert html == '<p><strong>x.py</strong></p>\n<pre><code>return "&lt;b&gt;" + x &amp; 1\n</code></pre>'


def test_terms_are_bold() -> None:
    assert "<dt><strong>Term</strong></dt>" in boxes_of("Term\n:   Definition\n")


def test_nothing_needs_a_style_sheet_and_no_word_is_lost() -> None:
    rendered = render_article(an_article(body=EVERYTHING), Library(), site_url=SITE).html

    html = boxed(rendered)

    assert not re.findall(r' (?:class|id|name|open)="', html)
    assert words(html) == words(
        rendered.replace("<span>1</span>\n<span>2</span>", "")
    )  # the numbers of the listing's lines
    assert 'width="300"' in html


@pytest.mark.parametrize("style", re.findall(r'style="([^"]*)"', boxes_of(EVERYTHING)))
def test_styles_are_few_and_plain(style: str) -> None:
    assert style == "margin:1em 0"


TAGS = "*em* <div> </div> <span> </span> <details><summary> </details> `x` &lt; word - >"
BLOCKS = [
    '!!! note "a"\n    ',
    "??? tip\n    ",
    '=== "T"\n    ',
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "Term\n:   ",
    "```py\n",
    "```\n",
]
PIECES = st.sampled_from([*TAGS.split(), *BLOCKS, "    ", "\n", "\n\n"])


@given(st.lists(PIECES, max_size=20).map("".join))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_stays_nested(body: str) -> None:
    html = boxes_of(body)

    left: list[str] = []
    for end, tag in re.findall(r"<(/?)([a-z0-9]+)[^>]*>", html):
        if end:
            assert left.pop() == tag
        elif tag not in ("br", "hr", "img", "col"):
            left.append(tag)
    assert not left
