"""Pelican: the repository of the site, as a folder or a zip. Texts lie in ``content/``, the settings in ``pelicanconf.py`` and,
for what is published, ``publishconf.py``.

A text begins with lines such as ``Title: ...``, down to the first empty one, or with front matter in YAML: Title, Date, Slug,
Category, Tags, Author or Authors, Summary, Status, Lang, Url. What a text does not say itself, its path and its file's name may
(``PATH_METADATA``, ``FILENAME_METADATA``), and ``DEFAULT_METADATA``. Described at docs.getpelican.com (content, settings). Where
a text stood, and what it says of itself, was compared with what Pelican 4.12 makes of it.

The settings are a program. It is read and never run: a setting counts where it is written out, or a choice between two that are.
reStructuredText is not read: each such text is named.
"""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Export, Markup, Post, note, words
from pipeline.moving.services.sitefiles import (
    HTML,
    MARKDOWN,
    MOST_FRONT,
    Fields,
    Text,
    below,
    check_letters,
    dated,
    filled_in,
    in_folder,
    listed,
    nearest,
    parted,
    plainly,
    said,
    site_root,
    tell_of_others,
    texts,
    when,
    zone_of,
)

_SETTINGS: Final = (r"pelicanconf\.py", r"publishconf\.py")
MOST_SETTINGS: Final = 500_000  # characters
LONGEST_PATTERN: Final = 500  # characters
LONGEST_NAME: Final = 200  # characters of a path that a pattern of the settings is tried on
_HEADER: Final = re.compile(r"[ ]{0,3}([A-Za-z0-9_-]+):[ \t]*(.*)")
_MORE: Final = re.compile(r"[ ]{4,}(.+)")
_FIELD: Final = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_LINK: Final = re.compile(r"(?:\{|\|)(filename|static|attach)(?:\}|\|)([^\s\"')<>\]]*)")
_ADDRESS: Final = "{slug}.html"
_TRANSLATED: Final = "{slug}-{lang}.html"
_DEFAULT_NAME: Final = r"(?P<date>\d{4}-\d{2}-\d{2}).*"
# A pattern with these may take longer than anybody waits: it is not ours, and is tried on each file.
_ENDLESS: Final = re.compile(r"\)(?:[*+]|\{)|\\[1-9]|\(\?(?:P=|[A-Za-z]*x)")  # with x, blanks may stand before a sign
_ESCAPED: Final = re.compile(r"\\[^1-9]")
_UNBOUNDED: Final = re.compile(r"[*+]|\{\d*,\d*\}")
_CHOICE: Final = re.compile(r"(?<!\()\?|\|")
MOST_WAYS: Final = 15  # each choice doubles the ways that are tried; what is unbounded counts as four of them
_PUBLIC: Final = frozenset({"", "published"})
_HELD_BACK: Final = {"draft": "was a draft", "hidden": "was in no list"}


def recognises(archive: Archive) -> bool:
    return bool(archive.named("pelicanconf\\.py"))


def read(archive: Archive) -> Export:
    return _Site(archive).export


class _Site:
    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.export = Export("pelican")
        self.settings = self._settings()
        self.zone = zone_of(self._said("TIMEZONE"))
        self.folder = self._said("PATH", "content").strip("./") or "content"
        if url := self._said("SITEURL").rstrip("/"):
            self.export.sites.append(url)
        if "SLUG_REGEX_SUBSTITUTIONS" in self.settings:
            what = "its SLUG_REGEX_SUBSTITUTIONS are not followed"
            self.export.notes.append(note("pelicanconf.py", "", what, "look at the addresses that posts had"))
        self.by_path = self._pattern("PATH_METADATA", "")
        self.by_name = self._pattern("FILENAME_METADATA", _DEFAULT_NAME)
        found = list(self._texts())
        self.addresses = {text.name: self._address(text) for text in found}
        self.export.posts += [self._post(text) for text in found]

    def _said(self, name: str, otherwise: str = "") -> str:
        """A setting that is a text."""
        value = self.settings.get(name, otherwise)
        return value if isinstance(value, str) else otherwise

    def _folders(self, name: str, otherwise: Sequence[str] = ()) -> tuple[str, ...]:
        """A setting that names folders; what else it holds is none of ours."""
        value = self.settings.get(name, otherwise)
        if not isinstance(value, list | tuple):
            return ()
        return tuple(one.strip("./") for one in value if isinstance(one, str))

    def _pattern(self, name: str, otherwise: str) -> re.Pattern[str] | None:
        """The pattern by which a path says something of its text; none, and told, where it cannot be tried."""
        pattern = self._said(name, otherwise)
        if not pattern:
            return None
        bare = _ESCAPED.sub(".", pattern)
        ways = 4 * len(_UNBOUNDED.findall(bare)) + len(_CHOICE.findall(bare))
        why = "it may take too long"
        if len(pattern) <= LONGEST_PATTERN and ways <= MOST_WAYS and not _ENDLESS.search(bare):
            try:
                return re.compile(pattern)
            except (re.error, ValueError, OverflowError, RecursionError) as error:
                why = str(error)
        what = f"its {name} is not followed: {why}; what paths say of texts stays out"
        self.export.notes.append(note("pelicanconf.py", "", what, "look at dates and addresses", lost=True))
        return None

    def _settings(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in _SETTINGS:
            for member in nearest(self.archive, name):
                try:
                    program = _program(self.archive.text(member))
                except (TooMuch, SyntaxError, ValueError, RecursionError, MemoryError) as error:
                    self.export.notes.append(
                        note(member.name, "", f"cannot be read: {error}", "give --site", lost=True)
                    )
                    continue
                for line in program.body:
                    if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                        value = line.value.body if isinstance(line.value, ast.IfExp) else line.value
                        try:
                            written = ast.literal_eval(value)
                            check_letters(written)
                        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                            continue
                        if written or name == _SETTINGS[0]:
                            found[line.targets[0].id] = written
        return found

    def _members(self) -> list[Member]:
        there = in_folder(self.archive, site_root(self.archive, _SETTINGS[0]), self.folder)
        tell_of_others(self.export, there)
        found = [one for one in there if one.suffix in MARKDOWN | HTML]
        pages = self._folders("PAGE_PATHS", ["pages"])
        posts, others = self._folders("ARTICLE_PATHS", [""]), (*pages, *self._folders("ARTICLE_EXCLUDES"))
        taken: list[Member] = []
        for one in found:
            name = below(one, self.folder)
            if _lies_in(name, posts) and not _lies_in(name, others):
                taken.append(one)
            else:
                self.export.pass_by("pages" if _lies_in(name, pages) else "texts in folders of no articles")
        return taken

    def _texts(self) -> Iterator[Text]:
        defaults = self.settings.get("DEFAULT_METADATA")
        defaults = {str(key).lower(): value for key, value in defaults.items()} if isinstance(defaults, dict) else {}
        for text in texts(self.export, self.archive, self._members(), folder=self.folder, part=_parted):
            own = text.in_small_letters()
            told = replace(own, fields={**defaults, **self._by_path(own), **own.fields})
            if said(told.fields, "title") or said(told.fields, "date"):
                yield told
            else:
                self.export.pass_by("texts without a title")

    def _by_path(self, text: Text) -> Fields:
        """What the path of a text and its file's name say of it; the name has the last word, but for what the text says itself."""
        found: dict[str, str] = {}
        for pattern, tried in ((self.by_path, text.name), (self.by_name, text.stem)):
            if pattern and len(tried) <= LONGEST_NAME and (match := pattern.match(tried)):
                found |= {key.lower(): value for key, value in match.groupdict().items() if value}
        return found

    def _post(self, text: Text) -> Post:
        fields, path = text.fields, self.addresses[text.name]
        return Post(
            id=text.name,
            title=plainly(said(fields, "title") or text.stem),
            content=_LINK.sub(lambda found: self._linked(found, text), text.body),
            file=text.member.name,
            slug=self._slug(text),
            subtitle=plainly(said(fields, "subtitle", "summary", "description")),
            published=when(said(fields, "date"), self.zone),
            held_back=self._held_back(text),
            path=path,
            url=f"{self.export.sites[0]}{path}" if self.export.sites else None,
            tags=words(
                [
                    self._category(text) if self._has_folder(text) or said(fields, "category") else "",
                    *_split(fields.get("tags")),
                ]
            ),
            authors=words(_split(fields.get("authors")) or [said(fields, "author") or self._said("AUTHOR")]),
            cover=said(fields, "image", "cover"),
            lang=said(fields, "lang") or self._said("DEFAULT_LANG"),
            markup=Markup.HTML if text.member.suffix in HTML else Markup.MARKDOWN,
        )

    def _held_back(self, text: Text) -> str:
        status = said(text.fields, "status").lower()
        return "" if status in _PUBLIC else _HELD_BACK.get(status, "was not published")

    def _category(self, text: Text) -> str:
        """The category of a text; where it names none, the folder that it lies in, as Pelican has it."""
        folder = text.name.rpartition("/")[0].rpartition("/")[2] if self._has_folder(text) else ""
        return said(text.fields, "category") or folder or self._said("DEFAULT_CATEGORY", "misc")

    def _has_folder(self, text: Text) -> bool:
        return "/" in text.name and self.settings.get("USE_FOLDER_AS_CATEGORY", True) is not False

    def _slug(self, text: Text) -> str:
        source = text.stem if self._said("SLUGIFY_SOURCE") == "basename" else said(text.fields, "title")
        return said(text.fields, "slug") or _slugified(source) or dated(text.stem)[1]

    def _address(self, text: Text) -> str:
        """Where Pelican puts a text: what it says itself, or what ARTICLE_URL makes of it."""
        fields = text.fields
        main = self._said("DEFAULT_LANG", "en")
        style = said(fields, "url") or (
            self._said("ARTICLE_URL", _ADDRESS)
            if said(fields, "lang") in ("", main)
            else self._said("ARTICLE_LANG_URL", _TRANSLATED)
        )
        at = when(said(fields, "date"), self.zone)
        at = at.astimezone(self.zone) if at else None
        values = {
            "slug": self._slug(text),
            "lang": said(fields, "lang") or self._said("DEFAULT_LANG"),
            "category": _slugified(self._category(text)),
            "author": _slugified((*_split(fields.get("authors")), said(fields, "author"))[0]),
        }

        def value(found: re.Match[str]) -> str:
            if found[1] == "date":
                return at.strftime(found[2] or "%Y-%m-%d") if at else ""
            return values.get(found[1], "")

        return filled_in(f"/{_FIELD.sub(value, style)}".removesuffix("index.html"), {})

    def _linked(self, found: re.Match[str], text: Text) -> str:
        """``{filename}other.md``, from the text's folder, or from the top where it begins with a slash."""
        path, hash_, part = found[2].partition("#")
        folder = "" if path.startswith("/") else text.name.rpartition("/")[0]
        parts: list[str] = []
        for one in f"{folder}/{path}".split("/"):
            if one == ".." and parts:
                parts.pop()
            elif one not in ("", ".", ".."):
                parts.append(one)
        name = unquote("/".join(parts))
        return f"{self.addresses.get(name, f'/{name}')}{hash_}{part}"


def _program(text: str) -> ast.Module:
    if len(text) > MOST_SETTINGS:
        raise ValueError(f"longer than {MOST_SETTINGS:,} characters")
    with warnings.catch_warnings(action="ignore"):  # of what is doubtful in a program that is not ours
        return ast.parse(text)


def _parted(member: Member, text: str) -> tuple[dict[str, Any], str]:
    """What *text* says of itself, in front matter or in the way of its format, and the rest."""
    fields, body = parted(text)
    if fields:
        return fields, body
    return _headed(text) if member.suffix in MARKDOWN else _meta(text)


def _headed(text: str) -> tuple[dict[str, Any], str]:
    """The lines ``Key: value`` at the top, as Python-Markdown's extension *meta* reads them, and what stands below.

    Raises `ValueError` for more of them than are read.
    """
    lines = text.replace("\r\n", "\n").removeprefix("\ufeff").split("\n")
    fields: dict[str, Any] = {}
    last = ""
    length = 0
    for at, line in enumerate(lines):
        if not line.strip():
            return fields, "\n".join(lines[at + 1 :])
        length += len(line)
        if length > MOST_FRONT:
            raise ValueError(f"longer than {MOST_FRONT:,} characters")
        if found := _HEADER.fullmatch(line):
            last = found[1].lower()
            fields[last] = f"{fields[last]}, {found[2].strip()}" if last in fields else found[2].strip()
        elif (more := _MORE.fullmatch(line)) and last:
            fields[last] = f"{fields[last]} {more[1].strip()}"
        else:
            return fields, "\n".join(lines[at:])
    return fields, ""


def _meta(text: str) -> tuple[dict[str, Any], str]:
    """What the head of an HTML page says, and its body."""
    fields: dict[str, Any] = {}
    if title := _inside("title", text):
        fields["title"] = " ".join(title.split())
    for found in re.finditer(r"<meta\s+name=[\"']([\w-]+)[\"']\s+content=[\"']([^\"']*)[\"']", text, re.IGNORECASE):
        fields[found[1].lower()] = found[2]
    return fields, _inside("body", text) or text


def _inside(tag: str, text: str) -> str:
    """What stands in the first element of this name; nothing where it has no end."""
    begins = re.search(rf"<{tag}\b[^<>]*>", text, re.IGNORECASE)
    ends = re.compile(rf"</{tag}\s*>", re.IGNORECASE).search(text, begins.end()) if begins else None
    return text[begins.end() : ends.start()] if begins and ends else ""


def _lies_in(name: str, folders: Iterable[str]) -> bool:
    return any(not folder or name == folder or name.startswith(f"{folder}/") for folder in folders)


def _slugified(text: str) -> str:
    """As Pelican does without substitutions of the site's own: letters and figures, and a dash for what parts them."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip()).lower()


def _split(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return words(re.split(r"[;]" if ";" in value else ",", value))
    return listed(value)
