"""The files of a site generator, as Jekyll, Hugo and Pelican share them: texts with front matter, and settings beside them.

Front matter stands between lines of ``---`` (YAML), of ``+++`` (TOML), or is a JSON object at the top. All values are read as
they are written: a title ``2020`` is words here. Nothing of a site is run: neither its templates, nor its settings where those
are a program.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from pipeline.library.new import plain_words
from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Export, moment, note, words

_Loader: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

Fields: TypeAlias = Mapping[str, Any]

MARKDOWN: Final = frozenset({".md", ".markdown", ".mkd", ".mkdn", ".mdown"})
HTML: Final = frozenset({".html", ".htm"})
OTHERS: Final[Mapping[str, str]] = {
    ".rst": "reStructuredText",
    ".textile": "Textile",
    ".org": "Org",
    ".adoc": "AsciiDoc",
    ".asciidoc": "AsciiDoc",
    ".ad": "AsciiDoc",
    ".ipynb": "a notebook",
}
MOST_FRONT: Final = 200_000  # characters
MOST_VALUES: Final = 200_000  # that the aliases of a YAML may stand for
LONGEST_DATE: Final = 100  # characters
DEEPEST: Final = 1_000  # lists and mappings of a YAML, one in the other
_FENCED: Final = re.compile(r"\ufeff?\s*(---|\+\+\+)[ \t]*\n(.*?)(?:\n)?^\1[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_UNCLOSED: Final = re.compile(r"\s*(?:---|\+\+\+)[ \t]*\n[ \t]*[\w-]+[ \t]*[:=]")
_DEEP_KEY: Final = re.compile(r"(?<![\w-])(?:(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}")
_FENCE: Final = re.compile(r"[ \t>]*+(?:(?:[-*+]|\d+[.)])[ \t]*+)?(`{3,}|~{3,})([^\n]*)")
_ID: Final = re.compile(r"(?<=\S)[ \t]+\{[#.][A-Za-z_][^{}\n]*\}(?=[ \t]*#*[ \t]*$)", re.MULTILINE)
_GAP: Final = re.compile(r"\n[ \t]*\n")
_DATED: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(.+)")
_UNPADDED: Final = re.compile(r"\A(\d{4})-(\d{1,2})-(\d{1,2})\b")
_ZONE: Final = re.compile(r"\s+([+-]\d{2}):?(\d{2})$")


@dataclass(frozen=True, slots=True)
class Text:
    """A file, and what stands in it."""

    member: Member
    name: str  # from the folder that all of them lie in
    fields: Fields
    body: str

    def in_small_letters(self) -> Text:
        """It with all its keys in small letters, for a generator to which ``Draft`` is ``draft``."""
        return replace(self, fields={str(key).lower(): value for key, value in self.fields.items()})

    @property
    def stem(self) -> str:
        return PurePosixPath(self.member.last).stem

    @property
    def whole(self) -> str:
        """Its name with folders, and without what says its format."""
        return self.name.removesuffix(PurePosixPath(self.member.last).suffix)


def site_root(archive: Archive, settings: str) -> str:
    """The folder of the site, with a slash at its end: where the file that matches *settings* lies, the one nearest to the top."""
    shape = re.compile(rf"(.*/)?(?:{settings})", re.IGNORECASE)
    found = (shape.fullmatch(one.name) for one in archive.named(settings))
    return min((one[1] or "" for one in found if one), key=lambda folder: (folder.count("/"), folder), default="")


def nearest(archive: Archive, name: str) -> list[Member]:
    """The file whose name matches *name*, the one nearest to the top; none where there is none."""
    return sorted(archive.named(name), key=lambda member: member.name.count("/"))[:1]


def in_folder(archive: Archive, root: str, folder: str) -> list[Member]:
    """The files below *folder* of the site at *root*; all there are, where somebody named that folder and not the site."""
    return [one for one in archive.members if one.name.startswith(f"{root}{folder}/")] or archive.members


def below(member: Member, folder: str) -> str:
    """The name of *member* from below *folder*, at the top or the last on its way; all of it where there is none."""
    if member.name.startswith(f"{folder}/"):
        return member.name.removeprefix(f"{folder}/")
    _, found, rest = f"/{member.name}".rpartition(f"/{folder}/")
    return rest if found else member.name


def texts(
    export: Export,
    archive: Archive,
    members: Iterable[Member],
    *,
    folder: str,
    part: Callable[[Member, str], tuple[dict[str, Any], str]] = lambda member, text: parted(text),
) -> Iterator[Text]:
    """The *members* that can be read, each parted into what it says of itself and the rest; *export* is told of the others."""
    for member in members:
        try:
            fields, body = part(member, archive.text(member))
        except TooMuch as error:
            export.notes.append(note(member.name, "", str(error), "take it over by hand", lost=True))
        except ValueError as error:
            export.notes.append(
                note(member.name, "", f"its front matter cannot be read: {error}", "mend it", lost=True)
            )
        else:
            yield Text(member, below(member, folder), fields, body)


def tell_of_others(export: Export, members: Iterable[Member]) -> None:
    """Tell of texts among *members* that are written in what is not read here."""
    for member in members:
        if name := OTHERS.get(member.suffix):
            export.notes.append(
                note(
                    member.name, "", f"is {name}, which is not read", "turn it into Markdown, and run again", lost=True
                )
            )


def parted(text: str) -> tuple[dict[str, Any], str]:
    """The front matter of *text* and what stands below. Raises `ValueError` for front matter that cannot be read."""
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    if found := _FENCED.match(text):
        if len(found[2]) > MOST_FRONT:
            raise ValueError(f"longer than {MOST_FRONT:,} characters")
        return (yaml_of if found[1] == "---" else toml_of)(found[2]), text[found.end() :]
    if _UNCLOSED.match(text):
        raise ValueError("no line ends it")
    if text.lstrip().startswith("{") and not text.lstrip().startswith(("{%", "{{", "{:")):
        start = len(text) - len(text.lstrip())
        try:
            data, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            return {}, text
        check_letters(data)
        return (data, text[end:]) if isinstance(data, dict) else ({}, text)
    return {}, text


def yaml_of(text: str) -> dict[str, Any]:
    """The mapping that *text* is in YAML. Raises `ValueError`."""
    data = yaml_value(text)
    if data in (None, ""):
        return {}
    if not isinstance(data, dict):
        raise ValueError("it is no list of keys and values")  # noqa: TRY004 -- of the text, not of an argument
    return {str(key): value for key, value in data.items()}


def yaml_value(text: str) -> Any:
    """What *text* is in YAML, with all that is no list or mapping as it is written. Raises `ValueError`."""
    try:
        _check_depth(text)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 -- it makes texts, lists and mappings, and nothing else
        if _weight(data, {}) > max(MOST_VALUES, len(text)):
            raise ValueError("its aliases stand for more than is read")
    except (yaml.YAMLError, RecursionError) as error:
        problem, mark = getattr(error, "problem", None) or str(error), getattr(error, "problem_mark", None)
        raise ValueError(f"{problem} (line {mark.line + 1} of it)" if mark else " ".join(problem.split())) from error
    return data


def _check_depth(text: str) -> None:
    """Raises `ValueError` for what nests so deeply that libyaml, which calls itself for each level, would end the process."""
    # What opens a level is one of these signs, or takes as many blanks as there are levels.
    if sum(map(text.count, "[{-?")) < DEEPEST and len(text) < DEEPEST**2 // 2:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError("it nests too deeply")


def _weight(value: object, known: dict[int, int]) -> int:
    """How much *value* is when it is written out, aliases and all: what stands in it often is weighed once, and counted often."""
    if isinstance(value, str):
        return 1 + len(value)
    if id(value) not in known:
        parts = (
            [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
        )
        known[id(value)] = 1 + sum(_weight(part, known) for part in parts)
    return known[id(value)]


def json_value(text: str) -> Any:
    """What *text* is in JSON. Raises `ValueError`."""
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error
    check_letters(data)
    return data


def check_letters(data: object) -> None:
    """Raises `ValueError` for what JSON and Python can say and no file can keep: one half of a letter that is written as two."""
    try:
        json.dumps(data, ensure_ascii=False, default=repr, skipkeys=True).encode()
    except UnicodeEncodeError as error:
        raise ValueError("it holds one half of a letter") from error


def toml_of(text: str) -> dict[str, Any]:
    """The table that *text* is in TOML. Raises `ValueError`."""
    if _DEEP_KEY.search(text):  # the parser takes the square of its length, and others nest as deep
        raise ValueError("it has a key of more than 100 parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error


def settings_in(archive: Archive, export: Export, *names: str) -> dict[str, Any]:
    """The settings in the files of these *names* (patterns), those nearest to the top; later files have the last word."""
    found: dict[str, Any] = {}
    for name in names:
        for member in nearest(archive, name):
            found |= settings_of(archive, member, export)
    return found


def settings_of(archive: Archive, member: Member, export: Export) -> dict[str, Any]:
    """The settings in a file of YAML, TOML or JSON; none, and told, where it cannot be read."""
    try:
        text = archive.text(member)
        if member.suffix == ".toml":
            return toml_of(text)
        if member.suffix != ".json":
            return yaml_of(text)
        data = json_value(text)
    except (TooMuch, ValueError) as error:
        export.notes.append(note(member.name, "", f"cannot be read: {error}", "give --site", lost=True))
        return {}
    return data if isinstance(data, dict) else {}


# --- values -------------------------------------------------------------------------------------------------------------------


def said(fields: Fields, *names: str) -> str:
    """The first of these that is said, in words; nothing where none is."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int | float | dt.date) and not isinstance(value, bool):
            try:
                text = str(value).strip()
            except ValueError:
                continue  # a number of more digits than Python writes
            if text and text not in ("~", "null"):
                return text
    return ""


def plainly(text: str) -> str:
    """A title or summary, which is HTML to all that comes after, so that ``Vec<T>`` stays what it is."""
    return text.replace("<", "&lt;")


def listed(value: object) -> tuple[str, ...]:
    """A list, however it was written: as one, with commas, or, as Jekyll takes it, with blanks."""
    if isinstance(value, str):
        return words(value.split(",") if "," in value else value.split())
    if isinstance(value, list):
        return words(said({"": item}, "") for item in value)
    return ()


def several(value: object) -> tuple[str, ...]:
    """A list, or a single one, which is one with all its blanks and commas."""
    return (value,) if isinstance(value, str) and value else listed(value)


def names_of(value: object, known: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of authors: a name, a key of *known*, a mapping with a name, or a list of such."""
    if isinstance(value, list):
        return words(name for item in value if not isinstance(item, list) for name in names_of(item, known))
    if isinstance(value, dict):
        return words([said(value, "name", "display_name", "title")])
    if not isinstance(value, str) or not value.strip():
        return ()
    entry = known.get(value.strip())
    return (names_of(entry, {}) if isinstance(entry, dict) else ()) or (value.strip(),)


def when(value: str, zone: ZoneInfo) -> dt.datetime | None:
    """The moment that *value* tells, on the clocks of *zone* where it names none; None where it tells none."""
    if len(value) > LONGEST_DATE:
        return None
    text = _normal(value)
    try:
        naive = dt.datetime.fromisoformat(text)
    except ValueError:
        return moment(text)
    return moment((naive if naive.tzinfo else naive.replace(tzinfo=zone)).isoformat())


def on_its_clock(value: str, zone: ZoneInfo) -> dt.datetime | None:
    """As `when`, with the day and hour of the clock that *value* names, which an address may say."""
    at = when(value, zone)
    if at is None:
        return None
    try:
        named = dt.datetime.fromisoformat(_normal(value)).tzinfo
    except ValueError:
        named = None
    return at.astimezone(named or zone)


def _normal(value: str) -> str:
    return _UNPADDED.sub(lambda day: f"{day[1]}-{int(day[2]):02}-{int(day[3]):02}", _ZONE.sub(r"\1:\2", value.strip()))


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; UTC where there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return ZoneInfo("UTC")


def dated(stem: str) -> tuple[str, str]:
    """The day and the rest of a file's name: ``("2026-08-21", "newsletter")``; no day where it names none."""
    found = _DATED.fullmatch(stem)
    return (f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}", found[4]) if found else ("", stem)


def filled_in(style: str, values: Mapping[str, str]) -> str:
    """The address that a pattern such as ``/:year/:title/`` makes of *values*; a name that is not known stays out."""
    path = re.sub(r":([a-z_]+)", lambda name: _longest(name[1], values), style)
    return re.sub(r"/{2,}", "/", f"/{path}")


def _longest(name: str, values: Mapping[str, str]) -> str:
    """The value of *name*, or of the longest known one that it begins with, and the rest."""
    for end in range(len(name), 0, -1):
        if name[:end] in values:
            return values[name[:end]] + name[end:]
    return ""


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """*text* in Markdown with *change* done to all of it but code, in fences and in lines."""
    out: list[str] = []
    plain: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            out.append(line)
            if found and found[1].startswith(fence) and not found[2].strip():
                fence = ""
        elif found and not (found[1][0] == "`" and "`" in found[2]):
            out += [_outside_spans("".join(plain), change), line]
            plain.clear()
            fence = found[1]
        else:
            plain.append(line)
    return "".join([*out, _outside_spans("".join(plain), change)])


def _outside_spans(text: str, change: Callable[[str], str]) -> str:
    """As `outside_code`, of a text without fences. What stands between two runs of as many backticks is code, in one paragraph."""
    runs = [(run.start(), run.end()) for run in re.finditer("`+", text)]
    if not runs:
        return change(text)
    gaps = [gap.start() for gap in _GAP.finditer(text)]
    later: dict[tuple[int, int], int] = {}  # paragraph and length of a run -> the next of its kind, from the end on
    closes: list[int | None] = [None] * len(runs)
    for at in range(len(runs) - 1, -1, -1):
        start, end = runs[at]
        kind = (bisect_right(gaps, start), end - start)
        closes[at] = later.get(kind)
        later[kind] = at
    kept: list[str] = []
    parts: list[str] = []
    done = at = 0
    while at < len(runs):
        if (close := closes[at]) is None:
            at += 1
            continue
        parts += [text[done : runs[at][0]], f"\x1a{len(kept)}\x1a"]
        kept.append(text[runs[at][0] : runs[close][1]])
        done, at = runs[close][1], close + 1
    changed = change("".join([*parts, text[done:]]))
    return re.sub(r"\x1a([0-9]{1,6})\x1a", lambda found: "".join(kept[int(found[1]) :][:1]), changed)


def without_ids(text: str) -> str:
    """*text* without what gives headings an id or a class, ``## Head {#here .wide}``: both mean nothing here."""
    return _ID.sub("", text)


def fenced(language: str, code: str) -> str:
    """*code* as Markdown has it, in a fence that is longer than any in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return f"\n{fence}{language}\n{code}\n{fence}\n"


def slugified(text: str) -> str:
    return "-".join(plain_words(text))


def truly(value: object) -> bool:
    return value is True or str(value).strip().lower() in ("true", "yes", "on", "1")


def falsely(value: object) -> bool:
    return value is False or str(value).strip().lower() in ("false", "no", "off", "0")
