"""Jekyll: the repository of the site, as a folder or a zip. Posts lie in ``_posts/`` as ``2026-08-21-name.md``, drafts in
``_drafts/``, what posts include in ``_includes/``, the settings in ``_config.yml``.

Front matter: title, date, permalink, slug, categories, tags, author or authors, published, description or excerpt, image, lang,
redirect_from. Described at jekyllrb.com/docs (posts, front-matter, permalinks, variables, liquid), kramdown's own marks at
kramdown.gettalong.org/syntax.html.

Tags are filled in as on the site (`liquid`); nothing of it is run. Marks that give a class or an id to what stands before them
are left out, for classes mean nothing here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from pipeline.errors import UsageError
from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Export, Markup, Post, note, words
from pipeline.moving.services.sitefiles import (
    HTML,
    MARKDOWN,
    Fields,
    Text,
    dated,
    falsely,
    filled_in,
    json_value,
    listed,
    names_of,
    outside_code,
    plainly,
    said,
    settings_in,
    several,
    site_root,
    slugified,
    tell_of_others,
    texts,
    when,
    without_ids,
    yaml_value,
    zone_of,
)

if TYPE_CHECKING:
    from pipeline.moving.services.liquid import Liquid

_SETTINGS: Final = r"_config\.ya?ml"
_STYLES: Final = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_TAGGED: Final = re.compile(r"\{[%{]")
# kramdown's lists of attributes: {: .class #id key="value" reference}. What is no such list, as {:.2f}, is somebody's words.
_ATTRIBUTES: Final = r"(?:[ ]*(?:[.#][A-Za-z_][\w:-]*+|[\w-]++=(?:\"[^\"\n]*+\"|'[^'\n]*+')|[A-Za-z][\w-]*+))++[ ]*"
_MARKS: Final = re.compile(
    rf"^[ \t>]*\{{:{_ATTRIBUTES}\}}[ \t]*$|(?<=[*_)\]>\x1a])\{{:{_ATTRIBUTES}\}}"
    r"|\{::comment\}(?:(?!\{::).)*?\{:/(?:comment)?\}|\{::[^{}\n]*+\}|\{:/[^{}\n]*+\}",
    re.MULTILINE | re.DOTALL,
)
_CONTENTS: Final = re.compile(
    r"^[ \t]*(?:[*+-]|1\.)[ \t]+\S[^\n]*\n[ \t]*\{:(?:(?!toc\b)[^{}\n])*+toc\b[^{}\n]*+\}[ \t]*$", re.MULTILINE
)
_BUNDLED: Final = re.compile(r"(?:^|/)(?:vendor|_site)/")  # themes' samples, what was built
_MOST_INCLUDES: Final = 20_000_000  # bytes


def recognises(archive: Archive) -> bool:
    return bool(archive.named(_SETTINGS) and _posts(archive))


def read(archive: Archive) -> Export:
    return _Site(archive).export


def _posts(archive: Archive) -> list[Member]:
    """The posts; of a folder of posts by itself, all files that are named as one."""
    posts = [one for one in archive.named(r"_posts/.+") if one.suffix in MARKDOWN | HTML and dated(one.last)[0]]
    posts = [one for one in posts if not _BUNDLED.search(one.name)]
    if posts:
        return posts
    return [
        one
        for one in archive.members
        if one.suffix in MARKDOWN | HTML and dated(one.last)[0] and not _is_private(one.name.rpartition("/")[0])
    ]


def _is_private(folder: str) -> bool:
    """True in a folder that Jekyll reads no pages from."""
    return any(part.startswith(("_", ".")) for part in folder.split("/") if part)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A text and where it stands, before its tags are filled in."""

    text: Text
    fields: Fields  # its own above those that the settings give to its folder
    slug: str
    published: dt.datetime | None
    categories: tuple[str, ...]
    path: str
    held_back: str


class _Site:
    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.export = Export("jekyll")
        self.settings = settings_in(archive, self.export, _SETTINGS)
        self.zone: ZoneInfo = zone_of(said(self.settings, "timezone"))
        self.base = said(self.settings, "baseurl").strip("/")
        self.root = site_root(archive, _SETTINGS)
        people = self._data("authors")
        self.people = people if isinstance(people, dict) else {}
        if url := said(self.settings, "url").rstrip("/"):
            self.export.sites.append(url)
        drafts = [one for one in archive.named(r"_drafts/.+") if one.suffix in MARKDOWN | HTML]
        self.texts = [
            *(self._placed(text, is_draft=False) for text in self._texts(_posts(archive), "_posts")),
            *(self._placed(text, is_draft=True) for text in self._texts(drafts, "_drafts")),
        ]
        self.by_name: dict[str, str] = {}
        for one in self.texts:
            for name in (one.text.whole, one.text.stem, one.text.member.name, f"_posts/{one.text.name}"):
                self.by_name.setdefault(name, one.path)
        self.export.posts += [self._post(one) for one in self.texts]
        tell_of_others(self.export, [*archive.named(r"_posts/.+"), *archive.named(r"_drafts/.+")])
        taken = {one.text.member.name for one in self.texts} | {one.file for one in self.export.notes if one.lost}
        for member in archive.members:
            if member.suffix in MARKDOWN | HTML and member.name not in taken:
                if not _is_private(member.name.rpartition("/")[0]):
                    self.export.pass_by("pages")
                elif "_posts/" in member.name and not _BUNDLED.search(member.name):
                    self.export.pass_by("posts without a day in their name")
                elif any(f"/_{name}/" in f"/{member.name}" for name in self._collections):
                    self.export.pass_by("documents of collections")

    def _texts(self, members: Iterable[Member], folder: str) -> Iterator[Text]:
        return texts(self.export, self.archive, members, folder=folder)

    # -- where and when

    def _placed(self, text: Text, *, is_draft: bool) -> _Draft:
        fields = {**self._defaults(text.member.name), **text.fields}
        day, name = dated(text.stem)
        slug = said(fields, "slug") or name
        published = when(said(fields, "date") or day, self.zone)
        held_back = "was a draft" if is_draft else "was not to be published" if falsely(fields.get("published")) else ""
        above = text.member.name.removeprefix(self.root).partition("_posts/")[0] if not is_draft else ""
        categories = words([*above.split("/"), *listed(fields.get("categories")), *several(fields.get("category"))])
        style = said(fields, "permalink") or said(self.settings, "permalink") or "date"
        path = self._address(_STYLES.get(style, style), slug, name, published, categories)
        return _Draft(text, fields, slug, published, categories, path, held_back)

    def _defaults(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        defaults = self.settings.get("defaults")
        for rule in defaults if isinstance(defaults, list) else []:
            scope, values = (rule.get("scope"), rule.get("values")) if isinstance(rule, dict) else (None, None)
            if isinstance(values, dict) and isinstance(scope, dict) and said(scope, "type") in ("", "posts"):
                path = said(scope, "path").strip("/")
                if not path or f"/{path}/" in f"/{name}":
                    found |= {key: value for key, value in values.items() if key != "image"}  # one for all is no cover
        return found

    def _address(
        self, style: str, slug: str, name: str, published: dt.datetime | None, categories: Sequence[str]
    ) -> str:
        at = (published or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).astimezone(self.zone)
        values = {
            "categories": "/".join(dict.fromkeys(one.lower() for one in categories)),
            "slugified_categories": "/".join(map(slugified, categories)),
            "title": _pretty(slug),
            "slug": slugified(slug),
            "name": slugified(name),
            "output_ext": ".html",
            "year": f"{at:%Y}",
            "short_year": f"{at:%y}",
            "month": f"{at:%m}",
            "i_month": str(at.month),
            "short_month": f"{at:%b}",
            "long_month": f"{at:%B}",
            "day": f"{at:%d}",
            "i_day": str(at.day),
            "y_day": f"{at:%j}",
            "w_year": f"{at:%G}",
            "week": f"{at:%V}",
            "w_day": f"{at:%u}",
            "short_day": f"{at:%a}",
            "long_day": f"{at:%A}",
            "hour": f"{at:%H}",
            "minute": f"{at:%M}",
            "second": f"{at:%S}",
        }
        return filled_in(f"/{self.base}/{style}", values)

    # -- what

    def _post(self, draft: _Draft) -> Post:
        text, fields = draft.text, draft.fields
        title = said(fields, "title") or draft.slug.replace("-", " ").capitalize()
        image = fields.get("image")
        cover = image if isinstance(image, dict) else {"path": said(fields, "image", "cover")}
        url = self.export.sites[0] + draft.path if self.export.sites else None
        authors = names_of(fields.get("authors") or fields.get("author"), self.people)
        return Post(
            id=text.member.name.removeprefix(self.root).replace("_posts/", "", 1),
            title=plainly(title),
            content=self._content(draft, title),
            file=text.member.name,
            slug=draft.slug,
            subtitle=plainly(said(fields, "subtitle", "description", "excerpt", "summary")),
            published=draft.published,
            held_back=draft.held_back,
            path=draft.path,
            also=tuple(f"/{path.lstrip('/')}" for path in several(fields.get("redirect_from"))),
            url=url,
            tags=words([*draft.categories, *listed(fields.get("tags")), *several(fields.get("tag"))]),
            authors=authors or names_of(self.settings.get("author"), self.people),
            cover=said(cover, "path", "url", "src"),
            cover_alt=said(cover, "alt"),
            cover_caption=said(cover, "caption"),
            lang=said(fields, "lang", "language") or said(self.settings, "lang"),
            markup=Markup.HTML if text.member.suffix in HTML else Markup.COMMONMARK,
        )

    def _content(self, draft: _Draft, title: str) -> str:
        body = draft.text.body
        if _TAGGED.search(body):
            filled = self._liquid.fill(body, self._page(draft, title))
            if filled.error:
                self.export.notes.append(
                    note(draft.text.member.name, title, f"its tags are not all filled in: {filled.error}", "look at it")
                )
            body = filled.text
        return body if draft.text.member.suffix in HTML else outside_code(body, _without_marks)

    def _page(self, draft: _Draft, title: str) -> dict[str, Any]:
        return {
            **draft.fields,
            "title": title,
            "url": draft.path,
            "slug": draft.slug,
            "date": draft.published,
            "path": draft.text.member.name,
            "categories": list(draft.categories),
            "tags": list(listed(draft.fields.get("tags"))),
        }

    # -- what stands beside the posts

    @cached_property
    def _liquid(self) -> Liquid:
        try:
            from pipeline.moving.services.liquid import Liquid
        except ImportError as error:
            raise UsageError(
                "the posts have Liquid's tags, which need a library; pip install 'opensignal[jekyll]', and run again"
            ) from error
        site = {
            **self.settings,
            "posts": [self._page(one, said(one.fields, "title")) for one in self._newest_first()],
            "data": {name: self._data(name) for name in self._data_names},
            **{name: self._collection(name) for name in self._collections},
        }
        return Liquid(self._includes(), site, self._address_of)

    def _newest_first(self) -> list[_Draft]:
        shown = [one for one in self.texts if not one.held_back and one.published]
        return sorted(shown, key=lambda one: (one.published, one.slug), reverse=True)

    def _includes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        size = 0
        for member in self.archive.named(r"_includes/.+"):
            if member.suffix in MARKDOWN | HTML | {".txt", ".liquid", ".svg", ""}:
                try:
                    text = self.archive.text(member)
                except TooMuch as error:
                    self.export.notes.append(note(member.name, "", str(error), "look at what includes it"))
                    continue
                size += len(text)
                if size > _MOST_INCLUDES:
                    self.export.notes.append(
                        note(member.name, "", "more includes than are read", "look at what includes it")
                    )
                    break
                found[member.name.partition("_includes/")[2]] = text
        return found

    @property
    def _collections(self) -> Iterable[str]:
        named = self.settings.get("collections")
        return [str(name) for name in named or () if str(name) != "posts"] if isinstance(named, dict | list) else []

    def _collection(self, name: str) -> list[dict[str, Any]]:
        """What a collection holds, as its documents are named and found."""
        named = self.settings.get("collections")
        rules = named.get(name) if isinstance(named, dict) else None
        style = said(rules, "permalink") if isinstance(rules, dict) else ""
        found = []
        members = [one for one in self.archive.named(rf"_{re.escape(name)}/.+") if one.suffix in MARKDOWN | HTML]
        for text in self._texts(members, f"_{name}"):
            fields = {**self._defaults(text.member.name), **text.fields}
            path = text.whole
            title = said(fields, "slug") or text.stem
            values = {
                "collection": name,
                "path": path,
                "name": slugified(text.stem),
                "title": title,
                "output_ext": ".html",
            }
            shape = said(fields, "permalink") or style or "/:collection/:path:output_ext"
            found.append(
                {**fields, "title": said(fields, "title") or title, "url": filled_in(f"/{self.base}/{shape}", values)}
            )
        return found

    @property
    def _data_names(self) -> Iterable[str]:
        return sorted({one.last.rpartition(".")[0] for one in self.archive.named(r"_data/[^/]+\.(?:ya?ml|json)")})

    def _data(self, name: str) -> Any:
        """What the file of this name in ``_data`` holds, a mapping or a list; nothing where it cannot be read."""
        for member in self.archive.named(rf"_data/{re.escape(name)}\.(?:ya?ml|json)"):
            try:
                text = self.archive.text(member)
                return json_value(text) if member.suffix == ".json" else yaml_value(text)
            except (TooMuch, ValueError) as error:
                self.export.notes.append(note(member.name, "", f"cannot be read: {error}", "look at what uses it"))
        return {}

    def _address_of(self, name: str) -> str | None:
        """Where the post or file of this name stands."""
        wanted = name.strip("/")
        if wanted in self.by_name:
            return self.by_name[wanted]
        if any(member.name == wanted or member.name.endswith(f"/{wanted}") for member in self.archive.members):
            return f"/{wanted.rpartition('.')[0] if wanted.endswith(tuple(MARKDOWN)) else wanted}"
        return None


def _without_marks(text: str) -> str:
    return without_ids(_MARKS.sub("", _CONTENTS.sub("", text)))


def _pretty(text: str) -> str:
    """As Jekyll's slugs of the kind *pretty*: what an address may say stays as it is."""
    return re.sub(r"[^\w.~!$&'()+,;=@]+", "-", text).strip("-")
