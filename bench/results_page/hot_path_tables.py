"""The page on one decision: a table for each backend and case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.lineup import ALL_ENTRIES
from bench.results_page.markdown import picture, table
from bench.results_page.raw_results import cell, number, spread
from bench.worker.request_mix import CASES

Raw = dict[str, Any]

BACKENDS = (
    (
        "canned",
        "The client's cost",
        (
            "A server with canned replies answers, so only the client's own cost shows. Clients "
            "whose requests it does not know are given what DynamoDB Local answered them before."
        ),
        (
            ("cpu-per-decision", "CPU of the client for one decision, one at a time"),
            ("cpu-per-decision-32", "CPU of the client for one decision, 32 at once"),
            ("cpu-per-denial", "CPU of the client for one denial"),
        ),
    ),
    (
        "engine",
        "The whole path",
        "DynamoDB Local answers, on one core: at its limit everyone waits for it.",
        (("whole-path", "decisions a second on DynamoDB Local"),),
    ),
    (
        "memory",
        "In memory",
        "Limiters that keep their buckets in the process, ours on a MemoryStore.",
        (("in-memory", "CPU for one decision in memory"),),
    ),
)


def parts(raw: Raw, drawn: set[str]) -> Iterator[str]:
    """A section for each backend that was measured."""
    for backend, title, words, pictures in BACKENDS:
        if backend not in raw:
            continue
        yield f"## {title}\n\n{words}\n"
        for name, alt in pictures:
            if name in drawn:
                yield picture(name, alt)
        for case in CASES:
            yield from _case(raw, backend, case)
        yield from _notes(raw, backend)
    if "values" in raw:
        yield from _values(raw)


def _case(raw: Raw, backend: str, case: str) -> Iterator[str]:
    at_once = raw["workload"]["concurrencies"]
    rows = []
    for name in raw[backend]["results"]:
        row = [_row(raw, backend, name, case, number_) for number_ in at_once]
        if any(row):
            rows.append((name, *(text for cells in row for text in cells or ("", "", ""))))
    head = ["" for _ in range(3 * len(at_once) + 1)]
    head[0] = case
    for position, number_ in enumerate(at_once):
        head[3 * position + 1] = f"{number_} at once: CPU us"
        head[3 * position + 2] = "a second"
        head[3 * position + 3] = "p50 / p99 ms"
    yield f"### {case.capitalize()}\n\n" + table(head, rows)


def _row(raw: Raw, backend: str, name: str, case: str, at_once: int) -> tuple[str, str, str] | None:
    figures = cell(raw, backend, name, case, at_once)
    if figures is None:
        return None
    cpu = spread(figures["cpu_us"])
    rate = spread(figures["per_second"])
    p50, p99 = spread(figures["p50_us"]), spread(figures["p99_us"])
    mark = " (!)" if "wrong" in figures else ""
    return (
        f"{number(cpu.median)} ({number(cpu.low)} to {number(cpu.high)}){mark}",
        f"{rate.median:,.0f}",
        f"{number(p50.median / 1000)} / {number(p99.median / 1000)}",
    )


def _notes(raw: Raw, backend: str) -> Iterator[str]:
    lines = [
        f"- {entry.name}: {entry.note}."
        for entry in ALL_ENTRIES
        if entry.note and entry.name in raw[backend]["results"]
    ]
    lines += [f"- {name} was not measured: {why}" for name, why in raw[backend]["failures"].items()]
    if any(
        "wrong" in figures
        for cases in raw[backend]["results"].values()
        for by_number in cases.values()
        for figures in by_number.values()
    ):
        lines.append("- (!) what was to be denied was admitted, or the other way round.")
    if lines:
        yield "\n".join(lines) + "\n"


def _values(raw: Raw) -> Iterator[str]:
    rows = [
        (name, f"{number(of.median)} ({number(of.low)} to {number(of.high)})")
        for name, of in ((name, spread(rounds)) for name, rounds in raw["values"].items())
    ]
    yield "## Values on the hot path\n\n" + table(("", "CPU us"), rows)
