"""The nonce on a page behind a mailed link: it shows that the page was looked at before its button was pressed (M-44).

Scanners of mail open every link, run scripts, and press every button within a second. So a button counts only with the nonce of
its page, at least `YOUNGEST` and at most `OLDEST` after the page was drawn, and only if the page's decoy was left alone: a second
button that nobody sees. The nonce is a signed time, bound to whom the link names; nothing of it is stored.
"""

from __future__ import annotations

import datetime as dt
import hmac
import re

from pipeline.keys import KeyRing
from pipeline.web.forms import Fields

FIELD = "nonce"
DECOY = "decoy"
YOUNGEST = dt.timedelta(seconds=1.5)
OLDEST = dt.timedelta(hours=24)
_FORM = re.compile(r"([0-9a-f]{1,12})-([0-9a-f]{32})")


def make_nonce(keys: KeyRing, ref: str, *, now: dt.datetime) -> str:
    """The nonce of a page that is drawn *now* for *ref*."""
    drawn = f"{int(now.timestamp() * 1000):x}"
    return f"{drawn}-{_mac(keys.newest, ref, drawn)}"


def was_pressed(keys: KeyRing, ref: str, fields: Fields, *, now: dt.datetime) -> bool:
    """Whether a person may have pressed the button that sent *fields*."""
    found = _FORM.fullmatch(fields.one(FIELD))
    if found is None or fields.one(DECOY):
        return False
    drawn, mac = found.groups()
    age = now.timestamp() - int(drawn, 16) / 1000
    genuine = any(hmac.compare_digest(mac, _mac(key, ref, drawn)) for key in keys.secrets)
    return genuine and YOUNGEST.total_seconds() <= age <= OLDEST.total_seconds()


def _mac(key: bytes, ref: str, drawn: str) -> str:
    return hmac.digest(key, f"open signal nonce {ref} {drawn}".encode(), "sha256").hex()[:32]
