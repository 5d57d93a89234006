"""A person walks through: signs up on an article, confirms, changes their mind, leaves; by mouse, by keyboard, without scripts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from pipeline.mail.tokens import Purpose
from pipeline.model import Cadence, State
from tests.look.conftest import BROWSER_MARKS
from tests.look.gallery import ADDRESS, Surface
from tests.look.opening import show
from tests.web.conftest import Desk

pytestmark = BROWSER_MARKS
SECONDS = dt.timedelta(seconds=2)  # a person looks at a page before they press
# Everything that the Tab key reaches, in the order of the page; of a group of radio buttons one.
STOPS = """
Array.from(document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')).filter(each =>
  each.tabIndex >= 0 && each.checkVisibility({contentVisibilityAuto: true})
  && !(each.type === 'radio' && !each.checked) && !each.closest('details:not([open]) > :not(summary)'))
"""
HERE = f"""
(() => {{
  const each = document.activeElement, look = getComputedStyle(each), box = each.getBoundingClientRect();
  return {{at: {STOPS}.indexOf(each), what: each.outerHTML.slice(0, 80),
    line: look.outlineStyle, wide: parseFloat(look.outlineWidth),
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth}};
}})()
"""


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
@pytest.mark.parametrize("width", [390, 1366])
def test_from_the_article_to_the_inbox_and_out_again(
    browser: Any, desk_of_gallery: Desk, scripts: bool, width: int
) -> None:
    desk, email = desk_of_gallery, f"walker-{scripts}-{width}@example.org".lower()
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(ADDRESS)
    page.get_by_role("link", name="The grid is the new fab").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Daily").check()
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("heading", name="Look in your inbox").wait_for()

    desk.work()
    page.goto(ADDRESS + desk.link(Purpose.CONFIRM, email))
    desk.now += SECONDS
    page.locator("button[name=confirm]").click()
    page.get_by_role("heading", name="You are in").wait_for()
    assert desk.person(email).state is State.ACTIVE

    page.get_by_role("link", name="Change how often").click()
    page.get_by_label("Weekly").check()
    page.get_by_label("Chips").check()
    desk.now += SECONDS
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").get_by_text("Saved.").wait_for()
    choice = desk.person(email).choice
    assert (choice.cadence, tuple(choice.topics)) == (Cadence.WEEKLY, ("chips",))

    desk.now += SECONDS
    page.get_by_role("button", name="30 days").click()
    page.get_by_text("Paused.").wait_for()
    desk.now += SECONDS
    page.get_by_role("button", name="Go on now").click()
    page.get_by_text("Welcome back").wait_for()

    page.goto(ADDRESS + desk.link(Purpose.UNSUBSCRIBE, email))
    desk.now += SECONDS
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("heading", name="You are unsubscribed").wait_for()
    assert desk.person(email).state is State.UNSUBSCRIBED
    page.get_by_role("link", name="Deep Signals").first.click()
    page.wait_for_url(ADDRESS)
    assert complaints == []
    context.close()


KEYBOARD = (
    "home",
    "article with tables, code and everything",
    "receipts",
    "archive",
    "search",
    "subscribe",
    "preferences",
)


@pytest.mark.parametrize("width", [320, 1366])
@pytest.mark.parametrize("name", KEYBOARD)
def test_the_tab_key_visits_everything_in_order_and_shows_where_it_is(
    page: Any, surfaces: tuple[Surface, ...], name: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    show(page, next(surface for surface in surfaces if surface.name == name))
    stops = page.evaluate(f"{STOPS}.length")
    visited = []
    for _ in range(stops):
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        visited.append(here["at"])
        assert (here["line"], here["wide"] >= 2, here["seen"]) == ("solid", True, True), here

    assert visited == list(range(stops))


def test_the_first_stop_skips_to_the_text(page: Any, surfaces: tuple[Surface, ...]) -> None:
    for surface in surfaces:
        show(page, surface)
        page.keyboard.press("Tab")
        skip = page.locator(":focus")
        assert skip.inner_text() == "Skip to the text", surface.name
        assert skip.bounding_box()["x"] >= 0, surface.name
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main, footer') !== null"), surface.name


def test_every_page_of_readers_works_without_javascript(browser: Any, surfaces: tuple[Surface, ...]) -> None:
    """The same words and the same links are there; the search alone says that it needs it."""
    found = {}
    for scripts in (True, False):
        context = browser.new_context(java_script_enabled=scripts)
        page = context.new_page()
        for surface in surfaces:
            if surface.name != "search":
                show_plain(page, surface)
                words, links = page.locator("body").inner_text(), page.locator("a[href]").count()
                found.setdefault(surface.name, []).append((words, links))
        context.close()

    assert not [name for name, (on, off) in found.items() if on != off]


def show_plain(page: Any, surface: Surface) -> None:
    page.goto(ADDRESS + surface.path)
