"""What may stand in the files of content/: one pydantic model a kind of file, and how its data become the nouns of `model`.

`read` checks data against a model and returns *every* finding at once, each with its code and where in the data it lies. It also
reads as much as it can: a value that breaks a mere limit (a title too long) is kept, an optional value that makes no sense is left
out, so that one slip does not hide the next. What needs more than one value or more than one file is judged in `checks`.
"""

from __future__ import annotations

import calendar
import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from pipeline.library.clean import absolute_url
from pipeline.library.frontmatter import Loc
from pipeline.library.sentences import sentences
from pipeline.model import (
    AiUse,
    Article,
    Citation,
    Correction,
    Fact,
    Feed,
    Imported,
    Move,
    Person,
    Quote,
    Role,
    Series,
    Snapshot,
    Source,
    SourceStatus,
    Status,
    Tier,
    Topic,
)

TITLE_LENGTH: Final = (8, 110)
DEK_MAX: Final = 240
SUBJECT_MAX: Final = 55  # what an inbox shows of it
PREHEADER_MAX: Final = 110
SLUG: Final = re.compile(r"[a-z0-9-]{3,80}")
ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,40}")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")  # of a quote or a fact, within its source
COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
ALIAS: Final = re.compile(r"(?:/(?!\.)[^\s/?#\\%<>\"'*:|]+)+/?")
ALIAS_MAX: Final = 200
WORDS_HASH: Final = re.compile(r"\d{1,3}:[0-9a-f]{64}")  # `wording.wording_hash`
SHA256: Final = re.compile(r"[0-9a-f]{64}")
DOI: Final = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
WEB_URL: Final = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#][^\s\\<>\"]*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at *loc* of a file's data."""

    code: str
    loc: Loc
    message: str
    at_key: bool = False  # the key is wrong, not its value
    unfinished: bool = False  # not yet there or not yet in shape: no fault in a text that is still being written


# --- values ---------------------------------------------------------------------------------------------------------------------


def closest(word: str, known: Iterable[str]) -> str:
    """``; did you mean "x"?`` for the known word that is most like *word*, or nothing."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f'; did you mean "{found[0]}"?' if found else ""


def _wrong(code: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{message}", {"message": message})


def _limit(check: Callable[[str], str]) -> AfterValidator:
    """A limit on a text that can be used all the same: *check* says what is wrong, or nothing."""

    def validate(value: str, info: ValidationInfo) -> str:
        if info.context is None and (message := check(value)):
            raise PydanticCustomError("limit", "{message}", {"message": message})
        return value

    return AfterValidator(validate)


def _pattern(pattern: re.Pattern[str], *, wanted: str) -> AfterValidator:
    def validate(value: str, info: ValidationInfo) -> str:
        if not pattern.fullmatch(value):
            raise _wrong("shape", f'{info.field_name} "{value}" is not allowed; {wanted}')
        return value

    return AfterValidator(validate)


def _length(text: str, name: str, most: int, least: int = 1) -> str:
    if "\n" in text:
        return f"{name} has a line break; write it on one line"
    if len(text) > most:
        return f"{name} is {len(text)} characters (max {most}); shorten it"
    if len(text) < least:
        noun = "character" if len(text) == 1 else "characters"
        return f"{name} is {len(text)} {noun} (min {least}); say more"
    return ""


def check_title(title: str) -> str:
    """What is wrong with *title*, or nothing."""
    if wrong := _length(title, "title", TITLE_LENGTH[1], TITLE_LENGTH[0]):
        return wrong
    if title.endswith(".") and not re.search(r"(\.\.|\b[A-Z]\.)$", title):
        return "title ends with a full stop; leave it out"
    return ""


def _check_dek(dek: str) -> str:
    if wrong := _length(dek, "dek", DEK_MAX):
        return wrong
    count = len(sentences(dek))
    return f"dek has {count} sentences; the dek is one sentence" if count != 1 else ""


def parse_moment(text: str) -> dt.datetime:
    """A date or date-time of RFC 3339, in UTC; a date alone is its midnight. Raises ValueError with what and what next."""
    shape = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)([Zz]|[+-]\d\d:\d\d)?)?", text)
    if shape is None:
        raise ValueError(f'"{text}" is not a date; write it as 2026-11-20 or 2026-11-20T06:00:00Z')
    date, time, zone = shape.groups()
    day = parse_date(date)
    if time is None:
        return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    if zone is None:
        raise ValueError(f"{text} has no time zone; write {date}T{time}Z for UTC")
    try:
        return dt.datetime.fromisoformat(f"{date}T{time}{zone.upper()}").astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text} is not a time of day; write it as {date}T06:00:00Z") from error


def parse_date(text: str) -> dt.date:
    """A date such as 2026-11-20. Raises ValueError with what and what next."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(f'"{text}" is not a date; write it as 2026-11-20')
    year, month, day = (int(part) for part in text.split("-"))
    if not 1 <= month <= 12 or year < 1:
        raise ValueError(f"{text} is not a date; write year, month, day, as in 2026-11-20")
    last = calendar.monthrange(year, month)[1]
    if not 1 <= day <= last:
        raise ValueError(f"{text} is not a date: {calendar.month_name[month]} {year} has {last} days")
    return dt.date(year, month, day)


def is_date(text: str) -> bool:
    """True for a date that `parse_date` takes."""
    try:
        parse_date(text)
    except ValueError:
        return False
    return True


def _parse_partial_date(text: str) -> str:
    """A date that may stop at the year or the month: 2026, 2026-02, 2026-02-26."""
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", text):
        raise ValueError(f'"{text}" is not a date; write it as 2026, 2026-02 or 2026-02-26')
    parse_date((text + "-01-01")[:10])
    return text


def _dated(parse: Callable[[str], Any]) -> BeforeValidator:
    def validate(value: Any) -> Any:
        if not isinstance(value, str):
            raise _wrong("S014", "a date is expected here; write it as 2026-11-20")
        try:
            return parse(value)
        except ValueError as error:
            raise _wrong("S014", str(error)) from error

    return BeforeValidator(validate)


def _check_url(url: str) -> str:
    if not WEB_URL.fullmatch(url) or absolute_url(url) is None:
        raise _wrong("S102", f'"{url}" is not a web address; write it whole, beginning with https://')
    return url


def _parse_alias(value: Any) -> Any:
    """``/old/path/`` as the path below the site's address that it stands for; a folder unless it names an HTML file."""
    if not isinstance(value, str):
        return value
    if not ALIAS.fullmatch(value) or len(value) > ALIAS_MAX:
        raise _wrong(
            "S052",
            f'alias "{value}" is no path of this site; write it from the first slash on, as in /2019/05/old-title/',
        )
    path = value.strip("/")
    return path if path.endswith((".html", ".htm")) and not value.endswith("/") else f"{path}/"


def _parse_interval(value: Any) -> dt.timedelta:
    found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", value) if isinstance(value, str) else None
    if found is None:
        raise _wrong("S006", f'min_interval "{value}" is not a duration; write it as 30m, 1h or 1d')
    minutes = {"m": 1, "h": 60, "d": 24 * 60}[found[2]]
    return dt.timedelta(minutes=int(found[1]) * minutes)


def _parse_author(value: Any) -> Any:
    """CSL-JSON names are ``{literal: ...}`` or ``{family: ..., given: ...}``; a plain text will do too."""
    if isinstance(value, dict) and value.keys() <= {"literal", "family", "given"} and value:
        return value.get("literal") or " ".join(filter(None, (value.get("given"), value.get("family"))))
    return value


_ID_WANTED: Final = "use 2 to 41 small letters, digits and hyphens"
Moment = Annotated[dt.datetime, _dated(parse_moment)]
Day = Annotated[dt.date, _dated(parse_date)]
PartialDate = Annotated[str, _dated(_parse_partial_date)]
Id = Annotated[str, _pattern(ID, wanted=_ID_WANTED)]
Name = Annotated[str, _pattern(NAME, wanted="use up to 41 small letters, digits and hyphens")]
Hash = Annotated[str, _pattern(SHA256, wanted="it is 64 digits of 0-9 and a-f")]
Url = Annotated[str, AfterValidator(_check_url)]
Words = Annotated[
    str, _limit(lambda text: "" if text.strip() else "a text is expected here; write it, or delete the key")
]


# --- files ----------------------------------------------------------------------------------------------------------------------


class File(BaseModel):
    """Common to all: unknown keys are refused, and each key names the code of its problems."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)  # most runs read files of one or two kinds
    codes: ClassVar[Mapping[str, str]] = {}  # key of the first level -> code; S006 where none is named


class AiPart(File):
    involvement: Literal["none", "assisted", "drafted"] = "none"
    model: Words | None = None
    reviewed_by: Words | None = None
    reviewed_at: Day | None = None
    review_commit: Annotated[str, _pattern(COMMIT, wanted="it is 7 to 64 digits of 0-9 and a-f")] | None = None
    review_text: Annotated[str, _pattern(WORDS_HASH, wanted="let opensignal approve write it")] | None = None


class EmailPart(File):
    subject: Annotated[str, _limit(lambda text: _length(text, "subject", SUBJECT_MAX))] | None = None
    preheader: Annotated[str, _limit(lambda text: _length(text, "preheader", PREHEADER_MAX))] | None = None
    skip: bool = False


class CorrectionPart(File):
    date: Day
    was: Words
    now: Words
    why: str = ""


class ImportedPart(File):
    service: Annotated[str, _pattern(NAME, wanted=_ID_WANTED)]
    id: Words
    on: Day
    url: Url | None = None
    tags: list[Words] = []

    def noun(self) -> Imported:
        return Imported(self.service, self.id, self.on, self.url, tuple(self.tags))


class ArticleFile(File):
    """The front matter of an article."""

    codes = {
        "title": "S010",
        "dek": "S012",
        "slug": "S013",
        "date": "S014",
        "updated": "S014",
        "stale_after": "S014",
        "status": "S015",
        "authors": "S016",
        "topics": "S017",
        "series": "S018",
        "sources": "S020",
        "aliases": "S052",
        "ai": "S030",
        "corrections": "S032",
        "email": "S040",
        "imported": "S208",
    }

    title: Annotated[str, _limit(check_title)]
    dek: Annotated[str, _limit(_check_dek)]
    date: Moment
    status: Status
    authors: list[str]
    topics: Annotated[list[str], Field(max_length=3)]
    kicker: Annotated[str, _limit(lambda text: _length(text, "kicker", 60))] = ""
    slug: Annotated[str, _pattern(SLUG, wanted="use 3 to 80 small letters, digits and hyphens")] | None = None
    series: Words | None = None
    aliases: list[Annotated[str, BeforeValidator(_parse_alias)]] = []
    updated: Moment | None = None
    stale_after: Day | None = None
    sources: list[str] | None = None
    ai: AiPart = AiPart()
    corrections: list[CorrectionPart] = []
    email: EmailPart = EmailPart()
    lang: Annotated[str, _pattern(re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"), wanted="write it as en or pt-BR")] = (
        "en"
    )
    imported: ImportedPart | None = None

    def article(self, *, slug: str, body: str, body_line: int, path: str, citations: tuple[Citation, ...]) -> Article:
        return Article(
            slug=slug,
            title=self.title.strip(),
            dek=self.dek.strip(),
            date=self.date,
            status=self.status,
            authors=tuple(self.authors),
            topics=tuple(self.topics),
            body=body,
            path=path,
            body_line=body_line,
            kicker=self.kicker,
            updated=self.updated,
            stale_after=self.stale_after,
            citations=citations,
            ai=AiUse(
                self.ai.involvement,
                self.ai.model,
                self.ai.reviewed_by,
                self.ai.reviewed_at,
                self.ai.review_commit,
                self.ai.review_text,
            ),
            corrections=tuple(Correction(c.date, c.was, c.now, c.why) for c in self.corrections),
            email_subject=self.email.subject,
            email_preheader=self.email.preheader,
            email_skip=self.email.skip,
            lang=self.lang,
            imported=self.imported.noun() if self.imported else None,
            series=self.series,
            aliases=tuple(self.aliases),
        )


class SnapshotPart(File):
    sha256: Hash
    text_sha256: Hash
    at: Moment
    tool: Words
    bytes: Annotated[int, Field(ge=0)]


class QuotePart(File):
    text: Words
    page: Annotated[int, Field(ge=1)] | None = None
    prefix: str = ""
    suffix: str = ""


class FactPart(File):
    what: Words
    value: Words
    unit: Words
    period: Words | None = None


class SourceFile(File):
    """content/sources/<id>.yml"""

    codes = {
        "id": "S101",
        "url": "S102",
        "issued": "S014",
        "accessed": "S014",
        "via": "S104",
        "supersedes": "S104",
        "superseded_by": "S104",
        "archive": "S102",
        "status_at": "S014",
        "snapshot": "S113",
        "quotes": "S110",
    }

    id: Id
    url: Url
    publisher: Words
    tier: Tier
    title: Words | None = None
    type: Words = "webpage"
    author: list[Annotated[str, BeforeValidator(_parse_author)]] = []
    container: Words | None = None
    doi: Annotated[str, _pattern(DOI, wanted="write it as 10.1234/abc, without https://doi.org/")] | None = None
    issued: PartialDate | None = None
    accessed: PartialDate | None = None
    via: str | None = None
    licence: Words = "unknown"
    redistribute: Literal["full", "quote", "hash"] = "quote"
    snapshot: SnapshotPart | None = None
    quotes: dict[Name, QuotePart] = {}
    facts: dict[Name, FactPart] = {}
    supersedes: str | None = None
    superseded_by: str | None = None
    status: SourceStatus = SourceStatus.LIVE
    status_at: Day | None = None
    archive: Url | None = None
    note: str = ""
    sample: bool = False

    def source(self, path: str) -> Source:
        shot = self.snapshot
        return Source(
            id=self.id,
            url=self.url,
            publisher=self.publisher,
            tier=self.tier,
            title=self.title,
            type=self.type,
            authors=tuple(self.author),
            container=self.container,
            doi=self.doi,
            issued=self.issued,
            accessed=self.accessed,
            via=self.via,
            licence=self.licence,
            redistribute=self.redistribute,
            snapshot=Snapshot(shot.sha256, shot.text_sha256, shot.at, shot.tool, shot.bytes) if shot else None,
            quotes={name: Quote(name, q.text, q.page, q.prefix, q.suffix) for name, q in self.quotes.items()},
            facts={name: Fact(name, f.what, f.value, f.unit, f.period) for name, f in self.facts.items()},
            supersedes=self.supersedes,
            superseded_by=self.superseded_by,
            status=self.status,
            status_at=self.status_at,
            archive=self.archive,
            note=self.note,
            sample=self.sample,
            path=path,
        )


class TopicItem(File):
    """One item of content/topics.yml"""

    id: Id
    name: Words
    description: str = ""

    def topic(self) -> Topic:
        return Topic(self.id, self.name, self.description)


class SeriesItem(File):
    """One item of content/series.yml"""

    id: Id
    name: Words
    description: str = ""

    def series(self) -> Series:
        return Series(self.id, self.name, self.description)


class PersonItem(File):
    """One item of content/people.yml"""

    codes = {"url": "S102"}

    id: Id
    name: Words
    role: Role
    bio: str = ""
    url: Url | None = None

    def person(self) -> Person:
        return Person(self.id, self.name, self.role, self.bio, self.url)


class MoveItem(File):
    """One item of content/imports.yml"""

    service: Annotated[str, _pattern(NAME, wanted=_ID_WANTED)]
    on: Day
    articles: Annotated[int, Field(ge=0)]

    def move(self) -> Move:
        return Move(self.service, self.on, self.articles)


class FeedItem(File):
    """One item of content/feeds.yml"""

    codes = {"url": "S102", "topics": "S017"}

    id: Id
    url: Url
    publisher: Words
    topics: list[str] = []
    tier: Tier = Tier.SECONDARY
    min_interval: Annotated[dt.timedelta, BeforeValidator(_parse_interval)] = dt.timedelta(hours=1)
    paused: bool = False

    def feed(self) -> Feed:
        return Feed(self.id, self.url, self.publisher, tuple(self.topics), self.tier, self.min_interval, self.paused)


# --- reading --------------------------------------------------------------------------------------------------------------------

F = TypeVar("F", bound=File)


def read(
    model: type[F], data: Any, *, at: Loc = (), fallbacks: Mapping[str, Any] | None = None
) -> tuple[F | None, list[Finding]]:
    """Check *data* against *model*: what could be read of it (None: nothing of use) and everything that is wrong.

    *at* is where in the file's data this part lies. *fallbacks* stand in for values that are missing or make no sense.
    """
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    findings = _findings(model, details, at)
    if not isinstance(data, dict):
        return None, findings
    try:
        rest = {**(fallbacks or {}), **_without(data, details)}
        return model.model_validate(rest, context="limits are known to be broken"), findings
    except ValidationError:
        return None, findings


def _without(data: dict[str, Any], details: list[ErrorDetails]) -> dict[str, Any]:
    """*data* without the values that cannot be read: an unknown key goes alone, anything else with its key of the first level."""
    broken = {
        detail["loc"][0] for detail in details if detail["loc"] and detail["type"] not in ("limit", "extra_forbidden")
    }
    rest = {key: value for key, value in data.items() if key not in broken}
    for detail in details:
        if detail["type"] == "extra_forbidden":
            rest = _drop(rest, detail["loc"])
    return rest


def _drop(data: Any, loc: Loc) -> Any:
    if isinstance(data, dict):
        return {k: v if k != loc[0] else _drop(v, loc[1:]) for k, v in data.items() if k != loc[0] or len(loc) > 1}
    if isinstance(data, list):
        return [_drop(item, loc[1:]) if index == loc[0] else item for index, item in enumerate(data)]
    return data


def _findings(model: type[File], details: list[ErrorDetails], at: Loc) -> list[Finding]:
    misspelt = {
        (*detail["loc"][:-1], *_guesses(model, detail["loc"]))
        for detail in details
        if detail["type"] == "extra_forbidden"
    }
    return [
        _finding(model, detail, at)
        for detail in details
        if detail["type"] != "missing" or detail["loc"] not in misspelt  # a misspelt key is one problem, not two
    ]


def _guesses(model: type[File], loc: Loc) -> list[str]:
    return difflib.get_close_matches(str(loc[-1]).lower(), _model_at(model, loc[:-1]).model_fields, n=1)


def _finding(model: type[File], detail: ErrorDetails, at: Loc) -> Finding:
    kind, given = detail["type"], detail["input"]
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    name = ".".join(str(part) for part in loc if isinstance(part, str)) or "this"
    code = model.codes.get(str(loc[0]), "S006") if loc else "S006"
    where = (*at, *loc)
    if kind == "missing":
        return Finding("S004", where, f'no "{name}"; add it', at_key=True, unfinished=True)
    if kind == "extra_forbidden":
        hint = closest(str(loc[-1]), _model_at(model, loc[:-1]).model_fields) or "; delete it"
        return Finding("S003", where, f'unknown key "{name}"{hint}', at_key=True)
    if kind == "limit":
        return Finding(code, where, detail["msg"], unfinished=True)
    if kind == "shape" or re.fullmatch(r"S\d{3}", kind):
        return Finding(kind if kind != "shape" else code, where, detail["msg"])
    return Finding(code, where, f"{name}: {_in_our_words(kind, given, detail)}")


def _in_our_words(kind: str, given: Any, detail: ErrorDetails) -> str:
    """What pydantic found, said to an editor."""
    context = detail.get("ctx", {})
    shown = f'"{given}"' if isinstance(given, str) else "a list" if isinstance(given, list) else "a group of keys"
    if given is None:
        shown = "an empty value"
    if kind in ("enum", "literal_error"):
        allowed = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        hint = closest(given, allowed) if isinstance(given, str) else ""
        return f"{shown} is not known; write one of {', '.join(allowed)}{hint}"
    if kind == "string_type":
        return f"{shown} stands where one text is expected; write a single value"
    if kind == "list_type":
        return f"{shown} stands where a list is expected; write it as [a, b]"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{shown} stands where keys are expected; write them below, as key: value"
    if kind.startswith("bool"):
        return f"{shown} is neither true nor false; write one of them"
    if kind.startswith("int") or kind == "greater_than_equal":
        return f"{shown} is not a whole number of at least {context.get('ge', 0)}; write digits only"
    if kind == "too_long":
        return f"{context.get('actual_length')} items, {context.get('max_length')} at most; drop some"
    return f"{detail['msg']}; mend the value"


def _model_at(model: type[File], loc: Loc) -> type[File]:
    """The model of the group of keys that *loc* leads to."""
    for part in loc:
        if isinstance(part, str) and (known := model.model_fields.get(part)):
            model = _model_in(known.annotation) or model
    return model


def _model_in(annotation: Any) -> type[File] | None:
    if isinstance(annotation, type) and issubclass(annotation, File):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
