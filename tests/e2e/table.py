"""The table that `make e2e` prints: a line a step, and for one that does not hold what was wrong and what the servers said."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LINES_OF_A_LOG = 10
LONGEST_LINE = 240


class Unmet(Exception):
    """What a step was to show is not so."""


class Missing(Exception):
    """A step that this version cannot take yet."""


@dataclass
class Table:
    """Runs steps and prints their lines. What a step leaves as evidence lies in a folder of its own below *folder*."""

    folder: Path
    logs: Callable[[], Iterable[Path]]
    number: int = 0
    failed: list[str] = field(default_factory=list)
    evidence: Path = Path()

    def step(self, what: str, take: Callable[[], str | Sequence[str]]) -> bool:
        """Take one step; what it returns is printed beside it, one text or one a line."""
        self.number += 1
        slug = re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-")[:50]
        self.evidence = self.folder / "evidence" / f"{self.number:02}-{slug}"
        self.evidence.mkdir(parents=True)
        before = {log: log.stat().st_size for log in self.logs()}
        began = time.monotonic()
        try:
            said = take()
        except Unmet as error:
            self._fault(what, str(error), before)
            return False
        except Exception:
            self._fault(what, traceback.format_exc(), before)
            return False
        lines = [said] if isinstance(said, str) else list(said)
        (self.evidence / "seen.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
        self._line("ok", what, lines[0] if len(lines) == 1 else "", time.monotonic() - began)
        for line in lines if len(lines) > 1 else ():
            print(f"{'':<11}{line}", flush=True)
        return True

    def keep(self, name: str, content: bytes | str) -> Path:
        """Keep *content* as evidence of the step that is being taken."""
        path = self.evidence / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def _fault(self, what: str, why: str, before: dict[Path, int]) -> None:
        self.failed.append(what)
        (self.evidence / "fault.txt").write_text(why, "utf-8")
        self._line("NOT OK", what, "", None)
        for line in why.rstrip().splitlines():
            print(f"{'':<11}{line}", flush=True)
        for log in self.logs():
            said = log.read_bytes()[before.get(log, 0) :].decode("utf-8", "replace").splitlines()
            said = [line for line in said if "imap" not in line]  # that is the walk itself, which looks into mailboxes
            if said:
                print(f"{'':<11}-- {log.relative_to(self.folder)} since this step began:")
                for line in said[-LINES_OF_A_LOG:]:
                    print(f"{'':<11}   {line[:LONGEST_LINE]}", flush=True)

    def _line(self, verdict: str, what: str, detail: str, seconds: float | None) -> None:
        took = "" if seconds is None else f"  ({seconds:.1f} s)"
        print(f"{self.number:>2}  {verdict:<6} {what}{': ' if detail else ''}{detail}{took}", flush=True)
