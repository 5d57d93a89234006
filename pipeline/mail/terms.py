"""How the letters of an issue are to be sent: what the settings and the keys say about it, for one run."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Rate, Settings
from pipeline.keys import KeyRing, Keys, load_keys
from pipeline.mail.dkim import Signer
from pipeline.store import workers


@dataclass(frozen=True, slots=True)
class Terms:
    """How letters are to be sent."""

    sender: str  # of the envelope, where no domain for bounces is set
    token_keys: Keys
    suppression_keys: KeyRing
    bounce_domain: str = ""
    connections: int = 8
    letters_per_connection: int = 100
    domain_connections: int = 4
    rates: tuple[Rate, ...] = ()
    hold_uncertain: bool = False
    lease: dt.timedelta = workers.LEASE
    quarantine: Path | None = None  # where it is written down why a letter could not be made
    signer: Signer | None = None  # None: the relay signs

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        return cls(
            sender=settings.envelope_sender,
            token_keys=load_keys(settings.state_dir, "token"),
            suppression_keys=load_keys(settings.state_dir, "suppression"),
            bounce_domain=settings.bounce_domain,
            connections=settings.connections,
            letters_per_connection=settings.letters_per_connection,
            domain_connections=settings.domain_connections,
            rates=settings.rates,
            hold_uncertain=settings.on_uncertain == "hold",
            lease=settings.lease,
            quarantine=settings.state_dir / "quarantine",
            signer=Signer.load(settings),
        )
