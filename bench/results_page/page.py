"""The page of a report: every sentence and number on it is made from the raw figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.results_page import aims, hot_key_tables, hot_path_tables, other_tables
from bench.results_page.markdown import picture, table
from bench.results_page.where_we_lose import best_peer_cpu_ratio, losses

Raw = dict[str, Any]

HEAD = """\
# Results

Made by `{command}` on {date}, at commit {commit}, in {minutes:.0f} minutes. The figures of all \
rounds are in [raw.json](raw.json).
"""
NOTES_HEAD = """
The figures are those of commit {commit}; the code has changed since, and they are of before:
"""
HOW = """\
## How it was measured

{cpu}, {cores} cores, {memory} GB; {system}; {implementation} {python}. Each contender runs in a \
process of its own, on the first core; the server on the last. All take their turns within each \
of {rounds} rounds ({engine_rounds} on DynamoDB Local), so a machine that slows down slows all of \
them. Figures are medians, with the least and most of the rounds in brackets. CPU is user and \
system time of the contender's process, all threads. A wait is what the caller sees, wall time.

*Allowed* goes to 100 keys that have room, each known by then; *denied* to 4 keys that have \
nothing left; *mixed* takes one of either in turn. Keys and limits are the same for everyone. Bare \
calls (boto3, aiobotocore) send the one conditional UpdateItem that a decision sends, and decide \
nothing.

To repeat it: `make bench-report`, which needs Java and npm for DynamoDB Local, and makes an \
environment for each peer, once. `make bench-report ARGS=--again` measures the hot path a \
second time, and says below whether both agree; `make bench` is a short look.
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


def page(raw: Raw, drawn: set[str], verdict: Raw | None = None) -> str:
    """The whole page; with the verdict of compare.py on another run, whether both agree."""
    parts = [_head(raw), *_summary(raw, drawn), _how(raw)]
    parts += [_agreement(verdict)] if verdict else []
    parts += [_aims(raw), _losses(raw)]
    parts += hot_path_tables.parts(raw, drawn)
    parts += hot_key_tables.parts(raw)
    parts += other_tables.parts(raw, drawn)
    parts.append(_versions(raw))
    return "\n".join(part for part in parts if part)


def _head(raw: Raw) -> str:
    head = HEAD.format(**raw["machine"], minutes=raw["duration_seconds"] / 60)
    if notes := raw.get("notes"):
        head += NOTES_HEAD.format(**raw["machine"])
        head += "\n" + "".join(f"- {note}\n" for note in notes)
    return head


def _summary(raw: Raw, drawn: set[str]) -> Iterator[str]:
    for name, alt in (
        ("cpu-per-decision", "CPU of the client for one decision"),
        ("accuracy", "admitted of what is due, at saturation"),
    ):
        if name in drawn:
            yield picture(name, alt)
    lines = []
    for backend, case, at_once, words in (
        ("canned", "allowed", 1, "An allowed decision on a table, one at a time"),
        ("canned", "allowed", 32, "An allowed decision on a table, 32 at once"),
        ("canned", "denied", 32, "A denied decision, 32 at once"),
        ("memory", "allowed", 1, "An allowed decision in memory"),
    ):
        found = best_peer_cpu_ratio(raw, backend, case, at_once) if backend in raw else None
        if found is not None:
            ours, peer, times = found
            more = f"{times:.1f} times more" if times >= 1 else f"{1 / times:.1f} times less"
            lines.append(
                f"- {words}: {peer}, the best of the others, takes {more} CPU than {ours}."
            )
    if lines:
        yield "\n".join(lines) + "\n"


def _how(raw: Raw) -> str:
    machine = raw["machine"]
    memory = machine["memory_gigabytes"]
    return HOW.format(**machine, memory=memory, **raw["workload"])


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
            ("where", "figure", "ours", "best", "who", "times", "better too"),
            (
                (
                    loss.where,
                    loss.figure,
                    loss.ours,
                    loss.theirs,
                    loss.peer,
                    f"{loss.times:.1f}",
                    str(loss.others or ""),
                )
                for loss in found
            ),
        )
    if missed:
        text += "\nAnd the aims that are not reached: " + "; ".join(missed) + ".\n"
    return text


def _versions(raw: Raw) -> str:
    return "## Versions\n\n" + table(("", ""), raw["versions"].items(), numbers_from=2)
