"""The stored copies of sources on this machine: where their texts lie, and whether each is still the one that was taken.

    content/sources/snapshots/<sha>.txt     what may be redistributed: in Git, with the publication
    <kept>/<sha>.txt                        what may not: a folder outside Git, whose texts others of the newsroom have or have not
    <kept>/raw/<sha>.gz, <sha>.json         the bytes as they were fetched, and how; of all sources

The name of a text is the SHA-256 of it, one paragraph a line in the normal form of `quotes`; the name of the bytes is theirs.
Nothing here asks a network: what lies in a bucket is brought here by `opensignal sources pull`.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

from pipeline.library.clean import plain_text
from pipeline.library.files import SNAPSHOTS
from pipeline.library.frontmatter import Unreadable, decode, read_bytes
from pipeline.library.own import LEADS_OUT, leads_out
from pipeline.library.weighed import Weighed
from pipeline.model import Source

KEPT = ".opensignal/snapshots"  # where a newsroom that set nothing keeps what it may not pass on

PAGE_MAX = 10 * 1024 * 1024  # bytes that are read of a page, unpacked
TEXT_MAX = 20_000_000  # bytes of a stored text: a long report has a tenth of it
MOST_HELD = 8_000_000  # characters of texts that are held; others are read again
A_LOOK = 100  # characters that a text counts for which is not here


class StoredTexts:
    """The texts in the repository at *root*, and in the folder *kept* outside Git; each is read and hashed when it is asked for."""

    def __init__(self, root: Path | None = None, kept: Path | None = None) -> None:
        self._root = root
        self._kept = kept if kept is not None or root is None else root / KEPT
        self._known: Weighed[str, tuple[str | None, str]] = Weighed(MOST_HELD)

    def of(self, source: Source) -> tuple[str | None, str]:
        """The stored text of *source* (None where it is not here), and what is wrong with it."""
        if source.snapshot is None:
            return None, ""
        sha = source.snapshot.text_sha256
        return self._known.get(sha, lambda: self._read(sha), characters=_length)

    def is_whole(self, source: Source) -> bool:
        """True when the stored text of *source* is here, and is in every byte the one that was taken."""
        text, wrong = self.of(source)
        wanted = source.snapshot.text_sha256 if source.snapshot else ""
        return text is not None and not wrong and hashlib.sha256(text.encode()).hexdigest() == wanted

    def is_shown(self, source: Source) -> bool:
        """True when the stored text of *source* is here whole and may be passed on, so that readers find it on the site."""
        return source.redistribute == "full" and self.is_whole(source)

    def is_away(self, source: Source) -> bool:
        """True when a copy of *source* was taken that is not here, or is another now: nothing can be looked up in it."""
        return source.snapshot is not None and self.of(source)[0] is None

    def in_git(self, source: Source) -> bool:
        """True when the text of *source* lies in the repository, for all to have."""
        sha = source.snapshot.text_sha256 if source.snapshot else ""
        return self._root is not None and bool(sha) and (self._root / SNAPSHOTS / f"{sha}.txt").exists()

    def page(self, source: Source) -> str:
        """The words of the page that the text of *source* was taken from, all in one line; empty where it is not here.

        A text that was taken from a page may lack what the page has: lists, tables, what unfolds.
        """
        if self._kept is None or source.snapshot is None:
            return ""
        packed = self._kept / "raw" / f"{source.snapshot.sha256}.gz"
        if not packed.is_file():  # a pipe or a device would never end
            return ""
        try:
            with gzip.open(packed) as file:
                raw = file.read(PAGE_MAX)
        except (OSError, EOFError, zlib.error):
            return ""
        return plain_text(raw.decode("utf-8", "replace")) if b"<" in raw[:1000] else ""

    def _read(self, sha: str) -> tuple[str | None, str]:
        for path, name in self._places(sha):
            if path.exists() or path.is_symlink():
                within = self._root if self._root is not None and name.startswith(SNAPSHOTS) else path.parent
                return _checked(path, sha, name, within=within)
        return None, ""

    def _places(self, sha: str) -> list[tuple[Path, str]]:
        """Where the text may lie, and what to call the place."""
        places = []
        if self._root is not None:
            places.append((self._root / SNAPSHOTS / f"{sha}.txt", f"{SNAPSHOTS}/{sha}.txt"))
        if self._kept is not None:
            places.append((self._kept / f"{sha}.txt", _shown(self._kept / f"{sha}.txt", self._root)))
        return places


def _length(found: tuple[str | None, str]) -> int:
    return max(len(found[0] or ""), A_LOOK)


def _checked(path: Path, sha: str, name: str, *, within: Path) -> tuple[str | None, str]:
    if leads_out(path, within):
        return None, f"{name}: {LEADS_OUT}"
    try:
        raw = read_bytes(path, most=TEXT_MAX)
        found = hashlib.sha256(raw).hexdigest()
        text = decode(raw)
    except Unreadable as wrong:
        return None, f"{name}: {wrong.message}"
    if found != sha:
        again = "restore it from Git" if name.startswith(SNAPSHOTS) else "delete it, run opensignal sources pull,"
        return None, f"{name} was changed (its sha256 is {found[:12]}...); {again} or take a new copy"
    return text, ""


def _shown(path: Path, root: Path | None) -> str:
    return path.relative_to(root).as_posix() if root is not None and path.is_relative_to(root) else str(path)
