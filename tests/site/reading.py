"""What stands in a built site: each page as its elements, and where its links lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from tests.site.conftest import SITE

VOID = {"meta", "link", "input", "img", "source", "br", "hr", "path", "rect", "col"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page:
    url: str
    source: str
    elements: list[Element] = field(default_factory=list)

    def all(self, name: str, /, **attributes: str) -> list[Element]:
        return [e for e in self.elements if e.name == name and attributes.items() <= e.attributes.items()]

    def one(self, name: str, /, **attributes: str) -> Element:
        found = self.all(name, **attributes)
        assert len(found) == 1, (self.url, name, attributes, len(found))
        return found[0]

    @property
    def ids(self) -> list[str]:
        return [e.attributes["id"] for e in self.elements if "id" in e.attributes]

    @property
    def links(self) -> list[str]:
        """Every address that the page leads to or loads, made absolute; forms aside, which post to the mailing pages."""
        found = [e.attributes[name] for e in self.elements for name in ("href", "src") if name in e.attributes]
        return [urljoin(self.url, link) for link in found]


def pages(site: Path, *, below: str = "") -> list[Page]:
    """The pages of the built site in the folder *below*: at least one, so that no test passes for want of pages."""
    names = [path.relative_to(site).as_posix() for path in sorted((site / below).rglob("*.html"))]
    assert names, f"no pages in {site / below}"
    return [page(site, name) for name in names]


def page(site: Path, name: str) -> Page:
    """The page in the file *name* of the built site."""
    source = (site / name).read_text("utf-8")
    return read_page(source, SITE + name.removesuffix("index.html"))


def read_page(source: str, url: str) -> Page:
    read = Page(url, source)
    _Reader(read).feed(source)
    return read


def resolves(site: Path, link: str) -> bool:
    """True when *link*, an absolute address of the site, leads to a file of it, and its fragment to a place there."""
    parts = urlsplit(link)
    name = unquote(parts.path).lstrip("/")
    path = site / name / "index.html" if name.endswith("/") or not name else site / name
    if not path.is_file():
        return False
    fragment = parts.fragment.partition(":~:")[0]  # words to scroll to are no id
    return not fragment or fragment in _ids(path)


@cache
def _ids(path: Path) -> frozenset[str]:
    return frozenset(read_page(path.read_text("utf-8"), path.as_uri()).ids)


class _Reader(HTMLParser):
    """Collects elements with all the text inside them; complains of what is not nested."""

    def __init__(self, into: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = into
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), (self.page.url, tag, "an attribute stands twice")
        self.page.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, (self.page.url, tag, "closes nothing")
        assert self.open[-1].name == tag, (self.page.url, tag, self.open[-1])
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
