"""Hugo: the repository of the site, as a folder or a zip. Texts lie in ``content/``, images beside them or in ``static/`` and
``assets/``, the settings in ``hugo.toml`` (earlier ``config.toml``; YAML and JSON likewise).

Front matter: title, date, publishDate, expiryDate, draft, slug, url, aliases, tags, categories, author or authors, description
or summary, images, cover. Described at gohugo.io (content-management/front-matter, urls, shortcodes).

A text with a date is a post, one without is a page. What Hugo's own shortcodes make becomes what it is, of others what stands
between them is kept, and told.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from pipeline.moving.archive import Archive, Member
from pipeline.moving.export import Export, Markup, Post, note, words
from pipeline.moving.services.sitefiles import (
    HTML,
    MARKDOWN,
    Fields,
    Text,
    dated,
    fenced,
    filled_in,
    in_folder,
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
    truly,
    when,
    without_ids,
    zone_of,
)

_SETTINGS: Final = r"(?:config/_default/)?(?:hugo|config)\.(?:toml|ya?ml|json)"
# Each ends at the next opening sign at the latest, so that a text which opens much and closes nothing is read once.
_CODE: Final = re.compile(
    r"\{\{[<%]\s*+highlight\s++\"?([\w+#.-]++)[^>%{]*+[>%]\}\}[ \t]*\n?((?:(?!\{\{[<%]\s*highlight\b).)*?)"
    r"\{\{[<%]\s*+/\s*+highlight\s*+[>%]\}\}",
    re.DOTALL,
)
_SHORTCODE: Final = re.compile(
    r"\{\{([<%])\s*+(/?)\s*+([\w/.-]++)"
    r"((?:\s++(?:[\w-]++=)?(?:\"(?:\\.|[^\"\\])*+\"|`[^`]*+`|(?:[^\s\"`>%{]|[>%](?!\}\}))++))*+)\s*+[>%]\}\}"
)
_SHOWN: Final = re.compile(r"\{\{([<%])/\*((?:(?!\{\{[<%]/\*).)*?)\*/([>%])\}\}", re.DOTALL)  # written about, not used
_LEFT: Final = re.compile(r"\{\{[<%](?!/\*)")
_ARGUMENT: Final = re.compile(r"(?:([\w-]+)=)?(?:\"((?:\\.|[^\"\\])*)\"|`([^`]*)`|([^\s\"`]+))")
_EMBEDDED: Final[Mapping[str, str]] = {
    "youtube": "https://www.youtube.com/embed/{}",
    "vimeo": "https://player.vimeo.com/video/{}",
    "gist": "https://gist.github.com/{}/{}",
    "instagram": "https://www.instagram.com/p/{}/",
    "twitter": "https://x.com/{}/status/{}",
    "tweet": "https://x.com/{}/status/{}",
    "x": "https://x.com/{}/status/{}",
}


def recognises(archive: Archive) -> bool:
    return bool(archive.named(_SETTINGS) and _texts(_content(archive)))


def read(archive: Archive) -> Export:
    return _Site(archive).export


def _content(archive: Archive) -> list[Member]:
    return in_folder(archive, site_root(archive, _SETTINGS), "content")


def _texts(members: Iterable[Member]) -> list[Member]:
    return [one for one in members if one.suffix in MARKDOWN | HTML]


class _Site:
    def __init__(self, archive: Archive) -> None:
        self.export = Export("hugo")
        self.settings = settings_in(archive, self.export, r"config\.(?:toml|ya?ml|json)", _SETTINGS)
        self.zone = zone_of(said(self.settings, "timeZone", "timezone"))
        self.language = said(self.settings, "locale", "languageCode", "defaultContentLanguage")
        if url := said(self.settings, "baseURL", "baseurl", "baseUrl").rstrip("/"):
            self.export.sites.append(url)
        self.languages = self._languages()
        there = _content(archive)
        tell_of_others(self.export, there)
        found = [text.in_small_letters() for text in texts(self.export, archive, _texts(there), folder="content")]
        posts = [text for text in found if self._is_post(text)]
        self.addresses = {text.name: self._address(text) for text in found}
        self.by_name: dict[str, str] = {}  # whole names and the ends of them
        for text in found:
            parts = _bare(text.name).split("/")
            for at in range(len(parts)):
                self.by_name.setdefault("/".join(parts[at:]), self.addresses[text.name])
        self.export.posts += [self._post(text) for text in posts]
        for _ in range(len(found) - len(posts)):
            self.export.pass_by("pages")

    def _is_post(self, text: Text) -> bool:
        return text.stem.partition(".")[0] != "_index" and bool(_date(text) or truly(text.fields.get("draft")))

    def _post(self, text: Text) -> Post:
        fields, path = text.fields, self.addresses[text.name]
        title = said(fields, "title") or self._name(text).replace("-", " ").capitalize()
        cover = fields.get("cover")
        shown = (
            cover
            if isinstance(cover, dict)
            else {"image": _first(fields.get("images")) or said(fields, "image", "cover")}
        )
        return Post(
            id=text.name,
            title=plainly(title),
            content=self._content(text, title),
            file=text.member.name,
            slug=said(fields, "slug") or self._name(text),
            subtitle=plainly(said(fields, "subtitle", "description", "summary")),
            published=when(_date(text), self.zone),
            held_back=self._held_back(fields),
            path=path,
            also=tuple(f"/{old.lstrip('/')}" for old in listed(fields.get("aliases"))),
            url=self.export.sites[0] + path if self.export.sites else None,
            tags=words(
                tag for name in ("categories", "category", "tags", "topics") for tag in several(fields.get(name))
            ),
            authors=names_of(fields.get("authors") or fields.get("author"), {}) or self._site_author(),
            cover=said(shown, "image", "src", "url"),
            cover_alt=said(shown, "alt"),
            cover_caption=said(shown, "caption"),
            lang=said(fields, "lang") or self._language_of(text) or self.language,
            markup=Markup.HTML if text.member.suffix in HTML else Markup.COMMONMARK,
        )

    def _site_author(self) -> tuple[str, ...]:
        params = self.settings.get("params")
        named = self.settings.get("author") or (params.get("author") if isinstance(params, dict) else None)
        return names_of(named, {})

    def _held_back(self, fields: Fields) -> str:
        if truly(fields.get("draft")):
            return "was a draft"
        until = when(said(fields, "expirydate"), self.zone)
        if until and until < dt.datetime.now(dt.UTC):
            return "had expired"
        begins = when(said(fields, "publishdate", "pubdate"), self.zone)
        if begins and begins > dt.datetime.now(dt.UTC):
            return "was to be published later"
        return ""

    # -- in which language

    def _languages(self) -> frozenset[str]:
        named = self.settings.get("languages")
        self.main = said(self.settings, "defaultContentLanguage", "defaultcontentlanguage") or "en"
        if truly(self.settings.get("defaultContentLanguageInSubdir")):
            self.main = ""
        return frozenset(str(name).lower() for name in named) if isinstance(named, dict) else frozenset()

    def _language_of(self, text: Text) -> str:
        """The language that the name of a text says: name.fr.md; nothing where it says none of the site's."""
        lang = text.stem.rpartition(".")[2].lower()
        return lang if lang in self.languages and "." in text.stem else ""

    def _name(self, text: Text) -> str:
        lang = self._language_of(text)
        stem = text.stem[: -len(lang) - 1] if lang else text.stem
        return text.name.rpartition("/")[0].rpartition("/")[2] if stem == "index" and "/" in text.name else stem

    # -- where

    def _address(self, text: Text) -> str:
        """Where Hugo puts a text: what it says itself, what the settings say for its section, or its own folder and name."""
        fields = text.fields
        if url := said(fields, "url"):
            return f"/{url.lstrip('/')}"
        folder = _folder(text)
        section = folder.partition("/")[0]
        lang = self._language_of(text)
        prefix = lang if lang and lang != self.main else ""
        name = said(fields, "slug") or self._name(text)
        style = self._permalinks().get(section, "")
        if not style:
            return filled_in(f"/{prefix}/{_urlized(f'{folder}/{name}')}/", {})
        at = when(_date(text), self.zone) or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        title = slugified(said(fields, "title")) or name
        values = {
            "year": f"{at:%Y}",
            "month": f"{at:%m}",
            "monthname": f"{at:%B}".lower(),
            "day": f"{at:%d}",
            "weekday": f"{at:%w}",
            "weekdayname": f"{at:%A}".lower(),
            "yearday": str(at.timetuple().tm_yday),
            "section": section,
            "sections": folder,
            "title": title,
            "slug": said(fields, "slug") or title,
            "slugorfilename": name,
            "slugorcontentbasename": name,
            "filename": name,
            "contentbasename": name,
        }
        return filled_in(f"/{prefix}/{style}", values)

    def _permalinks(self) -> dict[str, str]:
        given = self.settings.get("permalinks")
        given = given if isinstance(given, dict) else {}
        inner = given.get("page")
        given = {**given, **inner} if isinstance(inner, dict) else given
        return {str(section): style for section, style in given.items() if isinstance(style, str)}

    # -- what

    def _content(self, text: Text, title: str) -> str:
        unknown: dict[str, None] = {}

        def said_otherwise(found: re.Match[str]) -> str:
            return self._shortcode(found, text, unknown)

        body = _CODE.sub(lambda found: fenced(found[1], found[2]), text.body)
        body = _SHORTCODE.sub(said_otherwise, body)
        if _LEFT.search(body):
            self.export.notes.append(
                note(text.member.name, title, "a shortcode is not whole, and stays as it is", "mend it")
            )
        body = outside_code(_SHOWN.sub(r"{{\1\2\3}}", body), without_ids)
        if unknown:
            what = f"the shortcodes {', '.join(unknown)} mean nothing here; what stood between them is kept"
            self.export.notes.append(note(text.member.name, title, what, "look at it"))
        return body

    def _shortcode(self, found: re.Match[str], text: Text, unknown: dict[str, None]) -> str:
        name = found[3].lower().rstrip("/")
        named: dict[str, str] = {}
        given: list[str] = []
        for one in _ARGUMENT.finditer(found[4]):
            value = one[2].replace('\\"', '"') if one[2] is not None else one[3] or one[4] or ""
            named |= {one[1]: value} if one[1] else {}
            given += [] if one[1] else [value]
        if name in ("ref", "relref"):
            return self._reference(named.get("path", given[0] if given else ""), text)
        if name == "figure":
            return _figure(named)
        if name in _EMBEDDED and not found[2]:
            return _embedded(name, named, given)
        if name == "param" and given:
            return said(text.fields, given[0].lower())
        unknown[name] = None
        return ""

    def _reference(self, name: str, text: Text) -> str:
        """Where another text stands, of which *name* is the path, from here or from the top, or the end of it."""
        path, hash_, part = name.partition("#")
        wanted = _bare(path.strip("/"))
        if not wanted:
            return f"{hash_}{part}"
        near = f"{_folder(text)}/{wanted}"
        address = self.by_name.get(near) or self.by_name.get(wanted) or f"/{wanted}/"
        return f"{address}{hash_}{part}"


def _date(text: Text) -> str:
    return said(text.fields, "date", "publishdate", "pubdate") or dated(text.stem)[0]


def _folder(text: Text) -> str:
    """The folder of a text; of the text of a bundle, the one around the bundle."""
    folder = text.name.rpartition("/")[0]
    return folder.rpartition("/")[0] if text.stem.partition(".")[0] == "index" else folder


def _bare(path: str) -> str:
    """The path of a text as links name it: without what says its format, and of a bundle that of its folder."""
    return re.sub(r"(?:/_?index)?(?:\.(?:md|markdown|mkd|mkdn|mdown|html?))?$", "", path)


def _urlized(path: str) -> str:
    """As Hugo makes addresses of names: in small letters, with dashes for blanks, and without what an address may not say."""
    return re.sub(r"[^\w./+~@-]", "", re.sub(r"\s+", "-", path.strip())).lower()


def _first(value: Any) -> str:
    return (listed(value) or ("",))[0] if isinstance(value, list) else ""


def _figure(named: Mapping[str, str]) -> str:
    image = f'<img src="{escape(named.get("src", ""))}" alt="{escape(named.get("alt", ""))}">'
    if link := named.get("link"):
        image = f'<a href="{escape(link)}">{image}</a>'
    says = " ".join(filter(None, (named.get("title", ""), named.get("caption", ""), named.get("attr", ""))))
    return f"\n<figure>{image}{f'<figcaption>{escape(says)}</figcaption>' if says else ''}</figure>\n"


def _embedded(name: str, named: Mapping[str, str], given: list[str]) -> str:
    parts = [value for value in (named.get("user", ""), named.get("id", "")) if value] or given
    shape = _EMBEDDED[name]
    if len(parts) < shape.count("{}"):
        return ""
    address = escape(shape.format(*parts))
    return f'\n<iframe src="{address}"></iframe>\n' if name in ("youtube", "vimeo") else f"\n<{address}>\n"
