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
from dataclasses import replace
from typing import Final

from flufl.bounce import all_failures

from pipeline.mail.bounces import mime, prose, reports
from pipeline.mail.bounces.addresses import address_of, addresses_in, ids_in, mailtos_in, same, tidy, urls_in
from pipeline.mail.bounces.codes import Ground, classify, ground
from pipeline.mail.bounces.mime import Headers
from pipeline.mail.bounces.opened import CERTAIN, OWN_RECIPIENTS, Opened, open_mail
from pipeline.mail.bounces.prose import Named
from pipeline.mail.bounces.reading import Complaint, Kind, Reading, Recipient, Returned
from pipeline.mail.bounces.reports import Status
from pipeline.model import BounceClass

_MOST_RECIPIENTS: Final = 200
_MOST_TRACES: Final = 100  # of a kind
_DIAGNOSTIC: Final = 500  # characters kept
_LONGEST_SUBJECT: Final = 200
_WORDS_SEARCHED: Final = 20_000  # characters in which addresses of ours are looked for
_SLOW_PARTS: Final = 30  # what takes the standard library's parser too long
_SLOW_BYTES: Final = 256 * 1024
_SLOW_MARKS: Final = 60

_DEAD: Final = (BounceClass.ADDRESS, BounceClass.DOMAIN)
_ALIVE: Final = (BounceClass.MAILBOX, BounceClass.POLICY, BounceClass.GREYLIST)
# Who verifies recipients does it at RCPT: an "unknown user" that comes after the whole letter may be a filter's way to refuse it.
# Sendmail's transcripts show RCPT's answer behind a pipelined DATA too, but give a refused letter "Service unavailable" for itself.
_AFTER_ALL = re.compile(
    r"(?:end of data|after data|after (?:the )?final dot)\b|>>> data (?:> )?<<< 5[^<]{0,400}554 5\.0\.0 service unavailable"
)
_EXPLICIT = re.compile(r"(?:does ?n[o']t|do not) have an? [\w.-]+ account")


def read(raw: bytes) -> Reading:
    """Tell what the mail *raw* is, whom it names, and where signatures of ours may stand in it."""
    opened = open_mail(mime.take_apart(raw))
    reading = (
        _machine_report(opened)
        or _complaint(opened)
        or _report(opened)
        or _automatic(opened)
        or _flufl(opened, raw)
        or Reading(Kind.OTHER)
    )
    return replace(reading, returned=_returned(opened))


# --- reports for machines -------------------------------------------------------------------------------------------------


def _machine_report(opened: Opened) -> Reading | None:
    if opened.is_receipt:
        # A receipt is also what mail stores send when a rule or a full mailbox refuses (RFC 5429).
        refuses = opened.says("failed") and opened.subject_says("failed")
        return _in_prose(opened) if refuses else Reading(Kind.AUTO_REPLY, reason="a receipt")
    if notified := reports.notification_in(opened.fields):
        return _notified(*notified)
    statuses = reports.statuses_in(opened.fields)
    otherwise = Kind.DELAY if statuses and opened.is_delay else Kind.BOUNCE  # where it names no action
    for kind in (Kind.BOUNCE, Kind.DELAY, Kind.DELIVERED):
        if of_kind := [status for status in statuses if (status.kind or otherwise) is kind]:
            return Reading(kind, _recipients(opened, of_kind, kind))
    return None


def _notified(kind: Kind, statuses: list[Status]) -> Reading:
    recipients = [
        _recipient(
            status.addresses[0],
            classify(status.code, status.status, status.diagnostic) if kind is Kind.BOUNCE else None,
            status,
        )
        for status in statuses[:_MOST_RECIPIENTS]
    ]
    return Reading(kind, tuple(recipients), complaint=Complaint("abuse") if kind is Kind.COMPLAINT else None)


def _recipients(opened: Opened, statuses: list[Status], kind: Kind) -> tuple[Recipient, ...]:
    alone = len(statuses) == 1
    found: dict[str, Recipient] = {}
    for status in statuses[:_MOST_RECIPIENTS]:
        address = _sent_address(opened, status, alone=alone)
        refused = kind is not Kind.DELIVERED
        bounce_class = _class_of(opened, status, address, alone=alone) if refused else None
        found.setdefault(address.lower(), _recipient(address, bounce_class, status))
    return tuple(found.values())


def _recipient(address: str, bounce_class: BounceClass | None, status: Status) -> Recipient:
    return Recipient(address, bounce_class, status.status, status.code, status.diagnostic[:_DIAGNOSTIC])


def _sent_address(opened: Opened, status: Status, *, alone: bool) -> str:
    """The address that the letter was sent to, of those that a report gives for one recipient."""
    for address in status.addresses:
        if address.lower() in opened.sent_to:
            return address
    if status.addresses:
        return status.addresses[0]
    named = _named(opened) if alone else []
    return named[0].address if named else ""


def _class_of(opened: Opened, status: Status, address: str, *, alone: bool) -> BounceClass:
    """The class by the fields, or by the words for people where those say more, or say that nobody is to blame."""
    named = prose.named_in(opened.words, sent_to={address.lower()}, never=set())
    near = " ".join(one.why for one in named if same(one.address, address))
    words = f"{near} {prose.plain_statements(opened.words)}" if alone else near
    by_fields = _by_fields(status)
    doubted = by_fields.bounce_class is BounceClass.UNKNOWN and status.status.startswith("5")
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
    against = (BounceClass.MAILBOX,) if first.by_words else _ALIVE
    if found in _DEAD and second.by_words and second.bounce_class in against:
        found = second.bounce_class
    small = " ".join(words.lower().split())
    if found is BounceClass.ADDRESS and _AFTER_ALL.search(small) and not _EXPLICIT.search(small):
        return BounceClass.UNKNOWN
    return found


# --- complaints -----------------------------------------------------------------------------------------------------------


def _complaint(opened: Opened) -> Reading | None:
    found = reports.complaint_in([*reports.feedback_parts(opened.mail.parts), opened.fields])
    found = found or reports.loose_complaint(
        opened.headers, opened.small, list(opened.letters), sender=opened.sender, subject=opened.subject
    )
    if found is None:
        return None
    told = found.original_recipients or reports.told_recipients(*opened.letters)
    addresses = told or found.removal_recipients or opened.letter_to
    return Reading(Kind.COMPLAINT, tuple(Recipient(a) for a in addresses[:_MOST_RECIPIENTS]), complaint=found)


# --- words for people -----------------------------------------------------------------------------------------------------


def _report(opened: Opened) -> Reading | None:
    is_reply = opened.is_holiday or (opened.is_automatic and not opened.is_returned)
    return _in_prose(opened) if opened.signs >= CERTAIN and not is_reply else None


def _in_prose(opened: Opened) -> Reading:
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
        recipients[""] = _in_words("", "", statements)
    kind = Kind.DELAY if opened.is_delay else Kind.BOUNCE
    return Reading(kind, tuple(recipients.values())[:_MOST_RECIPIENTS])


def _in_words(address: str, why: str, statements: str) -> Recipient:
    status = reports.STATUS.search(why) or reports.STATUS.search(statements)
    code = reports.code_in(why) or reports.code_in(statements)
    enhanced = status[1] if status else ""
    found = _settled(ground(code, enhanced, why), ground(code, enhanced, statements), f"{why} {statements}")
    return Recipient(address, found, enhanced, code, (why or " ".join(statements.split()))[:_DIAGNOSTIC])


def _named(opened: Opened) -> list[Named]:
    """Whom the words are about: the likeliest, and all that are as likely."""
    named = prose.named_in(opened.words, sent_to=set(opened.sent_to), never=set(opened.never))
    if failed := [a for value in opened.headers.all("x-failed-recipients") for a in addresses_in(value)]:
        whys = {one.address.lower(): one.why for one in named}
        return [Named(address, prose.CERTAIN, 0, whys.get(address.lower(), "")) for address in failed]
    if sure := _surely(named):
        return sure
    if not named:  # perhaps it is about a letter of somebody to themselves
        named = [one for one in prose.named_in(opened.words, sent_to=set(), never=set()) if one.weight >= prose.SURE]
        if named:
            return named
    if len(opened.letter_to) == 1:
        return [Named(opened.letter_to[0], prose.BARELY, 0, "")]
    if len({one.address.lower() for one in named}) == 1:
        return named
    domain = address_of(opened.sender).rpartition("@")[2]
    local = prose.local_part_in(opened.words) if domain and opened.is_daemon else ""
    return [Named(f"{local}@{domain}", prose.BARELY, 0, "")] if local else []


def _surely(named: list[Named]) -> list[Named]:
    """The best of *named*. Where some were recipients of the letter, another needs a reason of its own beside it."""
    for weight in (prose.AT_START, prose.SURE, prose.LIKELY):
        sure = [one for one in named if one.weight >= weight]
        if any(one.weight > prose.OF_LETTER for one in sure):
            return [one for one in sure if one.weight > prose.OF_LETTER or _has_reason(one)]
        if sure:
            return sure
    return []


def _has_reason(one: Named) -> bool:
    return ground(0, "", one.why).by_words or reports.code_in(one.why) > 0


# --- automatic replies ----------------------------------------------------------------------------------------------------


def _automatic(opened: Opened) -> Reading | None:
    return Reading(Kind.AUTO_REPLY) if opened.is_automatic else None


# --- flufl.bounce ---------------------------------------------------------------------------------------------------------


def _flufl(opened: Opened, raw: bytes) -> Reading | None:
    """One more opinion on who was refused. Its "permanent" counts for nothing: it calls most temporary refusals that."""
    marks = raw[: _SLOW_BYTES + 1].lower().count(b"content-type:")
    if len(opened.mail.parts) > _SLOW_PARTS or len(raw) > _SLOW_BYTES or marks > _SLOW_MARKS:
        return None
    try:
        temporary, permanent = all_failures(email.message_from_bytes(raw, policy=email.policy.compat32))
        found = [
            one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in temporary | permanent
        ]
    except Exception:  # it fails on mails it does not expect, in many ways
        return None
    addresses = sorted({tidy(one) for one in found if "@" in one})
    if not addresses:
        return None
    statements = prose.plain_statements(opened.words)
    kind = Kind.DELAY if opened.is_delay else Kind.BOUNCE
    return Reading(kind, tuple(_in_words(address, "", statements) for address in addresses[:_MOST_RECIPIENTS]))


logging.getLogger("flufl.bounce").disabled = True  # it logs what it fails on, addresses and all


# --- where signatures may stand -------------------------------------------------------------------------------------------


def _returned(opened: Opened) -> Returned:
    headers, letters = opened.headers, opened.letters
    unsubscribe = [value for letter in letters for value in letter.all("list-unsubscribe")]
    envelope = ("return-path", "x-envelope-from", "envelope-from", "errors-to", "sender")
    paths = [value for letter in letters for value in letter.all(*envelope)]
    ids = ids_in(value for letter in letters for value in letter.all("message-id"))
    ids += ids_in(headers.all("in-reply-to", "references"))
    letter = letters[0] if letters else Headers()
    return Returned(
        came_to=_some(_each(headers.all(*OWN_RECIPIENTS))),
        envelope=_some([*_each(paths), *_each([opened.words[:_WORDS_SEARCHED]])]),
        unsubscribe=_some([*urls_in(unsubscribe), *mailtos_in(unsubscribe)]),
        message_ids=_some(ids),
        envelope_ids=_some(reports.envelope_ids_in(opened.fields)),
        sender=address_of(letter.get("from")),
        subject=letter.get("subject")[:_LONGEST_SUBJECT],
    )


def _some(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:_MOST_TRACES]


def _each(values: Iterable[str]) -> list[str]:
    return [address for value in values for address in addresses_in(value)]
