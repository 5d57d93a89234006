"""Claims: what is wrong with each sentence of an article, with citations that belong to none, and with what stands above it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pipeline.library.citations import html_blocks, line_and_column
from pipeline.library.files import Read
from pipeline.library.quotes import occurs
from pipeline.library.tracing.compare import likeness
from pipeline.library.tracing.marks import quotations
from pipeline.library.tracing.numbers import Quantity, find
from pipeline.library.tracing.statements import ANALYSIS, Statement, statements
from pipeline.library.tracing.uncited import uncited
from pipeline.model import Article, Problem, Severity

if TYPE_CHECKING:
    from pipeline.library import Library

_DIGITS: Final = re.compile(r"\d[\d,.]*")


def check_claims(read: Read[Article], library: Library) -> Iterator[Problem]:
    """S20x, S3xx, and S11x of quotations: see `tracing`."""
    yield from library.summary(read.noun).problems
    if read.noun.status.is_final:
        yield from _check_head(read)
        yield from _check_html(read.noun)


def _check_head(read: Read[Article]) -> Iterator[Problem]:
    """S201, S202 as hints: title and dek cite nothing, so what they say must stand in the text, where it does."""
    article = read.noun
    for key, words in (("title", article.title), ("dek", article.dek)):
        for quantity in find(words).quantities if _DIGITS.search(words) else ():
            if not quantity.spelled and not _stands_below(quantity, article):
                message = f'"{quantity.words}" of the {key} stands nowhere in the text; say it there, with its source'
                yield read.warning("S201", (key,), message)
        for quotation in quotations(words, inserted=()):
            if not quotation.is_short and not occurs(quotation.words, article.body):
                message = (
                    f"“{quotation.words}” of the {key} stands nowhere in the text; quote it there, with its source"
                )
                yield read.warning("S202", (key,), message)


def _stands_below(quantity: Quantity, article: Article) -> bool:
    """True when the text has *quantity*: its digits, or in other words and units."""
    digits = _DIGITS.search(quantity.words)
    if digits and digits[0].strip(".,") in (found.strip(".,") for found in _DIGITS.findall(article.body)):
        return True
    return any(
        likeness(quantity, other) > 0 for statement in statements(article) for other in find(statement.text).quantities
    )


_TAG: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def _check_html(article: Article) -> Iterator[Problem]:
    """S201, S202: numbers and quotations in raw HTML, where nobody could cite."""
    for start, end in html_blocks(article.body):
        words = " ".join(html.unescape(_TAG.sub(" ", article.body[start:end])).split())
        block = Statement(words, (), start, end, quotations=quotations(words, inserted=()))
        if ANALYSIS.match(article.body[end : end + 80].lstrip()):
            continue
        for finding in uncited(block):
            if finding.severity is Severity.ERROR:
                line, column = line_and_column(article.body, start, first_line=article.body_line)
                what = words[finding.at : finding.end].strip('“”"')
                message = f'"{what}" stands in HTML, where no citation is read; write it in Markdown'
                yield Problem(article.path, line, column, finding.code, message)
