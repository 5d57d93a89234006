"""What carries letters: an SMTP server with all its moods, or the outbox folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.errors import SettingsError, TransportError
from pipeline.mail.transport import LineBroken, Outbox, SmtpTransport, dot_stuffed, open_transport
from tests.fakes import MailServer, mail_server

LETTER = b"Subject: x\r\n\r\ntext\r\n"


def _carry(server: MailServer, recipient: str = "a@example.org", message: bytes = LETTER) -> str:
    line = SmtpTransport("127.0.0.1", server.port, timeout=5).connect()
    try:
        return str(line.send("signals@example.org", recipient, message))
    finally:
        line.close()


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]])
def test_a_letter_arrives_byte_for_byte(extensions: list[str]) -> None:
    message = b"Subject: x\r\n\r\n.\r\n..two\r\ntext."
    with mail_server() as server:
        server.extensions = ["8BITMIME", *extensions]

        reply = _carry(server, message=message)

        assert reply == "250 2.0.0 kept"
        assert server.received[0].data == message + b"\r\n"
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


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]])
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "message"])
def test_after_a_refusal_the_same_connection_carries_the_next_letter(stage: str, extensions: list[str]) -> None:
    refuse = iter(["451 4.3.0 not now"])
    with mail_server(lambda at, r, c: next(refuse, "") if at == stage else "") as server:
        server.extensions = extensions
        line = SmtpTransport("127.0.0.1", server.port, timeout=5).connect()

        first = line.send("s@example.org", "a@example.org", LETTER)
        second = line.send("s@example.org", "b@example.org", LETTER)
        line.close()

        assert (first.code, first.enhanced) == (451, "4.3.0")
        assert second.accepted
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
            line.send("s@example.org", "a@example.org", LETTER)

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
    replies = [line.send("s@example.org", "a@example.org", LETTER) for _ in range(2)]

    assert isinstance(transport, Outbox)
    assert all(reply.accepted for reply in replies)
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
        line.send("s@example.org", "a@example.org", LETTER)
