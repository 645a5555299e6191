"""Whether two runs agree: the same ranking, and ratios to ours within their stated spread.

    python -m bench.compare A/raw.json B/raw.json

Two contenders whose rounds overlap, in either run, count as equal: no ranking is stated for them.
The ratio of a contender to ours is stated as a range: its least round over our most, to its most
over our least. The ranges of two runs must meet. Exit code 1 if anything disagrees.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results_page.raw_results import BACKENDS, Spread, column

Raw = dict[str, Any]
OURS = {
    "canned": "ratelimit-ddb",
    "engine": "ratelimit-ddb",
    "memory": "ratelimit-ddb, MemoryStore",
}
FIGURES = ("cpu_us", "per_second")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison.

    Attributes:
        what: a sentence that says what was compared.
        agrees: whether the two runs agree.
    """

    what: str
    agrees: bool


def rankings(a: Raw, b: Raw) -> Iterator[Comparison]:
    """Each pair that both runs tell apart, in each figure."""
    for where, first, second in _columns(a, b):
        for one, other in itertools.combinations(sorted(first.keys() & second.keys()), 2):
            if first[one].overlaps(first[other]) or second[one].overlaps(second[other]):
                continue
            same = (first[one].median < first[other].median) == (
                second[one].median < second[other].median
            )
            yield Comparison(f"{where}: {one} and {other}", same)


def ratios(a: Raw, b: Raw) -> Iterator[Comparison]:
    """Each contender's ratio to ours, in each figure."""
    for where, first, second in _columns(a, b):
        ours = OURS[where.split(",", 1)[0]]
        if ours not in first or ours not in second:
            continue
        for name in sorted((first.keys() & second.keys()) - {ours}):
            one, other = _range(first, name, ours), _range(second, name, ours)
            what = (
                f"{where}: {name} / {ours} is {one.low:.2f} to {one.high:.2f}, then "
                f"{other.low:.2f} to {other.high:.2f}"
            )
            yield Comparison(what, one.overlaps(other))


def _range(figures: dict[str, Spread], name: str, ours: str) -> Spread:
    theirs, own = figures[name], figures[ours]
    return Spread(theirs.median / own.median, theirs.low / own.high, theirs.high / own.low)


def _columns(a: Raw, b: Raw) -> Iterator[tuple[str, dict[str, Spread], dict[str, Spread]]]:
    numbers = sorted(set(a["workload"]["concurrencies"]) & set(b["workload"]["concurrencies"]))
    for backend, case, at_once, figure in itertools.product(
        BACKENDS, ("allowed", "denied", "mixed"), numbers, FIGURES
    ):
        first, second = (column(raw, backend, case, at_once, figure) for raw in (a, b))
        yield f"{backend}, {case}, {at_once} at once, {figure}", first, second


def verdict(a: Raw, b: Raw) -> dict[str, Any]:
    """Whether the second run agrees with the first, and which comparisons do not, for JSON.

    Returns:
        date and commit of the second run; for ``rankings`` and ``ratios`` how many comparisons
        agree, how many there are, and a sentence for each that does not agree.
    """
    machine = {name: b["machine"][name] for name in ("date", "commit")}
    return {
        **machine,
        "rankings": _counted(rankings(a, b)),
        "ratios": _counted(ratios(a, b)),
    }


def _counted(comparisons: Iterable[Comparison]) -> dict[str, Any]:
    comparisons = list(comparisons)
    disagreements = [one.what for one in comparisons if not one.agrees]
    return {
        "agree": len(comparisons) - len(disagreements),
        "of": len(comparisons),
        "disagreements": disagreements,
    }


def main() -> int:
    """Print what disagrees, and how much agrees."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    args = parser.parse_args()
    a, b = (json.loads(path.read_text(encoding="utf-8")) for path in (args.a, args.b))
    found = verdict(a, b)
    for title in ("rankings", "ratios"):
        counted = found[title]
        print(f"{title}: {counted['agree']} of {counted['of']} agree")
        for what in counted["disagreements"]:
            print(f"  not so: {what}")
    return int(any(found[title]["disagreements"] for title in ("rankings", "ratios")))


if __name__ == "__main__":
    sys.exit(main())
