"""What a rule says of a statement."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.model import Severity


class Finding(NamedTuple):
    """What is wrong with a statement: which words of it, what, and what next."""

    code: str
    at: int  # offset in the statement's text
    end: int
    message: str
    severity: Severity
