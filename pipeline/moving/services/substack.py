"""Substack: Settings, Export gives a zip of ``posts.csv``, ``posts/<id>.<slug>.html`` and ``email_list.<name>.csv``.

``posts.csv`` has the columns post_id, post_date, is_published, email_sent_at, inbox_sent_at, type, audience, title, subtitle,
podcast_url; the HTML is the body alone. Beside it lie ``<id>.<slug>.delivers.csv`` and ``.opens.csv``, which say who opened
what and are not read. Lists of subscribers have email, active_subscription, expiry, email_disabled, created_at. Images are
not in the zip, and neither are tags, authors and the address of the publication. Described at support.substack.com ("How do I
export my posts") and, with samples, by the importers of TryGhost/migrate (mg-substack) and WordPress (wp-import-substack).
"""

from __future__ import annotations

from typing import Final

from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Export, Post, Standing, moment, note, truth
from pipeline.moving.services.lists import Fields, address_column, take_readers

_NO_ARTICLES: Final = {"thread": "discussion threads", "page": "pages"}
_AUDIENCES: Final = {"only_paid": "for paying readers only", "founding": "for founding members only", "only_free": ""}


def recognises(archive: Archive) -> bool:
    return bool(
        archive.tables("post_id", "post_date")
        or archive.tables("email", "active_subscription")
        or archive.tables("email", "email_disabled")
    )


def read(archive: Archive) -> Export:
    export = Export("substack")
    bodies = {member.last.removesuffix(".html"): member for member in archive.named(r"[^/]+\.html")}
    for table in archive.tables("post_id", "post_date"):
        try:
            for line, fields in archive.rows(table):
                _take(export, archive, bodies, fields, f"{table.name}:{line}")
        except TooMuch as error:
            export.notes.append(note(table.name, "", str(error), "export it again", lost=True))
    for name in sorted(bodies):
        export.notes.append(
            note(
                bodies[name].name,
                "",
                "is in no row of posts.csv, so it has no title and no date",
                "export it again",
                lost=True,
            )
        )
    for member in _lists(archive):
        take_readers(export, archive, member, _standing)
    return export


def _take(export: Export, archive: Archive, bodies: dict[str, Member], fields: Fields, where: str) -> None:
    id_, title = fields["post_id"].strip(), fields.get("title", "").strip()
    kind = fields.get("type", "")
    body = bodies.pop(id_, None)
    if not id_:
        export.notes.append(note(where, title, "the row has no post_id", "look at it", lost=True))
        return
    if kind in _NO_ARTICLES:
        export.pass_by(_NO_ARTICLES[kind])
        return
    if body is None:
        export.notes.append(note(where, title, f"there is no file posts/{id_}.html", "export it again", lost=True))
        return
    try:
        content = archive.text(body)
    except TooMuch as error:
        export.notes.append(note(body.name, title, str(error), "take it over by hand", lost=True))
        return
    slug = id_.partition(".")[2]
    recording = fields.get("podcast_url", "").strip()
    held_back = "" if truth(fields.get("is_published")) else "was not published"
    export.posts.append(
        Post(
            id=id_,
            title=title,
            content=content,
            file=body.name,
            slug=slug,
            subtitle=fields.get("subtitle", "").strip(),
            published=moment(fields.get("post_date")),
            held_back=held_back or _AUDIENCES.get(fields.get("audience", ""), ""),
            path=f"/p/{slug}" if slug else "",
            lead=recording,
        )
    )


def _lists(archive: Archive) -> list[Member]:
    found = [*archive.tables("email", "active_subscription"), *archive.tables("email", "email_disabled")]
    named = [
        one for one in archive.named(r"(?:email_list|subscribers?)[^/]*\.csv") if address_column(archive.columns(one))
    ]
    return list(
        dict.fromkeys(one for one in [*found, *named] if not one.last.endswith((".delivers.csv", ".opens.csv")))
    )


def _standing(fields: Fields) -> Standing:
    return Standing.LEFT if truth(fields.get("email_disabled")) else Standing.ACTIVE
