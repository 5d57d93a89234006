"""R-12: what others send us, be it a server's replies, addresses, tokens or web addresses: it never stops the service."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.errors import AddressError, FetchError, OpenSignalError, SettingsError, TokenError
from pipeline.ingest.fetch.addresses import read_url
from pipeline.library.urls import canonical_url, page_key, tracking
from pipeline.mail import tokens, verp
from pipeline.mail.addresses import masked, parse_address, without_addresses
from pipeline.mail.tokens import Purpose
from pipeline.mail.transport import SmtpTransport
from tests.chaos.scene import Scene, Told, scene
from tests.fakes import Answer
from tests.invariants import Seen

KEY = bytes(range(32))
SPICE = [
    "\r\n",
    "\0",
    "@",
    "<>",
    "..",
    "%00",
    "%0d%0a",
    "[",
    "]",
    "::1",
    "xn--",
    "\u202e",
    "\ufeff",
    "é",
    "\ud800",
    "1e9",
    "-",
    "https://",
]
TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(SPICE) | st.text(string.printable, max_size=12), max_size=12).map("".join),
    st.emails(),
)
URLS = st.builds(
    lambda scheme, rest: f"{scheme}{rest}",
    st.sampled_from(
        ["smtp://", "smtps://", "https://", "http://", "//", "", "postgresql://", "sqlite:///", "javascript:"]
    ),
    TEXTS,
)


# --- whatever is read ----------------------------------------------------------------------------------------------------------


def _address(text: str) -> None:
    """What passes is one mailbox that cannot break out of a command or a header, and is the same when it is read again."""
    email = parse_address(text).email
    assert not set(email) & set("\r\n\0<> ,;\t"), email
    assert email.count("@") == 1
    assert len(email.encode()) <= 254
    assert parse_address(email).email == email


def _token(text: str) -> None:
    for purpose in Purpose:
        try:
            tokens.read(KEY, purpose, text)
        except TokenError:
            continue
        raise AssertionError("a token of nobody's was taken")


def _signed_address(text: str) -> None:
    verp.read(KEY, text)
    raise AssertionError("an address of nobody's was taken")


def _web_address(text: str) -> None:
    read_url(text)
    canonical = canonical_url(text)
    assert canonical_url(canonical) == canonical
    page_key(text)
    tracking(text)


def _server(text: str) -> None:
    relay = SmtpTransport.from_url(text)
    assert relay.host
    assert 0 < relay.port < 65_536


def _setting(text: str) -> None:
    for name in ("site_url", "database_url", "smtp_url", "mail_from", "bounce_domain", "reply_to"):
        try:
            Settings.load(ROOT, **{name: text})
        except SettingsError as error:
            _says_something(error)


def _shown(text: str) -> None:
    masked(text)
    words = without_addresses(f"said {text} to reader@example.org", names=("reader",))
    assert "reader@example.org" not in words


ROOT = Path(__file__).parent.parent.parent
READERS: dict[str, tuple[st.SearchStrategy[str], Callable[[str], None], type[OpenSignalError]]] = {
    "addresses": (TEXTS, _address, AddressError),
    "tokens": (TEXTS | st.text("0123456789abcdef", min_size=70, max_size=70), _token, TokenError),
    "signed addresses": (
        TEXTS | st.from_regex(r"[bnu]-[a-z2-7]{26}-[0-9a-f]{1,16}-[a-z2-7]{16}"),
        _signed_address,
        TokenError,
    ),
    "web addresses": (URLS | TEXTS, _web_address, FetchError),
    "servers": (URLS, _server, SettingsError),
    "settings": (URLS | TEXTS, _setting, SettingsError),
    "shown words": (TEXTS, _shown, OpenSignalError),
}


def _says_something(error: OpenSignalError) -> None:
    """To be refused is as good as to be taken; without words it is not."""
    assert str(error)


def read_anything(name: str, examples: int) -> None:
    """Feed so many *examples* to the reader *name*: it takes them, or refuses them in words of ours."""
    strategy, read, refusal = READERS[name]

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def one(text: str) -> None:
        try:
            read(text)
        except refusal as error:
            _says_something(error)

    one()


# --- whatever a mail server says --------------------------------------------------------------------------------------------------

USUAL = {
    "mail": b"250 2.1.0 go on",
    "rcpt": b"250 2.1.5 go on",
    "data": b"354 end with a dot",
    "message": b"250 2.0.0 kept",
}


def garbled(seed: int) -> Callable[[str, str, int], Answer]:
    """An `answer` that spoils one reply to each recipient whose name begins with a g."""

    def answer(stage: str, recipient: str, connection: int) -> Answer:
        chance = random.Random(f"{seed} {recipient}")
        if not recipient.startswith("g") or stage != chance.choice(["rcpt", "data", "message"]):
            return ""
        return _spoilt(USUAL[stage], chance)

    return answer


def _spoilt(reply: bytes, chance: random.Random) -> bytes:
    """Octets of *reply* lost, changed or put between; one line, which never says a plain 4xx or 5xx: that would be no fault."""
    line = bytearray(reply)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(line) + 1)
        match chance.randrange(4):
            case 0:
                line[place:place] = chance.randbytes(chance.randint(1, 12))
            case 1:
                line[place : place + 1] = chance.randbytes(1)
            case 2:
                del line[place : place + chance.randint(1, 4)]
            case _:
                line[place:place] = chance.choice([b"\0", b"\xff", b"-", b"2", b" ", b"\t", b"x" * 600])
    spoilt = bytes(line).replace(b"\r", b"").replace(b"\n", b"")
    return (b"2" + spoilt[1:] if spoilt[:1] in (b"3", b"4", b"5") and reply[:1] == b"2" else spoilt) + b"\r\n"


def talk_nonsense(one: Scene, *, seed: int) -> Seen:
    """Send the issue to a server that garbles replies; then to one that does not. No end but ours, and none missing."""
    with one.server(garbled(seed)) as server:
        for _ in range(2):
            ended = one.send("send", one.issue, smtp=f"{server.url}?timeout=1", timeout=120)
            assert ended.code in (0, 1), ended
            assert "opensignal: unexpected" not in ended.err, ended.err
            one.hurry()
    one.finish()
    doubted = sum(1 for email in one.readers if email.startswith("g"))
    return one.check(in_doubt=3 * doubted)


def readers(many: int) -> list[str]:
    """Half of them will be answered with nonsense."""
    return [f"{'gr'[n % 2]}{n}@d{n}.test" for n in range(many)]


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """100,000 inputs for each reader; 5,000 garbled conversations."""
    examples, people = max(200, int(100_000 * scale)), max(100, int(10_000 * scale))
    for name in READERS:
        read_anything(name, examples)
        yield Told("R-12", f"{examples:,} inputs: {name}", "each taken, or refused in words of ours")
    with scene(folder / "nonsense", readers(people), connections=8) as one:
        yield Told("R-12", f"{people:,} recipients, half of the replies garbled", str(talk_nonsense(one, seed=seed)))
