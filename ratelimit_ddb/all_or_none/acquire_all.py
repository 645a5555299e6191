"""``acquire_all`` and ``refund_all``, blocking and for event loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic_ns
from typing import Any

from ddbwire.arguments import shown
from ratelimit_ddb.all_or_none.decisions import Decisions, L
from ratelimit_ddb.all_or_none.flows import give_back, take
from ratelimit_ddb.all_or_none.outages import decide_without_stores, is_lost, would_deny
from ratelimit_ddb.all_or_none.request import (
    Request,
    by_store,
    core_of,
    request_of,
    require_possible,
    require_requests,
)
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.key import KeyLike
from ratelimit_ddb.limiter import AsyncRateLimiter, RateLimiter
from ratelimit_ddb.operations.driver import uncancelled
from ratelimit_ddb.operations.operation import JointFlow
from ratelimit_ddb.operations.steps import OnStore, Steps, run_steps, run_steps_async
from ratelimit_ddb.operations.together import raise_mistake, side_by_side


def acquire_all(
    requests: Iterable[tuple[RateLimiter, KeyLike] | tuple[RateLimiter, KeyLike, int]],
) -> Decisions[RateLimiter]:
    """Take tokens by several limiters, or by one of several keys: all of them, or none.

    ::

        decisions = acquire_all([(api, user), (reports, ("report", user), 5)])
        if not decisions:
            return too_many_requests(decisions.retry_after)

    Keys on one store are asked side by side, in the time of one. If a limiter denies by what this
    process has observed, nothing is sent. Each limiter's ``on_outage`` decides on its own key. Each
    store has the shortest ``deadline`` of its limiters, a quarter of which is left for giving back.
    Stored limits are read before, if they are due.

    Args:
        requests: ``(limiter, key)``, which takes one token, or ``(limiter, key, cost)``.

    Raises:
        TypeError, ValueError: a key or cost is invalid, there is no request at all, or those for
            one bucket ask for more than its burst.
        StoreUnavailable: a limiter has ``on_outage="raise"``, and none denies.
        StoreError: a mistake of set-up. What was taken is given back before either is raised.
    """
    return run_steps(_acquire_all(requests, RateLimiter))


async def acquire_all_async(
    requests: Iterable[tuple[AsyncRateLimiter, KeyLike] | tuple[AsyncRateLimiter, KeyLike, int]],
) -> Decisions[AsyncRateLimiter]:
    """Take tokens by several limiters, all or none, in an event loop; see ``acquire_all``."""
    return await run_steps_async(_acquire_all(requests, AsyncRateLimiter))


def refund_all(decisions: Decisions[RateLimiter]) -> bool:
    """Give back everything that a request took; see ``RateLimiter.refund``.

    Returns:
        whether anything was given back.

    Raises:
        TypeError: it is not what ``acquire_all`` returned.
        StoreError: of the first that could not be given back; the others were.
    """
    return run_steps(_refund_all(_took(decisions, RateLimiter)))


async def refund_all_async(decisions: Decisions[AsyncRateLimiter]) -> bool:
    """Give back all that a request took, in an event loop; see ``refund_all``.

    A task that is cancelled meanwhile leaves it to the background.
    """
    took = _took(decisions, AsyncRateLimiter)
    waits = any(not one.core.store.in_process for one in took)
    return await uncancelled(run_steps_async(_refund_all(took)), waits=waits)


def _acquire_all(requests: Iterable[tuple[Any, ...]], kind: type[L]) -> Steps[Decisions[L]]:
    given = require_requests(requests)
    asked = [request_of(one, kind) for one in given]
    if not asked:
        raise ValueError("acquire_all of no requests: give at least one (limiter, key)")
    spent_ns = yield from _read_limits(asked)
    require_possible(asked)
    refunded = False if _deny_from_memory(asked) else (yield from _ask(asked, spent_ns))
    for one in asked:
        if one.decision is not None:
            one.core.reporter.report(
                one.key, one.cost, one.decision, one.meter, one.outage, refunded=one.refunded
            )
    _raise_failure(asked)
    decisions = tuple([one.decision for one in asked])
    return Decisions(decisions, tuple([one[0] for one in given]), refunded)


def _read_limits(asked: list[Request]) -> Steps[dict[int, int]]:
    """Read stored limits: what they admit at most must be known before anything is taken.

    Each store has half of the deadline for it.

    Returns:
        for each store, how many nanoseconds it took.

    Raises:
        StoreError: a mistake of set-up.
    """
    spent_ns: dict[int, int] = {}
    for several in by_store(asked):
        cores = {id(one.core): one.core for one in several}.values()
        reads = [flow for flow in (core.reading() for core in cores) if flow is not None]
        if reads:
            begun_ns, half_ns = monotonic_ns(), _timeout_ns(several) // 2
            outcomes = yield from _run_of(several, side_by_side(reads), half_ns, decides=True)
            raise_mistake([outcomes] if isinstance(outcomes, StoreError) else outcomes)
            spent_ns[id(several[0].core.store)] = monotonic_ns() - begun_ns
    return spent_ns


def _ask(asked: list[Request], spent_ns: dict[int, int]) -> Steps[bool]:
    """Ask the stores; unless all admit, give back what was taken. Returns: whether it was."""
    for several in by_store(asked):
        left_ns = _timeout_ns(several) - spent_ns.get(id(several[0].core.store), 0)
        failure = yield from _run_of(several, take(several), max(1, left_ns), decides=True)
        for one in several:
            if one.outcome is None and isinstance(failure, StoreError):
                one.outcome = failure
        if not all(one.admitted or _may_be_admitted(one, several) for one in several):
            break
    decide_without_stores(asked)
    if all(one.admitted for one in asked):
        return False
    took = [one for one in asked if one.keeps]
    for several in by_store(took):
        yield from _run_of(several, give_back(several), _timeout_ns(several), decides=True)
    return bool(took) and all(one.refunded for one in took)


def _may_be_admitted(request: Request, several: list[Request]) -> bool:
    """Whether ``on_outage`` admits a request that got no answer."""
    return is_lost(request) and not would_deny(request, several)


def _took(decisions: Decisions[L], kind: type[L]) -> list[Request]:
    """The requests that have tokens left to give back."""
    if not isinstance(decisions, Decisions):
        raise TypeError(f"refund_all of {shown(decisions)}: must be what acquire_all returned")
    took = []
    for limiter, decision in zip(decisions.limiters, decisions.decisions, strict=True):
        core = core_of(limiter, kind)
        taken = None if decision is None else core.taken_by(decision)
        if taken is not None and taken.kept:
            meter = core.new_meter()
            took.append(Request(core, core.bucket, taken.key, taken.kept, meter, outcome=decision))
    return took


def _refund_all(took: list[Request]) -> Steps[bool]:
    failures: list[StoreError] = []
    for several in by_store(took):
        flow = give_back(several)
        failed = yield from _run_of(several, flow, _timeout_ns(several), decides=False)
        failures += [failed] if isinstance(failed, StoreError) else failed
    for one in took:
        if one.refunded and one.decision is not None:
            one.core.reporter.report(
                one.key, one.cost, one.decision, one.meter, None, "refund", refunded=True
            )
    if failures:
        raise failures[0]
    return any(one.refunded for one in took)


def _deny_from_memory(asked: list[Request]) -> bool:
    """Deny without the store, if an observation is recent enough. Returns: whether it denied.

    Older observations of the other keys then still tell how long to wait.
    """
    found = [(one, one.core.denial_from_memory(one.bucket, one.key, one.cost)) for one in asked]
    denials = [(one, *denial) for one, denial in found if denial is not None]
    if not any(is_recent for _, _, is_recent in denials):
        return False
    for one, denial, _ in denials:
        one.outcome = denial
    return True


def _raise_failure(asked: list[Request]) -> None:
    """Raise a mistake of set-up; an outage under ``"raise"``, unless a limiter denies anyhow."""
    raise_mistake([one.outcome for one in asked])
    if any(one.denies and one.outage is None for one in asked):
        return
    for one in asked:
        if one.outage is not None and one.core.outage_policy.on_outage == "raise":
            raise one.outage


def _timeout_ns(several: Sequence[Request]) -> int:
    return min(one.core.timeout_ns for one in several)


def _run_of(
    several: Sequence[Request], flow: JointFlow[Any], timeout_ns: int, *, decides: bool
) -> Steps[Any]:
    """What a flow on the store of these requests returns, or the StoreError that ends it."""
    core = several[0].core
    try:
        return (yield OnStore(flow, core.store, timeout_ns, core.breaker, decides))
    except StoreError as error:
        return error
