"""`read`: what a mail that came back says. Pure: no network, database or clock, and no input makes it raise (M-24, M-27, M-29).

    reports for machines | complaints | words for people | automatic replies | flufl.bounce | anything else

What it says is proof of nothing: whoever knows our bounce address can write such a mail. Whose signature of ours it carries is
looked at by the intake, which gets every place where one may stand in `Reading.returned`.
"""

from __future__ import annotations

import email
import email.policy
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from flufl.bounce import all_failures

from pipeline.mail.bounces import mime, prose, reports
from pipeline.mail.bounces.addresses import address_of, addresses_in, ids_in, mailtos_in, same, tidy, urls_in
from pipeline.mail.bounces.codes import Ground, classify, ground
from pipeline.mail.bounces.mime import Headers, Mail
from pipeline.mail.bounces.reading import Complaint, Kind, Reading, Recipient, Returned
from pipeline.mail.bounces.reports import Status
from pipeline.mail.bounces.words import pattern
from pipeline.model import BounceClass

_MOST_RECIPIENTS: Final = 200
_CERTAIN: Final = 3  # signs that a mail is a report
_MOST_TRACES: Final = 100  # of a kind
_ENOUGH: Final = 40  # characters of plain text that make the same in HTML needless
_DIAGNOSTIC: Final = 500  # characters kept
_SUBJECT: Final = 200
_WORDS_READ: Final = 12_000  # characters in which sentences are looked for
_SLOW_PARTS: Final = 30  # what takes the standard library's parser too long
_SLOW_BYTES: Final = 256 * 1024
_SLOW_MARKS: Final = 60

_RETURNED_TYPES: Final = (
    "message/rfc822",
    "text/rfc822-headers",
    "message/global",
    "message/global-headers",
    "message/rfc822-headers",
)
_OWN_RECIPIENTS: Final = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "to",
    "cc",
    "apparently-to",
    "x-rcpt-to",
)
_LETTER_RECIPIENTS: Final = (
    "to",
    "cc",
    "x-original-to",
    "delivered-to",
    "envelope-to",
    "apparently-to",
    "x-rcpt-to",
    "resent-to",
    "x-forwarded-to",
)
_NULL = re.compile(r"<?\s*>?|<?mailer-daemon(?:@[^>]*)?>?", re.IGNORECASE)
_DEAD: Final = (BounceClass.ADDRESS, BounceClass.DOMAIN)
_ALIVE: Final = (BounceClass.MAILBOX, BounceClass.POLICY, BounceClass.GREYLIST)
# Who verifies recipients does it at RCPT: an "unknown user" that comes after the whole letter may be a filter's way to refuse it.
# Sendmail's transcripts show RCPT's answer behind a pipelined DATA too, but give a refused letter "Service unavailable" for itself.
_AFTER_ALL = re.compile(
    r"(?:end of data|after data|after (?:the )?final dot)\b|>>> data <<< 5[^<]{0,400}554 5\.0\.0 service unavailable"
)
_EXPLICIT = re.compile(r"(?:does ?n[o']t|do not) have an? [\w.-]+ account")
_SUBJECTS: Final = ("failed", "delayed", "auto")
_TEXTS: Final = ("failed", "delayed_for_sure", "delayed", "gave_up_for_sure", "gave_up", "auto")
_WORDS: Final = {
    **{("subject", what): pattern("subject", what) for what in _SUBJECTS},
    **{("text", what): pattern("text", what) for what in _TEXTS},
}
_DAEMON = pattern("senders", "daemon")
_FORWARDED = re.compile(r"(?:re|aw|antw|sv|odp|ref|rif)\s?(?:\[\d+\])?\s?:")
_RETURNED = re.compile(r"returned (?:mail|message)|failure notice|undeliver(?:ed|able)|\(failure\)")
_AUTO_HEADERS: Final = (
    "x-autoreply",
    "x-autorespond",
    "x-autoreply-from",
    "x-autoresponder",
    "x-mail-autoreply",
    "x-vacation",
    "x-auto-reply",
)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A mail, and what all readers ask of it."""

    mail: Mail
    words: str  # for people, without the returned letter
    fields: str  # every text, in which fields of reports are looked for
    letters: tuple[Headers, ...]  # headers of the returned letters
    subject: str
    sender: str
    sent_to: frozenset[str]  # of the returned letter, in small letters
    never: frozenset[str]  # senders: of the letter, of this mail, and whom it was sent to


def read(raw: bytes) -> Reading:
    """Tell what the mail *raw* is, whom it names, and where signatures of ours may stand in it."""
    opened = _open(mime.take_apart(raw))
    reading = (
        _machine_report(opened)
        or _complaint(opened)
        or _report(opened)
        or _automatic(opened)
        or _flufl(opened, raw)
        or Reading(Kind.OTHER)
    )
    return replace(reading, returned=_returned(opened))


# --- opening -----------------------------------------------------------------------------------------------------------------


def _open(mail: Mail) -> _Opened:
    words: list[str] = []
    fields: list[str] = []
    letters: list[Headers] = []
    for part in mail.parts:
        if part.type in _RETURNED_TYPES:
            _take_letter(part.text, letters, fields)
        elif part.text.strip() and not part.type.startswith("text/"):
            fields.append(part.text)
        elif part.text.strip():
            told_before = len(letters) > 1 or (part.type == "text/html" and len("".join(words).strip()) > _ENOUGH)
            said, letter = prose.cut(part.text)
            if letter and _DAEMON.search(
                mime.headers_of(letter).get("from").lower()
            ):  # a report that somebody forwarded
                forwarded, letter = prose.cut(mime.mail_in(letter).source)
                said = f"{said}\n{forwarded}"
            fields.append(said if letter else part.text)
            if letter:
                letters.append(mime.headers_of(letter))
            if not told_before:
                words.append(said)
    headers = mail.headers
    sent_to = {a.lower() for h in letters for value in h.all(*_LETTER_RECIPIENTS) for a in addresses_in(value)}
    sent_to |= {a.lower() for value in headers.all("x-failed-recipients") for a in addresses_in(value)}
    senders = ("from", "sender", "reply-to", "return-path", "errors-to")
    never = {a.lower() for h in (headers, *letters) for value in h.all(*senders) for a in addresses_in(value)}
    never |= {a.lower() for value in headers.all(*_OWN_RECIPIENTS) for a in addresses_in(value)}
    return _Opened(
        mail=mail,
        words="\n".join(words),
        fields="\n\n".join(fields),
        letters=tuple(letters),
        subject=" ".join(headers.get("subject").lower().split())[:300],
        sender=headers.get("from").lower()[:300],
        sent_to=frozenset(sent_to),
        never=frozenset(never),
    )


def _take_letter(source: str, letters: list[Headers], fields: list[str]) -> None:
    """The header of a returned letter. A mail that was forwarded whole may itself be a report: its fields count as this one's."""
    letters.append(mime.headers_of(source))
    if "delivery-status" in source[:20_000].lower() and "final-recipient" in source.lower():
        inner = mime.mail_in(source)
        fields.extend(part.text for part in inner.parts if part.text and part.type not in _RETURNED_TYPES)
        letters.extend(mime.headers_of(part.text) for part in inner.parts if part.type in _RETURNED_TYPES)


# --- reports for machines --------------------------------------------------------------------------------------------------------


def _machine_report(opened: _Opened) -> Reading | None:
    if opened.mail.parameters.get("report-type", "").lower() == "disposition-notification" or any(
        part.type == "message/disposition-notification" for part in opened.mail.parts
    ):
        return _rejected_by_rule(opened) or Reading(Kind.AUTO_REPLY, reason="a receipt of a mail program")
    if notified := reports.notification_in(opened.fields):
        return _notified(*notified)
    statuses = reports.statuses_in(opened.fields)
    if not statuses:
        return None
    for kind in (Kind.BOUNCE, Kind.DELAY, Kind.DELIVERED):
        if of_kind := [status for status in statuses if (status.kind or _kind_in_words(opened)) is kind]:
            return Reading(kind, _recipients(opened, of_kind, kind))
    return None


def _rejected_by_rule(opened: _Opened) -> Reading | None:
    """A refusal in the form of a receipt (RFC 8098): what mail stores send when a rule or a full mailbox refuses (RFC 5429)."""
    words = " ".join(opened.words[:4000].lower().split())
    return _in_prose(opened) if _says("text", "failed", words) and _says("subject", "failed", opened.subject) else None


def _kind_in_words(opened: _Opened) -> Kind:
    return Kind.DELAY if _is_delay(opened) else Kind.BOUNCE


def _notified(kind: Kind, statuses: list[Status]) -> Reading:
    told = kind is Kind.BOUNCE
    recipients = tuple(
        Recipient(
            s.addresses[0],
            classify(s.code, s.status, s.diagnostic) if told else None,
            s.status,
            s.code,
            s.diagnostic[:_DIAGNOSTIC],
        )
        for s in statuses[:_MOST_RECIPIENTS]
    )
    return Reading(kind, recipients, complaint=Complaint("abuse") if kind is Kind.COMPLAINT else None)


def _recipients(opened: _Opened, statuses: list[Status], kind: Kind) -> tuple[Recipient, ...]:
    found: dict[str, Recipient] = {}
    for status in statuses[:_MOST_RECIPIENTS]:
        address = _sent_address(opened, status, alone=len(statuses) == 1)
        recipient = Recipient(
            address,
            _class_of(opened, status, address, alone=len(statuses) == 1) if kind is not Kind.DELIVERED else None,
            status.status,
            status.code,
            status.diagnostic[:_DIAGNOSTIC],
        )
        found.setdefault(address.lower(), recipient)
    return tuple(found.values())


def _sent_address(opened: _Opened, status: Status, *, alone: bool) -> str:
    """The address that the letter was sent to, of those that a report gives for one recipient."""
    for address in status.addresses:
        if address.lower() in opened.sent_to:
            return address
    if status.addresses:
        return status.addresses[0]
    named = _named(opened) if alone else []
    return named[0].address if named else ""


def _class_of(opened: _Opened, status: Status, address: str, *, alone: bool) -> BounceClass:
    """The class by the fields, or by the words for people where those say more, or say that nobody is to blame."""
    near = " ".join(
        named.why
        for named in prose.named_in(opened.words, sent_to={address.lower()}, never=set())
        if same(named.address, address)
    )
    words = f"{near} {prose.plain_statements(opened.words)}" if alone else near
    by_fields = _by_fields(status)
    doubted = by_fields.bounce_class is BounceClass.UNKNOWN
    by_people = ground(status.code, "" if doubted else status.status, words)
    return _settled(by_fields, by_people, f"{words} {opened.words if alone else ''}")


def _by_fields(status: Status) -> Ground:
    """The class by the fields of the report alone.

    Some servers, sendmail first of all, give every 550 at RCPT the status 5.1.1 by themselves. Where the receiver gave none, and
    used words that are weak but of another kind, nobody is dead.
    """
    found = ground(status.code, status.status, status.diagnostic)
    of_status = found.bounce_class in _DEAD and not found.by_words
    if of_status and status.code and not reports.STATUS.search(status.diagnostic):
        weak = ground(status.code, "", status.diagnostic).bounce_class
        return Ground(BounceClass.UNKNOWN, by_words=False) if weak in _ALIVE else found
    return found


def _settled(first: Ground, second: Ground, words: str) -> BounceClass:
    """One class of two texts, the *first* nearer to the matter. Words outweigh codes; and whoever is said to be dead in one text
    and refused for another reason in the other is not dead."""
    found = first.bounce_class
    if (second.by_words and not first.by_words) or found is BounceClass.UNKNOWN:
        found = second.bounce_class
    if (
        found in _DEAD
        and second.by_words
        and second.bounce_class in ((BounceClass.MAILBOX,) if first.by_words else _ALIVE)
    ):
        found = second.bounce_class
    small = " ".join(words.lower().split())
    if found is BounceClass.ADDRESS and _AFTER_ALL.search(small) and not _EXPLICIT.search(small):
        return BounceClass.UNKNOWN
    return found


# --- complaints -----------------------------------------------------------------------------------------------------------------


def _complaint(opened: _Opened) -> Reading | None:
    headers = opened.mail.headers
    told = next(
        (
            c
            for text in (*reports.feedback_parts(opened.mail.parts), opened.fields)
            if (c := reports.complaint_in(text))
        ),
        None,
    )
    found = told or reports.loose_complaint(
        headers, opened.words.lower()[:8000], list(opened.letters), sender=opened.sender, subject=opened.subject
    )
    if found is None:
        return None
    if not found.original_recipients:
        hotmail = [address_of(value) for h in (headers, *opened.letters) for value in h.all("x-hmxmroriginalrecipient")]
        found = replace(found, original_recipients=tuple(a for a in dict.fromkeys(hotmail) if a))
    addresses = found.original_recipients or found.removal_recipients or _letter_to(opened)
    return Reading(Kind.COMPLAINT, tuple(Recipient(a) for a in addresses[:_MOST_RECIPIENTS]), complaint=found)


def _letter_to(opened: _Opened) -> tuple[str, ...]:
    values = [value for h in opened.letters for value in h.all("to")]
    return tuple(dict.fromkeys(a for value in values for a in addresses_in(value)))


# --- words for people ----------------------------------------------------------------------------------------------------------


def _report(opened: _Opened) -> Reading | None:
    holiday = _says("subject", "auto", opened.subject) and not _says("subject", "failed", opened.subject)
    if _signs(opened) < _CERTAIN or holiday or (_is_automatic(opened) and not _is_returned(opened)):
        return None
    return _in_prose(opened)


def _in_prose(opened: _Opened) -> Reading:
    kind = Kind.DELAY if _is_delay(opened) else Kind.BOUNCE
    named = _named(opened)
    alone = len({one.address.lower() for one in named}) <= 1
    statements = prose.plain_statements(opened.words) if alone else ""
    recipients: dict[str, Recipient] = {}
    for one in named:
        recipient = _in_words(one.address, one.why, statements)
        known = recipients.get(one.address.lower())
        if known is None or known.bounce_class is BounceClass.UNKNOWN:
            recipients[one.address.lower()] = recipient
    if not recipients:
        recipients[""] = _in_words("", "", prose.plain_statements(opened.words))
    return Reading(kind, tuple(recipients.values())[:_MOST_RECIPIENTS])


def _in_words(address: str, why: str, statements: str) -> Recipient:
    status = reports.STATUS.search(why) or reports.STATUS.search(statements)
    code = reports.code_in(why) or reports.code_in(statements)
    enhanced = status[1] if status else ""
    found = _settled(ground(code, enhanced, why), ground(code, enhanced, statements), f"{why} {statements}")
    return Recipient(address, found, enhanced, code, (why or " ".join(statements.split()))[:_DIAGNOSTIC])


def _named(opened: _Opened) -> list[prose.Named]:
    """Whom the words are about: the likeliest, and all that are as likely."""
    failed = [a for value in opened.mail.headers.all("x-failed-recipients") for a in addresses_in(value)]
    named = prose.named_in(opened.words, sent_to=set(opened.sent_to), never=set(opened.never))
    if failed:
        whys = {one.address.lower(): one.why for one in named}
        return [prose.Named(a, 10, 0, whys.get(a.lower(), "")) for a in failed]
    sure = [one for one in named if one.weight >= prose.AT_START] or [one for one in named if one.weight >= prose.SURE]
    if any(one.weight > prose.OF_LETTER for one in sure):  # then what is not of the letter needs a reason of its own
        sure = [
            one
            for one in sure
            if one.weight > prose.OF_LETTER or ground(0, "", one.why).by_words or reports.code_in(one.why)
        ]
    if found := sure or [one for one in named if one.weight >= prose.LIKELY]:
        return found
    if not named:  # perhaps it is about a letter of somebody to themselves
        own = [one for one in prose.named_in(opened.words, sent_to=set(), never=set()) if one.weight >= prose.SURE]
        if own:
            return own
    letter_to = _letter_to(opened)
    if len(letter_to) == 1:
        return [prose.Named(letter_to[0], 2, 0, "")]
    if len({one.address.lower() for one in named}) == 1:
        return named
    domain = address_of(opened.sender).rpartition("@")[2]
    local = prose.local_part_in(opened.words) if domain and _is_daemon(opened) else ""
    return [prose.Named(f"{local}@{domain}", 1, 0, "")] if local else []


def _signs(opened: _Opened) -> int:
    """How many signs say that the mail is a report of a delivery; three are enough."""
    headers = opened.mail.headers
    words = " ".join(opened.words[:_WORDS_READ].lower().split())
    is_report = opened.mail.type == "multipart/report" and "feedback" not in opened.mail.parameters.get(
        "report-type", ""
    )
    answer = bool(_FORWARDED.match(opened.subject)) and not _is_daemon(opened)
    return (
        2 * is_report
        + 2 * headers.has("x-failed-recipients")
        + _is_daemon(opened)
        + _is_returned(opened)
        + (
            2 * bool(_says("subject", "failed", opened.subject) or _says("subject", "delayed", opened.subject))
            if not answer
            else 0
        )
        + 2
        * bool(
            _says("text", "failed", words)
            or _says("text", "delayed", words)
            or _says("text", "delayed_for_sure", words)
        )
        + bool(opened.letters)
    )


def _is_daemon(opened: _Opened) -> bool:
    sender = opened.sender
    return (
        _DAEMON.search(sender) is not None
        or _DAEMON.search(address_of(sender)) is not None
        or sender.strip() in ("", "<>")
    )


def _is_returned(opened: _Opened) -> bool:
    """True where nobody may answer it (RFC 5321 4.5.5): a report, or an automatic reply."""
    paths = opened.mail.headers.all("return-path")
    return bool(paths) and _NULL.fullmatch(paths[0].strip()) is not None


def _is_delay(opened: _Opened) -> bool:
    words = " ".join(opened.words[:_WORDS_READ].lower().split())
    if _says("text", "gave_up_for_sure", words) or (
        _RETURNED.search(opened.subject) and not _says("text", "delayed_for_sure", words)
    ):
        return False
    if _says("text", "delayed_for_sure", words):
        return True
    return bool(_says("subject", "delayed", opened.subject) or _says("text", "delayed", words)) and not _says(
        "text", "gave_up", words
    )


# --- automatic replies -----------------------------------------------------------------------------------------------------------


def _automatic(opened: _Opened) -> Reading | None:
    return Reading(Kind.AUTO_REPLY) if _is_automatic(opened) else None


def _is_automatic(opened: _Opened) -> bool:
    headers = opened.mail.headers
    subject = bool(_says("subject", "auto", opened.subject))
    if headers.has(*_AUTO_HEADERS) or headers.get("precedence").strip().lower() in ("auto_reply", "auto-reply"):
        return True
    submitted = headers.get("auto-submitted").strip().lower()
    if "vacation" in submitted or "auto-notified" in submitted:
        return True
    says = bool(_says("text", "auto", " ".join(opened.words[:4000].lower().split())))
    marked = (
        submitted.startswith(("auto-replied", "auto-generated"))
        or _is_returned(opened)
        or headers.has("x-auto-response-suppress")
    )
    failed = _says("subject", "failed", opened.subject)
    if failed and not subject:
        return False
    return subject or (marked and (says or submitted.startswith("auto-replied")))


# --- flufl.bounce --------------------------------------------------------------------------------------------------------------


def _flufl(opened: _Opened, raw: bytes) -> Reading | None:
    """One more opinion on who was refused. Its "permanent" counts for nothing: it calls most temporary refusals that."""
    marks = raw[: _SLOW_BYTES + 1].lower().count(b"content-type:")
    if len(opened.mail.parts) > _SLOW_PARTS or len(raw) > _SLOW_BYTES or marks > _SLOW_MARKS:
        return None
    try:
        temporary, permanent = all_failures(email.message_from_bytes(raw, policy=email.policy.compat32))
        addresses = sorted(
            {
                tidy(one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one))
                for one in (*temporary, *permanent)
            }
        )
    except Exception:  # it fails on mails it does not expect, in many ways
        return None
    addresses = [address for address in addresses if "@" in address]
    if not addresses:
        return None
    kind = Kind.DELAY if temporary and not permanent and _is_delay(opened) else Kind.BOUNCE
    statements = prose.plain_statements(opened.words)
    return Reading(kind, tuple(_in_words(address, "", statements) for address in addresses[:_MOST_RECIPIENTS]))


# --- where signatures may stand ------------------------------------------------------------------------------------------


def _returned(opened: _Opened) -> Returned:
    headers, letters = opened.mail.headers, opened.letters
    unsubscribe = [value for h in letters for value in h.all("list-unsubscribe")]
    paths = [
        value
        for h in letters
        for value in h.all("return-path", "x-envelope-from", "envelope-from", "errors-to", "sender")
    ]
    ids = ids_in(value for h in letters for value in h.all("message-id"))
    ids += ids_in(headers.all("in-reply-to", "references"))
    letter = letters[0] if letters else Headers()
    return Returned(
        came_to=_some(_each(headers.all(*_OWN_RECIPIENTS))),
        envelope=_some([*_each(paths), *_each([opened.words[:20_000]])]),
        unsubscribe=_some([*urls_in(unsubscribe), *mailtos_in(unsubscribe)]),
        message_ids=_some(ids),
        envelope_ids=_some(reports.envelope_ids_in(opened.fields)),
        sender=address_of(letter.get("from")),
        subject=letter.get("subject")[:_SUBJECT],
    )


def _some(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:_MOST_TRACES]


def _each(values: Iterable[str]) -> list[str]:
    return [address for value in values for address in addresses_in(value)]


# --- words ------------------------------------------------------------------------------------------------------------------------


def _says(where: str, what: str, text: str) -> re.Match[str] | None:
    return _WORDS[where, what].search(text)


logging.getLogger("flufl.bounce").disabled = True  # it logs what it fails on, addresses and all
