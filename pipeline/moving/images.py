"""The images of posts: out of the export where it has them, else from where they lie, where the editor wants that.

They are kept below content/pages/images/archive/, a folder an article, under names made of their addresses, so that the same
image has the same name in every run. What is not an image of a kind that can only be looked at is not written: an SVG may
run.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pipeline.errors import FetchError
from pipeline.files import put
from pipeline.ingest.fetch import Fetcher, NotHad, Request
from pipeline.library.new import plain_words
from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Note, note

FOLDER: Final = "content/pages/images/archive"  # from the repository
BELOW: Final = "images/archive"  # from the site's address
MOST_BYTES: Final = 40_000_000
ACCEPT: Final = "image/avif, image/webp, image/png, image/jpeg, image/gif;q=0.9, */*;q=0.1"
_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"})
_SIZED: Final = re.compile(r"-\d{2,5}x\d{2,5}(?=\.\w+$)")  # WordPress' smaller copies
_WRAPPED: Final = re.compile(r"https?(?:://|%3A%2F%2F)", re.IGNORECASE)


class Reach(Enum):
    """How far one goes for an image that is not in the export."""

    EVERYWHERE = 1  # to where it lies, if the editor wants that
    HERE = 2  # to what was fetched before
    NOWHERE = 3  # it stays where it lies


@dataclass(slots=True)
class Images:
    """The images of an export, article by article: `begin` one, ask for `place` of each, and `settle` whether they are written."""

    root: Path
    archive: Archive
    fetcher: Fetcher | None
    now: dt.datetime
    dry_run: bool = False
    brought: int = 0  # written in this run
    known: int = 0  # that were here before
    away: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by host: left where they lie
    _members: dict[str, list[Member]] = field(default_factory=dict)
    _failed: dict[str, str] = field(default_factory=dict)
    _to_write: dict[Path, bytes] = field(default_factory=dict)  # for the article in hand
    _here: int = 0
    _left: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for member in self.archive.members:
            if member.suffix in _SUFFIXES:
                self._members.setdefault(_plain(member.last), []).append(member)

    def begin(self) -> None:
        """Forget what was found for the article in hand."""
        self._to_write.clear()
        self._left.clear()
        self._here = 0

    def settle(self, *, write: bool) -> None:
        """Count what was found for the article in hand, and write it where the article is written."""
        for host in self._left:
            self.away[host] += 1
        self.known += self._here
        for path, given in self._to_write.items() if write else ():
            self.brought += 1
            if not self.dry_run:
                put(path, given, sync=False)
        self.begin()

    @property
    def left(self) -> int:
        """How many images of the article in hand stay where they lie."""
        return len(self._left)

    def place(
        self,
        url: str,
        near: str | None = None,
        *,
        slug: str,
        file: str,
        title: str,
        notes: list[Note],
        reach: Reach = Reach.EVERYWHERE,
    ) -> str | None:
        """Where the image at *url* lies for the article *slug*: below the site's address, or still where it was.

        *near* names the file that it most likely is; "" says that it is none of the export's. None where it could not be had at
        all, which *notes* then tell.
        """
        if url.startswith("data:"):
            return self._inline(url, slug=slug, file=file, title=title, notes=notes)
        address = unwrapped(url)
        if not _can_be_read(address):
            notes.append(note(file, title, "an image has an address that is none", "add it by hand", lost=True))
            return None
        stem = _stem(address)
        folder = self.root / FOLDER / slug
        there = next(iter(sorted(folder.glob(f"{stem}.*"))), None) if folder.is_dir() else None
        if there is not None and reach is not Reach.NOWHERE:
            self._here += 1
            return f"{BELOW}/{slug}/{there.name}"
        if (member := self._member(address, near)) is not None:
            try:
                return self._write(self.archive.whole(member, most=MOST_BYTES), stem, slug)
            except (TooMuch, _NoImageError) as error:
                notes.append(note(member.name, title, f"an image was not taken over: {error}", "replace it", lost=True))
                return None
        if not address.startswith(("http://", "https://")):
            notes.append(
                note(
                    file, title, "an image is not in the export, and has no whole address", "add it by hand", lost=True
                )
            )
            return None
        if self.fetcher is None or reach is not Reach.EVERYWHERE:
            self._left.append(urlsplit(address).hostname or "")
            return address
        return self._fetched(address, stem, slug, file=file, title=title, notes=notes)

    def _fetched(self, address: str, stem: str, slug: str, *, file: str, title: str, notes: list[Note]) -> str:
        assert self.fetcher is not None
        why = self._failed.get(address, "")
        if not why:
            try:
                answer = self.fetcher.get(Request(address, accept=ACCEPT), now=self.now)
                return self._write(answer.body, stem, slug)
            except (NotHad, FetchError, _NoImageError) as error:
                why = self._failed[address] = str(error)
        self.away[urlsplit(address).hostname or ""] += 1
        notes.append(
            note(file, title, f"an image could not be fetched: {why}", "run again, or add it by hand", lost=True)
        )
        return address

    def _inline(self, url: str, *, slug: str, file: str, title: str, notes: list[Note]) -> str | None:
        """An image that stands in the text itself."""
        written = re.sub(r"^data:image/[\w.+-]+;base64,", "", url)
        try:
            given = base64.b64decode(re.sub(r"\s|%0A", "", written), validate=True)
            return self._write(given, f"image-{hashlib.sha256(given).hexdigest()[:8]}", slug)
        except (_NoImageError, binascii.Error, ValueError) as error:
            notes.append(note(file, title, f"an image was not taken over: {error}", "add it by hand", lost=True))
            return None

    def _write(self, given: bytes, stem: str, slug: str) -> str:
        name = f"{stem}.{kind_of(given)}"
        path = self.root / FOLDER / slug / name
        if path.is_file() and path.stat().st_size == len(given) and path.read_bytes() == given:
            self._here += 1
        else:
            self._to_write[path] = given
        return f"{BELOW}/{slug}/{name}"

    def _member(self, address: str, near: str | None) -> Member | None:
        """The file of the export that is the image at *address*: *near*, or of those with its name the one whose folders agree."""
        if near == "":
            return None
        if near and (
            beside := [one for one in self._members.get(_plain(near.rpartition("/")[2]), []) if one.name == near]
        ):
            return beside[0]
        path = unquote(urlsplit(address).path if "://" in address else address.partition("?")[0])
        for wanted in dict.fromkeys((path, _SIZED.sub("", path))):
            parts = [_plain(part) for part in wanted.split("/") if part]
            found = self._members.get(parts[-1], []) if parts else []
            ranked = sorted(
                ((_in_common(parts, member), member.name, member) for member in found), key=lambda r: (-r[0], r[1])
            )
            if ranked and (ranked[0][0] > 1 or len(ranked) == 1):
                return ranked[0][2]
        return None


class _NoImageError(Exception):
    pass


def kind_of(given: bytes) -> str:
    """The kind of image, by its first bytes. Raises where it is none that can only be looked at."""
    if given.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if given.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if given[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if given[:4] == b"RIFF" and given[8:12] == b"WEBP":
        return "webp"
    if given[4:12] in (b"ftypavif", b"ftypavis"):
        return "avif"
    if b"<svg" in given[:1000].lower():
        raise _NoImageError("it is an SVG, which may run in a browser; export it as PNG")
    raise _NoImageError("it is no image that we know: PNG, JPEG, GIF, WebP or AVIF")


def unwrapped(url: str) -> str:
    """The address of the image itself, out of one of a service that scales it: the last whole address in it."""
    url = url.strip()
    inner = list(_WRAPPED.finditer(url))
    if len(inner) > 1:
        return unquote(url[inner[-1].start() :])
    return f"https:{url}" if url.startswith("//") else url


def _can_be_read(address: str) -> bool:
    try:
        urlsplit(address)
    except ValueError:  # http://[::1
        return False
    return True


def _stem(address: str) -> str:
    """A name for the file: words of its old one, and digits of its whole address."""
    last = unquote(urlsplit(address).path if "://" in address else address).rpartition("/")[2].rpartition(".")
    name = "-".join(plain_words(last[0] or last[2]))[:40].strip("-")
    return f"{name or 'image'}-{hashlib.sha256(address.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _plain(name: str) -> str:
    return unquote(name).casefold()


def _in_common(parts: list[str], member: Member) -> int:
    """How many folders and names, from the last on, are alike."""
    count = 0
    for ours, theirs in zip(reversed(parts), reversed([_plain(p) for p in member.name.split("/")]), strict=False):
        if ours != theirs:
            break
        count += 1
    return count
