"""Who answers for an article, and what for: where it came from, who read it, which commits published and changed it, which rules
it was held to, and what it rests on. All of it is read off the repository, so that whoever has a clone can make the record again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.library.checks import CODES
from pipeline.library.checks.published import Edition, Past
from pipeline.library.files import article_of
from pipeline.library.history import History, Version, trailers
from pipeline.library.worddiff import word_diff
from pipeline.library.wording import same_wording, wording
from pipeline.model import Article, Problem, Severity

if TYPE_CHECKING:
    from pipeline.library import Library


@dataclass(frozen=True)
class Change:
    """A commit that changed what readers see."""

    version: Version
    what: str  # text, sources and markup, front matter
    corrected: bool  # it came with a correction


@dataclass(frozen=True)
class Record:
    """Everything that is known about how *article* came about."""

    article: Article
    library: Library
    past: Past
    first: Edition | None  # the first version that was committed, on whatever branch
    trailers: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]
    file_sha256: str
    note: str  # what Git could not tell

    @property
    def published(self) -> Edition | None:
        return self.past.editions[0] if self.past.editions else None

    @property
    def changes(self) -> tuple[Change, ...]:
        found = []
        for before, after in zip(self.past.editions, self.past.editions[1:], strict=False):
            if not same_wording(before.article, after.article, self.library.sources):
                what = "text"
            else:
                what = "front matter" if before.article.body == after.article.body else "sources and markup"
            corrected = len(after.article.corrections) > len(before.article.corrections)
            found.append(Change(after.version, what, corrected))
        return tuple(found)

    @property
    def since_draft(self) -> str:
        """The words that differ from those of the first version."""
        if self.first is None:
            return ""
        sources = self.library.sources
        return word_diff(wording(self.first.article, sources), wording(self.article, sources))

    @property
    def text_sha256(self) -> str:
        """Of the words of title, dek and body in normal form, which markup and sources do not change."""
        return hashlib.sha256(wording(self.article, self.library.sources).encode()).hexdigest()

    @property
    def review(self) -> str:
        """What the review says of the text as it stands."""
        if self.article.ai.reviewed_by is None:
            return "nobody reviewed it"
        if self.article.ai.review_commit is None:
            return "it is not recorded which text was read"
        if self.past.reviewed is None:
            return "the text that was read is not in this repository"
        if same_wording(self.past.reviewed, self.article, self.library.sources):
            return "the text as it stands"
        if any(same_wording(self.past.reviewed, e.article, self.library.sources) for e in self.past.standing):
            return "the text before it was corrected"
        return "another text than this"

    def as_dict(self) -> dict[str, Any]:
        article, people = self.article, self.library.people
        known = [people[id_] for id_ in article.authors if id_ in people]
        reviewer = people.get(article.ai.reviewed_by or "")
        return {
            "article": article.slug,
            "title": article.title,
            "path": article.path,
            "status": article.status.value,
            "date": article.date.isoformat(),
            "updated": article.updated and article.updated.isoformat(),
            "sha256": {"file": self.file_sha256, "text": self.text_sha256},
            "authors": [{"id": person.id, "name": person.name, "role": person.role.value} for person in known],
            "ai": {"involvement": article.ai.involvement, "model": article.ai.model},
            "review": {
                "by": article.ai.reviewed_by,
                "name": reviewer and reviewer.name,
                "at": article.ai.reviewed_at and article.ai.reviewed_at.isoformat(),
                "commit": article.ai.review_commit,
                "read": self.review,
            },
            "trailers": [{"name": name, "value": value} for name, value in self.trailers],
            "drafted": _as_dict(self.first.version) if self.first else None,
            "published": _as_dict(self.published.version) if self.published else None,
            "changes": [
                {**_as_dict(change.version), "what": change.what, "corrected": change.corrected}
                for change in self.changes
            ],
            "since_draft": self.since_draft,
            "corrections": [
                {"date": c.date.isoformat(), "was": c.was, "now": c.now, "why": c.why} for c in article.corrections
            ],
            "sources": [self._source(id_) for id_ in article.source_ids if id_ in self.library.sources],
            "claims": dict(self._claims()),
            "checks": [{"code": code, "what": what, **self._result(code)} for code, what in CODES.items()],
            "problems": [str(problem) for problem in self.problems],
            "note": self.note,
        }

    def lines(self) -> Iterator[str]:
        article, people = self.article, self.library.people
        yield article.title
        yield f"  file         {article.path}, sha256 {self.file_sha256}"
        yield f"  text         sha256 {self.text_sha256}"
        written = [f"{people[id_].name} ({people[id_].role})" for id_ in article.authors if id_ in people]
        model = (
            f"; {article.ai.involvement} by {article.ai.model or 'a model'}" if article.ai.involvement != "none" else ""
        )
        yield f"  written by   {', '.join(written)}{model}"
        if self.first:
            yield f"  begun        {_told(self.first.version)}"
        reviewer = people.get(article.ai.reviewed_by or "")
        when = f", {article.ai.reviewed_at}" if article.ai.reviewed_at else ""
        commit = f" at {article.ai.review_commit}" if article.ai.review_commit else ""
        yield f"  reviewed     {f'{reviewer.name}{when}{commit}: ' if reviewer else ''}{self.review}"
        for name, value in self.trailers:
            yield f"               {name}: {value}"
        seen = _told(self.published.version) if self.published else "no version that readers could see is known here"
        yield f"  published    {seen}; {article.status}"
        for change in self.changes:
            yield f"  changed      {_told(change.version)}: {change.what}{', with a correction' if change.corrected else ''}"
        yield f"  since draft  {self.since_draft or 'no word was changed'}"
        stored = sum(self.library.texts.of(self.library.sources[id_])[0] is not None for id_ in self._source_ids())
        yield f"  rests on     {len(self._source_ids())} sources, {stored} of them with a stored copy here"
        yield f"  sentences    {', '.join(f'{number} {basis}' for basis, number in self._claims()) or 'none'}"
        errors = sum(problem.severity is Severity.ERROR for problem in self.problems)
        yield f"  held to      {len(CODES)} rules: {errors} errors, {len(self.problems) - errors} warnings"
        for problem in self.problems:
            yield f"               {problem}"
        if self.note:
            yield f"  not known    {self.note}"

    def _source_ids(self) -> list[str]:
        return [id_ for id_ in self.article.source_ids if id_ in self.library.sources]

    def _source(self, id_: str) -> dict[str, Any]:
        source = self.library.sources[id_]
        shot = source.snapshot
        return {
            "id": id_,
            "url": source.url,
            "publisher": source.publisher,
            "sha256": shot and shot.sha256,
            "text_sha256": shot and shot.text_sha256,
            "stored_at": shot and shot.at.isoformat(),
            "is_here": self.library.texts.of(source)[0] is not None,
        }

    def _claims(self) -> list[tuple[str, int]]:
        counted = Counter(claim.basis.value for claim in self.library.claims(self.article))
        return sorted(counted.items(), key=lambda item: -item[1])

    def _result(self, code: str) -> dict[str, int]:
        found = [problem for problem in self.problems if problem.code == code]
        errors = sum(problem.severity is Severity.ERROR for problem in found)
        return {"errors": errors, "warnings": len(found) - errors}


def record_of(article: Article, library: Library, past: Past, all_commits: History, *, now: dt.datetime) -> Record:
    """The record of *article*; *all_commits* is its history with the commits of branches that were merged."""
    versions = all_commits.versions.get(article.path, ())
    paths = {article.path, *(library.sources[id_].path for id_ in article.source_ids if id_ in library.sources)}
    content = (all_commits.root / article.path).read_bytes()
    return Record(
        article=article,
        library=library,
        past=past,
        first=_first(versions, all_commits),
        trailers=tuple(dict.fromkeys(pair for version in versions for pair in trailers(version.message))),
        problems=tuple(problem for problem in library.problems_at(now) if problem.path in paths),
        file_sha256=hashlib.sha256(content).hexdigest(),
        note=all_commits.note,
    )


def _first(versions: tuple[Version, ...], history: History) -> Edition | None:
    texts = history.texts(version.blob for version in versions if version.blob)
    for version in versions:
        article = article_of(texts[version.blob], version.path) if version.blob in texts else None
        if article is not None:
            return Edition(version, article)
    return None


def _as_dict(version: Version) -> dict[str, str]:
    return {"commit": version.commit, "at": version.at.isoformat(), "by": version.author}


def _told(version: Version) -> str:
    return f"{version.told} by {version.author}"
