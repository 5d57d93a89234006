"""Images in articles: each must be there, be an image, and be no larger than a machine that builds the site can unpack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.library.checks.articles import LINK, weight_of_form
from pipeline.library.citations import in_brackets, line_and_column, prose
from pipeline.library.files import Read
from pipeline.library.images import FORMATS, NoImage, file_at, look_at
from pipeline.library.links import PAGES
from pipeline.model import Article, Problem

if TYPE_CHECKING:
    from pipeline.library import Library


def check_images(read: Read[Article], library: Library, root: Path) -> Iterator[Problem]:
    """S042"""
    if "![" not in read.noun.body:
        return
    text = prose(read.noun.body)
    for link in in_brackets(LINK, text):
        file = file_at(link["url"]) if link["image"] and link["url"] else None
        if file is None:
            continue
        library.sees(PAGES + file)
        if wrong := _wrong_with(root / PAGES / file):
            place = line_and_column(text, link.start("url"), first_line=read.noun.body_line)
            yield Problem(read.path, *place, "S042", f"the image {PAGES}{file} {wrong}", weight_of_form(read.noun))


def _wrong_with(path: Path) -> str:
    if not path.is_file():
        return "does not exist; mend the path, or put the image there"
    if path.suffix.lower() == ".svg":
        return ""
    if path.suffix.lower() not in FORMATS:
        return f"ends in {path.suffix or 'nothing'}; save it as PNG, JPEG, WebP or AVIF"
    try:
        look_at(path)
    except NoImage as error:
        return str(error)
    return ""
