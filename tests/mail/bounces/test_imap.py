"""The mailbox in which bounces arrive: a real IMAP server where there is one, hostile ones always, and a Maildir."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.errors import SettingsError, TransportError, UsageError
from pipeline.mail.bounces.imap import Address, connected
from pipeline.mail.bounces.mailbox import Maildir, open_mailbox
from pipeline.mail.bounces.mime import MOST_BYTES
from tests.mail.bounces.dovecot import PASSWORD, PROGRAM, Dovecot, dovecot

needs_dovecot = pytest.mark.skipif(
    PROGRAM is None, reason="no IMAP server here; install one with: apt-get install dovecot-imapd"
)
MAIL = b"From: mailer-daemon@example.org\r\nTo: b-x@bounce.example.org\r\nSubject: failed\r\n\r\nNumber %d\r\n"


# --- a real server ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def post(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Dovecot:
    """The server with an empty mailbox, and its certificate trusted."""
    for file in [*server.maildir.rglob("new/*"), *server.maildir.rglob("cur/*")]:
        file.unlink()
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    return server


def _url(server: Dovecot, *, scheme: str = "imaps", folder: str = "INBOX", options: str = "") -> str:
    port = server.tls_port if scheme == "imaps" else server.port
    return f"{scheme}://{quote('bounces@example.org')}:{quote(PASSWORD, safe='')}@localhost:{port}/{quote(folder)}{options}"


@needs_dovecot
@pytest.mark.parametrize(("scheme", "options"), [("imaps", ""), ("imap", ""), ("imap", "?starttls=never")])
def test_mails_are_read_in_order_and_marked_as_seen_only_when_they_were_taken(
    post: Dovecot, scheme: str, options: str
) -> None:
    mails = [MAIL % number for number in range(5)]
    post.deliver(*mails)
    address = Address.from_url(_url(post, scheme=scheme, options=options))

    with connected(address, largest=MOST_BYTES) as inbox:
        names, more = inbox.waiting(3)
        read = [inbox.read(name) for name in names]
    with connected(address, largest=MOST_BYTES) as inbox:  # whoever was stopped before the mark reads them again
        again, _ = inbox.waiting(3)
        inbox.taken(again)
    with connected(address, largest=MOST_BYTES) as inbox:
        rest, none = inbox.waiting(10)

    assert read == mails[:3]
    assert (again, more) == (names, 2)
    assert (len(rest), none) == (2, 0)


@needs_dovecot
def test_a_folder_with_a_name_of_several_words_is_read(post: Dovecot) -> None:
    post.deliver(MAIL % 1, folder=".Bounces of today")

    with connected(Address.from_url(_url(post, folder="Bounces of today")), largest=MOST_BYTES) as inbox:
        names, _ = inbox.waiting(10)

    assert len(names) == 1


@needs_dovecot
def test_of_a_mail_only_the_first_megabyte_is_read(post: Dovecot) -> None:
    """M-29"""
    post.deliver(MAIL % 1 + b"x" * 70 * 30_000)

    with connected(Address.from_url(_url(post)), largest=MOST_BYTES) as inbox:
        [name], _ = inbox.waiting(10)
        assert len(inbox.read(name)) == MOST_BYTES


@needs_dovecot
def test_a_mail_that_is_gone_is_an_empty_one(post: Dovecot) -> None:
    with connected(Address.from_url(_url(post)), largest=MOST_BYTES) as inbox:
        assert inbox.read("4711") == b""
        assert inbox.waiting(10) == ([], 0)


@needs_dovecot
def test_a_search_looks_through_the_folder_piece_by_piece(post: Dovecot) -> None:
    post.deliver(*(MAIL % number for number in range(5)))

    with connected(Address.from_url(_url(post)), largest=MOST_BYTES, window=2) as inbox:
        assert len(inbox.waiting(10)[0]) == 5


@needs_dovecot
def test_a_wrong_password_and_an_absent_folder_are_named_without_secrets(post: Dovecot) -> None:
    for url in (_url(post).replace("bounces", "somebody"), _url(post, folder="Nowhere")):
        with pytest.raises(TransportError, match="localhost") as caught, connected(Address.from_url(url), largest=1):
            pass
        assert PASSWORD not in str(caught.value)


@needs_dovecot
def test_a_certificate_that_nobody_vouches_for_ends_it_before_the_password(
    post: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-42"""
    monkeypatch.delenv("SSL_CERT_FILE")

    for scheme in ("imaps", "imap"):
        with (
            pytest.raises(TransportError, match="TLS failed"),
            connected(Address.from_url(_url(post, scheme=scheme)), largest=1),
        ):
            pass


# --- hostile servers --------------------------------------------------------------------------------------------------


class Hostile:
    """Says what it is told to, whatever it is asked; *%t* is the tag of the command."""

    def __init__(self, *answers: bytes | Callable[[socket.socket], None], greeting: bytes = b"* OK hello\r\n") -> None:
        self.heard = b""
        self._answers, self._greeting = list(answers), greeting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Hostile:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            line, _ = self._listener.accept()
            with line:
                line.sendall(self._greeting)
                while said := line.recv(65_536):
                    self.heard += said
                    answer = self._answers.pop(0) if self._answers else b"%t BAD what\r\n"
                    if callable(answer):
                        answer(line)
                    else:
                        line.sendall(answer.replace(b"%t", said.partition(b" ")[0]))

    @property
    def address(self) -> Address:
        return Address.from_url(f"imap://user:secret@127.0.0.1:{self.port}/INBOX?starttls=never")


CAPABLE = b"* CAPABILITY IMAP4rev1\r\n%t OK done\r\n"
LOGIN = (CAPABLE, b"%t OK done\r\n")
SELECT = (*LOGIN, b"* 3 EXISTS\r\n%t OK done\r\n")
SEARCH = (*SELECT, b"* SEARCH 1 2 3\r\n%t OK done\r\n")


def _read_all(address: Address, *, timeout: float = 20, deadline: float = 20) -> list[bytes]:
    with connected(address, largest=MOST_BYTES, timeout=timeout, deadline=deadline) as inbox:
        names, _ = inbox.waiting(10)
        return [inbox.read(name) for name in names]


def _flood(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for _ in range(200_000):
            line.sendall(b"* 1 FETCH (FLAGS (" + b"x" * 2_000 + b"))\r\n")


@pytest.mark.parametrize(
    ("answers", "what"),
    [
        ((b"",), "timed out"),
        ((b"\x00\xff\r\n" * 5,), "unexpected response"),
        ((b"%t NO no\r\n",), "not IMAP4 compliant"),
        ((CAPABLE, b"%t NO go away\r\n"), "go away"),
        ((CAPABLE, b"* BYE now\r\n"), "now|EOF"),
        ((*LOGIN, b"%t OK done\r\n"), "no IMAP that we understand"),
        ((*LOGIN, b"* lots EXISTS\r\n%t OK done\r\n"), "unexpected response"),
        ((*LOGIN, b"%t NO [NONEXISTENT] no such folder\r\n"), "refused SELECT: .*no such folder"),
        ((*LOGIN, (b"* OK " + b"x" * 900 + b"\r\n") * 2_000), "more than it was asked for"),
        ((*SELECT, b"* SEARCH " + b"1 " * 1_000_000 + b"\r\n%t OK done\r\n"), "more than"),
        ((*SEARCH, b"* 1 FETCH (UID 1 BODY[]<0> {4000000000}\r\n"), "more than it was asked for"),
        ((*SEARCH, b"* 1 FETCH (UID 1 BODY[]<0> {9999999999999999999999}\r\n"), "more than it was asked for"),
        ((*SEARCH, _flood), "more than it was asked for"),
        ((*SEARCH, b"x" * 3_000_000), "more than"),
        ((*SEARCH, b"%t OK done\r\n", b""), "timed out"),
    ],
    ids=range(15),
)
def test_whatever_a_server_says_ends_in_one_plain_error(
    answers: tuple[bytes | Callable[[socket.socket], None], ...], what: str
) -> None:
    """M-29: a literal of four gigabytes, endless answers, silence, rubbish."""
    with Hostile(*answers) as server, pytest.raises(TransportError, match=what) as caught:
        _read_all(server.address, timeout=0.5 if what == "timed out" else 20)

    assert str(caught.value).startswith("mailbox 127.0.0.1:")
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_server_that_dribbles_is_left_when_its_time_is_over() -> None:
    """M-29"""

    def dribble(line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for _ in range(200):
                line.sendall(b"x")
                time.sleep(0.05)

    began = time.monotonic()
    with Hostile(*SEARCH, dribble) as server, pytest.raises(TransportError):
        _read_all(server.address, deadline=0.5)

    assert time.monotonic() - began < 5


def test_a_greeting_that_never_ends_is_left_too() -> None:
    """M-29"""
    began = time.monotonic()
    with Hostile(greeting=b"* OK I am") as server, pytest.raises(TransportError):
        _read_all(server.address, deadline=0.3)

    assert time.monotonic() - began < 5


def test_another_mail_than_the_one_asked_for_is_not_taken_for_it() -> None:
    others = b"* 2 FETCH (UID 22 BODY[]<0> {5}\r\nOther)\r\n* 1 FETCH (UID 1 BODY[]<0> {4}\r\nMine)\r\n%t OK done\r\n"

    with Hostile(*SELECT, b"* SEARCH 1\r\n%t OK done\r\n", others) as server:
        assert _read_all(server.address) == [b"Mine"]


@pytest.mark.parametrize("greeting", [b"* OK hello\r\n", b"* PREAUTH hello\r\n"])
def test_no_password_goes_over_a_line_in_clear(greeting: bytes) -> None:
    """T-42: a server, or somebody on the line, that offers no STARTTLS"""
    with Hostile(CAPABLE, b"%t BAD no STARTTLS\r\n", greeting=greeting) as server:
        address = Address.from_url(f"imap://user:secret@127.0.0.1:{server.port}/INBOX")
        with pytest.raises(TransportError), connected(address, largest=1):
            pass

        assert b"secret" not in server.heard


@hypothesis_settings(max_examples=15)
@given(noise=st.lists(st.binary(max_size=60), max_size=4))
def test_no_noise_breaks_more_than_the_connection(noise: list[bytes]) -> None:
    """M-29"""
    answers = [piece.replace(b"\n", b" ") + b"\r\n%t OK done\r\n" for piece in noise]
    with Hostile(*LOGIN, *answers) as server, contextlib.suppress(TransportError):
        _read_all(server.address)


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("imaps://u:p@imap.example.org", ("imap.example.org", 993, "u", "p", "INBOX", "implicit")),
        ("imap://u:p@h.test/Some%20Folder/", ("h.test", 143, "u", "p", "Some Folder", "starttls")),
        ("imaps://u%40x:p%2F@[::1]:1993/A/B", ("::1", 1993, "u@x", "p/", "A/B", "implicit")),
    ],
)
def test_an_address_is_read_as_any_url(url: str, expected: tuple[object, ...]) -> None:
    found = Address.from_url(url)

    assert (found.host, found.port, found.user, found.password, found.folder, found.tls) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://u:p@h.test",
        "imaps://h.test/INBOX",
        "imaps://u:p@/INBOX",
        "imaps://u:p@h.test:port/INBOX",
        "imap://u:p@h.test?starttls=maybe",
        "imaps://u:p@h.test?delete=yes",
        "imaps://u:p@h.test/IN%0D%0ABOX",
        "imaps://u:p%0D%0Aq@h.test",
        "imaps://u:p@h.test/%22",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="bounces_url") as caught:
        Address.from_url(url)

    assert "u:p" not in str(caught.value)


def test_an_address_is_printed_without_its_password() -> None:
    assert "secret" not in repr(Address.from_url("imaps://u:secret@h.test"))


# --- a Maildir --------------------------------------------------------------------------------------------------------


def test_what_is_new_in_a_maildir_waits_and_is_moved_when_it_was_taken(settings: Settings, tmp_path: Path) -> None:
    box = tmp_path / "post"
    for part in ("new", "cur", "tmp"):
        (box / part).mkdir(parents=True)
    for name in ("2.b", "1.a", "3.c:2,"):
        (box / "new" / name).write_bytes(name.encode())
    (box / "cur" / "0.old:2,S").write_bytes(b"old")
    (box / "new" / "0.link").symlink_to("/etc/passwd")

    with open_mailbox(settings.model_copy(update={"bounces_url": str(box)})) as mailbox:
        names, more = mailbox.waiting(2)
        read = [mailbox.read(name) for name in names]
        mailbox.taken([*names, "gone"])
        rest, _ = mailbox.waiting(10)
        mailbox.taken(rest)

    assert (read, more, rest) == ([b"1.a", b"2.b"], 1, ["3.c:2,"])
    assert sorted(path.name for path in (box / "cur").iterdir()) == ["0.old:2,S", "1.a:2,S", "2.b:2,S", "3.c:2,S"]
    assert mailbox.read("gone") == b""


def test_a_folder_that_is_no_maildir_is_named(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="no Maildir"):
        Maildir(tmp_path).waiting(1)


def test_without_an_address_it_says_what_to_set(settings: Settings) -> None:
    with pytest.raises(UsageError, match="OPENSIGNAL_BOUNCES_URL"), open_mailbox(settings):
        pass
