"""R-11: a letter that cannot be made, because of its address or its bytes, harms no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa

from pipeline.store.tables import subscribers
from tests.chaos.scene import Scene, Told, scene
from tests.invariants import Seen

# Rows that no door lets in today; an older version, an import gone wrong, or a hand in the database may have left them.
ADDRESSES: Mapping[str, str] = {
    "a line break": "x@example.org>\r\nRCPT TO:<victim@example.org",
    "a bare line feed": "x\ny@example.org",
    "a NUL": "x\0y@example.org",
    "a bracket": "x>y@example.org",
    "a space": "x y@example.org",
}
NOT_ADDRESSES: Mapping[str, str] = {
    "no at sign": "nobody",
    "nothing": "",
    "two": "x@example.org@example.com",
    "endless": "x" * 70_000 + "@example.org",
    "damaged": "x\ufffd@example.org",  # what the store makes of bytes that are no text
}


def poison(one: Scene, which: Mapping[str, str]) -> list[str]:
    """Spoil the addresses of as many readers, spread over the list; returns the addresses that they had."""
    step = len(one.readers) // (len(which) + 1)
    spoilt = [one.readers[step * (n + 1)] for n in range(len(which))]
    s = subscribers.c
    with one.store() as store, store.writing() as connection:
        for email, bad in zip(spoilt, which.values(), strict=True):
            value = bad if store.is_sqlite else bad.replace("\0", "\x01")
            connection.execute(
                subscribers.update().where(s.email == email).values(email=value, email_key=f"{value} {email}")
            )
    return spoilt


def poison_bytes(one: Scene) -> str:
    """SQLite takes any bytes for a text: an address that is not UTF-8."""
    email = one.readers[len(one.readers) // 2]
    with one.store() as store, store.writing() as connection:
        connection.exec_driver_sql("UPDATE subscribers SET email = CAST(x'78ff40fe' AS TEXT) WHERE email = ?", (email,))
    return email


def send_past(one: Scene, spoilt: list[str]) -> Seen:
    """Send the issue: all others get it, the spoilt are set aside by name with the reason, and the command's end says so."""
    with one.sink() as sink:
        ended = one.send("send", one.issue, smtp=sink.url, timeout=300)
        again = one.send("send", one.issue, smtp=sink.url, timeout=300)
        accepted = sink.accepted()
    healthy = set(one.readers) - set(spoilt)
    missing = healthy - {letter.recipient for letter in accepted}
    assert not missing, f"{len(missing)} healthy readers were passed over: {ended.err}{ended.out}"
    assert ended.code == 1, f"ended with {ended.code}, as if all were well: {ended.out}"
    assert "quarantined" in again.out, f"run again, it says that all is well: {again.out}"
    for address in ADDRESSES.values():
        assert len(address) < 5 or address not in ended.out + ended.err, "an address is printed"
    states = _states(one)
    for ref, status in states.items():
        assert status in ("sent", "quarantined", "failed"), f"{ref}: {status}"
    aside = [ref for ref, status in states.items() if status == "quarantined"]
    assert len(aside) == len(spoilt), f"{len(aside)} set aside, of {len(spoilt)}: {states}"
    notes = one.state_dir / "quarantine"
    for ref in aside:
        named = [file for file in notes.iterdir() if ref in file.name]
        assert named, f"no note on {ref} in {notes}"
        assert "Traceback" in named[0].read_text("utf-8"), f"no trace in {named[0]}"
        assert ref in ended.out + ended.err or "more" in ended.out, f"{ref} is not told: {ended.out}"
    return one.check(in_doubt=0)


def _states(one: Scene) -> dict[str, str]:
    query = """SELECT s.ref, d.status FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id ORDER BY d.id"""
    with one.store() as store, store.reading() as connection:
        return {row.ref: row.status for row in connection.execute(sa.text(query)) if row.status != "sent"}


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """A few spoilt readers among 100,000."""
    people = max(200, int(100_000 * scale))
    with scene(folder / "poison", people, connections=8) as one:
        yield Told(
            "R-11", f"{len(ADDRESSES)} spoilt readers among {people:,}", str(send_past(one, poison(one, ADDRESSES)))
        )
