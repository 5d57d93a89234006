"""WordPress: Tools, Export, All content gives WXR, which is RSS 2.0 with elements of the namespaces ``wp``, ``content``,
``excerpt``.

An item has title, link, dc:creator, content:encoded, excerpt:encoded, wp:post_id, wp:post_date_gmt, wp:post_modified_gmt,
wp:post_name, wp:status, wp:post_type, wp:post_parent, wp:attachment_url, wp:post_password, wp:postmeta and ``category``
elements with a domain of category or post_tag. Pages, menus and revisions are no articles. Subscribers of Jetpack or
WordPress.com are a CSV with a column of addresses. The format is the code of WordPress (wp-admin/includes/export.php); the
shortcodes are described in the Codex, the subscribers at wordpress.com/support/subscribers.

The file is parsed with no entities of its own, no network and no document type: a file that declares entities is refused.
"""

from __future__ import annotations

import datetime as dt
import html
import io
import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Author, Export, Post, moment, note, words
from pipeline.moving.services.lists import address_column, by_word, take_readers
from pipeline.moving.services.shortcodes import Attachments, as_html

_MARK: Final = b"wordpress.org/export/"
_HELD_BACK: Final = {
    "draft": "was a draft",
    "auto-draft": "was a draft",
    "pending": "waited for review",
    "private": "was private",
    "future": "was scheduled and had not appeared",
    "trash": "",
}
_PASSED_BY: Final = {"page": "pages", "attachment": "", "nav_menu_item": "", "revision": ""}


def recognises(archive: Archive) -> bool:
    return bool(_files(archive))


def read(archive: Archive) -> Export:
    export = Export("wordpress")
    for member in _files(archive):
        try:
            raw = archive.whole(member)
            if wrong := _hostile(raw):
                export.notes.append(note(member.name, "", wrong, "export it again from WordPress", lost=True))
                continue
            _take(export, archive, member, raw)
        except TooMuch as error:
            export.notes.append(note(member.name, "", str(error), "export it in parts", lost=True))
    for member in archive.members:
        if member.suffix == ".csv" and address_column(archive.columns(member)):
            columns = archive.columns(member)
            take_readers(
                export, archive, member, by_word("email subscription" if "email subscription" in columns else "status")
            )
    return export


def _files(archive: Archive) -> list[Member]:
    found = []
    for member in archive.members:
        if member.suffix in (".xml", ".wxr"):
            try:
                start = archive.start(member, 20_000)
            except TooMuch:
                continue
            if _MARK in start or _MARK in start.replace(b"\0", b""):
                found.append(member)
    return found


def _hostile(raw: bytes) -> str:
    flat = raw.replace(b"\0", b"") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else raw
    if re.search(rb"<!(?:ENTITY|DOCTYPE)", re.sub(rb"<!\[CDATA\[.*?\]\]>", b"", flat, flags=re.DOTALL), re.IGNORECASE):
        return "declares a document type or entities, which no export of WordPress does, so it was not read"
    return ""


# --- the file -------------------------------------------------------------------------------------------------------------------


def _take(export: Export, archive: Archive, member: Member, raw: bytes) -> None:
    items = list(_elements(export, member, raw))
    whole = raw.replace(b"\0", b"").count(b"</item>")
    if (
        sum(_name(element) == "item" for element in items) > whole
    ):  # the parser closes what the end of the file left open
        items.remove([element for element in items if _name(element) == "item"][-1])
        export.notes.append(
            note(
                member.name,
                "",
                "ends in the middle of a post",
                "export it again; what stood before it came over",
                lost=True,
            )
        )
    attachments = Attachments()
    for element in items:
        if _name(element) == "item" and _said(element, "post_type") == "attachment":
            attachments.add(
                _said(element, "post_id"),
                _said(element, "attachment_url"),
                _alt_of(element),
                _said(element, "encoded", "excerpt"),
            )
    names: dict[str, str] = {}
    for element in items:
        if _name(element) == "author":
            login, name = _said(element, "author_login"), _said(element, "author_display_name")
            names[login] = name or login
            export.authors[names[login]] = Author(names[login])
    for element in items:
        if _name(element) == "site":
            export.sites.append((element.text or "").strip().rstrip("/"))
    for element in items:
        if _name(element) == "item":
            _take_item(export, member, element, names, attachments)


def _elements(export: Export, member: Member, raw: bytes) -> Iterator[etree._Element]:
    """The items and authors of the file, and the addresses of the site; a broken file is read as far as that goes."""
    cleaned = re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", b"", raw) if raw[:2] not in (b"\xff\xfe", b"\xfe\xff") else raw
    is_utf8 = True
    try:
        cleaned.decode("utf-8")
    except UnicodeDecodeError:
        is_utf8 = False
    declared = re.search(rb'^\s*(?:\xef\xbb\xbf)?<\?xml[^>]*encoding=["\']([\w-]+)', cleaned[:200])
    encoding = None if declared and declared[1].lower() not in (b"utf-8", b"utf8") else "utf-8" if is_utf8 else "cp1252"
    if encoding == "cp1252" and raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        export.notes.append(
            note(member.name, "", "is not in UTF-8; read as Windows-1252", "look at letters with accents")
        )
    else:
        encoding = None
    parser = etree.iterparse(
        io.BytesIO(cleaned), events=("end",), recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True,
        encoding=encoding,
    )  # fmt: skip
    try:
        for _, element in parser:
            name = _name(element)
            if name in ("item", "author") and element.getparent() is not None:
                yield element
            elif name in ("base_site_url", "base_blog_url"):
                element.tag = "site"
                yield element
    except etree.XMLSyntaxError as error:
        export.notes.append(
            note(
                member.name,
                "",
                f"ends in the middle, or is broken: {error}",
                "export it again; what stood before it came over",
                lost=True,
            )
        )
    else:
        if wrong := parser.error_log.filter_from_errors():
            first = wrong[0]
            export.notes.append(
                note(
                    f"{member.name}:{first.line}", "", f"is broken here: {first.message}", "look at the posts around it"
                )
            )


def _take_item(
    export: Export, member: Member, item: etree._Element, names: dict[str, str], attachments: Attachments
) -> None:
    kind, status = _said(item, "post_type") or "post", _said(item, "status")
    title = _plain(_said(item, "title"))
    if kind != "post":
        what = _PASSED_BY.get(kind, "items that are no posts")
        if what:
            export.pass_by(what)
        return
    if status == "trash":
        export.pass_by("posts in the trash")
        return
    held_back = _HELD_BACK.get(status, "")
    if not held_back and _said(item, "post_password"):
        held_back = "was locked by a password"
    link = _said(item, "link")
    url = link if re.match(r"https?://", link) else None
    path = re.sub(r"^https?://[^/]+", "", link) if url and "?" not in link else ""
    creator = names.get(_said(item, "creator"), _said(item, "creator"))
    if creator:
        export.authors.setdefault(creator, Author(creator))
    thumbnail = next((v for k, v in _meta(item) if k == "_thumbnail_id"), "")
    image = attachments.by_id.get(thumbnail)
    content, remarks = as_html(_said(item, "encoded", "content"), attachments)
    export.notes += [note(member.name, title, what, then) for what, then in remarks]
    excerpt = _plain(_said(item, "encoded", "excerpt"))
    export.posts.append(
        Post(
            id=_said(item, "post_id") or _said(item, "guid"),
            title=title,
            content=content,
            file=member.name,
            slug=_said(item, "post_name"),
            subtitle=excerpt,
            published=_date(item, "post_date_gmt", "post_date") or moment(_said(item, "pubDate")),
            held_back=held_back,
            path=path,
            url=url,
            tags=_tags(item),
            authors=words([creator]),
            cover=image.url if image else "",
            cover_alt=image.alt if image else "",
            cover_caption=image.caption if image else "",
        )
    )


def _tags(item: etree._Element) -> tuple[str, ...]:
    found = [
        element
        for element in item
        if _name(element) == "category" and element.get("domain") in ("category", "post_tag")
    ]
    return words(html.unescape(e.text or "") for e in found if e.get("nicename") != "uncategorized")


def _meta(item: etree._Element) -> Iterator[tuple[str, str]]:
    for element in item:
        if _name(element) == "postmeta":
            yield _said(element, "meta_key"), _said(element, "meta_value")


def _alt_of(item: etree._Element) -> str:
    return next((value for key, value in _meta(item) if key == "_wp_attachment_image_alt"), "")


def _date(item: etree._Element, *names: str) -> dt.datetime | None:
    return next(
        (at for name in names if not (text := _said(item, name)).startswith("0000") and (at := moment(text))), None
    )


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _said(parent: etree._Element, name: str, space: str = "") -> str:
    """The text of the child *name*, of the namespace whose address has *space* in it."""
    for child in parent:
        if (
            isinstance(child.tag, str)
            and _name(child) == name
            and (not space or space in (etree.QName(child).namespace or ""))
        ):
            return (child.text or "").strip()
    return ""


def _plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())
