"""The page on scale: curves against keys, limits, requests at once and processes; accuracy."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from bench.results_page.markdown import not_measured, picture, table
from bench.results_page.raw_results import number, spread

Raw = dict[str, Any]

CURVES = (
    ("scale_keys", "cpu_us", "CPU a decision (us) against keys", ("keys", "keys-memory")),
    ("scale_limits", "cpu_us", "CPU a decision (us) against limits on each key", ("limits",)),
    (
        "scale_concurrency",
        "cpu_us",
        "CPU a decision (us) against requests at once",
        ("concurrency", "concurrency-wait"),
    ),
    (
        "scale_processes",
        "per_second",
        "Decisions a second on one hot key against processes",
        ("processes",),
    ),
    (
        "scale_processes",
        "calls_a_decision",
        "Calls a decision on one hot key against processes",
        (),
    ),
)


def parts(raw: Raw, drawn: set[str]) -> Iterator[str]:
    """A table for each curve that was measured, and how much is admitted at saturation."""
    for section, figure, title, pictures in CURVES:
        if section in raw:
            yield from _curve(raw[section], figure, title, [p for p in pictures if p in drawn])
    if "accuracy" in raw:
        yield from _accuracy(raw, drawn)


def _curve(curve: Raw, figure: str, title: str, pictures: list[str]) -> Iterator[str]:
    xs = sorted({int(x) for by_x in curve["results"].values() for x in by_x})
    rows = []
    for name, by_x in curve["results"].items():
        texts = [
            number(spread(by_x[str(x)][figure]).median) if figure in by_x.get(str(x), {}) else ""
            for x in xs
        ]
        if any(texts):
            rows.append((name, *texts, _bend(by_x, figure)))
    if rows:
        yield f"## {title}\n"
        yield from (picture(name, title) for name in pictures)
        yield table(("", *(f"{x:,}" for x in xs), "last / first"), rows)
    if curve["failures"] and pictures:
        yield not_measured(curve["failures"])


def _bend(by_x: Raw, figure: str) -> str:
    values = [
        statistics.median(by_x[x][figure]) for x in sorted(by_x, key=int) if figure in by_x[x]
    ]
    return f"{values[-1] / values[0]:.2f}" if values and values[0] else ""


def _accuracy(raw: Raw, drawn: set[str]) -> Iterator[str]:
    section = raw["accuracy"]
    rate = section["rate"]
    yield (
        "## Accuracy\n\n"
        f"Processes request more of one key than a limit of {rate['quantity']} a second, burst "
        f"{rate['burst']}, gives, for {raw['workload']['accuracy_seconds']} s. The figures are "
        "what was admitted over what is due by the contender's own rules: for a bucket its burst "
        "and what flows in, for windows a quantity for each that began. 1 is exact; less "
        "withholds, more lets through what should wait. In-memory limiters know one process only.\n"
    )
    if "accuracy" in drawn:
        yield picture("accuracy", "admitted of what is due, at saturation")
    processes = sorted({int(p) for by in section["results"].values() for p in by})
    rows = []
    for name, by_processes in section["results"].items():
        row = [name]
        for count in processes:
            figures = by_processes.get(str(count))
            row.append("" if figures is None else _ratio(figures))
        rows.append(row)
    head = (f"{count} process{'es' if count > 1 else ''}" for count in processes)
    yield table(("", *head), rows)
    yield "(a) fewer were requested than are due: it decides too slowly to be saturated.\n"
    if section["failures"]:
        yield not_measured(section["failures"])


def _ratio(figures: Raw) -> str:
    due = statistics.mean(figures["due"])
    mark = " (a)" if statistics.mean(figures["asked"]) < due else ""
    return f"{statistics.mean(figures['admitted']) / due:.3f}{mark}"
