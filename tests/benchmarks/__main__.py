"""Run the benchmarks and print a table; exit 1 when a limit does not hold.

make bench                               all of them
make bench ARGS="--subscribers 100000"   a larger list
make bench ARGS="--only build"
make bench ARGS="--only build --articles 10000"
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator

from tests.benchmarks import building, checking, feeding, importing, planning, sending, signing_up, wire
from tests.benchmarks.table import Row

PARTS = ["build", "check", "feeds", "import", "plan", "send", "wire", "signup"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=PARTS, action="append", help="run these alone")
    parser.add_argument("--subscribers", type=int, default=10_000, help="how many to send to (default: 10000)")
    parser.add_argument("--articles", type=int, default=1_000, help="how many to build a site of (default: 1000)")
    parser.add_argument("--runs", type=int, default=3, help="how many runs the median is of (default: 3)")
    arguments = parser.parse_args()
    chosen = arguments.only or PARTS
    parts: list[Iterator[Row]] = []
    if "build" in chosen:
        parts.append(building.measure(runs=arguments.runs, articles=arguments.articles))
    if "check" in chosen:
        parts.append(checking.measure(runs=arguments.runs))
    if "feeds" in chosen:
        parts.append(feeding.measure())
    if "import" in chosen:
        parts.append(importing.measure(subscribers=max(100_000, arguments.subscribers)))
    if "plan" in chosen:
        parts.append(planning.measure(people=max(100_000, arguments.subscribers)))
    if "send" in chosen:
        parts.append(sending.measure(subscribers=arguments.subscribers, runs=arguments.runs))
    if "wire" in chosen:
        parts.append(wire.measure(runs=arguments.runs))
    if "signup" in chosen:
        parts.append(signing_up.measure())
    print(f"{'what':<36} {'measured (median)':<24} {'wanted':<36}")
    holds = True
    for row in itertools.chain(*parts):
        print(row, flush=True)
        holds = holds and row.holds
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
