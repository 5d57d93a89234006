"""Stamping: the same letter for everybody, but for what is theirs."""

from __future__ import annotations

import base64
import email
import email.policy

from hypothesis import given
from hypothesis import strategies as st

from pipeline.mail import tokens, verp
from pipeline.mail.message import build_message
from pipeline.mail.smtp import dot_stuffed
from pipeline.mail.stamp import BLANKS, Stamp
from pipeline.mail.tokens import Purpose
from pipeline.mail.verp import About, Kind
from tests.builders import NOW

KEY = bytes(range(32))


def _message(text: str) -> bytes:
    return build_message(
        sender=("Deep Signals", "signals@example.org"),
        to=BLANKS["recipient"],
        subject="A subject",
        text=text,
        html=f"<p>{text}</p>",
        date=NOW,
        message_id=f"<{BLANKS['message_id']}@example.org>",
        headers={"List-Unsubscribe": f"<https://example.org/unsubscribe/{BLANKS['unsubscribe']}>"},
    )


def test_a_copy_carries_the_subscribers_own_address_and_links() -> None:
    ref = tokens.new_ref()
    stamp = Stamp(
        _message(f"Leave: https://example.org/unsubscribe/{BLANKS['unsubscribe']}"), issue_key="i", token_key=KEY
    )

    copy = email.message_from_bytes(stamp.copy_for(email="a@example.org", ref=ref), policy=email.policy.default)

    token = tokens.sign(KEY, Purpose.UNSUBSCRIBE, ref)
    assert copy["To"] == "a@example.org"
    assert copy["List-Unsubscribe"] == f"<https://example.org/unsubscribe/{token}>"
    assert copy.get_body(("plain",)).get_content().strip() == f"Leave: https://example.org/unsubscribe/{token}"
    assert token in copy.get_body(("html",)).get_content()


def test_an_address_that_is_longer_than_its_blank_stays_whole() -> None:
    """M-04: the recipient stands alone on its line, as long as it is."""
    long = f"{'a' * 60}@{'b' * 60}.example.org"
    stamp = Stamp(_message("x"), issue_key="i", token_key=KEY)

    for copy in (stamp.copy_for(email=long, ref=tokens.new_ref()), stamp.wire_for(email=long, ref=tokens.new_ref())):
        assert f"\r\nTo: {long}\r\n".encode() in copy


@given(before=st.text(alphabet="ab =é", max_size=90), after=st.text(alphabet="ab", max_size=40))
def test_a_blank_is_filled_wherever_the_encoding_breaks_its_line(before: str, after: str) -> None:
    ref = tokens.new_ref()
    stamp = Stamp(_message(f"x{before}{BLANKS['preferences']}{after}"), issue_key="i", token_key=KEY)

    copy = stamp.copy_for(email="a@example.org", ref=ref)

    plain = email.message_from_bytes(copy, policy=email.policy.default).get_body(("plain",)).get_content()
    assert plain.strip() == f"x{before}{tokens.sign(KEY, Purpose.PREFERENCES, ref)}{after}".strip()
    assert max(len(line) for line in copy.split(b"\r\n\r\n", 1)[1].split(b"\r\n")) <= 78
    assert b"qzblank" not in copy.replace(b"=\r\n", b"")


# --- over the wire -----------------------------------------------------------------------------------------------------------

LINES = st.lists(
    st.one_of(
        st.sampled_from([".", "..", ".x", "", "a", ". .", "x" * 80 + ".", "." * 90]),
        st.sampled_from(list(BLANKS.values())),
    ),
    max_size=8,
)


@given(LINES, st.sampled_from(["a@example.org", ".dot@example.org"]))
def test_the_wire_form_is_the_letter_with_its_dots_doubled_and_a_final_one(lines: list[str], email_: str) -> None:
    """RFC 5321 4.5.2, wherever a blank stands: also where what fills it begins a line, with a dot."""
    head = f"From: a@example.org\r\nTo: {BLANKS['recipient']}\r\n\r\n"
    message = (head + "".join(f"{line}\r\n" for line in lines)).encode()
    stamp, ref = Stamp(message, issue_key="i", token_key=KEY), tokens.new_ref()

    wire = stamp.wire_for(email=email_, ref=ref, confirmed_at=NOW)

    plain = stamp.copy_for(email=email_, ref=ref, confirmed_at=NOW)
    assert b"qzblank" not in plain
    assert wire == dot_stuffed(plain)
    assert wire.endswith(b"\r\n.\r\n")
    assert b"\r\n.\r\n" not in wire[:-2]


def test_a_letter_without_a_last_line_end_gets_one_before_the_final_dot() -> None:
    stamp = Stamp(b"From: a@example.org\r\n\r\nlast", issue_key="i", token_key=KEY)

    assert stamp.wire_for(email="a@example.org", ref=tokens.new_ref()).endswith(b"\r\n\r\nlast\r\n.\r\n")


# --- base64 ------------------------------------------------------------------------------------------------------------------


@given(
    before=st.text(alphabet="ab é字\n", max_size=90),
    after=st.text(alphabet="ab字", max_size=40),
    name=st.sampled_from(["unsubscribe", "preferences", "leave", "confirmed"]),
)
def test_a_blank_is_filled_in_base64_too_however_it_meets_it(before: str, after: str, name: str) -> None:
    """M-09: three bytes become four letters, so a blank begins in the first, second or third of them."""
    body = f"{before}{BLANKS[name]}{after} | {BLANKS['preferences']}\n"
    message = b"To: x\r\n\r\n" + base64.encodebytes(body.encode()).replace(b"\n", b"\r\n")
    stamp, ref = Stamp(message, issue_key="i", token_key=KEY), tokens.new_ref()

    copy = stamp.copy_for(email="a@example.org", ref=ref, confirmed_at=NOW)

    values = {
        "confirmed": "2026-11-23",
        "unsubscribe": tokens.sign(KEY, Purpose.UNSUBSCRIBE, ref),
        "preferences": tokens.sign(KEY, Purpose.PREFERENCES, ref),
        "leave": verp.local_part(KEY, About(Kind.LEAVE, ref)),
    }
    decoded = base64.decodebytes(copy.partition(b"\r\n\r\n")[2]).decode()
    assert decoded == f"{before}{values[name]}{after} | {values['preferences']}\n"
    assert [len(line) for line in copy.split(b"\r\n")] == [len(line) for line in message.split(b"\r\n")]


# --- the same bytes ----------------------------------------------------------------------------------------------------------


def test_the_same_letter_to_the_same_subscriber_has_the_same_bytes() -> None:
    """M-07, M-08: a repeat after a crash can be told by its Message-ID and differs in nothing."""
    ref = tokens.new_ref()

    copies = {
        Stamp(_message("text"), issue_key="daily-2026-11-23", token_key=KEY).copy_for(email="a@example.org", ref=ref)
        for _ in range(3)
    }

    assert len(copies) == 1


def test_message_ids_differ_by_issue_and_by_subscriber() -> None:
    one, two = tokens.new_ref(), tokens.new_ref()

    ids = {
        email.message_from_bytes(
            Stamp(_message("text"), issue_key=issue, token_key=KEY).copy_for(email="a@example.org", ref=ref)
        )["Message-ID"]
        for issue in ("daily-2026-11-22", "daily-2026-11-23")
        for ref in (one, two)
    }

    assert len(ids) == 4
