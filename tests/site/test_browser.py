"""A reader at a real browser, without JavaScript: the receipts open their passages, by mouse, by keyboard, by a link, on paper."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import pytest

from pipeline.library.deeplinks import text_directive
from pipeline.library.quotes import normal

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; as root: apt-get install chromium"),
    # Playwright's own process may still close its pipes when the interpreter looks.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.xdist_group("browser"),
]
ARTICLE = "articles/northfield-with-its-receipts/"
RECEIPTS = f"{ARTICLE}receipts/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(receipts_site: Path) -> Iterator[str]:
    with served(receipts_site) as address:
        yield address


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1366, "height": 900})
    yield context.new_page()
    context.close()


def test_the_switch_leads_to_the_receipts_and_back(page: Any, address: str) -> None:
    page.goto(address + ARTICLE)

    page.get_by_role("link", name="Show receipts").click()
    page.wait_for_url(address + RECEIPTS)
    page.get_by_role("link", name="Hide receipts").click()
    page.wait_for_url(address + ARTICLE)


def test_a_passage_opens_without_a_script(page: Any, address: str) -> None:
    page.goto(address + RECEIPTS)
    sentence = page.locator("li.claim", has_text="41 months")
    passage = sentence.locator(".passage").first

    assert not passage.is_visible()
    sentence.locator("summary").click()

    assert passage.is_visible()
    assert "The average request waits 41 months for its connection." in passage.inner_text()
    assert passage.locator("mark").first.inner_text().startswith("41")


def test_a_passage_opens_by_the_keyboard_alone(page: Any, address: str) -> None:
    page.goto(address + RECEIPTS)
    summary = page.locator("summary").first
    passage = page.locator(".passage").first
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator("summary:focus").count():
            break

    assert summary.evaluate("element => element === document.activeElement")
    assert summary.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert passage.is_visible()
    page.keyboard.press("Tab")
    assert page.locator(".passage a:focus").count() == 1


def test_a_link_to_a_passage_finds_it_open(page: Any, address: str) -> None:
    page.goto(address + RECEIPTS)
    anchor = page.locator(".passage").nth(3).get_attribute("id")

    page.goto(f"{address}{RECEIPTS}?again#{anchor}")

    page.locator(f"#{anchor}").wait_for()


def test_the_words_of_the_stored_copy_are_one_click_away(page: Any, address: str) -> None:
    page.goto(address + RECEIPTS)
    sentence = page.locator("li.claim", has_text="41 months")
    sentence.locator("summary").click()

    sentence.get_by_role("link", name="of our copy").first.click()

    page.wait_for_url("**/sources/snapshots/**")
    assert "The average request waits 41 months" in page.inner_text("body")


PASSAGES = [  # as a page has them
    "The authority puts its figure “60% above our 2024 outlook”, which is more than it said.",
    "It’s the operator’s own count – 39–57 halls, R&D sites not among them – that is meant here.",
    "Long-term storage, batteries and pumps, takes up a twelfth, or rather less, of all that stands in the queue today.",
    "In Köln, the café’s bill rose by half.",
]


@pytest.mark.parametrize("passage", PASSAGES)
def test_a_link_finds_the_words_on_a_page_that_has_typographic_marks(page: Any, tmp_path: Path, passage: str) -> None:
    filler = "<p>Nothing of it.</p>" * 200
    (tmp_path / "page.html").write_text(
        f"<!doctype html><meta charset=utf-8>{filler}<p>{escape(passage)}</p>{filler}", "utf-8"
    )
    link = f'<a href="page.html#:~:{text_directive(normal(passage))}">words</a> <a href="page.html#:~:text=nowhere">none</a>'
    (tmp_path / "index.html").write_text(f"<!doctype html>{link}", "utf-8")
    with served(tmp_path) as address:
        page.goto(address)
        page.get_by_role("link", name="words").click()
        page.wait_for_function("scrollY > 1000")
        page.go_back()
        page.get_by_role("link", name="none").click()
        assert page.evaluate("scrollY") == 0


def test_each_sentence_says_aloud_what_it_rests_on(page: Any, address: str) -> None:
    page.goto(address + RECEIPTS)
    sentence = page.locator("li.claim", has_text="41 months")

    heard = sentence.aria_snapshot()

    assert "Sentence" in heard
    assert "Number traced" in heard
    assert "for sentence" in heard


def test_a_reader_chooses_which_sentences_to_see_without_a_script(page: Any, address: str) -> None:
    page.goto(address + "articles/on-less/receipts/")
    kinds = {"analysis": 2, "traced": 1, "recorded": 1}

    for choice, seen in [
        ("All sentences", ["traced", "recorded"]),
        ("What rests on sources", ["traced", "recorded"]),
        ("What is not traced", ["recorded"]),
    ]:
        page.get_by_label(choice).check()
        shown = [kind for kind in kinds if page.locator(f"li.claim.{kind}").first.is_visible()]
        assert shown == seen, choice


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1366])
def test_no_page_of_receipts_scrolls_sideways(browser: Any, address: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    for path in (ARTICLE, RECEIPTS, "sources/", "corrections/"):
        page.goto(address + path)
        page.evaluate("document.querySelectorAll('details').forEach(box => box.open = true)")

        assert page.evaluate("document.documentElement.scrollWidth") == width, path
    context.close()


def test_on_paper_every_passage_is_open(page: Any, address: str) -> None:
    page.emulate_media(media="print")
    page.goto(address + RECEIPTS)

    passages = page.locator(".passage .bearing").all()
    assert len(passages) > 10
    assert all(passage.is_visible() for passage in passages)
