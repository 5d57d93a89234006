"""A hook for whoever has no other: JSON of ours, signed with a secret that both sides know.

X-Open-Signal-Signature: t=SECONDS,v1=HEX     HMAC-SHA-256 under the secret, over SECONDS, a full stop and the body
"""

from __future__ import annotations

import datetime as dt
import hmac
import re
from typing import Any

from pipeline.mail.bounces.intake import News, event_key
from pipeline.mail.bounces.reading import Kind
from pipeline.mail.bounces.whose import Clues
from pipeline.web.hooks.call import (
    Call,
    Refused,
    as_bytes,
    digest,
    finding,
    items,
    must_be_of_now,
    number,
    parsed,
    text,
)

HEADER = "x-open-signal-signature"
WITHIN = dt.timedelta(minutes=5)  # who tries again signs again

_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


class OwnHook:
    name = "events"

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def read(self, call: Call) -> list[News]:
        signature = _SIGNATURE.fullmatch(call.headers.get(HEADER, "").strip().lower())
        if signature is None:
            raise Refused(401, "it is not signed")
        genuine = hmac.digest(self._secret, signature[1].encode() + b"." + call.body, "sha256").hex()
        if not hmac.compare_digest(genuine, signature[2]):
            raise Refused(403, "its signature is another one")
        must_be_of_now(signature[1], call, within=WITHIN)
        document = parsed(call.body)
        events = items(document, "events") or (document if isinstance(document, list) else [document])
        return [_news(event) for event in events]


def _news(event: Any) -> News:
    kind = text(event, "kind")
    recipient = text(event, "recipient")
    found = finding(
        recipient, code=number(event, "code"), status=text(event, "status"), diagnostic=text(event, "diagnostic")
    )
    return News(
        event_key("events", text(event, "id") or digest(event)),
        Kind(kind) if kind in list(Kind) else Kind.OTHER,
        Clues(
            returned=(text(event, "envelope_sender"), text(event, "list_unsubscribe")),
            message_ids=(text(event, "message_id"),),
            recipients=(recipient,),
        ),
        (found,),
        feedback=text(event, "feedback") or "abuse",
        leaves=kind == "unsubscribe",
        raw=as_bytes(event),
    )
