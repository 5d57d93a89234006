"""Hugo: the repository of the site, as a folder or a zip. Texts lie in ``content/``, images beside them or in ``static/`` and
``assets/``, the settings in ``hugo.toml`` (earlier ``config.toml``; YAML and JSON likewise).

Front matter: title, date, publishDate, expiryDate, draft, slug, url, aliases, tags, categories, author or authors, description
or summary, images, cover. Described at gohugo.io (content-management/front-matter, urls, multilingual, shortcodes;
configuration/permalinks, module). Where a text stood was compared with what Hugo 0.168 says of it (``hugo list all``).

A text with a date is a post, and so is one without that lies in a section where others have one; any other is a page. What
shortcodes stand for is said in `hugo_shortcodes`.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from pipeline.moving.archive import Archive, Member
from pipeline.moving.export import Export, Markup, Post, note, words
from pipeline.moving.services.hugo_shortcodes import without_shortcodes
from pipeline.moving.services.sitefiles import (
    HTML,
    MARKDOWN,
    Fields,
    Text,
    listed,
    names_of,
    on_its_clock,
    plainly,
    said,
    settings_of,
    several,
    site_root,
    tell_of_others,
    texts,
    truly,
    when,
    zone_of,
)

MOST_MOUNTS: Final = 100
LONGEST_ADDRESS: Final = 2_000  # characters of a pattern; no address that anybody follows is longer
_SETTINGS: Final = r"(?:hugo|config)\.(?:toml|ya?ml|json)"
_FOLDERS: Final = ("", "config/_default/", "config/production/")  # of settings; a later one has the last word
# By name: all of them, or a part (params.toml), or that of a language (params.fr.toml).
_SETTING: Final = re.compile(r"(hugo|config|[a-z]+)(?:\.([\w-]+))?\.(?:toml|ya?ml|json)", re.IGNORECASE)
# How Go writes the shape of a date: as it would write 2 January 2006, 15:04:05. A longer sign stands before one that begins it.
_LAYOUT: Final[Mapping[str, str]] = {
    "2006": "%Y",
    "January": "%B",
    "Jan": "%b",
    "Monday": "%A",
    "Mon": "%a",
    "01": "%m",
    "02": "%d",
    "06": "%y",
    "15": "%H",
    "03": "%I",
    "04": "%M",
    "05": "%S",
    "1": "%-m",
    "2": "%-d",
}
_DATED: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}-\d{2}-\d{2}))?[-_](.+)")
_SLOT: Final = re.compile(r":(\w+)(\[[^\]]*\])?")
_MOMENT: Final = re.compile("|".join(_LAYOUT))


def recognises(archive: Archive) -> bool:
    if not archive.named(rf"(?:config/(?:_default|production)/)?{_SETTINGS}"):
        return False
    root = _root(archive)
    mounts = _mounts(root, _settings(archive, root, Export("hugo")))
    return any(_texts(_below(archive, mount.folder)) for mount in mounts[:MOST_MOUNTS])


def read(archive: Archive) -> Export:
    return _Site(archive).export


@dataclass(frozen=True, slots=True)
class _Mount:
    """A folder of texts."""

    folder: str  # in the archive
    into: str = ""  # the folder of the site that it stands for, with a slash at its end
    lang: str = ""  # of all that lies in it


@dataclass(frozen=True, slots=True)
class _Page:
    """A text, and where the site has it."""

    text: Text
    id: str
    lang: str
    folder: str  # around it; of the text of a bundle, around the bundle
    name: str  # of its file, or of its bundle, without language and format

    @property
    def section(self) -> str:
        return self.folder.partition("/")[0]

    @property
    def is_list(self) -> bool:
        return self.name == "_index"


def _texts(members: Iterable[Member]) -> list[Member]:
    return [one for one in members if one.suffix in MARKDOWN | HTML]


def _below(archive: Archive, folder: str) -> list[Member]:
    return [one for one in archive.members if one.name.startswith(f"{folder}/")]


class _Site:
    def __init__(self, archive: Archive) -> None:
        self.export = Export("hugo")
        root = _root(archive)
        self.settings = _settings(archive, root, self.export)
        self.languages = {name: of for name, of in _table(self.settings, "languages").items() if isinstance(of, dict)}
        self.main = said(self.settings, "defaultcontentlanguage").lower() or "en"
        self.zone = zone_of(said(self.settings, "timezone"))
        self.is_dated_by_name = ":filename" in listed(_table(self.settings, "frontmatter").get("date"))
        addresses = [said(of, "baseurl").rstrip("/") for of in (self.settings, *self.languages.values())]
        self.export.sites += [url for url in dict.fromkeys(addresses) if url]
        mounts = _mounts(root, self.settings)
        if len(mounts) > MOST_MOUNTS:
            what = f"its settings name {len(mounts):,} folders of texts, of which the first {MOST_MOUNTS} are read"
            self.export.notes.append(note("", "", what, "name fewer in module.mounts", lost=True))
        pages = self._without_parts(list(self._pages(archive, mounts[:MOST_MOUNTS])))
        self.lists = {page.folder for page in pages if page.is_list}
        self.addresses = {page.id: self._address(page) for page in pages}
        self.by_name: dict[tuple[str, str], str] = {}  # by language, or none, and whole names and the ends of them
        for page in pages:
            parts = f"{page.folder}/{page.name}".strip("/").split("/")
            for lang, at in product((page.lang, ""), range(len(parts))):
                self.by_name.setdefault((lang, "/".join(parts[at:])), self.addresses[page.id])
        sections = {page.section for page in pages if self._own_date(page) and not page.is_list} - {""}
        posts = [page for page in pages if self._is_post(page, sections)]
        self.export.posts += [self._post(page) for page in posts]
        for _ in range(len(pages) - len(posts)):
            self.export.pass_by("pages")

    def _pages(self, archive: Archive, mounts: Sequence[_Mount]) -> Iterator[_Page]:
        for mount in mounts:
            # All there is, where somebody named the folder of texts and not the site.
            there = _below(archive, mount.folder) or (archive.members if len(mounts) == 1 else [])
            tell_of_others(self.export, there)
            for text in texts(self.export, archive, _texts(there), folder=mount.folder):
                folder, _, name = f"{mount.into}{text.whole}".rpartition("/")
                stem, _, ending = name.rpartition(".")
                of_name = ending.lower() if stem and ending.lower() in self.languages else ""
                name = stem if of_name else name
                if name == "index" and folder:
                    folder, _, name = folder.rpartition("/")
                yield _Page(
                    text=text.in_small_letters(),
                    id=f"{mount.lang}/{text.name}" if mount.lang else f"{mount.into}{text.name}",
                    lang=of_name or mount.lang or self.main,
                    folder=folder,
                    name=name,
                )

    def _without_parts(self, pages: list[_Page]) -> list[_Page]:
        """*pages* without the texts beside an index.md, which are parts of its page and none of their own."""
        bundles = {page.text.member.name.rpartition("/")[0] for page in pages if _is_bundle(page)}
        whole = []
        for page in pages:
            folders = page.text.member.name.split("/")[:-1]
            if not _is_bundle(page) and any("/".join(folders[:end]) in bundles for end in range(len(folders) + 1)):
                self.export.pass_by("parts of page bundles")
            else:
                whole.append(page)
        return whole

    def _is_post(self, page: _Page, sections: Container[str]) -> bool:
        fields = page.text.fields
        build = _table(fields, "build") or _table(fields, "_build")
        if page.is_list or truly(fields.get("headless")) or said(build, "render") in ("never", "false"):
            return False
        return bool(self._own_date(page) or truly(fields.get("draft"))) or page.section in sections

    def _own_date(self, page: _Page) -> str:
        return said(page.text.fields, "date", "publishdate", "pubdate", "published") or _dated(page.name)[0]

    def _date(self, page: _Page) -> str:
        """When a text was published; as Hugo has it, when it was changed, where it says nothing else."""
        by_name = _dated(page.name)[0] if self.is_dated_by_name else ""
        return by_name or self._own_date(page) or said(page.text.fields, "lastmod", "modified")

    def _post(self, page: _Page) -> Post:
        fields, path, lang = page.text.fields, self.addresses[page.id], self._settings_in(page.lang)
        title = said(fields, "title") or page.name.replace("-", " ").capitalize()
        cover = fields.get("cover")
        shown = (
            cover
            if isinstance(cover, dict)
            else {"image": _first(fields.get("images")) or said(fields, "image", "cover")}
        )
        site = said(lang, "baseurl").rstrip("/")
        return Post(
            id=page.id,
            title=plainly(title),
            content=self._content(page, title),
            file=page.text.member.name,
            slug=said(fields, "slug") or self._name(page),
            subtitle=plainly(said(fields, "subtitle", "description", "summary")),
            published=when(self._date(page), self.zone),
            held_back=self._held_back(fields),
            path=path,
            also=tuple(self._alias(old, page) for old in listed(fields.get("aliases"))),
            url=site + path if site else None,
            tags=words(
                tag for name in ("categories", "category", "tags", "topics") for tag in several(fields.get(name))
            ),
            authors=names_of(fields.get("authors") or fields.get("author"), {}) or self._site_author(),
            cover=said(shown, "image", "src", "url"),
            cover_alt=said(shown, "alt"),
            cover_caption=said(shown, "caption"),
            lang=said(fields, "lang") or self._locale(page),
            markup=Markup.HTML if page.text.member.suffix in HTML else Markup.COMMONMARK,
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

    def _settings_in(self, lang: str) -> Mapping[str, Any]:
        """The settings of the site, with what a language says otherwise."""
        return {**self.settings, **self.languages.get(lang, {})}

    def _locale(self, page: _Page) -> str:
        """The language of a page, as its own settings name it or, of the main one, those of the site."""
        if own := said(self.languages.get(page.lang, {}), "locale", "languagecode"):
            return own
        if page.lang != self.main:
            return page.lang
        return said(self.settings, "locale", "languagecode", "defaultcontentlanguage")

    def _prefix(self, page: _Page) -> str:
        """The folder of the site in which a language has its pages; none for the main one, and where it has a host of its own."""
        has_host = "baseurl" in self.languages.get(page.lang, {})
        is_below = page.lang != self.main or truly(self.settings.get("defaultcontentlanguageinsubdir"))
        return page.lang if is_below and not has_host else ""

    # -- where

    def _name(self, page: _Page) -> str:
        return _dated(page.name)[1] if self.is_dated_by_name else page.name

    def _address(self, page: _Page) -> str:
        """Where Hugo puts a text: what it says itself, what the settings say for its section, or its own folder and name."""
        fields = page.text.fields
        name = said(fields, "slug") or self._name(page)
        url, style = said(fields, "url"), self._permalinks(page).get(page.section or "/", "")
        if url:
            path = _filled(url, self._values(page, name))
        elif style:
            path = self._urlized(_filled(style, self._values(page, name)))
        else:
            path = self._urlized(f"{page.folder}/{name}")
        prefix = "" if url.startswith("/") else self._prefix(page)
        path = re.sub(r"/{2,}", "/", f"/{prefix}/{path}")
        if url.endswith((".html", ".htm")):
            return path
        ugly = self.settings.get("uglyurls")
        is_ugly = truly(ugly.get(page.section)) if isinstance(ugly, dict) else truly(ugly)
        return f"{path.rstrip('/')}.html" if is_ugly and path != "/" else f"{path.rstrip('/')}/"

    def _permalinks(self, page: _Page) -> dict[str, str]:
        given = _table(self._settings_in(page.lang), "permalinks")
        given = {**given, **_table(given, "page")}
        return {section: style for section, style in given.items() if isinstance(style, str)}

    def _values(self, page: _Page, name: str) -> Callable[[str], str | list[str]]:
        """What the names in the pattern of an address stand for; any other name is the shape of a date."""
        fields = page.text.fields
        at = on_its_clock(self._date(page), self.zone) or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        title = re.sub(r"-{2,}", "-", self._urlized(said(fields, "title").replace("/", "-"))) or name
        values: dict[str, str | list[str]] = {
            "year": f"{at:%Y}",
            "month": f"{at:%m}",
            "monthname": f"{at:%B}",
            "day": f"{at:%d}",
            "weekday": f"{at:%w}",
            "weekdayname": f"{at:%A}",
            "yearday": str(at.timetuple().tm_yday),
            "section": page.section,
            "sectionslug": page.section,
            "sections": self._sections(page),
            "sectionslugs": self._sections(page),
            "title": title,
            "slug": said(fields, "slug") or (self._name(page) if self.is_dated_by_name else title),
            "slugorfilename": name,
            "slugorcontentbasename": name,
            "filename": page.name,
            "contentbasename": page.name,
        }

        def value(of: str) -> str | list[str]:
            made = values[of] if of in values else at.strftime(_MOMENT.sub(lambda part: _LAYOUT[part[0]], of))
            return self._urlized(made) if isinstance(made, str) else [self._urlized(one) for one in made]

        return value

    def _sections(self, page: _Page) -> list[str]:
        """The folders above a text that are sections: those at the top, and those that have an _index.md."""
        folders = page.folder.split("/")
        return [one for at, one in enumerate(folders) if at == 0 or "/".join(folders[: at + 1]) in self.lists]

    def _urlized(self, path: str) -> str:
        """As Hugo makes addresses of names: with dashes for blanks, without what an address may not say, in small letters."""
        if truly(self.settings.get("removepathaccents")):
            path = "".join(
                letter for letter in unicodedata.normalize("NFKD", path) if not unicodedata.combining(letter)
            )
        path = re.sub(r"[^\w./~#@-]", "", re.sub(r"\s+", "-", path.strip()))
        return path if truly(self.settings.get("disablepathtolower")) else path.lower()

    def _alias(self, old: str, page: _Page) -> str:
        """An address that led to a text: from its section where it begins without a slash."""
        whole = posixpath.normpath(old if old.startswith("/") else posixpath.join("/", page.folder, old))
        ending = "" if whole.endswith((".html", ".htm")) else "/"
        return re.sub(r"/{2,}", "/", f"/{self._prefix(page)}/{whole}{ending}")

    # -- what

    def _content(self, page: _Page, title: str) -> str:
        written = without_shortcodes(
            page.text.body,
            reference=lambda name: self._reference(name, page),
            param=lambda name: said(page.text.fields, name.lower()),
        )
        if not written.is_whole:
            self.export.notes.append(
                note(page.text.member.name, title, "a shortcode is not whole, and stays as it is", "mend it")
            )
        if written.unknown:
            if len(written.unknown) == 1:
                what = f"the shortcode {written.unknown[0]} means nothing here; what stood inside it is kept"
            else:
                what = f"the shortcodes {', '.join(written.unknown)} mean nothing here; what stood inside them is kept"
            self.export.notes.append(note(page.text.member.name, title, what, "look at it"))
        return written.text

    def _reference(self, name: str, page: _Page) -> str:
        """Where another text stands, of which *name* is the path, from here or from the top, or the end of it."""
        path, hash_, part = name.partition("#")
        wanted = _bare(path.strip("/"))
        if not wanted:
            return f"{hash_}{part}"
        near = f"{page.folder}/{wanted}".strip("/")
        ways = ((lang, way) for lang in (page.lang, "") for way in (near, wanted))
        address = next((found for way in ways if (found := self.by_name.get(way))), f"/{wanted}/")
        return f"{address}{hash_}{part}"


# --- what its settings say ----------------------------------------------------------------------------------------------------


def _root(archive: Archive) -> str:
    """The folder of the site, with a slash at its end; its settings may lie in folders of their own."""
    return re.sub(r"config/(?:_default|production)/$", "", site_root(archive, _SETTINGS))


def _settings(archive: Archive, root: str, export: Export) -> dict[str, Any]:
    """All that the files of settings say. Their keys are alike in small and capital letters, and small here."""
    found: dict[str, Any] = {}
    for folder in _FOLDERS:
        for member in archive.members:
            named = _SETTING.fullmatch(member.last)
            if named is None or member.name != f"{root}{folder}{member.last}":
                continue
            is_whole = named[1].lower() in ("hugo", "config")
            if not is_whole and not folder:
                continue
            try:
                said_here = _small(settings_of(archive, member, export))
            except RecursionError:
                what = "cannot be read: it nests too deeply"
                export.notes.append(note(member.name, "", what, "give --site", lost=True))
                continue
            for key in filter(None, (named[2], None if is_whole else named[1])):
                said_here = {key.lower(): said_here}
            found = _merged(found, said_here)
    return found


def _small(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).lower(): _small(inner) for key, inner in value.items()}
    return [_small(inner) for inner in value] if isinstance(value, list) else value


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What both say; where they differ, the other has it."""
    both = dict(one)
    for key, value in other.items():
        before = both.get(key)
        both[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return both


def _table(fields: Fields, name: str) -> dict[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _mounts(root: str, settings: Fields) -> list[_Mount]:
    """The folders of texts: what is mounted as content, those that languages name, or the one of the site."""
    found = []
    mounts = _table(settings, "module").get("mounts")
    for one in mounts if isinstance(mounts, list) else ():
        if isinstance(one, dict) and (into := said(one, "target").strip("/")).split("/")[0] == "content":
            below = into.removeprefix("content").strip("/")
            found.append(
                _Mount(root + _folder(said(one, "source")), f"{below}/" if below else "", said(one, "lang").lower())
            )
    for lang, of in _table(settings, "languages").items():
        if isinstance(of, dict) and (folder := said(of, "contentdir")):
            found.append(_Mount(root + _folder(folder), lang=lang))
    return list(dict.fromkeys(found)) or [_Mount(root + _folder(said(settings, "contentdir") or "content"))]


def _folder(path: str) -> str:
    return posixpath.normpath(path).strip("/")


def _is_bundle(page: _Page) -> bool:
    return page.text.stem.partition(".")[0] == "index"


def _dated(name: str) -> tuple[str, str]:
    """The moment and the rest of the name of a text; no moment where it names none."""
    found = _DATED.fullmatch(name)
    if found is None:
        return "", name
    return f"{found[1]}T{found[2].replace('-', ':')}" if found[2] else found[1], found[3]


def _bare(path: str) -> str:
    """The path of a text as links name it: without what says its format, and of a bundle that of its folder."""
    return re.sub(r"(?:/_?index)?(?:\.(?:md|markdown|mkd|mkdn|mdown|html?))?$", "", path)


def _filled(style: str, value: Callable[[str], str | list[str]]) -> str:
    """The address that a pattern such as ``/:year/:sections[1:]/:slug/`` makes."""

    def filled(found: re.Match[str]) -> str:
        made = value(found[1])
        return made + (found[2] or "") if isinstance(made, str) else "/".join(_part(made, found[2] or ""))

    return _SLOT.sub(filled, style[:LONGEST_ADDRESS])


def _part(parts: list[str], asked: str) -> list[str]:
    """``[1]``, ``[last]``, ``[1:]`` or ``[:last]`` of *parts*; all of them where nothing is asked."""
    first, colon, end = asked.strip("[]").partition(":")

    def at(word: str, otherwise: int) -> int:
        return len(parts) - 1 if word == "last" else int(word) if word.isdecimal() and len(word) < 4 else otherwise

    if not first and not colon:
        return parts
    return parts[at(first, 0) : at(end, len(parts))] if colon else parts[at(first, 0) :][:1]


def _first(value: Any) -> str:
    return (listed(value) or ("",))[0] if isinstance(value, list) else ""
