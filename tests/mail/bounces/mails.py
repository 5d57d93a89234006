"""Mails that come back, as mail servers and providers write them."""

from __future__ import annotations


def postfix_bounce(
    *,
    to: str,
    recipient: str,
    status: str = "5.1.1",
    said: str = "550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table",
    headers: str = "",
    action: str = "failed",
) -> bytes:
    """What Postfix sends to a letter's envelope sender; *headers* are those of the letter."""
    diagnostic = said.format(recipient=recipient)
    return f"""\
Return-Path: <>
Received: by mx.example.org (Postfix) id 4Qx; Mon, 23 Nov 2026 09:00:00 +0000 (UTC)
Date: Mon, 23 Nov 2026 09:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="4Qx.1/mx.example.org"
Message-Id: <20261123090000.4Qx@mx.example.org>

This is a MIME-encapsulated message.

--4Qx.1/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<{recipient}>: host mail.example.org[192.0.2.25] said: {diagnostic} (in reply to RCPT TO command)

--4Qx.1/mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4Qx
Arrival-Date: Mon, 23 Nov 2026 08:59:59 +0000 (UTC)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; {diagnostic}

--4Qx.1/mx.example.org
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

From: Deep Signals <signals@example.org>
To: {recipient}
Subject: A subject
{headers}Date: Mon, 23 Nov 2026 08:59:58 +0000

--4Qx.1/mx.example.org--
""".replace("\n", "\r\n").encode()


def feedback_report(*, feedback: str = "abuse", headers: str = "") -> bytes:
    """A complaint in the form of RFC 5965, the recipient made unreadable; *headers* are those of the letter."""
    return f"""\
From: <staff@provider.test>
To: <fbl@bounce.example.org>
Date: Mon, 23 Nov 2026 09:00:00 +0000
Subject: FW: A subject
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain; charset=us-ascii

This is an email abuse report for an email message received from 192.0.2.1.

--part
Content-Type: message/feedback-report

Feedback-Type: {feedback}
User-Agent: Provider/1.0
Version: 1
Original-Mail-From: <signals@example.org>
Source-IP: 192.0.2.1

--part
Content-Type: message/rfc822

From: Deep Signals <signals@example.org>
To: redacted@provider.test
Subject: A subject
{headers}Date: Mon, 23 Nov 2026 08:59:58 +0000
Content-Type: text/plain

News.
--part--
""".replace("\n", "\r\n").encode()


def plain_mail(*, to: str, subject: str = "unsubscribe", headers: str = "") -> bytes:
    """What a person's mail program writes."""
    return f"""\
From: A Reader <reader@provider.test>
To: {to}
{headers}Subject: {subject}
Date: Mon, 23 Nov 2026 09:00:00 +0000
Message-ID: <1@provider.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

""".replace("\n", "\r\n").encode()
