"""SendGrid's Event Webhook.

Signed with ECDSA on P-256 and SHA-256 over timestamp and body; the public key is shown where the hook is set up.
(Twilio SendGrid, "Event Webhook security features", "Event reference")
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pipeline.errors import SettingsError
from pipeline.mail.bounces.intake import News, event_key
from pipeline.mail.bounces.reading import Kind
from pipeline.mail.bounces.whose import Clues
from pipeline.model import BounceClass
from pipeline.web.hooks.call import MOST_EVENTS, Call, Refused, as_bytes, digest, finding, must_be_of_now, parsed, text

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
WITHIN = dt.timedelta(hours=25)  # it tries again for a day; the signature covers the events, and each counts once

KINDS: Mapping[str, Kind] = {
    "bounce": Kind.BOUNCE,
    "dropped": Kind.BOUNCE,
    "deferred": Kind.DELAY,
    "delivered": Kind.DELIVERED,
    "spamreport": Kind.COMPLAINT,
}
CLASSES: Mapping[str, BounceClass] = {  # "bounce classifications"
    "invalid address": BounceClass.ADDRESS,
    "mailbox unavailable": BounceClass.MAILBOX,
    "content": BounceClass.POLICY,
    "reputation": BounceClass.POLICY,
    "frequency or volume too high": BounceClass.POLICY,
    "technical failure": BounceClass.UNKNOWN,
}
LEAVES = ("unsubscribe", "group_unsubscribe")


class SendGridHook:
    name = "sendgrid"

    def __init__(self, key: str) -> None:
        self._key = _public_key(key)

    def read(self, call: Call) -> list[News]:
        timestamp, signature = call.headers.get(TIMESTAMP, ""), call.headers.get(SIGNATURE, "")
        if not signature:
            raise Refused(401, "it is not signed")
        try:
            given = base64.b64decode(signature, validate=True)
            self._key.verify(given, timestamp.encode("utf-8", "replace") + call.body, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, binascii.Error, ValueError):
            raise Refused(403, "its signature is another one") from None
        must_be_of_now(timestamp, call, within=WITHIN)
        events = parsed(call.body)
        return [_news(event) for event in (events[:MOST_EVENTS] if isinstance(events, list) else [events])]


def _public_key(key: str) -> ec.EllipticCurvePublicKey:
    try:
        found = load_der_public_key(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(
            "sendgrid_key is no public key; copy it whole from the webhook's security settings"
        ) from error
    if not isinstance(found, ec.EllipticCurvePublicKey) or not isinstance(found.curve, ec.SECP256R1):
        raise SettingsError("sendgrid_key is no key on the curve P-256; copy it from the webhook's security settings")
    return found


def _news(event: Any) -> News:
    name, reason = text(event, "event"), text(event, "reason")
    kind = KINDS.get(name, Kind.OTHER)
    if name == "dropped" and reason == "Spam Reporting Address":  # it was not even tried, for they complained before
        kind = Kind.COMPLAINT
    recipient = text(event, "email")
    named = CLASSES.get(text(event, "bounce_classification").lower())
    if text(event, "type") == "blocked":
        named = named or BounceClass.POLICY
    status = text(event, "status")
    # An address of ours may stand in any field: the letter's own arguments are among them.
    fields = tuple(value for value in event.values() if isinstance(value, str)) if isinstance(event, dict) else ()
    return News(
        event_key("sendgrid", text(event, "sg_event_id") or digest(event)),
        kind,
        Clues(returned=fields, message_ids=(text(event, "smtp-id"),), recipients=(recipient,)),
        (finding(recipient, status=status, diagnostic=reason or text(event, "response"), otherwise=named),),
        feedback="abuse",
        leaves=name in LEAVES or (name == "dropped" and reason == "Unsubscribed Address"),
        raw=as_bytes(event),
    )
