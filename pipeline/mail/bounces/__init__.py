"""What comes back: bounces, complaints, automatic replies. Read `read_mails`, then `read.read`, then `intake.take_in`.

    sources | reader (a child process) | read: reports, prose, codes | whose | decide | intake

`codes.classify` tells what a refusal means, here and in our own SMTP sessions; its table is `classes.toml`. `words.toml` holds the
words by which such mails are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.mail.bounces.reader import Reader
from pipeline.mail.bounces.reading import Kind, Reading
from pipeline.mail.bounces.sources import Found, mails_in

# Of `decide.Action`, which is too heavy for the child that reads mails.
DONE = ("suppressed", "unsubscribed", "counted", "alarm")


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A mail, and what it says."""

    found: Found
    reading: Reading

    def as_dict(self, action: str) -> dict[str, Any]:
        """The mail for a report, with what was done about it."""
        about: dict[str, Any] = {"file": self.found.file, "kind": self.reading.kind.value}
        if self.reading.reason:
            about["reason"] = self.reading.reason
        if self.reading.complaint:
            about["feedback_type"] = self.reading.complaint.feedback_type
        recipients = [
            {
                "address": one.address,
                "class": one.bounce_class.value if one.bounce_class else None,
                "status": one.status,
                "code": one.code or None,
                "diagnostic": one.diagnostic,
                "action": action,
            }
            for one in self.reading.recipients
        ]
        done = {"action": action} if _is_untold(action, recipients) else {}
        return {**about, "recipients": recipients, **done}

    def line(self, action: str) -> str:
        """The same for a person."""
        told = [
            " ".join(
                part
                for part in (
                    one.address or "somebody",
                    one.bounce_class.value if one.bounce_class else "",
                    one.status or str(one.code or ""),
                )
                if part
            )
            for one in self.reading.recipients
        ]
        what = f"{self.reading.kind.value} ({self.reading.reason})" if self.reading.reason else self.reading.kind.value
        if _is_untold(action, told):
            return f"{self.found.file}: {what}; {action}"
        return f"{self.found.file}: {what}" + (f": {', '.join(told)}; {action}" if told else "")


def _is_untold(action: str, recipients: Sequence[object]) -> bool:
    """True when something was done about a mail that names nobody: what we had signed in it did."""
    return not recipients and action in DONE


def read_mails(paths: Iterable[Path]) -> Iterator[ReadMail]:
    """Read every mail in *paths*. Raises `UsageError` for a path that is not there; no mail makes it raise."""
    with Reader() as reader:
        for found in mails_in(paths):
            reading = Reading(Kind.OTHER, reason=found.problem) if found.problem else reader.read(found.raw)
            yield ReadMail(found, reading)
