"""The first page of a report: what is reached, what is lost, and how it was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.results_page import aims, summary
from bench.results_page.markdown import picture, table
from bench.results_page.where_we_lose import Loss, losses

Raw = dict[str, Any]

HOW = """\
## How it was measured

Each contender runs in a process of its own, on the first core; the server on the last. All take \
their turns within each of {rounds} rounds ({engine_rounds} on DynamoDB Local), so a machine that \
slows down slows all of them. Figures are medians, with the least and most of the rounds in \
brackets. CPU is user and system time of the contender's process, all threads. A wait is what the \
caller sees, wall time. The figures of all rounds are in [raw.json](raw.json).

To repeat it: `make bench-report`, which needs Java and npm for DynamoDB Local, and makes an \
environment for each peer, once. `make bench-report ARGS="--only hot_key"` takes one section anew; \
`ARGS=--again` measures the hot path a second time, and says below whether both agree. \
`make soak` is the long load, `make bench` a short look.
"""
NOTES_HEAD = """\
The code has changed since, and the figures are of before:

"""
AGREEMENT = """\
## Whether it can be repeated

A second run, on {date} at commit {commit}, was compared with this one in CPU and decisions a \
second, for each backend, case and number of requests at once ([verdict.json](verdict.json)):
"""
LOSSES_HEAD = """\
## What we lose at

A figure is here if all rounds of some peer were better than all rounds of our best way; the best \
such peer is named, and how many more were better than us. Where the rounds overlap, nobody has won.
"""


def parts(raw: Raw, drawn: set[str], verdict: Raw | None = None) -> Iterator[str]:
    """What follows its head; with the verdict of compare.py on another run, whether both agree."""
    if notes := raw.get("notes"):
        yield NOTES_HEAD + "".join(f"- {note}\n" for note in notes)
    yield from _summary(raw, drawn)
    yield _aims(raw)
    yield _losses(raw)
    if "workload" in raw:
        yield HOW.format(**raw["workload"])
    if verdict:
        yield _agreement(verdict)
    yield _versions(raw)


def _summary(raw: Raw, drawn: set[str]) -> Iterator[str]:
    for name, alt in (
        ("cpu-per-decision", "CPU of the client for one decision"),
        ("accuracy", "admitted of what is due, at saturation"),
    ):
        if name in drawn:
            yield picture(name, alt)
    if found := summary.lines(raw):
        yield "".join(f"- {line}\n" for line in found)


def _agreement(verdict: Raw) -> str:
    text = AGREEMENT.format(**verdict) + "\n"
    for counted, title in (
        (verdict["rankings"], "pairs of contenders have the same order in both"),
        (verdict["ratios"], "ratios to ours lie within the spread of both"),
    ):
        text += f"- {counted['agree']:,} of {counted['of']:,} {title}.\n"
        text += "".join(f"    - not so: {what}\n" for what in counted["disagreements"])
    return text


def _aims(raw: Raw) -> str:
    rows = list(aims.rows(raw))
    if not rows:
        return ""
    reached = sum(row[3] == "yes" for row in rows)
    head = f"## Aims\n\n{reached} of {len(rows)} are reached on this machine.\n\n"
    return head + table(("aim", "bound", "here", "reached"), rows)


def _losses(raw: Raw) -> str:
    found = losses(raw)
    missed = [row[0] for row in aims.rows(raw) if row[3] != "yes"]
    text = LOSSES_HEAD + "\n"
    if not found:
        text += "Nothing, in this run.\n"
    else:
        peers = dict.fromkeys(loss.peer for loss in found)
        of_peers = [f"{peer} ({sum(loss.peer == peer for loss in found)})" for peer in peers]
        text += f"{len(found)} figures; best are {', '.join(of_peers)}:\n\n"
        text += table(
            ("where", "figure", "ours", "best", "who", "times", "better too", "likewise"),
            _rows(found),
            numbers_from=2,
        )
    if missed:
        text += "\nAnd the aims that are not reached: " + "; ".join(missed) + ".\n"
    return text


def _rows(found: list[Loss]) -> Iterator[tuple[str, ...]]:
    """A row for each place, the worst first, with its worst figure and the names of the others."""
    by_place: dict[str, list[Loss]] = {}
    for loss in found:
        by_place.setdefault(loss.where, []).append(loss)
    for where, (loss, *others) in by_place.items():
        likewise = ", ".join(f"{other.figure} {other.times:.1f}" for other in others)
        better_too = str(loss.others or "")
        times = f"{loss.times:.1f}"
        yield where, loss.figure, loss.ours, loss.theirs, loss.peer, times, better_too, likewise


def _versions(raw: Raw) -> str:
    return "## Versions\n\n" + table(("", ""), raw["versions"].items(), numbers_from=2)
