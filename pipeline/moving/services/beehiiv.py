"""beehiiv: Settings, Export data gives a CSV of posts and one of subscribers.

Posts: id, web_title, status (confirmed, draft, archived), audience (free, premium, both), url, web_subtitle,
email_subject_line, email_preview_text, content_html, thumbnail_url, created_at, and in newer ones slug, publish_date,
content_tags and authors. ``content_html`` is the whole letter, built of nested tables; the text stands below
``#content-blocks``. Subscribers: email, status (active, inactive, pending, validating, invalid), created_at, unsubscribed_at.
Described at support.beehiiv.com ("How to export your data") and developers.beehiiv.com (posts, subscriptions), with samples
in TryGhost/migrate (mg-beehiiv, mg-beehiiv-members).
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Author, Export, Post, Standing, moment, note, path_of, words
from pipeline.moving.markdown import inner_html, parsed
from pipeline.moving.services.lists import STANDINGS, Fields, address_column, take_readers

_BODY: Final = ("content_html", "content", "web_content", "free_web_content")
_PUBLISHED: Final = frozenset({"confirmed", "published", "archived", ""})
_AUDIENCES: Final = frozenset({"free", "both", "all", ""})
_FILES: Final = "https://media.beehiiv.com/"


def recognises(archive: Archive) -> bool:
    return bool(_tables(archive) or archive.tables("email", "status", "created_at"))


def read(archive: Archive) -> Export:
    export = Export("beehiiv")
    for member in _tables(archive):
        try:
            for line, fields in archive.rows(member):
                _take(export, fields, f"{member.name}:{line}")
        except TooMuch as error:
            export.notes.append(note(member.name, "", str(error), "export it again", lost=True))
    for member in archive.members:
        if member.suffix == ".csv" and address_column(archive.columns(member)):
            take_readers(export, archive, member, _standing)
    return export


def _tables(archive: Archive) -> list[Member]:
    return list(
        dict.fromkeys(
            [*archive.tables("web_title", "content_html"), *archive.tables("title", "content_html", "status")]
        )
    )


def _take(export: Export, fields: Fields, where: str) -> None:
    title = (fields.get("web_title") or fields.get("title") or fields.get("email_subject_line") or "").strip()
    content = next((fields[name] for name in _BODY if fields.get(name, "").strip()), "")
    url = (fields.get("url") or fields.get("web_url") or "").strip() or None
    path = path_of(url) if url and re.match(r"https?://", url) else ""
    id_ = fields.get("id", "").strip() or path
    if not id_ and not title and not content:
        return
    status, audience = (fields.get(name, "").strip().lower() for name in ("status", "audience"))
    held_back = "" if status in _PUBLISHED else f"its status was {status}"
    if not held_back and audience not in _AUDIENCES:
        held_back = "for paying readers only"
    cover = fields.get("thumbnail_url", "").strip()
    authors = words(re.split(r"[,;|]", fields.get("authors") or fields.get("author") or ""))
    for name in authors:
        export.authors.setdefault(name, Author(name))
    export.posts.append(
        Post(
            id=id_ or where,
            title=title,
            content=_text_of(content),
            file=where,
            slug=(fields.get("slug") or path.rstrip("/").rpartition("/")[2]).strip(),
            subtitle=(fields.get("web_subtitle") or fields.get("subtitle") or "").strip(),
            published=next(
                (
                    at
                    for name in ("publish_date", "published_at", "scheduled_at", "created_at")
                    if (at := moment(fields.get(name)))
                ),
                None,
            ),
            held_back=held_back,
            path=path,
            url=url,
            tags=words(re.split(r"[,;|]", fields.get("content_tags") or fields.get("tags") or "")),
            authors=authors,
            cover=cover if not cover or cover.startswith("http") else _FILES + cover.lstrip("/"),
        )
    )


def _text_of(letter: str) -> str:
    """The text without what stands around it in a letter: preheader, header, footer."""
    if "content-blocks" not in letter:
        return letter
    page = parsed(letter)
    found = page.get_element_by_id("content-blocks", None) if page is not None else None
    return inner_html(found) if found is not None and found.text_content().strip() else letter


def _standing(fields: Fields) -> Standing:
    standing = STANDINGS.get(fields.get("status", "").strip().lower(), Standing.OTHER)
    if standing is Standing.ACTIVE and fields.get("unsubscribed_at", "").strip():
        return Standing.LEFT
    return standing
