"""What an operator does with mail that came back: real letters out, and bounces of them in, by commands."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.fakes import MailServer, Received
from tests.mail.bounces.mails import feedback_report, plain_mail, postfix_bounce
from tests.repository import Repository

READERS = [f"reader{n}@example.org" for n in range(6)]


def _headers(letter: Received) -> str:
    """What a server returns of a letter, beside From, To, Subject and Date."""
    head = letter.data.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n").replace("\n ", " ")
    there = ("from:", "to:", "subject:", "date:", "content-", "mime-")
    return "".join(f"{line}\n" for line in head.split("\n") if not line.lower().startswith(there))


def _states(repository: Repository) -> list[str]:
    with sqlite3.connect(repository.root / ".opensignal" / "opensignal.db") as database:
        return [row[0] for row in database.execute("SELECT state FROM subscribers ORDER BY email")]


def test_bounces_of_real_letters_drop_their_readers_and_nobody_else(
    repository: Repository, server: MailServer, tmp_path: Path
) -> None:
    """M-20, M-22, M-24, M-25, M-27, T-47"""
    repository.add_article("grid")
    repository.add_subscribers(READERS)
    posted = repository.run("send", repository.today, smtp_url=server.url, bounce_domain="bounce.example.org")
    assert posted.code == 0
    sent = {letter.recipient: _headers(letter) for letter in server.received}
    envelope = {letter.recipient: letter.sender for letter in server.received}
    leave = {reader: headers.partition("<mailto:")[2].partition("?")[0] for reader, headers in sent.items()}
    to = "signals@example.org"
    mails = [
        postfix_bounce(to=to, recipient=READERS[0], headers=sent[READERS[0]]),
        postfix_bounce(to=to, recipient=READERS[1]),  # nothing of the letter came back
        feedback_report(headers=sent[READERS[2]]),
        feedback_report(feedback="fraud", headers=sent[READERS[3]]),
        plain_mail(to=to, subject="Thank you"),
    ]
    for number, mail in enumerate(mails):
        (repository.root / f"{number}.eml").write_bytes(mail)
    files = [f"{number}.eml" for number in range(len(mails))]

    told = repository.run("bounces", *files, "--dry-run", "--json")
    untouched = _states(repository)
    first = repository.run("bounces", *files, "--json")

    assert untouched == ["active"] * 6
    assert {one["action"] for mail in told.json for one in mail["recipients"]} == {"nothing"}
    assert [
        (mail["file"], mail["kind"], [(one["class"], one["action"]) for one in mail["recipients"]])
        for mail in first.json
    ] == [
        ("0.eml", "bounce", [("address", "suppressed")]),
        ("1.eml", "bounce", [("address", "unsigned")]),
        ("2.eml", "complaint", [(None, "suppressed")]),
        ("3.eml", "complaint", [(None, "alarm")]),
        ("4.eml", "other", []),
    ]
    assert _states(repository) == ["suppressed", "active", "suppressed", "active", "active", "active"]
    assert 'a report of "fraud" from example.org' in first.err
    assert "1 of 6 readers at example.org called it spam" in first.err
    assert "@" not in first.err

    samples = repository.run("bounces", "--samples", "--json")
    assert [(one["category"], one["action"]) for one in samples.json] == [("fraud", "alarm")]
    assert samples.json[0]["mail"].startswith("From: <staff@provider.test>")

    for part in ("new", "cur", "tmp"):
        (tmp_path / "post" / part).mkdir(parents=True)
    only_id = next(line for line in sent[READERS[5]].splitlines() if line.lower().startswith("message-id:"))
    arrived = postfix_bounce(to=to, recipient=READERS[5], headers=f"{only_id}\n")
    (tmp_path / "post" / "new" / "1.example").write_bytes(arrived)
    (tmp_path / "post" / "new" / "2.example").write_bytes(mails[0])  # taken in before
    verp = postfix_bounce(to=envelope[READERS[4]], recipient=READERS[4])
    (tmp_path / "post" / "new" / "3.example").write_bytes(verp)
    (tmp_path / "post" / "new" / "4.example").write_bytes(plain_mail(to=leave[READERS[3]], subject=""))

    polled = repository.run("bounces", "--json", bounces_url=str(tmp_path / "post"))

    assert polled.json == {
        "taken": 4,
        "kinds": {"bounce": 3, "other": 1},
        "actions": {"suppressed": 2, "again": 1, "unsubscribed": 1},
        "alarms": [],
        "left": 0,
    }
    assert _states(repository)[3:] == ["unsubscribed", "suppressed", "suppressed"]


def test_an_issue_that_was_stopped_at_a_receiver_says_so(repository: Repository, server: MailServer) -> None:
    """M-28"""
    repository.add_article("grid")
    repository.add_subscribers(READERS)
    assert repository.run("send", repository.today, smtp_url=server.url).code == 0
    with sqlite3.connect(repository.root / ".opensignal" / "opensignal.db") as database:
        database.execute("INSERT INTO stops VALUES (1, 'example.org', 5, 1000, '2026-11-23 09:00:00')")

    told = repository.run("send", repository.today, smtp_url=server.url)

    assert "example.org: 5 of 1000 readers called this issue spam; the rest of it is not sent there" in told.err
