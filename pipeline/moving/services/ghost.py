"""Ghost: Settings, Import/Export gives a JSON of the site, Members, Export gives a CSV; images lie in ``content/images``.

``{"db": [{"meta": ..., "data": {...}}]}``, where data has a list a table: posts (title, slug, html, lexical or mobiledoc,
feature_image, type, status, visibility, published_at, custom_excerpt, canonical_url), posts_meta, tags, posts_tags, users,
posts_authors, settings. ``__GHOST_URL__`` stands for the address of the site. Members: email, subscribed_to_emails,
created_at, deleted_at. Addresses and password hashes of users are in the file and are not read. Described at
ghost.org/docs/migration/custom and ghost.org/docs/members (import and export), in the code of TryGhost/Ghost (data/schema).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Author, Export, Post, Standing, moment, note, truth
from pipeline.moving.services.lists import Fields, take_readers
from pipeline.moving.services.richtext import lexical_html, mobiledoc_html

PLACEHOLDER: Final = "__GHOST_URL__"
_HELD_BACK: Final = {
    "draft": "was a draft",
    "scheduled": "was scheduled and had not appeared",
    "members": "for members only",
    "paid": "for paying readers only",
    "tiers": "for paying readers only",
    "filter": "for some readers only",
}


def recognises(archive: Archive) -> bool:
    return bool(_files(archive) or archive.tables("email", "subscribed_to_emails"))


def read(archive: Archive) -> Export:
    export = Export("ghost")
    for member in _files(archive):
        try:
            data = json.loads(archive.text(member))
        except TooMuch as error:
            export.notes.append(note(member.name, "", str(error), "export it again", lost=True))
            continue
        except (ValueError, RecursionError) as error:
            export.notes.append(
                note(member.name, "", f"is no JSON that can be read: {error}", "export it again", lost=True)
            )
            continue
        for part in _parts(data):
            _Site(export, member.name, part).take()
    for member in archive.tables("email", "subscribed_to_emails"):
        take_readers(export, archive, member, _standing)
    return export


def _files(archive: Archive) -> list[Member]:
    found = []
    for member in archive.members:
        if member.suffix == ".json":
            try:
                start = archive.start(member, 100_000)
            except TooMuch:
                continue
            if b'"db"' in start or (b'"meta"' in start and b'"data"' in start) or b'"posts_tags"' in start:
                found.append(member)
    return found


def _parts(data: Any) -> Iterable[Mapping[str, Any]]:
    """The tables, however deep they stand."""
    items = data.get("db", data) if isinstance(data, dict) else data
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, dict):
            yield item["data"] if isinstance(item.get("data"), dict) else item


class _Site:
    """The tables of one site."""

    def __init__(self, export: Export, file: str, data: Mapping[str, Any]) -> None:
        self._export = export
        self._file = file
        self._data = data
        self._tags = {str(tag.get("id")): tag for tag in self._table("tags")}
        self._users = {str(user.get("id")): user for user in self._table("users")}
        self._meta = {str(meta.get("post_id")): meta for meta in self._table("posts_meta")}
        self._tags_of = self._pairs("posts_tags", "tag_id")
        self._authors_of = self._pairs("posts_authors", "author_id")
        self._site = next(
            (str(s["value"]).rstrip("/") for s in self._table("settings") if s.get("key") == "url" and s.get("value")),
            "",
        )

    def take(self) -> None:
        if self._site:
            self._export.sites.append(self._site)
        for user in self._users.values():
            if name := _said(user, "name"):
                url = _said(user, "website")
                self._export.authors[name] = Author(name, _said(user, "bio"), url if url.startswith("http") else None)
        for post in self._table("posts"):
            if post.get("type") == "page" or post.get("page") in (1, True):
                self._export.pass_by("pages")
            else:
                self._export.posts.append(self._post(post))

    def _post(self, post: Mapping[str, Any]) -> Post:
        id_, title, slug = str(post.get("id") or ""), _said(post, "title"), _said(post, "slug")
        meta = self._meta.get(id_, {})
        status, visibility = _said(post, "status"), _said(post, "visibility") or "public"
        held_back = _HELD_BACK.get(status) or _HELD_BACK.get(visibility, "")
        tags = [self._tags[tag] for tag in self._tags_of[id_] if tag in self._tags]
        shown = [tag for tag in tags if tag.get("visibility") != "internal" and not _said(tag, "name").startswith("#")]
        authors = [
            self._users[user]
            for user in self._authors_of[id_] or [str(post.get("author_id") or "")]
            if user in self._users
        ]
        return Post(
            id=id_ or slug,
            title=title,
            content=self._html(post, title),
            file=self._file,
            slug=slug,
            subtitle=_said(post, "custom_excerpt") or _said(meta, "custom_excerpt"),
            published=moment(post.get("published_at") or (post.get("created_at") if status == "draft" else None)),
            held_back=held_back,
            path=f"/{slug}/" if slug else "",
            url=f"{self._site}/{slug}/" if self._site and slug else _said(post, "canonical_url") or None,
            tags=tuple(_said(tag, "name") for tag in shown),
            authors=tuple(_said(user, "name") for user in authors),
            cover=_said(post, "feature_image"),
            cover_alt=_said(meta, "feature_image_alt"),
            cover_caption=_said(meta, "feature_image_caption"),
            lang=_said(post, "locale"),
        )

    def _html(self, post: Mapping[str, Any], title: str) -> str:
        if html := post.get("html"):
            return str(html)
        for name, reader in (("lexical", lexical_html), ("mobiledoc", mobiledoc_html)):
            if kept := post.get(name):
                try:
                    return reader(json.loads(kept) if isinstance(kept, str) else kept)
                except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
                    self._export.notes.append(
                        note(
                            self._file,
                            title,
                            f"its text, kept as {name}, cannot be read",
                            "take it over by hand",
                            lost=True,
                        )
                    )
        return str(post.get("plaintext") or "")

    def _table(self, name: str) -> list[Mapping[str, Any]]:
        rows = self._data.get(name)
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def _pairs(self, name: str, column: str) -> defaultdict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for row in sorted(self._table(name), key=lambda row: _order(row.get("sort_order"))):
            found[str(row.get("post_id"))].append(str(row.get(column)))
        return found


def _order(value: object) -> int:
    return value if isinstance(value, int) else 0


def _said(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def _standing(fields: Fields) -> Standing:
    if fields.get("deleted_at", "").strip() or not truth(fields.get("subscribed_to_emails")):
        return Standing.LEFT
    return Standing.ACTIVE
