"""One hot key in simulated time: many processes, one partition, the limiter's own flows.

    python -m bench.hot_keys.simulation                    # every case
    python -m bench.hot_keys.simulation 1000/s,64,1500     # this one, or several

A case is named limit, processes, requests a second offered; ``<40`` says the writes a second of
the partition, where they are not 1,000. The same seed gives the same figures.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from bench.hot_keys.case import CASES, Case
from bench.hot_keys.figures import Figures, Observed, figures_of, missed
from bench.hot_keys.partition import Partition
from bench.hot_keys.process import SimulatedProcess
from bench.hot_keys.table import heading, line
from ratelimit_ddb.limit import SECOND_NS
from tests.simulation.scheduler import Scheduler

START_NS = 1_800_000_000 * SECOND_NS


def simulated(case: Case, seed: int = 1) -> Figures:
    """The figures of a case."""
    random.seed(seed)  # the limiter's own jitter
    scheduler = Scheduler(START_NS)
    observed = Observed(START_NS)
    partition = Partition(scheduler, case.ceiling, observed)
    until_ns = START_NS + int(case.seconds * SECOND_NS)
    for number in range(case.processes):
        process = SimulatedProcess(
            number,
            case.limit,
            scheduler,
            partition,
            seed,
            observed,
        )
        scheduler.start(process.arrivals(case.offered / case.processes, until_ns))
    scheduler.run()
    return figures_of(case, observed)


def main() -> int:
    """Print the cases; 1 if an aim is missed."""
    by_name = {case.name: case for case in CASES}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="case", help=", ".join(by_name))
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for name in args.cases:
        if name not in by_name:
            parser.error(f"unknown case {name!r}; expected one of {', '.join(by_name)}")
    print(heading())
    all_met = True
    for name in args.cases or by_name:
        began = time.monotonic()
        figures = simulated(by_name[name], args.seed)
        all_met &= not missed(figures, by_name[name].all_aims)
        print(line(by_name[name], figures), f"({time.monotonic() - began:.1f} s)", flush=True)
    return int(not all_met)


if __name__ == "__main__":
    sys.exit(main())
