"""Claims: what is wrong with each sentence of an article, with citations that belong to none, and with what stands above it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from pipeline.errors import ContentError
from pipeline.library.citations import html_blocks, line_and_column, prose
from pipeline.library.files import Read
from pipeline.library.late import Late
from pipeline.library.quotes import normal, occurs
from pipeline.library.render import render_article
from pipeline.library.tracing.compare import likeness
from pipeline.library.tracing.marks import QuotationKind, quotations
from pipeline.library.tracing.numbers import Quantity, find
from pipeline.library.tracing.statements import ANALYSIS, BlockKind, Statement, headings, labels
from pipeline.library.tracing.uncited import uncited
from pipeline.model import Article, Problem, Severity

if TYPE_CHECKING:
    from pipeline.library import Library

_DIGITS: Final = Late(r"\d[\d,.]*")


def check_claims(read: Read[Article], library: Library) -> Iterator[Problem]:
    """S20x, S3xx, and S11x of quotations: see `tracing`."""
    yield from library.summary(read.noun).problems
    yield from _check_marks(read.noun)
    if read.noun.status.is_final and read.noun.owes_citations:
        told = library.statements(read.noun)
        yield from _check_head(read, told)
        yield from _check_headings(read.noun, told, library)
        yield from _check_labels(read.noun, told, library)
        yield from _check_html(read.noun)
        yield from _check_seen(read.noun, told, library)


# --- what stands above and beside the sentences -----------------------------------------------------------------------------------


def _check_head(read: Read[Article], told: Sequence[Statement]) -> Iterator[Problem]:
    """S201, S202: title and dek cite nothing, so what they say must stand in the text, where it does."""
    article = read.noun
    for key, words in (("title", article.title), ("dek", article.dek)):
        for number in _numbers_apart(words, told, strictly=True):
            message = f'"{number}" of the {key} stands nowhere in the text; say it there, with its source'
            yield read.warning("S201", (key,), message)
        for quotation in quotations(words, inserted=()):
            if (
                quotation.kind is not QuotationKind.OPEN
                and not quotation.is_short
                and not _occurs(quotation.words, told)
            ):
                message = (
                    f"“{quotation.words}” of the {key} stands nowhere in the text; quote it there, with its source"
                )
                yield read.problem("S202", (key,), message)


def _check_headings(article: Article, told: Sequence[Statement], library: Library) -> Iterator[Problem]:
    """S201, S202: a heading stands for its section, and says nothing that the section does not."""
    for heading, end in headings(article):
        section = (statement for statement in told if heading.start <= statement.start < end)
        for number in _numbers_apart(heading.text, section):
            message = f'"{number}" of the heading stands nowhere in its section; say it there, with its source'
            yield _at(article, heading.start, "S201", message, Severity.WARNING)
        yield from _quoted_apart(heading, "heading", article, told, library)


def _check_labels(article: Article, told: Sequence[Statement], library: Library) -> Iterator[Problem]:
    """S201, S202: titles of boxes, heads of tables and words for images say nothing that the text does not."""
    for label in labels(article):
        if not label.cites:
            what = "heads of a table" if label.kind is BlockKind.ROW else "title of a box, an image or a link"
            for number in _numbers_apart(label.text, told):
                message = f'"{number}" of the {what} stands in no sentence; say it in one, with its source'
                yield _at(article, label.start, "S201", message)
            yield from _quoted_apart(label, what, article, told, library)


def _quoted_apart(
    label: Statement, what: str, article: Article, told: Sequence[Statement], library: Library
) -> Iterator[Problem]:
    """S202 for the quotations of *label* that are quoted in no sentence, where they would be looked up."""
    if not label.quotations:
        return
    titles = {
        normal(source.title).lower()
        for id_ in article.source_ids
        if (source := library.sources.get(id_)) and source.title
    }
    traced = [normal(q.words).lower() for statement in told for q in statement.quotations if not q.excused]
    for quotation in label.quotations:
        words = normal(quotation.words).rstrip(".,;:!?").lower()
        if quotation.excused or not words or words in titles or any(words in known for known in traced):
            continue
        if quotation.is_short and _occurs(quotation.words, told):
            continue
        severity = Severity.WARNING if quotation.is_short else Severity.ERROR
        message = f"“{quotation.words}” of the {what} is quoted in no sentence; quote it in one, with its source"
        yield _at(article, label.places[min(quotation.start, len(label.places) - 1)], "S202", message, severity)


def _at(article: Article, offset: int, code: str, message: str, severity: Severity = Severity.ERROR) -> Problem:
    line, column = line_and_column(article.body, offset, first_line=article.body_line)
    return Problem(article.path, line, column, code, message, severity)


def _occurs(words: str, told: Sequence[Statement]) -> bool:
    return any(occurs(words, statement.text) for statement in told)


_COUNTED: Final = 10  # below it, headings number and count what stands under them


def _numbers_apart(words: str, told: Iterable[Statement], *, strictly: bool = False) -> Iterator[str]:
    """The numbers in *words* that none of the statements *told* has: their digits, or they in other words and units."""
    if _DIGITS.search(words) is None:
        return
    told = tuple(told)
    for quantity in find(words).quantities:
        is_small = quantity.unit is None and quantity.number < _COUNTED  # "5 reasons"
        if not quantity.spelled and not (is_small and not strictly) and not _stands_in(quantity, told):
            yield quantity.words


def _stands_in(quantity: Quantity, told: Sequence[Statement]) -> bool:
    digits = _DIGITS.search(quantity.words)
    for statement in told:
        if digits and digits[0].strip(".,") in (found.strip(".,") for found in _DIGITS.findall(statement.text)):
            return True
        if any(likeness(quantity, other) > 0 for other in find(statement.text).quantities):
            return True
    return False


# --- what is printed otherwise than it is checked ---------------------------------------------------------------------------------

_CRITIC: Final = Late(r"\{(\+\+|--|==|~~|>>)(?=\S)[^{}]*?(?:\+\+|--|==|~~|<<)\}")
# What may make the words of a quotation others than those that readers see.
_HIDES: Final = Late(
    r"<(?!!--\s*(?:analysis|not a quotation|sources)\s*-->)[A-Za-z!?/]|\{[^{}\n]*\}|~~|==|\^\^|\\|!\[(?!\[)"
)
_STRUCK: Final = Late(r"<(del|s|strike)\b[^>]*>.*?</\1\s*>", re.DOTALL)
_NUMBERED: Final = Late(r'<sup class="cite(?:-sep)?".*?</sup>', re.DOTALL)


def _check_marks(article: Article) -> Iterator[Problem]:
    """S207: marks of a revision that are printed as they are."""
    for mark in _CRITIC.finditer(prose(article.body)) if "{" in article.body else ():
        message = f'"{" ".join(mark[0].split())}" is a mark of a revision, and readers see it as it is; accept or drop the change'
        severity = Severity.ERROR if article.status.is_final else Severity.WARNING
        yield _at(article, mark.start(), "S207", message, severity)


def _check_seen(article: Article, told: Sequence[Statement], library: Library) -> Iterator[Problem]:
    """S207: the words of a quotation that are looked up are those that readers see on the page."""
    if not _HIDES.search(article.body):
        return
    is_struck = re.search(r"<(?:del|s|strike)\b", article.body, re.IGNORECASE) is not None
    page: str | None = None
    for statement in told:
        for quotation in statement.quotations:
            if quotation.kind in (QuotationKind.OPEN, QuotationKind.INSERTED) or quotation.excused:
                continue
            low, high = statement.places[quotation.start], statement.places[quotation.end - 1] + 1
            if not is_struck and not _HIDES.search(article.body, low, high):
                continue
            if page is None:
                page = _close(_page(article, library))
            if _close(quotation.words) not in page:
                message = (
                    f"“{quotation.words}” is not what readers see: something in it is struck, hidden or printed as it is;"
                    " take the markup out of the quotation"
                )
                yield _at(article, low, "S207", message)


def _page(article: Article, library: Library) -> str:
    """The words of *article* as its page shows them, without what is struck."""
    try:
        shown = render_article(article, library, site_url="https://site.example/").html
    except ContentError:  # told of elsewhere: it cannot be rendered at all
        return ""
    return html.unescape(re.sub(r"<[^>]*>", "", _STRUCK.sub("", _NUMBERED.sub("", shown))))


def _close(words: str) -> str:
    """*words* in normal form and without white space, which markup may leave or take."""
    return "".join(normal(words).split())


# --- raw HTML ---------------------------------------------------------------------------------------------------------------------

_TAG: Final = Late(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_QUOTES: Final = Late(r"\s*<blockquote\b", re.IGNORECASE)


def _check_html(article: Article) -> Iterator[Problem]:
    """S201, S202: numbers and quotations in raw HTML, where nobody could cite."""
    for start, end in html_blocks(article.body):
        if _QUOTES.match(article.body, start):
            yield _at(
                article,
                start,
                "S202",
                "words are quoted in HTML, where no citation is read; write them in Markdown, behind >",
            )
            continue
        words = " ".join(html.unescape(_TAG.sub(" ", article.body[start:end])).split())
        block = Statement(words, (), start, end, quotations=quotations(words, inserted=()))
        if ANALYSIS.match(article.body[end : end + 80].lstrip()):
            continue
        for finding in uncited(block):
            if finding.severity is Severity.ERROR or finding.code == "S202":
                what = words[finding.at : finding.end].strip('“”"')
                message = f'"{what}" stands in HTML, where no citation is read; write it in Markdown'
                yield _at(article, start, finding.code, message)
