"""Material's features where no style sheet reaches: boxes, plain listings, and every word still there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.library import Library, render_article, to_plain_text
from pipeline.library.clean import plain_text
from pipeline.library.unstyled import unstyled
from tests.builders import an_article

BOX = '<table class="box" role="presentation" border="1" cellpadding="12" cellspacing="0"><tr><td class="boxed">'


def rendered(body: str) -> str:
    return render_article(an_article(body=body), Library(), site_url="https://example.org/").html


def flat(html: str) -> str:
    return re.sub(r"\s*\n\s*", "", html)


def test_an_admonition_and_details_are_boxes_that_begin_with_their_titles() -> None:
    html = unstyled(rendered('!!! warning "Mind A < B"\n    Words.\n\n??? tip\n    Folded words.\n'))

    assert flat(html) == (
        f'{BOX}<p class="box-title"><strong>Mind A &lt; B</strong></p><p>Words.</p></td></tr></table>'
        f'{BOX}<p class="box-title"><strong>Tip</strong></p><p>Folded words.</p></td></tr></table>'
    )


def test_tabs_stand_below_each_other_each_with_its_label() -> None:
    html = unstyled(rendered('=== "Light"\n\n    One.\n\n=== "Dark"\n\n    Two.\n'))

    assert re.findall(r"<strong>(.*?)</strong>", html) == ["Light", "Dark"]
    assert html.count(BOX) == 2
    assert "details" not in html
    assert "<div" not in html


def test_a_listing_keeps_its_text_and_loses_its_colours() -> None:
    code = "def f(a):\n    return \"<b>\" if a else '&amp;'\n"
    html = unstyled(rendered('```python title="f.py"\n' + code + "```\n"))

    assert '<p class="caption">f.py</p>' in html
    [listing] = re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL)
    assert "<" not in listing
    assert listing == code.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_boxes_stand_within_lists_quotes_and_each_other() -> None:
    body = '- one\n\n    !!! note\n        Inner.\n\n> !!! info "In a quotation"\n>     ??? tip\n>         Deep.\n'
    html = unstyled(rendered(body))

    assert html.count(BOX) == html.count("</td></tr></table>") == 3
    assert flat(html).endswith("<p>Deep.</p></td></tr></table></td></tr></table></blockquote>")


def test_task_lists_are_marked_by_signs_that_need_no_form() -> None:
    html = rendered(
        "- [ ] open\n- [x] *done*\n- [X] too\n- [y] none\n- a [ ] b\n\nThen\n\n1. [ ] first\n\n2. [x] next\n"
    )

    assert re.findall(r"<li>\s*(?:<p>)?(.*?)(?:</p>)?\s*</li>", html) == [
        *("☐ open", "☑ <em>done</em>", "☑ too", "[y] none", "a [ ] b", "☐ first", "☑ next")
    ]
    assert unstyled(html) == html
    text = to_plain_text(an_article(body="- [ ] open\n- [x] done\n"), Library(), site_url="https://example.org/")
    assert "- ☐ open\n- ☑ done" in text


FEATURES = st.sampled_from(
    [
        '!!! note "T"\n    Words.',
        "??? tip\n    Folded.\n\n    - a list",
        '=== "One"\n\n    First.\n\n=== "Two"\n\n    ```js\n    let a = "<p>";\n    ```',
        "| a | b |\n|---|--:|\n| 1 | 2 |",
        "- [ ] open\n- [x] done",
        "Term\n:   What it is.",
        "<figure><figcaption>Said</figcaption></figure>",
        'A <mark>word</mark>, `<code>`, *more*<br>and ![a > b](https://example.org/a.png "t > u").',
        "> A quotation.",
        "    indented <code>",
    ]
)


@given(st.lists(FEATURES, min_size=1, max_size=8))
def test_no_word_is_lost_and_nothing_is_left_that_needs_a_style_sheet(features: list[str]) -> None:
    html = rendered("\n\n".join(features))

    plain = unstyled(html)

    assert plain_text(plain).replace(" ", "") == plain_text(html).replace(" ", "")
    assert not re.search(r"<(details|summary|figure|figcaption|mark|pre [^>]*)\b", plain)
    assert set(re.findall(r'class="([^"]*)"', plain)) <= {"box", "boxed", "box-title", "caption"}
    for element in set(re.findall(r"<([a-z0-9]+)", plain)) - {"br", "img", "hr", "col"}:
        assert len(re.findall(rf"<{element}[ >]", plain)) == plain.count(f"</{element}>"), element


@pytest.mark.parametrize("html", ["", "words", "<p>a<br>b</p>"])
def test_what_is_plain_stays_as_it_is(html: str) -> None:
    assert unstyled(html) == html
