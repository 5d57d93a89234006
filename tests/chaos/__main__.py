"""Do everything to ourselves that the handbook promises to survive, in full size, and print one table; exit 1 when a bar falls.

make chaos                                          all of it: hours
make chaos ARGS="--scale 0.01"                      a quick look
make chaos ARGS="--only R-01 --seed 7"              one bar, replayed
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.chaos import again, copies, disks, faults, floods, histories, hostile, kills, leaving, locks, many, poison
from tests.chaos.scene import NO_STRACE, Told, may_trace, tried

Part = Callable[[Path, float, int], Iterator[Told]]

PARTS: dict[str, tuple[Part, ...]] = {
    "R-01": (kills.in_full,),
    "R-03": (faults.in_full,),
    "R-04": (disks.in_full,),
    "R-06": (locks.in_full,),
    "R-07": (many.in_full,),
    "R-08": (leaving.in_full,),
    "R-09": (histories.in_full,),
    "R-10": (again.in_full,),
    "R-11": (poison.in_full,),
    "R-12": (hostile.in_full,),
    "R-13": (floods.in_full,),
    "T-20": (copies.in_full,),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make chaos", description="The delivery contract, put to the proof in full size."
    )
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="this bar alone; may be given again")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="replays a run (default: the time)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size (default: 1)")
    chosen = parser.parse_args()
    if not may_trace():
        print(f"chaos: {NO_STRACE}", file=sys.stderr)
        return 2
    print(f"{'bar':<5} {'size':<56} {'ok':<4} seen (seed {chosen.seed})", flush=True)
    holds = True
    for bar in chosen.only or PARTS:
        for part in PARTS[bar]:
            for told in _told(part, bar, chosen.scale, chosen.seed):
                holds = holds and told.ok
                print(f"{told.bar:<5} {told.size:<56} {'yes' if told.ok else 'NO ':<4} {told.seen}", flush=True)
                if not told.ok:
                    print(
                        f'      replay: make chaos ARGS="--only {bar} --seed {chosen.seed} --scale {chosen.scale:g}"',
                        flush=True,
                    )
    return 0 if holds else 1


def _told(part: Part, bar: str, scale: float, seed: int) -> Iterator[Told]:
    """What *part* saw; one that fails says how to see it again, and stops no other."""
    with tempfile.TemporaryDirectory(prefix="opensignal-chaos-") as name:
        Path(name).chmod(0o755)
        try:
            yield from part(Path(name), scale, seed)
        except AssertionError as error:
            yield tried(bar, f"{part.__module__}.{part.__name__}", functools.partial(_raise, error))


def _raise(error: AssertionError) -> None:
    raise error


if __name__ == "__main__":
    sys.exit(main())
