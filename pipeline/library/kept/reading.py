"""Files of content/ as rows, read in any process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ContentError
from pipeline.library import files
from pipeline.library.files import Shelf
from pipeline.library.kept.article import front_of, row_of
from pipeline.library.kept.rows import NOUNS
from pipeline.library.urls import page_key

if TYPE_CHECKING:
    from pipeline.library.frontmatter import Document


def read_article(path: str, root: Path) -> dict[str, Any]:
    """The row of the article in *path*."""
    shelf = _shelf(root, path, files.shelf_of_article)
    found: dict[str, Any] = {"problems": NOUNS.pack(shelf.problems), "held_back": bool(shelf.held_back), "row": None}
    for read in shelf.articles:
        row, front = row_of(read.noun, NOUNS), front_of(read.noun, NOUNS)
        found |= {"row": row, "front": front, "at": read.noun.date.timestamp()}
    return found


def read_source(path: str, root: Path) -> dict[str, Any]:
    """The row of the source in *path*."""
    shelf = _shelf(root, path, files.shelf_of_source)
    found: dict[str, Any] = {"problems": NOUNS.pack(shelf.problems), "row": None}
    for read in shelf.sources:
        taken = read.noun.snapshot
        found |= {
            "row": NOUNS.pack(read.noun),
            "id": read.noun.id,
            "key": page_key(read.noun.url),
            "copy": taken.text_sha256 if taken else "",
            "page": taken.sha256 if taken else "",
            "is_free": read.noun.redistribute == "full",
            "kin": kin if any(kin := (read.noun.via, read.noun.supersedes, read.noun.superseded_by)) else None,
        }
    return found


def bytes_of(root: Path, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError as error:
        raise ContentError(f"{path}: was there a moment ago and cannot be read: {error.strerror}; run again") from error


def document_of(root: Path, path: str) -> Document:
    (read,) = files.shelf_of_article(bytes_of(root, path), path).articles
    return read.document


def _shelf(root: Path, path: str, read: Callable[[bytes, str], Shelf]) -> Shelf:
    from pipeline.library.frontmatter import Unreadable, read_bytes

    try:
        return read(read_bytes(root / path), path)
    except Unreadable as wrong:
        return files.unreadable(path, wrong)
