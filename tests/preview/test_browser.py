"""An editor at a real browser: saves the file and sees it; what the article holds runs nowhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.config import Settings
from pipeline.preview import previewing
from tests.preview.test_desk import GRID, saved
from tests.site.conftest import NOW, write_article

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; as root: apt-get install chromium"),
    # Playwright's own process may still close its pipes when the interpreter looks.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SOON = 60_000  # milliseconds, on a busy machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, own_settings: Settings) -> Iterator[Any]:
    with previewing(own_settings, article="grid-queue", clock=lambda: NOW) as address:
        context = browser.new_context(viewport={"width": 1366, "height": 900})
        page = context.new_page()
        page.troubles = []
        page.on("console", lambda message: page.troubles.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: page.troubles.append(dialog.message))
        page.goto(address)
        yield page
        context.close()


def shown(page: Any, words: str) -> None:
    page.frame_locator("#frame").get_by_text(words).first.wait_for(timeout=SOON)


def framed(page: Any, part: str) -> None:
    """Wait until the frame is to show the view with *part* in its address: what stands beside it is set in the same moment."""
    page.wait_for_function("part => document.getElementById('frame').src.includes(part)", arg=part, timeout=SOON)


def test_save_the_file_and_see_it(page: Any, own_settings: Settings) -> None:
    shown(page, "The queue is long.")

    saved(own_settings.root, GRID, "The queue is long.", "The queue is much longer.")

    shown(page, "The queue is much longer.")
    assert page.troubles == []


def test_what_changes_while_the_page_loads_is_seen(browser: Any, own_settings: Settings) -> None:
    """The list of articles is made, then one more is written, and its news is there before the list is."""
    with previewing(own_settings, article="grid-queue", clock=lambda: NOW) as address:
        page = browser.new_page()
        asked = []

        def late(route: Any) -> None:
            answer = route.fetch()
            if not asked:
                write_article(own_settings.root, "late", status="draft")
                page.wait_for_timeout(1_500)
            asked.append(route.request.url)
            route.fulfill(response=answer)

        page.route("**/articles?*", late)
        page.route("**/articles", late)
        page.goto(address)

        page.locator("#article option[value*=late]").wait_for(state="attached", timeout=SOON)
        page.close()


def test_a_mistake_is_told_beside_its_line_and_goes_when_it_is_mended(page: Any, own_settings: Settings) -> None:
    shown(page, "The queue is long.")

    saved(own_settings.root, GRID, "status: published", "status: [")

    shown(page, "This article cannot be read yet")
    page.locator("#problems li").first.wait_for(timeout=SOON)
    assert page.locator("#problems li").first.inner_text().startswith("5:")
    assert page.locator("#lines li.error").first.inner_text().strip() == "status: ["
    saved(own_settings.root, GRID, "status: [", "status: published")
    shown(page, "The queue is long.")
    page.get_by_text("No problems").wait_for(timeout=SOON)


def test_every_tab_and_switch_does_what_it_says(page: Any) -> None:
    from playwright.sync_api import expect

    shown(page, "The queue is long.")
    for name, words in [
        ("Mail", "Unsubscribe"),
        ("Digest", "Read with its sources"),
        ("Text", "Unsubscribe:"),
        ("Feed", "How this is made"),
    ]:
        page.get_by_role("tab", name=name).click()
        shown(page, words)
        assert page.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"
    page.get_by_role("tab", name="Feed").press("ArrowRight")
    shown(page, "Skip to the text")
    page.get_by_role("tab", name="Mail").click()
    framed(page, "/mail/")
    shown(page, "Unsubscribe")
    assert page.locator("#subject").inner_text() == "What the grid-queue tells us"

    body = page.frame_locator("#frame").locator("body")
    before = body.evaluate("e => getComputedStyle(e).backgroundColor")
    pressed = page.locator("#scheme").get_attribute("aria-pressed")
    page.locator("#scheme").click()
    framed(page, "/dark/on/mail/")
    expect(body).not_to_have_css("background-color", before, timeout=SOON)
    assert page.locator("#scheme").get_attribute("aria-pressed") != pressed
    page.locator("#phone").click()
    page.wait_for_function("document.getElementById('frame').getBoundingClientRect().width === 390", timeout=SOON)
    page.locator("#images").click()
    framed(page, "/off/mail/")
    assert page.troubles == []


def test_our_choice_outlives_a_reload(page: Any) -> None:
    shown(page, "The queue is long.")
    page.get_by_role("tab", name="Text").click()
    shown(page, "Unsubscribe:")

    page.reload()

    shown(page, "Unsubscribe:")
    assert page.get_by_role("tab", name="Text").get_attribute("aria-selected") == "true"


def test_a_hostile_article_scripts_nothing(page: Any, own_settings: Settings) -> None:
    """In the frame, and in our own page, which shows its title, its lines and its problems."""
    attack = "<img src=x onerror=parent.document.title='owned';alert(1)><script>top.location='https://evil.example.com/'</script>"
    write_article(
        own_settings.root,
        "attack",
        title=attack,
        dek=f"'{attack.replace(chr(39), chr(39) * 2)}'",
        status="draft",
        body=f"{attack}\n\n[x](https://a.example){{: onclick=alert(2) }}\n\n"
        '<iframe srcdoc="<script>parent.alert(3)</script>"></iframe>\n\n<meta http-equiv="refresh" content="0;url=https://evil.example.com">\n',
    )
    page.locator("#article option[value*=attack]").wait_for(state="attached", timeout=SOON)
    page.locator("#article").select_option("content/articles/2026/2026-11-20-attack.md")

    for name in ("Web", "Mail", "Digest", "Text", "Feed"):
        page.get_by_role("tab", name=name).click()
        framed(page, f"/{name.lower()}/")
        page.wait_for_timeout(400)
        assert page.url.startswith("http://127.0.0.1:")
        assert page.evaluate("document.getElementById('frame').contentDocument") is None, "an origin of its own"
    assert "owned" not in page.title().partition("<img")[0]
    assert page.locator("#lines img, #problems img, #article img").count() == 0
    assert not any(message in ("1", "2", "3") for message in page.troubles)
    assert [frame.url for frame in page.frames if "evil" in frame.url] == []
