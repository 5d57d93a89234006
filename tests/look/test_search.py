"""A reader looks for words: by mouse and keyboard, with a link, without an index, without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.site.search import index_site
from tests.look.conftest import BROWSER_MARKS
from tests.look.gallery import ADDRESS
from tests.web.conftest import Desk

pytestmark = BROWSER_MARKS
SEARCH = f"{ADDRESS}search/"


@pytest.fixture(scope="module", autouse=True)
def _index(desk_of_gallery: Desk) -> None:
    index_site(desk_of_gallery.settings.site_dir)


@pytest.fixture
def fetched(page: Any) -> list[str]:
    """The addresses that the page asked for, as they come."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url))
    return found


def of_index(fetched: list[str]) -> list[str]:
    return [url for url in fetched if "/pagefind/" in url]


def look_for(page: Any, words: str) -> None:
    page.get_by_role("searchbox").fill(words)


def titles(page: Any) -> list[str]:
    page.wait_for_function("!document.querySelector('#found').textContent.match(/^$|…/)")
    return list(page.locator("#results .title").all_inner_texts())


def test_nothing_of_the_index_is_loaded_before_somebody_types(page: Any, fetched: list[str]) -> None:
    page.goto(SEARCH, wait_until="networkidle")
    page.get_by_role("searchbox").focus()
    page.wait_for_timeout(300)
    before = of_index(fetched)

    look_for(page, "gigawatts")
    found = titles(page)

    assert before == []
    assert of_index(fetched)
    assert found == []


def test_a_result_tells_title_date_topic_and_where_the_words_stand(page: Any) -> None:
    page.goto(SEARCH)
    look_for(page, "turbines early")
    found = titles(page)

    result = page.locator("#results li", has_text="The grid is the new fab")
    assert "The grid is the new fab" in found
    assert result.locator("time").inner_text() == "15 Nov 2026"
    assert result.locator(".meta").inner_text() == "Chips, Power"
    assert "turbines" in result.locator(".excerpt mark").all_inner_texts()
    assert page.get_by_role("status").inner_text() == f"{len(found)} articles on “turbines early”."
    result.get_by_role("link").click()
    page.get_by_role("heading", level=1, name="The grid is the new fab").wait_for()


def test_a_retracted_article_is_shown_with_the_word(page: Any) -> None:
    page.goto(SEARCH)
    look_for(page, "retracted-one")
    titles(page)

    result = page.locator('#results li:has(a[href*="/retracted-one/"])')
    assert result.locator(".meta strong").inner_text() == "Retracted"
    assert result.locator(".title").get_attribute("dir") == "auto"


def test_by_keyboard_alone_somebody_searches_walks_the_results_and_opens_one(page: Any) -> None:
    page.goto(SEARCH)
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "q":
            break
    page.keyboard.type("turbines")
    page.keyboard.press("Enter")
    found = titles(page)

    def focused() -> str:
        return str(page.evaluate("document.activeElement.textContent || document.activeElement.id"))

    walked = []
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowDown", "Escape", "ArrowDown"):
        page.keyboard.press(key)
        walked.append(focused())
    assert walked == [found[0], found[1], found[0], "q", found[0], "q", found[0]]
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name=found[0]).wait_for()


def test_a_search_has_an_address_and_back_leads_to_it(page: Any) -> None:
    page.goto(f"{SEARCH}?q=turbines")
    found = titles(page)
    page.locator("#results a").first.click()
    page.wait_for_url("**/articles/**")
    page.go_back()

    assert found
    assert titles(page) == found
    assert page.get_by_role("searchbox").input_value() == "turbines"
    assert page.title() == "turbines – Search · Deep Signals"


def test_words_that_stand_nowhere_are_said_to(page: Any) -> None:
    page.goto(SEARCH)
    look_for(page, "xylophonic")

    assert titles(page) == []
    assert page.get_by_role("status").inner_text().startswith("Nothing on “xylophonic”.")


def test_more_results_come_with_a_press_and_take_the_focus(page: Any) -> None:
    page.goto(f"{SEARCH}?q=the")
    first = titles(page)
    page.get_by_role("button", name="More results").press("Enter")
    page.wait_for_function("document.querySelectorAll('#results li').length > 10")
    page.wait_for_function("document.activeElement.closest('#results')")

    assert len(first) == 10
    assert page.evaluate("document.activeElement.closest('li') === document.querySelectorAll('#results li')[10]")


def test_where_the_index_is_missing_the_page_says_so_and_tries_again(page: Any) -> None:
    page.route("**/pagefind/**", lambda route: route.fulfill(status=404))
    page.goto(SEARCH)
    look_for(page, "turbines")
    page.get_by_text("The search index cannot be loaded just now").wait_for()
    ways = page.get_by_role("navigation", name="Other ways").get_by_role("link", name="The archive")
    assert ways.is_visible()

    page.unroute("**/pagefind/**")
    page.reload()

    assert titles(page)
    assert not page.get_by_text("The search index cannot be loaded just now").is_visible()


def test_without_javascript_the_page_leads_elsewhere(browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(SEARCH)

    assert not page.get_by_role("searchbox").is_visible()
    assert "Searching needs JavaScript" in page.locator("noscript p").inner_text()
    assert page.locator("noscript p").is_visible()
    page.get_by_role("link", name="The archive").click()
    page.wait_for_url(f"{ADDRESS}archive/")
    context.close()


def test_nothing_that_is_typed_or_indexed_runs(page: Any) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for words in ("<img src=x onerror=alert(1)>", "“Quoted” script alert", "'-alert(1)-'"):
        page.goto(SEARCH)
        look_for(page, words)
        titles(page)
        assert page.locator("#results :is(script, img), #found :is(img)").count() == 0
    page.goto(f"{SEARCH}?q=%3Cimg%20src=x%20onerror=alert(1)%3E")
    titles(page)

    assert dialogs == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_results(page: Any, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.goto(f"{SEARCH}?q=turbines")
    titles(page)

    assert [(each["id"], each["nodes"][0]["html"]) for each in Axe().run(page).response["violations"]] == []
