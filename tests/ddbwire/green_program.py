"""A program of greenlets, by eventlet or gevent, that makes calls; run in a process of its own.

``python green_program.py eventlet|gevent URL SILENT_URL`` prints what it saw, as JSON. The endpoint
at SILENT_URL accepts connections and never answers.
"""

# ruff: noqa: E402 - the patches come first

import sys
import warnings

warnings.simplefilter("ignore")  # eventlet's own, on being deprecated
if sys.argv[1] == "eventlet":
    import eventlet

    eventlet.monkey_patch()
else:
    from gevent import monkey

    monkey.patch_all()

import json
import threading
import time
from typing import Any

from ddbwire import CallSequence, DeadlineExceeded, DynamoDBRequest, Wire
from ratelimit_ddb import DynamoDBStore, RateLimiter

if sys.argv[1] == "eventlet":
    spawn = eventlet.spawn
else:
    import gevent

    spawn = gevent.spawn

_, _library, url, silent_url = sys.argv
GET = DynamoDBRequest.of(
    "GetItem", {"TableName": "t", "Key": {"key": {"S": "k"}}}, repeatable=False
)
seen: dict[str, Any] = {}


def deadline_in(seconds: float) -> int:
    return time.monotonic_ns() + int(seconds * 1e9)


def outcome(wire: Wire, seconds: float) -> str:
    try:
        wire.call(GET, deadline_in(seconds))
    except DeadlineExceeded as error:
        return error.cause
    return "answered"


def together(wire: Wire, *all_seconds: float) -> list[str]:
    """What calls come to that are made at once, each with so many seconds until its deadline."""
    outcomes: list[str] = []
    threads = [
        threading.Thread(
            target=lambda seconds: outcomes.append(outcome(wire, seconds)), args=(each,)
        )
        for each in all_seconds
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


limiter = RateLimiter(DynamoDBStore("t", endpoint_url=url), "5/minute", on_outage="raise")
seen["decision"] = limiter.acquire("k").source

wire = Wire(endpoint_url=url, max_connections=2)
seen["sharing 2 connections"] = sorted(set(together(wire, *[5] * 20)))


def sequence(outcomes: list[str]) -> CallSequence:
    for _ in range(2):
        answer = yield GET
        outcomes.append(answer.cause if isinstance(answer, DeadlineExceeded) else "answered")


def side_by_side(wire: Wire, count: int, seconds: float) -> list[str]:
    """What so many sequences of calls come to that are made at once."""
    outcomes: list[str] = []
    wire.call_all([sequence(outcomes) for _ in range(count)], deadline_in(seconds))
    return sorted(outcomes)


seen["sequences"] = sorted(set(side_by_side(wire, 5, 5)))

silent = Wire(endpoint_url=silent_url, max_connections=2)
silent.resolve()
began = time.monotonic()
seen["at the deadline"] = sorted(together(silent, 0.4, 0.4, 0.1))
seen["side by side"] = time.monotonic() - began < 0.7
began = time.monotonic()
late = side_by_side(silent, 3, 0.3)
seen["sequences at the deadline"] = "answered" not in late and time.monotonic() - began < 0.6

for _round in range(3):
    greenlets = [spawn(outcome, silent, 5) for _ in range(4)]
    time.sleep(0.05)  # two of them wait for an answer, two for a connection
    greenlets.append(spawn(side_by_side, silent, 3, 5))
    time.sleep(0.05)
    for killed in greenlets:
        killed.kill()
    time.sleep(0.01)
seen["after kills"] = sorted(together(silent, 0.4, 0.4, 0.1))

declined = Wire(endpoint_url=url + "/path", max_connections=2)
seen["declined"] = sorted(set(together(declined, *[5] * 6)))

print(json.dumps(seen))
