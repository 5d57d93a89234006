"""What a page or a letter loads by itself, without a click: every address that a browser or a mail program would ask for."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

# Elements and the attributes of theirs that are fetched. A link is followed by a person only.
FETCHED = {
    "img": ("src", "srcset"), "source": ("src", "srcset"), "script": ("src",), "iframe": ("src",), "frame": ("src",),
    "embed": ("src",), "object": ("data",), "video": ("src", "poster"), "audio": ("src",), "track": ("src",),
    "input": ("src",), "body": ("background",), "table": ("background",), "td": ("background",), "image": ("href",),
    "use": ("href", "xlink:href"), "link": ("href",), "a": ("ping",), "area": ("ping",),
}  # fmt: skip
NOT_FETCHED = {"canonical", "alternate", "author", "license", "next", "prev", "me", "search", "help"}  # of <link rel>
CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.links: list[str] = []
        self.small: list[str] = []  # pictures that nobody is meant to see
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.found += [found[1] or found[2] for found in CSS.finditer(values.get("style", ""))]
        if tag in ("a", "area") and values.get("href"):
            self.links.append(values["href"])
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.found.append(values.get("content", "").partition("=")[2])
        if tag == "img" and (values.get("width") in ("0", "1") or values.get("height") in ("0", "1")):
            self.small.append(values.get("src", ""))
        if tag == "link" and set(values.get("rel", "").split()) & NOT_FETCHED:
            return
        for name in FETCHED.get(tag, ()):
            if values.get(name):
                texts = values[name].split(",") if name == "srcset" else [values[name]]
                self.found += [text.split()[0] for text in texts if text.strip()]

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += [found[1] or found[2] for found in CSS.finditer(data)]

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._in_style = False


def read(html: str) -> _Reader:
    """What *html* loads (`found`), leads to (`links`), and hides (`small`)."""
    reader = _Reader()
    reader.feed(html)
    return reader


def foreign(addresses: list[str], *, base: str) -> list[str]:
    """Those of *addresses* that lead away from the host of *base*; what stands in the page itself (data:) does not."""
    home = urlsplit(base).netloc
    whole = [urljoin(base, address) for address in addresses if not address.startswith(("data:", "#"))]
    return [address for address in whole if urlsplit(address).netloc != home]
