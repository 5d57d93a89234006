"""Whole mails, from the mailbox to the database: M-20, M-22, M-24, M-25, M-27, M-38."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from pipeline.errors import TransportError
from pipeline.mail.bounces.decide import Action
from pipeline.mail.bounces.intake import Intake
from pipeline.mail.bounces.mailbox import Maildir
from pipeline.mail.bounces.poll import poll_bounces
from pipeline.model import State
from pipeline.store import tables
from tests.mail.bounces.dovecot import PASSWORD, PROGRAM, Dovecot, dovecot
from tests.mail.bounces.mails import feedback_report, plain_mail, postfix_bounce
from tests.mail.bounces.postroom import Postroom


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / "post"
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir(parents=True)
    return folder


def _deliver(box: Path, *mails: bytes) -> None:
    for number, mail in enumerate(mails, len(list(box.rglob("*")))):
        (box / "new" / f"{number:06}.example").write_bytes(mail)


def _polled(room: Postroom, box: Path | str) -> Intake:
    return poll_bounces(room.store, room.settings.model_copy(update={"bounces_url": str(box)}), now=room.now)


def test_what_comes_back_by_mail_is_taken_in_and_marked(postroom_of_each: Postroom, box: Path) -> None:
    """M-20, M-22, M-24, M-25, M-27"""
    room = postroom_of_each
    names = ("dead", "linked", "known", "full", "angry", "leaving", "away", "victim", "blocked")
    refs = dict(zip(names, room.people(*(f"{name}@example.org" for name in names)), strict=True))
    issue = room.send(*refs.values(), key="daily-2026-11-23")
    envelope = {name: room.envelope(ref, issue) for name, ref in refs.items()}
    full = "452 4.2.2 The email account that you tried to reach is over quota"
    blocked = "550 5.7.1 Message rejected due to unauthenticated mail (DMARC)"
    _deliver(
        box,
        postfix_bounce(to=envelope["dead"], recipient="dead@example.org"),
        postfix_bounce(
            to="signals@example.org",
            recipient="linked@example.org",
            headers=f"List-Unsubscribe: {room.link(refs['linked'])}\n",
        ),
        postfix_bounce(
            to="signals@example.org",
            recipient="known@example.org",
            headers=f"Message-ID: {room.message_id(refs['known'], 'daily-2026-11-23')}\n",
        ),
        postfix_bounce(to=envelope["full"], recipient="full@example.org", status="4.2.2", said=full),
        postfix_bounce(to=envelope["blocked"], recipient="blocked@example.org", status="5.7.1", said=blocked),
        postfix_bounce(to="signals@example.org", recipient="victim@example.org"),
        feedback_report(headers=f"List-Unsubscribe: {room.link(refs['angry'])}\n"),
        plain_mail(to=room.leaving(refs["leaving"])),
        plain_mail(to=envelope["away"], subject="Out of office", headers="Auto-Submitted: auto-replied\n"),
    )

    report = _polled(room, box)
    again = _polled(room, box)

    assert {name: room.state(ref).value for name, ref in refs.items()} == {
        "dead": "suppressed",
        "linked": "suppressed",
        "known": "suppressed",
        "full": "active",
        "angry": "suppressed",
        "leaving": "unsubscribed",
        "away": "active",
        "victim": "active",
        "blocked": "active",
    }
    assert room.actions() == [
        *("suppressed", "suppressed", "suppressed", "counted", "noted", "unsigned"),
        *("suppressed", "unsubscribed", "noted"),
    ]
    assert [row.kind for row in room.rows(tables.bounces)] == [*["bounce"] * 6, "complaint", "other", "auto-reply"]
    assert len(report.settled) == 9
    assert again.settled == ()
    assert len(list((box / "cur").glob("*:2,S"))) == 9
    assert room.rows(tables.notices) == []  # M-38


def test_who_is_stopped_before_the_mark_reads_it_again_and_it_counts_once(postroom: Postroom, box: Path) -> None:
    """M-25"""
    refs = postroom.people("a@example.org", "b@example.org")
    issue = postroom.send(*refs)
    full = "452 4.2.2 mailbox full"
    for ref, name in zip(refs, "ab", strict=True):
        mail = postfix_bounce(to=postroom.envelope(ref, issue), recipient=f"{name}@example.org", said=full)
        _deliver(box, mail)
    (box / "cur").rmdir()
    (box / "cur").write_text("in the way")  # the mark cannot be set
    with pytest.raises(TransportError, match="cannot be moved"):
        _polled(postroom, box)
    (box / "cur").unlink()

    report = _polled(postroom, box)

    assert report.count(Action.AGAIN) == 2
    assert postroom.actions() == ["counted", "counted"]


def test_a_round_that_is_told_to_stop_ends_between_mails(postroom: Postroom, box: Path) -> None:
    _deliver(box, *(plain_mail(to="nobody@example.org", subject=str(number)) for number in range(3)))
    stop = threading.Event()
    stop.set()
    settings = postroom.settings.model_copy(update={"bounces_url": str(box)})

    report = poll_bounces(postroom.store, settings, now=postroom.now, stop=stop)

    assert (report.settled, report.left) == ((), 3)


def test_a_round_leaves_the_rest_to_the_next_one(postroom: Postroom, box: Path) -> None:
    _deliver(box, *(plain_mail(to="nobody@example.org", subject=str(number)) for number in range(3)))

    settings = postroom.settings.model_copy(update={"bounces_url": str(box)})

    lefts = [poll_bounces(postroom.store, settings, now=postroom.now, at_most=2).left for _ in range(3)]

    assert lefts == [1, 0, 0]
    assert Maildir(box).waiting(10) == ([], 0)


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.mark.skipif(PROGRAM is None, reason="no IMAP server here; install one with: apt-get install dovecot-imapd")
def test_what_comes_back_is_taken_in_from_a_real_imap_server(
    postroom_of_each: Postroom, server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M-22, M-24, M-25"""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    room = postroom_of_each
    dead, alive = room.people("dead@example.org", "alive@example.org")
    issue = room.send(dead, alive)
    url = f"imaps://{quote('bounces@example.org')}:{quote(PASSWORD, safe='')}@localhost:{server.tls_port}/INBOX"
    server.deliver(
        postfix_bounce(to=room.envelope(dead, issue), recipient="dead@example.org"),
        plain_mail(to="bounces@example.org"),
    )

    first, second = _polled(room, url), _polled(room, url)

    assert (room.state(dead), room.state(alive)) == (State.SUPPRESSED, State.ACTIVE)
    assert (len(first.settled), len(second.settled)) == (2, 0)
    assert [row.origin for row in room.rows(tables.bounces)] == ["imap", "imap"]
