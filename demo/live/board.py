"""Every bucket as the last decision on it left it, and who was admitted and denied so far.

A bucket is one number, the instant when it is full again. So one decision tells how full the bucket
is from then on, and a page can draw it without asking again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from demo.limits import CALLER, EVERYONE, PER_MINUTE, PER_SECOND, SHARED
from demo.live.feed import Decided, Feed
from ratelimit_ddb import Limit
from ratelimit_ddb.web import RuleDecision, Verdict

MOST_CALLERS = 24
"""The callers that are remembered; beyond, the one that was not heard of for longest is dropped."""

_MS = 1_000_000


class Caller(NamedTuple):
    """Whose buckets a request drew on.

    Attributes:
        kind: what they are told by: ``"key"``, ``"session"`` or ``"address"``.
        name: the key, the user or the address.
    """

    kind: str
    name: str


@dataclass(slots=True)
class _Record:
    admitted: int = 0
    denied: int = 0
    from_memory: int = 0
    full_at_ns: dict[str, int] = field(default_factory=dict)


class Board:
    """What the pages show of the limits.

    Args:
        namespace: what the keys of the buckets begin with.
        feed: told of every request that is noted.
        clock_ns: nanoseconds of a clock that only goes forward.
    """

    def __init__(
        self, namespace: str, feed: Feed, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._prefix = f"{namespace}:{CALLER}:" if namespace else f"{CALLER}:"
        self._feed = feed
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._callers: OrderedDict[Caller, _Record] = OrderedDict()
        self._shared = _Record()

    def note(self, verdict: Verdict) -> None:
        """Note what was decided on a search; anything else is not about the board."""
        charge = next((one for one in verdict.charges if one.rule.name == CALLER), None)
        if charge is None:
            return
        caller = caller_of(charge.key.removeprefix(self._prefix))
        now_ns = self._clock_ns()
        with self._lock:
            mine = self._callers.setdefault(caller, _Record())
            self._callers.move_to_end(caller)
            while len(self._callers) > MOST_CALLERS:
                self._callers.popitem(last=False)
            for one in verdict.decisions:
                record = mine if one.rule == CALLER else self._shared
                record.full_at_ns.update(
                    (name, now_ns + full_in_ns) for name, full_in_ns in levels_of(one)
                )
            for record in (mine, self._shared):
                record.admitted += verdict.allowed
                record.denied += not verdict.allowed
                record.from_memory += is_from_memory(verdict)
            content = {
                "caller": _of_caller(caller, mine, now_ns),
                "shared": _of_record(self._shared, now_ns),
                **_outcome_of(verdict),
            }
            self._feed.publish(Decided(content))  # in here, so that pages get them in their order

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON's types, for a page that has just been opened."""
        now_ns = self._clock_ns()
        with self._lock:
            return {
                "callers": [_of_caller(*item, now_ns) for item in self._callers.items()],
                "shared": _of_record(self._shared, now_ns),
            }


LIMITS = {
    CALLER: [
        {"name": limit.name, "burst": limit.burst, "unit_ms": limit.unit_ns / _MS, "text": text}
        for limit, text in ((PER_SECOND, "2 a second"), (PER_MINUTE, "40 a minute"))
    ],
    EVERYONE: [
        {
            "name": SHARED.name,
            "burst": SHARED.burst,
            "unit_ms": SHARED.unit_ns / _MS,
            "text": "5 a second",
        }
    ],
}
"""The limits that the pages draw, by rule."""


def caller_of(key: str) -> Caller:
    """The caller whom a key means, given without its namespace and the rule's name."""
    parts = [unquote(part) for part in key.split(":")]
    kind = {1: "key", 2: "session"}.get(len(parts), "address")
    return Caller(kind, parts[-1] if kind != "address" else ":".join(parts[2:]))


def levels_of(one: RuleDecision) -> Iterator[tuple[str, int]]:
    """Each limit that a decision tells of, and in how many nanoseconds it is full again."""
    decision, cost = one.decision, one.charge.cost
    if (taken := decision.taken) is not None:
        # reset_after is that of the limit that is full last, so this is when it was decided.
        now_ns = max(taken.full_at_ns) - decision.reset_after_ns
        for limit, full_at_ns in zip(taken.limits, taken.full_at_ns, strict=True):
            if not isinstance(limit, Limit):
                continue  # it does not drain
            given_back_ns = cost * limit.unit_ns if one.refunded else 0
            yield limit.name, full_at_ns - now_ns - given_back_ns
    elif decision.source in ("table", "seen") and isinstance(decision.limit, Limit):
        limit = decision.limit
        yield limit.name, decision.retry_after_ns + limit.window_ns - cost * limit.unit_ns


def is_from_memory(verdict: Verdict) -> bool:
    """Whether a request was denied without asking the store."""
    return bool(verdict.denials) and all(one.decision.source == "seen" for one in verdict.decisions)


def _outcome_of(verdict: Verdict) -> dict[str, Any]:
    if verdict.allowed:
        return {"allowed": True}
    longest = verdict.longest
    return {
        "allowed": False,
        "denied_by": longest.decision.limit.name,
        "retry_after_ms": longest.decision.retry_after_ns / _MS,
        "from_memory": is_from_memory(verdict),
        "outage": longest.decision.source == "outage",
    }


def _of_caller(caller: Caller, record: _Record, now_ns: int) -> dict[str, Any]:
    return {"kind": caller.kind, "name": caller.name, **_of_record(record, now_ns)}


def _of_record(record: _Record, now_ns: int) -> dict[str, Any]:
    return {
        "admitted": record.admitted,
        "denied": record.denied,
        "from_memory": record.from_memory,
        "full_in_ms": {
            name: max(0, full_at_ns - now_ns) / _MS
            for name, full_at_ns in record.full_at_ns.items()
        },
    }
