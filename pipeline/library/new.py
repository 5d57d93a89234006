"""An article to start from."""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pipeline.errors import UsageError
from pipeline.files import put_new
from pipeline.library import schema
from pipeline.library.files import ARTICLES, PEOPLE, TOPICS, Shelf, read_content
from pipeline.model import Role

# Words to be written over; `checks` refuses an article that is published with them.
TEMPLATE_DEK: Final = "One sentence that says what the reader will know afterwards."
TEMPLATE_OPENING: Final = "The first paragraph opens in the middle of things."
TEMPLATE_CITED: Final = "Say in a sentence of yours what this source tells."
_TEMPLATE: Final = f"""\
---
title: {{title}}
dek: {TEMPLATE_DEK}
date: {{date}}
status: draft
authors: [{{author}}]
topics: [{{topics}}]
---
{TEMPLATE_OPENING}
{{cited}}
<!-- Write one sentence a line.
Cite a source of content/sources directly after the full stop: [^source-id], or [^source-id.quote] for words of it.
End a paragraph of your own reading with an analysis comment, as here. --> <!-- analysis -->
"""


def new_article(
    root: Path, title: str, *, today: dt.date, author: str | None = None, topics: Iterable[str] = ()
) -> Path:
    """Write a draft with *title* into content/articles and return its path; an existing file is never touched.

    *author* is the id of a person (default: the first editor of content/people.yml), *topics* are ids of content/topics.yml.
    Raises `UsageError` for a title, an author or a topic that `check` would refuse, or a slug that is taken.
    """
    path, text = draft_of(root, title, today=today, author=author, topics=topics)
    write_draft(path, text)
    return path


def draft_of(
    root: Path,
    title: str,
    *,
    today: dt.date,
    author: str | None = None,
    topics: Iterable[str] = (),
    cites: Iterable[str] = (),
) -> tuple[Path, str]:
    """The file and the text of a draft, which cites each of the sources *cites* by its id. Raises `UsageError` as `new_article`."""
    title, topics = " ".join(title.split()), list(topics)
    shelf = read_content(root)
    if wrong := schema.check_title(title):
        raise UsageError(f"{wrong}; a title is what the article claims")
    slug = slug_of(title)
    for read in shelf.articles:
        if read.noun.slug == slug:
            raise UsageError(f'slug "{slug}" is taken by {read.path}; choose another title')
    path = root / ARTICLES / f"{today.year:04}" / f"{today.isoformat()}-{slug}.md"
    text = _TEMPLATE.format(
        title=_as_yaml(title),
        date=today.isoformat(),
        author=_author(shelf, author),
        topics=", ".join(_topics(shelf, topics)),
        cited="".join(f"\n{TEMPLATE_CITED}[^{id_}]\n" for id_ in cites),
    )
    return path, text


def write_draft(path: Path, text: str) -> None:
    """Write *text* to the new file *path*. Raises `UsageError` where one of that name is, `StoreError` where none can be made."""
    if not put_new(path, text.encode()):
        raise UsageError(f"{path} is there already; choose another title")


def slug_of(title: str) -> str:
    """The slug for *title*: small letters, digits and hyphens, cut at a word's end. Raises `UsageError` where nothing is left."""
    slug = ""
    for word in plain_words(title):
        if len(slug) + 1 + len(word) > 60 and slug:
            break
        slug = f"{slug}-{word}" if slug else word[:60]
    if not schema.SLUG.fullmatch(slug):
        raise UsageError(
            f'no slug can be made of "{title}"; use a title with Latin letters, and set slug: in the file afterwards'
        )
    return slug


# Letters that have no accent to take off.
_LETTERS: Final = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "æ": "ae",
        "Æ": "Ae",
        "œ": "oe",
        "Œ": "Oe",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "þ": "th",
        "ı": "i",
    }
)


def plain_words(text: str) -> list[str]:
    """The words of *text* in small Latin letters and digits, without accents: what slugs and ids are made of."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9]+", re.sub(r"['’]", "", plain.lower()))


def _as_yaml(text: str) -> str:
    """*text* as a YAML scalar: plain where it cannot be misread, else in double quotes (JSON's are YAML's)."""
    is_plain = re.fullmatch(r"[A-Za-z][^:#\[\]{}\"'`\\]*", text) and text.lower() != "null"
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _author(shelf: Shelf, author: str | None) -> str:
    people = {read.noun.id: read.noun for read in shelf.people}
    if author is None:
        editors = [person.id for person in people.values() if person.role is Role.EDITOR]
        return editors[0] if editors else ""
    if author not in people:
        raise UsageError(f'unknown person "{author}"{schema.closest(author, people) or f"; add them to {PEOPLE}"}')
    return author


def _topics(shelf: Shelf, topics: list[str]) -> list[str]:
    known = [read.noun.id for read in shelf.topics]
    for topic in topics:
        if topic not in known:
            raise UsageError(f'unknown topic "{topic}"{schema.closest(topic, known) or f"; see {TOPICS}"}')
    return topics
