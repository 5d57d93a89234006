"""Pelican: the repository of the site, as a folder or a zip. Texts lie in ``content/``, the settings in ``pelicanconf.py`` and,
for what is published, ``publishconf.py``.

A text begins with lines such as ``Title: ...``, down to the first empty one, or with front matter in YAML: Title, Date, Slug,
Category, Tags, Author or Authors, Summary, Status, Lang, Url. Described at docs.getpelican.com (content, settings).

The settings are a program. It is read and never run: a setting counts where it is a text, or a choice between two.
"""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Export, Markup, Post, note, words
from pipeline.moving.services.sitefiles import (
    HTML,
    MARKDOWN,
    Text,
    below,
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
_HEADER: Final = re.compile(r"[ ]{0,3}([A-Za-z0-9_-]+):[ \t]*(.*)")
_MORE: Final = re.compile(r"[ ]{4,}(.+)")
_FIELD: Final = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_LINK: Final = re.compile(r"(?:\{|\|)(filename|static|attach)(?:\}|\|)([^\s\"')<>\]]*)")
_ADDRESS: Final = "{slug}.html"
_TRANSLATED: Final = "{slug}-{lang}.html"
_DATED_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})")
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
        self.zone = zone_of(self.settings.get("TIMEZONE", ""))
        self.folder = self.settings.get("PATH", "content").strip("./") or "content"
        if url := self.settings.get("SITEURL", "").rstrip("/"):
            self.export.sites.append(url)
        found = list(self._texts())
        self.addresses = {text.name: self._address(text) for text in found}
        self.export.posts += [self._post(text) for text in found]

    def _settings(self) -> dict[str, str]:
        found: dict[str, str] = {}
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
                        if (
                            isinstance(value, ast.Constant)
                            and isinstance(value.value, str)
                            and (value.value or name == _SETTINGS[0])
                        ):
                            found[line.targets[0].id] = value.value
        return found

    def _members(self) -> list[Member]:
        there = in_folder(self.archive, site_root(self.archive, _SETTINGS[0]), self.folder)
        tell_of_others(self.export, there)
        found = [one for one in there if one.suffix in MARKDOWN | HTML]
        posts = [one for one in found if not below(one, self.folder).startswith("pages/")]
        for _ in range(len(found) - len(posts)):
            self.export.pass_by("pages")
        return posts

    def _texts(self) -> Iterator[Text]:
        for text in texts(self.export, self.archive, self._members(), folder=self.folder, part=_parted):
            told = text.in_small_letters()
            if said(told.fields, "title") or said(told.fields, "date"):
                yield told
            else:
                self.export.pass_by("texts without a title")

    def _post(self, text: Text) -> Post:
        fields, path = text.fields, self.addresses[text.name]
        return Post(
            id=text.name,
            title=plainly(said(fields, "title") or text.stem),
            content=_LINK.sub(lambda found: self._linked(found, text), text.body),
            file=text.member.name,
            slug=_slug(text),
            subtitle=plainly(said(fields, "subtitle", "summary", "description")),
            published=when(_date(text), self.zone),
            held_back=self._held_back(text),
            path=path,
            url=f"{self.export.sites[0]}{path}" if self.export.sites else None,
            tags=words(
                [
                    self._category(text) if "/" in text.name or said(fields, "category") else "",
                    *_split(fields.get("tags")),
                ]
            ),
            authors=words(_split(fields.get("authors")) or [said(fields, "author") or self.settings.get("AUTHOR", "")]),
            cover=said(fields, "image", "cover"),
            lang=said(fields, "lang") or self.settings.get("DEFAULT_LANG", ""),
            markup=Markup.HTML if text.member.suffix in HTML else Markup.MARKDOWN,
        )

    def _held_back(self, text: Text) -> str:
        status = said(text.fields, "status").lower()
        return "" if status in _PUBLIC else _HELD_BACK.get(status, "was not published")

    def _category(self, text: Text) -> str:
        """The category of a text; where it names none, the folder that it lies in, as Pelican has it."""
        folder = text.name.rpartition("/")[0].rpartition("/")[2]
        return said(text.fields, "category") or folder or self.settings.get("DEFAULT_CATEGORY", "misc")

    def _address(self, text: Text) -> str:
        """Where Pelican puts a text: what it says itself, or what ARTICLE_URL makes of it."""
        fields = text.fields
        main = self.settings.get("DEFAULT_LANG", "en")
        style = said(fields, "url") or (
            self.settings.get("ARTICLE_URL", _ADDRESS)
            if said(fields, "lang") in ("", main)
            else self.settings.get("ARTICLE_LANG_URL", _TRANSLATED)
        )
        at = when(_date(text), self.zone)
        at = at.astimezone(self.zone) if at else None
        values = {
            "slug": _slug(text),
            "lang": said(fields, "lang") or self.settings.get("DEFAULT_LANG", ""),
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
    """The lines ``Key: value`` at the top, as Python-Markdown's extension *meta* reads them, and what stands below."""
    lines = text.replace("\r\n", "\n").removeprefix("\ufeff").split("\n")
    fields: dict[str, Any] = {}
    last = ""
    for at, line in enumerate(lines):
        if not line.strip():
            return fields, "\n".join(lines[at + 1 :])
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


def _date(text: Text) -> str:
    if date := said(text.fields, "date"):
        return date
    found = _DATED_NAME.match(text.stem)
    return found[1] if found else ""


def _slug(text: Text) -> str:
    return said(text.fields, "slug") or _slugified(said(text.fields, "title")) or dated(text.stem)[1]


def _slugified(text: str) -> str:
    """As Pelican's SLUG_REGEX_SUBSTITUTIONS do: letters and figures, and a dash for what parts them."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip()).lower()


def _split(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return words(re.split(r"[;]" if ";" in value else ",", value))
    return listed(value)
