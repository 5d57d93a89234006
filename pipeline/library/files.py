"""The files of content/, one by one: what each says, and what is wrong with it by itself.

Nothing here raises for bad content. What could be read comes back as a noun with the document it was read from, so that `checks`,
which looks at several files together, can still say where a value stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Generic, TypeVar

from pipeline.library import schema
from pipeline.library.citations import find_citations
from pipeline.library.frontmatter import TOP, Document, Loc, Place, Unreadable, decode, parse, read_text, split
from pipeline.library.own import foreign_files, leads_out, why_not_read
from pipeline.model import Article, Feed, Move, Person, Problem, Series, Severity, Source, Status, Topic

ARTICLES: Final = "content/articles"
SOURCES: Final = "content/sources"
SNAPSHOTS: Final = "content/sources/snapshots"
TOPICS: Final = "content/topics.yml"
PEOPLE: Final = "content/people.yml"
SERIES: Final = "content/series.yml"
FEEDS: Final = "content/feeds.yml"
IMPORTS: Final = "content/imports.yml"

_NAME: Final = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)-(?P<slug>[^/]+)")
_LONG_AGO: Final = "1970-01-01"  # the date of an idea that has none yet

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
F = TypeVar("F", bound=schema.File)


@dataclass(frozen=True)
class Read(Generic[T_co]):
    """A noun, and where its values stand: at *at* of *document*, in the file *path*."""

    noun: T_co
    path: str
    document: Document
    at: Loc = ()

    def problem(self, code: str, loc: Loc, message: str, *, severity: Severity = Severity.ERROR) -> Problem:
        """A problem with the value at *loc* of this noun."""
        place = self.document.value_place((*self.at, *loc))
        return Problem(self.path, place.line, place.column, code, message, severity)

    def warning(self, code: str, loc: Loc, message: str) -> Problem:
        """A problem that is printed and blocks nothing."""
        return self.problem(code, loc, message, severity=Severity.WARNING)


@dataclass(frozen=True)
class Shelf:
    """All that was read, and all that is wrong so far."""

    articles: list[Read[Article]]
    sources: list[Read[Source]]
    topics: list[Read[Topic]]
    people: list[Read[Person]]
    feeds: list[Read[Feed]]
    held_back: set[str]  # article files that could not be read but say that they are not to be published yet
    problems: list[Problem]
    moves: list[Read[Move]] = field(default_factory=list)
    series: list[Read[Series]] = field(default_factory=list)


def read_content(root: Path) -> Shelf:
    """Read every file of *root*/content."""
    shelf = Shelf([], [], [], [], [], set(), [*foreign_files(root)])
    for path in article_files(root):
        _read_article(root, path, shelf)
    for path in _files(root, SOURCES, "*.yml"):
        _read_source(root, path, shelf)
    lists = read_lists(root)
    return replace(
        shelf,
        topics=lists.topics,
        people=lists.people,
        series=lists.series,
        feeds=lists.feeds,
        moves=lists.moves,
        problems=[*shelf.problems, *lists.problems],
    )


def read_sources(root: Path) -> list[Source]:
    """The sources of *root*/content that can be read, and nothing of what is wrong with them."""
    shelf = Shelf([], [], [], [], [], set(), [])
    for path in _files(root, SOURCES, "*.yml"):
        _read_source(root, path, shelf)
    return [read.noun for read in shelf.sources]


def article_files(root: Path) -> list[str]:
    """The articles' files below *root*, in order."""
    return _files(root, ARTICLES, "*.md")


def _files(root: Path, folder: str, pattern: str) -> list[str]:
    """Paths from *root*, in order; an editor's own hidden files (``.#draft.md``) are passed over, and what is not ours."""
    if leads_out(root / folder, root):
        return []
    found = [path for path in (root / folder).rglob(pattern) if not path.name.startswith(".")]
    return sorted(path.relative_to(root).as_posix() for path in found if not why_not_read(path, root))


def _at(path: str, place: Place, code: str, message: str, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(path, place.line, place.column, code, message, severity)


# --- articles -------------------------------------------------------------------------------------------------------------------


def article_of(raw: bytes, path: str) -> Article | None:
    """The article that *raw* would be in the file *path*; None where it cannot be read."""
    shelf = Shelf([], [], [], [], [], set(), [])
    try:
        _take_article(decode(raw), path, shelf)
    except Unreadable:
        return None
    return shelf.articles[0].noun if shelf.articles else None


def finished_article(text: str, path: str) -> tuple[Read[Article] | None, list[Problem]]:
    """The article that *text* would be in the file *path* if it were published, and what would then be wrong with it by itself."""
    shelf = Shelf([], [], [], [], [], set(), [])
    try:
        _take_article(text, path, shelf, finished=True)
    except Unreadable as wrong:
        return None, [_at(path, wrong.place, wrong.code, wrong.message)]
    if not shelf.articles:
        return None, shelf.problems
    (read,) = shelf.articles
    status = read.noun.status if read.noun.status.is_final else Status.PUBLISHED
    return replace(read, noun=replace(read.noun, status=status)), shelf.problems


def _read_article(root: Path, path: str, shelf: Shelf) -> None:
    try:
        _take_article(read_text(root / path), path, shelf)
    except Unreadable as wrong:
        shelf.problems.append(_at(path, wrong.place, wrong.code, wrong.message))


def _take_article(text: str, path: str, shelf: Shelf, *, finished: bool = False) -> None:
    front, body, body_line = split(text)
    document = parse(front, first_line=2)
    unfinished = _is_unfinished(document) and not finished
    name = _NAME.fullmatch(Path(path).stem)
    fallbacks = {"dek": "", "authors": [], "topics": [], **({"date": _date_in(name)} if unfinished else {})}
    file, findings = schema.read(schema.ArticleFile, document.data, fallbacks=fallbacks)
    came_along = file is not None and file.imported is not None  # its title and dek are those that readers know
    if came_along:
        findings = [finding for finding in findings if not (finding.unfinished and finding.code in ("S010", "S012"))]
    shelf.problems.extend(_problems(path, document, findings, lenient=unfinished))
    slug = (file.slug if file else None) or (name["slug"] if name else Path(path).stem)
    shelf.problems.extend(_name_problems(path, document, slug, named_date=name["date"] if name else None))
    if file is None or not schema.SLUG.fullmatch(slug):
        shelf.held_back.update([path] if unfinished else [])
        return
    citations = find_citations(body, first_line=body_line)
    article = file.article(slug=slug, body=body, body_line=body_line, path=path, citations=citations)
    shelf.articles.append(Read(article, path, document))


def _is_unfinished(document: Document) -> bool:
    """True when the file says, whatever else is wrong with it, that it is not to be published yet."""
    status = document.data.get("status") if isinstance(document.data, dict) else None
    return status in [one.value for one in Status if not one.is_final]


def _date_in(name: re.Match[str] | None) -> str:
    return name["date"] if name and schema.is_date(name["date"]) else _LONG_AGO


def _name_problems(path: str, document: Document, slug: str, *, named_date: str | None) -> Iterator[Problem]:
    if not schema.SLUG.fullmatch(slug):
        yield _at(
            path, TOP, "S013", f'no slug in the file\'s name "{slug}"; use 3 to 80 small letters, digits and hyphens'
        )
    date = document.data.get("date") if isinstance(document.data, dict) else None
    if named_date is None or Path(path).parent.name != named_date[:4]:
        wanted = f"{ARTICLES}/YYYY/YYYY-MM-DD-slug.md"
        yield _at(
            path, TOP, "S007", f"an article is filed by its date and slug; move the file to {wanted}", Severity.WARNING
        )
    elif isinstance(date, str) and date[:10] != named_date and schema.is_date(date[:10]):
        place = document.value_place(("date",))
        message = f"the date is {date[:10]}, the file's name says {named_date}; change one"
        yield _at(path, place, "S007", message, Severity.WARNING)


def _problems(path: str, document: Document, findings: list[schema.Finding], *, lenient: bool) -> Iterator[Problem]:
    for finding in findings:
        place = document.key_place(finding.loc) if finding.at_key else document.value_place(finding.loc)
        severity = Severity.WARNING if lenient and finding.unfinished else Severity.ERROR
        yield _at(path, place, finding.code, finding.message, severity)


# --- sources and lists ----------------------------------------------------------------------------------------------------------


def shelf_of_article(raw: bytes, path: str) -> Shelf:
    """What *raw* would be in the article's file *path*, and what is wrong with it by itself."""
    shelf = Shelf([], [], [], [], [], set(), [])
    try:
        _take_article(decode(raw), path, shelf)
    except Unreadable as wrong:
        return unreadable(path, wrong)
    return shelf


def shelf_of_source(raw: bytes, path: str) -> Shelf:
    """What *raw* would be in the source's file *path*, and what is wrong with it by itself."""
    shelf = Shelf([], [], [], [], [], set(), [])
    try:
        _take_source(parse(decode(raw)), path, shelf)
    except Unreadable as wrong:
        return unreadable(path, wrong)
    return shelf


def unreadable(path: str, wrong: Unreadable) -> Shelf:
    """What is to be had of a file that cannot be read: one problem."""
    return Shelf([], [], [], [], [], set(), [_at(path, wrong.place, wrong.code, wrong.message)])


def read_lists(root: Path) -> Shelf:
    """The files of *root*/content that are lists: topics, people, series, feeds, imports."""
    shelf = Shelf([], [], [], [], [], set(), [])
    shelf.topics.extend(_items(root, TOPICS, schema.TopicItem, schema.TopicItem.topic, shelf.problems))
    shelf.people.extend(_items(root, PEOPLE, schema.PersonItem, schema.PersonItem.person, shelf.problems))
    if (root / SERIES).exists():  # most newsletters have none
        shelf.series.extend(_items(root, SERIES, schema.SeriesItem, schema.SeriesItem.series, shelf.problems))
    if (root / FEEDS).exists():  # a newsletter may read no feed at all
        shelf.feeds.extend(_items(root, FEEDS, schema.FeedItem, schema.FeedItem.feed, shelf.problems))
    if (root / IMPORTS).exists():  # written by `opensignal import`
        shelf.moves.extend(_items(root, IMPORTS, schema.MoveItem, schema.MoveItem.move, shelf.problems))
    return shelf


def source_of(raw: bytes, path: str) -> Source | None:
    """The source that *raw* would be in the file *path*; None where it cannot be read."""
    try:
        file, _ = schema.read(schema.SourceFile, parse(decode(raw)).data)
    except Unreadable:
        return None
    return file.source(path) if file else None


def _read_source(root: Path, path: str, shelf: Shelf) -> None:
    document = _document(root, path, shelf.problems)
    if document is not None:
        _take_source(document, path, shelf)


def _take_source(document: Document, path: str, shelf: Shelf) -> None:
    file, findings = schema.read(schema.SourceFile, document.data)
    shelf.problems.extend(_problems(path, document, findings, lenient=False))
    if file is not None:
        shelf.sources.append(Read(file.source(path), path, document))


def _items(root: Path, path: str, model: type[F], noun: Callable[[F], T], problems: list[Problem]) -> Iterator[Read[T]]:
    """The items of a file that is one list."""
    document = _document(root, path, problems)
    if document is None or document.data is None:
        return
    if not isinstance(document.data, list):
        problems.append(
            _at(path, document.value_place(()), "S006", "a list is expected here; begin each item with a hyphen")
        )
        return
    for index, data in enumerate(document.data):
        item, findings = schema.read(model, data, at=(index,))
        problems.extend(_problems(path, document, findings, lenient=False))
        if item is not None:
            yield Read(noun(item), path, document, (index,))


def _document(root: Path, path: str, problems: list[Problem]) -> Document | None:
    if leads_out(root / path, root):  # told by `own.foreign_files`
        return None
    try:
        return parse(read_text(root / path))
    except Unreadable as wrong:
        problems.append(_at(path, wrong.place, wrong.code, wrong.message))
        return None
