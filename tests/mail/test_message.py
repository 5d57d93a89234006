"""A message says what we mean: its headers once each, lines short, and nothing in a text can add to them."""

from __future__ import annotations

import email
import email.header
import email.policy
import random
import re
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.errors import ContentError
from pipeline.mail.message import MAX_HEADER_TEXT, build_message, clean_text, encoded_body, phrase, unstructured
from tests.builders import NOW

LONG = "https://mail.deepsignals.example.org/unsubscribe/" + "a" * 90
INTENDED = (
    "from to subject date message-id mime-version content-type list-unsubscribe list-unsubscribe-post list-id".split()
)
HOSTILE = [
    "Power\r\nBcc: evil@example.com",
    "Power\nBcc: evil@example.com\n\nand a body",
    "Power\r\n\r\n<html>",
    "=?utf-8?q?hi=0D=0ABcc:_evil@example.com?=",
    "=?utf-8?b?SGkNCkJjYzogZXZpbEBleGFtcGxlLmNvbQ==?=",
    "=?us-ascii?q?=0D=0A?= =?utf-8?q?Bcc:_evil@example.com?=",
    "=\u202e?utf-8?q?=0ABcc:_evil@example.com?=",
    "=\x00?utf-8?q?=0ABcc:_evil@example.com?=",
    "a\x00b\x1b[31mc\u202edrow\u2028next\u2029and\x85on",
    "\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d",
    'x" <evil@example.com>, "y',
    "a <evil@example.com>",
    "evil@example.com, other@example.com",
    'x (comment) \\ " ; : , . [ ]',
    "é" * 120,
    "字" * 200,
    "👩‍👩‍👧‍👦" * 40,
    "word " * 60,
    "x" * 400,
    "e\u0301" * 150,
    "\ud800 half a character \udfff",
    "\t \t",
    "",
]


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
            "List-Id": [*phrase("List-Id", clean_text(name)), "<deep-signals.example.org>"],
        },
    )


def head_of(raw: bytes) -> list[str]:
    return raw.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")


def must_be_as_meant(raw: bytes) -> None:
    """M-03, M-04, M-06, read from the bytes."""
    lines = head_of(raw)
    assert sorted(line.partition(":")[0].lower() for line in lines if line[:1] not in (" ", "\t")) == sorted(INTENDED)
    assert all(line.strip() for line in lines)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    for line in lines:
        words = re.findall(r"=\?[^ ?]+\?[qb]\?[^?]*\?=", line)
        assert all(len(word) <= 75 for word in words)
        assert not words or len(line) <= 76
        for word in words:
            [(octets, charset)] = email.header.decode_header(word)
            octets.decode(charset)  # whole characters only


def decoded_name(raw: bytes) -> str:
    """The name before the sender's address. Python's own reader of addresses leaves spaces between encoded-words."""
    value = re.sub(r"\s*<signals@example\.org>$", "", str(email.message_from_bytes(raw)["From"]).replace("\r\n", ""))
    shown = str(email.header.make_header(email.header.decode_header(value)))
    quoted = re.fullmatch(r'"(.*)"', shown)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted and not value.startswith("=?") else shown


# --- headers -----------------------------------------------------------------------------------------------------------------


def test_a_long_unsubscribe_address_is_never_encoded() -> None:
    """M-12: an encoded-word in List-Unsubscribe takes the button away."""
    raw = _build()

    assert f"\r\nList-Unsubscribe: <{LONG}>\r\n".encode() in raw


@given(st.text(max_size=220))
@hypothesis_settings(max_examples=300)
def test_no_text_can_add_a_header(hostile: str) -> None:
    """M-04, M-05, M-06: the names of the headers are those we meant, in the subject, the sender's name and the list's alike."""
    raw = _build(subject=hostile, name=hostile, text=hostile)

    must_be_as_meant(raw)
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert str(found["Subject"]) == clean_text(hostile)
    assert [a.addr_spec for a in found["From"].addresses] == ["signals@example.org"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_m05_known_tricks_stay_words(hostile: str) -> None:
    """CVE-2024-6923 among them: a reader decodes the header to the very words, and to nothing more."""
    raw = _build(subject=hostile, name=hostile, text=hostile)

    must_be_as_meant(raw)
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert str(found["Subject"]) == clean_text(hostile)
    [sender] = found["From"].addresses
    assert sender.addr_spec == "signals@example.org"
    assert decoded_name(raw) == clean_text(hostile)
    assert found["Bcc"] is None
    for shown in (str(found["Subject"]), sender.display_name):
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in shown)
        assert not re.search("[\u2028\u2029\u202a-\u202e\u2066-\u2069]|=\\?", shown)


def test_m03_ten_thousand_letters_of_odd_text_are_all_as_meant() -> None:
    """M-03: lines, line ends and headers, over 10,000 subjects, names and texts put together from what has broken mail before."""
    for subject, name, text in _odd_letters(10_000):
        raw = _build(subject=subject, name=name, text=text)

        must_be_as_meant(raw)
        assert max(len(line) for line in raw.partition(b"\r\n\r\n")[2].split(b"\r\n")) <= 78


def _odd_letters(number: int) -> Iterator[tuple[str, str, str]]:
    chance = random.Random(3)
    pieces = [
        *HOSTILE,
        " ",
        "\n",
        "\r",
        "\t",
        "\0",
        "=",
        "?",
        "=?",
        "?=",
        "=3D",
        "=\r\n",
        ".",
        "..",
        "é",
        "字",
        "a",
        "Bcc:",
        "\x0b",
        "\x7f",
    ]

    def text(most: int) -> str:
        return "".join(chance.choices(pieces, k=chance.randrange(most)))

    for _ in range(number):
        yield text(4), text(3), text(5)


@given(text=st.text(max_size=200), name=st.sampled_from(["Subject", "List-Id", "X" * 30]))
@example(text="é" * 33, name="Subject")
@hypothesis_settings(max_examples=300)
def test_m06_encoded_words_are_short_whole_and_give_back_the_text(text: str, name: str) -> None:
    """RFC 2047 2: at most 75 octets, lines of at most 76; CPython 3.11 makes them 76, and 424 with longer lines."""
    clean = clean_text(text)
    for words in (unstructured(name, clean), phrase(name, clean)):
        for place, word in enumerate(words):
            if word.startswith("=?utf-8?"):
                assert len(word) <= (76 - len(f"{name}: ") if place == 0 else 75)
        shown = str(email.header.make_header(email.header.decode_header(" ".join(words))))
        quoted = re.fullmatch(r'"(.*)"', shown)
        assert shown == clean or (quoted and re.sub(r"\\(.)", r"\1", quoted[1]) == clean)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  two \t words\n", "two words"),
        ("abc\u202edef", "abcdef"),
        ("a\u2028b", "a b"),
        ("x" * 300, "x" * MAX_HEADER_TEXT),
        ("cafe\u0301", "café"),
        ("=\u202e?utf-8?q?x?=", "= ?utf-8?q?x?="),
    ],
)
def test_header_text_is_one_clean_line(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


def test_m04_a_header_that_nobody_meant_fails_the_letter() -> None:
    """The last look, should all before it have missed something."""
    with pytest.raises(ContentError, match=r"would have the headers .*look for odd characters"):
        build_message(
            sender=("Deep Signals", "signals@example.org"),
            to="a@example.org",
            subject="x",
            text="x",
            html="x",
            date=NOW,
            message_id="<1@example.org>",
            headers={"X-Odd: yes and": "no"},
        )


# --- parts -------------------------------------------------------------------------------------------------------------------


def test_the_text_comes_first_and_both_parts_are_utf_8() -> None:
    """M-09."""
    message = email.message_from_bytes(_build(text="Grüße\n"), policy=email.policy.default)

    parts = list(message.iter_parts())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in parts] == ["utf-8", "utf-8"]
    assert parts[0].get_content() == "Grüße\r\n"


@given(st.text(max_size=400))
@example(". a dot\n.\n..\nFrom here\n")
@example("trailing \t\n" * 3)
@example("x" * 75 + "é" * 30)
@hypothesis_settings(max_examples=300)
def test_m09_a_part_gives_back_its_text_in_short_lines(text: str) -> None:
    """M-09: quoted-printable, or base64 where that is shorter; control characters are dropped, line ends are one kind."""
    raw = _build(text=text)

    part = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
    assert part is not None
    kept = "".join(c for c in re.sub("\r\n?", "\n", text) if c in "\n\t" or unicodedata.category(c) != "Cc")
    assert part.get_content().replace("\r\n", "\n") == kept.rstrip("\n") + "\n"
    encoding, body = encoded_body(text)
    assert part["Content-Transfer-Encoding"] == encoding
    lines = body.split(b"\r\n")
    assert max(len(line) for line in lines) <= 76
    assert not [line for line in lines if line.startswith((b".", b"From "))]
    assert not [line for line in lines if line.endswith((b" ", b"\t"))]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Plain words.", "quoted-printable"),
        ("Größere Städte planen neue Netze, und alle zahlen gemeinsam dafür.", "quoted-printable"),
        ("Η αγορά ενέργειας", "base64"),
    ],
)
def test_m09_base64_is_for_text_that_is_mostly_not_latin(text: str, encoding: str) -> None:
    assert encoded_body(text)[0] == encoding
