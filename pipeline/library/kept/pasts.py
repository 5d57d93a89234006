"""What each article was in earlier commits, as far as it is asked for, and what is wrong with it beside that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.library import files
from pipeline.library.kept.reading import bytes_of
from pipeline.library.kept.rows import PastRow, digest, packed, shared
from pipeline.model import Article, Problem

if TYPE_CHECKING:
    from pipeline.library.checks.published import Past
    from pipeline.library.history import History
    from pipeline.library.kept.desk import Desk


class Pasts(Mapping[str, "Past"]):
    """What each article was before: its problems are kept, the rest is looked up in Git when it is asked for."""

    def __init__(self, desk: Desk, rows: Mapping[str, Any]) -> None:
        self._desk = desk
        self._rows = rows

    @cached_property
    def history(self) -> History:
        from pipeline.library.kept.history import kept_history

        desk = self._desk
        return kept_history(desk.contents.root, desk.folder / "history", desk.version)

    @cached_property
    def chains(self) -> Mapping[str, Any]:
        from pipeline.library.checks.published import chains_of

        return chains_of(self._desk.contents.nouns, self.history)

    @cached_property
    def _all(self) -> dict[str, Past]:
        from pipeline.library.checks.published import pasts_of

        desk = self._desk
        return pasts_of(desk.contents.nouns, desk.contents.sources, self.history, now=desk.now)

    def __getitem__(self, path: str) -> Past:
        return self._all[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def note(self, rows: Mapping[str, PastRow]) -> str:
        """Why not all texts could be compared."""
        from pipeline.library.checks import PARTIAL

        if not any(article.status.is_final for article in self._desk.contents.nouns):
            return ""
        return self.history.note or ("" if all(row.is_all for row in rows.values()) else PARTIAL)

    @cached_property
    def of(self) -> list[Any]:
        """What tells whether the versions of any article may be others than in the last run."""
        rows = self._desk.contents.articles.items()
        return [*self.history.told, digest(f"{p} {file.noun[0]}".encode() for p, file in rows if file.noun)]

    def rows(self) -> dict[str, PastRow]:
        """By path of an article, what is wrong with it beside its past."""
        desk, before = self._desk, self._desk.before.get("pasts", {})
        if not desk.contents.nouns:
            return {}
        now = desk.now.timestamp()
        signs = self._signs(before)
        found: dict[str, PastRow] = {}
        left: list[Article] = []
        for path, article in desk.contents.by_path.items():
            row = before.get(path)
            if (
                row is not None
                and desk.contents.holds(row, desk.contents.articles[path].hash)
                and row.chain == signs[path]
                and row.since <= now < row.until
            ):
                found[path] = row
            else:
                left.append(article)
        found.update(self._compared(left, signs))
        return found

    def _signs(self, before: Mapping[str, PastRow]) -> dict[str, bytes]:
        """By path, a fingerprint of the versions of each article."""
        desk = self._desk
        if desk.before.get("past_of") == self.of:  # the same files at the same commit
            known = {path: before[path].chain for path in desk.contents.by_path if path in before}
            untold = [path for path in desk.contents.by_path if not known.get(path)]
            if all(desk.contents.holds(before.get(path), desk.contents.articles[path].hash) for path in untold):
                return known
        if not self.history.versions:  # then no article has a past
            return dict.fromkeys(desk.contents.by_path, _chain_sign((), self.history))
        return {path: _chain_sign(chain, self.history) for path, chain in self.chains.items()}

    def _compared(self, left: Sequence[Article], signs: Mapping[str, bytes]) -> Iterator[tuple[str, PastRow]]:
        from pipeline.library.checks import check_beside_past
        from pipeline.library.checks.published import is_as_committed, look_back

        desk, now = self._desk, self._desk.now.timestamp()
        versions = self.history.versions
        plain = {article.path: versions.get(article.path, ()) for article in left}
        if any(_chain_sign(chain, self.history) != signs[path] for path, chain in plain.items()):
            plain = {article.path: self.chains[article.path] for article in left}
        todo = []
        for article in left:
            chain, path = plain[article.path], article.path
            if _was_reviewed(article) or (chain and not is_as_committed(article, chain, self.history)):
                todo.append(article)
            else:  # it was never another one, so there is nothing to compare
                yield path, _past_row(desk, path, signs[path], [], [], is_all=True)
        look = look_back(todo, plain, self.history)
        for done, article in enumerate(todo, 1):
            path = article.path
            (read,) = files.shelf_of_article(bytes_of(desk.contents.root, path), path).articles or (None,)
            desk.asked.begin()
            past = look(read.noun if read else article, desk.watched.sources, desk.now)
            problems = list(check_beside_past([read], desk.watched, {path: past})) if read else []
            row = _past_row(desk, path, signs[path], problems, desk.asked.told(), is_all=past.is_whole)
            if past.committed is not None:
                at = past.committed.article.date.timestamp()
                row = row._replace(since=at) if at <= now else row._replace(until=at)
            yield path, row
            desk.tell("comparing", done, len(todo))


def _was_reviewed(article: Article) -> bool:
    return bool(article.ai.reviewed_by or article.ai.reviewed_at or article.ai.review_commit)


def _past_row(
    desk: Desk, path: str, chain: bytes, problems: Sequence[Problem], names: Sequence[str], *, is_all: bool
) -> PastRow:
    return PastRow(desk.contents.articles[path].hash, packed(problems), shared(names), chain, is_all=is_all)


def _chain_sign(chain: Sequence[Any], history: History) -> bytes:
    known = f"{history.is_cut} {bool(history.versions)}"
    return (
        digest([known.encode(), *(f"{v.commit} {v.path} {v.blob}".encode() for v in chain)])
        if chain
        else known.encode()
    )
