"""The page on trouble: an outage, and the faults that were tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.outage import PROCESSES, REQUESTS
from bench.results_page.markdown import table

Raw = dict[str, Any]

OUTAGE = """\
## An outage

The table takes connections and says nothing; then it is back. `on_outage` is `"local"`, the \
deadline 250 ms.
"""
FAULTS = """\
## Faults tried

On DynamoDB Local, with real processes (`tests/engine/faults`). A violation is a promise that did \
not hold.
"""


def parts(raw: Raw, drawn: set[str]) -> Iterator[str]:
    """A section for each that was measured."""
    if "outage" in raw:
        yield OUTAGE + "\n" + table(("", ""), _outage(raw["outage"]))
    if "faults" in raw:
        yield FAULTS
        rows = [
            (row["fault"], row["promise"], f"{row['tried']:,}", f"{row['violations']:,}")
            for row in raw["faults"]["rows"]
        ]
        yield table(("fault", "promises", "tried", "violations"), rows, numbers_from=2)
        if by_kind := raw["faults"].get("by_kind"):
            clocks = raw["faults"]["clocks"]
            yield f"Of each kind (clocks: {clocks}):\n"
            yield table(("", "tried"), [(kind, f"{count:,}") for kind, count in by_kind.items()])


def _outage(found: Raw) -> Iterator[tuple[str, str]]:
    waits = ", ".join(f"{wait_ms:.0f}" for wait_ms in found["before_ms"])
    yield "the first requests wait", f"{waits} ms"
    yield f"each of {REQUESTS:,} further requests waits", f"{found['after_ms']:.3f} ms"
    yield "after its end, the table is asked again within", f"{found['seconds_to_close']:.2f} s"
    yield (
        f"{PROCESSES} processes at saturation admit",
        f"{found['admitted_over_limit']:.2f} times what one limit gives",
    )
    yield "aims", "; ".join(found["missed"]) or "met"
