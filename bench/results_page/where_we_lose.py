"""What we lose at: every figure in which a peer does better, and which peer does best.

Ours is the best of our own ways in that figure, since a user would choose it. A peer beats it if
all its rounds are better than all of ours: what the rounds can't tell apart is no loss.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from bench.lineup import ALL_ENTRIES
from bench.results_page.raw_results import Spread, column, is_ours, number, spread
from bench.session_peers import BARE, OURS

BACKEND_NAMES = {
    "canned": "the client's cost on canned replies",
    "engine": "the whole path on DynamoDB Local",
    "memory": "in memory",
}
FIGURE_NAMES = {
    "cpu_us": ("CPU a decision", "us", False),
    "per_second": ("decisions a second", "", True),
    "p50_us": ("p50 of the wait", "us", False),
    "p99_us": ("p99 of the wait", "us", False),
}

_NO_PEERS = frozenset(entry.name for entry in ALL_ENTRIES if not entry.is_peer)


@dataclass(frozen=True, slots=True)
class Loss:
    """One figure in which a peer is better.

    Attributes:
        where: backend, case and concurrency.
        figure: what was measured.
        ours, theirs: medians, as text.
        peer: who is better.
        times: how many times better.
        others: how many more are better than us, less so.
    """

    where: str
    figure: str
    ours: str
    theirs: str
    peer: str
    times: float
    others: int = 0


def losses(raw: dict[str, Any]) -> list[Loss]:
    """Ours against the best of all in each figure, the worst first."""
    of_figures: dict[tuple[str, str], list[Loss]] = {}
    for loss in (*_on_the_hot_path(raw), *_in_accuracy(raw), *_in_money(raw), *_in_sessions(raw)):
        of_figures.setdefault((loss.where, loss.figure), []).append(loss)
    worst = [
        replace(max(found, key=lambda loss: loss.times), others=len(found) - 1)
        for found in of_figures.values()
    ]
    return sorted(worst, key=lambda loss: -loss.times)


def _on_the_hot_path(raw: dict[str, Any]) -> Iterator[Loss]:
    for backend, where in BACKEND_NAMES.items():
        if backend not in raw:
            continue
        for case in ("allowed", "denied", "mixed"):
            for at_once in raw["workload"]["concurrencies"]:
                for figure, (name, unit, more_is_better) in FIGURE_NAMES.items():
                    found = column(raw, backend, case, at_once, figure)
                    found = {name: of for name, of in found.items() if name not in _NO_PEERS}
                    for peer, ours, theirs in _better(found, more_is_better):
                        yield Loss(
                            f"{where}, {case}, {at_once} at once",
                            name,
                            f"{number(ours)} {unit}".strip(),
                            f"{number(theirs)} {unit}".strip(),
                            peer,
                            max(ours, theirs) / max(1e-9, min(ours, theirs)),
                        )


def _better(found: dict[str, Spread], more_is_better: bool) -> Iterator[tuple[str, float, float]]:
    ours = [of for name, of in found.items() if is_ours(name)]
    if not ours:
        return
    best = (max if more_is_better else min)(ours, key=lambda of: of.median)
    for name, of in found.items():
        beaten = of.low > best.high if more_is_better else of.high < best.low
        if beaten and not is_ours(name):
            yield name, best.median, of.median


def _in_accuracy(raw: dict[str, Any]) -> Iterator[Loss]:
    results = raw.get("accuracy", {}).get("results", {})
    for processes, ours in results.get("ratelimit-ddb", {}).items():
        off = _off(ours)
        for name, by_processes in results.items():
            theirs = by_processes.get(processes)
            if is_ours(name) or theirs is None or _off(theirs) >= off:
                continue
            yield Loss(
                f"at saturation, processes: {processes}",
                "admitted / due",
                f"{_ratio(ours):.3f}",
                f"{_ratio(theirs):.3f}",
                name,
                off / max(0.001, _off(theirs)),
            )


def _off(figures: dict[str, list[float]]) -> float:
    return abs(_ratio(figures) - 1)


def _ratio(figures: dict[str, list[float]]) -> float:
    return statistics.mean(figures["admitted"]) / statistics.mean(figures["due"])


def _in_money(raw: dict[str, Any]) -> Iterator[Loss]:
    results = raw.get("money", {}).get("decisions", {}).get("results", {})
    for case, ours in results.get("ratelimit-ddb", {}).items():
        for name, cases in results.items():
            if is_ours(name):
                continue
            for figure in ("write_units", "read_units", "requests"):
                if cases[case][figure] < ours[figure]:
                    yield Loss(
                        f"billed, {case}",
                        figure.replace("_", " "),
                        number(ours[figure]),
                        number(cases[case][figure]),
                        name,
                        ours[figure] / max(0.01, cases[case][figure]),
                    )


def _in_sessions(raw: dict[str, Any]) -> Iterator[Loss]:
    for framework, sites in raw.get("session_peers", {}).get("results", {}).items():
        for case, ours in sites.get(OURS, {}).items():
            for name in sites.keys() - {BARE, OURS}:
                theirs = sites[name][case]
                for figure in ("calls", "write_units", "read_units"):
                    if theirs[figure] < ours[figure]:
                        yield Loss(
                            f"sessions in {framework}, {case}",
                            figure.replace("_", " "),
                            number(ours[figure]),
                            number(theirs[figure]),
                            name,
                            ours[figure] / max(0.5, theirs[figure]),
                        )
                if "cpu_us" in ours and spread(theirs["cpu_us"]).high < spread(ours["cpu_us"]).low:
                    ours_us, theirs_us = (spread(of["cpu_us"]).median for of in (ours, theirs))
                    yield Loss(
                        f"sessions in {framework}, {case}",
                        "CPU a request",
                        f"{number(ours_us)} us",
                        f"{number(theirs_us)} us",
                        name,
                        ours_us / theirs_us,
                    )
