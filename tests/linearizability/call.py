"""What a client called, when, and what it was answered."""

from __future__ import annotations

from typing import NamedTuple

from ratelimit_ddb import Decision
from tests.linearizability.program import Step


class Told(NamedTuple):
    """What a decision says, but for the tokens themselves: they are the same for the same rest."""

    allowed: bool
    remaining: int
    retry_after_ns: int
    reset_after_ns: int
    waited_ns: int
    limit: str

    @classmethod
    def of(cls, decision: Decision) -> Told:
        """What one says."""
        return cls(*decision[:4], decision.waited_ns, str(decision.limit))


class Call(NamedTuple):
    """One call.

    Attributes:
        client: who called.
        process: in which process.
        number: which of the client's steps it is.
        step: what was called.
        call_ns, return_ns: when, by the machine's monotonic clock, which its processes share.
        nows_ns: what the process's clock was meanwhile, from the beginning of the history. One
            instant, unless other clients of the process moved it.
        answer: what a decision said, or whether something happened; None for an outage.
        from_memory: whether the process decided by what it had observed before.
        given_before: of a refund, the tokens of the same take that were given back earlier.
    """

    client: int
    process: int
    number: int
    step: Step
    call_ns: int
    return_ns: int
    nows_ns: tuple[int, ...]
    answer: Told | bool | None
    from_memory: bool = False
    given_before: int = 0
