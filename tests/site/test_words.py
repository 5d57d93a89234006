"""The words of an article, as they are read from its parts and back out of its page."""

from __future__ import annotations

from html import escape

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.library.clean import clean_rendered
from pipeline.site.markup import dressed
from pipeline.site.reading import article_words, words_of_article

PIECES = [
    *(
        "one",
        "two ",
        "\n",
        "  ",
        "Über",
        "a<b",
        "&",
        "&amp;",
        "&nbsp;",
        "&copy",
        "&#39;",
        "<",
        ">",
        '"',
        "<br>",
        "<hr>",
        "</p>",
        "</div>",
    ),
    *(
        '<sup class="cite"><a href="#source-1" id="cite-1-1">1</a></sup>',
        '<sup class="cite-sep">, </sup>',
        "<sup>2</sup>",
        "<sup>",
    ),
    *(
        '<sup class="cite">a<sup>b</sup>c</sup>',
        '<p title="a > b">',
        "<p>",
        "<h2>",
        "<em>",
        "</em>",
        "<kbd>x</kbd>",
        "<pre>a\n b</pre>",
    ),
    *(
        "<table><tr><td>x<td>y</table>",
        "<ul><li>x",
        "<details><summary>s</summary>",
        "<code>",
        "</code>",
        '<img src="x.png" alt="y>">',
    ),
    *(
        "<script>x</script>",
        "<!-- x -->",
        "<div>",
        '<div class="prose">',
        '<h1 class="x">',
        "<svg><title>t</title></svg>",
        "&lt;b&gt;",
    ),
]


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.sampled_from(["A title", ' <b> & "q" ', ""]))
def test_words_are_read_from_parts_as_from_the_page(html: str, title: str) -> None:
    body = dressed(clean_rendered(html, resolve=lambda url: url, ids=set()))
    head = f'<h1>{escape(title)}</h1><p class="deck">{escape(title)}</p>'
    page = f'<article class="article">{head}<div class="prose">{body}</div></article>'

    assert words_of_article(title, title, body) == article_words(page)
