"""Amazon SES, by way of SNS.

SNS signs what it posts with a certificate that it names by URL. Only a certificate from SNS itself, in the region of the topic that
the settings name, is ever fetched, over verified TLS and without redirects; a call about another topic is refused before that.
(Amazon SNS, "Verifying the signatures of Amazon SNS messages"; Amazon SES, "Notification contents", "Event data")
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import http.client
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from pipeline.errors import SettingsError
from pipeline.mail.bounces.intake import Finding, News, event_key
from pipeline.mail.bounces.reading import Kind
from pipeline.mail.bounces.whose import Clues
from pipeline.model import BounceClass
from pipeline.web.hooks.call import AHEAD, Call, Refused, as_bytes, at, code_in, digest, finding, items, parsed, text

Fetch = Callable[[str], bytes]  # a GET; raises OSError where nothing is had

WITHIN = dt.timedelta(days=1)  # SNS tries again for an hour and more; the signature covers the event, which counts once
KEPT_FOR = dt.timedelta(hours=12)  # a certificate, until it is asked for anew
ASK_AGAIN_AFTER = dt.timedelta(minutes=1)  # when it could not be had
MOST_CERTIFICATES = 10
LARGEST = 64 * 1024  # octets
TIMEOUT = 5.0  # seconds

_TOPIC = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]{3,30}):\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")

SIGNED: Mapping[str, tuple[str, ...]] = {  # by type of message: what is signed, in this order
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
HASHES: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 -- theirs to choose

KINDS: Mapping[str, Kind] = {
    "bounce": Kind.BOUNCE,
    "complaint": Kind.COMPLAINT,
    "deliverydelay": Kind.DELAY,
    "delivery": Kind.DELIVERED,
}
CLASSES: Mapping[str, BounceClass] = {  # bounceSubType, where the receiver's own words say nothing
    "MailboxFull": BounceClass.MAILBOX,
    "MessageTooLarge": BounceClass.POLICY,
    "ContentRejected": BounceClass.POLICY,
    "AttachmentRejected": BounceClass.POLICY,
}


class AmazonHook:
    name = "ses"

    def __init__(self, topic: str, fetch: Fetch) -> None:
        found = _TOPIC.fullmatch(topic)
        if found is None:
            raise SettingsError("ses_topic is no topic; write arn:aws:sns:eu-west-1:123456789012:bounces")
        self._topic = topic
        self._host = f"sns.{found[2]}.amazonaws.com{'.cn' if found[1] == 'aws-cn' else ''}"
        self._fetch = fetch
        self._certificates = _Certificates(fetch)

    def read(self, call: Call) -> list[News]:
        message = parsed(call.body)
        kind = text(message, "Type")
        if not text(message, "Signature") or kind not in SIGNED:
            raise Refused(401, "it is not signed")
        if text(message, "TopicArn") != self._topic:
            raise Refused(403, "it is about another topic")
        self._must_be_signed(message, kind, call)
        _must_be_of_now(text(message, "Timestamp"), call)
        if kind == "SubscriptionConfirmation":
            self._confirm(text(message, "SubscribeURL"))
        if kind != "Notification":
            return []
        return [_news(parsed(text(message, "Message")), text(message, "MessageId"))]

    def _must_be_signed(self, message: Any, kind: str, call: Call) -> None:
        url = text(message, "SigningCertURL")
        algorithm = HASHES.get(text(message, "SignatureVersion"))
        if algorithm is None or not self._is_theirs(url) or not _CERTIFICATE.fullmatch(urlsplit(url).path):
            raise Refused(403, "its certificate is not one of SNS")
        key = self._certificates.key(url, now=call.at)
        words = "".join(f"{name}\n{text(message, name)}\n" for name in SIGNED[kind] if _is_there(message, name))
        try:
            given = base64.b64decode(text(message, "Signature"), validate=True)
            key.verify(given, words.encode("utf-8", "replace"), padding.PKCS1v15(), algorithm)
        except (InvalidSignature, binascii.Error, ValueError, UnsupportedAlgorithm):
            raise Refused(403, "its signature is another one") from None

    def _is_theirs(self, url: str) -> bool:
        """Whether *url* is one of SNS in the topic's region, and nothing else by any reading of it."""
        if not url.isascii() or not url.isprintable() or set(url) & set(" \\@#"):
            return False
        return url.startswith(f"https://{self._host}/")

    def _confirm(self, url: str) -> None:
        if not self._is_theirs(url):
            raise Refused(403, "the address to confirm at is not one of SNS")
        try:
            self._fetch(url)
        except (OSError, http.client.HTTPException):
            raise Refused(503, "the subscription could not be confirmed; SNS asks again") from None


class _Certificates:
    """The keys of the certificates that were fetched, for a while; one fetch at a time."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._had: dict[str, tuple[dt.datetime, rsa.RSAPublicKey | None]] = {}

    def key(self, url: str, *, now: dt.datetime) -> rsa.RSAPublicKey:
        with self._lock:
            until, key = self._had.get(url, (now, None))
            if until <= now:
                key = self._fetched(url, now=now)
                if len(self._had) >= MOST_CERTIFICATES:
                    self._had.clear()
                self._had[url] = (now + (KEPT_FOR if key else ASK_AGAIN_AFTER), key)
        if key is None:
            raise Refused(503, "its certificate cannot be had, or is no good now")
        return key

    def _fetched(self, url: str, *, now: dt.datetime) -> rsa.RSAPublicKey | None:
        try:
            certificate = x509.load_pem_x509_certificate(self._fetch(url))
            key = certificate.public_key()
        except (OSError, http.client.HTTPException, ValueError, UnsupportedAlgorithm):
            return None
        is_good = certificate.not_valid_before_utc <= now + AHEAD and now <= certificate.not_valid_after_utc
        return key if is_good and isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048 else None


def fetch(url: str, *, tls: ssl.SSLContext | None = None) -> bytes:
    """GET *url*, over TLS that is verified, without following a redirect. Raises `OSError` unless the answer is 200 and small."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise OSError("not an https address")
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port, timeout=TIMEOUT, context=tls or ssl.create_default_context()
    )
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = connection.getresponse()
        body = answer.read(LARGEST + 1)
    finally:
        connection.close()
    if answer.status != 200 or len(body) > LARGEST:
        raise OSError(f"{parts.hostname} answered {answer.status} with {len(body)} octets")
    return body


def _is_there(message: Any, name: str) -> bool:
    return isinstance(message, dict) and isinstance(message.get(name), str)


def _must_be_of_now(timestamp: str, call: Call) -> None:
    try:
        moment = dt.datetime.fromisoformat(timestamp)
        is_good = call.at - WITHIN <= moment <= call.at + AHEAD
    except (ValueError, TypeError, OverflowError):
        is_good = False
    if not is_good:
        raise Refused(403, "it is too old, or of a time to come; compare the clocks")


# --- what SES says -----------------------------------------------------------------------------------------------------


def _news(event: Any, message_id: str) -> News:
    name = (text(event, "notificationType") or text(event, "eventType")).lower()
    kind = KINDS.get(name, Kind.OTHER)
    about = {"deliverydelay": "deliveryDelay"}.get(name, name)
    subtype = text(event, about, "bounceSubType")
    people = items(event, about, "bouncedRecipients") + items(event, about, "delayedRecipients")
    findings = tuple(_finding(person, CLASSES.get(subtype)) for person in people)
    if kind is Kind.COMPLAINT:
        findings = tuple(
            Finding(text(person, "emailAddress")) for person in items(event, about, "complainedRecipients")
        )
    headers = [(text(header, "name").lower(), text(header, "value")) for header in items(event, "mail", "headers")]
    ids = [value for name, value in headers if name == "message-id"]
    return News(
        event_key("ses", name, text(event, about, "feedbackId") or message_id or digest(event)),
        kind,
        Clues(
            returned=(
                text(event, "mail", "source"),
                *(value for name, value in headers if name in ("list-unsubscribe", "return-path")),
            ),
            message_ids=(text(event, "mail", "commonHeaders", "messageId"), *ids),
            recipients=tuple(found.address for found in findings),
        ),
        findings,
        feedback=text(event, about, "complaintFeedbackType") or "abuse",
        leaves=at(event, "subscription", "newTopicPreferences", "unsubscribeAll") is True,
        raw=as_bytes(event),
    )


def _finding(person: Any, otherwise: BounceClass | None) -> Finding:
    words = text(person, "diagnosticCode")
    return finding(
        text(person, "emailAddress"),
        code=code_in(words),
        status=text(person, "status"),
        diagnostic=words,
        otherwise=otherwise,
    )
