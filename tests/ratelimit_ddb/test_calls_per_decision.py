"""What a decision by the table costs this process: Python calls, and system calls."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from ratelimit_ddb import DynamoDBStore, Limit, RateLimiter
from tests.ddbwire.fault_server import FaultServer, reply

MOST_CALLS = 80
"""Of Python functions, those that go on with a generator counted too."""
TAKEN = {
    "Attributes": {
        "fullAt:l": {"N": "1700000000000000000"},
        "expiresAt": {"N": "1700003660"},
        "writes": {"N": "7"},
        "activeNs": {"N": "0"},
    }
}


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with FaultServer() as server:
        server.default = reply(TAKEN)
        with DynamoDBStore("limits", endpoint_url=server.url) as store:
            store.warm_up()
            yield store


def calls_of(limiter: RateLimiter, key: str) -> tuple[int, Counter[str]]:
    """How many Python functions one decision calls, and how often which ones of C."""
    python, of_c = 0, Counter[str]()

    def count(_frame: FrameType, event: str, argument: Any) -> None:
        nonlocal python
        if event == "call":
            python += 1
        elif event == "c_call":
            of_c[argument.__qualname__] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        decision = limiter.acquire(key)
    finally:
        sys.setprofile(before)
    assert decision.source == "table"
    return python, of_c


@pytest.mark.parametrize("lease", [0.0, 0.5])
@pytest.mark.parametrize("is_known", [False, True])
def test_a_strict_decision_takes_few_calls(
    store: DynamoDBStore, lease: float, is_known: bool
) -> None:
    limiter = RateLimiter(store, Limit(5, 1, name="l"), on_outage="raise", lease=lease)
    for number in range(20):  # so that the clock has learnt what there is to learn
        limiter.acquire(f"other-{number}")
    if is_known:
        limiter.acquire("key-0")
        limiter.acquire("key-0")
    counted = [calls_of(limiter, "key-0" if is_known else f"key-{n}") for n in range(20)]
    # The least, for now and then the clock learns, a second begins, or the machine is busy.
    assert min(python for python, _ in counted) <= MOST_CALLS
    waits = ("socket.send", "socket.recv", "poll.poll")
    assert min(sum(of_c[name] for name in waits) for _, of_c in counted) == 3
