"""Mailgun's webhooks.

Signed with HMAC-SHA-256 over timestamp and token, under the account's webhook signing key. The signature does not cover the event,
so a token that came with one event does not come with another: it is remembered for as long as its time is good.
(Mailgun, "Securing Webhooks"; "Event Structure")
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.mail.bounces.intake import News, event_key
from pipeline.mail.bounces.reading import Kind
from pipeline.mail.bounces.whose import Clues
from pipeline.web.hooks.call import Call, Refused, as_bytes, at, digest, finding, must_be_of_now, number, parsed, text

WITHIN = dt.timedelta(hours=12)  # it tries again for eight
KINDS: Mapping[str, Kind] = {"failed": Kind.BOUNCE, "complained": Kind.COMPLAINT, "delivered": Kind.DELIVERED}

# Whether this token may come with the event of this hash, until then: (token, hash, until).
Remember = Callable[[str, str, dt.datetime], bool]


class MailgunHook:
    name = "mailgun"

    def __init__(self, key: str, remember: Remember) -> None:
        self._key, self._remember = key.encode(), remember

    def read(self, call: Call) -> list[News]:
        document = parsed(call.body)
        timestamp, token, signature = (
            text(document, "signature", name) for name in ("timestamp", "token", "signature")
        )
        if not signature:
            raise Refused(401, "it is not signed")
        genuine = hmac.digest(self._key, f"{timestamp}{token}".encode("utf-8", "replace"), "sha256").hex()
        if not hmac.compare_digest(genuine.encode(), signature.lower().encode("utf-8", "replace")):
            raise Refused(403, "its signature is another one")
        must_be_of_now(timestamp, call, within=WITHIN)
        event = at(document, "event-data")
        if not self._remember(token, digest(event), call.at + WITHIN):
            raise Refused(403, "its token was used before, for another event")
        return [_news(event)]


def _news(event: Any) -> News:
    name, reason = text(event, "event"), text(event, "reason")
    kind = KINDS.get(name, Kind.OTHER)
    if name == "failed" and text(event, "severity") == "temporary":
        kind = Kind.DELAY
    if name == "failed" and reason == "suppress-complaint":  # it was not even tried, for they complained before
        kind = Kind.COMPLAINT
    status = ("delivery-status",)
    recipient = text(event, "recipient")
    words = " ".join(filter(None, (text(event, *status, "message"), text(event, *status, "description"))))
    found = finding(
        recipient,
        code=number(event, *status, "code"),
        status=text(event, *status, "enhanced-code"),
        diagnostic=words,
    )
    return News(
        event_key("mailgun", text(event, "id") or digest(event)),
        kind,
        Clues(
            returned=(text(event, "envelope", "sender"),),
            message_ids=(text(event, "message", "headers", "message-id"),),
            recipients=(recipient,),
        ),
        (found,),
        feedback="abuse",
        leaves=name == "unsubscribed" or (name == "failed" and reason == "suppress-unsubscribe"),
        raw=as_bytes(event),
    )
