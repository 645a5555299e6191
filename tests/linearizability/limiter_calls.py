"""Steps of a program as calls of a limiter, and what a client keeps of their answers."""

from __future__ import annotations

from collections.abc import Callable

from ratelimit_ddb import ConcurrencyLimiter, Decision, RateLimiter
from ratelimit_ddb.operations.driver import run
from ratelimit_ddb.slots.slot import Slot
from tests.linearizability.program import SECOND_NS, Step

Begun = tuple[Step, Callable[[], Decision | bool], int]
"""The step that is made, which is a look where there is nothing to give back; its call; and the
tokens of the same take that were given back before."""


class BucketCalls:
    """The calls of a RateLimiter."""

    def __init__(self, limiter: RateLimiter, key: str) -> None:
        self._limiter = limiter
        self._key = key
        self._taken: dict[int, Decision] = {}

    def begin(self, number: int, step: Step) -> Begun:
        limiter, key = self._limiter, self._key
        match step.name:
            case "acquire":
                return step, lambda: self._acquire(number, step), 0
            case "charge":
                return step, lambda: limiter.charge(key, step.cost), 0
            case "block":
                return step, lambda: limiter.block(key, step.wait_ns / SECOND_NS), 0
            case "reset":
                return step, self._reset, 0
            case "refund":
                decision = self._taken.get(step.of)
                left = 0 if decision is None or decision.taken is None else decision.taken.kept
                if decision is not None and left:
                    cost = step.cost or left
                    given_before = decision.taken.cost - left if decision.taken else 0
                    gives = decision
                    return (
                        step._replace(cost=cost),
                        lambda: limiter.refund(gives, cost=cost),
                        given_before,
                    )
        looks = step._replace(name="peek", cost=max(1, step.cost), fault="")
        return looks, lambda: limiter.peek(key, cost=looks.cost), 0

    def _acquire(self, number: int, step: Step) -> Decision:
        decision = self._limiter.acquire(
            self._key, cost=step.cost, max_wait=step.wait_ns / SECOND_NS
        )
        if decision:
            self._taken[number] = decision
        return decision

    def _reset(self) -> bool:
        self._limiter.reset(self._key)
        return True


class SlotCalls:
    """The calls of a ConcurrencyLimiter."""

    def __init__(self, limiter: ConcurrencyLimiter, key: str) -> None:
        self._limiter = limiter
        self._key = key
        self._held: dict[int, Slot] = {}

    def begin(self, number: int, step: Step) -> Begun:
        limiter, key = self._limiter, self._key
        match step.name:
            case "take":
                return step, lambda: self._take(number), 0
            case "reset":
                return step, self._reset, 0
            case "release" | "heartbeat":
                slot = self._held.get(step.of)
                if slot is not None:
                    released = slot
                    if step.name == "release":
                        return step, lambda: self._release(step.of), 0
                    return step, lambda: self._renew(released), 0
        looks = step._replace(name="look", fault="")
        return looks, lambda: limiter.peek(key), 0

    def release_all(self) -> None:
        for number in list(self._held):
            self._release(number)

    def _take(self, number: int) -> Decision:
        slot = self._limiter.acquire(self._key)
        if slot:
            self._held[number] = slot
        return slot.decision

    def _reset(self) -> bool:
        self._limiter.reset(self._key)
        return True

    def _release(self, number: int) -> bool:
        self._held.pop(number).release()
        return True

    def _renew(self, slot: Slot) -> bool:
        """What the renewer does three times in a lifetime, by the true time: here when told."""
        core, held = self._limiter._core, slot._grant._held
        assert held is not None
        return run(core.flows.renew(held), core.store, core.timeout_ns, core.breaker)
