"""The images of content/pages on the site: each at the address that it has there, of a moderate width, and beside it in sizes and
formats from which a browser takes what it needs.

    images/a.png         what feeds, letters and old browsers show: at most 1,280 points wide, with nothing that tells of its taking
    images/a-<hash>-800.avif, ...   AVIF and WebP in three widths, named by what the image holds

What was made is kept in the state folder by the hash of the image, and so is what is known of each file, by its size and time.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import cached_property, partial
from html import escape, unescape
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from pipeline.errors import BuildError
from pipeline.keeping import keep_file, kept_file
from pipeline.library.images import FORMATS, Facts, NoImage, file_at, look_at, made
from pipeline.library.kept.sight import is_settled, sign_of

if TYPE_CHECKING:
    from pipeline.site.pages import Output

WIDTHS: Final = (480, 800, 1280)
MOST: Final = WIDTHS[-1]
OFFERED: Final = (("avif", "AVIF"), ("webp", "WEBP"))  # the lightest first
SIZES: Final = "(min-width: 41rem) 38rem, calc(100vw - 2.5rem)"  # as wide as the text
_MADE: Final = "1"  # the version of how images are made: with another one all are made again
_IMAGE: Final = re.compile(r"<img\b[^>]*>")  # safe here: a cleaned article has no ">" inside a tag
_ATTRIBUTE: Final = re.compile(r'\b([a-z]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of content/pages."""

    path: str  # below content/pages, and below the site
    sha256: str
    width: int
    height: int
    moves: bool

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height at its own address."""
        if self.moves or self.width <= MOST:
            return self.width, self.height
        return MOST, max(1, round(self.height * MOST / self.width))

    @property
    def widths(self) -> tuple[int, ...]:
        return (*(width for width in WIDTHS if width < self.width and width < MOST), min(self.width, MOST))

    def name(self, width: int, ending: str) -> str:
        """Where the image stands at *width*."""
        stem = self.path.removesuffix(PurePosixPath(self.path).suffix)
        return f"{stem}-{self.sha256[:10]}-{width}.{ending}"


class Pictures:
    """The images in the folder *pages*; in *kept* is what was made of them and what is known."""

    def __init__(self, pages: Path, kept: Path, *, site_url: str) -> None:
        self._pages = pages
        self._kept = kept
        self._site_url = site_url

    @cached_property
    def all(self) -> Mapping[str, Picture]:
        """Every image that can be read, by its path; the others are published as they are, and `check` tells of them."""
        before = self._known()
        now: dict[str, tuple[list[int], Picture]] = {}
        for file in sorted(Path(where, name) for where, _, names in os.walk(self._pages) for name in names):
            if file.suffix.lower() not in FORMATS or not file.is_file():
                continue
            path, stat = file.relative_to(self._pages).as_posix(), file.stat()
            mark = [*sign_of(stat)]
            old = before.get(path)
            picture = old[1] if old and old[0] == mark else self._read(path)
            if picture is not None:
                now[path] = (mark, picture)
        if now != before:
            latest = time.time_ns()
            told = {
                path: (mark, astuple(picture)[1:]) for path, (mark, picture) in now.items() if is_settled(mark, latest)
            }
            keep_file(self._kept / "known.json", json.dumps(told).encode())
        return {path: picture for path, (_, picture) in now.items()}

    def made_of(self, texts: Iterable[str]) -> bytes:
        """The fingerprint of the images that *texts* may show: of all, since there are many ways to name one."""
        told = hashlib.blake2b(digest_size=12)
        if any("![" in text or "<img" in text for text in texts):
            for picture in self.all.values():
                told.update(repr(picture).encode())
        return told.digest()

    def at(self, url: str) -> Picture | None:
        """The image at the address *url*: of the site, or read from its front page."""
        file = file_at(url, site_url=self._site_url)
        return self.all.get(file) if file else None

    def outputs(self) -> Iterator[Output]:
        """Every file of every image but of those that move, which are published as they are."""
        from pipeline.site.pages import Output  # which knows the publication, which knows the pictures

        for picture in self.all.values():
            if picture.moves:
                continue
            own = FORMATS[PurePosixPath(picture.path).suffix.lower()]
            for path, width, kind in [
                (picture.path, picture.shown[0], own),
                *((picture.name(width, end), width, kind) for end, kind in OFFERED for width in picture.widths),
            ]:
                made_of = f"{_MADE} {picture.sha256}".encode()
                yield Output(path, made_of, partial(self._made, picture, width, kind))

    def in_html(self, html: str, *, page: str) -> str:
        """*html* of the page at *page*, below the site's address, with every image of ours in its sizes.

        The first is loaded at once, the others when they come into sight. Their addresses are seen from the page, so that a copy of
        the site at another address shows its own.
        """
        if "<img" not in html:
            return html
        number = 0

        def dressed(match: re.Match[str]) -> str:
            nonlocal number
            number += 1
            said = {name: unescape(value) for name, value in _ATTRIBUTE.findall(match[0])}
            return self._dressed(said, page=page.lstrip("./"), is_first=number == 1)

        return _IMAGE.sub(dressed, html)

    def _dressed(self, said: Mapping[str, str], *, page: str, is_first: bool) -> str:
        attributes = dict(said)
        attributes.setdefault("alt", "")
        picture = self.at(said.get("src", ""))
        if picture:
            attributes["src"] = _seen(picture.path, page)
        if picture and not ("width" in said and "height" in said):
            attributes["width"], attributes["height"] = map(str, picture.shown)
        if not is_first:
            attributes["loading"] = "lazy"
        image = f"<img{''.join(f' {name}={chr(34)}{escape(value)}{chr(34)}' for name, value in attributes.items())}>"
        if picture is None or picture.moves:
            return image
        sources = "".join(
            f'<source type="image/{ending}" srcset="{_offered(picture, ending, page)}" sizes="{SIZES}">'
            for ending, _ in OFFERED
        )
        return f"<picture>{sources}{image}</picture>"

    def _made(self, picture: Picture, width: int, kind: str) -> bytes:
        kept = self._kept / picture.sha256[:2] / f"{picture.sha256}-{_MADE}-{width}.{kind.lower()}"
        image = kept_file(kept)
        if image is None:
            file = self._pages / picture.path
            try:
                image = made(file, width=width, kind=kind)
                same = hashlib.sha256(file.read_bytes()).hexdigest() == picture.sha256
            except (NoImage, OSError) as error:
                raise BuildError(f"content/pages/{picture.path}: {error}") from error
            if not same:  # else it would be kept under the name of the other
                raise BuildError(f"content/pages/{picture.path}: was changed while it was read; run again")
            keep_file(kept, image)
        return image

    def _read(self, path: str) -> Picture | None:
        file = self._pages / path
        try:
            facts: Facts = look_at(file)
            return Picture(path, hashlib.sha256(file.read_bytes()).hexdigest(), facts.width, facts.height, facts.moves)
        except (NoImage, OSError):
            return None

    def _known(self) -> dict[str, tuple[list[int], Picture]]:
        """What was known of each file at the last build, and by which time, size and place of the file."""
        try:
            found = json.loads(kept_file(self._kept / "known.json") or b"{}")
            return {path: (mark, Picture(path, *told)) for path, (mark, told) in found.items()}
        except (ValueError, TypeError, AttributeError):
            return {}


def _offered(picture: Picture, ending: str, page: str) -> str:
    names = ((_seen(picture.name(width, ending), page), width) for width in picture.widths)
    return ", ".join(f"{escape(name)} {width}w" for name, width in names)


def _seen(path: str, page: str) -> str:
    """The address of *path* as the page at *page* writes it."""
    return quote(posixpath.relpath(path, page or "."))
