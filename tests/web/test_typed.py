"""What a stranger types into the form, and what of it reaches a mail: the address on its line, and nothing else."""

from __future__ import annotations

import email
import shutil
from collections.abc import Iterator

import pytest

from pipeline.config import Settings
from pipeline.mail.notices import send_notices
from pipeline.mail.transport import SmtpTransport
from pipeline.store import Store
from tests.fakes import Received, mail_server
from tests.mail.test_every import INTENDED, names_in
from tests.web.conftest import REPOSITORY, Desk, opened

TYPED = "zqtyped"
TRICKS = {
    "line breaks": f"{TYPED}\r\nBcc: {TYPED}@evil.test\r\n\r\n{TYPED}",
    "a bare line feed": f"{TYPED}\nBcc: {TYPED}@evil.test",
    "an encoded word": f"=?utf-8?q?{TYPED}=0D=0ABcc:_{TYPED}@evil.test?=",
    "an encoded word in base64": "=?utf-8?b?enF0eXBlZA0KQmNjOiB4QGV2aWwudGVzdA==?=",
    "markup": f"<b>{TYPED}</b> {{{{ settings }}}} {{% include 'x' %}} <script>{TYPED}</script>",
    "odd characters": f"{TYPED}\x00\u202e\u2028\x1b[31m\ufeff{TYPED}",
    "several addresses": f"{TYPED}@evil.test, other@evil.test",
    "a quoted address": f'"{TYPED}\r\n" <{TYPED}@evil.test>',
    "a long word": TYPED * 40,
}


@pytest.fixture
def open_desk(sqlite_store: Store, settings: Settings, now) -> Iterator[Desk]:  # type: ignore[no-untyped-def]
    """A form without limits: what is let in is what matters here."""
    shutil.copytree(REPOSITORY / "theme" / "assets" / "css", settings.root / "theme" / "assets" / "css")
    open_to_all = settings.model_copy(update={"proof_of_work": 0, "signup_limits": False})
    with opened(sqlite_store, open_to_all, now) as desk:
        yield desk


def mailed(desk: Desk) -> list[Received]:
    desk.work()
    with mail_server() as server:
        send_notices(
            desk.store, desk.settings, SmtpTransport("127.0.0.1", server.port, timeout=10), clock=lambda: desk.now
        )
    return server.received


@pytest.mark.parametrize("trick", TRICKS)
def test_t09_nothing_typed_into_any_field_reaches_a_header_or_a_mail(open_desk: Desk, trick: str) -> None:
    """T-09, M-05, M-41: whatever is let in, the letters are those that are meant, and go to who was named."""
    text = TRICKS[trick]
    beside = dict.fromkeys(("name", "subject", "page", "wording", "list", "X-Header"), text)
    heads = {"Referer": f"https://deepsignals.example.org/{TYPED}", "User-Agent": f"{TYPED} evil"}

    open_desk.post("subscribe", {"email": "plain@example.org", "cadence": "daily", **beside}, headers=heads)
    for place, address in enumerate((text, f"{text}@example.org", f"a@example.org{text}", f"x\r\n{text}@example.org")):
        open_desk.sign_up(address, name=f"{text}{place}")
    for field in ("cadence", "topics"):
        open_desk.sign_up(f"{field}@example.org", **{field: text})
    letters = mailed(open_desk)

    assert "plain@example.org" in [letter.recipient for letter in letters]
    for letter in letters:
        assert sorted(names_in(letter.data)) == sorted(INTENDED["confirm"])
        assert letter.message["To"] == letter.recipient
        assert not any(c in letter.recipient for c in ' ,<>\r\n"\x00')
        assert "evil.test" not in letter.recipient
        without_to = letter.data.replace(f"To: {letter.recipient}\r\n".encode(), b"")
        assert TYPED.encode() not in without_to
        assert b"evil.test" not in without_to
        assert TYPED not in letter.text() + letter.html()
        assert len(email.message_from_bytes(letter.data).get_all("To") or []) == 1
