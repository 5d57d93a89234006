"""M-24, M-26, M-27, M-38: what a mail that came back is, whom it names, and where a signature of ours may stand in it."""

from __future__ import annotations

from pipeline.mail.bounces.read import read
from pipeline.mail.bounces.reading import Kind
from pipeline.model import BounceClass

LETTER = b"""Return-Path: <b-abc-1-def@bounce.example.org>
From: Deep Signals <signals@example.org>
To: reader@example.com
Subject: Today
Message-ID: <daily-2026-11-23.0123456789abcdef0123456789abcdef@example.org>
List-Unsubscribe: <https://deepsignals.example.org/unsubscribe/token>,
 <mailto:u-abc-def@bounce.example.org?subject=unsubscribe>

Hello
"""
REPORT = (
    b"""Return-Path: <>
Delivered-To: b-abc-1-def@bounce.example.org
From: MAILER-DAEMON@mx.example.com (Mail Delivery System)
To: b-abc-1-def@bounce.example.org
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="xyz"

--xyz

<reader@example.com>: host mail.example.com said: 550 5.1.1 no such user here

--xyz
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Original-Envelope-Id: 4711

Final-Recipient: rfc822; reader@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such
 user here

--xyz
Content-Type: message/rfc822

"""
    + LETTER
    + b"\n--xyz--\n"
)


def test_a_delivery_report_says_whom_and_why() -> None:
    reading = read(REPORT)

    assert reading.kind is Kind.BOUNCE
    (recipient,) = reading.recipients
    assert recipient.address == "reader@example.com"
    assert recipient.bounce_class is BounceClass.ADDRESS
    assert (recipient.status, recipient.code, recipient.diagnostic) == ("5.1.1", 550, "550 5.1.1 no such user here")


def test_every_place_where_a_signature_of_ours_may_stand_is_handed_on() -> None:
    """M-24"""
    returned = read(REPORT).returned

    assert returned.came_to == ("b-abc-1-def@bounce.example.org",)
    assert returned.envelope[0] == "b-abc-1-def@bounce.example.org"
    assert returned.unsubscribe == ("https://deepsignals.example.org/unsubscribe/token", "u-abc-def@bounce.example.org")
    assert returned.message_ids == ("daily-2026-11-23.0123456789abcdef0123456789abcdef@example.org",)
    assert returned.envelope_ids == ("4711",)
    assert (returned.sender, returned.subject) == ("signals@example.org", "Today")


def test_a_delay_and_a_delivery_are_no_failures() -> None:
    """M-24"""
    assert read(REPORT.replace(b"failed", b"delayed").replace(b"5.1.1", b"4.4.7")).kind is Kind.DELAY
    assert read(REPORT.replace(b"failed", b"relayed").replace(b"5.1.1", b"2.1.5")).kind is Kind.DELIVERED
    assert read(REPORT.replace(b"failed", b"expanded").replace(b"5.1.1", b"2.1.5")).kind is Kind.DELIVERED


def test_a_holiday_with_a_null_return_path_is_no_bounce() -> None:
    """M-24, M-38"""
    mail = (
        b"Return-Path: <>\nFrom: reader@example.com\nTo: signals@example.org\nSubject: Out of office: Today\n"
        b"Auto-Submitted: auto-replied\n\nI am on holiday. My address old@example.com does not exist any more.\n"
    )

    assert read(mail).kind is Kind.AUTO_REPLY


def test_an_address_beyond_ascii_is_read_and_nobody_is_blamed_where_it_cannot_be_carried() -> None:
    """M-26, RFC 6533"""
    mail = (
        REPORT.replace(b"message/delivery-status", b"message/global-delivery-status")
        .replace(b"Final-Recipient: rfc822; reader@example.com", "Final-Recipient: utf-8; jörg@bücher.example".encode())
        .replace(b"To: reader@example.com", "To: jörg@bücher.example".encode())
        .replace(b"5.1.1", b"5.6.7")
        .replace(b"no such\n user here", b"address needs SMTPUTF8")
    )

    (recipient,) = read(mail).recipients

    assert recipient.address == "jörg@bücher.example"
    assert recipient.bounce_class is BounceClass.POLICY


def test_a_person_who_sends_our_letter_back_and_speaks_of_failures_is_no_bounce() -> None:
    mail = (
        b"Return-Path: <reader@example.com>\nFrom: Reader <reader@example.com>\nTo: signals@example.org\nSubject: Today\n"
        b'Content-Type: multipart/mixed; boundary="xyz"\n\n--xyz\n\nMy friend says this could not be delivered: user unknown.\n'
        b"\n--xyz\nContent-Type: message/rfc822\n\n" + LETTER + b"\n--xyz--\n"
    )

    assert read(mail).kind is Kind.OTHER
