"""Nothing that could run, look like us, or lead anywhere but the web is left in HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.library.clean import ATTRIBUTES, TAGS, absolute_url, clean_html, clean_rendered, plain_text

VECTORS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    '<img src="javascript:alert(1)">',
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    '<math><mi xlink:href="data:x,<script>alert(1)</script>">',
    '<a href="java\x01script:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href=" javascript:alert(1)">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>',
    '<a href="//evil.example/x">x</a>',
    '<a href="\\\\evil.example\\x">x</a>',
    '<a href="https:\\\\evil.example">x</a>',
    '<a href="https://user:pass@evil.example/">x</a>',
    "<iframe srcdoc='<script>1</script>'></iframe>",
    "<object data=x></object><embed src=x>",
    "<form action=https://evil.example><input name=email><button>go</button></form>",
    "<style>body{background:url(javascript:1)}</style>",
    '<p style="position:fixed" class="x" id="y" onclick="z" data-a="b">text</p>',
    '<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=https://evil.example">',
    '<link rel=stylesheet href="https://evil.example/x.css">',
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<details ontoggle=alert(1) open>x</details>",
    "<!--<img src=x onerror=alert(1)>--><!-- x --!><img src=x onerror=alert(1)>",
    "<textarea></textarea><title></title><xmp><img src=x onerror=alert(1)></xmp>",
    "<template><script>1</script></template>",
    '<a href="https://ok.example/" target="_blank" ping="https://evil.example" download>x</a>',
    '<video poster=javascript:1><source onerror="alert(1)"></video>',
    "<table background=javascript:1><td background=x>y</table>",
    "<a xlink:href='javascript:1' href='mailto:a@b.example'>x</a>",
]


class _Reader(HTMLParser):
    """Reads cleaned HTML and complains about everything that is not on the list."""

    def __init__(self, allowed: dict[str, frozenset[str]]) -> None:
        super().__init__()
        self.allowed = allowed
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.wrong.append(tag)
        for name, value in attrs:
            if name not in self.allowed.get(tag, frozenset()):
                self.wrong.append(f"{tag} {name}")
            if name in ("href", "src") and not re.match(
                r"(https?://[^/@\\\s]+(?:[/?#]|$)|mailto:\S+@|#[\w.:-]*$)", value or "", re.IGNORECASE
            ):
                self.wrong.append(f"{name}={value}")

    def handle_comment(self, data: str) -> None:
        self.wrong.append("a comment")


def wrong_with(html: str, allowed: dict[str, frozenset[str]] | None = None) -> list[str]:
    reader = _Reader(allowed or dict(ATTRIBUTES))
    reader.feed(html)
    return reader.wrong


@pytest.mark.parametrize("vector", VECTORS)
def test_t27_no_script_handler_style_or_foreign_tag_is_left(vector: str) -> None:
    cleaned = clean_html(vector)

    assert wrong_with(cleaned) == []
    assert clean_html(cleaned) == cleaned


HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(VECTORS),
        st.sampled_from(
            ["<p>", "</p>", "<a href='", "'>", '"', "<table>", "<td>", "</a>", "<b>", "&lt;", "&#x3c;", "<", ">"]
        ),
        st.text(max_size=8),
    ),
    max_size=8,
).map("".join)


@settings(max_examples=300)
@given(HOSTILE)
def test_t27_any_mixture_is_harmless_and_cleaning_again_changes_nothing(html: str) -> None:
    cleaned = clean_html(html)

    assert wrong_with(cleaned) == []
    assert clean_html(cleaned) == cleaned.replace("\r", "\n")


def test_what_readers_need_is_kept() -> None:
    html = (
        '<h2>Head</h2><p>A <a href="https://example.org/a?b=1&amp;c=2#d" title="t">link</a>, <em>em</em>, <code>c</code>.</p>'
        '<ul><li>x</li></ul><table><tbody><tr><td align="right" colspan="2">1</td></tr></tbody></table>'
        '<img src="https://example.org/i.png" alt="x &gt; y"><blockquote><p>q</p></blockquote><pre><code>x</code></pre>'
    )

    assert clean_html(html) == html


def test_relative_addresses_are_resolved_or_dropped() -> None:
    html = '<a href="../x y?a=b|c">x</a><img src="i.png" alt=""><img alt="nothing">'

    assert clean_html(html) == "<a>x</a>"
    assert clean_html(html, base_url="https://example.org/feed/now/") == (
        '<a href="https://example.org/feed/x%20y?a=b%7Cc">x</a><img src="https://example.org/feed/now/i.png" alt="">'
    )


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("https://example.org/", "https://example.org/"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("mailto:nobody", None),
        ("http://[", None),
        ("https:///x", "https://example.org/x"),
        ("tel:1", None),
        ("x.html", "https://example.org/a/x.html"),
        ("?q", "https://example.org/a/b?q"),
        ("#part", "https://example.org/a/b#part"),
    ],
)
def test_addresses(url: str, whole: str | None) -> None:
    assert absolute_url(url, "https://example.org/a/b") == whole


def test_rendered_html_keeps_only_the_classes_and_ids_that_are_ours() -> None:
    html = (
        '<h2 id="head" class="x">H</h2><h3 id="head">again</h3><h3 id="source-1">s</h3><p id="head" class="lead">p</p>'
        '<sup class="cite evil"><a href="#source-1" id="cite-1-1">1</a></sup><a id="cite-9-9">n</a>'
        '<div class="language-python highlight ds-masthead"><pre><span class="kn nav">x</span></pre></div>'
        '<div class="admonition note"><p class="admonition-title">t</p></div><code class="language-js x">y</code>'
        '<details class="tab" name="tabs-1" open><summary>s</summary></details><details name="evil">d</details>'
    )

    cleaned = clean_rendered(html, resolve=lambda url: url, ids={"head", "cite-1-1", "source-1"})

    assert cleaned == (
        '<h2 id="head">H</h2><h3>again</h3><h3>s</h3><p>p</p>'
        '<sup class="cite"><a href="#source-1" id="cite-1-1">1</a></sup><a>n</a>'
        '<div class="language-python highlight"><pre><span class="kn nav">x</span></pre></div>'
        '<div class="admonition note"><p class="admonition-title">t</p></div><code class="language-js">y</code>'
        '<details class="tab" name="tabs-1" open=""><summary>s</summary></details><details>d</details>'
    )


def test_what_the_resolver_answers_is_checked_too() -> None:
    assert clean_rendered('<a href="x">y</a>', resolve=lambda url: "javascript:alert(1)") == "<a>y</a>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>two<br>three</p>", "One two three"),
        ("AT&amp;T &lt;b&gt; <b>bo</b>ld", "AT&T <b> bold"),
        ("<script>alert(1)</script>x<style>y</style>", "x"),
        ("a < b & c", "a < b & c"),
        ("  much \n\t white\u00a0space ", "much white space"),
        ("", ""),
    ],
)
def test_plain_text_is_words_only(html: str, text: str) -> None:
    assert plain_text(html) == text
