"""Medium: Settings, Security and apps, Download your information gives a zip with ``posts/<date>_<Title>-<id>.html``, a page
a post.

A page is an ``article.h-entry``: ``h1.p-name``, ``section.p-summary``, ``section.e-content``, and a footer with
``a.p-author``, ``time.dt-published``, ``a.p-canonical`` and sometimes ``a.p-tag``; drafts are called ``draft_...`` and have
no date. What was written in answer to others is among the posts, without a title of its own. Images are not in the zip.
Subscribers may be had as a CSV with a column of addresses. Described at help.medium.com ("Download a copy of your account
data") and, with samples, by TryGhost/migrate (mg-medium-export).
"""

from __future__ import annotations

import re

from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Author, Export, Post, moment, note, words
from pipeline.moving.markdown import Element, classes, inner_html, parsed
from pipeline.moving.services.lists import address_column, by_word, take_readers


def recognises(archive: Archive) -> bool:
    return any(b"h-entry" in _start(archive, one) for one in archive.named(r"posts/[^/]+\.html")[:20])


def read(archive: Archive) -> Export:
    export = Export("medium", sites=["https://medium.com"])
    for member in archive.named(r"posts/[^/]+\.html"):
        try:
            page = parsed(archive.text(member))
        except TooMuch as error:
            export.notes.append(note(member.name, "", str(error), "take it over by hand", lost=True))
            continue
        if page is None:
            export.notes.append(note(member.name, "", "is empty", "export it again", lost=True))
            continue
        _take(export, member, page)
    for member in archive.members:
        if member.suffix == ".csv" and address_column(archive.columns(member)):
            take_readers(export, archive, member, by_word("status"))
    return export


def _take(export: Export, member: Member, page: Element) -> None:
    title = _said(page, "p-name")
    body = next((e for e in page.iter("section") if "e-content" in classes(e)), None)
    id_ = (
        found[1]
        if (found := re.search(r"-([0-9a-f]{6,16})\.html$", member.last))
        else member.last.removesuffix(".html")
    )
    if body is None:
        export.notes.append(
            note(member.name, title, "has no text that we know to find", "take it over by hand", lost=True)
        )
        return
    for part in list(body.iter()):
        if (
            isinstance(part.tag, str)
            and classes(part) & {"graf--title", "graf--subtitle", "section-divider"}
            and part.tag != "hr"
        ):
            part.drop_tree()
    rules = [e for e in body.iter("hr") if "section-divider" in classes(e)]
    for rule in rules[:1]:  # the first stands above the text
        rule.drop_tree()
    if _is_answer(page, title):
        export.pass_by("answers to others")
        return
    authors = words(" ".join(e.text_content().split()) for e in page.find_class("p-author"))
    for name in authors:
        export.authors.setdefault(name, Author(name))
    stamp = next((e.get("datetime") for e in page.iter("time") if "dt-published" in classes(e)), None)
    url = next((e.get("href") for e in page.find_class("p-canonical")), None)
    is_draft = member.last.startswith("draft_")
    export.posts.append(
        Post(
            id=id_,
            title=title,
            content=inner_html(body),
            file=member.name,
            slug=re.sub(r"-[0-9a-f]{6,16}$", "", (url or "").rstrip("/").rpartition("/")[2]),
            subtitle=_said(page, "p-summary"),
            published=moment(stamp),
            held_back="was a draft" if is_draft else "",
            path=_path(url),
            url=url,
            tags=words(e.text_content() for e in page.find_class("p-tag")),
            authors=authors,
        )
    )


def _is_answer(page: Element, title: str) -> bool:
    """True for what was written below somebody else's post: Medium takes its first words for its title, and gives no heading."""
    has_summary = bool(_said(page, "p-summary"))
    return not has_summary and not title


def _said(page: Element, name: str) -> str:
    return next((" ".join(e.text_content().split()) for e in page.find_class(name)), "")


def _path(url: str | None) -> str:
    """The path of an address on a domain of one's own; what stands at medium.com is not ours to lead on."""
    found = re.fullmatch(r"https?://([^/]+)(/[^?#]*)(?:[?#].*)?", url or "")
    return found[2] if found and not found[1].endswith("medium.com") else ""


def _start(archive: Archive, member: Member) -> bytes:
    try:
        return archive.start(member, 20_000)
    except TooMuch:
        return b""
