"""What an import did, in words for a terminal and as values for other programs. Nothing is moved here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pipeline.library.credits import SERVICES
from pipeline.library.files import PEOPLE, TOPICS
from pipeline.moving.export import Note
from pipeline.moving.readers import Taken

NOTES_SHOWN: Final = 40
ALIKE_SHOWN: Final = 3  # of notes that say the same of one post after another


class Outcome(StrEnum):
    """What became of a post."""

    NEW = "new"
    UNCHANGED = "unchanged"  # here as an import would write it
    COMPLETED = "completed"  # here as an import without images wrote it, and now with them
    KEPT = "kept"  # here, and edited since; left as it is
    LOST = "not taken over"


@dataclass(frozen=True, slots=True)
class Moved:
    """What an import did, and everything that it could not do. No address of a reader stands here."""

    service: str
    outcomes: Mapping[Outcome, int]
    drafts: int
    passed_by: Mapping[str, int]
    images: int
    images_known: int
    images_away: Mapping[str, int]  # by host
    people: tuple[str, ...]  # added to content/people.yml
    topics: tuple[str, ...]  # added to content/topics.yml
    tags_left: Mapping[str, int]  # that are no topics here
    readers: Taken
    notes: tuple[Note, ...]
    dry_run: bool

    @property
    def ok(self) -> bool:
        """True when nothing was lost."""
        return not any(one.lost for one in self.notes)

    def as_dict(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "dry_run": self.dry_run,
            "articles": {outcome.value: number for outcome, number in self.outcomes.items()},
            "drafts": self.drafts,
            "passed_by": dict(self.passed_by),
            "images": {"brought": self.images, "known": self.images_known, "away": dict(self.images_away)},
            "people": list(self.people),
            "topics": list(self.topics),
            "tags_left": dict(self.tags_left),
            "subscribers": self.readers.as_dict(),
            "notes": [
                {"file": n.file, "post": n.post, "what": n.what, "next": n.next, "lost": n.lost} for n in self.notes
            ],
            "ok": self.ok,
        }

    def lines(self) -> Iterator[str]:
        """The report for a terminal: what came over, what did not, and what to do about it."""
        would = "would come over" if self.dry_run else "came over"
        counts = ", ".join(f"{number:,} {outcome.value}" for outcome, number in self.outcomes.items()) or "none"
        yield f"articles from {SERVICES[self.service]}: {counts}" + (
            f"; {self.drafts:,} {'is a draft' if self.drafts == 1 else 'are drafts'}" if self.drafts else ""
        )
        if self.passed_by:
            yield f"no articles, and left where they are: {', '.join(f'{what} ({n:,})' for what, n in self.passed_by.items())}"
        if self.images or self.images_known or self.images_away:
            away = sum(self.images_away.values())
            left = f", {away:,} still lie at {', '.join(sorted(self.images_away))}" if away else ""
            yield f"images: {self.images:,} {would}, {self.images_known:,} were here{left}"
        if self.people:
            yield f"people added to {PEOPLE}: {', '.join(self.people)}"
        if self.topics:
            yield f"topics added to {TOPICS}: {', '.join(self.topics)}"
        if self.tags_left:
            shown = [f"{tag} ({number:,})" for tag, number in list(self.tags_left.items())[:10]]
            more = f" and {len(self.tags_left) - 10:,} more" if len(self.tags_left) > 10 else ""
            yield f"tags that are no topics here: {', '.join(shown)}{more}; --topic TAG=TOPIC or --new-topics takes them up"
        yield from self.readers.lines()
        ordered = sorted(self.notes, key=lambda one: not one.lost)
        few, alike = _few_of_each(ordered)
        if ordered:
            lost = sum(one.lost for one in self.notes)
            yield f"to look at: {len(ordered):,}, of which {lost:,} did not come over"
        for each in few[:NOTES_SHOWN]:
            more = f" (and {alike[each]:,} more like this)" if alike.get(each) else ""
            yield f"  {'not taken over: ' if each.lost else ''}{each}{more}"
        if len(few) > NOTES_SHOWN:
            yield f"  ... and {len(few) - NOTES_SHOWN:,} more"
        if len(ordered) > min(len(few), NOTES_SHOWN):
            yield "  --json names them all"
        if self.dry_run:
            yield "nothing was written: this was a dry run"
        elif self.outcomes.get(Outcome.NEW):
            yield "look at them with opensignal check, and commit what the import wrote by itself, before anybody edits it"


def _few_of_each(notes: Sequence[Note]) -> tuple[list[Note], dict[Note, int]]:
    """The first *notes* of each kind, and for the last of those how many more of its kind there are: ten thousand posts say one
    thing ten thousand times, and what only one says would be passed over."""
    kinds: dict[tuple[bool, str], list[Note]] = {}
    counted: Counter[tuple[bool, str]] = Counter()
    for one in notes:
        kind = one.lost, re.sub(r"\d+|“[^”]*”|\"[^\"]*\"|/\S*", "", one.what)
        counted[kind] += 1
        if counted[kind] <= ALIKE_SHOWN:
            kinds.setdefault(kind, []).append(one)
    more = {few[-1]: counted[kind] - len(few) for kind, few in kinds.items() if counted[kind] > len(few)}
    return [one for few in kinds.values() for one in few], more
