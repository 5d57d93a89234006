"""Buttondown: Settings, Export gives a zip of ``emails.csv`` (or ``emails.json``) and ``emails/<slug>.md``, and a CSV of
subscribers.

The table has id, secondary_id, subject, publish_date, source, slug, and in newer ones status, email_type, description, image,
absolute_url and body. A file is the body alone, in Markdown or, below ``<!-- buttondown-editor-mode: fancy -->``, in HTML;
the files of Buttondown's command line tool carry the same fields as front matter. Subscribers: email_address (earlier email),
type (regular, premium, unactivated, unsubscribed, removed, undeliverable, complained ...), creation_date,
unsubscription_date. Described at docs.buttondown.com (exports, emails, subscribers; the enums in buttondown/openapi), with
samples in TryGhost/migrate (mg-buttondown).

The form that asks to subscribe is left out of a body; other tags that Buttondown filled in stay, and are told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline.library.frontmatter import Unreadable, parse, split
from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Export, Markup, Post, Standing, moment, note
from pipeline.moving.services.lists import STANDINGS, Fields, address_column, take_readers

_MODE: Final = re.compile(r"\s*<!--\s*buttondown-editor-mode:\s*(\w+)\s*-->\s*")
_FORM: Final = re.compile(r"\{\{\s*subscribe_form\s*\}\}")
_FILLED_IN: Final = re.compile(r"\{\{[^{}\n]+\}\}|\{%[^%\n]+%\}")  # docs.buttondown.com/template-tags
_PUBLISHED: Final = frozenset({"", "sent", "imported", "published", "in_flight", "about_to_send"})
_PRIVATE: Final = {
    "premium": "for paying readers only",
    "private": "was in no archive",
    "churned": "for some readers only",
}
_STANDINGS: Final[Mapping[str, Standing]] = {
    **STANDINGS,
    **dict.fromkeys(("trialed", "past_due", "churning", "churned", "unpaid", "paused", "upcoming"), Standing.ACTIVE),
    **dict.fromkeys(("spammy", "malicious", "disabled"), Standing.OTHER),
}


def recognises(archive: Archive) -> bool:
    tables = archive.tables("subject", "slug", "publish_date") or archive.named(r"emails\.json")
    return bool(tables or archive.tables("email_address", "creation_date") or any(_fronts(archive)))


def read(archive: Archive) -> Export:
    export = Export("buttondown")
    bodies = {member.last.removesuffix(".md"): member for member in archive.members if member.suffix == ".md"}
    for where, fields in _rows(export, archive):
        _take(export, archive, bodies.pop(str(fields.get("slug") or ""), None), fields, where)
    for member in bodies.values():
        _take_alone(export, archive, member)
    for member in archive.members:
        if member.suffix == ".csv" and address_column(archive.columns(member)):
            take_readers(export, archive, member, _standing)
    return export


def _rows(export: Export, archive: Archive) -> Iterator[tuple[str, Mapping[str, Any]]]:
    seen: set[str] = set()
    for member in [*archive.tables("subject", "slug", "publish_date"), *archive.named(r"emails\.json")]:
        try:
            for where, fields in _rows_of(archive, member):
                if (id_ := str(fields.get("id") or where)) not in seen:  # the table and the JSON say the same
                    seen.add(id_)
                    yield where, fields
        except TooMuch as error:
            export.notes.append(note(member.name, "", str(error), "export it again", lost=True))
        except (ValueError, RecursionError) as error:
            export.notes.append(
                note(member.name, "", f"is no JSON that can be read: {error}", "export it again", lost=True)
            )


def _rows_of(archive: Archive, member: Member) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if member.suffix == ".csv":
        yield from ((f"{member.name}:{line}", fields) for line, fields in archive.rows(member))
        return
    data = json.loads(archive.text(member))
    items = data.get("results", []) if isinstance(data, dict) else data
    yield from ((member.name, item) for item in items if isinstance(item, dict))


def _take(export: Export, archive: Archive, member: Member | None, fields: Mapping[str, Any], where: str) -> None:
    title = str(fields.get("subject") or "").strip()
    try:
        body = archive.text(member) if member else str(fields.get("body") or "")
    except TooMuch as error:
        export.notes.append(
            note(member.name if member else where, title, str(error), "take it over by hand", lost=True)
        )
        return
    if member is None and not body:
        export.notes.append(note(where, title, "has no file in emails/, and no body", "export it again", lost=True))
        return
    if member and (front := _front(body)):
        fields, body = {**front[0], **{key: value for key, value in fields.items() if value}}, front[1]
    _keep(export, _post(fields, body, member.name if member else where))


def _take_alone(export: Export, archive: Archive, member: Member) -> None:
    """A file that no table names: it says itself what it is, or has nothing but its name."""
    try:
        text = archive.text(member)
    except TooMuch as error:
        export.notes.append(note(member.name, "", str(error), "take it over by hand", lost=True))
        return
    front = _front(text)
    fields, body = front or ({}, text)
    named = {"slug": member.last.removesuffix(".md"), **fields}
    if front is None:
        export.notes.append(
            note(member.name, "", "is in no row of emails.csv, so it has no title and no date", "give it both")
        )
    _keep(export, _post(named, body, member.name))


def _keep(export: Export, post: Post) -> None:
    if filled_in := _FILLED_IN.search(post.content):
        what = f"{filled_in[0]} was filled in by Buttondown for each reader, and stands here as it is"
        export.notes.append(note(post.file, post.title, what, "write it over"))
    export.posts.append(post)


def _post(fields: Mapping[str, Any], body: str, where: str) -> Post:
    def said(name: str) -> str:
        value = fields.get(name)
        return "" if value is None or isinstance(value, dict | list) else str(value).strip()

    mode = _MODE.match(body)
    status = said("status").lower()
    held_back = "" if status in _PUBLISHED else f"its status was {status}"
    slug = said("slug")
    url = said("absolute_url") or said("canonical_url")
    return Post(
        id=said("id") or slug or where,
        title=said("subject"),
        content=_FORM.sub("", _MODE.sub("", body, count=1)),
        file=where,
        slug=slug,
        subtitle=said("description"),
        published=moment(said("publish_date") or said("creation_date")),
        held_back=held_back or _PRIVATE.get(said("email_type").lower(), ""),
        path=f"/archive/{slug}/" if slug else "",
        url=url if url.startswith("http") else None,
        cover=said("image"),
        markup=Markup.HTML if mode and mode[1] == "fancy" else Markup.MARKDOWN,
    )


def _front(text: str) -> tuple[Mapping[str, Any], str] | None:
    """The front matter of a file and what stands below; None where it has none."""
    try:
        front, body, _ = split(text.replace("\r\n", "\n"))
        data = parse(front).data
    except Unreadable:
        return None
    return (data, body) if isinstance(data, dict) else None


def _fronts(archive: Archive) -> Iterator[bool]:
    for member in [one for one in archive.members if one.suffix == ".md"][:20]:
        try:
            yield b"subject:" in archive.start(member, 4_000)
        except TooMuch:
            continue


def _standing(fields: Fields) -> Standing:
    standing = _STANDINGS.get(
        (fields.get("type") or fields.get("subscriber_type") or "").strip().lower(), Standing.OTHER
    )
    if standing is Standing.ACTIVE and (fields.get("unsubscription_date") or "").strip():
        return Standing.LEFT
    return standing
