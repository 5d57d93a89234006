"""What each problem code means, and what to do about it: `codes.md`, which the handbook, `explain` and machines are given.

Which codes there are is said in `checks.CODES`; a test holds both together.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Explained:
    """One code, for who meets it."""

    code: str
    title: str
    severity: str  # the first sentence of the text: "Error.", "A warning." or when it is which
    text: str  # Markdown: what is wrong, what to do, often an example

    @property
    def path(self) -> str:
        """Where the handbook has it, below its own address."""
        return f"problems/{self.code.lower()}/"


@functools.cache
def explained() -> Mapping[str, Explained]:
    """Every code, in order."""
    text = files("pipeline.library").joinpath("codes.md").read_text("utf-8")
    found = {}
    for section in re.split(r"(?m)^## ", text)[1:]:
        head, _, body = section.partition("\n")
        code, _, title = head.partition(" · ")
        severity = re.match(r"[^.:]*[.:]", body.strip())
        found[code] = Explained(code, title, severity[0][:-1] if severity else "", body.strip())
    return MappingProxyType(found)
