"""Try a sample of the core's mutants: ``python -m tests.mutants --help``.

Each mutant is written into a copy of the project, where the file's tests must fail. A sample is the
same for the same seed. Exits with 1 if fewer than 97 % are killed.
"""

from __future__ import annotations

import argparse
import random
import shlex
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.guards.guard import ROOT, TESTS_FAILED, Runner, copy_to, runner_of, write
from tests.mutants.cores import CORES
from tests.mutants.equivalent import is_equivalent
from tests.mutants.mutant import Mutant, mutants_of

LEAST_KILLED = 0.97
MOST_SECONDS = 40
"""For one run of tests; a mutant that hangs is killed by that."""
SIGNALLED = -14
"""What the runner says of tests that were ended for taking longer (SIGALRM)."""
NOTICED = (TESTS_FAILED, SIGNALLED, 2, 4)
"""What it says where a mutant was noticed; 2 and 4: the tests were not even collected."""


@dataclass(slots=True)
class Results:
    """What became of the mutants that were tried.

    Attributes:
        killed: how many, by file.
        survivors: those that no test noticed.
        broken: what else went wrong.
        unchanged: what pytest says of tests without a mutant; 0 of those that can tell.
        seconds: what each test file took in all.
        kills: how many mutants it killed.
    """

    killed: Counter[str] = field(default_factory=Counter)
    survivors: list[Mutant] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unchanged: dict[str, int] = field(default_factory=dict)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    kills: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def kill(self, mutant: Mutant, tests: str) -> None:
        """Note that these tests noticed it."""
        with self.lock:
            self.killed[mutant.module] += 1
            self.kills[tests] += 1

    def survive(self, mutant: Mutant) -> None:
        """Note that none did, and say so."""
        with self.lock:
            self.survivors.append(mutant)
            print(f"survived: {mutant.module}:{mutant.line}\n{mutant.change()}", flush=True)

    def fail(self, what: str) -> None:
        """Note what went wrong, and say so at once."""
        with self.lock:
            self.broken.append(what)
            print(what, flush=True)

    def can_tell(self, tests: str) -> bool:
        """Whether they pass without a mutant, as far as is known."""
        return self.unchanged.get(tests, 0) == 0

    def summary(self, minutes: float) -> str:
        survived = Counter(mutant.module for mutant in self.survivors)
        modules = sorted(self.killed.keys() | survived.keys())
        share = f"{self.share():.1%} killed, in {minutes:.1f} minutes"
        return "\n".join(
            [
                f"{'killed':>8} {'survived':>8}",
                *(f"{self.killed[one]:8} {survived[one]:8}  {one}" for one in modules),
                f"{self.killed.total():8} {survived.total():8}  {share}",
            ]
        )

    def times(self) -> str:
        """What the tests took, the longest first, for an order in which the quick ones kill."""
        longest = sorted(self.seconds, key=self.seconds.__getitem__, reverse=True)
        return "\n".join(
            [
                f"{'killed':>8} {'seconds':>8}",
                *(f"{self.kills[one]:8} {self.seconds[one]:8.1f}  {one}" for one in longest),
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
        printed = Path(folder) / "printed"
        with runner_of(root, printed, seconds=MOST_SECONDS, profile="verdict") as runner:
            while time.monotonic() < until:
                with lock:
                    mutant = next(mutants, None)
                if mutant is None:
                    return
                try_one(root, runner, mutant, to)


def try_one(root: Path, runner: Runner, mutant: Mutant, to: Results) -> None:
    """Run one list of tests after another, until one fails: most mutants are killed by the first.

    Only tests that fail are run without the mutant too, once: those that fail then as well, or take
    too long, can tell nothing, and are left out from there on.
    """
    every = CORES[mutant.module]
    for tests in every:
        if not to.can_tell(tests):
            continue
        write(root / mutant.module, mutant.source())
        try:
            code, printed = outcome(runner, tests, to)
        finally:
            write(root / mutant.module, mutant.text)
        if code == 0:
            continue
        if code not in NOTICED:
            to.fail(f"{mutant.module}:{mutant.line}: pytest ended with {code}\n{printed}")
            return
        if is_noticed_by(tests, runner, to):
            to.kill(mutant, tests)
            return
    if all(map(to.can_tell, every)):
        to.survive(mutant)


def is_noticed_by(tests: str, runner: Runner, to: Results) -> bool:
    """Whether tests that fail with a mutant pass without one."""
    if tests not in to.unchanged:
        code, printed = outcome(runner, tests, to)
        if code == SIGNALLED:
            to.fail(f"{tests}: left out, as it takes over {MOST_SECONDS} s without a mutant")
        elif code != 0:
            to.fail(f"{tests}: left out, as it ends with {code} without a mutant:\n{printed}")
        to.unchanged[tests] = code
    return to.can_tell(tests)


def outcome(runner: Runner, tests: str, to: Results) -> tuple[int, str]:
    """Run what a core names, as pytest's command line would."""
    began = time.monotonic()
    code, printed = runner.outcome(*shlex.split(tests))
    with to.lock:
        to.seconds[tests] += time.monotonic() - began
    return code, printed


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutants ARGS=", description=__doc__)
    parser.add_argument("--seed", type=int, default=17, help="of the sample")
    parser.add_argument("--minutes", type=float, default=10, help="how long to try them")
    parser.add_argument("--workers", type=int, default=2, help="how many at a time")
    parser.add_argument("--times", action="store_true", help="tell what each test file took")
    parser.add_argument("modules", nargs="*", help="files of the core; all of them by default")
    given = parser.parse_args()
    unknown = set(given.modules) - CORES.keys()
    if unknown:
        parser.error(f"{sorted(unknown)}: must be among {', '.join(CORES)}")
    began = time.monotonic()
    until = began + 60 * given.minutes
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
    print(results.summary((time.monotonic() - began) / 60))
    if given.times:
        print(results.times())
    if results.broken:
        sys.exit("the tests as they are can't tell; see above")
    if results.share() < LEAST_KILLED:
        sys.exit(f"fewer than {LEAST_KILLED:.0%} were killed")


if __name__ == "__main__":
    main()
