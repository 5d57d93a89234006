"""Opening a page as a first visitor does, and what that cost."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.conftest import REPOSITORY
from tests.look.gallery import ADDRESS, Surface

WIDTHS = (320, 768, 1366)
SCHEMES = ("light", "dark")
# Set before the page has any content. A change of layout that follows on a press does not count (Layout Instability, 2.4).
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => {
  if (!entry.hadRecentInput) window.shifted += entry.value;
})).observe({type: "layout-shift", buffered: true});
"""
BLOCKING = "performance.getEntriesByType('resource').filter(each => each.renderBlockingStatus === 'blocking').length"


@dataclass
class Load:
    """What one cold load fetched: bytes as they travel, by address."""

    fetched: dict[str, tuple[str, int]] = field(default_factory=dict)  # address -> kind, bytes

    def bytes_of(self, *kinds: str) -> int:
        return sum(size for kind, size in self.fetched.values() if not kinds or kind in kinds)

    @property
    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.fetched if not url.startswith("data:")}


def show(page: Any, surface: Surface) -> None:
    """Open *surface* on *page*, with its fonts."""
    page.goto(ADDRESS + surface.path)
    page.evaluate("document.fonts.ready.then(() => 0)")


def first_visit(browser: Any, surface: Surface, *, width: int, scheme: str = "light") -> tuple[Any, Load]:
    """Open *surface* in a browser that has never been here. The page's context is the caller's to close."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.add_init_script(WATCH_SHIFTS)
    page = context.new_page()
    load = Load()
    page.on("response", lambda response: _note(load, response))
    show(page, surface)
    for icon in page.evaluate("Array.from(document.querySelectorAll('link[rel=icon]'), link => link.href)"):
        _note_icon(load, icon)
    return page, load


def _note(load: Load, response: Any) -> None:
    body = response.body()
    kind = response.request.resource_type
    load.fetched[response.url] = (kind, len(body) if kind == "font" else len(gzip.compress(body, 6)))


def _note_icon(load: Load, url: str) -> None:
    """A window with an address bar fetches the icon as well; one without does not."""
    if not url.startswith("data:"):
        icon = (REPOSITORY / "theme" / url.removeprefix(ADDRESS)).read_bytes()
        load.fetched[url] = ("image", len(gzip.compress(icon, 6)))
