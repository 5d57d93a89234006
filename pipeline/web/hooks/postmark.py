"""Postmark's webhooks.

Postmark signs nothing: it logs in, with the name and password that stand in the hook's URL, or brings a header of its owner's
choice. Either must be the secret. The bounce's full text, if the hook is set to include it, is where a letter's signed link or
address comes back; Postmark replaces the Message-ID. (Postmark, "Bounce webhook", "Spam complaint webhook")
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from typing import Any

from pipeline.mail.bounces.intake import News, event_key
from pipeline.mail.bounces.reading import Kind
from pipeline.mail.bounces.whose import Clues
from pipeline.model import BounceClass
from pipeline.web.hooks.call import Call, Refused, as_bytes, at, code_in, digest, finding, parsed, text

HEADER = "x-hook-secret"

# "Bounce types" that are no bounce of ours, or say whose fault it was where the receiver's own words do not.
KINDS: Mapping[str, Kind] = {
    "AutoResponder": Kind.AUTO_REPLY,
    "ChallengeVerification": Kind.AUTO_REPLY,
    "Transient": Kind.DELAY,
    "SpamComplaint": Kind.COMPLAINT,
    "Subscribe": Kind.OTHER,
    "Unsubscribe": Kind.OTHER,
    "AddressChange": Kind.OTHER,
    "OpenRelayTest": Kind.OTHER,
}
CLASSES: Mapping[str, BounceClass] = {
    "BadEmailAddress": BounceClass.ADDRESS,
    "DnsError": BounceClass.DOMAIN,
    "SoftBounce": BounceClass.MAILBOX,
    "Blocked": BounceClass.POLICY,
    "SpamNotification": BounceClass.POLICY,
    "VirusNotification": BounceClass.POLICY,
    "DMARCPolicy": BounceClass.POLICY,
    "SMTPApiError": BounceClass.POLICY,
    "TemplateRenderingFailed": BounceClass.POLICY,
}

_MESSAGE_ID = re.compile(r"(?im)^message-id:[ \t]*(<[^<>\s]{1,300}>)")


class PostmarkHook:
    name = "postmark"

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def read(self, call: Call) -> list[News]:
        given = _given(call)
        if given is None:
            raise Refused(401, "it brings no secret")
        if not hmac.compare_digest(given, self._secret):
            raise Refused(403, "its secret is another one")
        return [_news(parsed(call.body))]


def _given(call: Call) -> bytes | None:
    scheme, _, credentials = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    header = call.headers.get(HEADER)
    return None if header is None else header.encode("utf-8", "replace")


def _news(event: Any) -> News:
    record, bounce_type = text(event, "RecordType"), text(event, "Type")
    kind = {
        "Bounce": KINDS.get(bounce_type, Kind.BOUNCE),
        "SpamComplaint": Kind.COMPLAINT,
        "Delivery": Kind.DELIVERED,
    }.get(record, Kind.OTHER)
    recipient = text(event, "Email") or text(event, "Recipient")
    words = text(event, "Details") or text(event, "Description")
    content = text(event, "Content")
    metadata = at(event, "Metadata")
    notes = tuple(filter(None, (text(metadata, name) for name in metadata))) if isinstance(metadata, dict) else ()
    return News(
        event_key("postmark", record, text(event, "ID") or digest(event)),
        kind,
        Clues(
            returned=(content, *notes),
            message_ids=(*_MESSAGE_ID.findall(content), *notes),
            recipients=(recipient,),
        ),
        (finding(recipient, code=code_in(words), diagnostic=words, otherwise=CLASSES.get(bounce_type)),),
        feedback="abuse",
        leaves=bounce_type == "Unsubscribe" or _left(event),
        raw=content.encode("utf-8", "replace") or as_bytes(event),
    )


def _left(event: Any) -> bool:
    """Their own unsubscribe link was used."""
    by_hand = text(event, "SuppressionReason") == "ManualSuppression" and text(event, "Origin") == "Recipient"
    return text(event, "RecordType") == "SubscriptionChange" and at(event, "SuppressSending") is True and by_hand
