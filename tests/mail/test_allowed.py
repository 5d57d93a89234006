"""No template uses what mail programs do not show: M-47, M-49."""

from __future__ import annotations

import email
import email.policy

import pytest

from pipeline.config import Settings
from pipeline.library.clean import TAGS
from tests.mail.allowed import ELEMENTS, findings, listed
from tests.mail.every import BODY, EVERY, articles, composed, message, with_theme

RICH = (
    f'{BODY}\n\n!!! warning "Mind"\n    Words.\n\n    | a | b |\n    |:--|--:|\n    | 1 | 2 |\n\n=== "One"\n\n    First.\n\n'
    "??? tip\n    Folded.\n\n- [x] done\n\nTerm\n:   What it is.\n\n<figure><figcaption>Said</figcaption></figure>\n\n"
    '```python title="a.py"\nprint(1)\n```\n\nA <mark>word</mark>, H<sub>2</sub>O, <kbd>k</kbd>, <del>d</del>.\n\n'
    "![ours](https://deepsignals.example.org/c.png){: width=10 height=20 }\n\n***\n"
)


def html_of(raw: bytes) -> str:
    part = email.message_from_bytes(raw, policy=email.policy.default).get_body(("html",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("what", EVERY)
def test_m49_every_message_uses_only_what_is_listed(settings: Settings, what: str) -> None:
    """A new finding fails: look it up, then list it in allowed.py or leave it."""
    assert findings(html_of(message(what, with_theme(settings)))) == []


@pytest.mark.parametrize("what", ["daily", "each"])
def test_m49_so_does_an_article_with_everything_that_markdown_has(settings: Settings, what: str) -> None:
    html = html_of(composed(what, with_theme(settings), articles(body=RICH)))

    assert findings(html) == []
    assert "supported-color-schemes" in html


def test_m49_whatever_an_article_may_hold_is_listed_or_translated() -> None:
    assert TAGS - listed(ELEMENTS) == {"details", "summary", "figure", "figcaption", "mark"}


@pytest.mark.parametrize(
    ("html", "finding"),
    [
        ("<video></video>", "element video"),
        ('<p onclick="x">', "attribute onclick"),
        ('<p style="position: absolute">', "property position"),
        ('<p style="display: flex">', "property display: flex"),
        ('<p style="width: 2rem">', "property width: 2rem"),
        ('<p style="color: var(--ink)">', "property color: var(--ink)"),
        ("<style>@font-face { color: red }</style>", "rule @font-face"),
        ("<style>@media (max-width: 620px) { .pad { padding: 0 16px } }</style>", "padding of .pad in a sheet"),
        ("<style>[class] { color: red }</style>", "selector [class]"),
        ("<style>p { position: fixed }</style>", "property position in a sheet"),
    ],
)
def test_what_is_not_listed_is_found(html: str, finding: str) -> None:
    assert finding in findings(html)
