"""How letters look: in old mail programs, in the dark, and where a mail program turns the colours around."""

from __future__ import annotations

import colorsys
import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise

import css_inline
import pytest

from pipeline.config import Settings
from pipeline.theme import design_tokens
from tests.mail.every import EVERY, message, with_theme

VOID = {"br", "hr", "img", "meta", "link", "input", "col"}
READABLE = 4.5  # WCAG 1.4.3
SHEET = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """Words, and how they are shown."""

    text: str
    tag: str
    colour: str
    behind: str
    size: float
    family: str


class _Page(HTMLParser):
    """Reads inline styles only, as the poorest mail program does."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Shown] = []
        self._open: list[tuple[str, dict[str, str]]] = [
            ("", {"color": "", "background-color": "", "font-size": "", "font-family": ""})
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        style = dict(self._open[-1][1])
        hidden = style.get("display") == "none"
        for part in (dict(attrs).get("style") or "").split(";"):
            name, _, value = part.partition(":")
            style[name.strip().lower()] = value.replace("!important", "").strip()
        self._open.append((tag, {**style, **({"display": "none"} if hidden else {})}))

    def handle_endtag(self, tag: str) -> None:
        while len(self._open) > 1 and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, style = self._open[-1]
        if data.strip() and tag not in ("style", "title") and style.get("display") != "none":
            self.shown.append(
                Shown(
                    " ".join(data.split()),
                    tag,
                    style["color"],
                    style["background-color"],
                    float(style["font-size"].removesuffix("px") or 0),
                    style["font-family"],
                )
            )


def shown_in(html: str) -> list[Shown]:
    page = _Page()
    page.feed(html)
    return page.shown


def html_of(what: str, settings: Settings) -> str:
    part = email.message_from_bytes(message(what, settings), policy=email.policy.default).get_body(("html",))
    assert part is not None
    return str(part.get_content())


def in_the_dark(html: str, *, outlook: bool = False) -> str:
    """*html* as a program shows it that asks for dark colours by style sheet, or as Outlook does, by its own marks."""
    [sheet] = SHEET.findall(html)
    if outlook:
        rules = "\n".join(re.sub(r"\[data-ogs[cb]\] ", "", line) for line in sheet.splitlines() if "[data-ogs" in line)
    else:
        [rules] = re.findall(r"@media \(prefers-color-scheme: dark\) \{(.*?)\n\}", sheet, re.DOTALL)
    return css_inline.CSSInliner().inline(SHEET.sub(lambda found: f"<style>{rules}</style>", html))


def rgb(colour: str) -> tuple[float, float, float]:
    assert re.fullmatch(r"#[0-9a-f]{6}", colour), colour
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def inverted(colour: tuple[float, float, float]) -> tuple[float, float, float]:
    """Light becomes dark, and the hue stays: what Gmail and Outlook do to a letter without dark colours of its own."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour)
    return colorsys.hls_to_rgb(hue, 1 - lightness, saturation)


def contrast(one: tuple[float, float, float], two: tuple[float, float, float]) -> float:
    """WCAG 2.2, "contrast ratio" and "relative luminance"."""

    def luminance(colour: tuple[float, float, float]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(two)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.fixture
def themed(settings: Settings) -> Settings:
    return with_theme(settings)


def pairs(html: str) -> Iterator[tuple[Shown, tuple[float, float, float], tuple[float, float, float]]]:
    for shown in shown_in(html):
        yield shown, rgb(shown.colour), rgb(shown.behind)


# --- M-48 --------------------------------------------------------------------------------------------------------------------


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast(rgb("#ffffff"), rgb("#000000")) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#ffffff")) == pytest.approx(4.48, abs=0.01)
    assert inverted(rgb("#ffffff")) == (0, 0, 0)


@pytest.mark.parametrize("what", EVERY)
def test_m48_every_word_can_be_read_as_sent_and_turned_around(themed: Settings, what: str) -> None:
    """M-48: every pair of text and background that the letter has."""
    seen = set()
    for shown, colour, behind in pairs(html_of(what, themed)):
        assert contrast(colour, behind) >= READABLE, shown
        assert contrast(inverted(colour), inverted(behind)) >= READABLE, shown
        assert {shown.colour, shown.behind} != {"#000000", "#ffffff"}
        seen.add((shown.colour, shown.behind))
    assert len(seen) >= 3


@pytest.mark.parametrize("outlook", [False, True], ids=["by style sheet", "by Outlook"])
@pytest.mark.parametrize("what", EVERY)
def test_m48_every_word_can_be_read_in_the_letters_own_dark(themed: Settings, what: str, *, outlook: bool) -> None:
    light, dark = html_of(what, themed), in_the_dark(html_of(what, themed), outlook=outlook)

    _, tokens = design_tokens(themed.root / "theme")
    for shown, colour, behind in pairs(dark):
        assert contrast(colour, behind) >= READABLE, shown
    behind_all = {shown.behind for shown in shown_in(dark)}
    assert behind_all <= {tokens["paper"], tokens["signal"], tokens["sunk"]}
    assert [shown.text for shown in shown_in(dark)] == [shown.text for shown in shown_in(light)]


@pytest.mark.parametrize("what", EVERY)
def test_m48_the_letter_says_that_it_has_both(themed: Settings, what: str) -> None:
    html = html_of(what, themed)

    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert not re.search(r"<(img|svg)\b", html), "no words in pictures"


# --- M-47 --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", EVERY)
def test_m47_a_program_that_drops_style_sheets_shows_every_word_in_its_size_and_colour(
    themed: Settings, what: str
) -> None:
    """M-47, M-21: styles inline, sizes in px, links no smaller than 12 px."""
    html = SHEET.sub("", html_of(what, themed))

    for shown in shown_in(html):
        assert shown.size >= 12, shown
        assert "Georgia" in shown.family or "Arial" in shown.family or "Courier" in shown.family, shown
    styles = "; ".join(re.findall(r'style="([^"]*)"', html))
    assert not re.findall(r"\d(?:r?em|vw|vh|pt|ch)\b", styles)
    assert not re.findall(r"\b(?:flex|grid|position|float|var\(|calc\(|clamp\()", styles)
    assert "<style" not in html


@pytest.mark.parametrize("what", EVERY)
def test_m47_tables_of_the_layout_are_for_the_eye_alone(themed: Settings, what: str) -> None:
    html = html_of(what, themed)

    tables = re.findall(r"<table[^>]*>", html)
    assert sum('role="presentation"' in table for table in tables) == 3, "page, Outlook's frame of 600 px, column"
    assert all(re.search(r'width="600"|class="(page|column)"', table) for table in tables if "presentation" in table)
    assert re.search(r'<html lang="en" dir="ltr"', html)
    assert "max-width: 600px" in html


def test_the_page_reader_of_these_tests_sees_what_is_inherited_and_what_is_hidden() -> None:
    html = (
        '<body style="color: #111111; background-color: #eeeeee; font-size: 10px"><p style="display:none">no</p>'
        '<div style="color: #222222">a<br><a style="background-color: #333333 !important">b</a></div>c</body>'
    )

    found = [(shown.text, shown.colour, shown.behind) for shown in shown_in(html)]

    assert found == [("a", "#222222", "#eeeeee"), ("b", "#222222", "#333333"), ("c", "#111111", "#eeeeee")]
    assert all(one != two for one, two in pairwise(found))
