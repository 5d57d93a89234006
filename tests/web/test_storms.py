"""The form while the database is locked or its disk is full, and while a flood and slow clients are at it."""

from __future__ import annotations

import datetime as dt
import http.client
import logging
import socket
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.errors import AddressError
from pipeline.mail.addresses import parse_address
from pipeline.mail.signups import handle_signups
from pipeline.mail.tokens import Purpose
from pipeline.model import State
from pipeline.store import Store, tables
from pipeline.web import work
from tests.builders import add_subscribers
from tests.web.conftest import Desk, opened, words
from tests.web.test_floods import desk_keys, with_guards

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def sign_up_all(desk: Desk, emails: list[str]) -> list[requests.Response]:
    """At the same moment, each over a line of its own."""
    with ThreadPoolExecutor(len(emails)) as pool:
        return list(pool.map(lambda email: requests.post(f"{desk.url}subscribe", {"email": email}, timeout=60), emails))


def written(store: Store) -> Counter[str]:
    with store.reading() as c:
        return Counter(c.execute(sa.select(tables.signups.c.email)).scalars())


def test_many_who_come_at_once_are_each_written_once(desk_of_each: Desk) -> None:
    """R-04: whoever was thanked is on the disk, for they are thanked behind the commit that holds them."""
    emails = [f"reader{n}@example.org" for n in range(40)]

    answers = sign_up_all(desk_of_each, emails)

    assert {answer.status_code for answer in answers} == {200}
    assert written(desk_of_each.store) == Counter(emails)


def test_a_locked_database_is_a_503_for_all_who_wait_and_nobody_is_told_why(
    desk: Desk, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """R-06: never longer than the database is waited for, with Retry-After; then everything works again, by itself."""
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()

    refused = sign_up_all(desk, [f"early{n}@example.org" for n in range(12)])
    seconds = time.monotonic() - began
    other.execute("ROLLBACK")
    other.close()
    taken = sign_up_all(desk, [f"late{n}@example.org" for n in range(12)])

    assert {answer.status_code for answer in refused} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert not [answer for answer in refused if "locked" in answer.text]
    assert seconds < 25
    assert {answer.status_code for answer in taken} == {200}
    assert set(written(desk.store)) == {f"late{n}@example.org" for n in range(12)}
    assert "@example.org" not in caplog.text


def test_a_lock_that_passes_is_waited_for(desk: Desk, sqlite_url: str) -> None:
    """R-06"""
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(1.0, lambda: other.execute("ROLLBACK")).start()

    answers = sign_up_all(desk, ["a@example.org", "b@example.org"])
    other.close()

    assert {answer.status_code for answer in answers} == {200}
    assert len(written(desk.store)) == 2


def test_a_full_disk_is_a_503_and_loses_nobody_who_was_thanked(desk: Desk) -> None:
    """R-04: SQLite's own "database or disk is full", while people go on coming; with room again it goes on by itself."""
    room = [0]

    def keep_small(raw: sqlite3.Connection, record: object) -> None:
        if room[0]:
            raw.execute(f"PRAGMA max_page_count={room[0]}")

    sa.event.listen(desk.store.engine, "connect", keep_small)
    with desk.store.reading() as c:
        room[0] = int(c.exec_driver_sql("PRAGMA page_count").scalar_one()) + 3
    desk.store.engine.dispose()
    thanked, refused = [], 0
    for round_ in range(30):
        emails = [f"reader{n}-{round_}-{'x' * 40}@example.org" for n in range(12)]
        for email, answer in zip(emails, sign_up_all(desk, emails), strict=True):
            assert answer.status_code in (200, 503)
            assert "disk" not in answer.text
            if answer.status_code == 200:
                thanked.append(email)
            refused += answer.status_code == 503
        if refused > 12:
            break
    before = written(desk.store)
    room[0] = 1_000_000
    desk.store.engine.dispose()
    after = desk.sign_up("late@example.org")

    assert refused
    assert before == Counter(thanked)
    assert after.status_code == 200
    with desk.store.reading() as c:
        assert c.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"


def test_a_flood_and_slow_clients_do_not_keep_anybody_from_leaving(
    sqlite_store: Store, settings: Settings, now: dt.datetime
) -> None:
    """R-13, in short: sign-ups from many networks, lines that say nothing, one click beside them: no error, the limit holds."""
    with opened(sqlite_store, with_guards(settings, proof_of_work=1), now) as desk:
        readers = [f"reader{n}@example.org" for n in range(25)]
        add_subscribers(desk.store, *readers)
        paths = ["/" + desk.link(Purpose.UNSUBSCRIBE, email) for email in readers]
        keys, place = desk_keys(desk), urlsplit(desk.url)
        solutions = [work.solve(work.make_challenge(keys, "subscribe", guesses=1, now=now)) for _ in range(300)]
        slow = [socket.create_connection((place.hostname, place.port), timeout=10) for _ in range(30)]
        for line in slow:
            line.sendall(b"POST /subscribe HTTP/1.1\r\nHost: x\r\n")
        told: Counter[int] = Counter()

        def flood(part: int) -> None:
            line = http.client.HTTPConnection(place.netloc, timeout=60)
            for number in range(part, 300, 6):
                body = requests.models.RequestEncodingMixin._encode_params(
                    {"email": f"a{number}@d{number}.test", "altcha": solutions[number]}
                )
                line.request("POST", "/subscribe", body, {
                    "Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": f"10.{number}.0.1"})  # fmt: skip
                answer = line.getresponse()
                answer.read()
                told[answer.status] += 1
            line.close()

        threads = [threading.Thread(target=flood, args=(part,)) for part in range(6)]
        for thread in threads:
            thread.start()
        clicks, times = [], []
        for path in paths:
            began = time.perf_counter()
            clicks.append(requests.post(desk.url + path[1:], ONE_CLICK, timeout=30).status_code)
            times.append(time.perf_counter() - began)
        for thread in threads:
            thread.join()
        for line in slow:
            line.close()
        handle_signups(desk.store, desk.settings, now=desk.now)
        with desk.store.reading() as c:
            asked = c.execute(sa.select(sa.func.count()).where(tables.notices.c.kind == "confirm")).scalar_one()

        assert set(clicks) == {200}
        assert set(told) == {200}
        assert max(times) < 15, "on a machine that does other things too; make bench measures it"
        assert {desk.person(email).state for email in readers} == {State.UNSUBSCRIBED}
        assert asked == 60


@pytest.mark.parametrize(
    "target",
    ["//evil.test", "https://evil.test/", "/\\evil.test", "/%2f%2fevil.test", "https:evil.test", "\thttps://evil.test",
     "%0d%0aLocation: https://evil.test"],
)  # fmt: skip
def test_no_parameter_leads_anywhere_else(desk: Desk, target: str) -> None:
    """T-11: no answer of ours redirects, whatever stands in which field."""
    names = ("next", "url", "return", "redirect", "to", "email", "cadence", "topics", "Referer")
    answers = [desk.get("subscribe", params=dict.fromkeys(names, target))]
    answers.append(
        desk.post(
            "subscribe", {**dict.fromkeys(names, target), "email": "a@example.org", "cadence": "daily", "topics": ""}
        )
    )
    answers.append(desk.get(f"unsubscribe/{target}"))
    answers.append(desk.post("preferences/x", dict.fromkeys(names, target)))

    for answer in answers:
        assert "Location" not in answer.headers
        assert "Refresh" not in answer.headers
        assert 'href="https://evil' not in answer.text
        assert not answer.is_redirect


@pytest.mark.parametrize(
    "email",
    [
        "a@b.c, d@e.f",
        "a@example.org;b@example.org",
        "a@example.org\r\nRCPT TO:<b@example.org>",
        "<a@example.org>",
        '"a b"@example.org',
        '"a@evil.test"@example.org',
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "a@example.org>",
        "a@example.org b@example.org",
        "@evil.test:a@example.org",
        "a%b@example.org@evil.test",
        "a@evil.test@example.org",
        "=?utf-8?q?a=40evil.test?=@",
        "a" * 65 + "@example.org",
        "a@" + "b" * 64 + ".test",
        "a..b@example.org",
        ".a@example.org",
        "a@-example.org",
        "a@example..org",
        "a@exa\u200bmple.org",
        "a\u202egro.elpmaxe@example.org",
        "a@example.org\u0000",
        "a@localhost",
        "(comment)a@example.org",
    ],
)
def test_an_address_that_two_servers_may_read_in_two_ways_is_refused_at_the_door(desk: Desk, email: str) -> None:
    """T-10, T-09: and the page shows it harmlessly."""
    with pytest.raises(AddressError):
        parse_address(email)

    page = desk.sign_up(email)

    assert page.status_code == 422
    assert "Location" not in page.headers
    assert written(desk.store) == Counter()


def test_no_token_no_address_and_no_client_is_in_any_log(
    sqlite_store: Store, settings: Settings, now: dt.datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """T-13: through a whole life, with everything that goes wrong on the way."""
    caplog.set_level(logging.DEBUG)
    with opened(sqlite_store, with_guards(settings), now) as desk:
        headers = {"X-Forwarded-For": "203.0.113.7"}
        challenge = desk.get("subscribe/challenge").json()["challenge"]
        solution = work.solve(challenge)
        for _ in range(2):
            desk.post("subscribe", json={"email": "reader@example.org", "altcha": solution}, headers=headers)
        desk.work()
        paths = [desk.link(purpose, "reader@example.org") for purpose in (Purpose.CONFIRM, Purpose.UNSUBSCRIBE)]
        for path in paths:
            desk.get(path)
            desk.post(path, {"decoy": "pressed", "confirm": "yes"})
            desk.post(path + "0")
            desk.press(path, {"confirm": "yes"})
        desk.post(paths[1], ONE_CLICK)

    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith(("opensignal", "uvicorn", "fastapi")))
    assert "presses by machines" in ours
    for secret in (
        "reader@",
        "203.0.113",
        solution,
        challenge["signature"],
        *[path.rpartition("/")[2] for path in paths],
    ):
        assert secret not in ours


@pytest.mark.parametrize("body", [b"List-Unsubscribe=One-Click", b"List-Unsubscribe=One%2DClick"])
def test_one_click_needs_nothing_a_browser_sends(desk: Desk, body: bytes) -> None:
    """M-15, T-05, T-08: no User-Agent, no Accept, an Origin from anywhere; too large is 413; forged is 404 and takes as long."""
    add_subscribers(desk.store, "reader@example.org")
    path = "/" + desk.link(Purpose.UNSUBSCRIBE, "reader@example.org")
    line = http.client.HTTPConnection(urlsplit(desk.url).netloc, timeout=20)

    def click(to: str, sent: bytes) -> http.client.HTTPResponse:
        line.putrequest("POST", to, skip_accept_encoding=True)
        line.putheader("Content-Type", "application/x-www-form-urlencoded")
        line.putheader("Origin", "https://mail.test")
        line.putheader("Sec-Fetch-Site", "cross-site")
        line.putheader("Content-Length", str(len(sent)))
        line.endheaders(sent)
        answer = line.getresponse()
        answer.read()
        return answer

    first, hundred = click(path, body), [click(path, body).status for _ in range(100)]
    large = click(path, body + b"&x=" + b"a" * 9_000)
    forged = click(path[:-1] + ("0" if path[-1] != "0" else "1"), body)
    line.close()

    assert (first.status, set(hundred), large.status, forged.status) == (200, {200}, 413, 404)
    assert not {"set-cookie", "location"} & {name.lower() for name, _ in first.getheaders()}
    assert desk.person("reader@example.org").state is State.UNSUBSCRIBED
    assert "unsubscribed" in words(desk.get(path[1:]))
