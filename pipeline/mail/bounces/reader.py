"""Mails from strangers, read in a child process with limits of time and memory (M-29): see `pipeline.sandbox` and `read`.

A batch shares one child. A mail that is too much for it is `Kind.OTHER` with the reason, and the rest goes on with another.
"""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any, Final

from pipeline import sandbox
from pipeline.mail.bounces.mime import MOST_BYTES
from pipeline.mail.bounces.reading import Complaint, Kind, Reading, Recipient, Returned
from pipeline.model import BounceClass

SECONDS: Final = 10.0  # one mail may take


class Reader(sandbox.Sandbox):
    """A child process that reads mails, one at a time. Use it as a context manager."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        super().__init__(
            "pipeline.mail.bounces.reader:answered", seconds=seconds, bare=("pipeline.mail", "pipeline.mail.bounces")
        )

    def read(self, raw: bytes) -> Reading:
        """`read.read` in the child. No mail makes it raise; of one that is longer, the first megabyte is read."""
        try:
            answer = self.ask({"raw": base64.b64encode(raw[:MOST_BYTES]).decode()})
        except sandbox.Broken as error:
            return Reading(Kind.OTHER, reason=f"cannot be read: {error}")
        if "error" in answer:
            return Reading(Kind.OTHER, reason=answer["error"])
        return _reading(answer)


def _reading(answer: dict[str, Any]) -> Reading:
    complaint = answer["complaint"]
    return Reading(
        Kind(answer["kind"]),
        tuple(_recipient(row) for row in answer["recipients"]),
        Returned(**_frozen(answer["returned"])),
        Complaint(**_frozen(complaint)) if complaint else None,
        answer["reason"],
    )


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _recipient(row: dict[str, Any]) -> Recipient:
    given = row.pop("bounce_class")
    return Recipient(bounce_class=BounceClass(given) if given else None, **row)


# --- the child ------------------------------------------------------------------------------------------------------


def answered(question: dict[str, Any]) -> dict[str, Any]:
    """What the child answers."""
    from pipeline.mail.bounces.read import read  # the parent has no use for it, nor for the libraries that it loads

    try:
        return asdict(read(base64.b64decode(question["raw"])))
    except (MemoryError, RecursionError):
        return {"error": "cannot be read: it is nested too deep or too large"}
    except Exception as error:  # none is known; whatever comes, it concerns one mail
        return {"error": f"cannot be read: it breaks the reader ({type(error).__name__})"}
