"""What we keep at a target about it, in a folder of its own: two small files that make a publish safe to stop at any moment.

- ``published.json`` says what lies there: every path with the digest of what it holds. It is written last.
- ``sending.json`` says what a publish is about, from before its first file until after its last, and how far it is. Where it is
  found, a publish was stopped: what it had done is done, and what it was about to do is in doubt, so it is done again.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from pipeline.errors import PublishError
from pipeline.publish.outputs import OWN, Output
from pipeline.publish.plan import Known, Plan
from pipeline.publish.target import Target

VERSION: Final = 1
PUBLISHED: Final = f"{OWN}/published.json"
SENDING: Final = f"{OWN}/sending.json"
NOTE_EVERY: Final = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Ledger:
    """What `published.json` and `sending.json` said when they were read."""

    known: Known
    site: str | None  # the address of the site there; None where nothing of ours is
    at: dt.datetime | None  # the moment that the site there is of
    policy: str
    interrupted: frozenset[str]  # what a publish that was stopped was to send


def read(target: Target) -> Ledger:
    """What is known of the *target*. Raises `PublishError` for a ledger that cannot be read, or is of a newer version."""
    published, sending = (_parsed(target, name) for name in (PUBLISHED, SENDING))
    files: dict[str, str | None] = dict(published.get("files", {}))
    before = frozenset(files)
    done = set(sending.get("done", ()))
    for path, digest in sending.get("files", {}).items():
        if path not in done:
            files[path] = None
        elif digest is None:
            files.pop(path, None)
        else:
            files[path] = digest
    at = published.get("at")
    return Ledger(
        known=Known(files, before, {path: _moment(text) for path, text in published.get("left", {}).items()}),
        site=published.get("site") or sending.get("site"),
        at=_moment(at) if at else None,
        policy=published.get("policy", ""),
        interrupted=frozenset(path for path, digest in sending.get("files", {}).items() if digest),
    )


def write(target: Target, *, site: str, at: dt.datetime, policy: str, files: dict[str, str], plan: Plan) -> None:
    """Say that the publish is done, and what lies there from now on."""
    left = {path: _text(when) for path, when in plan.left.items()}
    value = {"site": site, "at": _text(at), "policy": policy, "files": files, "left": left}
    target.write(PUBLISHED, _bytes(value))
    target.remove((SENDING,))


class Journal:
    """Keeps ``sending.json`` while a publish is under way."""

    def __init__(self, target: Target, plan: Plan, *, site: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._target, self._site, self._clock = target, site, clock
        self._files: dict[str, str | None] = {output.path: output.digest for output in plan.sent}
        self._files |= dict.fromkeys(
            plan.gone
        )  # these are in doubt until the end: it does no harm to take one away twice
        self._done: set[str] = set()
        self._written = 0.0

    def begin(self) -> None:
        """Say what the publish is about, before anything is done."""
        self.write()

    def note(self, paths: Iterable[str]) -> None:
        """Remember that *paths* are done; written down every few seconds."""
        self._done.update(paths)
        if self._clock() - self._written >= NOTE_EVERY:
            self.write()

    def write(self) -> None:
        """Write down what is done by now."""
        value = {"site": self._site, "files": self._files, "done": sorted(self._done)}
        self._target.write(SENDING, _bytes(value))
        self._written = self._clock()


def _parsed(target: Target, name: str) -> dict[str, Any]:
    content = target.read(name)
    if content is None:
        return {}
    try:
        found = json.loads(content)
        version = found["version"]
    except (ValueError, TypeError, KeyError) as error:
        raise PublishError(
            f"{target.name}: {name} cannot be read; delete it there and publish with --all --adopt"
        ) from error
    if version != VERSION:
        raise PublishError(f"{target.name}: was published by another version of Open Signal; use the newer of the two")
    return dict(found)


def _bytes(value: dict[str, Any]) -> bytes:
    return json.dumps({"version": VERSION, **value}, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def digests(outputs: Iterable[Output]) -> dict[str, str]:
    return {output.path: output.digest for output in outputs}
