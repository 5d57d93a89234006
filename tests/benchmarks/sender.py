"""The sender under measurement, a process of its own: prepares, waits for a line on its input, sends, prints one line of JSON.

python -m tests.benchmarks.sender ledger DATABASE_URL PORT LETTERS CONNECTIONS
python -m tests.benchmarks.sender wire   -            PORT LETTERS CONNECTIONS      without a ledger
python -m tests.benchmarks.sender smtplib -           PORT LETTERS CONNECTIONS      the standard library alone
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import smtplib
import sys
import threading
import time
from collections.abc import Callable
from itertools import islice

from pipeline.keys import Key, KeyRing
from pipeline.mail.deliver import deliver
from pipeline.mail.lines import Lines
from pipeline.mail.message import build_message
from pipeline.mail.smtp import Answer, Copy
from pipeline.mail.stamp import BLANKS, Stamp
from pipeline.mail.terms import Terms
from pipeline.mail.tokens import new_ref
from pipeline.mail.transport import SmtpTransport
from pipeline.model import Cadence, Issue, State
from pipeline.store import Store, deliveries, issues
from pipeline.store.engine import connect
from pipeline.store.issues import StoredIssue
from pipeline.store.migrations import upgrade
from pipeline.store.tables import subscribers

KEY = bytes(range(32))
SIZE = 45_000  # octets of a letter
DOMAINS = 50  # that readers are spread over


def digest() -> bytes:
    """A letter of `SIZE` octets with its blanks, put together as every letter is."""
    now = dt.datetime.now(dt.UTC)
    line = "A paragraph about turbines, transformers and the queue at the substation, with its source behind it. "
    links = f"https://news.example.org/unsubscribe/{BLANKS['unsubscribe']}"
    more = f"https://news.example.org/preferences/{BLANKS['preferences']}"
    text = f"{line * 60}\n\nLeave: {links}\nPreferences: {more}\n"
    html = f"<p>{line * 60}</p><p><a href='{links}'>Unsubscribe</a> <a href='{more}'>Preferences</a></p>"

    def message(html: str) -> bytes:
        return build_message(
            sender=("Deep Signals", "signals@example.org"),
            to=BLANKS["recipient"],
            subject="The week in power",
            text=text,
            html=html,
            date=now,
            message_id=f"<daily.{BLANKS['message_id']}@example.org>",
            headers={
                "List-Unsubscribe": f"<{links}>, <mailto:{BLANKS['leave']}@bounce.example.org?subject=unsubscribe>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )

    while len(message(html)) < SIZE - 120:
        html += f"<p>{line}</p>"
    return message(html)


def stamping(letters: int = 5_000) -> float:
    """Seconds of processor time that it takes to make one copy as it goes over the wire."""
    stamp = Stamp(digest(), issue_key="daily-2026-11-23", token_key=KEY)
    refs = [new_ref() for _ in range(letters)]
    began = time.process_time()
    for number, ref in enumerate(refs):
        stamp.wire_for(email=person(number), ref=ref)
    return (time.process_time() - began) / letters


def person(number: int) -> str:
    return f"reader{number}@d{number % DOMAINS}.example.org"


def prepare(url: str, letters: int) -> tuple[Store, StoredIssue]:
    """A database in which an issue is planned for *letters* people."""
    store = connect(url)
    upgrade(store)
    now = dt.datetime.now(dt.UTC)
    issue = Issue("daily-2026-11-23", Cadence.DAILY, date=now.date(), closes_at=now)
    with store.writing() as connection:
        rows = [
            {
                "ref": new_ref(),
                "email": person(n),
                "email_key": person(n),
                "state": State.ACTIVE.value,
                "cadence": "daily",
                "topics": "",
                "created_at": now,
                "confirmed_at": now,
            }
            for n in range(letters)
        ]
        connection.execute(subscribers.insert(), rows)
    with store.writing() as connection:
        stored = issues.create(connection, issue, now=now)
        letter = issues.add_letter(
            connection, stored.id, selection="s", subject="The week in power", message=digest(), slugs=["a"]
        )
        readers = iter(deliveries.readers(connection, Cadence.DAILY, after=0, limit=letters, now=now))
        while batch := list(islice(readers, 5_000)):
            deliveries.plan(connection, stored.id, [(reader.id, letter, reader.domain) for reader in batch])
        issues.mark_planned(connection, stored.id, now=now)
    return store, stored


def with_ledger(url: str, port: int, letters: int, connections: int) -> Callable[[], int]:
    store, stored = prepare(url, letters)
    terms = Terms(
        "signals@example.org", KEY, KeyRing((Key(KEY),)), bounce_domain="bounce.example.org", connections=connections
    )

    def send() -> int:
        tally = deliver(store, stored, _transport(port), terms, clock=lambda: dt.datetime.now(dt.UTC))
        assert not tally.line_lost, tally.line_lost
        return sum(tally.values())

    return send


def on_the_wire(url: str, port: int, letters: int, connections: int) -> Callable[[], int]:
    """The lines and the stamp, without a database behind them."""
    stamp = Stamp(digest(), issue_key="daily-2026-11-23", token_key=KEY)
    refs = [new_ref() for _ in range(letters)]

    def copy(number: int) -> Copy:
        email, ref = person(number), refs[number]
        return Copy(
            "signals@example.org",
            email,
            lambda: stamp.copy_for(email=email, ref=ref),
            lambda: stamp.wire_for(email=email, ref=ref),
        )

    def send() -> int:
        transport = _transport(port)
        lines = Lines(transport, transport.connect(), count=connections, letters_per_connection=100)
        given = done = 0
        while done < letters:
            while lines.idle and given < letters:
                lines.give(given, copy(given), until=time.monotonic() + 60)
                given += 1
            for result in lines.wait(10):
                assert isinstance(result.answer, Answer), result
                assert result.answer.reply.accepted, result
                done += 1
        lines.close()
        return done

    return send


def by_smtplib(url: str, port: int, letters: int, connections: int) -> Callable[[], int]:
    """As a plain script would: each connection a thread, `sendmail` for each letter."""
    message = Stamp(digest(), issue_key="x", token_key=KEY).copy_for(email=person(0), ref=new_ref())
    numbers = iter(range(letters))
    lock, done = threading.Lock(), [0]

    def carry() -> None:
        client = smtplib.SMTP("127.0.0.1", port, timeout=60)
        client.ehlo()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            client.sendmail("signals@example.org", person(number), message)
            with lock:
                done[0] += 1
        client.quit()

    def send() -> int:
        threads = [threading.Thread(target=carry) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return done[0]

    return send


def _transport(port: int) -> SmtpTransport:
    return SmtpTransport("127.0.0.1", port)


KINDS = {"ledger": with_ledger, "wire": on_the_wire, "smtplib": by_smtplib}


def main() -> None:
    kind, url, port, letters, connections = sys.argv[1:6]
    send = KINDS[kind](url, int(port), int(letters), int(connections))
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), time.process_time()
    sent = send()
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps({"sent": sent, "seconds": seconds, "cpu": time.process_time() - cpu, "memory": memory}), flush=True
    )


if __name__ == "__main__":
    main()
