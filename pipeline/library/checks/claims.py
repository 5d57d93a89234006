"""Claims: what is wrong with each sentence of an article, and citations that belong to none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.model import Article, Problem

if TYPE_CHECKING:
    from pipeline.library import Library


def check_claims(article: Article, library: Library) -> Iterator[Problem]:
    """S20x, S3xx, and S11x of quotations: see `tracing`."""
    yield from library.summary(article).problems
