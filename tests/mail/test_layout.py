"""The templates of letters: what is escaped where, the site's colours in light and dark, and text that fits 72 columns."""

from __future__ import annotations

import re
import shutil
from typing import Any

import jinja2
import pytest

from pipeline.config import Settings
from pipeline.errors import SettingsError
from pipeline.mail.compose import Links
from pipeline.mail.layout import WIDTH, render_html, render_subject, render_text, wrap
from tests.conftest import REPOSITORY
from tests.mail.reading import tags

LINKS = Links(
    unsubscribe="https://example.org/unsubscribe/x?a=1&b=2",
    preferences="https://example.org/preferences/x",
    how="https://example.org/how/",
)
CSS = "theme/assets/css/tokens.css"


@pytest.fixture
def themed(settings: Settings) -> Settings:
    (settings.root / CSS).parent.mkdir(parents=True)
    shutil.copy(REPOSITORY / CSS, settings.root / CSS)
    return settings


def values(**changes: Any) -> dict[str, Any]:
    """What the template of a welcome needs."""
    return {
        "subject": "Welcome",
        "host": "example.org",
        "cadence": "daily",
        "why": "You asked for it.",
        "links": LINKS,
        **changes,
    }


def test_html_is_escaped_and_text_is_not(themed: Settings) -> None:
    hostile = 'R&D <i>"x"</i>'
    named = themed.model_copy(update={"site_name": hostile})

    html = render_html("welcome", named, values(host=hostile, why=hostile, subject=hostile, preheader=hostile))
    text = render_text("welcome", named, values(why=hostile))
    subject = render_subject("welcome", named, values())

    assert "i" not in tags(html)
    assert html.count("R&amp;D &lt;i&gt;") >= 5
    assert 'href="https://example.org/unsubscribe/x?a=1&amp;b=2"' in html
    assert text.count(hostile) == 3
    assert "https://example.org/unsubscribe/x?a=1&b=2\n" in text
    assert subject == f"You are subscribed to {hostile}"


def test_the_colours_are_the_sites_and_dark_ones_are_there(themed: Settings) -> None:
    css = (
        ":root { --paper: #fefefe; --ink: #010101; /* --signal: #000000; */ --signal: #0a0b0c; --rule: #dddddd; --sunk: #eeeeee;"
        " --ink-2: #222222; --ink-3: #333333; --on-signal: #fafafa; }\n"
        "@media (prefers-color-scheme: dark) { :root { --paper: #121212; --ink: #ededed; } }\n"
    )
    (themed.root / CSS).write_text(css)

    html = render_html("confirm", themed, {**values(when="today"), "links": {"confirm": "x", "decline": "y"}})

    light, _, dark = html.partition("prefers-color-scheme: dark")
    assert dark
    assert "#121212" not in light
    assert {"#121212 !important", "#ededed !important"} <= set(re.findall(r"#\w{6} !important", dark))
    body = dark.partition("<body")[2]
    assert "background-color: #fefefe" in body, "inlined, for readers without style sheets"
    assert "#0a0b0c" in body
    assert "#000000" not in html


@pytest.mark.parametrize(
    "css", [None, "", ":root { --paper: #fff; }"], ids=["no file", "empty", "without the dark ones"]
)
def test_a_theme_without_tokens_is_said_and_not_guessed(themed: Settings, css: str | None) -> None:
    (themed.root / CSS).unlink() if css is None else (themed.root / CSS).write_text(css)

    with pytest.raises(SettingsError, match=r"tokens\.css"):
        render_html("welcome", themed, values())


@pytest.mark.parametrize("kind", ["welcome", "known"])
def test_text_fits_its_columns_and_no_link_is_broken(themed: Settings, kind: str) -> None:
    long = themed.model_copy(update={"postal_address": "A house with a long name, " * 8, "site_name": "Deep " * 12})
    links = Links("https://example.org/u/" + "x" * 90, "https://example.org/p/" + "y" * 90, "https://example.org/how/")

    text = render_text(kind, long, values(links=links, when="today", why="You asked for it, " * 10))

    lines = text.splitlines()
    assert len(lines) > 15
    assert {line for line in lines if len(line) > WIDTH} == {
        *(links.unsubscribe, links.often, links.pause),
        *([links.preferences] if kind == "known" else []),
    }
    assert "\n\n\n" not in text
    assert text == text.strip() + "\n"


def test_a_word_that_is_missing_is_a_fault_and_no_hole(themed: Settings) -> None:
    with pytest.raises(jinja2.UndefinedError, match="why"):
        render_text("welcome", themed, {name: value for name, value in values().items() if name != "why"})


def test_on_a_phone_a_table_of_figures_makes_no_letter_wider_than_the_screen(themed: Settings) -> None:
    """M-47. Else the whole letter is as wide as the longest words of a row side by side. The table scrolls; no number is parted."""
    html = render_html("welcome", themed, values())

    [narrow] = re.findall(r"@media \(max-width: 620px\) \{(.*?\}) \}", html)
    assert ".text table { display: block; overflow-x: auto; }" in narrow
    assert "anywhere" not in narrow
    assert all(
        "table-layout: fixed" in html.partition(f'class="{name}"')[2].partition(">")[0] for name in ("page", "column")
    )


def test_the_preheader_is_followed_by_nothing_that_an_inbox_shows(themed: Settings) -> None:
    with_it, without = (render_html("welcome", themed, values(preheader=words)) for words in ("In short", ""))

    hidden = [
        re.search(r"<div style=\"display:\s*none[^>]*>(.*?)</div>", html, re.DOTALL) for html in (with_it, without)
    ]
    assert hidden[0] is not None
    assert hidden[1] is not None
    assert hidden[0][1].startswith("In short")
    assert len(hidden[0][1]) > 200
    assert hidden[1][1].strip() == ""


def test_wrapping_breaks_no_address() -> None:
    address = "https://example.org/" + "a-long-path/" * 10

    assert wrap(f"{'word ' * 20}{address} end").splitlines()[-2:] == [address, "end"]
