"""What carries letters: an SMTP server with all its moods, or the outbox folder."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.errors import SettingsError, TransportError
from pipeline.mail.lines import Lines
from pipeline.mail.smtp import Answer, CannotMake, Copy, dot_stuffed
from pipeline.mail.transport import Connection, LineBroken, Outbox, Relays, SmtpTransport, open_transport
from tests.fakes import MailServer, mail_server

LETTER = b"Subject: x\r\n\r\ntext\r\n"


def _carry(server: MailServer, recipient: str = "a@example.org", message: bytes = LETTER) -> str:
    line = SmtpTransport("127.0.0.1", server.port, timeout=5).connect()
    try:
        return str(_answer(line, recipient, message).reply)
    finally:
        line.close()


def _answer(line: Connection, recipient: str, message: bytes = LETTER) -> Answer:
    return line.carry(Copy.of("signals@example.org", recipient, message, envelope_id="1.abc"))


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]])
def test_a_letter_arrives_byte_for_byte(extensions: list[str]) -> None:
    message = b"Subject: x\r\n\r\n.\r\n..two\r\ntext.\r\n"
    with mail_server() as server:
        server.extensions = ["8BITMIME", *extensions]

        reply = _carry(server, message=message)

        assert reply == "250 2.0.0 kept"
        assert server.received[0].data == message
        assert server.received[0].sender == "signals@example.org"


@given(st.binary(max_size=200).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"\r\n")))
def test_dots_are_stuffed_so_that_nothing_ends_a_letter_early(message: bytes) -> None:
    """RFC 5321 4.5.2."""
    wire = dot_stuffed(message)

    assert wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"
    assert b"\r\n.\r\n" not in (b"\r\n" + wire)[: -len(b"\r\n.\r\n")] + b"|"
    lines = wire[: -len(b".\r\n")].split(b"\r\n")
    unstuffed = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)
    assert unstuffed in (message, message + b"\r\n")


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]])
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "message"])
def test_after_a_refusal_the_same_connection_carries_the_next_letter(stage: str, extensions: list[str]) -> None:
    if stage == "data" and "CHUNKING" in extensions:
        stage = "message"  # there is no DATA
    refuse = iter(["451 4.3.0 not now"])
    with mail_server(lambda at, r, c: next(refuse, "") if at == stage else "") as server:
        server.extensions = extensions
        line = SmtpTransport("127.0.0.1", server.port, timeout=5).connect()

        first = _answer(line, "a@example.org")
        second = _answer(line, "b@example.org")
        line.close()

        assert (first.reply.code, first.reply.enhanced) == (451, "4.3.0")
        assert second.reply.accepted
        assert server.recipients() == ["b@example.org"]
        assert server.connections == 1


def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    """M-26: undeliverable here, and said so; never sent as something else."""
    with mail_server() as server:
        taken = _carry(server, "jörg@example.org")
        server.extensions = ["8BITMIME"]
        refused = _carry(server, "jörg@example.org")

        assert taken.startswith("250")
        assert refused.startswith("553 5.6.7")
        assert server.recipients() == ["jörg@example.org"]


@pytest.mark.parametrize("reply", ["garbage", "9", "250-" + "x" * 5000, "\r\n".join(["250-more"] * 200), "\x00\xff"])
def test_a_server_that_talks_nonsense_is_hung_up_on(reply: str) -> None:
    with (
        mail_server(lambda stage, r, c: reply if stage == "rcpt" else "") as server,
        pytest.raises(LineBroken) as caught,
    ):
        _carry(server)

    assert not caught.value.uncertain


def test_a_silent_server_is_given_up_after_a_while() -> None:
    with mail_server() as server:
        server.extensions = []
        line = SmtpTransport("127.0.0.1", server.port, timeout=0.3).connect()
        server.answer = lambda stage, r, c: "250-half a reply"

        with pytest.raises(LineBroken) as caught:
            _answer(line, "a@example.org")

        line.close()
    assert "timed out" in str(caught.value)


@pytest.mark.parametrize(
    ("greeting", "words"), [("554 5.7.1 go away", "554 5.7.1 go away"), (None, "cannot be reached")]
)
def test_a_server_that_does_not_want_us_is_named(greeting: str | None, words: str) -> None:
    with mail_server(lambda stage, r, c: greeting) as server, pytest.raises(TransportError, match=words) as caught:
        SmtpTransport("127.0.0.1", server.port, timeout=5).connect()

    assert f"127.0.0.1:{server.port}" in str(caught.value)


def test_a_password_never_goes_over_a_line_in_clear() -> None:
    with mail_server() as server, pytest.raises(TransportError, match="offers no STARTTLS"):
        SmtpTransport.from_url(f"smtp://me:secret@127.0.0.1:{server.port}").connect()


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("smtp://mail.example.org", "mail.example.org", 25, False),
        ("smtp://me:p%40ss@mail.example.org", "mail.example.org", 587, False),
        ("smtps://mail.example.org", "mail.example.org", 465, True),
        ("smtp://[::1]:2525", "::1", 2525, False),
    ],
)
def test_an_address_names_host_port_and_tls(url: str, host: str, port: int, tls: bool) -> None:
    transport = SmtpTransport.from_url(url)

    assert (transport.host, transport.port, transport.implicit_tls) == (host, port, tls)
    assert transport.password in ("", "p@ss")
    assert "p@ss" not in transport.name


def test_a_password_that_breaks_the_address_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        SmtpTransport.from_url("smtp://me:se/cret@mail.newsroom.test:587")

    assert "se/" not in str(caught.value)
    assert "'se'" not in str(caught.value)
    assert "%2F" in str(caught.value)


@pytest.mark.parametrize("url", ["smtp://", "smtp://host:port", "smtp://host?starttls=maybe", "smtp://host:99999"])
def test_an_address_that_names_no_server_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="smtp_url"):
        SmtpTransport.from_url(url)


def test_the_samples_sender_mails_to_this_machine_only(settings: Settings) -> None:
    here = settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:2525"})
    away = settings.model_copy(update={"smtp_url": "smtp://mail.newsroom.test"})
    own = away.model_copy(update={"mail_from": "News <news@newsroom.test>"})

    assert open_transport(here).name == "127.0.0.1:2525"
    assert open_transport(own).name == "mail.newsroom.test:25"
    with pytest.raises(SettingsError, match="still the sample's"):
        open_transport(away)


def test_without_a_server_letters_are_kept_in_the_outbox(settings: Settings, tmp_path: Path) -> None:
    transport = open_transport(settings.model_copy(update={"outbox_dir": tmp_path / "outbox"}))

    line = transport.connect()
    replies = [_answer(line, "a@example.org") for _ in range(2)]

    assert isinstance(transport, Outbox)
    assert all(answer.reply.accepted for answer in replies)
    [file] = (tmp_path / "outbox" / "new").iterdir()  # the same letter twice is one letter
    assert file.read_bytes() == LETTER
    assert list((tmp_path / "outbox" / "tmp").iterdir()) == []


def test_an_outbox_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")

    with pytest.raises(TransportError, match="outbox"):
        Outbox(tmp_path / "outbox").connect()


def test_a_letter_that_cannot_be_kept_is_not_said_to_be(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    line = outbox.connect()
    (tmp_path / "outbox" / "new").rmdir()

    with pytest.raises(TransportError, match="cannot be written"):
        _answer(line, "a@example.org")


# --- RFC 3030, 3461 ---------------------------------------------------------------------------------------------------


def _stages(server: MailServer) -> list[str]:
    return [stage for stage, _ in server.asked]


def test_a_letter_to_a_server_with_chunking_waits_once() -> None:
    """RFC 3030: MAIL, RCPT and the octets in one go; no dot is doubled."""
    message = b"Subject: x\r\n\r\n.dot\r\n"
    with mail_server() as server:
        server.extensions = ["PIPELINING", "CHUNKING"]

        assert _carry(server, message=message).startswith("250")

        assert "data" not in _stages(server)
        assert server.received[0].data == message


def test_chunking_can_be_switched_off() -> None:
    with mail_server() as server:
        server.extensions = ["PIPELINING", "CHUNKING"]
        line = SmtpTransport.from_url(f"{server.url}?chunking=never").connect()

        assert _answer(line, "a@example.org").reply.accepted
        line.close()

        assert "data" in _stages(server)


def test_a_server_that_can_is_asked_for_news_of_failures_alone() -> None:
    """M-23, RFC 3461: headers only, the letter's id, and the address as we know it, in xtext."""
    with mail_server() as server:
        server.extensions = ["PIPELINING", "DSN"]
        _carry(server, "a+b=c@example.org")
        server.extensions = ["PIPELINING"]
        _carry(server, "a+b=c@example.org")

    asked, not_asked = [received.options for received in server.received]
    assert asked == ("RET=HDRS ENVID=1.abc", "NOTIFY=FAILURE ORCPT=rfc822;a+2Bb+3Dc@example.org")
    assert not_asked == ("", "")


@pytest.mark.parametrize("address", ["a@b.test>\r\nRCPT TO:<c@d.test", "a b@c.test", "a@b.test\0", "<a@b.test>"])
def test_an_address_that_is_none_never_reaches_a_server(address: str) -> None:
    """Others would cut it, and mail somebody else."""
    with mail_server() as server:
        line = SmtpTransport("127.0.0.1", server.port, timeout=5).connect()

        with pytest.raises(CannotMake):
            _answer(line, address)

        line.close()
        assert not {"mail", "rcpt"} & set(_stages(server))


# --- several relays ---------------------------------------------------------------------------------------------------


def _relays(*urls: str) -> Relays:
    return Relays([SmtpTransport.from_url(url) for url in urls])


def test_connections_are_shared_out_by_weight() -> None:
    with mail_server() as light, mail_server() as heavy:
        relays = _relays(light.url, f"{heavy.url}?weight=3")

        for _ in range(8):
            relays.connect().close()

        assert (light.connections, heavy.connections) == (2, 6)


def test_a_relay_that_is_down_is_passed_by_and_tried_again_later() -> None:
    moment = [0.0]
    with mail_server() as gone, mail_server() as there:
        relays = Relays([SmtpTransport.from_url(server.url) for server in (gone, there)], clock=lambda: moment[0])
        gone.stop()

        for _ in range(4):
            relays.connect().close()
        assert there.connections == 4

        back = MailServer().start(gone.port)
        try:
            relays.connect().close()
            assert back.connections == 0
            moment[0] = 1_000.0
            for _ in range(4):
                relays.connect().close()
            assert back.connections == 2
        finally:
            back.stop()


def test_when_all_relays_are_down_each_is_named() -> None:
    with mail_server() as one, mail_server() as two:
        relays = _relays(one.url, two.url)
    with pytest.raises(TransportError) as caught:
        relays.connect()

    assert f":{one.port} cannot be reached" in str(caught.value)
    assert f":{two.port} cannot be reached" in str(caught.value)


@pytest.mark.parametrize(
    ("query", "words"),
    [("weight=0", "weight=0 is not a number"), ("timeout=x", "timeout=x"), ("tls=1", "tls is not known")],
)
def test_an_option_that_is_not_known_is_refused(query: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        SmtpTransport.from_url(f"smtp://mail.example.org?{query}")


def test_m31_the_server_is_told_a_name_without_asking_dns_for_it(settings: Settings) -> None:
    """M-31: smtplib would look ours up, for five seconds where nobody answers."""
    named = settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:2525", "ehlo_name": "news.example.org"})
    transport = open_transport(named)

    assert isinstance(transport, SmtpTransport)
    assert transport.ehlo == "news.example.org"
    assert "." in settings.ehlo


def test_m31_a_connection_carries_a_hundred_letters_and_then_another_one_is_opened() -> None:
    """M-31: servers count letters per connection, and close the door at some number."""
    with mail_server() as server:
        transport = SmtpTransport("127.0.0.1", server.port, timeout=5)
        lines = Lines(transport, transport.connect(), count=1, letters_per_connection=100)
        done = 0
        for number in range(201):
            lines.give(number, Copy.of("s@example.org", "a@example.org", LETTER), until=time.monotonic() + 60)
            while lines.busy:
                done += len(lines.wait(5))
        lines.close()

    assert done == 201
    assert server.connections == 3
