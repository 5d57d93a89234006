"""What is wrong with content that can be read: rules that need more than one value, or more than one file.

Each rule is a function that yields problems; `check_all` runs them over the whole library. `CODES` is the one table of all codes,
those of `frontmatter` and `schema` among them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pipeline.library import links
from pipeline.library.citations import CITATION, line_and_column, prose
from pipeline.library.files import SNAPSHOTS, Read, Shelf
from pipeline.library.frontmatter import Unreadable, read_text
from pipeline.library.quotes import nearest, normal, occurs
from pipeline.library.schema import closest
from pipeline.library.sentences import sentence_ends
from pipeline.model import Article, Citation, Feed, Problem, Role, Severity, Source, Status

if TYPE_CHECKING:
    from pipeline.library import Library

CODES: Final = {
    # files and front matter
    "S001": "an article has no front matter, or it is not closed",
    "S002": "not the YAML that we read: broken, or with tabs, anchors, aliases, tags or a key given twice",
    "S003": "a key that is not known",
    "S004": "a key that is missing",
    "S005": "a file that cannot be read as text in UTF-8",
    "S006": "a value of the wrong kind",
    "S007": "an article's file is named or filed otherwise than by its date and slug",
    "S008": "an id that stands twice in one list",
    "S010": "the title: 8 to 110 characters, one line, no full stop at its end",
    "S012": "the dek: exactly one sentence of at most 240 characters",
    "S013": "the slug: 3 to 80 small letters, digits and hyphens; no two articles share one",
    "S014": "a date that does not exist, is not written as one, or makes no sense beside another",
    "S015": "the status is none of those that are known",
    "S016": "the authors: unknown, or no person among them holds editorial responsibility",
    "S017": "the topics: one to three of content/topics.yml",
    "S020": "a source that is listed in the front matter but never cited",
    "S030": "the use of AI: a text drafted by a model is published only after a person reviewed it",
    "S032": "a corrected article without a correction, or a correction that says too little",
    "S040": "the mail: subject of at most 78 characters, preheader of at most 140",
    "S041": "an image without alt text",
    "S050": "a link that leads nowhere, or to an article that is not published",
    "S051": "a heading of the first level in the body; the page's title is the only one",
    # sources and citations
    "S101": "the id of a source is not its file's name",
    "S102": "an address: not one of the web, not https, or with tracking parameters",
    "S103": "two sources or two feeds with the same address",
    "S104": "a source or a quote that does not exist",
    "S110": "a quote that does not occur in the stored copy of its source, or has none to occur in",
    "S111": "a quote that occurs in the stored copy of another source",
    "S113": "a stored copy whose hash is not the one recorded",
    "S114": "a quote of more than 300 characters",
    "S115": "the full text of a source that may not be redistributed is stored in the repository",
    "S118": "a quote that could not be checked here: the stored copy is kept elsewhere",
    # what must carry a citation
    "S201": "a sentence with a number and without a citation",
}

QUOTE_MAX: Final = 300  # characters; more is hard to call a quotation
FAR_AHEAD: Final = dt.timedelta(days=1)

_TRACKING: Final = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|_hsenc|_hsmi|yclid|vero_id", re.IGNORECASE
)
_LINK: Final = re.compile(
    r"(?<!\\)(?P<image>!?)\[(?P<text>(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]\(\s*<?(?P<url>[^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)"
)
_LEVEL_ONE: Final = re.compile(r"^#[ \t]+\S|^(?=\S)(?![-*+>|#]).*\n=+[ \t]*$", re.MULTILINE)


class _Listed(Protocol):
    @property
    def id(self) -> str: ...


def check_all(shelf: Shelf, library: Library, root: Path) -> Iterator[Problem]:
    """Every problem that shows only when the whole library is at hand."""
    for article in shelf.articles:
        yield from _check_front_matter(article, library)
        yield from _check_citations(article, library)
        yield from _check_links(article, library, root)
        if article.noun.status.is_final:
            yield from _check_numbers(article.noun)
    yield from _check_slugs(shelf.articles)
    texts = _Texts(root)
    for source in shelf.sources:
        yield from _check_source(source, library)
        yield from _check_quotes(source, shelf.sources, texts)
    yield from _check_addresses(shelf.sources)
    yield from _check_addresses(shelf.feeds)
    for feed in shelf.feeds:
        yield from _check_topics(feed, library)
    yield from _check_ids(shelf.topics)
    yield from _check_ids(shelf.people)
    yield from _check_ids(shelf.feeds)


def check_dates(library: Library, now: dt.datetime) -> Iterator[Problem]:
    """Articles marked as published whose date is more than a day after *now*: they will not appear, which nobody may notice."""
    for article in library.articles:
        if article.status.is_final and article.status is not Status.SCHEDULED and article.date > now + FAR_AHEAD:
            yield Problem(
                article.path,
                2,
                1,
                "S014",
                f"the date {article.date:%Y-%m-%d} lies ahead, so no reader sees this; mend it, or set status: scheduled",
                Severity.WARNING,
            )


# --- articles: front matter --------------------------------------------------------------------------------------------------


def _check_front_matter(read: Read[Article], library: Library) -> Iterator[Problem]:
    yield from _check_people(read, library)
    yield from _check_topics(read, library)
    yield from _check_ai(read, library)
    yield from _check_listed_sources(read, library)
    article = read.noun
    if article.updated and article.updated < article.date:
        yield read.problem("S014", ("updated",), "updated lies before date; an update comes after publication")
    if article.status is Status.CORRECTED and not article.corrections:
        yield read.problem(
            "S032",
            ("status",),
            "status is corrected, but no correction says what; add corrections: with date, was, now, why",
        )


def _check_people(read: Read[Article], library: Library) -> Iterator[Problem]:
    article = read.noun
    for index, author in enumerate(article.authors):
        if author not in library.people:
            hint = closest(author, library.people) or "; add them to content/people.yml"
            yield read.problem("S016", ("authors", index), f'unknown person "{author}"{hint}')
    roles = {library.people[author].role for author in article.authors if author in library.people}
    if article.status.is_final and Role.EDITOR not in roles and ("authors",) in read.document.values:
        yield read.problem(
            "S016",
            ("authors",),
            "no person holds editorial responsibility; name one whose role in content/people.yml is editor",
        )


def _check_topics(read: Read[Article] | Read[Feed], library: Library) -> Iterator[Problem]:
    topics = read.noun.topics
    for index, topic in enumerate(topics):
        if topic not in library.topics:
            hint = closest(topic, library.topics) or f"; write one of {', '.join(library.topics)}"
            yield read.problem("S017", ("topics", index), f'unknown topic "{topic}"{hint}')
        elif topic in topics[:index]:
            yield read.problem("S017", ("topics", index), f'topic "{topic}" stands here twice; keep one')
    if isinstance(read.noun, Article) and not topics and ("topics",) in read.document.values:
        severity = Severity.ERROR if read.noun.status.is_final else Severity.WARNING
        yield read.problem("S017", ("topics",), "no topic; name one to three of content/topics.yml", severity=severity)


def _check_ai(read: Read[Article], library: Library) -> Iterator[Problem]:
    article, reviewer = read.noun, read.noun.ai.reviewed_by
    if reviewer is not None and reviewer not in library.people:
        hint = closest(reviewer, library.people) or "; add them to content/people.yml"
        yield read.problem("S030", ("ai", "reviewed_by"), f'unknown person "{reviewer}"{hint}')
    elif reviewer is not None and library.people[reviewer].role is Role.MODEL:
        yield read.problem("S030", ("ai", "reviewed_by"), f'"{reviewer}" is a model; a person must review the text')
    elif reviewer is None and article.ai.involvement == "drafted" and article.status.is_final:
        yield read.problem(
            "S030", ("ai",), "AI-drafted text has no reviewer; add ai.reviewed_by with the id of a person"
        )


def _check_listed_sources(read: Read[Article], library: Library) -> Iterator[Problem]:
    listed = read.document.data.get("sources")
    cited = set(read.noun.source_ids)
    for index, source in enumerate(listed if isinstance(listed, list) else ()):
        if source not in library.sources:
            yield read.problem("S104", ("sources", index), _unknown_source(str(source), library))
        elif source not in cited:
            yield read.problem(
                "S020", ("sources", index), f'source "{source}" is listed but never cited; cite it or drop it'
            )


def _check_slugs(articles: Iterable[Read[Article]]) -> Iterator[Problem]:
    by_slug: dict[str, list[Read[Article]]] = defaultdict(list)
    for read in articles:
        by_slug[read.noun.slug].append(read)
    for slug, same in by_slug.items():
        for read in same if len(same) > 1 else ():
            others = ", ".join(other.path for other in same if other is not read)
            yield read.problem("S013", ("slug",), f'slug "{slug}" is used by {others} too; rename one of the files')


# --- articles: body ----------------------------------------------------------------------------------------------------------


def _check_citations(read: Read[Article], library: Library) -> Iterator[Problem]:
    for citation in read.noun.citations:
        if wrong := _wrong_with(citation, library):
            yield Problem(read.path, citation.line, citation.column, "S104", wrong)


def _wrong_with(citation: Citation, library: Library) -> str:
    source = library.sources.get(citation.source)
    if source is None:
        return _unknown_source(citation.source, library)
    if citation.quote is None or citation.quote in source.quotes:
        return ""
    hint = closest(citation.quote, source.quotes) or f"; add it under quotes: in {source.path}"
    return f'source "{source.id}" has no quote "{citation.quote}"{hint}'


def _unknown_source(id_: str, library: Library) -> str:
    hint = closest(id_, library.sources) or f"; add content/sources/{id_}.yml, or cite another"
    return f'unknown source "{id_}"{hint}'


def _check_links(read: Read[Article], library: Library, root: Path) -> Iterator[Problem]:
    article = read.noun
    text = prose(article.body)

    def at(offset: int, code: str, message: str, severity: Severity = Severity.ERROR) -> Problem:
        return Problem(read.path, *line_and_column(text, offset, first_line=article.body_line), code, message, severity)

    for link in _LINK.finditer(text) if "](" in text else ():
        if link["image"] and not link["text"].strip():
            yield at(link.start(), "S041", "the image has no alt text; say between the brackets what it shows")
        if wrong := _wrong_with_link(link["url"], article, library, root):
            severity = Severity.ERROR if article.status.is_final else Severity.WARNING
            yield at(link.start("url"), "S050", wrong, severity)
    for heading in _LEVEL_ONE.finditer(text):
        yield at(
            heading.start(),
            "S051",
            "a heading of the first level; the title is one already, write ##",
            Severity.WARNING,
        )


def _wrong_with_link(url: str, article: Article, library: Library, root: Path) -> str:
    target = links.file_of(url, article.path)
    if target is not None and target.startswith(links.PAGES):
        return "" if (root / target).is_file() else f"the link leads to {target}, which does not exist; mend the path"
    if target is not None:
        other = library.article_at(target)
        if other is None:
            return f"the link leads to {target}, which is no article; mend the path{_closest_file(target, library)}"
        return (
            ""
            if other.status.is_final
            else f"the link leads to {target}, which is not published (status {other.status})"
        )
    if links.address(url, article.path, library, site_url="https://site.example/") is None:
        return (
            f'the link "{url}" is not an address that readers can be sent to; write it whole, beginning with https://'
        )
    return ""


def _closest_file(target: str, library: Library) -> str:
    return closest(target, [article.path for article in library.articles])


# A number that a reader may ask the source of: not part of a name (GPT-4, H100, Q2), not one item of a date or a reference.
_NUMBER: Final = re.compile(r"(?<![\w.,/:#–-])[$€£¥]?\d+(?:[.,]\d+)*(?![\w–-]*[:/]\d)")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_BEFORE: Final = re.compile(
    rf"(?:{_MONTH}|Articles?|Art\.|Sections?|Annex|Chapter|Part|Figure|Fig\.|Table|Pages?|Rule|Title|Regulation|Directive|Act|No\."
    r"|Version|Phase|Step|Level|Tier|Schedule|Paragraph)\s+$"
)
_AFTER: Final = re.compile(rf"\s+{_MONTH}\b")
_ROW_RULE: Final = re.compile(r"^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_ITEM: Final = re.compile(r"^[ \t>]*(?:[-*+]|\d+[.)])[ \t]+", re.MULTILINE)
_PARAGRAPH: Final = re.compile(r"(?:^[^\n]*\S[^\n]*$\n?)+", re.MULTILINE)
_ANALYSIS: Final = re.compile(r"<!--\s*analysis\s*-->\s*\Z")


def _check_numbers(article: Article) -> Iterator[Problem]:
    """S201: each sentence with a number cites, unless its paragraph is marked as our own reading. One hint a sentence."""
    text = re.sub(r"\]\([^)\n]*\)", lambda m: "]" + " " * (len(m[0]) - 1), prose(article.body))
    for paragraph in _PARAGRAPH.finditer(text):
        if not re.search(r"\d", paragraph[0]) or _ANALYSIS.search(article.body[: paragraph.end()]):
            continue
        for start, end in _statements(paragraph[0]):
            sentence = paragraph[0][start:end]
            number = _first_number(sentence)
            if number is not None and not re.search(CITATION, sentence):
                line, column = line_and_column(
                    text, paragraph.start() + start + number.start(), first_line=article.body_line
                )
                message = f'"{number[0]}" stands in a sentence without a citation; cite it, or mark the paragraph <!-- analysis -->'
                yield Problem(article.path, line, column, "S201", message, Severity.WARNING)


def _statements(paragraph: str) -> Iterator[tuple[int, int]]:
    """What may need a citation of its own in a paragraph, from where to where: a row of a table, an item of a list, a sentence."""
    lines = paragraph.splitlines(keepends=True)
    if len(lines) > 1 and "|" in lines[0] and _ROW_RULE.match(lines[1]):
        offset = len(lines[0]) + len(lines[1])
        for line in lines[2:]:
            yield offset, offset + len(line)
            offset += len(line)
        return
    start = 0
    for end in [*(m.start() for m in _ITEM.finditer(paragraph) if m.start()), len(paragraph)]:
        marker = _ITEM.match(paragraph, start)
        begin = marker.end() if marker else start
        if not paragraph[begin:end].lstrip().startswith("#"):
            ends = [begin + at for at in sentence_ends(paragraph[begin:end])]
            yield from zip([begin, *ends], ends, strict=False)
        start = end


def _first_number(sentence: str) -> re.Match[str] | None:
    return next((m for m in _NUMBER.finditer(sentence) if not _is_reference(m, sentence)), None)


def _is_reference(number: re.Match[str], sentence: str) -> bool:
    """True for a year, a day of a month, or the number of an article of a law: no figure that one could get wrong."""
    return bool(
        _YEAR.fullmatch(number[0])
        or _BEFORE.search(sentence, 0, number.start())
        or _AFTER.match(sentence, number.end())
    )


# --- sources -----------------------------------------------------------------------------------------------------------------


def _check_source(read: Read[Source], library: Library) -> Iterator[Problem]:
    source, stem = read.noun, Path(read.path).stem
    if source.id != stem:
        yield read.problem(
            "S101", ("id",), f'the id is "{source.id}", the file\'s name says "{stem}"; make them the same'
        )
    if source.via is not None and (source.via == source.id or source.via not in library.sources):
        what = "a source cannot be its own origin" if source.via == source.id else _unknown_source(source.via, library)
        yield read.problem("S104", ("via",), f"via: {what}")
    tracking = [name for name, _ in parse_qsl(urlsplit(source.url).query) if _TRACKING.fullmatch(name)]
    if tracking:
        yield read.problem(
            "S102",
            ("url",),
            f"the address holds {', '.join(tracking)}, which tracks readers; delete it",
            severity=Severity.WARNING,
        )
    if source.url.lower().startswith("http:"):
        yield read.problem(
            "S102",
            ("url",),
            "the address is not https; use the https one if the site has it",
            severity=Severity.WARNING,
        )


def _check_addresses(reads: Iterable[Read[Source]] | Iterable[Read[Feed]]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for read in reads:
        url = _canonical(read.noun.url)
        other = first.setdefault(url, read.noun.id)
        if other != read.noun.id:
            yield read.problem(
                "S103",
                ("url",),
                f'"{other}" has the same address; merge the two if they are one',
                severity=Severity.WARNING,
            )


def _canonical(url: str) -> str:
    parts = urlsplit(url)
    query = urlencode(
        [
            (name, value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if not _TRACKING.fullmatch(name)
        ]
    )
    return urlunsplit(("https", parts.netloc.lower().removeprefix("www."), parts.path.rstrip("/"), query, ""))


def _check_ids(reads: Iterable[Read[_Listed]]) -> Iterator[Problem]:
    seen: set[str] = set()
    for read in reads:
        if read.noun.id in seen:
            yield read.problem("S008", ("id",), f'the id "{read.noun.id}" stands here a second time; rename one')
        seen.add(read.noun.id)


class _Texts:
    """The stored copies, each read and hashed once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, tuple[str | None, str]] = {}

    def of(self, source: Source) -> tuple[str | None, str]:
        """The stored text of *source* (None where it is not here), and what is wrong with it."""
        if source.snapshot is None:
            return None, ""
        sha = source.snapshot.text_sha256
        if sha not in self._known:
            self._known[sha] = self._read(sha)
        return self._known[sha]

    def _read(self, sha: str) -> tuple[str | None, str]:
        path = f"{SNAPSHOTS}/{sha}.txt"
        if not (self._root / path).exists():
            return None, ""
        try:
            found = hashlib.sha256((self._root / path).read_bytes()).hexdigest()
            text = read_text(self._root / path)
        except OSError as error:
            return None, f"{path} cannot be read: {error.strerror}; check its permissions"
        except Unreadable as wrong:
            return None, f"{path}: {wrong.message}"
        if found != sha:
            return (
                None,
                f"{path} was changed (its sha256 is {found[:12]}...); restore the file from Git or take a new copy",
            )
        return text, ""


def _check_quotes(read: Read[Source], all_sources: list[Read[Source]], texts: _Texts) -> Iterator[Problem]:
    source = read.noun
    text, wrong = texts.of(source)
    if wrong:
        yield read.problem("S113", ("snapshot", "text_sha256"), wrong)
    if text is not None and source.redistribute != "full":
        yield read.problem(
            "S115",
            ("redistribute",),
            f"the full text is stored in {SNAPSHOTS}, but redistribute is {source.redistribute}; remove the file or set it to full",
        )
    for quote in source.quotes.values():
        loc = ("quotes", quote.id, "text")
        length = len(normal(quote.text))
        if length > QUOTE_MAX:
            yield read.problem(
                "S114",
                loc,
                f"the quote is {length} characters (max {QUOTE_MAX}); quote less",
                severity=Severity.WARNING,
            )
        if source.snapshot is None:
            yield read.problem(
                "S110", loc, f'quote "{quote.id}" has no stored copy to occur in; take one, or record a fact instead'
            )
        elif text is None and not wrong:
            yield read.problem(
                "S118",
                loc,
                f'quote "{quote.id}" could not be checked: its stored copy is not here; fetch it to check',
                severity=Severity.WARNING,
            )
        elif text is not None and not occurs(quote.text, text):
            yield _misquoted(read, quote.id, text, all_sources, texts)


def _misquoted(read: Read[Source], id_: str, text: str, all_sources: list[Read[Source]], texts: _Texts) -> Problem:
    """Not found is not invented: the words may stand in another source."""
    quote, loc = read.noun.quotes[id_], ("quotes", id_, "text")
    for other in all_sources:
        elsewhere = texts.of(other.noun)[0] if other.noun.id != read.noun.id else None
        if elsewhere is not None and occurs(quote.text, elsewhere):
            return read.problem(
                "S111", loc, f'quote "{id_}" occurs not here but in source "{other.noun.id}"; move it there'
            )
    near = nearest(quote.text, text)
    hint = f'; the nearest text is "{near}"' if near else "; nothing in it is like these words"
    return read.problem("S110", loc, f'quote "{id_}" does not occur in the stored copy{hint}')
