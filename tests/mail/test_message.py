"""A message says what we mean: its headers once each, lines short, and nothing in a text can add to them."""

from __future__ import annotations

import email
import email.policy
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.mail.message import build_message, clean_text
from tests.builders import NOW

LONG = "https://mail.deepsignals.example.org/unsubscribe/" + "a" * 90


def _build(subject: str = "Subject", text: str = "text\n", name: str = "Deep Signals") -> bytes:
    return build_message(
        sender=(name, "signals@example.org"),
        to="a@example.org",
        subject=subject,
        text=text,
        html="<p>text</p>",
        date=NOW,
        message_id="<1@example.org>",
        headers={
            "List-Unsubscribe": f"<{LONG}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": "<deep-signals.example.org>",
        },
    )


def test_a_long_unsubscribe_address_is_never_encoded() -> None:
    """M-12: an encoded-word in List-Unsubscribe takes the button away."""
    raw = _build()

    assert f"\r\nList-Unsubscribe: <{LONG}>\r\n".encode() in raw


def test_the_text_comes_first_and_both_parts_are_utf_8() -> None:
    """M-09."""
    message = email.message_from_bytes(_build(text="Grüße\n"), policy=email.policy.default)

    parts = list(message.iter_parts())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in parts] == ["utf-8", "utf-8"]
    assert parts[0].get_content().split() == ["Grüße"]


@given(st.text(max_size=120))
@example("Power\r\nBcc: evil@example.com")
@example("=?utf-8?q?hi=0D=0ABcc:_evil@example.com?=")
@example("=?utf-8?b?SGkNCkJjYzogZXZpbEBleGFtcGxlLmNvbQ==?=")
@example("a\x00b\x1b[31mc\u202edrow\u2028next")
@example("é" * 120)
def test_no_text_can_add_a_header(hostile: str) -> None:
    """M-04, M-05, M-06: the names of the headers are those we meant; no control characters; encoded-words of 75 octets at most."""
    raw = _build(subject=hostile, name=hostile or "x", text=hostile)

    head = raw.partition(b"\r\n\r\n")[0]
    names = sorted(name.lower() for name in email.message_from_bytes(raw).keys())  # noqa: SIM118
    assert names == sorted(
        "from to subject date message-id mime-version content-type list-unsubscribe list-unsubscribe-post list-id".split()
    )
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert all(len(word) <= 76 for word in re.findall(rb"=\?[^ ?]+\?[qbQB]\?[^?]*\?=", head))
    decoded = str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"])
    assert not any(c in decoded for c in "\r\n\0\u202e")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  two \t words\n", "two words"),
        ("abc\u202edef", "abcdef"),
        ("a\u2028b", "a b"),
        ("x" * 300, "x" * 200),
        ("cafe\u0301", "café"),
    ],
)
def test_header_text_is_one_clean_line(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned
