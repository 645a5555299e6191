"""Contenders in one run, turn by turn, each in its own process: figures with all their rounds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.crew import Failed, Member
from bench.environment import CannotInstall, python_with
from bench.field import Entry
from bench.progress import Progress

FIGURES = ("cpu_us", "per_second", "p50_us", "p99_us")


@dataclass(slots=True)
class Field:
    """Those that run, and why the others don't.

    Attributes:
        members: the process of each.
        failures: a line for each that could not be installed or did not work.
    """

    members: dict[str, tuple[Entry, Member]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def give_up(self, name: str, failure: Exception) -> None:
        """Go on without one that failed."""
        self.failures[name] = str(failure)[:200]
        if name in self.members:
            del self.members[name]


@contextlib.contextmanager
def gathered(
    entries: Iterable[Entry],
    place_of: Callable[[Entry], dict[str, Any]],
    core: int | None,
    keys: int = 100,
) -> Iterator[Field]:
    """A process for each entry, begun at its place, for as long as the block."""
    gathering = Field()
    with contextlib.ExitStack() as ending:
        for entry in entries:
            try:
                member = Member(python_with(entry.packages), core)
                ending.callback(member.end)
                member.ask("begin", keys=keys, **place_of(entry))
            except (CannotInstall, Failed) as failure:
                gathering.give_up(entry.name, failure)
                continue
            gathering.members[entry.name] = entry, member
        yield gathering


def interleaved(
    gathering: Field,
    cases: Sequence[str],
    concurrencies: Sequence[int],
    rounds: int,
    seconds: float,
    progress: Progress,
) -> dict[str, Any]:
    """Every figure of everyone, one value a round.

    Returns:
        by name, case and concurrency, the values of each of FIGURES.
    """
    taken: dict[str, Any] = {}
    steps = rounds * len(cases) * len(concurrencies)
    done = 0
    for _ in range(rounds):
        for case in cases:
            for concurrency in concurrencies:
                for name, (entry, member) in list(gathering.members.items()):
                    if case not in entry.cases:
                        continue
                    try:
                        got = member.ask(
                            "stint", case=case, concurrency=concurrency, seconds=seconds
                        )
                    except Failed as failure:
                        gathering.give_up(name, failure)
                        taken.pop(name, None)
                        continue
                    _note(taken, name, case, concurrency, got)
                done += 1
                progress.step(done, steps, f"{case}, {concurrency} at once")
    return taken


def _note(
    taken: dict[str, Any], name: str, case: str, concurrency: int, got: dict[str, Any]
) -> None:
    wrong = {"allowed": got["admitted"] < got["calls"] * 0.9, "denied": got["admitted"] > 0}
    figures = taken.setdefault(name, {}).setdefault(case, {}).setdefault(str(concurrency), {})
    for figure in FIGURES:
        figures.setdefault(figure, []).append(round(got[figure], 2))
    if wrong.get(case):
        share = got["admitted"] / got["calls"]
        figures.setdefault("wrong", []).append(round(share, 3))
