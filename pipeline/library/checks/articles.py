"""Articles: who answers for them, what they cite, where their links lead."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.library import links
from pipeline.library.citations import CITATION, INSERTION, in_brackets, line_and_column, prose
from pipeline.library.files import Read
from pipeline.library.new import TEMPLATE_CITED, TEMPLATE_DEK, TEMPLATE_OPENING
from pipeline.library.notation import rewrites
from pipeline.library.schema import closest
from pipeline.library.tidy import wrong_definitions
from pipeline.model import Article, Citation, Feed, Person, Problem, Role, Severity, Status

if TYPE_CHECKING:
    from pipeline.library import Library

LINK: Final = re.compile(
    r"(?<!\\)(?P<image>!?)\[(?P<text>(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]\(\s*<?(?P<url>[^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)"
)
# What begins as a citation and is none.
_BROKEN_CITATION: Final = re.compile(
    rf"(?<!\\)(?:(?!{CITATION})\[\^(?:[^\[\]\n]*(?P<closed>\])|[^\[\]\s]*)"
    rf"|(?!{INSERTION})!\[\[[^\[\]\n]+(?P<closed_too>\]\]))"
)
_LEVEL_ONE: Final = re.compile(r"^#[ \t]+\S|^(?=\S)(?![-*+>|#]).*\n=+[ \t]*$", re.MULTILINE)


# --- front matter ---------------------------------------------------------------------------------------------------------------


def check_article(read: Read[Article], library: Library, root: Path) -> Iterator[Problem]:
    """Everything about one article but its numbers."""
    yield from _check_citations(read, library)
    yield from _check_links(read, library, root)
    yield from _check_people(read, library)
    yield from check_topics(read, library)
    yield from _check_series(read, library)
    yield from _check_ai(read, library)
    yield from _check_listed_sources(read, library)
    yield from _check_notation(read, library)
    article = read.noun
    left = article.dek == TEMPLATE_DEK or TEMPLATE_OPENING in article.body or TEMPLATE_CITED in article.body
    if article.status.is_final and left:
        yield read.problem(
            "S009", ("dek",), "words of the template are still here; write the dek and the text, then publish"
        )
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
    signed_there = article.imported is not None  # by who wrote it, and not by an editor of this newsletter
    if (
        article.status.is_final
        and not signed_there
        and Role.EDITOR not in roles
        and isinstance(read.document.data.get("authors"), list)
    ):
        yield read.problem(
            "S016",
            ("authors",),
            "no person holds editorial responsibility; name one whose role in content/people.yml is editor",
        )


def check_topics(read: Read[Article] | Read[Feed], library: Library) -> Iterator[Problem]:
    """S017"""
    topics = read.noun.topics
    for index, topic in enumerate(topics):
        if topic not in library.topics:
            hint = closest(topic, library.topics) or f"; write one of {', '.join(library.topics)}"
            yield read.problem("S017", ("topics", index), f'unknown topic "{topic}"{hint}')
        elif topic in topics[:index]:
            yield read.problem("S017", ("topics", index), f'topic "{topic}" stands here twice; keep one')
    if isinstance(read.noun, Article) and read.document.data.get("topics") == []:
        yield read.problem(
            "S017",
            ("topics",),
            "no topic; name one to three of content/topics.yml",
            severity=weight_of_form(read.noun),
        )


def _check_series(read: Read[Article], library: Library) -> Iterator[Problem]:
    series = read.noun.series
    if series is not None and series not in library.series:
        hint = closest(series, library.series) or "; add it to content/series.yml"
        yield read.problem("S018", ("series",), f'unknown series "{series}"{hint}')


def _check_ai(read: Read[Article], library: Library) -> Iterator[Problem]:
    article, reviewer = read.noun, read.noun.ai.reviewed_by
    if reviewer is not None and reviewer not in library.people:
        hint = closest(reviewer, library.people) or "; add them to content/people.yml"
        yield read.problem("S030", ("ai", "reviewed_by"), f'unknown person "{reviewer}"{hint}')
    elif reviewer is not None and library.people[reviewer].role is Role.MODEL:
        yield read.problem("S030", ("ai", "reviewed_by"), f'"{reviewer}" is a model; a person must review the text')
    elif reviewer is not None and library.people[reviewer].role is Role.WRITER:
        yield read.problem(
            "S030",
            ("ai", "reviewed_by"),
            f'"{reviewer}" is a writer; an editor answers for what a model wrote: name one whose role is editor',
        )
    elif reviewer is None and article.ai.involvement == "drafted" and article.status.is_final:
        yield read.problem(
            "S030", ("ai",), "AI-drafted text has no reviewer; add ai.reviewed_by with the id of a person"
        )
    models = [author for author in article.authors if author in library.people and _is_model(library.people[author])]
    if models and article.ai.involvement == "none" and article.status.is_final:
        yield read.problem(
            "S030",
            ("ai", "involvement"),
            f'"{models[0]}" is a model and one of the authors, and ai: says that none had part in the text; '
            "set ai.involvement to drafted or assisted",
        )


def _is_model(person: Person) -> bool:
    return person.role is Role.MODEL


def _check_listed_sources(read: Read[Article], library: Library) -> Iterator[Problem]:
    listed = read.document.data.get("sources")
    cited = set(read.noun.source_ids)
    for index, source in enumerate(listed if isinstance(listed, list) else ()):
        if source not in library.sources:
            yield read.problem("S104", ("sources", index), unknown_source(str(source), library))
        elif source not in cited:
            yield read.problem(
                "S020", ("sources", index), f'source "{source}" is listed but never cited; cite it or drop it'
            )


def check_slugs(articles: Iterable[Read[Article]]) -> Iterator[Problem]:
    """S013: two articles with one slug; each is told of the other."""
    by_slug: dict[str, list[Read[Article]]] = defaultdict(list)
    for read in articles:
        by_slug[read.noun.slug].append(read)
    for slug, same in by_slug.items():
        for read in same if len(same) > 1 else ():
            others = ", ".join(other.path for other in same if other is not read)
            yield read.problem("S013", ("slug",), f'slug "{slug}" is used by {others} too; rename one of the files')


# --- body -----------------------------------------------------------------------------------------------------------------------


def _check_citations(read: Read[Article], library: Library) -> Iterator[Problem]:
    for citation in read.noun.citations:
        if wrong := _wrong_with(citation, library):
            yield Problem(read.path, citation.line, citation.column, "S104", wrong)
    article = read.noun
    for broken in in_brackets(_BROKEN_CITATION, prose(article.body)):
        place = line_and_column(article.body, broken.start(), first_line=article.body_line)
        shown = broken[0].rstrip()
        what = "names no source" if broken["closed"] or broken["closed_too"] else "is not closed"
        yield Problem(read.path, *place, "S104", f'the citation "{shown}" {what}; write [^id], with the id of a source')


def _wrong_with(citation: Citation, library: Library) -> str:
    source = library.sources.get(citation.source)
    if source is None:
        return unknown_source(citation.source, library)
    if citation.quote is None and citation.inserted:
        known = ", ".join(f"{source.id}.{quote}" for quote in source.quotes)
        return f"no words are named that could stand here; {f'write one of {known}' if known else f'add quotes: to {source.path}'}"
    if citation.quote is None or citation.quote in source.quotes:
        return ""
    hint = closest(citation.quote, source.quotes) or f"; add it under quotes: in {source.path}"
    return f'source "{source.id}" has no quote "{citation.quote}"{hint}'


def _check_notation(read: Read[Article], library: Library) -> Iterator[Problem]:
    """S105, S106: what `opensignal fmt` writes otherwise, or cannot."""
    body, first_line = read.noun.body, read.noun.body_line
    for rewrite in rewrites(body, library.sources, library.addresses):
        place = line_and_column(body, rewrite.at, first_line=first_line)
        yield Problem(read.path, *place, "S105", rewrite.what, Severity.WARNING)
    if wrong := wrong_definitions(body):
        message, at = wrong
        yield Problem(
            read.path, *line_and_column(body, at, first_line=first_line), "S106", message, weight_of(read.noun)
        )


def unknown_source(id_: str, library: Library) -> str:
    """What to say of a source that is not there."""
    hint = closest(id_, library.sources) or f"; add content/sources/{id_}.yml, or cite another"
    return f'unknown source "{id_}"{hint}'


def _check_links(read: Read[Article], library: Library, root: Path) -> Iterator[Problem]:
    article = read.noun
    text = prose(article.body)

    def problem(offset: int, code: str, message: str, severity: Severity) -> Problem:
        return Problem(read.path, *line_and_column(text, offset, first_line=article.body_line), code, message, severity)

    for link in in_brackets(LINK, text) if "](" in text else ():
        if link["image"] and not link["text"].strip():
            message = "the image has no alt text; say between the brackets what it shows"
            yield problem(link.start(), "S041", message, Severity.WARNING if article.imported else Severity.ERROR)
        if wrong := _wrong_with_link(link["url"], article, library, root):
            yield problem(link.start("url"), "S050", wrong, weight_of(article))
    for heading in _LEVEL_ONE.finditer(text):
        message = "a heading of the first level; the title is the only one, write ##"
        yield problem(heading.start(), "S051", message, Severity.WARNING)


def _wrong_with_link(url: str, article: Article, library: Library, root: Path) -> str:
    file = links.file_of(url, article.path)
    if file is None:
        leads_somewhere = links.address(url, article.path, library, site_url="https://site.example/") is not None
        return "" if leads_somewhere else f'no reader can be sent to "{url}"; write the whole address, with https://'
    if file.startswith(links.PAGES):
        return "" if library.has_file(file, root) else f"the link leads to {file}, which does not exist; mend the path"
    other = library.article_at(file)
    if other is None:
        hint = closest(file, [article.path for article in library.articles]) or "; mend the path"
        return f"the link leads to {file}, which is no article{hint}"
    return (
        "" if other.status.is_final else f"the link leads to {file}, whose status is {other.status}; publish it first"
    )


def weight_of(article: Article) -> Severity:
    """What is not yet in order in a text that is still being written is no fault."""
    return Severity.ERROR if article.status.is_final else Severity.WARNING


def weight_of_form(article: Article) -> Severity:
    """What an editor would have seen to; what came along from elsewhere was edited there."""
    return Severity.WARNING if article.imported else weight_of(article)
