"""The labelled mails of `tests/data/bounces`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline.mail.bounces.reading import Kind
from pipeline.model import BounceClass

FOLDER = Path(__file__).parents[2] / "data" / "bounces"

_DEAD = frozenset((BounceClass.ADDRESS, BounceClass.DOMAIN))
_NOT_DEAD = frozenset(BounceClass) - _DEAD
RIGHT: dict[str, frozenset[BounceClass | None]] = {  # see the README beside the mails
    "dead": frozenset((BounceClass.ADDRESS,)),
    "domain": frozenset((BounceClass.DOMAIN,)),
    "full": frozenset((BounceClass.MAILBOX,)),
    "auth": frozenset((BounceClass.POLICY,)),
    "list": frozenset((BounceClass.POLICY,)),
    "sender": frozenset((BounceClass.POLICY,)),
    "virus": frozenset((BounceClass.POLICY,)),
    "policy": frozenset((BounceClass.POLICY, BounceClass.GREYLIST, BounceClass.UNKNOWN)),
    "spam": frozenset((BounceClass.POLICY, BounceClass.UNKNOWN)),
    "size": frozenset((BounceClass.POLICY, BounceClass.MAILBOX)),
    "relay": frozenset((BounceClass.UNKNOWN, BounceClass.POLICY)),
    "grey": _NOT_DEAD,
    "time": _NOT_DEAD,
    "any": frozenset(BounceClass),
    "none": frozenset((None,)),
}
NOBODY_IS_DEAD = frozenset(
    ("full", "auth", "list", "sender", "virus", "policy", "spam", "size", "relay", "grey", "time")
)


@dataclass(frozen=True, slots=True)
class Sample:
    file: Path
    kind: Kind
    reasons: dict[str, str] = field(default_factory=dict)  # of each recipient

    @property
    def raw(self) -> bytes:
        return self.file.read_bytes()


def samples() -> list[Sample]:
    lines = (FOLDER / "index.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [Sample(FOLDER / name, Kind(kind), dict(one.rsplit("=", 1) for one in rest)) for name, kind, *rest in rows]
