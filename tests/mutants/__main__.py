"""Try a sample of the core's mutants: ``python -m tests.mutants --help``.

Each mutant is written into a copy of the project, where the file's tests must fail. A sample is the
same for the same seed. Exits with 1 if fewer than 97 % are killed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.guards.guard import ROOT, TESTS_FAILED, Runner, copy_to, runner_of, write
from tests.mutants.cores import CORES
from tests.mutants.equivalent import is_equivalent
from tests.mutants.mutant import Mutant, mutants_of

LEAST_KILLED = 0.97
MOST_SECONDS = 120
"""For one mutant's tests; a mutant that hangs is killed by that."""
SIGNALLED = -14
"""What the runner says of tests that were ended for taking longer (SIGALRM)."""


class TestsFail(Exception):
    """The tests fail as the code is, so that they can tell nothing of mutants."""

    __test__ = False


@dataclass(slots=True)
class Results:
    """What became of the mutants that were tried.

    Attributes:
        killed: how many, by file.
        survivors: those that no test noticed.
        broken: what else went wrong.
        passing: the tests that pass without a mutant.
    """

    killed: Counter[str] = field(default_factory=Counter)
    survivors: list[Mutant] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    passing: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, mutant: Mutant, code: int, printed: str) -> None:
        with self.lock:
            if code in (TESTS_FAILED, SIGNALLED, 2, 4):  # 2, 4: not even collected
                self.killed[mutant.module] += 1
            elif code == 0:
                self.survivors.append(mutant)
                print(f"survived: {mutant.module}:{mutant.line}\n{mutant.change()}", flush=True)
            else:
                self.broken.append(
                    f"{mutant.module}:{mutant.line}: pytest ended with {code}\n{printed}"
                )

    def summary(self) -> str:
        survived = Counter(mutant.module for mutant in self.survivors)
        modules = sorted(self.killed.keys() | survived.keys())
        return "\n".join(
            [
                f"{'killed':>8} {'survived':>8}",
                *(f"{self.killed[one]:8} {survived[one]:8}  {one}" for one in modules),
                f"{self.killed.total():8} {survived.total():8}  {self.share():.1%} killed",
            ]
        )

    def share(self) -> float:
        tried = self.killed.total() + len(self.survivors)
        return self.killed.total() / tried if tried else 0.0


def sample(modules: Sequence[str], seed: int) -> Iterator[Mutant]:
    """All mutants of these files in an order of chance; without those that change nothing."""
    every = [mutant for module in modules for mutant in mutants_of(ROOT, module)]
    random.Random(seed).shuffle(every)
    return (
        mutant for mutant in every if mutant.source() != mutant.text and not is_equivalent(mutant)
    )


def try_mutants(mutants: Iterator[Mutant], lock: threading.Lock, until: float, to: Results) -> None:
    """Try one after another, in a copy of the project, until the time is up."""
    with tempfile.TemporaryDirectory() as folder:
        root = copy_to(Path(folder) / "project")
        with runner_of(root, Path(folder) / "printed", seconds=MOST_SECONDS) as runner:
            while time.monotonic() < until:
                with lock:
                    mutant = next(mutants, None)
                if mutant is None:
                    return
                try:
                    try_one(root, runner, mutant, to)
                except TestsFail as failure:
                    to.broken.append(str(failure))
                    return


def try_one(root: Path, runner: Runner, mutant: Mutant, to: Results) -> None:
    # One file after another: most mutants are killed by the first.
    for tests in CORES[mutant.module]:
        if tests not in to.passing:
            code, printed = runner.outcome(tests)
            if code != 0:
                raise TestsFail(f"{tests} ends with {code} without a mutant:\n{printed}")
            to.passing.add(tests)
        write(root / mutant.module, mutant.source())
        try:
            code, printed = runner.outcome(tests)
        finally:
            write(root / mutant.module, mutant.text)
        if code != 0:
            break
    to.add(mutant, code, printed)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutants ARGS=", description=__doc__)
    parser.add_argument("--seed", type=int, default=17, help="of the sample")
    parser.add_argument("--minutes", type=float, default=10, help="how long to try them")
    parser.add_argument("--workers", type=int, default=2, help="how many at a time")
    parser.add_argument("modules", nargs="*", help="files of the core; all of them by default")
    given = parser.parse_args()
    unknown = set(given.modules) - CORES.keys()
    if unknown:
        parser.error(f"{sorted(unknown)}: must be among {', '.join(CORES)}")
    until = time.monotonic() + 60 * given.minutes
    modules = given.modules or list(CORES)
    mutants, lock, results = sample(modules, given.seed), threading.Lock(), Results()
    workers = [
        threading.Thread(target=try_mutants, args=(mutants, lock, until, results))
        for _ in range(given.workers)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(results.summary())
    if results.broken:
        sys.exit("\n".join(results.broken))
    if results.share() < LEAST_KILLED:
        sys.exit(f"fewer than {LEAST_KILLED:.0%} were killed")


if __name__ == "__main__":
    main()
