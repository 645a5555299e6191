"""Several processes, two keys, all that can be asked of a limiter, in any order; and the oracle."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from ratelimit_ddb.operations.operation import Read
from tests.decisions import told
from tests.fake_clock import FakeClock
from tests.property.oracle import Reference
from tests.property.strategies import several_limits

TRUST_NS = 5_000_000_000
"""For how long a process may go on denying after another one has filled the bucket."""

KEYS = ("api:user-123:endpoint", "api:user-456:endpoint")
keys = st.sampled_from(KEYS)
processes = st.integers(0, 2)
shares = st.sampled_from([0.0, 0.1, 0.5, 1.0])
"""How much of the smallest burst a call costs: from one token to all."""


class Processes(RuleBasedStateMachine):
    """Three limiters that share a store but not what they have seen."""

    @initialize(on=several_limits())
    def start(self, on: list[Limit]) -> None:
        self.clock = FakeClock()
        self.limits = on
        self.store = MemoryStore(clock=self.clock)
        self.limiters = [RateLimiter(self.store, on) for _ in range(3)]
        self.references = {key: Reference(on, self.clock.now_ns) for key in KEYS}
        self.filled_ns: dict[str, dict[int, int]] = defaultdict(dict)
        """When each process last filled a key's bucket."""

    @rule(quarters=st.integers(0, 20), off_ns=st.integers(-1, 1), index=st.integers(0, 2))
    def time_passes(self, quarters: int, off_ns: int, index: int) -> None:
        unit_ns = self.limits[index % len(self.limits)].unit_ns
        self.clock.advance_ns(max(0, quarters * unit_ns // 4 + off_ns))
        for reference in self.references.values():
            reference.refill(self.clock.now_ns)

    @rule(process=processes, key=keys, share=shares, wait_ms=st.sampled_from([0, 0, 200, 30_000]))
    def acquire(self, process: int, key: str, share: float, wait_ms: int) -> None:
        cost = self.cost(share)
        decision = self.limiters[process].acquire(key, cost=cost, max_wait=wait_ms / 1_000)
        if decision.source == "seen" and self.filled_elsewhere(process, key):
            assert not decision.allowed
            return
        expected = self.references[key].decide(cost, wait_ms * 1_000_000)
        if decision.source == "table":
            assert told(decision) == expected
        else:
            assert not expected.allowed
            assert decision.retry_after_ns <= expected.retry_after_ns

    @rule(process=processes, key=keys, share=shares)
    def peek(self, process: int, key: str, share: float) -> None:
        cost = self.cost(share)
        assert self.limiters[process].peek(key, cost=cost) == self.references[key].say(cost)

    @rule(process=processes, key=keys)
    def reset(self, process: int, key: str) -> None:
        self.limiters[process].reset(key)
        self.references[key] = Reference(self.limits, self.clock.now_ns)
        self.filled_ns[key][process] = self.clock.now_ns

    @invariant()
    def p1_the_store_holds_what_the_oracle_does(self) -> None:
        for key, reference in self.references.items():
            outcome = self.store.send(Read(key, tuple(limit.name for limit in self.limits)), 0)
            for bucket, full_at_ns in zip(reference.buckets, outcome.full_at_ns, strict=True):
                owed_ns = max(0, (full_at_ns or 0) - self.clock.now_ns)
                assert owed_ns == bucket.short_ns(bucket.limit.burst)

    def cost(self, share: float) -> int:
        return max(1, int(share * min(limit.burst for limit in self.limits)))

    def filled_elsewhere(self, process: int, key: str) -> bool:
        return any(
            self.clock.now_ns - filled_ns <= TRUST_NS
            for other, filled_ns in self.filled_ns[key].items()
            if other != process
        )


Processes.TestCase.settings = settings(stateful_step_count=30, max_examples=80)
TestProcesses = Processes.TestCase
