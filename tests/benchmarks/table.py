"""A row of the table that `make bench` prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    what: str
    measured: str
    wanted: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.what:<36} {self.measured:<24} {self.wanted:<36} {'ok' if self.holds else 'NOT MET'}"
