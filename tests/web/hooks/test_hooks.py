"""The hooks of mail providers, called over real HTTP as each provider does: M-24, M-25, M-27, T-44."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import functools
import hashlib
import hmac
import http.server
import json
import logging
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.errors import SettingsError
from pipeline.model import State
from pipeline.store import Store, tables
from pipeline.web import create_app
from pipeline.web.guard import MAX_HOOK
from pipeline.web.hooks import amazon, mailgun, postmark, sendgrid
from pipeline.web.hooks.amazon import AmazonHook
from pipeline.web.hooks.call import Call, Refused
from pipeline.web.hooks.own import OwnHook
from pipeline.web.hooks.sendgrid import SendGridHook
from pipeline.web.server import serving
from tests.mail.bounces.postroom import Postroom

SECRET = "a secret of thirty-two characters"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
SENDGRID = ec.generate_private_key(ec.SECP256R1())
KEYS = {
    "hook_secret": SECRET,
    "ses_topic": TOPIC,
    "postmark_secret": SECRET,
    "mailgun_key": SECRET,
    "sendgrid_key": base64.b64encode(
        SENDGRID.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).decode(),
}


# --- Amazon, on loopback ------------------------------------------------------------------------------------------------------


@dataclass
class Amazon:
    """SNS with a certificate of its own, and the server that it is fetched from."""

    key: rsa.RSAPrivateKey
    certificate: bytes
    trust: ssl.SSLContext
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def fetch(self, url: str) -> bytes:
        """As the pipeline does, from loopback instead of from SNS."""
        path = url.removeprefix("https://sns.eu-west-1.amazonaws.com")
        assert path != url, "nothing else is ever fetched"
        return amazon.fetch(self.url + path, tls=self.trust)

    def message(self, now: dt.datetime, event: Any, *, version: str = "2", **changes: str) -> dict[str, str]:
        message = {
            "Type": "Notification",
            "MessageId": hashlib.sha256(repr((event, changes)).encode()).hexdigest()[:36],
            "TopicArn": TOPIC,
            "Message": json.dumps(event),
            "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "SignatureVersion": version,
            "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem",
            **changes,
        }
        words = "".join(f"{name}\n{message[name]}\n" for name in amazon.SIGNED[message["Type"]] if name in message)
        algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}[version]
        signature = self.key.sign(words.encode(), padding.PKCS1v15(), algorithm)
        return {**message, "Signature": base64.b64encode(signature).decode()}


def _certificate(
    name: str, key: rsa.RSAPrivateKey, *, issuer: str, by: rsa.RSAPrivateKey, ca: bool, until: int = 3650
) -> bytes:
    today = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=3650))
        .not_valid_after(today + dt.timedelta(days=until))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(by, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


@pytest.fixture(scope="module")
def sns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Amazon]:
    folder = tmp_path_factory.mktemp("amazon")
    ca, web, signer = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    (folder / "ca.pem").write_bytes(_certificate("ca.test", ca, issuer="ca.test", by=ca, ca=True))
    (folder / "web.pem").write_bytes(_certificate("localhost", web, issuer="ca.test", by=ca, ca=False))
    (folder / "web.key").write_bytes(_pem(web))
    signed = _certificate("sns.amazonaws.com", signer, issuer="ca.test", by=ca, ca=False)
    expired = _certificate("sns.amazonaws.com", signer, issuer="ca.test", by=ca, ca=False, until=10)
    service = Amazon(signer, signed, ssl.create_default_context(cafile=str(folder / "ca.pem")))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.asked.append(self.path)
            pages = {
                "/SimpleNotificationService-0123abcd.pem": (200, signed),
                "/SimpleNotificationService-expired.pem": (200, expired),
                "/SimpleNotificationService-huge.pem": (200, b"x" * 200_000),
                "/SimpleNotificationService-moved.pem": (302, b""),
                "/SimpleNotificationService-rubbish.pem": (200, b"-----BEGIN CERTIFICATE-----\nno\n"),
            }
            status, body = (200, b"<ok/>") if self.path.startswith("/?Action=") else pages.get(self.path, (404, b""))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/SimpleNotificationService-0123abcd.pem")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "web.pem", folder / "web.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    service.url = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield service
    server.shutdown()
    server.server_close()
    thread.join(10)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


# --- our side -----------------------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    url: str
    room: Postroom
    sns: Amazon
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def time(self) -> int:
        return int(self.room.now.timestamp())

    def post(self, name: str, body: Any, **headers: str) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.session.post(
            f"{self.url}hooks/{name}",
            data=data,
            headers={"Content-Type": "application/json", **named},
            timeout=20,
            allow_redirects=False,
        )

    # one genuine call of each provider, about one recipient

    def ses(self, event: Any, **changes: str) -> requests.Response:
        return self.post("ses", self.sns.message(self.room.now, event, **changes))

    def own(self, event: Any, *, seconds: int | None = None, secret: str = SECRET) -> requests.Response:
        body = json.dumps(event).encode()
        when = str(self.time if seconds is None else seconds)
        mac = hmac.new(secret.encode(), when.encode() + b"." + body, "sha256").hexdigest()
        return self.post("events", body, X_Open_Signal_Signature=f"t={when},v1={mac}")

    def postmark(self, event: Any, secret: str = SECRET) -> requests.Response:
        return self.post(
            "postmark", event, Authorization=f"Basic {base64.b64encode(f'hook:{secret}'.encode()).decode()}"
        )

    def mailgun(self, event: Any, *, token: str = "t1", seconds: int | None = None, secret: str = SECRET) -> Any:
        when = str(self.time if seconds is None else seconds)
        mac = hmac.new(secret.encode(), f"{when}{token}".encode(), "sha256").hexdigest()
        signature = {"timestamp": when, "token": token, "signature": mac}
        return self.post("mailgun", {"signature": signature, "event-data": event})

    def sendgrid(self, events: Any, *, seconds: int | None = None, key: Any = SENDGRID) -> requests.Response:
        body = json.dumps(events).encode()
        when = str(self.time if seconds is None else seconds)
        signature = base64.b64encode(key.sign(when.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        headers = {sendgrid.SIGNATURE: signature, sendgrid.TIMESTAMP: when}
        return self.session.post(f"{self.url}hooks/sendgrid", data=body, headers=headers, timeout=20)

    def everything(self) -> list[Any]:
        return [self.room.rows(table) for table in tables.metadata.sorted_tables]


@pytest.fixture
def desk(sqlite_store: Store, settings: Settings, now: dt.datetime, sns: Amazon) -> Iterator[Desk]:
    yield from _desk(sqlite_store, settings, now, sns)


@pytest.fixture
def desk_of_each(store: Store, settings: Settings, now: dt.datetime, sns: Amazon) -> Iterator[Desk]:
    yield from _desk(store, settings, now, sns)


def _desk(store: Store, settings: Settings, now: dt.datetime, sns: Amazon) -> Iterator[Desk]:
    room = Postroom(store, settings, now)
    sns.asked.clear()
    configured = settings.model_copy(update=KEYS)
    app = create_app(store, configured, clock=lambda: room.now, fetch=sns.fetch)
    with serving(app) as url, requests.Session() as session:
        yield Desk(url, room, sns, session)


# --- what each provider sends of a dead address -------------------------------------------------------------------------------


def _ses_bounce(room: Postroom, ref: str, issue: int, address: str) -> dict[str, Any]:
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {
                    "emailAddress": address,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 <x@y>: Recipient address rejected: User unknown",
                }
            ],
            "feedbackId": f"feedback-{ref}",
        },
        "mail": {"source": room.envelope(ref, issue), "messageId": "0100", "destination": [address]},
    }


def _mailgun_bounce(room: Postroom, ref: str, issue: int, address: str) -> dict[str, Any]:
    return {
        "event": "failed",
        "id": f"id-{ref}",
        "severity": "permanent",
        "reason": "bounce",
        "recipient": address,
        "envelope": {"sender": room.envelope(ref, issue), "transport": "smtp", "targets": address},
        "delivery-status": {"code": 550, "message": "5.1.1 The email account that you tried to reach does not exist"},
        "message": {"headers": {"message-id": "x@y.test", "to": address}},
    }


def _postmark_bounce(room: Postroom, ref: str, issue: int, address: str) -> dict[str, Any]:
    return {
        "RecordType": "Bounce",
        "ID": 42,
        "Type": "HardBounce",
        "TypeCode": 1,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
        "Email": address,
        "Metadata": {},
        "Content": f"Return-Path: <{room.envelope(ref, issue)}>\r\nList-Unsubscribe: {room.link(ref)}\r\n\r\n...",
    }


def _sendgrid_bounce(room: Postroom, ref: str, issue: int, address: str) -> list[dict[str, Any]]:
    return [
        {
            "event": "bounce",
            "type": "bounce",
            "email": address,
            "smtp-id": room.message_id(ref, f"daily-{room.now:%Y-%m-%d}"),
            "status": "5.1.1",
            "reason": "550 5.1.1 No such user here",
            "bounce_classification": "Invalid Address",
            "sg_event_id": f"id-{ref}",
            "timestamp": int(room.now.timestamp()),
        }
    ]


def _own_bounce(room: Postroom, ref: str, issue: int, address: str) -> dict[str, Any]:
    return {
        "id": f"id-{ref}",
        "kind": "bounce",
        "recipient": address,
        "envelope_sender": room.envelope(ref, issue),
        "code": 550,
        "status": "5.1.1",
        "diagnostic": "user unknown",
    }


BOUNCES = {
    "ses": _ses_bounce,
    "mailgun": _mailgun_bounce,
    "postmark": _postmark_bounce,
    "sendgrid": _sendgrid_bounce,
    "own": _own_bounce,
}
HOOKS = list(BOUNCES)


def _call(desk: Desk, hook: str, event: Any) -> requests.Response:
    method = getattr(desk, hook)
    answer: requests.Response = method(event)
    return answer


@pytest.mark.parametrize("hook", HOOKS)
def test_a_bounce_that_a_provider_tells_suppresses_exactly_its_reader(desk_of_each: Desk, hook: str) -> None:
    """M-24, M-25"""
    desk = desk_of_each
    dead, alive = desk.room.people("dead@example.org", "alive@example.org")
    issue = desk.room.send(dead, alive)
    event = BOUNCES[hook](desk.room, dead, issue, "dead@example.org")

    answers = [_call(desk, hook, event) for _ in range(2)]  # providers call again when in doubt

    assert [answer.status_code for answer in answers] == [200, 200]
    assert (desk.room.state(dead), desk.room.state(alive)) == (State.SUPPRESSED, State.ACTIVE)
    [row] = desk.room.rows(tables.bounces)
    assert (row.kind, row.category, row.action, row.issue_id) == ("bounce", "address", "suppressed", issue)
    assert row.origin == ("events" if hook == "own" else hook)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_genuine_call_without_a_signature_of_ours_changes_nobody(desk: Desk, hook: str) -> None:
    """M-24: somebody else's account at the same provider may have the same reader."""
    victim, other = desk.room.people("victim@example.org", "other@example.org")
    issue = desk.room.send(victim, other)
    event = json.dumps(BOUNCES[hook](desk.room, other, issue, "victim@example.org"))
    for ours in (desk.room.envelope(other, issue), desk.room.link(other)):
        event = event.replace(ours, "b-somebody@else.test")  # and the Message-ID was made for the other reader

    answer = _call(desk, hook, json.loads(event))

    assert answer.status_code == 200
    assert (desk.room.state(victim), desk.room.state(other)) == (State.ACTIVE, State.ACTIVE)
    assert [row.action for row in desk.room.rows(tables.bounces)] == ["unsigned"]


# --- forged, old, too large ---------------------------------------------------------------------------------------------------


def _unsigned(desk: Desk, hook: str, event: Any) -> requests.Response:
    name = "events" if hook == "own" else hook
    return desk.post(name, {"event-data": event} if hook == "mailgun" else event)


def _forged(desk: Desk, hook: str, event: Any) -> requests.Response:
    if hook == "ses":
        message = desk.sns.message(desk.room.now, {"notificationType": "Bounce"})
        return desk.post("ses", {**message, "Message": json.dumps(event)})
    if hook == "sendgrid":
        return desk.sendgrid(event, key=ec.generate_private_key(ec.SECP256R1()))
    other = "another secret of thirty-two characters"
    return desk.postmark(event, other) if hook == "postmark" else getattr(desk, hook)(event, secret=other)  # type: ignore[no-any-return]


def _old(desk: Desk, hook: str, event: Any) -> requests.Response:
    long_ago = desk.time - 3 * 86_400
    if hook == "ses":
        message = desk.sns.message(desk.room.now - dt.timedelta(days=3), event)
        return desk.post("ses", message)
    return getattr(desk, hook)(event, seconds=long_ago)  # type: ignore[no-any-return]


NOT_GENUINE = [
    *((hook, _unsigned, 401) for hook in HOOKS),
    *((hook, _forged, 403) for hook in HOOKS),
    *((hook, _old, 403) for hook in HOOKS if hook != "postmark"),  # it signs no time; what it brings again counts once
]


@pytest.mark.parametrize(("hook", "how", "status"), NOT_GENUINE)
def test_a_call_that_is_not_genuine_changes_nothing_and_is_one_line_in_the_log(
    desk: Desk, hook: str, how: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """M-24, T-44"""
    caplog.set_level(logging.INFO, "opensignal")
    [ref] = desk.room.people("victim@example.org")
    issue = desk.room.send(ref)
    event = BOUNCES[hook](desk.room, ref, issue, "victim@example.org")
    before = desk.everything()

    answer = how(desk, hook, event)

    assert answer.status_code == status
    assert desk.everything() == before
    assert len(caplog.records) == 1
    assert "victim" not in caplog.text + answer.text
    assert "b-" not in caplog.text + answer.text


def test_a_call_of_a_time_to_come_is_refused(desk: Desk) -> None:
    assert desk.own({"kind": "other"}, seconds=desk.time + 3_600).status_code == 403
    assert desk.sendgrid([], seconds=desk.time + 3_600).status_code == 403


def test_a_call_above_the_limit_is_refused_and_one_below_it_is_read(desk: Desk) -> None:
    """T-14"""
    large = desk.own({"kind": "other", "diagnostic": "x" * (MAX_HOOK - 1_000)})
    too_large = desk.own({"kind": "other", "diagnostic": "x" * MAX_HOOK})

    assert (large.status_code, too_large.status_code) == (200, 413)
    assert len(desk.room.rows(tables.bounces)) == 1


def test_no_other_page_takes_a_body_of_that_size(desk: Desk) -> None:
    """T-14"""
    answer = desk.session.post(f"{desk.url}subscribe", data=b"x" * 20_000, timeout=20)

    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["ses", "postmark", "mailgun", "sendgrid", "events", "nobody"])
def test_a_hook_without_its_secret_is_not_there(
    sqlite_store: Store, settings: Settings, name: str, now: dt.datetime
) -> None:
    with serving(create_app(sqlite_store, settings, clock=lambda: now)) as url:
        answer = requests.post(f"{url}hooks/{name}", json={}, timeout=20)

    assert answer.status_code == 404


def test_a_hook_is_only_ever_posted_to(desk: Desk) -> None:
    """M-43"""
    assert desk.session.get(f"{desk.url}hooks/events", timeout=20).status_code == 405


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"a":' * 990 + b"1" + b"}" * 990, b"\xff\xfe", b"12"])
@pytest.mark.parametrize("name", ["ses", "postmark", "mailgun", "sendgrid", "events"])
def test_what_is_no_json_breaks_nothing(desk: Desk, name: str, body: bytes) -> None:
    """M-29"""
    when = str(desk.time)
    mac = hmac.new(SECRET.encode(), when.encode() + b"." + body, "sha256").hexdigest()
    signature = base64.b64encode(SENDGRID.sign(when.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    headers = {
        "X-Open-Signal-Signature": f"t={when},v1={mac}",
        "X-Hook-Secret": SECRET,
        sendgrid.SIGNATURE: signature,
        sendgrid.TIMESTAMP: when,
    }

    answer = desk.session.post(f"{desk.url}hooks/{name}", data=body, headers=headers, timeout=20)

    assert answer.status_code in (200, 400, 401)


# --- Amazon -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_the_signature_are_verified_and_the_certificate_is_fetched_once(
    desk: Desk, version: str
) -> None:
    for number in range(3):
        event = {"eventType": "Send", "number": number}
        assert desk.ses(event, version=version).status_code == 200

    assert desk.sns.asked == ["/SimpleNotificationService-0123abcd.pem"]
    assert [row.kind for row in desk.room.rows(tables.bounces)] == ["other"] * 3


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123abcd.pem",  # another region's
        "https://evil.test/SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.test/SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.test/SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-west-1.amazonaws.com:444/SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-west-1.amazonaws.com/somebodys-bucket/evil.pem",
        "https://sns.eu-west-1.amazonaws.com\\@evil.test/SimpleNotificationService-0123abcd.pem",
        "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem",
        "file:///etc/passwd",
        "",
    ],
)
def test_no_certificate_from_anywhere_else_is_fetched(desk: Desk, url: str) -> None:
    """T-38"""
    answer = desk.ses({"eventType": "Send"}, SigningCertURL=url)

    assert answer.status_code == 403
    assert desk.sns.asked == []


@pytest.mark.parametrize("name", ["expired", "huge", "moved", "rubbish", "absent"])
def test_a_certificate_that_is_no_good_is_not_trusted_and_not_asked_for_at_once_again(desk: Desk, name: str) -> None:
    url = f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{name}.pem"

    answers = [desk.ses({"eventType": "Send"}, SigningCertURL=url).status_code for _ in range(3)]

    assert answers == [503, 503, 503]
    assert desk.sns.asked == [f"/SimpleNotificationService-{name}.pem"]
    assert desk.room.rows(tables.bounces) == []


def test_a_certificate_is_fetched_over_a_line_that_is_verified(sns: Amazon) -> None:
    path = "/SimpleNotificationService-0123abcd.pem"

    assert amazon.fetch(sns.url + path, tls=sns.trust) == sns.certificate
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        amazon.fetch(sns.url + path)
    with pytest.raises(OSError, match="https"):
        amazon.fetch("http://localhost/")


def test_a_subscription_is_confirmed_for_our_topic_only(desk: Desk) -> None:
    asked = {"Type": "SubscriptionConfirmation", "Token": "abc", "Message": "You have chosen to subscribe"}
    theirs = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x&Token=abc"

    ours = desk.ses({}, **asked, SubscribeURL=theirs)
    foreign = desk.ses({}, **asked, SubscribeURL=theirs, TopicArn=TOPIC + "-of-somebody")
    elsewhere = desk.ses({}, **asked, SubscribeURL="https://evil.test/?Action=ConfirmSubscription")

    assert [ours.status_code, foreign.status_code, elsewhere.status_code] == [200, 403, 403]
    assert [path for path in desk.sns.asked if "Action" in path] == [theirs.partition(".com")[2]]
    assert desk.room.rows(tables.bounces) == []


def test_a_forged_confirmation_is_not_followed(desk: Desk) -> None:
    message = desk.sns.message(desk.room.now, {}, Type="SubscriptionConfirmation", Token="a", SubscribeURL="https://a")
    message["SubscribeURL"] = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"

    assert desk.post("ses", message).status_code == 403
    assert not [path for path in desk.sns.asked if "Action" in path]


def test_a_complaint_by_way_of_ses_suppresses(desk: Desk) -> None:
    """M-27: of a letter whose Message-ID SES has replaced, the signed link is left."""
    [ref] = desk.room.people("angry@example.org")
    desk.room.send(ref)
    event = {
        "eventType": "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": "angry@example.org"}],
            "complaintFeedbackType": "abuse",
            "feedbackId": "1",
        },
        "mail": {
            "source": "signals@example.org",
            "headers": [{"name": "List-Unsubscribe", "value": desk.room.link(ref)}],
        },
    }

    desk.ses(event)
    desk.ses({**event, "eventType": "", "notificationType": "Complaint"})  # told by both of its ways

    assert desk.room.state(ref) is State.SUPPRESSED
    assert desk.room.reason() == ["complaint"]
    assert len(desk.room.rows(tables.bounces)) == 1


@pytest.mark.parametrize("topic", ["bounces", "arn:aws:sqs:eu-west-1:123456789012:bounces", "arn:aws:sns:a/b:1:c"])
def test_a_topic_that_cannot_be_one_is_named_at_the_start(topic: str) -> None:
    with pytest.raises(SettingsError, match="ses_topic"):
        AmazonHook(topic, lambda url: b"")


# --- the others ---------------------------------------------------------------------------------------------------------------


def test_a_token_of_mailgun_comes_with_one_event_only(desk_of_each: Desk) -> None:
    """Its signature does not cover the event: whoever saw one call could tell anything with it."""
    desk = desk_of_each
    [ref] = desk.room.people("reader@example.org")
    issue = desk.room.send(ref)
    harmless = {"event": "delivered", "id": "1"}

    first, again = desk.mailgun(harmless), desk.mailgun(harmless)
    other = desk.mailgun(_mailgun_bounce(desk.room, ref, issue, "reader@example.org"))

    assert [first.status_code, again.status_code, other.status_code] == [200, 200, 403]
    assert desk.room.state(ref) is State.ACTIVE


def test_tokens_are_forgotten_when_their_time_is_over(desk: Desk) -> None:
    desk.mailgun({"event": "delivered", "id": "1"}, token="t1")
    desk.room.days(1)
    desk.mailgun({"event": "delivered", "id": "2"}, token="t2")

    assert len(desk.room.rows(tables.calls)) == 1


@pytest.mark.parametrize(
    ("event", "state", "action"),
    [
        ({"event": "failed", "severity": "temporary"}, "active", "noted"),
        ({"event": "failed", "severity": "permanent", "delivery-status": {"code": 605}}, "active", "counted"),
        ({"event": "failed", "severity": "permanent", "reason": "suppress-complaint"}, "suppressed", "suppressed"),
        (
            {"event": "failed", "severity": "permanent", "reason": "suppress-unsubscribe"},
            "unsubscribed",
            "unsubscribed",
        ),
        ({"event": "unsubscribed"}, "unsubscribed", "unsubscribed"),
        ({"event": "complained"}, "suppressed", "suppressed"),
        ({"event": "something-new"}, "active", "noted"),
    ],
)
def test_what_mailgun_tells_is_understood(desk: Desk, event: dict[str, Any], state: str, action: str) -> None:
    [ref] = desk.room.people("reader@example.org")
    envelope = {"sender": desk.room.envelope(ref, desk.room.send(ref))}

    assert desk.mailgun({**event, "envelope": envelope}).status_code == 200

    assert (desk.room.state(ref), desk.room.actions()) == (state, [action])


@pytest.mark.parametrize(
    ("event", "state", "action"),
    [
        ({"RecordType": "Bounce", "Type": "Transient"}, "active", "noted"),
        ({"RecordType": "Bounce", "Type": "AutoResponder"}, "active", "noted"),
        ({"RecordType": "Bounce", "Type": "HardBounce"}, "active", "counted"),  # a word is no reason
        ({"RecordType": "Bounce", "Type": "Blocked"}, "active", "noted"),
        ({"RecordType": "Bounce", "Type": "BadEmailAddress"}, "suppressed", "suppressed"),
        ({"RecordType": "Bounce", "Type": "Unsubscribe"}, "unsubscribed", "unsubscribed"),
        ({"RecordType": "SpamComplaint", "Type": "SpamComplaint"}, "suppressed", "suppressed"),
        ({"RecordType": "Open"}, "active", "noted"),
        (
            {
                "RecordType": "SubscriptionChange",
                "SuppressSending": True,
                "SuppressionReason": "ManualSuppression",
                "Origin": "Recipient",
            },
            "unsubscribed",
            "unsubscribed",
        ),
    ],
)
def test_what_postmark_tells_is_understood(desk: Desk, event: dict[str, Any], state: str, action: str) -> None:
    [ref] = desk.room.people("reader@example.org")
    metadata = {"letter": desk.room.envelope(ref, desk.room.send(ref))}

    assert desk.postmark({**event, "Metadata": metadata, "Email": "reader@example.org"}).status_code == 200

    assert (desk.room.state(ref), desk.room.actions()) == (state, [action])


def test_postmark_may_bring_its_secret_in_a_header(desk: Desk) -> None:
    event = {"RecordType": "Open"}

    assert desk.post("postmark", event, X_Hook_Secret=SECRET).status_code == 200
    assert desk.post("postmark", event, X_Hook_Secret="another").status_code == 403
    assert desk.post("postmark", event, Authorization="Basic !!!").status_code == 403


@pytest.mark.parametrize(
    ("event", "state", "action"),
    [
        ({"event": "bounce", "type": "blocked", "reason": "go away"}, "active", "noted"),
        ({"event": "bounce", "type": "bounce", "reason": ""}, "active", "counted"),
        ({"event": "deferred", "response": "451 4.7.1 later"}, "active", "noted"),
        ({"event": "dropped", "reason": "Bounced Address"}, "active", "counted"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "suppressed", "suppressed"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribed", "unsubscribed"),
        ({"event": "group_unsubscribe"}, "unsubscribed", "unsubscribed"),
        ({"event": "spamreport"}, "suppressed", "suppressed"),
        ({"event": "open"}, "active", "noted"),
    ],
)
def test_what_sendgrid_tells_is_understood(desk: Desk, event: dict[str, Any], state: str, action: str) -> None:
    [ref] = desk.room.people("reader@example.org")
    envelope = desk.room.envelope(ref, desk.room.send(ref))

    assert desk.sendgrid([{**event, "email": "reader@example.org", "letter": envelope}]).status_code == 200

    assert (desk.room.state(ref), desk.room.actions()) == (state, [action])


def test_a_key_of_sendgrid_that_cannot_be_one_is_named_at_the_start() -> None:
    wrong = ec.generate_private_key(ec.SECP384R1()).public_key()
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for key in ("no key", base64.b64encode(wrong.public_bytes(*form)).decode()):
        with pytest.raises(SettingsError, match="sendgrid_key"):
            SendGridHook(key)


def test_our_own_hook_takes_many_events_at_once(desk: Desk) -> None:
    refs = desk.room.people("a@example.org", "b@example.org", "c@example.org")
    issue = desk.room.send(*refs)
    events = [_own_bounce(desk.room, ref, issue, "") for ref in refs[:2]]
    leaving = {"kind": "unsubscribe", "envelope_sender": desk.room.envelope(refs[2], issue)}

    answer = desk.own({"events": [*events, leaving, {"kind": "new"}, "no object", None]})

    assert answer.text == "taken in: 6\n"
    assert [desk.room.state(ref).value for ref in refs] == ["suppressed", "suppressed", "unsubscribed"]


def test_secrets_come_from_the_environment_and_are_long(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """T-45"""
    file = settings.root / "pyproject.toml"
    before = file.read_text()
    for name, value in (("mailgun_key", SECRET), ("bounces_url", "imaps://user:password@imap.example.org/INBOX")):
        file.write_text(f'{before}{name} = "{value}"\n')
        with pytest.raises(SettingsError, match=f"OPENSIGNAL_{name.upper()} in the environment") as caught:
            Settings.load(settings.root)
        assert value not in str(caught.value)
    file.write_text(f'{before}bounces_url = "/var/mail/bounces"\n')
    assert Settings.load(settings.root).bounces_url == "/var/mail/bounces"
    file.write_text(before)
    monkeypatch.setenv("OPENSIGNAL_MAILGUN_KEY", "short")
    with pytest.raises(SettingsError, match="shorter than 16"):
        Settings.load(settings.root)
    monkeypatch.setenv("OPENSIGNAL_MAILGUN_KEY", SECRET)
    assert SECRET not in repr(Settings.load(settings.root))


# --- whatever JSON comes ------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *("event", "events", "kind", "bounce", "mail", "headers", "name", "value", "notificationType", "Bounce"),
        *("bouncedRecipients", "RecordType", "Type", "Metadata", "Content", "delivery-status", "code", "envelope"),
        *("failed", "email", "reason", "Email", "id", "ID", "Complaint", "complaint", "complainedRecipients"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@hypothesis_settings(max_examples=150)
@given(event=JSON)
def test_no_event_breaks_its_reader(event: Any) -> None:
    """M-29"""
    body = json.dumps(event).encode()
    mac = hmac.new(SECRET.encode(), b"1764000000." + body, "sha256").hexdigest()
    call = Call(
        {"x-open-signal-signature": f"t=1764000000,v1={mac}"}, body, dt.datetime.fromtimestamp(1764000000, dt.UTC)
    )

    for read in (mailgun._news, postmark._news, sendgrid._news, functools.partial(amazon._news, message_id="1")):
        assert len(read(event).key) == 64  # type: ignore[operator]
    with contextlib.suppress(Refused):
        assert all(len(news.key) == 64 for news in OwnHook(SECRET).read(call))
