"""How many mails sign-ups may cause (M-39), so that nobody can use the form to bury somebody, or a mail server, in confirmations.

    of a client     5 in 10 minutes and 20 a day; asked at the door, before anything is written
    of an address   1 in 24 hours (`lifecycle`), 3 in 30 days, 6 ever as long as none is answered
    of a domain     30 an hour; 300 for the largest providers
    of all          60 an hour, or ten times what is usual here

Who brings no proof of work gets a tenth. What goes beyond the limit of a client or an address is forgotten; what goes beyond that
of a domain or of all waits. The counts are in the database (`store/limits.py`), under keyed hashes.
"""

from __future__ import annotations

import datetime as dt
import statistics
from enum import StrEnum

from pipeline.keys import Keys, newest
from pipeline.mail.addresses import Address
from pipeline.store import Connection, consents, limits, suppressions
from pipeline.store.limits import Limit, bucket_of

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
EVER = dt.timedelta(days=36_500)
UNPROVEN = 10  # times as tight for who brings no proof of work (T-04)

CLIENT_SOON, CLIENT_DAY = 5, 20
ADDRESS_MONTH, ADDRESS_EVER = 3, 6
DOMAIN, LARGE_DOMAIN = 30, 300
SERVICE, USUAL = 60, 10

# Where most people have their mail: the twenty largest of 2026 by mailboxes, as far as providers tell.
LARGE = frozenset(
    "gmail.com googlemail.com yahoo.com outlook.com hotmail.com live.com msn.com icloud.com aol.com proton.me protonmail.com "
    "gmx.de gmx.net web.de mail.ru yandex.ru qq.com 163.com orange.fr comcast.net".split()
)

FLOOD = "flood"  # the bucket that is open while the limit of all has been reached
FLOOD_LASTS = 10 * MINUTE


class Refusal(StrEnum):
    """Which limit was reached, and what becomes of the sign-up."""

    ADDRESS = "address"  # forgotten: this mailbox has been asked often enough
    DOMAIN = "domain"  # put off: other domains go first
    SERVICE = "service"  # waits, and all behind it


def of_client(key: bytes, network: str, *, proven: bool) -> tuple[Limit, ...]:
    """What a client in *network* may ask for."""
    soon = Limit(bucket_of(key, "client-soon", network), CLIENT_SOON, 10 * MINUTE)
    day = Limit(bucket_of(key, "client-day", network), CLIENT_DAY, DAY)
    if proven:
        return (soon, day)
    # Half a sign-up in ten minutes is one in twenty.
    return (Limit(f"plain-{soon.bucket}", 1, UNPROVEN * soon.window / CLIENT_SOON), _tenth(day))


def admit(
    connection: Connection,
    address: Address,
    *,
    asks: bool,
    proven: bool,
    per_hour: int,
    suppression_keys: Keys,
    key: bytes,
    now: dt.datetime,
) -> tuple[Refusal, float] | None:
    """Count a mail to *address*; or which limit it would break, and for how many seconds. Then the caller rolls back.

    *asks*: it is a confirmation, which counts for the address until it is answered.
    """
    domain = address.key.rpartition("@")[2]
    of_domain = Limit(bucket_of(key, "domain", domain), LARGE_DOMAIN if domain in LARGE else DOMAIN, HOUR)
    of_all = Limit(bucket_of(key, "service", ""), per_hour, HOUR)
    tighter = () if proven else (_tenth(of_domain), _tenth(of_all))
    wanted = (
        (Refusal.ADDRESS, of_address(suppression_keys, address) if asks else ()),
        (Refusal.DOMAIN, (of_domain, *tighter)),
        (Refusal.SERVICE, (of_all,)),
    )
    for refusal, each in wanted:
        if wait := limits.count_all(connection, each, now=now):
            return refusal, wait
    return None


def of_address(keys: Keys, address: Address) -> tuple[Limit, ...]:
    month, ever = _address_buckets(keys, address.key)
    return (Limit(month, ADDRESS_MONTH, 30 * DAY), Limit(ever, ADDRESS_EVER, EVER))


def answered(connection: Connection, keys: Keys, email_key: str) -> None:
    """The owner of the address has said yes: what was asked before no longer counts."""
    limits.forget(connection, _address_buckets(keys, email_key))


def usual_per_hour(connection: Connection, *, now: dt.datetime) -> int:
    """The limit of all, from what was asked for in each hour of the last seven days."""
    hours = consents.asked_by_hour(connection, since=now - 7 * DAY)
    quiet = max(7 * 24 - len(hours), 0)
    return max(SERVICE, USUAL * int(statistics.median([*hours, *[0] * quiet])))


def begin_flood(connection: Connection, *, now: dt.datetime) -> bool:
    """Note that the limit of all was reached. True where that is news."""
    is_news = not is_flooded(connection, now=now)
    limits.forget(connection, [FLOOD])
    limits.count(connection, Limit(FLOOD, 1, FLOOD_LASTS), now=now)
    return is_news


def is_flooded(connection: Connection, *, now: dt.datetime) -> bool:
    """Whether the limit of all was reached in the last ten minutes."""
    return limits.used(connection, FLOOD, now=now) > 0


def _tenth(limit: Limit) -> Limit:
    return Limit(f"plain-{limit.bucket}", max(limit.number // UNPROVEN, 1), limit.window)


def _address_buckets(keys: Keys, email_key: str) -> tuple[str, str]:
    hashed = suppressions.hash_of(newest(keys), email_key)[:60]
    return f"asked:{hashed}", f"unanswered:{hashed}"
