"""A reader's way, over real HTTP and SMTP: sign up, confirm, read, choose, leave. The web is `opensignal serve`, as a process."""

from __future__ import annotations

import re
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.fakes import MailServer, Received
from tests.repository import Repository


@dataclass
class Newsletter:
    repository: Repository
    url: str
    mail: MailServer

    def letter(self, to: str, holding: str) -> Received:
        """The newest letter to *to* whose text holds *holding*; waits for it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for received in reversed(self.mail.received):
                if received.recipient == to and holding in received.text():
                    return received
            time.sleep(0.05)
        raise AssertionError(f"no letter with {holding} to {to}; there are {self.mail.recipients()}")

    def link(self, letter: Received, kind: str) -> str:
        found = re.search(rf"{re.escape(self.url)}{kind}/\S+", letter.text())
        assert found is not None, letter.text()
        return found[0]

    def press(self, url: str, **fields: Any) -> requests.Response:
        """Press a button of the page at *url*, after looking at it for as long as a person does at least (M-44)."""
        nonce = re.search(r'name="nonce" value="([^"]+)"', requests.get(url, timeout=60).text)
        assert nonce is not None
        time.sleep(1.6)
        return requests.post(url, data={"nonce": nonce[1], **fields}, timeout=60)

    def send(self) -> int:
        ended = self.repository.run("send", self.repository.today, "--json", smtp_url=self.mail.url, web_url=self.url)
        assert ended.code == 0, ended.err
        sent: int = ended.json["sent"]
        return sent


@contextmanager
def _serving(repository: Repository, server: MailServer) -> Iterator[Newsletter]:
    """Run ``opensignal serve`` on a free port, which its letters name too."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    process = repository.start("serve", "--port", str(port), smtp_url=server.url, web_url=url)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        assert url in line, line + process.stderr.read()
        yield Newsletter(repository, url, server)
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert process.returncode in (0, -15)


def test_from_sign_up_to_unsubscribe(repository: Repository, server: MailServer) -> None:
    with _serving(repository, server) as newsletter:
        form = {"email": "ann@example.org", "cadence": "daily"}
        asked = requests.post(f"{newsletter.url}subscribe", data=form, timeout=60)
        confirm = newsletter.link(newsletter.letter("ann@example.org", "/confirm/"), "confirm")
        looked = requests.get(confirm, timeout=60)
        before = newsletter.send()
        confirmed = newsletter.press(confirm, confirm="yes")
        newsletter.letter("ann@example.org", "/preferences/")
        repository.add_article("later")
        first = newsletter.send()
        digest = newsletter.letter("ann@example.org", "/articles/")
        one_click = str(digest.message["List-Unsubscribe"]).strip("<>")
        left = requests.post(one_click, data={"List-Unsubscribe": "One-Click"}, allow_redirects=False, timeout=60)
        again = requests.post(one_click, data={"List-Unsubscribe": "One-Click"}, allow_redirects=False, timeout=60)

    assert asked.status_code == looked.status_code == confirmed.status_code == 200
    assert "<form" in looked.text
    assert (before, first) == (0, 1)
    assert left.status_code == again.status_code == 200
    assert "set-cookie" not in {name.lower() for name in left.headers}
    shown = repository.run("subscribers", "show", "ann@example.org", "--json").json
    assert shown["state"] == "unsubscribed"
    assert [consent["event"] for consent in shown["consents"]][-1] in ("withdrawn", "unsubscribed")


def test_the_answer_to_a_sign_up_does_not_tell_who_is_known(repository: Repository, server: MailServer) -> None:
    repository.add_subscribers(["known@example.org"])
    with _serving(repository, server) as newsletter:
        answers = [
            requests.post(f"{newsletter.url}subscribe", data={"email": email, "cadence": "weekly"}, timeout=60)
            for email in ("known@example.org", "stranger@example.org", "stranger@example.org")
        ]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(name.lower() for name in answer.headers)) for answer in answers}) == 1


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: evil@example.com",
        "a@b.example, d@e.example",
        "x" * 300 + "@example.org",
        "nobody",
        "",
        "a@b..example",
    ],
)
def test_a_hostile_address_gets_a_plain_page_and_no_mail(
    repository: Repository, server: MailServer, address: str
) -> None:
    with _serving(repository, server) as newsletter:
        page = requests.post(f"{newsletter.url}subscribe", data={"email": address, "cadence": "daily"}, timeout=60)
        json = requests.post(f"{newsletter.url}subscribe", json={"email": address, "cadence": "daily"}, timeout=60)
        time.sleep(1.5)

    assert 400 <= page.status_code < 500
    assert page.headers["content-type"].startswith("text/html")
    assert json.status_code == page.status_code
    assert json.json()
    assert server.received == []


@pytest.mark.parametrize("kind", ["confirm", "unsubscribe", "preferences"])
def test_a_forged_or_cut_link_is_a_404_that_says_what_next(
    repository: Repository, server: MailServer, kind: str
) -> None:
    with _serving(repository, server) as newsletter:
        answers = [
            requests.request(method, f"{newsletter.url}{kind}/{token}", timeout=60)
            for token in ("0" * 70, "01" + "a" * 20, "x", "%00", "..%5C..%5Cetc")
            for method in ("GET", "POST")
        ]

    assert {answer.status_code for answer in answers} == {404}
    assert all("Traceback" not in answer.text for answer in answers)


def test_preferences_change_by_the_link_alone(repository: Repository, server: MailServer) -> None:
    repository.add_article("grid")
    repository.add_subscribers(["ann@example.org"])
    with _serving(repository, server) as newsletter:
        newsletter.send()
        link = newsletter.link(newsletter.letter("ann@example.org", "/articles/"), "preferences")
        looked = requests.get(link, timeout=60)
        saved = newsletter.press(link, cadence="weekly", topics=["chips", "power"])

    shown = repository.run("subscribers", "show", "ann@example.org", "--json").json
    assert looked.status_code == saved.status_code == 200
    assert "ann@example.org" not in looked.text
    assert shown["cadence"] == "weekly"
    assert shown["topics"] == ["chips", "power"]


def test_a_database_that_is_locked_makes_the_form_ask_for_patience(repository: Repository, server: MailServer) -> None:
    with _serving(repository, server) as newsletter:
        holder = sqlite3.connect(repository.root / ".opensignal" / "opensignal.db", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        answer = requests.post(
            f"{newsletter.url}subscribe", data={"email": "ann@example.org", "cadence": "daily"}, timeout=60
        )
        holder.execute("ROLLBACK")
        holder.close()

    assert answer.status_code == 503
    assert "retry-after" in {name.lower() for name in answer.headers}


def test_health_is_told(repository: Repository, server: MailServer) -> None:
    with _serving(repository, server) as newsletter:
        assert requests.get(f"{newsletter.url}healthz", timeout=60).status_code == 200
