"""What a rule says of a statement."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.model import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a statement: which words of it, what, and what next."""

    code: str
    at: int  # offset in the statement's text
    end: int
    message: str
    severity: Severity
