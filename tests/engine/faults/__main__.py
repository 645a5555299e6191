"""``python -m tests.engine.faults``: minutes of faults, and what came of them.

python -m tests.engine.faults                # some five minutes
python -m tests.engine.faults --seconds 60   # a minute of faults in each story
python -m tests.engine.faults --keep         # puts the figures into bench/results
"""

from __future__ import annotations

import argparse
import sys
import time

from bench import machine
from bench.report import RESULTS, keep_section
from tests.engine.faults.long_form import measured
from tests.session_table import aws_settings


def main() -> int:
    """Print them; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="of faults in each story")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="put the figures into bench/results")
    args = parser.parse_args()
    began, described = time.monotonic(), machine.described()

    def show(what: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    with aws_settings():
        figures = measured(args.seconds, args.seed, show)
    took_seconds = time.monotonic() - began
    if args.keep:
        keep_section(RESULTS, "faults", figures, described, took_seconds)
    for row in figures["rows"]:
        print(
            f"{row['fault']:<40} {row['tried']:>6} faults  {row['violations']} violations", end=""
        )
        print(f"  {row['promise']}")
    print(", ".join(f"{name} {count:,}" for name, count in figures["by_kind"].items()))
    for name, count in figures["edges"].items():
        print(f"documented: {name}, {count} times")
    print(*figures["broken"], sep="\n")
    tried, violations = (
        sum(row[name] for row in figures["rows"]) for name in ("tried", "violations")
    )
    print(f"{tried:,} faults tried in {took_seconds:.0f} s, violations {violations}")
    return int(violations > 0)


if __name__ == "__main__":
    sys.exit(main())
