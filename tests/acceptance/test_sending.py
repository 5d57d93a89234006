"""An operator's commands, as processes against a real mail server: send, and what may go wrong with it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.fakes import MailServer, mail_server
from tests.repository import Repository, Sink

READERS = [f"reader{n}@example.org" for n in range(6)]


@pytest.fixture
def ready(repository: Repository) -> Repository:
    """Six confirmed subscribers, one article."""
    repository.add_article("grid", title="The grid is the new fab")
    repository.add_subscribers(READERS)
    return repository


def test_an_issue_reaches_everybody_once(ready: Repository, server: MailServer) -> None:
    first = ready.run("send", ready.today, "--json", smtp_url=server.url)
    second = ready.run("send", ready.today, "--json", smtp_url=server.url)

    assert first.code == second.code == 0
    assert sorted(server.recipients()) == sorted(READERS)
    report = first.json
    assert report.pop("seconds") >= 0
    assert report == {
        "issue": ready.today,
        "planned": 6,
        "sent": 6,
        "deferred": 0,
        "failed": 0,
        "suppressed": 0,
        "quarantined": 0,
        "cancelled": 0,
        "uncertain": 0,
        "left": 0,
        "held": 0,
        "next_at": None,
        "alarms": [],
        "troubled": [],
    }
    assert (second.json["planned"], second.json["sent"]) == (6, 0)


def test_a_letter_says_what_it_must(ready: Repository, server: MailServer) -> None:
    ready.run("send", ready.today, smtp_url=server.url)

    letter = server.received[0]
    assert letter.message["Subject"] == "The grid is the new fab"
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "1 Sample Street" in letter.text()
    assert "/unsubscribe/" in letter.text()
    assert "https://deepsignals.example.org/articles/grid/" in letter.html()
    assert "https://example.org/source" in letter.text()


def test_without_a_mail_server_letters_go_to_the_outbox(ready: Repository) -> None:
    ended = ready.run("send", ready.today)

    files = list((ready.root / ".opensignal" / "outbox" / "new").iterdir())
    assert ended.code == 0
    assert len(files) == 6
    assert b"\r\nTo: reader" in files[0].read_bytes()


def test_due_sends_what_the_hour_asks_for(ready: Repository, server: MailServer) -> None:
    """Each daily issue is due for a day, so that one is due at any hour."""
    ready.add_subscribers(["each@example.org"], cadence="each")

    first = ready.run("send", "--due", "--json", smtp_url=server.url)
    second = ready.run("send", "--due", "--json", smtp_url=server.url)

    assert {report["issue"] for report in first.json} >= {"each-grid"}
    assert sorted(server.recipients()) == sorted([*READERS, "each@example.org"])
    assert second.json == []


def test_an_issue_that_cannot_be_composed_stops_no_other(ready: Repository, server: MailServer) -> None:
    ready.add_subscribers(["each@example.org"], cadence="each")
    huge = ready.add_article("huge", hours_old=2)
    huge.write_text(huge.read_text() + "\n\n" + "A paragraph that goes on and on. " * 4000)

    ended = ready.run("send", "--due", "--json", smtp_url=server.url)

    problems = {report["issue"]: report.get("problem", "") for report in ended.json}
    assert ended.code == 1
    assert "kB" in problems["each-huge"]
    assert problems["each-grid"] == ""
    assert sorted(server.recipients()) == sorted([*READERS, "each@example.org"])


def test_a_dry_run_tells_and_does_nothing(ready: Repository, server: MailServer) -> None:
    ended = ready.run("send", ready.today, "--dry-run", smtp_url=server.url)

    assert ended.code == 0
    assert "6 subscribers" in ended.out
    assert "The grid is the new fab" in ended.out
    assert server.received == []
    assert ready.run("send", ready.today, "--json", smtp_url=server.url).json["sent"] == 6


def test_a_copy_goes_to_one_address_and_is_not_recorded(ready: Repository, server: MailServer) -> None:
    ended = ready.run("send", ready.today, "--to", "editor@example.com", smtp_url=server.url)

    assert ended.code == 0, ended.err
    assert server.recipients() == ["editor@example.com"]
    assert ready.run("send", ready.today, "--json", smtp_url=server.url).json["sent"] == 6


def test_a_dead_mail_server_loses_nobody(ready: Repository, server: MailServer) -> None:
    with mail_server() as gone:
        pass

    dead = ready.run("send", ready.today, smtp_url=gone.url)
    alive = ready.run("send", ready.today, "--json", smtp_url=server.url)

    assert dead.code == 1
    assert gone.url.removeprefix("smtp://") in dead.err
    assert "cannot be reached" in dead.err
    assert f"{ready.today} is planned, and its 6 letters wait" in dead.err
    assert alive.json["sent"] == 6
    for word in ("--pause", "--cancel"):
        out = ready.run("send", ready.today, word)
        assert (out.code, "is out: no letter of it is left" in out.err) == (2, True)


def test_a_server_that_refuses_one_tells_which_and_why(ready: Repository) -> None:
    def answer(stage: str, recipient: str, connection: int) -> str:
        return "550 5.1.1 no such user" if stage == "rcpt" and recipient == READERS[2] else ""

    with mail_server(answer) as server:
        ended = ready.run("send", ready.today, smtp_url=server.url)

        assert ended.code == 1
        assert "1 refused for good" in ended.out
        assert "550 5.1.1 no such user" in ended.out
        assert READERS[2] not in ended.out + ended.err
        assert len(server.received) == 5


def test_a_second_sender_at_the_same_time_is_told_and_nobody_gets_two(ready: Repository) -> None:
    told = threading.Event()

    def slow(stage: str, recipient: str, connection: int) -> str:
        if stage == "message":
            told.wait(60)  # holds up the whole server
        return ""

    with mail_server(slow) as server:
        first = ready.start("send", ready.today, smtp_url=server.url)
        while server.connections == 0:
            time.sleep(0.02)
        second = ready.run("send", ready.today, smtp_url=server.url)
        told.set()
        _, err = first.communicate(timeout=30)

        assert first.returncode == 0, err
        assert second.code == 1
        assert "is being sent by another process" in second.err
        assert f"process {first.pid}" in second.err
        assert Counter(server.recipients()) == Counter(READERS)


def test_a_locked_database_is_waited_for_and_then_named(ready: Repository, server: MailServer) -> None:
    holder = sqlite3.connect(ready.root / ".opensignal" / "opensignal.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    locked = ready.run("send", ready.today, smtp_url=server.url)
    holder.execute("ROLLBACK")
    holder.close()

    assert locked.code == 1
    assert "locked by another process" in locked.err
    assert server.received == []
    assert ready.run("send", ready.today, "--json", smtp_url=server.url).json["sent"] == 6


def test_a_database_that_is_none_is_named(ready: Repository, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database, but long enough to be taken for one " * 100)

    ended = ready.run("subscribers", "stats", database_url=f"sqlite:///{tmp_path}/notes.txt")

    assert ended.code == 1
    assert "notes.txt" in ended.err
    assert "not a database" in ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_database_that_may_not_be_written_is_named(ready: Repository, server: MailServer) -> None:
    (ready.root / ".opensignal" / "opensignal.db").chmod(0o400)

    ended = ready.run("send", ready.today, smtp_url=server.url)

    assert ended.code == 1
    assert "the right to write" in ended.err
    assert server.received == []


def test_content_with_errors_is_not_mailed(ready: Repository, server: MailServer) -> None:
    path = ready.add_article("broken")
    path.write_text(path.read_text().replace("[^sample-source]", "[^nobody]"))

    ended = ready.run("send", ready.today, smtp_url=server.url)

    assert ended.code == 1
    assert "S104" in ended.err
    assert server.received == []


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ((), "name an issue"),
        (("daily-2026-02-30",), "not a date"),
        (("monthly-2026-11",), "names no issue"),
        (("daily-2999-01-01",), "future"),
        (("daily-2026-11-23", "--due"), "name an issue"),
        (("--due", "--dry-run"), "--dry-run"),
        (("daily-2026-11-23", "--dry-run", "--to", "a@example.org"), "use one of them"),
        (("daily-2026-11-23", "--to", "a@b.example, d@e.example"), "--to:"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_words_that_make_no_sense_end_with_2(ready: Repository, words: tuple[str, ...], what: str) -> None:
    ended = ready.run("send", *words)

    assert ended.code == 2
    assert what in ended.err
    assert ended.out == ""


def test_who_has_sent_all_that_is_due_is_told_that_nothing_is(repository: Repository) -> None:
    ended = repository.run("send", "--due")

    assert (ended.code, ended.out) == (0, "nothing to send: no issue is due, or nobody has anything new to read\n")


@pytest.mark.parametrize("command", ["show", "erase"])
def test_what_is_no_address_ends_with_2(repository: Repository, command: str) -> None:
    ended = repository.run("subscribers", command, "nobody")

    assert ended.code == 2
    assert "@-sign" in ended.err


def test_killed_half_way_and_run_again_nobody_is_missing(repository: Repository, tmp_path: Path) -> None:
    """R-01, small: at most one letter a connection arrives twice, and it is the same letter."""
    readers = [f"r{n}@example.org" for n in range(600)]
    repository.add_article("grid")
    repository.add_subscribers(readers)

    with Sink(tmp_path / "journal") as sink:
        process = repository.start("send", repository.today, smtp_url=sink.url, connections="4")
        _wait_until(lambda: sink.count() >= 250, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        at_the_kill = sink.count()
        ended = repository.run("send", repository.today, "--json", smtp_url=sink.url, connections="4")
        taken = sink.taken()

    counts = Counter(recipient for recipient, _ in taken)
    assert at_the_kill < 600
    assert ended.code == 0, ended.err
    assert set(counts) == set(readers)
    assert len(taken) - 600 <= 4
    assert len(taken) - 600 <= ended.json["uncertain"] <= 4
    assert len(set(taken)) == 600
    named = {one["subscriber"] for one in ended.json["troubled"]}
    assert len(named) == ended.json["uncertain"]
    assert {one["status"] for one in ended.json["troubled"]} <= {"uncertain"}
    assert {_ref(repository, recipient) for recipient, times in counts.items() if times > 1} <= named
    assert named == {one["subscriber"] for one in repository.run("send", repository.today, "--json").json["troubled"]}


def test_a_letter_that_waits_for_a_person_is_named_with_the_reason(repository: Repository, tmp_path: Path) -> None:
    repository.add_article("grid")
    repository.add_subscribers([f"r{n}@example.org" for n in range(300)])

    with Sink(tmp_path / "journal") as sink:
        process = repository.start("send", repository.today, smtp_url=sink.url, connections="4")
        _wait_until(lambda: sink.count() >= 50, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        ended = repository.run("send", repository.today, smtp_url=sink.url, on_uncertain="hold")

    assert ended.code == 0, ended.err
    named = [line for line in ended.out.splitlines() if "uncertain: subscriber" in line]
    assert 1 <= len(named) <= 4
    assert all(line.endswith("ended before the server's answer was written down") for line in named)
    assert f"wait for you: opensignal send {repository.today} --resume" in ended.out
    assert "run again" not in ended.out


def test_ctrl_c_ends_it_in_order(repository: Repository, tmp_path: Path) -> None:
    repository.add_article("grid")
    repository.add_subscribers([f"r{n}@example.org" for n in range(600)])

    with Sink(tmp_path / "journal") as sink:
        process = repository.start("send", repository.today, smtp_url=sink.url, connections="4")
        _wait_until(lambda: sink.count() >= 100, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        stopped_at = sink.count()
        repository.run("send", repository.today, smtp_url=sink.url)
        taken = sink.taken()

    assert process.returncode == 1
    assert "Traceback" not in err
    assert "left; run again" in out
    assert stopped_at < 600
    assert len(taken) == len(set(taken)) == 600


def _ref(repository: Repository, address: str) -> str:
    with sqlite3.connect(repository.root / ".opensignal" / "opensignal.db") as database:
        return str(database.execute("SELECT ref FROM subscribers WHERE email = ?", [address]).fetchone()[0])


def _wait_until(true: object, process: subprocess.Popen[str]) -> None:
    assert callable(true)
    while not true():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)


def test_an_issue_can_be_paused_resumed_and_cancelled_while_another_process_sends_it(
    ready: Repository, tmp_path: Path
) -> None:
    ready.add_subscribers([f"more{number}@d{number}.example.org" for number in range(400)])
    with Sink(tmp_path / "journal") as sink:
        sender = ready.start("send", ready.today, "--json", smtp_url=sink.url, rate_limit="20/second")
        while sink.count() < 10:
            assert sender.poll() is None
        paused = ready.run("send", ready.today, "--pause")
        told, _ = sender.communicate(timeout=30)
        after = sink.count()

        assert paused.code == 0
        assert "is paused" in paused.out
        assert sender.returncode == 1
        assert "was paused meanwhile" in told
        assert after < 406
        assert ready.run("send", ready.today, smtp_url=sink.url).err.count("--resume") == 1
        assert ready.run("send", "--due", smtp_url=sink.url).code == 0
        assert sink.count() == after

        resumed = ready.start("send", ready.today, "--resume", "--json", smtp_url=sink.url, rate_limit="20/second")
        while sink.count() < after + 10:
            assert resumed.poll() is None
        cancelled = ready.run("send", ready.today, "--cancel", "--json").json
        resumed.communicate(timeout=30)

        assert 0 < cancelled["cancelled"] < 406 - after
        for word in ("--resume", "--pause"):
            refused = ready.run("send", ready.today, word, smtp_url=sink.url)
            assert (refused.code, "was cancelled" in refused.err) == (1, True)
        people = [letter.recipient for letter in sink.accepted()]
        assert len(people) == len(set(people)) < 406
