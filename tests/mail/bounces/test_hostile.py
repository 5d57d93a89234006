"""M-29, R-12: no mail makes the reader of bounces crash, hang or run out of memory."""

from __future__ import annotations

import base64
import os
import random
import signal
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mail.bounces.mime import MOST_BYTES
from pipeline.mail.bounces.read import read
from pipeline.mail.bounces.reader import Reader
from pipeline.mail.bounces.reading import Kind, Reading
from tests.mail.bounces.corpus import samples

SECONDS = 5.0  # of processor time, on a busy machine; most take a hundredth
CORPUS = [sample.raw for sample in samples()]
REPORT = next(sample.raw for sample in samples() if sample.file.name == "postfix-01.eml")
HEADER = b"From: MAILER-DAEMON@example.com\nTo: b@example.org\nSubject: Undelivered Mail Returned to Sender\n"


def _nested(depth: int, body: bytes = b"") -> bytes:
    return b"Content-Type: message/rfc822\n\n" * depth + HEADER + b"\n" + body


def _multipart_nested(depth: int) -> bytes:
    return b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth))


BOMBS = {
    "1,000 mails in each other": HEADER + _nested(1_000),
    "40,000 mails in each other": HEADER + _nested(30_000),
    "1,000 multiparts in each other": HEADER + _multipart_nested(1_000),
    "10,000 parts": HEADER + b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 10_000 + b"--b--\n",
    "100,000 empty parts": HEADER + b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\n" * 100_000,
    "one header of a megabyte": b"Subject: " + b"a" * MOST_BYTES,
    "100,000 headers": b"X: y\n" * 100_000 + b"\nbody",
    "a folded header of 500,000 lines": b"Subject: x\n" + b" y\n" * 200_000,
    "encoded words without end": HEADER.replace(b"Undelivered", b"=?utf-8?B?" * 50_000),
    "open encoded words": b"Subject: " + b"=?utf-8?Q?a?= " * 50_000 + b"\n\n",
    "10,000 recipients": REPORT.replace(
        b"Action: failed\n", b"".join(b"Final-Recipient: rfc822; r%d@example.com\nAction: failed\n\n" % n for n in range(10_000))
    ),
    "100,000 addresses": HEADER + b"\nYour mail could not be delivered to:\n" + b"<a@example.com>\n" * 60_000,
    "one line of addresses": HEADER + b"\nYour mail could not be delivered to: " + b"a@example.com, " * 60_000,
    "at signs": HEADER + b"\ncould not be delivered\n" + b"@" * 500_000,
    "letters without an at sign": HEADER + b"\ncould not be delivered\n" + b"a" * 500_000,
    "dots": HEADER + b"\ncould not be delivered\na@" + b"a." * 250_000,
    "open tags": HEADER + b"Content-Type: text/html\n\n" + b"<" * 500_000,
    "unclosed styles": HEADER + b"Content-Type: text/html\n\n" + b"<style>" * 70_000,
    "open comments": HEADER + b"Content-Type: text/html\n\n" + b"<!--" * 120_000,
    "character references": HEADER + b"Content-Type: text/html\n\n" + b"&#x41;&lt;" * 50_000,
    "blanks": HEADER + b"\nbecause" + b" " * 500_000 + b"of\n" * 10,
    "dashes": HEADER + b"\n" + b"-" * 500_000 + b"\n" + b"-- \n" * 100_000,
    "your your your": HEADER + b"\n" + b"your mail exceeds the maximum number of " * 20_000,
    "colons": HEADER + b"\n" + b"to: " * 200_000,
    "quotes": HEADER + b"\n" + b'"' * 500_000 + b"@example.com",
    "NUL bytes": REPORT.replace(b"\n", b"\0\n\0") + b"\0" * 100_000,
    "broken base64": HEADER + b"Content-Transfer-Encoding: base64\n\n" + b"=====A" * 100_000,
    "broken quoted-printable": HEADER + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=X=" * 150_000,
    "a charset that does not exist": HEADER + b"Content-Type: text/plain; charset=\"x'\\\"\\0-8\"\n\n\xff\xfe",
    "charsets that are none": HEADER + b"Content-Type: text/plain; charset=zip\n\n" + base64.b64encode(b"x" * 1000),
    "an idna charset": HEADER + b"Content-Type: text/plain; charset=idna\n\n" + b"a." * 100_000,
    "unicode escapes": HEADER + b"Content-Type: text/plain; charset=unicode_escape\n\n" + b"\\N{BULLET" * 20_000,
    "JSON in JSON": HEADER + b"\n{\"notificationType\":" + b"[" * 100_000,
    "numbers without end": HEADER + b"\n550 " + b"5.1." * 100_000,
    "surrogates": HEADER + b"Content-Type: text/plain; charset=utf-16\n\n" + b"\xd8\x00" * 1000,
    "utf-7": HEADER + b"Content-Type: text/plain; charset=utf-7\n\n" + b"+2AA-" * 1000,
    "hexadecimal addresses": REPORT.replace(b"rfc822;", b"utf-8; " + b"\\x{FFFFFFFF}" * 1000),
    "nothing": b"",
    "one byte": b"\xff",
    "only line ends": b"\r\n" * 400_000,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_read_in_bounded_time(name: str) -> None:
    """M-29"""
    before = time.process_time()

    reading = read(BOMBS[name])

    assert isinstance(reading, Reading)
    assert time.process_time() - before < SECONDS


def _mutated(number: int) -> bytes:
    """A mail of the corpus after some accidents: bytes changed, cut, doubled, put into each other."""
    chance = random.Random(number)
    raw = bytearray(CORPUS[number % len(CORPUS)])
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(8):
            case 0:
                raw = raw[:at]
            case 1:
                raw = raw[at:]
            case 2:
                raw[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 30)))
            case 3:
                for _ in range(min(len(raw), 20)):
                    raw[chance.randrange(len(raw))] = chance.randrange(256)
            case 4:
                lines = raw.split(b"\n")
                chance.shuffle(lines)
                raw = bytearray(b"\n".join(lines))
            case 5:
                raw = bytearray(b"\n".join(line for line in raw.split(b"\n") for _ in range(chance.randint(1, 2))))
            case 6:
                raw[at:at] = CORPUS[chance.randrange(len(CORPUS))]
            case _:
                raw = bytearray(_nested(chance.randint(1, 5), bytes(raw)))
    return bytes(raw)


def test_no_accident_to_a_mail_makes_the_reader_fail_or_hang() -> None:
    """R-12: each mail of the corpus, mutated; the seed is the number."""
    for number in range(2 * len(CORPUS)):
        before = time.process_time()
        try:
            reading = read(_mutated(number))
        except Exception as error:  # whichever it is, the number makes it again
            pytest.fail(f"mutation {number}: {type(error).__name__}: {error}")
        assert isinstance(reading, Reading)
        assert time.process_time() - before < SECONDS, number


@given(st.binary(max_size=3_000))
@settings(max_examples=150)
def test_bytes_that_are_no_mail_are_no_bounce_and_no_error(raw: bytes) -> None:
    """R-12"""
    assert isinstance(read(raw), Reading)


@given(st.data())
@settings(max_examples=150)
def test_a_mail_cut_and_mended_anywhere_is_read(data: st.DataObject) -> None:
    """R-12, ARF and delivery reports among them"""
    one, other = data.draw(st.sampled_from(CORPUS)), data.draw(st.sampled_from(CORPUS))
    begin, end = data.draw(st.integers(0, len(one))), data.draw(st.integers(0, len(other)))

    assert isinstance(read(one[:begin] + data.draw(st.binary(max_size=60)) + other[end:]), Reading)


def test_the_child_reads_as_one_would_here() -> None:
    some = CORPUS[::8]

    with Reader() as reader:
        there = [reader.read(raw) for raw in some]

    assert there == [read(raw) for raw in some]


def test_a_child_that_dies_takes_one_mail_with_it_and_the_rest_goes_on() -> None:
    """M-29"""
    with Reader(seconds=1) as reader:
        assert reader.read(REPORT).kind is Kind.BOUNCE
        assert reader._child is not None
        os.kill(reader._child._process.pid, signal.SIGSTOP)

        lost = reader.read(REPORT)
        next_one = reader.read(REPORT)

    assert (lost.kind, lost.recipients) == (Kind.OTHER, ())
    assert lost.reason == "cannot be read: not done within 1 seconds and 512 MB"
    assert next_one.kind is Kind.BOUNCE


def test_of_a_mail_without_end_a_megabyte_is_read() -> None:
    """M-29"""
    with Reader() as reader:
        reading = reader.read(REPORT + b"x" * (20 * MOST_BYTES))

    assert reading.kind is Kind.BOUNCE
