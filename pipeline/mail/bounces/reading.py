"""What a mail that came back says: the nouns of this package, and nothing that reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.model import BounceClass


class Kind(StrEnum):
    """What a mail that reached our bounce address is."""

    BOUNCE = "bounce"  # a letter was not delivered, and will not be
    COMPLAINT = "complaint"  # a report about a letter: somebody called it spam, or wants no more (RFC 5965)
    # A machine answers for a person: on holiday, received, please confirm that you are one (RFC 3834).
    AUTO_REPLY = "auto-reply"
    DELAY = "delay"  # not delivered yet; still being tried
    DELIVERED = "delivered"  # delivered, relayed or expanded: no failure
    OTHER = "other"  # anything else, or not readable: `Reading.reason` says which


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient that the mail names, and what it says of them. Nothing of it is proven."""

    address: str  # as the mail has it; empty where it names nobody
    bounce_class: BounceClass | None = None  # None where the mail tells of no refusal
    status: str = ""  # RFC 3463
    code: int = 0  # RFC 5321; 0 where the mail has none
    diagnostic: str = ""  # the receiver's words


@dataclass(frozen=True, slots=True)
class Returned:
    """Where something that we have signed may stand in the mail, for `whose` to look through; and which letter it is about."""

    came_to: tuple[str, ...] = ()  # whom the mail itself was sent to: To, Delivered-To, X-Original-To, Envelope-To
    envelope: tuple[
        str, ...
    ] = ()  # of the letter: its Return-Path and its like, and addresses in the words of the report
    unsubscribe: tuple[str, ...] = ()  # of the letter: the links and addresses of its List-Unsubscribe
    message_ids: tuple[str, ...] = ()  # of the letter, without angle brackets
    envelope_ids: tuple[str, ...] = ()  # RFC 3461 ENVID
    sender: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """The fields of a feedback report (RFC 5965), as far as it has them. Receivers leave the recipient out, or unreadable."""

    feedback_type: str  # in small letters: abuse, opt-out, fraud, not-spam, auth-failure, ...
    user_agent: str = ""
    version: str = ""
    original_recipients: tuple[str, ...] = ()
    removal_recipients: tuple[str, ...] = ()
    source_ip: str = ""
    reported_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    kind: Kind
    recipients: tuple[Recipient, ...] = ()
    returned: Returned = field(default_factory=Returned)
    complaint: Complaint | None = None
    reason: str = ""  # why it is `OTHER`, where that is not plain
