"""Stamping: the same letter for everybody, but for what is theirs."""

from __future__ import annotations

import email
import email.policy

from hypothesis import given
from hypothesis import strategies as st

from pipeline.mail import tokens
from pipeline.mail.message import build_message
from pipeline.mail.stamp import BLANKS, Stamp
from pipeline.mail.tokens import Purpose
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


@given(before=st.text(alphabet="ab =é", max_size=90), after=st.text(alphabet="ab", max_size=40))
def test_a_blank_is_filled_wherever_the_encoding_breaks_its_line(before: str, after: str) -> None:
    ref = tokens.new_ref()
    stamp = Stamp(_message(f"x{before}{BLANKS['preferences']}{after}"), issue_key="i", token_key=KEY)

    copy = stamp.copy_for(email="a@example.org", ref=ref)

    plain = email.message_from_bytes(copy, policy=email.policy.default).get_body(("plain",)).get_content()
    assert plain.strip() == f"x{before}{tokens.sign(KEY, Purpose.PREFERENCES, ref)}{after}".strip()
    assert max(len(line) for line in copy.split(b"\r\n\r\n", 1)[1].split(b"\r\n")) <= 78
    assert b"qzblank" not in copy.replace(b"=\r\n", b"")


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
