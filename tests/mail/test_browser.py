"""Letters as a real browser draws them: light, dark, turned around, on a phone, without pictures."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.config import Settings
from tests.mail.every import articles, composed, message, with_theme
from tests.mail.test_allowed import RICH, html_of
from tests.mail.test_looks import READABLE, contrast, inverted

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; as root: apt-get install chromium"),
    # Playwright's own process may still close its pipes when the interpreter looks.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# Every text that is seen: its words, its colour, and the colour of what it stands on.
SEEN = """() => {
  const seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const words = walker.currentNode.data.trim();
    if (!words || !element.getClientRects().length) continue;
    let below = element;
    while (below && getComputedStyle(below).backgroundColor === "rgba(0, 0, 0, 0)") below = below.parentElement;
    seen.push([words, getComputedStyle(element).color, below ? getComputedStyle(below).backgroundColor : "rgb(255, 255, 255)"]);
  }
  return seen;
}"""
LETTERS = ("daily", "weekly", "each", "welcome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def shown(browser: Any, html: str, *, dark: bool = False, width: int = 680) -> Any:
    """A page with the letter; nothing is loaded from anywhere."""
    context = browser.new_context(
        color_scheme="dark" if dark else "light", viewport={"width": width, "height": 900}, java_script_enabled=True
    )
    page = context.new_page()
    page.route("**/*", lambda route: route.abort())
    page.set_content(html)
    return page


def letter(what: str, settings: Settings) -> str:
    settings = with_theme(settings)
    raw = message(what, settings) if what == "welcome" else composed(what, settings, articles(body=RICH))
    return html_of(raw)


def rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(number) / 255 for number in re.findall(r"\d+", colour)[:3])
    return red, green, blue


@pytest.mark.parametrize("what", LETTERS)
def test_m48_every_word_is_readable_in_light_in_dark_and_turned_around(
    browser: Any, settings: Settings, what: str
) -> None:
    html = letter(what, settings)
    seen = {dark: shown(browser, html, dark=dark).evaluate(SEEN) for dark in (False, True)}

    for dark, words in seen.items():
        assert len(words) >= 8
        for text, colour, behind in words:
            assert contrast(rgb(colour), rgb(behind)) >= READABLE, (dark, text, colour, behind)
    for text, colour, behind in seen[False]:
        assert contrast(inverted(rgb(colour)), inverted(rgb(behind))) >= READABLE, text
    assert [text for text, *_ in seen[False]] == [text for text, *_ in seen[True]]
    assert {behind for *_, behind in seen[False]} & {behind for *_, behind in seen[True]} == set()


def test_without_pictures_their_words_stand_there(browser: Any, settings: Settings) -> None:
    page = shown(browser, letter("each", settings))

    pictures = page.evaluate("[...document.images].map(image => [image.alt, image.naturalWidth])")
    assert pictures == [["ours", 0]]
    text = page.inner_text("body")
    for words in ("A first paragraph", "Mind", "Folded.", "What it is.", "print(1)", "Unsubscribe"):
        assert words in text


@pytest.mark.parametrize("what", LETTERS)
def test_on_a_phone_nothing_runs_out_of_the_screen_and_the_space_above_stays(
    browser: Any, settings: Settings, what: str
) -> None:
    """A rule for small screens that sets the whole padding would take the inline one above and below away."""
    html = letter(what, settings)
    desk, phone = shown(browser, html), shown(browser, html, width=320)

    paddings = "[...document.querySelectorAll('.pad')].map(e => [getComputedStyle(e).paddingTop, getComputedStyle(e).paddingLeft])"
    wide, narrow = desk.evaluate(paddings), phone.evaluate(paddings)

    assert phone.evaluate("document.documentElement.scrollWidth") <= 320
    assert [top for top, _ in narrow] == [top for top, _ in wide]
    assert {left for _, left in narrow} == {"16px"}
    assert {left for _, left in wide} == {"24px"}
    assert desk.evaluate("document.querySelector('.column').getBoundingClientRect().width") == 600


def test_text_is_georgia_at_18_and_28_and_labels_are_arial(browser: Any, settings: Settings) -> None:
    page = shown(browser, letter("daily", settings))

    style = "e => [getComputedStyle(e).fontFamily.split(',')[0], getComputedStyle(e).fontSize, getComputedStyle(e).lineHeight]"
    assert page.eval_on_selector(".text p", style) == ["Georgia", "18px", "28px"]
    assert page.eval_on_selector(".label", style)[0] == "Arial"
    assert page.eval_on_selector("[role=article]", "e => e.lang") == "en"


LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
WIDE = f"""\
{LONG}: <https://example.org/a/path/that/is/long/enough/to/leave/the/column/of/a/letter/on/any/screen?with=parameters>.[^census]

!!! note "{LONG}"
    {LONG}

    | Region | Queue | Built | Withdrawn | Under study | Remarks that take some room |
    |:-------|------:|:-----:|----------:|------------:|-----------------------------|
    | ERCOT | 445,120 | 12,000 | 80,400 | 353,900 | the largest of all, and the slowest by any measure |

- {LONG}
"""


@pytest.mark.parametrize("width", [320, 680])
@pytest.mark.parametrize("what", ["daily", "each"])
def test_words_longer_than_the_screen_are_broken_and_numbers_in_tables_never(
    browser: Any, settings: Settings, what: str, width: int
) -> None:
    wide = articles(title=f"On {LONG}", dek=LONG, body=WIDE)
    page = shown(browser, html_of(composed(what, with_theme(settings), wide)), width=width)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('.column').getBoundingClientRect().width") == min(600, width)
    numbers = page.query_selector_all(".text td[align=right]")
    assert len(numbers) == (3 if what == "each" else 0)
    for number in numbers:
        lines = number.evaluate(
            "e => { const r = document.createRange(); r.selectNodeContents(e); return r.getClientRects().length }"
        )
        assert lines == 1, number.inner_text()


ARABIC = "كل رقم في هذه الرسالة يعود إلى مصدر محفوظ"


@pytest.mark.parametrize("own", [True, False], ids=["of the newsletter", "of one article"])
def test_a_language_from_the_right_begins_at_the_right_and_code_at_the_left(
    browser: Any, settings: Settings, *, own: bool
) -> None:
    themed = with_theme(settings, **({"language": "ar"} if own else {}))
    body = (
        f"{ARABIC} `x = 1!` {ARABIC}.[^census]\n\n> {ARABIC}\n\n```python\nprint(1)  # one!\n```\n\n"
        f"!!! note\n    {ARABIC}\n\n| {ARABIC} | b |\n|---|---|\n| {ARABIC} | 2 |\n"
    )
    arabic = articles(title=ARABIC, dek=ARABIC, body=body, lang="ar")
    page = shown(browser, html_of(composed("each", themed, arabic)))

    def styles(selector: str, name: str) -> set[str]:
        return set(page.eval_on_selector_all(selector, f"found => found.map(e => getComputedStyle(e).{name})"))

    assert page.get_attribute("html", "dir") == ("rtl" if own else "ltr")
    for selector in ("h1", ".dek", ".text p", ".text blockquote", ".text td"):
        assert styles(f"{selector}:not(ol *)", "direction") == {"rtl"}, selector
    assert styles(".text[dir=rtl] :is(pre, code)", "direction") == {"ltr"}
    assert styles(".text th", "textAlign") == {"right"}
    assert styles(".text blockquote", "borderRightWidth") == styles(".text .boxed", "borderRightWidth") == {"3px"}
    assert page.get_attribute("h1", "lang") == (None if own else "ar")


def test_in_a_digest_the_words_of_an_article_in_another_language_say_so(browser: Any, settings: Settings) -> None:
    lead, brief = articles(title=ARABIC, dek=ARABIC, lang="ar")
    page = shown(browser, html_of(composed("daily", with_theme(settings), (brief, lead))))

    assert page.eval_on_selector_all("[lang=ar]", "found => found.map(e => [e.tagName, e.dir, e.innerText])") == [
        ["H2", "rtl", ARABIC],
        ["P", "rtl", ARABIC],
    ]
