"""Raw figures as a run would have them, small enough to see through."""

from __future__ import annotations

from typing import Any

OURS, OURS_ASYNC, BOTO3 = "ratelimit-ddb", "ratelimit-ddb, asyncio", "boto3 update_item"
BOTO3_TO_THREAD, PEER = "boto3 in asyncio.to_thread", "zae-limiter, asyncio"


def figures(cpu_us: float) -> dict[str, list[float]]:
    """Three rounds that lie 5 % apart."""
    rounds = [cpu_us * 0.95, cpu_us, cpu_us * 1.05]
    return {
        "cpu_us": rounds,
        "per_second": [1e6 / value for value in rounds],
        "p50_us": rounds,
        "p99_us": [3 * value for value in rounds],
    }


def everywhere(cpu_us: float, cases: tuple[str, ...] = ("allowed", "denied", "mixed")) -> Any:
    """The same figures for each case and concurrency."""
    return {case: {"1": figures(cpu_us), "32": figures(cpu_us)} for case in cases}


TAKEN = {
    "date": "2026-01-01 12:00 UTC",
    "commit": "abc1234",
    "machine": "a processor, 2 cores, 4 GB; Linux 6; CPython 3.11.7",
    "load": 0.1,
    "seconds": 600,
}


def a_run(**sections: Any) -> dict[str, Any]:
    """A run with the hot path on canned replies, and whatever else is given."""
    return {
        "machine": {
            "date": "2026-01-01 12:00 UTC",
            "commit": "abc1234",
            "cpu": "a processor",
            "cores": 2,
            "memory_gigabytes": 4,
            "system": "Linux 6",
            "implementation": "CPython",
            "python": "3.11.7",
            "load": 0.1,
        },
        "versions": {"ratelimit-ddb": "0.1.0"},
        "workload": {
            "rounds": 3,
            "engine_rounds": 3,
            "concurrencies": [1, 32],
            "accuracy_seconds": 3.5,
            "load_seconds": 5,
        },
        "taken": {"canned": TAKEN},
        "canned": {
            "results": {
                OURS: everywhere(100),
                OURS_ASYNC: everywhere(120),
                BOTO3: everywhere(2_000),
                BOTO3_TO_THREAD: everywhere(2_400),
            },
            "failures": {PEER: "no such package"},
        },
        **sections,
    }


ACCURACY = {
    "results": {
        OURS: {"1": {"admitted": [179, 181], "asked": [900, 900], "due": [180, 180]}},
        PEER: {"1": {"admitted": [90, 90], "asked": [120, 120], "due": [180, 180]}},
    },
    "failures": {},
    "rate": {"quantity": 50, "period_seconds": 1, "burst": 5},
}


def hot_key_row(
    who: str, excess: float, missed: list[str], offered: int = 16_000
) -> dict[str, Any]:
    """A load of one hot key."""
    return {
        "who": who,
        "case": f"20000/s,16,{offered}",
        "limit": 20_000,
        "processes": 16,
        "offered": offered,
        "ceiling": 1_000,
        "admitted_over_due": 1.0,
        "steady": 0.999,
        "excess": excess,
        "writes": 137.0,
        "throttled": 0.0,
        "settled": 90.0,
        "units": 0.0085,
        "p50_ms": 0.0,
        "p99_ms": 8.0,
        "denied": 0.0,
        "least_served": 0.96,
        "lapsed": None,
        "missed": missed,
        "note": "",
    }


HOT_KEY: dict[str, Any] = {
    "simulated": [
        hot_key_row(OURS, -3.0, []),
        hot_key_row(OURS, 0.0, ["steady 0.9 < 0.99"], 40_000),
    ],
    "processes": [hot_key_row(OURS_ASYNC, -0.5, [])],
    "engine": [
        {**hot_key_row(OURS_ASYNC, -1.0, []), "ceiling": 40},
        {**hot_key_row(PEER, 0.5, []), "note": "3 failed: late"},
        {"who": PEER, "case": "4/s,4,300", "failure": "no such package"},
    ],
    "cpu_us": {"a leased decision, blocking": [1.7, 1.8, 1.7]},
}
