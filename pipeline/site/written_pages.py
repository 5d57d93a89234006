"""What MkDocs itself makes of content/pages and the theme: pages, copies of other files, 404.html, and what it says meanwhile.

Pages of content/pages lead to one another and share a list of chapters, so they are made together or not at all; the home page
shows articles too, and is made by itself where only those have changed. Of what is in order MkDocs keeps a place to link to.
"""

from __future__ import annotations

import hashlib
import logging
import posixpath
import re
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

from pipeline.site.pictures import Pictures
from pipeline.site.publication import fingerprint

LOST: Final = "404.html"
_HOME: Final = "index.html"
_LINK: Final = re.compile(r"\]\(\s*<?([^)\s>#]+)|^ {0,3}\[[^\]\n]+\]:\s*<?([^\s>#]+)", re.MULTILINE)


class LinkTarget(File):
    """A file of the site that MkDocs need not make, such that ``[words](archive.md)`` in a page of content/pages leads to it."""

    def is_documentation_page(self) -> bool:
        return False

    def copy_file(self, dirty: bool = False) -> None:
        """It is there, or somebody else writes it."""


class ByMkDocs(NamedTuple):
    """The files that MkDocs makes in this build or made in an earlier one."""

    made_of: Mapping[str, bytes]  # by path below the site, a fingerprint
    are_all_made: bool  # pages of content/pages, in this build

    def files(self, folder: Path, old: Mapping[str, tuple[bytes, bytes]]) -> dict[str, tuple[bytes, bytes]]:
        """Of each file what it was made of and its SHA-256; what was made now lies in *folder*."""
        found = {}
        for path, made_of in self.made_of.items():
            try:
                found[path] = (made_of, hashlib.sha256((folder / path).read_bytes()).digest())
            except FileNotFoundError:
                if path in old and old[path][0] == made_of:
                    found[path] = old[path]  # else MkDocs found nothing to write
        return found


def left_to_mkdocs(
    files: Files,
    config: MkDocsConfig,
    outputs: Container[str],
    *,
    home: bytes,
    pictures: Pictures,
    is_kept: Callable[[str, bytes], bool],
) -> ByMkDocs:
    """Take out of *files* what stands there as it would be made, and put in what pages may link to. *home* is what the home page
    shows beside its text."""
    texts = {file: file.content_bytes for file in files.documentation_pages()}
    links = sorted({link for file, text in texts.items() for link in _links(file.src_uri, text)})
    targets = {link: path for link in links if (path := _output_at(link, outputs)) and link not in files.src_uris}
    known = [f"{link} {targets.get(link) or link in files.src_uris}" for link in links]
    shown = pictures.made_of(text.decode("utf-8", "replace") for text in texts.values())
    of_pages = fingerprint(shown, *known, *(part for file, text in texts.items() for part in (file.src_uri, text)))
    made_of: dict[str, bytes] = {LOST: b"lost"}
    for file in list(files):
        mine = of_pages if file in texts else _content(file)
        if file in texts and file.dest_uri == _HOME:
            mine = fingerprint(mine, home)
        made_of[file.dest_uri] = mine
    are_kept = {path for path, mine in made_of.items() if is_kept(path, mine)}
    if LOST in are_kept:
        config.theme.static_templates.discard(LOST)
    are_all_made = any(file.dest_uri not in are_kept for file in texts if file.dest_uri != _HOME) or len(texts) < 2
    for file in list(files):
        if file.dest_uri in are_kept and not (file in texts and are_all_made):
            files.remove(file)
            files.append(_link_target(file.src_uri, file.dest_uri, config))
    for link, path in targets.items():
        files.append(_link_target(link, path, config))
    return ByMkDocs(made_of, are_all_made)


class Heard(logging.Handler):
    """The warnings of MkDocs in this build. Those about pages that are not made again are said again."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._found: list[str] = []
        logging.getLogger("mkdocs").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(record.getMessage())

    def ended(self, before: tuple[str, ...], *, all_anew: bool) -> tuple[str, ...]:
        """All warnings that hold, with those that were heard *before* where not *all_anew*."""
        self.stop()
        again = [] if all_anew else [message for message in before if message not in self._found]
        for message in again:
            logging.getLogger("mkdocs.plugins.opensignal").warning(message)
        return (*self._found, *again)

    def stop(self) -> None:
        logging.getLogger("mkdocs").removeHandler(self)


def _links(name: str, text: bytes) -> Iterator[str]:
    """What *text* in the page *name* links to, by name below content/pages."""
    for found in _LINK.finditer(text.decode("utf-8", "replace")):
        target = found[1] or found[2]
        if ":" not in target and not target.startswith(("/", "?")):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def _output_at(link: str, outputs: Container[str]) -> str | None:
    """The file that the articles make and *link* leads to, if any."""
    page = link.removesuffix(".md")
    places = [link] if page == link else ["index.html" if page == "index" else f"{page}/index.html"]
    return next((place for place in places if place in outputs), None)


def _content(file: File) -> bytes:
    return hashlib.blake2b(file.content_bytes, digest_size=12).digest()


def _link_target(name: str, path: str, config: MkDocsConfig) -> File:
    file = LinkTarget(name, src_dir=None, dest_dir=config.site_dir, use_directory_urls=True, dest_uri=path)
    file.inclusion = InclusionLevel.NOT_IN_NAV
    return file
