"""Proof of work: what a browser brings so that a sign-up costs a machine more than it gains (T-04). The only door to ALTCHA.

A challenge hides a number below `guesses`; who tries them all finds it, and we check one try. It is signed, names its form and its
hour, and works once (`store/solved.py`). The function to try is PBKDF2, which browsers run as fast as attackers' own programs do.
Who runs no script gets a ticket instead: a signed time, good from two seconds on, with limits ten times as tight.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

import altcha

from pipeline.keys import KeyRing

ALGORITHM = "PBKDF2/SHA-256"
COST = 250  # rounds a guess: 0.1 ms, here and in a browser
GOOD_FOR = dt.timedelta(hours=1)
FILL_TIME = dt.timedelta(seconds=2)  # nobody reads a page and presses a button in less
FLOOD = 8  # times the guesses while more is asked for than may be mailed
LONGEST = 4_096  # characters of a solution
TICKET_PARTS = 3


@dataclass(frozen=True, slots=True)
class Proof:
    """What came with a sign-up."""

    challenge: str  # SHA-256; to be spent
    expires_at: dt.datetime
    is_work: bool  # False: a ticket


def make_challenge(keys: KeyRing, form: str, *, guesses: int, now: dt.datetime) -> dict[str, Any]:
    """A challenge as the browser gets it."""
    made = altcha.create_challenge(
        ALGORITHM,
        COST,
        counter=secrets.randbelow(guesses),
        data={"form": form, "until": int((now + GOOD_FOR).timestamp()), "guesses": guesses},
        hmac_secret=_secret(keys.newest),
    )
    return dict(made.to_dict())


def read_solution(keys: KeyRing, form: str, text: str, *, now: dt.datetime) -> Proof | None:
    """The proof that *text* is, if it solves a challenge of ours for *form* that has not expired."""
    if not text or len(text) > LONGEST:
        return None
    try:
        document = json.loads(base64.b64decode(text, validate=True))
        payload = altcha.Payload.from_dict(document)
        data = payload.challenge.parameters.data or {}
        until = dt.datetime.fromtimestamp(data["until"], dt.UTC)
        is_ours = any(altcha.verify_solution(payload, _secret(key)).verified for key in keys.secrets)
    except Exception:  # whatever a parser makes of hostile bytes; a solution is right, or it is none
        return None
    # ALTCHA's own expiry goes by the machine's clock, ours by the application's; data is signed with the rest.
    if not is_ours or data["form"] != form or not now < until <= now + GOOD_FOR + FILL_TIME:
        return None
    return Proof(_hash(str(payload.challenge.signature)), until, is_work=True)


def make_ticket(keys: KeyRing, form: str, *, now: dt.datetime) -> str:
    """For who runs no script."""
    body = f"{int(now.timestamp() * 1000):x}-{secrets.token_hex(8)}"
    return f"{body}-{_mac(keys.newest, form, body)}"


def read_ticket(keys: KeyRing, form: str, text: str, *, now: dt.datetime) -> Proof | None:
    """The ticket that *text* is, if it is ours for *form*, and neither too young nor too old."""
    body, _, mac = text.rpartition("-")
    if len(text) > LONGEST or text.count("-") != TICKET_PARTS - 1:
        return None
    if not any(hmac.compare_digest(mac.encode(), _mac(key, form, body).encode()) for key in keys.secrets):
        return None
    drawn = dt.datetime.fromtimestamp(int(body.partition("-")[0], 16) / 1000, dt.UTC)
    if not FILL_TIME <= now - drawn <= GOOD_FOR:
        return None
    return Proof(_hash(text), drawn + GOOD_FOR, is_work=False)


def solve(challenge: dict[str, Any]) -> str:
    """The solution of *challenge*, found as a browser finds it: for the demonstration, and for whoever signs up by a program."""
    parameters = altcha.ChallengeParameters.from_dict(challenge["parameters"])
    nonce, salt, prefix = bytes.fromhex(parameters.nonce), bytes.fromhex(parameters.salt), parameters.key_prefix
    for counter in range(int((parameters.data or {}).get("guesses", 1_000_000))):
        password = nonce + counter.to_bytes(4, "big")
        derived = hashlib.pbkdf2_hmac("sha256", password, salt, parameters.cost, parameters.key_length).hex()
        if derived.startswith(prefix):
            break
    answer = {"challenge": challenge, "solution": {"counter": counter, "derivedKey": derived}}
    return base64.b64encode(json.dumps(answer).encode()).decode()


def _secret(key: bytes) -> bytes:
    return hmac.digest(key, b"open signal proof of work", "sha256")


def _mac(key: bytes, form: str, body: str) -> str:
    return hmac.digest(key, f"open signal ticket {form} {body}".encode(), "sha256").hex()[:32]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
