"""The style sheets of the site and the mailing pages, and the tokens they begin with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.errors import BuildError, SettingsError
from pipeline.theme import design_tokens, mailing_stylesheet, minified, site_stylesheet

THEME = Path(__file__).parents[1] / "theme"
CSS = THEME / "assets/css"
TOKENS = (CSS / "tokens.css").read_text("utf-8")


def a_theme(folder: Path, **sheets: str) -> Path:
    (folder / "assets/css").mkdir(parents=True, exist_ok=True)
    for name, text in sheets.items():
        (folder / f"assets/css/{name}.css").write_text(text, "utf-8")
    return folder


def test_sheets_are_joined_in_order_and_named_by_what_they_hold(tmp_path: Path) -> None:
    theme = a_theme(
        tmp_path, site='@import url("b.css");\n@import url("a.css");\n', a="a { c: d; }", b="/* x */\nb { c: d }"
    )

    sheet = site_stylesheet(theme)
    again = site_stylesheet(a_theme(tmp_path, a="a { c: e; }"))

    assert sheet.text == "b{c:d}a{c:d}\n"
    assert re.fullmatch(r"assets/css/site-[0-9a-f]{10}\.css", sheet.path)
    assert sheet.path != again.path


def test_a_sheet_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"gone\.css: cannot be read"):
        site_stylesheet(a_theme(tmp_path, site='@import url("gone.css");'))


def test_the_mailing_pages_have_the_sites_sheet_and_their_own_behind_it(tmp_path: Path) -> None:
    theme = a_theme(tmp_path, site='@import url("a.css");', a="a { c: d }")
    bare = mailing_stylesheet(theme)

    sheet = mailing_stylesheet(a_theme(tmp_path, web="w { x: y }"))

    assert bare.text == site_stylesheet(theme).text
    assert sheet.text == "a{c:d}\nw{x:y}\n"
    assert re.fullmatch(r"assets/css/mailing-[0-9a-f]{10}\.css", sheet.path)


def test_the_dark_tokens_are_the_light_ones_but_for_what_the_dark_says(tmp_path: Path) -> None:
    tokens = (
        ":root { --a: 1; --b: x, y; } /* :root { --a: 9; } */ @media (prefers-color-scheme: dark) { :root { --a: 2; } }"
    )

    light, dark = design_tokens(a_theme(tmp_path, tokens=tokens))

    assert light == {"a": "1", "b": "x, y"}
    assert dark == {"a": "2", "b": "x, y"}


@pytest.mark.parametrize("sheets", [{}, {"tokens": ":root { --a: 1; }"}], ids=["none", "no dark"])
def test_letters_ask_for_tokens_that_are_not_there(tmp_path: Path, sheets: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"tokens\.css"):
        design_tokens(a_theme(tmp_path, **sheets))


def test_space_that_means_something_is_kept() -> None:
    css = "a :is(b, c) > d { width: calc(1px + 2px); font: 1px/2 'A B', serif; margin: -0.5em 10.5em 0 0.25em; }"

    assert minified(css) == "a :is(b,c)>d{width:calc(1px + 2px);font:1px/2 'A B',serif;margin:-.5em 10.5em 0 .25em}\n"


def test_tokens_are_plain_custom_properties_on_root_alone() -> None:
    """Letters resolve and inline them: only `:root`, and one media query for the dark."""
    bare = re.sub(r"/\*.*?\*/", "", TOKENS, flags=re.DOTALL)

    assert re.findall(r"([^{};]+)\{", " ".join(bare.split())) == [
        ":root ",
        " @media (prefers-color-scheme: dark) ",
        " :root ",
    ]


def test_every_token_that_is_used_is_defined_and_every_colour_has_a_dark_twin() -> None:
    used = set(re.findall(r"var\((--[a-z0-9-]+)", "".join(p.read_text("utf-8") for p in CSS.glob("*.css"))))
    light, dark = (set(re.findall(r"(--[a-z0-9-]+):", part)) for part in TOKENS.split("@media"))
    colours = set(re.findall(r"(--[a-z0-9-]+): #", TOKENS))

    assert used - {"--side"} <= light
    assert colours <= dark


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_can_be_read_on_every_surface(scheme: int) -> None:
    """WCAG 2.2, 1.4.3 asks for 4.5:1; we ask for 4.7:1."""
    tokens = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", TOKENS.split("@media")[scheme]))
    texts = ("ink", "ink-2", "ink-3", "signal", "signal-strong", "amber", "red", "visited")
    pairs = [(text, surface) for text in texts for surface in ("paper", "card", "sunk")]

    low = {
        pair: contrast(tokens[pair[0]], tokens[pair[1]])
        for pair in [*pairs, ("on-signal", "signal"), ("ink", "mark"), ("signal", "mark")]
    }

    assert not {pair: ratio for pair, ratio in low.items() if ratio < 4.7}


def contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
