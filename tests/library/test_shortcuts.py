"""The shortcuts through Python-Markdown: whatever is rendered with them is what it is without them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

from pipeline.library.citations import CITATION, INSERTION, PANDOC
from pipeline.library.render import markdown_extensions
from pipeline.library.shortcuts import SIGNS, Shortcuts

REPOSITORY = Path(__file__).parents[2]
PIECES = [
    *"`\\*_[]()!<>&:#-+=|~^@\"'{} \n",
    *(
        " ",
        "\n",
        "\n\n",
        "\n\n    ",
        "  \n",
        "    ",
        "\t",
        "* ",
        "1. ",
        "> ",
        "## ",
        "- [ ] ",
        "--",
        "---\n",
        "\n===\n",
    ),
    *(
        "one",
        "two words",
        "Über",
        "snake_case",
        "9",
        "x\n: y",
        "| a | b |\n| - | - |\n",
        "a | b\n- | -\n",
        "``",
        "```\n",
        "~~~\n",
    ),
    *(
        "[^id]",
        "[^id.q]",
        "![[id.q]]",
        "[@id]",
        "[@id; @other]",
        "[a](b)",
        "![a](b)",
        "[a][b]",
        "\n[b]: https://a.example\n",
    ),
    *(
        "<b>",
        "</b>",
        "<div markdown>\n",
        "</div>\n",
        "<!-- x -->",
        "<https://a.example>",
        "<a@b.example>",
        "&amp;",
        "&#39;",
    ),
    *(
        '!!! note "T"\n',
        "??? tip\n",
        '=== "A"\n',
        "{: .x }",
        "{#y}",
        "*em*",
        "**strong**",
        "_e_",
        "\x02",
        "\x03",
        "\u2028",
        "²",
    ),
]


class _Placed(Extension):
    """The patterns of citations, which take whatever they match."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        for priority, (name, expression) in enumerate(
            {"citation": CITATION, "pandoc_citation": PANDOC, "insertion": INSERTION}.items()
        ):
            md.inlinePatterns.register(_Taken(expression, md), name, 175 + priority / 10)


class _Taken(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]  # noqa: N802
        return self.md.htmlStash.store(f"<sup>{m[0][1:3]}</sup>"), m.start(0), m.end(0)


def _rendering(*extensions: Extension) -> Callable[[str], str]:
    names, configs = markdown_extensions()
    engine = Markdown(extensions=[*names, _Placed(), *extensions], extension_configs=configs)
    return lambda text: engine.reset().convert(text)


plain, with_shortcuts = _rendering(), _rendering(Shortcuts())


@pytest.mark.parametrize("path", sorted((REPOSITORY / "content").rglob("*.md")), ids=lambda path: path.name)
def test_our_own_pages_and_articles_are_the_same(path: Path) -> None:
    text = path.read_text("utf-8").split("\n---\n", 1)[-1]

    assert with_shortcuts(text) == plain(text)


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_text_is_the_same(text: str) -> None:
    assert with_shortcuts(text) == plain(text)


def test_every_pattern_with_a_sign_is_there() -> None:
    """Else it was renamed, and is slow again."""
    names, configs = markdown_extensions()
    engine = Markdown(extensions=[*names, _Placed()], extension_configs=configs)

    assert [name for name in SIGNS if name not in engine.inlinePatterns] == []
