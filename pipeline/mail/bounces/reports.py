"""Reports made for machines: delivery status (RFC 3464, 6533), feedback (RFC 5965), and a provider's JSON sent as a mail.

Only the fields are trusted to be there, not the labels around them: gateways send delivery status as plain text, in the wrong
part, folded wrongly, or with a blank line between the fields of one recipient.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.mail.bounces.addresses import address_of, addresses_in, tidy
from pipeline.mail.bounces.codes import telling
from pipeline.mail.bounces.mime import Headers, Part
from pipeline.mail.bounces.reading import Complaint, Kind
from pipeline.mail.bounces.words import pattern

_MOST_RECIPIENTS: Final = 500
_MOST_LINES: Final = 20_000

_LINE = re.compile(r"[ >]{0,4}(?:\*\s?)?([A-Za-z][A-Za-z-]{3,40})[ \t]{0,3}:[ \t]*(.*)")
_RECIPIENT_FIELDS: Final = (
    "final-recipient",
    "original-recipient",
    "x-actual-recipient",
    "x-original-recipient",
    "x-actual-rcpt",
)
_STATUS_FIELDS: Final = ("action", "status", "diagnostic-code")
_FIELDS: Final = frozenset(
    (
        *_RECIPIENT_FIELDS,
        *_STATUS_FIELDS,
        *("reporting-mta", "remote-mta", "received-from-mta", "dsn-gateway", "original-envelope-id"),
        *("arrival-date", "last-attempt-date", "will-retry-until", "final-log-id"),
        *("localized-final-recipient", "localized-status"),  # RFC 6533 and what came before it
        *("x-supplementary-info", "x-display-name", "x-postfix-queue-id", "x-postfix-sender"),
    )
)
STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\w.:/=-])([45][0-5]\d)(?!\w|\.\d)")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}|\+([0-9A-F]{2})")

_ACTIONS: Final = (
    (("fail", "expired", "error", "reject", "undeliver", "bounce", "perm"), Kind.BOUNCE),
    (("delay", "defer", "temp", "warn"), Kind.DELAY),
    (("deliver", "relay", "expand", "success"), Kind.DELIVERED),
)


@dataclass(frozen=True, slots=True)
class Status:
    """What a delivery report says of one recipient."""

    kind: Kind | None  # by its action; None where it names none that is known
    addresses: tuple[str, ...]  # as sent to, then as refused; none where they cannot be read
    status: str = ""
    code: int = 0
    diagnostic: str = ""


@dataclass(slots=True)
class _Group:
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def names_somebody(self) -> bool:
        return any(name in self.fields for name in _RECIPIENT_FIELDS)

    @property
    def tells(self) -> bool:
        return any(name in self.fields for name in ("action", "status")) or (
            self.names_somebody and "diagnostic-code" in self.fields
        )


# --- delivery status -------------------------------------------------------------------------------------------------------


def statuses_in(text: str) -> list[Status]:
    """What a delivery report in *text* says of each recipient; nothing where there is none."""
    lowered = text.lower()
    if "recipient" not in lowered and "status:" not in lowered:
        return []
    told = [group for group in _groups(text) if group.tells]
    known = sum(any(name in group.fields for name in ("action", "status")) for group in told)
    somebody = any(group.names_somebody for group in told)
    if not told or not (somebody or (known and "reporting-mta" in lowered)):
        return []
    return [_status(group) for group in told[:_MOST_RECIPIENTS]]


def envelope_ids_in(text: str) -> list[str]:
    return re.findall(r"^original-envelope-id[ \t]{0,3}:[ \t]*(\S{1,200})", text, re.IGNORECASE | re.MULTILINE)


def _groups(text: str) -> list[_Group]:
    """The fields of each recipient. A field that comes a second time, or a recipient after a blank line, begins the next one."""
    groups = [_Group()]
    last = ""
    after_blank = False
    for line in text.split("\n")[:_MOST_LINES]:
        if not line.strip():
            last, after_blank = "", True
            continue
        found = _LINE.fullmatch(line)
        name = found[1].lower() if found else ""
        if found and name in _FIELDS:
            group = groups[-1]
            anew = name in group.fields and (name in (*_RECIPIENT_FIELDS, *_STATUS_FIELDS))
            other = after_blank and name in _RECIPIENT_FIELDS and group.names_somebody
            if (anew and not _repeats(group, name, found[2])) or other:
                groups.append(_Group())
            groups[-1].fields.setdefault(name, found[2].strip())
            last, after_blank = name, False
        elif last and (not found or line[0] in " \t"):
            value = groups[-1].fields[last]
            if len(value) < 4000:
                groups[-1].fields[last] = f"{value} {line.strip()}"
        else:
            last = ""
    return groups


def _repeats(group: _Group, name: str, value: str) -> bool:
    return group.fields[name] == value.strip() and name in _STATUS_FIELDS


def _status(group: _Group) -> Status:
    fields = group.fields
    diagnostic = _diagnostic(fields.get("diagnostic-code", ""))
    if not _said(diagnostic) and "x-supplementary-info" in fields:
        diagnostic = f"{diagnostic} {fields['x-supplementary-info']}".strip()
    addresses = [
        _recipient(fields[name])
        for name in ("original-recipient", "final-recipient", *_RECIPIENT_FIELDS[2:])
        if name in fields
    ]
    given = STATUS.search(fields.get("status", ""))
    status = telling(given[1] if given else "", diagnostic)
    return Status(
        kind=_kind(fields.get("action", ""), status or fields.get("status", "").strip()),
        addresses=tuple(dict.fromkeys(address for address in addresses if address)),
        status=status,
        code=code_in(diagnostic),
        diagnostic=diagnostic,
    )


def _kind(action: str, status: str) -> Kind | None:
    action = action.lower()
    for beginnings, kind in _ACTIONS:
        if any(word in action for word in beginnings):
            return kind
    return {"5": Kind.BOUNCE, "4": None, "2": Kind.DELIVERED}.get(status[:1])


def _diagnostic(value: str) -> str:
    """The words of a Diagnostic-Code, without the name of their kind (``smtp;``, ``x-unix;``)."""
    kind, semicolon, words = value.partition(";")
    return (words if semicolon and len(kind) < 30 and " " not in kind.strip() else value).strip()


def _said(diagnostic: str) -> bool:
    return len(re.sub(r"[\d.\s#()<>-]", "", diagnostic)) > 3


def _recipient(value: str) -> str:
    """The address in ``rfc822; a@b``, ``utf-8; a@b``, ``X400; c=..;`` or less."""
    kind, semicolon, rest = value.partition(";")
    if semicolon and "@" not in kind:
        value = rest
    if kind.strip().lower().startswith("utf-8") or "\\x{" in value:
        value = _HEX.sub(lambda found: chr(min(int(found[1] or found[2], 16), 0x10FFFF)), value)
    if found := address_of(value):
        return found
    local = re.search(r"<?([^<>\s;@]{1,64}@\[[\d.:a-fA-F]{3,45}\])>?", value)
    local = local or re.search(r"<?([^<>\s;@]{1,64}@[^<>\s;@]{1,253})>?", value)
    return tidy(local[1]) if local else ""


def code_in(text: str) -> int:
    """The SMTP reply that *text* begins with or quotes; 0 where it has none."""
    found = _REPLY.search(text[:2000])
    return int(found[1]) if found else 0


# --- feedback --------------------------------------------------------------------------------------------------------------


def complaint_in(texts: Iterable[str]) -> Complaint | None:
    """The first feedback report in *texts*."""
    return next((found for text in texts if (found := _feedback(text))), None)


def _feedback(text: str) -> Complaint | None:
    """The fields of a feedback report (RFC 5965 and what came before it)."""
    if "feedback-type" not in text.lower():
        return None
    fields: dict[str, list[str]] = {}
    for line in text.split("\n")[:_MOST_LINES]:
        if (found := _LINE.fullmatch(line)) and found[2].strip():
            fields.setdefault(found[1].lower(), []).append(found[2].strip())
    if "feedback-type" not in fields:
        return None

    def first(*names: str) -> str:
        return next((fields[name][0] for name in names if name in fields), "")

    def each(*names: str) -> tuple[str, ...]:
        found = [address_of(value) for name in names for value in fields.get(name, ())]
        return tuple(dict.fromkeys(address for address in found if address))

    return Complaint(
        feedback_type=first("feedback-type").partition(";")[0].strip().lower(),
        user_agent=first("user-agent"),
        version=first("version"),
        original_recipients=each("original-rcpt-to", "original-recipient", "x-hmxmroriginalrecipient"),
        removal_recipients=each("removal-recipient"),
        source_ip=first("source-ip"),
        reported_domains=tuple(dict.fromkeys(fields.get("reported-domain", ()))),
    )


# --- a provider's JSON, mailed ------------------------------------------------------------------------------------------------


def notification_in(text: str) -> tuple[Kind, list[Status]] | None:
    """A notification of Amazon SES that its SNS sent as a mail: JSON, and a footer."""
    text = text.replace("!\n ", "")  # what sendmail makes of a line that is too long
    start = text.find("{")
    if start < 0 or "notificationType" not in text[start:]:
        return None
    try:
        event: Any = json.JSONDecoder().raw_decode(text[start:])[0]
        if isinstance(event.get("Message"), str):
            event = json.loads(event["Message"])
        kind = str(event["notificationType"]).lower()
        return _NOTIFICATIONS[kind][0], [_notified(row) for row in _rows(event, *_NOTIFICATIONS[kind])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


_NOTIFICATIONS: Final = {
    "bounce": (Kind.BOUNCE, "bouncedRecipients"),
    "complaint": (Kind.COMPLAINT, "complainedRecipients"),
    "delivery": (Kind.DELIVERED, "recipients"),
}


def _rows(event: Any, kind: Kind, name: str) -> list[Any]:
    part = {Kind.BOUNCE: "bounce", Kind.COMPLAINT: "complaint", Kind.DELIVERED: "delivery"}[kind]
    return list(event[part][name])[:_MOST_RECIPIENTS]


def _notified(row: Any) -> Status:
    if isinstance(row, str):
        return Status(None, (tidy(row),))
    diagnostic = _diagnostic(str(row.get("diagnosticCode", "")))
    status = str(row.get("status", ""))
    return Status(None, (tidy(str(row["emailAddress"])),), status, code_in(diagnostic), diagnostic)


# --- older and looser complaints ---------------------------------------------------------------------------------------------

_CALLED, _SUBJECT, _SAYS = (pattern("complaint", name) for name in ("sender", "subject", "text"))
_FORM: Final = 2  # one sign alone is no form: the words "spam complaint" stand in many a bounce
_TOLD_HEADERS: Final = ("x-hmxmroriginalrecipient", "x-original-rcpt-to", "x-complaint-recipient")


def loose_complaint(
    headers: Headers, words: str, returned: list[Headers], *, sender: str, subject: str
) -> Complaint | None:
    """A complaint without the form of one: the letter attached, and words or headers that tell what it is."""
    if headers.has("x-apple-unsubscribe"):  # Apple's mail programs, where their user presses "unsubscribe"
        return Complaint("opt-out", original_recipients=tuple(addresses_in(headers.get("from"))[:1]))
    told = told_recipients(headers, *returned)
    if not returned and not headers.has(*_TOLD_HEADERS):  # Outlook.com's old form: the letter itself, with such a field
        return None
    by_form = headers.has("x-loop") and "scomp" in headers.get("x-loop").lower()
    signs = (
        2 * bool(told)
        + 2 * by_form
        + bool(_CALLED.search(sender))
        + 2 * bool(_SUBJECT.search(subject))
        + bool(_SAYS.search(words))
    )
    if signs < _FORM:
        return None
    kind = "opt-out" if re.search(r"\bopt-?out\b|unsubscri", subject) else "abuse"
    return Complaint(kind, original_recipients=told)


def told_recipients(*headers: Headers) -> tuple[str, ...]:
    """Whom a complaint is from, by fields that a receiver adds to the letter it sends back."""
    told = [address_of(value) for each in headers for value in each.all(*_TOLD_HEADERS)]
    return tuple(dict.fromkeys(address for address in told if address))


def feedback_parts(parts: tuple[Part, ...]) -> list[str]:
    return [part.text for part in parts if part.type == "message/feedback-report"]
