"""R-13 in full: minutes of sign-ups, while readers leave by one click and an issue is sent, as the benchmark measures them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.signing_up import measure
from tests.chaos.scene import Told


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """Each of the benchmark's limits, held for ten minutes of load."""
    seconds = max(5, int(600 * scale))
    for row in measure(seconds=seconds):
        yield Told("R-13", f"{row.what}, {seconds} s", f"{row.measured}; wanted: {row.wanted}", ok=row.holds)
