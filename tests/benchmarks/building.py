"""How long the sample site takes, whole process, and whether two builds have the same bytes."""

from __future__ import annotations

import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.table import Row
from tests.repository import HERE

LIMIT = 6.0  # seconds


def measure(*, runs: int) -> Iterator[Row]:
    times, prints = [], set()
    with tempfile.TemporaryDirectory() as name:
        for number in range(max(2, runs)):
            site = Path(name) / str(number)
            began = time.perf_counter()
            command = [str(Path(sys.executable).parent / "opensignal"), "build", "--site-dir", str(site)]
            subprocess.run(command, cwd=HERE, check=True, capture_output=True)
            times.append(time.perf_counter() - began)
            prints.add(_fingerprint(site))
    median = statistics.median(times)
    yield Row("build the sample site", f"{median:.2f} s", f"at most {LIMIT:.0f} s", median <= LIMIT)
    yield Row("  the same bytes each time", "yes" if len(prints) == 1 else "no", "yes", len(prints) == 1)


def _fingerprint(site: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in site.rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(site)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
