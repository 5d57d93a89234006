"""DKIM: what we sign, two other programs find good, whatever the letter; what is changed afterwards, they refuse."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.config import Settings
from pipeline.errors import SettingsError, UsageError
from pipeline.mail.dkim import (
    OVERSIGNED,
    SIGNED,
    TXT_STRING,
    Algorithm,
    DkimKey,
    Signer,
    keys_there,
    make_key,
    relaxed_body,
    relaxed_header,
)
from tests.mail.every import EVERY, LETTERS, every_message, with_theme
from tests.repository import Repository

RSA_KEY = DkimKey("r1", rsa.generate_private_key(public_exponent=65537, key_size=2048))
ED_KEY = DkimKey("e1", ed25519.Ed25519PrivateKey.generate())
RECORDS = {f"{key.selector}._domainkey.example.org": key.record for key in (RSA_KEY, ED_KEY)}
SIGNER = Signer("example.org", [RSA_KEY, ED_KEY])

PERL = """
use strict; use warnings; use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
package Zone; sub new { bless {}, shift }
sub send {
    my ($self, $name, $type) = @_;
    my $packet = Net::DNS::Packet->new($name, $type);
    $packet->header->qr(1);
    $packet->push(answer => Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => [unpack '(a255)*', $ENV{RECORD}]))
        if lc $name eq $ENV{NAME} and $type eq 'TXT';
    return $packet;
}
sub errorstring { '' }
package main; Mail::DKIM::DNS::resolver(Zone->new);
my $verifier = Mail::DKIM::Verifier->new; binmode STDIN; local $/; my $message = <STDIN>;
$verifier->PRINT($message); $verifier->CLOSE; print join ' ', map { $_->result } $verifier->signatures;
"""
HAS_PERL = (
    bool(shutil.which("perl"))
    and not subprocess.run(["perl", "-MMail::DKIM::Verifier", "-e", "1"], capture_output=True).returncode
)
needs_mail_dkim = pytest.mark.skipif(
    not HAS_PERL, reason="Perl's Mail::DKIM is not here: apt-get install libmail-dkim-perl"
)


def dkimpy(message: bytes) -> list[bool]:
    """What dkimpy says of each signature, the topmost first."""

    def record(name: bytes, timeout: int = 5) -> bytes:
        return RECORDS.get(name.decode().rstrip("."), "").encode()

    number = len(re.findall(rb"(?im)^dkim-signature:", message.partition(b"\r\n\r\n")[0]))

    def good(place: int) -> bool:
        try:
            return bool(dkim.DKIM(message, minkey=2048).verify(idx=place, dnsfunc=record))
        except dkim.ValidationError:
            return False

    return [good(place) for place in range(number)]


def mail_dkim(message: bytes) -> str:
    """What Perl's Mail::DKIM says; its version here knows RSA only."""
    name = "r1._domainkey.example.org"
    done = subprocess.run(
        ["perl", "-e", PERL],
        input=message,
        capture_output=True,
        env={**os.environ, "NAME": name, "RECORD": RECORDS[name]},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture
def messages(settings: Settings) -> dict[str, bytes]:
    return dict(every_message(with_theme(settings, bounce_domain="bounce.example.org")))


# --- what we sign is good -----------------------------------------------------------------------------------------------------


def test_m32_every_letter_signed_both_ways_is_found_good(messages: dict[str, bytes]) -> None:
    assert set(messages) == set(EVERY)
    for what, message in messages.items():
        signed = SIGNER.sign(message)

        assert dkimpy(signed) == [True, True], what
        assert signed.endswith(message), "what is signed is what is sent"
        assert SIGNER.sign(message) == signed, "the same bytes on every retry"


@needs_mail_dkim
def test_m14_an_independent_verifier_finds_every_letter_good(messages: dict[str, bytes]) -> None:
    for what, message in messages.items():
        assert mail_dkim(Signer("example.org", [RSA_KEY]).sign(message)) == "pass", what


def test_m32_the_signature_covers_what_a_letter_stands_on(messages: dict[str, bytes]) -> None:
    """Relaxed both ways, no l=, no x=, t= from the letter's Date, and each field that is there in h=."""
    for message in messages.values():
        for signature in re.findall(rb"DKIM-Signature: (.*?)\r\n(?!\t)", SIGNER.signatures(message), re.DOTALL):
            tags = dict(tag.strip().split("=", 1) for tag in re.sub(r"\s+", " ", signature.decode()).split(";"))
            named = [name.strip().lower() for name in tags["h"].split(":")]
            there = [
                line.partition(":")[0].lower()
                for line in message.partition(b"\r\n\r\n")[0].decode().split("\r\n")
                if line[0] not in " \t"
            ]

            assert set(tags) == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}
            assert (tags["c"], tags["d"], tags["t"]) == ("relaxed/relaxed", "example.org", "1795424400")
            for name in SIGNED:
                extra = 1 if name in OVERSIGNED else 0
                assert named.count(name.lower()) == there.count(name.lower()) + extra
        assert max(len(line) for line in SIGNER.signatures(message).split(b"\r\n")) <= 78


# --- what is changed is not -----------------------------------------------------------------------------------------------------

UNSUBSCRIBE = b"List-Unsubscribe: <https://evil.test/>\r\n"
CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "another -Post": lambda m: m.replace(b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"),
    "no -Post": lambda m: re.sub(rb"List-Unsubscribe-Post: [^\r]*\r\n", b"", m),
    "a second -Post": lambda m: b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" + m,
    "a second List-Unsubscribe above": lambda m: UNSUBSCRIBE + m,
    "a second List-Unsubscribe below": lambda m: m.replace(b"\r\n\r\n", b"\r\n" + UNSUBSCRIBE + b"\r\n", 1),
    "another List-Unsubscribe": lambda m: m.replace(b"List-Unsubscribe: <https://", b"List-Unsubscribe: <https://x", 1),
    "another subject": lambda m: m.replace(b"\r\nSubject: ", b"\r\nSubject: x", 1),
    "a second subject": lambda m: b"Subject: x\r\n" + m,
    "a second From": lambda m: b"From: evil@evil.test\r\n" + m,
    "a second To": lambda m: b"To: evil@evil.test\r\n" + m,
    "a second Date": lambda m: b"Date: Mon, 23 Nov 2026 09:00:00 +0000\r\n" + m,
    "another body": lambda m: m.replace(b"Deep Signals", b"Deep Singals"),
    "more body": lambda m: m + b"more\r\n",
    "less body": lambda m: m[:-30],
}


@pytest.mark.parametrize("change", CHANGES)
def test_m14_what_is_changed_or_added_afterwards_fails(messages: dict[str, bytes], change: str) -> None:
    signed = SIGNER.sign(messages["daily"])

    changed = CHANGES[change](signed)

    assert changed != signed
    assert dkimpy(changed) == [False, False]


@needs_mail_dkim
def test_m14_the_other_verifier_refuses_the_same_changes(messages: dict[str, bytes]) -> None:
    signed = Signer("example.org", [RSA_KEY]).sign(messages["daily"])

    for change in ("another -Post", "a second -Post", "a second List-Unsubscribe above", "another body"):
        assert mail_dkim(CHANGES[change](signed)) == "fail", change


@pytest.mark.parametrize("what", LETTERS)
def test_m14_what_relays_may_do_on_the_way_does_no_harm(messages: dict[str, bytes], what: str) -> None:
    """Headers put before, folded anew and spaced otherwise; white space and empty lines at the ends of the body."""
    signed = SIGNER.sign(messages[what])
    head, _, body = signed.partition(b"\r\n\r\n")
    head = b"Received: from a by b\r\n" + head.replace(b"\r\nSubject: ", b"\r\nSUBJECT:  \t", 1).replace(
        b", ", b",\r\n  "
    )

    assert dkimpy(head + b"\r\n\r\n" + body + b"\r\n\r\n") == [True, True]


# --- canonical forms (RFC 6376 3.4) -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "relaxed"),
    [  # RFC 6376 3.4.5
        (b"A: X", b"a:X"),
        (b"B : Y\t\r\n\tZ  ", b"b:Y Z"),
        (b"Subject:", b"subject:"),
        (b"Subject: \r\n \r\n x", b"subject:x"),
        (b"X:a:b: c", b"x:a:b: c"),
    ],
)
def test_relaxed_headers(field: bytes, relaxed: bytes) -> None:
    assert relaxed_header(field) == relaxed


@pytest.mark.parametrize(
    ("body", "relaxed"),
    [  # RFC 6376 3.4.4 and 3.4.5
        (b"", b""),
        (b"\r\n", b""),
        (b"\r\n\r\n", b""),
        (b" \r\n\t\r\n", b""),
        (b"a", b"a\r\n"),
        (b"a\r\n\r\n\r\n", b"a\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),
        (b"a \t", b"a\r\n"),
        (b"\r\na\r\n", b"\r\na\r\n"),
        (b"a\t\r\n", b"a\r\n"),
    ],
)
def test_relaxed_bodies(body: bytes, relaxed: bytes) -> None:
    assert relaxed_body(body) == relaxed


BODIES = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b".", b"=20", "é".encode()]), max_size=24).map(b"".join)


@given(value=BODIES, body=BODIES)
@example(value=b"", body=b"")
@example(value=b"a", body=b" ")  # arrives as a line: SMTP ends it
@hypothesis_settings(max_examples=60)
def test_m32_odd_white_space_and_empty_bodies_are_signed_as_others_read_them(value: bytes, body: bytes) -> None:
    folded = re.sub(rb"\r\n(?![ \t])", b"\r\n ", value).rstrip(b" \t\r\n") + b"x"
    message = (
        b"From: a@example.org\r\nTo: b@example.org\r\nSubject:" + folded + b"\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000"
        b"\r\n\r\n" + body
    )

    signed = Signer("example.org", [ED_KEY]).sign(message)

    assert dkimpy(signed if signed.endswith(b"\r\n") else signed + b"\r\n") == [True]


def test_the_example_of_rfc_8463_comes_out_as_it_stands_there() -> None:
    """RFC 8463 appendix A: Ed25519 has one signature for one text, so ours must be theirs."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="))
    fields = {
        "from": b"From: Joe SixPack <joe@football.example.com>",
        "to": b"To: Suzie Q <suzie@shopping.example.net>",
        "subject": b"Subject: Is dinner ready?",
        "date": b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
        "message-id": b"Message-ID: <20030712040037.46341.5F8J@football.example.com>",
    }
    body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    signature = (
        b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n"
        b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n"
        b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
    )

    body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
    signed = b"".join(relaxed_header(field) + b"\r\n" for field in fields.values()) + relaxed_header(signature)
    seal = base64.b64encode(DkimKey("brisbane", key).sign(signed)).decode()

    assert b"bh=" + body_hash + b";" in signature
    assert seal == "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    assert DkimKey("brisbane", key).record == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


# --- keys ---------------------------------------------------------------------------------------------------------------------


def test_without_a_selector_the_mail_server_signs(settings: Settings) -> None:
    assert Signer.load(settings) is None


def test_two_selectors_sign_side_by_side_so_that_a_key_can_be_rolled(settings: Settings) -> None:
    """M-32: while the old record fades from caches, the new one is there."""
    for selector in ("old", "new"):
        make_key(settings, selector=selector, algorithm=Algorithm.RSA)

    signer = Signer.load(settings.model_copy(update={"dkim_selectors": "new old"}))

    assert signer is not None
    assert (signer.domain, [key.selector for key in signer.keys]) == ("example.org", ["new", "old"])
    assert [key.selector for key in keys_there(settings)] == ["new", "old"]


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_is_made_once_closed_and_long_enough(settings: Settings, algorithm: Algorithm) -> None:
    """T-45, T-46, M-32."""
    made = make_key(settings, selector="s1", algorithm=algorithm)
    again = make_key(settings, selector="s1", algorithm=algorithm)

    assert (made.made, again.made, again.key.record) == (True, False, made.key.record)
    assert made.name == "s1._domainkey.example.org"
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert "".join(made.key.strings) == made.key.record
    assert all(len(string) <= TXT_STRING for string in made.key.strings)
    assert len(made.key.strings) == (2 if algorithm is Algorithm.RSA else 1)
    other = Algorithm.ED25519 if algorithm is Algorithm.RSA else Algorithm.RSA
    with pytest.raises(UsageError, match="another selector"):
        make_key(settings, selector="s1", algorithm=other)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (None, 0o600, "opensignal keys dkim --selector s1"),
        (b"", 0o600, "not a private key"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), 0o600, "wants RSA of 2048 bits"),
        (_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), 0o600, "wants RSA of 2048 bits"),
        (b"secret", 0o644, "chmod 600"),
    ],
    ids=["missing", "empty", "elliptic", "short", "open"],
)
def test_a_key_that_is_none_is_named(settings: Settings, content: bytes | None, mode: int, words: str) -> None:
    """T-46."""
    path = settings.state_dir / "keys" / "dkim-s1.pem"
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)

    with pytest.raises(SettingsError, match=words) as caught:
        Signer.load(settings.model_copy(update={"dkim_selectors": "s1"}))
    assert "dkim-s1.pem" in str(caught.value)


def test_the_command_makes_a_key_and_says_what_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository.make(tmp_path / "repository")

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--root", str(repository.root)], catch_exceptions=False)
        return done.stdout

    words = repository.run("keys", "dkim", "--selector", "news1")
    monkeypatch.setenv("OPENSIGNAL_DKIM_SELECTORS", "news1")
    told = json.loads(run("keys", "dkim", "--selector", "news1", "--json"))
    small = json.loads(run("keys", "dkim", "--algorithm", "ed25519", "--json"))
    listed = run("keys", "list")

    assert words.code == 0
    assert "news1._domainkey.example.org. IN TXT (" in words.out
    assert 'set dkim_selectors = "news1"' in words.out
    assert "".join(re.findall(r'^  "(.*)"$', words.out, re.MULTILINE)) == told["record"]
    assert (told["made"], told["signs"], told["algorithm"]) == (False, True, "rsa")
    assert (small["made"], small["signs"]) == (True, False)
    assert re.fullmatch(r"e\d{6}", small["selector"])
    assert "news1     signs letters, rsa" in listed
    assert "rests: dkim_selectors does not name it, ed25519" in listed
    assert "PRIVATE" not in words.out + listed
    for options in (["--selector", "a b"], ["--algorithm", "dsa"], ["--selector", "news1", "--algorithm", "ed25519"]):
        with pytest.raises(UsageError):
            run("keys", "dkim", *options)
