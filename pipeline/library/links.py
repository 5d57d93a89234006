"""Where a link in an article leads: to another article's or a page's address on the site, or out into the web."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from pipeline.library.clean import absolute_url

if TYPE_CHECKING:
    from pipeline.library import Library

PAGES: Final = "content/pages/"
_WITH_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//|\\")


def file_of(url: str, path: str) -> str | None:
    """The file that a relative link to a Markdown file leads to, by its path in the repository; None for any other link.

    *path* is the file in which the link stands: ``../2026/x.md`` is read from there.
    """
    target = unquote(re.split(r"[?#]", url, maxsplit=1)[0])
    if not target.endswith(".md") or _WITH_SCHEME.match(url) or target.startswith("/"):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def address(url: str, path: str, library: Library, *, site_url: str) -> str | None:
    """The whole address that *url*, written in the file *path*, leads to; None where it leads nowhere or is not safe."""
    if url.startswith("#"):
        return url
    if _WITH_SCHEME.match(url):
        return absolute_url(url)
    target = file_of(url, path)
    if target is None:
        return absolute_url(url, site_url)
    place = _place(target, library)
    fragment = "#" + url.partition("#")[2] if "#" in url else ""
    return None if place is None else absolute_url(place + fragment, site_url)


def _place(file: str, library: Library) -> str | None:
    """The address below the site's of the article or page in *file*."""
    if article := library.article_at(file):
        return article.url_path
    if not file.startswith(PAGES):
        return None
    page = file.removeprefix(PAGES).removesuffix(".md")
    folder, _, name = page.rpartition("/")
    if name in ("index", "README"):
        return f"{folder}/" if folder else ""
    return f"{page}/"
