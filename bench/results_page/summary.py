"""The figures that a reader takes away, a sentence each: on the first page, and in README.md.

README.md has them between two marks, so that they are always those of bench/results.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from bench.hot_keys.leased_decision import BLOCKING
from bench.hot_keys.report_section import SIMULATED
from bench.lineup import BARE_SOCKET
from bench.results_page.raw_results import cell, number, spread
from bench.results_page.session_tables import added_us
from bench.session_peers import BARE, OURS

Raw = dict[str, Any]

BEGIN, END = "<!-- figures of bench/results -->", "<!-- end of figures -->"
HOTTEST = "20000/s,16,40000"


def lines(raw: Raw) -> list[str]:
    """A sentence for each section that was measured."""
    found: list[str] = []
    for section, of in (
        ("canned", _decision),
        ("hot_key", _hot_key),
        ("accuracy", _accuracy),
        ("session_peers", _sessions),
        ("outage", _outage),
        ("soak", _soak),
        ("faults", _faults),
    ):
        if section in raw:
            found += of(raw)
    return found


def with_figures(text: str, raw: Raw) -> str:
    """A text with the sentences between its marks replaced by those of the raw figures.

    Raises:
        ValueError: the marks are not there, once each and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"the text must have {BEGIN} and then {END}, once each")
    listed = "".join(f"- {line}\n" for line in lines(raw))
    return f"{before}{BEGIN}\n{listed}{END}{after}"


def _cpu_us(raw: Raw, name: str, case: str, at_once: int) -> float | None:
    figures = cell(raw, "canned", name, case, at_once)
    return None if figures is None else spread(figures["cpu_us"]).median


def _decision(raw: Raw) -> Iterator[str]:
    for ours, peer, at_once, how in (
        ("ratelimit-ddb", "boto3 update_item", 1, "A decision by a write"),
        (
            "ratelimit-ddb, asyncio",
            "aiobotocore update_item",
            32,
            "In asyncio, 32 at once, it",
        ),
    ):
        us, peer_us = (_cpu_us(raw, name, "allowed", at_once) for name in (ours, peer))
        if us is not None and peer_us is not None:
            client = peer.split()[0]
            yield (
                f"{how} takes {number(us)} us of CPU, {peer_us / us:.1f} times less than a bare "
                f"`update_item` of {client}."
            )
    least_us = _cpu_us(raw, BARE_SOCKET.name, "allowed", 1)
    if least_us is not None:
        yield (
            f"A bare socket that sends and receives as much takes {number(least_us)} us of CPU: no "
            "client can take less."
        )
    denied_us = _cpu_us(raw, "ratelimit-ddb", "denied", 1)
    if denied_us is not None:
        yield f"A repeated denial takes {number(denied_us)} us and no call."


def _hot_key(raw: Raw) -> Iterator[str]:
    section = raw["hot_key"]
    leased_us = statistics.median(section["cpu_us"][BLOCKING])
    yield f"A decision by a lease takes {number(leased_us)} us and no call."
    for row in section[SIMULATED]:
        if row["case"] == HOTTEST:
            yield (
                f"{row['processes']} processes with {row['offered']:,} requests a second for one "
                f"key, under a limit of {row['limit']:,} a second, use {number(row['units'])} "
                "write units for each admitted request, and admit "
                + ("none too many." if row["excess"] <= 0 else f"{row['excess']:.1f} too many.")
            )


def _accuracy(raw: Raw) -> Iterator[str]:
    shared = {
        name: [
            statistics.mean(figures["admitted"]) / statistics.mean(figures["due"])
            for figures in by_processes.values()
        ]
        for name, by_processes in raw["accuracy"]["results"].items()
        if name == "ratelimit-ddb" or name.startswith(("zae-limiter", "rate-limiter-modern"))
    }
    ours = shared.pop("ratelimit-ddb", None)
    if ours is None:
        return
    most = max(int(count) for count in raw["accuracy"]["results"]["ratelimit-ddb"])
    others = "; ".join(f"{name} {_range(ratios)}" for name, ratios in shared.items())
    processes = f"up to {most} processes" if most > 1 else "one process"
    text = f"At saturation, {processes} admit {_range(ours)} of what is due"
    yield f"{text} ({others})." if others else f"{text}."


def _range(ratios: list[float]) -> str:
    least, most = f"{min(ratios):.3f}", f"{max(ratios):.3f}"
    return least if least == most else f"{least} to {most}"


def _sessions(raw: Raw) -> Iterator[str]:
    case = "session read"
    for framework, sites in raw["session_peers"]["results"].items():
        ours = added_us(sites, OURS, case) if OURS in sites else None
        for name in sites:
            added = None if name in (BARE, OURS) else added_us(sites, name, case)
            if ours is not None and added is not None:
                yield (
                    f"A session that is read adds {number(ours[0])} us of CPU and "
                    f"{_units(sites[OURS][case])} in {framework}; one of {name} adds "
                    f"{number(added[0])} us, {_units(sites[name][case])}."
                )


def _units(of: Raw) -> str:
    kinds = (("read", of["read_units"]), ("write", of["write_units"]))
    units = [f"{count:g} {kind} unit{'' if count == 1 else 's'}" for kind, count in kinds if count]
    return " and ".join(units) or "no unit"


def _outage(raw: Raw) -> Iterator[str]:
    found = raw["outage"]
    yield (
        f"In an outage {len(found['before_ms'])} decisions wait for their deadline, each later "
        f"one for {found['after_ms']:.3f} ms; its end is noticed within "
        f"{found['seconds_to_close']:.1f} s."
    )


def _soak(raw: Raw) -> Iterator[str]:
    for run in raw["soak"]["runs"]:
        if "growth" in run:
            yield (
                f"{run['user'].removesuffix('SiteUser').upper()} site with limits and sessions, "
                f"{raw['soak']['seconds'] / 60:.0f} minutes: {run['requests']:,} requests, "
                f"{run['failures']:,} failed, {run['per_second']:,.0f} a second, p99 "
                f"{run['p99_ms']:.0f} ms; memory {run['growth']['before']:.1f} MB, then "
                f"{run['growth']['after']:.1f} MB."
            )


def _faults(raw: Raw) -> Iterator[str]:
    rows = raw["faults"]["rows"]
    tried, violations = (sum(row[name] for row in rows) for name in ("tried", "violations"))
    yield f"{tried:,} faults were tried on real processes and engines; {violations:,} violations."
