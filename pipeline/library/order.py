"""In which order things are told: the same on every machine, so that two builds are alike in every byte."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.model import Article, Problem


def newest_first(articles: Iterable[Article]) -> tuple[Article, ...]:
    """*articles* by date; those of one moment by their addresses."""
    return tuple(sorted(articles, key=lambda article: (-article.date.timestamp(), article.slug, article.path)))


def by_place(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """*problems* by path, line and column, each once."""
    return tuple(sorted(set(problems), key=lambda p: (p.path, p.line, p.column, p.code, p.message)))
