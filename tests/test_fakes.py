"""The mail server of the tests speaks SMTP itself: a fake that is wrong proves nothing."""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.fakes import Accepted, Fault, MailServer, Mood, Script, certificate, mail_server, server_tls
from tests.repository import Sink

LETTER = b"Message-ID: <1@example.org>\r\nSubject: x\r\n\r\n.dots\r\n..two\r\n"


def _raw(server: MailServer, *pieces: bytes, until: bytes) -> bytes:
    """What the server says to *pieces*, each written at once, up to *until*."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
        said = b""
        for piece in pieces:
            line.sendall(piece)
        while until not in said and (got := line.recv(65_536)):
            said += got
    return said


def test_python_s_own_client_gets_a_letter_through_and_it_is_kept_as_it_was() -> None:
    with mail_server() as server:
        before = time.time()
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.sendmail("s@example.org", ["a@example.org"], LETTER)

        [letter] = server.received
        assert letter.data == LETTER
        assert before <= letter.began <= letter.at <= time.time()
        [accepted] = server.accepted()
        assert accepted.message_id == "<1@example.org>"
        assert accepted.sha256 == hashlib.sha256(LETTER).hexdigest()


def test_chunks_are_taken_pipelined_and_are_not_unstuffed() -> None:
    """RFC 3030 2."""
    head = b"EHLO x\r\nMAIL FROM:<s@example.org> BODY=8BITMIME\r\nRCPT TO:<a@example.org>\r\n"
    with mail_server() as server:
        server.extensions.append("CHUNKING")
        said = _raw(
            server, head + b"BDAT %d\r\n%sBDAT 3 LAST\r\nend" % (len(LETTER), LETTER), b"QUIT\r\n", until=b"221"
        )

        assert b"250 2.0.0 kept\r\n221" in said
        assert server.received[0].data == LETTER + b"end"
        assert server.received[0].options == ("BODY=8BITMIME", "")


def test_chunks_behind_a_refused_recipient_are_read_and_refused() -> None:
    """RFC 3030 2: the octets come whatever we say, and must not be taken for commands."""
    head = b"EHLO x\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<a@example.org>\r\n"
    with mail_server(lambda stage, r, c: "550 no" if stage == "rcpt" else "") as server:
        server.extensions.append("CHUNKING")
        said = _raw(server, head + b"BDAT 6 LAST\r\nQUIT\r\nQUIT\r\n", until=b"221")

        assert b"550 no\r\n554 5.5.1 no valid recipients\r\n221" in said
        assert server.received == []


def test_a_dot_alone_ends_an_empty_letter() -> None:
    head = b"EHLO x\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n"
    with mail_server() as server:
        said = _raw(server, head + b".\r\nQUIT\r\n", until=b"221")

        assert b"354" in said
        assert b"250 2.0.0 kept\r\n221" in said
        assert server.received[0].data == b""


def test_what_stands_behind_the_addresses_is_kept() -> None:
    """M-23: so that tests can read RET, ENVID, NOTIFY and ORCPT."""
    with mail_server() as server:
        server.extensions.append("DSN")
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.ehlo()
            client.mail("s@example.org", ["RET=HDRS", "ENVID=x"])
            client.rcpt("a@example.org", ["NOTIFY=FAILURE"])
            client.data(LETTER)

        assert client.does_esmtp
        assert server.received[0].options == ("RET=HDRS ENVID=x", "NOTIFY=FAILURE")


def test_a_line_can_be_made_secure(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    with mail_server() as server:
        server.tls = server_tls(*files)
        server.extensions.append("STARTTLS")
        trusting = ssl.create_default_context(cafile=str(files[0]))
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.starttls(context=trusting)
            client.ehlo()
            offered = client.has_extn("starttls")
            client.sendmail("s@example.org", ["a@example.org"], LETTER)

        assert server.received[0].data == LETTER
        assert not offered


@pytest.mark.parametrize(("mood", "kept"), [(None, 1), (Mood.LOSE, 0)])
def test_hanging_up_behind_the_final_dot_keeps_the_letter_or_loses_it(mood: Mood | None, kept: int) -> None:
    with mail_server(lambda stage, r, c: mood if stage == "message" else "") as server:
        client = smtplib.SMTP("127.0.0.1", server.port)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("s@example.org", ["a@example.org"], LETTER)

        assert len(server.received) == kept


def test_hanging_up_in_the_body_keeps_nothing() -> None:
    with mail_server(lambda stage, r, c: None if stage == "body" else "") as server:
        client = smtplib.SMTP("127.0.0.1", server.port)
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            client.sendmail("s@example.org", ["a@example.org"], LETTER * 100_000)

        assert server.received == []


@pytest.mark.parametrize(("mood", "least"), [(Mood.DRIBBLE, 1), (Mood.ENDLESS, 100), (Mood.SILENT, 0)])
def test_moods_last_until_the_client_has_had_enough(mood: Mood, least: int) -> None:
    said, ends = b"", time.monotonic() + 0.6
    with (
        mail_server(lambda stage, r, c: mood if stage == "connect" else "") as server,
        socket.create_connection(("127.0.0.1", server.port)) as line,
    ):
        line.setblocking(False)
        while time.monotonic() < ends:
            with contextlib.suppress(BlockingIOError):
                got = line.recv(65_536)
                assert got, "the server hung up"
                said += got
            time.sleep(0.01)

    assert len(said) >= least
    assert b"250 " not in said


def test_a_script_strikes_the_same_ones_each_time() -> None:
    script = Script([Fault.parse("rcpt:450:0.3", seed=7)])
    people = [f"r{n}@example.org" for n in range(1000)]

    first = [bool(script("rcpt", person, 1)) for person in people]
    again = [bool(script("rcpt", person, 2)) for person in people]

    assert first == again
    assert 240 < sum(first) < 360
    assert [script("data", person, 1) for person in people] == [""] * 1000


def test_a_server_of_its_own_process_writes_down_what_it_keeps(tmp_path: Path) -> None:
    options = ("--fault", "rcpt:550:1.0", "--extension", "CHUNKING")
    with Sink(tmp_path / "journal", *options) as sink, smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.ehlo()
        assert client.has_extn("chunking")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("s@example.org", ["a@example.org"], LETTER)
    with Sink(tmp_path / "journal") as sink, smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.sendmail("s@example.org", ["a@example.org"], LETTER)
        [letter] = sink.accepted()

    assert letter == Accepted.read(tmp_path / "journal")[0]
    assert (letter.recipient, letter.message_id) == ("a@example.org", "<1@example.org>")


def test_a_sink_that_has_what_it_was_to_take_is_silent_to_who_begins_another(tmp_path: Path) -> None:
    with Sink(tmp_path / "journal") as sink:
        sink.take(2)
        with smtplib.SMTP("127.0.0.1", sink.port, timeout=1) as client:
            client.sendmail("s@example.org", ["a@example.org"], LETTER)
            client.sendmail("s@example.org", ["b@example.org"], LETTER)
            with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
                client.sendmail("s@example.org", ["c@example.org"], LETTER)
        sink.take(1)
        with smtplib.SMTP("127.0.0.1", sink.port) as client:
            client.sendmail("s@example.org", ["d@example.org"], LETTER)

        assert [recipient for recipient, _ in sink.taken()] == ["a@example.org", "b@example.org", "d@example.org"]
