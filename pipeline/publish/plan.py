"""What a publish does: which files are sent, which are taken away, and in which order.

    what is known of the target | what was built | Plan

No file goes public before what it links to: what is new comes first, from the assets to the home page, as nothing leads there yet;
then what has changed, in the same order; then what is gone is taken away, the other way round. Nothing here touches a target.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from pipeline.publish.outputs import Output, Rank, has_hash, is_of_search, kind_of

# A page that a reader has open goes on finding its style sheet, and the search its parts.
LINGER: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known to lie at the target, and in doubt. A path that a stopped publish may or may not have sent has no digest."""

    files: Mapping[str, str | None]  # by path: the digest of what it holds
    before: frozenset[str] = frozenset()  # paths that readers had before the publish that was stopped
    left: Mapping[str, dt.datetime] | None = None  # files that the site no longer has, and since when: see LINGER


@dataclass(frozen=True, slots=True)
class Step:
    """Files of one rank, which may go in any order."""

    rank: Rank
    outputs: tuple[Output, ...]
    new: bool  # nothing is at their places


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[Step, ...]
    gone: tuple[str, ...]  # to be taken away, in this order
    left: Mapping[str, dt.datetime]  # that stay for a while, though the site no longer has them
    unchanged: int

    @property
    def sent(self) -> tuple[Output, ...]:
        return tuple(output for step in self.steps for output in step.outputs)

    @property
    def is_empty(self) -> bool:
        return not self.steps and not self.gone


def decide(known: Known, built: Mapping[str, Output], *, now: dt.datetime, everything: bool = False) -> Plan:
    """What has to be done so that the target holds what was *built*; with *everything*, all files are sent again."""
    wanted = [output for path, output in built.items() if everything or known.files.get(path) != output.digest]
    new = [output for output in wanted if output.path not in known.before]
    changed = [output for output in wanted if output.path in known.before]
    left, gone = _no_longer_there(known, built, now)
    steps = (*_steps(new, new=True), *_steps(changed, new=False))
    return Plan(steps, gone, left, unchanged=len(built) - len(wanted))


def _steps(outputs: Sequence[Output], *, new: bool) -> list[Step]:
    ordered = sorted(outputs, key=lambda output: (output.kind.rank, output.path))
    return [Step(rank, tuple(group), new) for rank, group in groupby(ordered, key=lambda output: output.kind.rank)]


def _no_longer_there(
    known: Known, built: Mapping[str, Output], now: dt.datetime
) -> tuple[dict[str, dt.datetime], tuple[str, ...]]:
    since = known.left or {}
    withdrawn = {path for path in known.files if _is_of_withdrawn(path, built)}
    left, gone = {}, []
    for path in known.files:
        if path in built:
            continue
        when = since.get(path, now)
        # A part of the index holds the words of an article, and does not tell of which.
        tells = path in withdrawn or (withdrawn and is_of_search(path))
        lingers = has_hash(path) and kind_of(path).rank is Rank.ASSET and not tells
        if lingers and now - when < LINGER:
            left[path] = when
        else:
            gone.append(path)
    return left, tuple(_lists_first(gone))


def _is_of_withdrawn(path: str, built: Mapping[str, Output]) -> bool:
    """True for what belonged to an article that is gone, such as its share image: it goes with it."""
    folder = path.rpartition("/")[0]
    return folder.startswith("articles/") and f"{folder}/index.html" not in built


def _lists_first(paths: Iterable[str]) -> list[str]:
    return sorted(paths, key=lambda path: (-kind_of(path).rank, path))
