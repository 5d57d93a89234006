"""Confirmation, welcome and reminder: each arrives over a real mail server, with links that work, and only where it is wanted."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections import Counter

import dkim
import pytest
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.errors import SettingsError, TransportError
from pipeline.keys import load_keys, rotate
from pipeline.mail import lifecycle, verp
from pipeline.mail.dkim import Algorithm, make_key
from pipeline.mail.notices import send_notices
from pipeline.mail.person import erase
from pipeline.mail.signups import handle_signups, record_signup
from pipeline.mail.tokens import Purpose, read
from pipeline.mail.transport import SmtpTransport
from pipeline.model import DeliveryStatus
from pipeline.store import Store, notices, subscribers, tables, workers
from pipeline.store.consents import Evidence, Method
from tests.conftest import REPOSITORY
from tests.fakes import MailServer, Received, mail_server

EMAIL = "reader@example.org"
BY_LINK = Evidence(Method.LINK)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _theme(settings: Settings) -> None:
    shutil.copytree(REPOSITORY / "theme" / "assets" / "css", settings.root / "theme" / "assets" / "css")


@pytest.fixture
def world(store: Store, settings: Settings, now: dt.datetime) -> World:
    return World(store, settings, now)


@pytest.fixture
def small_world(sqlite_store: Store, settings: Settings, now: dt.datetime) -> World:
    return World(sqlite_store, settings, now)


class World:
    """A database, and a person who signs up, confirms and leaves."""

    def __init__(self, store: Store, settings: Settings, now: dt.datetime) -> None:
        self.store, self.settings, self.now = store, settings, now
        self.suppression_key = load_keys(settings.state_dir, "suppression").newest

    def sign_up(self, email: str = EMAIL, *, cadence: str = "daily", page: str = "https://example.org/") -> None:
        record_signup(
            self.store,
            email=email,
            cadence=cadence,
            topics=["power"],
            known_topics=["power"],
            method=Method.FORM,
            page=page,
            wording="Get it",
            now=self.now,
        )
        assert handle_signups(self.store, self.settings, now=self.now) == 1

    def send(self, server: MailServer) -> Counter[DeliveryStatus]:
        transport = SmtpTransport("127.0.0.1", server.port, timeout=10)
        return send_notices(self.store, self.settings, transport, clock=lambda: self.now)

    def confirm(self) -> None:
        with self.store.writing() as c:
            ref = c.execute(sa.select(tables.confirmations.c.ref)).scalar_one()
            lifecycle.confirm(c, ref, BY_LINK, key=self.suppression_key, now=self.now)

    def ref(self) -> str:
        with self.store.reading() as c:
            person = subscribers.find(c, EMAIL)
        assert person is not None
        return person.ref

    def named_by(self, purpose: Purpose, letter: Received) -> str:
        """The ref in the link of that purpose, which is the same in both parts."""
        of_text, of_html = (set(re.findall(rf"{purpose.value}/(\w+)", part)) for part in (letter.text(), letter.html()))
        assert of_text == of_html
        [token] = of_text
        return read(load_keys(self.settings.state_dir, "token").newest, purpose, token)

    def standing(self) -> list[str]:
        with self.store.reading() as c:
            return list(c.execute(sa.select(tables.notices.c.status).order_by(tables.notices.c.id)).scalars())


# --- what arrives ------------------------------------------------------------------------------------------------------------


def test_a_confirmation_asks_by_two_links_and_is_no_list_mail(world: World) -> None:
    world.sign_up(cadence="weekly")

    with mail_server() as server:
        tally = world.send(server)
        again = world.send(server)

    assert (tally, again) == ({DeliveryStatus.SENT: 1}, {})
    [letter] = server.received
    assert (letter.sender, letter.recipient, letter.message["To"]) == ("signals@example.org", EMAIL, EMAIL)
    assert letter.message["Subject"] == "Please confirm: Deep Signals by e-mail"
    assert "On 23 November 2026 at 09:00 UTC somebody, hopefully you" in " ".join(letter.text().split())
    with world.store.reading() as c:
        question = c.execute(sa.select(tables.confirmations.c.ref)).scalar_one()
    assert world.named_by(Purpose.CONFIRM, letter) == question
    assert world.named_by(Purpose.DECLINE, letter) == question
    assert "unsubscribe/" not in letter.text() + letter.html()
    assert not [name for name in letter.message if name.startswith("List-")]
    assert letter.message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("kind", ["welcome", "known"])
def test_a_welcome_and_a_reminder_lead_to_the_readers_own_pages(world: World, kind: str) -> None:
    world.sign_up(cadence="weekly")
    world.confirm()
    with mail_server() as server:
        world.send(server)
    if kind == "known":
        world.now += 2 * lifecycle.MAIL_AGAIN_AFTER
        world.sign_up(cadence="daily")

    with mail_server() as later:
        world.send(later)

    letter = (later if kind == "known" else server).received[-1]
    assert letter.message["Subject"].startswith("You are subscribed to Deep Signals")
    assert world.named_by(Purpose.UNSUBSCRIBE, letter) == world.ref()
    assert world.named_by(Purpose.PREFERENCES, letter) == world.ref()
    token = str(letter.message["List-Unsubscribe"]).rpartition("/")[2].rstrip(">")
    assert read(load_keys(world.settings.state_dir, "token").newest, Purpose.UNSUBSCRIBE, token) == world.ref()
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "you asked for Deep Signals weekly" in " ".join(letter.text().split())
    assert "Deep Signals, 1 Sample Street, Example Town" in letter.text()


def test_nothing_that_a_visitor_typed_stands_in_a_letter(small_world: World) -> None:
    """M-41: or strangers could send their own words to strangers, in our name."""
    email = "win-a-prize.at.evil.test@example.org"
    small_world.sign_up(email, page="https://deepsignals.example.org/win-a-prize")
    with mail_server() as server:
        small_world.send(server)
        small_world.confirm()
        small_world.send(server)

    assert len(server.received) == 2
    for letter in server.received:
        body = letter.text() + letter.html()
        assert len(body) > 1_000
        assert "prize" not in body
        assert email not in body
        assert [name for name, value in letter.message.items() if "prize" in value] == ["To"]


def test_two_people_get_a_letter_each_over_one_connection(small_world: World) -> None:
    small_world.sign_up("a@example.org")
    small_world.sign_up("b@example.org")

    with mail_server() as server:
        small_world.send(server)

        assert server.recipients() == ["a@example.org", "b@example.org"]
        assert server.connections == 1
    assert len({letter.message["Message-ID"] for letter in server.received}) == 2


def test_a_server_is_not_called_when_there_is_nothing_to_send(small_world: World) -> None:
    with mail_server() as server:
        assert small_world.send(server) == {}
        assert server.connections == 0


def test_m22_a_notice_is_signed_and_returns_to_an_address_that_names_it(small_world: World) -> None:
    """M-14, M-22: like every letter."""
    published = make_key(small_world.settings, selector="s1", algorithm=Algorithm.RSA)
    small_world.settings = small_world.settings.model_copy(
        update={"dkim_selectors": "s1", "bounce_domain": "bounce.example.org"}
    )
    small_world.sign_up()

    with mail_server() as server:
        small_world.send(server)

    [letter] = server.received
    local, _, domain = letter.sender.partition("@")
    about = verp.read(load_keys(small_world.settings.state_dir, "token").newest, local)
    assert domain == "bounce.example.org"
    assert (about.kind, about.ref) == (verp.Kind.NOTICE, small_world.ref())
    assert dkim.verify(letter.data, dnsfunc=lambda name, timeout=5: published.key.record.encode())


def test_m08_a_notice_that_is_tried_again_after_a_change_of_keys_has_the_same_bytes(small_world: World) -> None:
    small_world.sign_up()
    with mail_server(lambda stage, r, c: "451 4.7.1 later" if stage == "message" else "") as server:
        small_world.send(server)
        small_world.now += 6 * MINUTE
        rotate(small_world.settings.state_dir, "token", now=small_world.now)
        server.answer = lambda stage, r, c: ""
        small_world.send(server)
    [again] = server.received
    small_world.sign_up("b@example.org")
    with mail_server() as later:
        small_world.send(later)

    ring = load_keys(small_world.settings.state_dir, "token")
    for letter, key in ((again, ring.secrets[1]), (later.received[0], ring.newest)):
        [token] = set(re.findall(r"confirm/(\w+)", letter.text()))
        assert read(key, Purpose.CONFIRM, token)


def test_p09_without_a_postal_address_nobody_is_mailed(small_world: World) -> None:
    small_world.sign_up()
    small_world.settings = small_world.settings.model_copy(update={"postal_address": ""})

    with mail_server() as server:
        with pytest.raises(SettingsError, match="postal_address is empty"):
            small_world.send(server)
        assert server.connections == 0
    assert small_world.standing() == ["planned"]


# --- what goes wrong ---------------------------------------------------------------------------------------------------------


def test_a_temporary_refusal_is_tried_again_later(world: World) -> None:
    world.sign_up()
    world.sign_up("b@example.org")
    with mail_server(lambda stage, r, c: "451 4.7.1 later" if (stage, r) == ("rcpt", EMAIL) else "") as server:
        first = world.send(server)

        assert first == {DeliveryStatus.DEFERRED: 1, DeliveryStatus.SENT: 1}
        server.answer = lambda stage, r, c: ""
        world.now += 4 * MINUTE
        assert world.send(server) == {}
        world.now += 2 * MINUTE
        assert world.send(server) == {DeliveryStatus.SENT: 1}

        assert server.recipients() == ["b@example.org", EMAIL]


def test_a_final_refusal_is_not_tried_again(small_world: World) -> None:
    small_world.sign_up()
    with mail_server(lambda stage, r, c: "550 5.1.1 nobody here" if stage == "rcpt" else "") as server:
        tally = small_world.send(server)
        small_world.now += dt.timedelta(days=1)

        assert (tally, small_world.send(server)) == ({DeliveryStatus.FAILED: 1}, {})


def test_a_line_that_breaks_behind_the_letter_sends_the_same_one_again(small_world: World) -> None:
    small_world.sign_up()
    small_world.sign_up("b@example.org")
    broken: list[str] = []

    def answer(stage: str, recipient: str, connection: int) -> str | None:
        if stage == "message" and not broken:
            broken.append(recipient)
            return None
        return ""

    with mail_server(answer) as server:
        first = small_world.send(server)
        small_world.now += 6 * MINUTE
        small_world.send(server)

        assert first == {DeliveryStatus.UNCERTAIN: 1, DeliveryStatus.SENT: 1}
        assert server.recipients() == [EMAIL, "b@example.org", EMAIL]
        assert server.received[0].data == server.received[2].data


def test_a_server_that_is_not_there_leaves_every_notice_due(world: World) -> None:
    world.sign_up()
    with mail_server() as gone:
        pass

    with pytest.raises(TransportError, match="cannot be reached"):
        world.send(gone)

    assert world.standing() == ["planned"]
    with mail_server() as back:
        assert world.send(back) == {DeliveryStatus.SENT: 1}


@pytest.mark.parametrize("kind", ["confirm", "welcome"])
@pytest.mark.parametrize("how", ["declined", "unsubscribed", "erased"])
def test_who_has_left_meanwhile_gets_none(world: World, kind: str, how: str) -> None:
    world.sign_up()
    if kind == "welcome":
        with mail_server() as server:
            world.send(server)
        world.confirm()
    with world.store.writing() as c:
        question = c.execute(sa.select(tables.confirmations.c.ref)).scalar_one()
        if how == "declined":
            lifecycle.decline(c, question, BY_LINK, key=world.suppression_key, now=world.now)
        if how == "unsubscribed":
            lifecycle.unsubscribe(c, world.ref(), BY_LINK, now=world.now)
    if how == "erased":
        erase(world.store, world.settings, EMAIL, now=world.now)

    with mail_server() as server:
        tally = world.send(server)

        assert server.received == []
        assert tally[DeliveryStatus.SENT] == 0
    assert "planned" not in world.standing()


def test_what_a_dead_worker_held_is_sent_by_the_next(world: World) -> None:
    world.sign_up()
    with world.store.writing() as c:
        dead = workers.register(c, task="notices", now=world.now - workers.LEASE)
        assert notices.claim(c, dead, now=world.now) is not None
    assert world.standing() == ["claimed"]

    with mail_server() as server:
        tally = world.send(server)

        assert tally[DeliveryStatus.SENT] == 1
        assert server.recipients() == [EMAIL]
    with world.store.reading() as c:
        assert c.execute(sa.select(tables.workers)).all() == []


def test_what_a_live_worker_holds_is_left_to_it(world: World) -> None:
    world.sign_up()
    with world.store.writing() as c:
        busy = workers.register(c, task="notices", now=world.now)
        assert notices.claim(c, busy, now=world.now) is not None
    world.sign_up("b@example.org")

    with mail_server() as server:
        world.send(server)

        assert server.recipients() == ["b@example.org"]
    assert world.standing() == ["claimed", "sent"]


def test_a_notice_that_cannot_be_made_holds_up_no_other(small_world: World) -> None:
    """R-11: one row whose address would break the envelope."""
    small_world.sign_up("first@example.org")
    small_world.sign_up("second@example.org")
    with small_world.store.writing() as connection:
        s = tables.subscribers
        broken = s.update().where(s.c.email == "first@example.org")
        connection.execute(broken.values(email="first@example.org>\r\nDATA"))

    with mail_server() as server:
        tally = small_world.send(server)

        assert tally == {DeliveryStatus.QUARANTINED: 1, DeliveryStatus.SENT: 1}
        assert server.recipients() == ["second@example.org"]
        assert small_world.send(server) == {}


def test_after_a_421_the_next_notice_goes_over_a_new_connection(small_world: World) -> None:
    small_world.sign_up("first@example.org")
    small_world.sign_up("second@example.org")
    closing = iter(["421 4.3.2 closing"])

    with mail_server(lambda stage, r, c: next(closing, "") if stage == "rcpt" else "") as server:
        tally = small_world.send(server)

        assert tally == {DeliveryStatus.DEFERRED: 1, DeliveryStatus.SENT: 1}
        assert server.connections == 2
