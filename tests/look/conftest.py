"""The gallery, served, and a browser that finds it under its own name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.look.gallery import HOST, READER_PAGES, Surface, gallery, mailing_pages, write_database
from tests.web.conftest import Desk

CHROMIUM = shutil.which("chromium")
BROWSER_MARKS = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; as root: apt-get install chromium"),
    # Playwright's own process may still close its pipes when the interpreter looks.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.xdist_group("look"),
    pytest.mark.timeout(600),  # some look at every page, in every way
]


@pytest.fixture(scope="session")
def desk_of_gallery(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("gallery")
    with gallery(folder / "repository", write_database(sqlite_template, folder)) as desk:
        yield desk


@pytest.fixture(scope="session")
def surfaces(desk_of_gallery: Desk) -> tuple[Surface, ...]:
    """Every page that a reader or subscriber meets."""
    return (*READER_PAGES, *mailing_pages(desk_of_gallery))


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Any, desk_of_gallery: Desk) -> Iterator[Any]:
    with launched(playwright, desk_of_gallery) as browser:
        yield browser


@contextmanager
def launched(playwright: Any, desk: Desk, *options: str) -> Iterator[Any]:
    """A browser that finds the gallery under its own name."""
    there = urlsplit(desk.url).netloc
    arguments = ["--no-sandbox", f"--host-resolver-rules=MAP {HOST}:80 {there}", *options]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    yield context.new_page()
    context.close()
