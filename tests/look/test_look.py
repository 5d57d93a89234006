"""How pages look where it can be measured: margins, paper, letters, boxes, the right to left."""

from __future__ import annotations

from typing import Any

import pytest

from tests.look.conftest import BROWSER_MARKS
from tests.look.gallery import ADDRESS, READER_PAGES, Surface
from tests.look.opening import show

pytestmark = BROWSER_MARKS
LONG, EVERYTHING, ARABIC = (f"{ADDRESS}articles/{slug}/" for slug in ("long", "everything", "arabic"))
NOTE = "getComputedStyle(document.querySelector('.cite[data-note]'), '::after')"


@pytest.mark.parametrize(("width", "shown"), [(1366, True), (1216, True), (1215, False), (390, False)])
def test_sources_stand_in_the_margin_of_a_wide_screen(page: Any, width: int, shown: bool) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(LONG)

    content, side = page.evaluate(f"[{NOTE}.content, {NOTE}.cssFloat]")

    assert (content != "none", side == "inline-end" or side == "right") == (shown, shown)


def test_a_cited_source_is_lit(page: Any) -> None:
    page.goto(LONG)
    page.locator("#cite-3-1").click()

    colour = page.locator("#source-3").evaluate("element => getComputedStyle(element).backgroundColor")
    mark = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--mark')")

    assert page.url.endswith("#source-3")
    assert colour == f"rgb({', '.join(str(int(mark[i : i + 2], 16)) for i in (1, 3, 5))})"


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(251, 250, 247)"), ("dark", "rgb(15, 18, 22)")])
def test_the_colours_follow_the_system(page: Any, surfaces: tuple[Surface, ...], scheme: str, paper: str) -> None:
    page.emulate_media(color_scheme=scheme)
    for surface in surfaces:
        show(page, surface)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper, surface.name


def test_fonts_are_loaded_ahead_and_never_waited_for(page: Any, surfaces: tuple[Surface, ...]) -> None:
    faces = "Array.from(document.fonts, face => [face.family, face.weight, face.style, face.display, face.status])"
    for surface in surfaces:
        show(page, surface)
        found = page.evaluate(faces)
        assert {display for *_, display, _ in found} == {"optional"}, surface.name
        used = {(family, style) for family, _, style, _, status in found if status == "loaded"}
        ahead = {(name, "normal") for name in ("Newsreader", "Newsreader Display", "Instrument Sans")}
        assert used - {("Newsreader", "italic")} <= ahead, surface.name
        assert page.locator("link[rel=preload][as=font][crossorigin]").count() == len(ahead), surface.name


def test_boxes_and_tabs_open_without_javascript(browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(EVERYTHING)

    def seen(words: str) -> bool:
        return bool(page.get_by_text(words, exact=True).is_visible())

    before = [seen(words) for words in ("The first tab.", "The second tab.", "What opens.", "What closes.")]
    page.get_by_text("Second", exact=True).click()
    page.get_by_text("Closed", exact=True).click()
    page.get_by_text("Open", exact=True).click()
    after = [seen(words) for words in ("The first tab.", "The second tab.", "What opens.", "What closes.")]

    assert before == [True, False, False, True]
    assert after == [False, True, True, False]
    context.close()


def test_a_listing_can_be_copied_and_has_no_button_without_javascript(browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    # Only pages by https have a clipboard, and the gallery is none.
    clipboard = "{value: {writeText: text => { window.copied = text }}}"
    page.add_init_script(f"Object.defineProperty(navigator, 'clipboard', {clipboard})")
    page.goto(EVERYTHING)
    button = page.locator(".highlight", has_text="yield from").locator("button.copy")
    button.press("Enter")
    copied, said = page.evaluate("copied"), button.inner_text()
    context.close()
    bare = browser.new_context(java_script_enabled=False)
    page = bare.new_page()
    page.goto(EVERYTHING)

    assert copied.startswith("def claims(article")
    assert copied.rstrip().endswith("# all")
    assert said == "Copied"
    assert page.get_by_role("button", name="Copy").count() == 0
    bare.close()


def test_a_wide_table_and_a_wide_listing_scroll_by_themselves_and_by_keyboard(page: Any) -> None:
    page.set_viewport_size({"width": 320, "height": 900})
    page.goto(EVERYTHING)

    for selector in (".prose .table", ".prose pre:has(.k)"):
        box = page.locator(selector).last
        box.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("box => box.scrollLeft > 0", arg=box.element_handle())
        assert box.evaluate("box => getComputedStyle(box).outlineStyle") == "solid", selector


def test_on_paper_the_text_stands_with_its_sources_and_nothing_to_press(page: Any) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(EVERYTHING)
    hidden = (".mast nav", ".signup", ".onward", ".switch", ".skip", ".foot nav", ".sources .back")

    assert not [selector for selector in hidden if page.locator(selector).first.is_visible()]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(f"{NOTE}.content") == "none"
    address = page.locator(".sources cite a").first
    assert "agency-1.example.org" in address.evaluate("link => getComputedStyle(link, '::after').content + link.href")
    for words in ("The second tab.", "What opens.", "What closes."):
        assert page.get_by_text(words, exact=True).is_visible(), words
    assert page.evaluate("document.querySelector('.prose .table').scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [320, 1366])
def test_an_article_in_a_language_from_the_right_stands_from_the_right(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(ARABIC)

    body, text = (page.locator(selector).bounding_box() for selector in (".prose", ".prose .cite"))
    heading = page.locator("h1").evaluate("heading => getComputedStyle(heading).direction")

    assert heading == "rtl"
    assert page.locator("html").get_attribute("dir") == "ltr"
    assert text["x"] < body["x"] + body["width"] / 2 or width == 320  # the line ends at the left
    if width == 1366:
        assert page.evaluate(f"{NOTE}.cssFloat") in ("inline-end", "left")


@pytest.mark.parametrize("surface", READER_PAGES, ids=lambda surface: surface.name)
def test_every_page_can_be_turned_around(page: Any, surface: Surface) -> None:
    """Set from right to left, no page scrolls sideways: the sheets speak of start and end, never of left and right."""
    for width in (320, 1366):
        page.set_viewport_size({"width": width, "height": 900})
        show(page, surface)
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_code_runs_from_left_to_right_on_pages_that_do_not(page: Any) -> None:
    page.goto(EVERYTHING)
    page.evaluate("document.documentElement.dir = 'rtl'")

    codes = page.eval_on_selector_all(
        ".prose :is(pre, code)",
        "found => found.map(e => [getComputedStyle(e).direction, getComputedStyle(e).unicodeBidi])",
    )
    assert {tuple(each) for each in codes} == {("ltr", "isolate")}


def test_the_mark_of_a_source_stands_beside_its_word_in_an_article_from_the_right(page: Any) -> None:
    page.goto(ARABIC)

    tier = page.locator(".sources .tier").first.evaluate(
        "e => [getComputedStyle(e).direction, getComputedStyle(e, '::before').marginRight]"
    )
    assert tier[0] == "ltr"
    assert tier[1] != "0px"


def test_on_paper_no_line_of_a_listing_is_cut_off(page: Any) -> None:
    """A line that is set off is as long as its words on a screen, where the listing scrolls."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 640, "height": 900})
    page.goto(EVERYTHING)

    assert page.locator(".hll").count() == 1
    assert (
        page.evaluate("Array.from(document.querySelectorAll('pre'), e => e.scrollWidth <= e.clientWidth)") == [True] * 3
    )


@pytest.mark.parametrize("width", [320, 768, 1366])
def test_a_source_whose_title_is_one_long_word_fits_the_register(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{ADDRESS}sources/")
    page.evaluate("document.querySelector('.source-table td a').textContent = 'Wirklichkeitsmessung'.repeat(9)")
    page.evaluate("document.querySelector('.source-table tbody th').append('Wirklichkeitsmessung'.repeat(9))")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_wrong_with_a_form_stands_apart_from_its_first_label(page: Any, surfaces: tuple[Surface, ...]) -> None:
    show(page, next(surface for surface in surfaces if surface.name == "sign-up form, refused"))

    trouble, label = (page.locator(selector).first.bounding_box() for selector in (".trouble", ".signup label"))
    assert label["y"] - trouble["y"] - trouble["height"] >= 12
