"""``@rate_limited``: a limit on calls of a function, method or coroutine function."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar, cast

from ddbwire.arguments import plain_text
from ratelimit_ddb.arguments import (
    require_cost,
    require_functions,
    require_int_from,
    require_max_wait_ns,
    require_store,
)
from ratelimit_ddb.decision_event import LimiterDecision, OnLimiterDecision
from ratelimit_ddb.decorator.coroutine import ReturnKind, is_async_generator_function, return_kind
from ratelimit_ddb.decorator.decorable import require_decorable
from ratelimit_ddb.decorator.function_name import claim, name_of, named_function
from ratelimit_ddb.decorator.function_of_call import FunctionOfCall, function_of_call
from ratelimit_ddb.decorator.limited_call import (
    NOT_AWAITED,
    LimitedCall,
    limited_async,
    limited_blocking,
    limited_either,
)
from ratelimit_ddb.key import KeyLike, key_text, namespace_prefix
from ratelimit_ddb.limit import AnyLimit, LimitsLike, parse_limits
from ratelimit_ddb.limiter import AsyncRateLimiter, RateLimiter
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.stored_limits.stored import Stored

P = ParamSpec("P")
R = TypeVar("R")

_WAY_OUT = "give each a scope= of its own, or several limits of one function in one list"


def rate_limited(
    limits: LimitsLike | Stored,
    *,
    store: Store,
    key: KeyLike | FunctionOfCall | None = None,
    cost: int | FunctionOfCall = 1,
    max_wait: float = 0.0,
    scope: str | None = None,
    on_outage: OnOutage = "local",
    deadline: float = 0.25,
    deny_cache: float = 5.0,
    lease: float = 0.5,
    seen_keys: int = 65_536,
    namespace: str = "",
    enabled: bool | None = None,
    on_decision: OnLimiterDecision | Iterable[OnLimiterDecision] = (),
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function be called only within limits.

    It is for functions and methods, ``def`` and ``async def``, for functools.partial and for
    objects with ``__call__``. ``async def`` stays ``async def``. A plain function that wraps a
    coroutine function is decided on without blocking where it is called in an event loop, and gives
    something to await there. Any other plain function blocks until its decision is there, and its
    wait is over: called in an event loop, it gives a RuntimeWarning, since the loop stands still
    meanwhile.

    In a view, RateLimited is an error like any other, to which frameworks answer 500. The
    decorators and dependencies of their adapters answer 429: see the guide's page on frameworks.

    Args:
        limits: as for RateLimiter; several on one function are given as a list, not by several
            decorators.
        store: as for RateLimiter.
        key: whose calls are counted together: a text, parts, or a function of the call's arguments
            (``lambda user: user.id``; for ``async def`` it may be a coroutine function). All calls
            together unless given, but a function must return a key.
        cost: tokens a call takes, or a function of its arguments.
        max_wait: seconds, at most 30, that a call may sleep for its turn.
        scope: what the keys are counted under: the function's module and qualified name unless
            given. Functions that are given the same scope share their buckets. Two functions of one
            name, such as two lambdas or what a factory makes, need it.
        on_outage: as for RateLimiter.
        deadline: as for RateLimiter.
        deny_cache: as for RateLimiter.
        lease: as for RateLimiter.
        seen_keys: as for RateLimiter.
        namespace: as for RateLimiter. Functions of one name do not clash where theirs differ.
        enabled: as for RateLimiter.
        on_decision: as for RateLimiter; the ``rule`` of what it is called with is the scope.

    Returns:
        a decorator. What it decorates raises RateLimited, with the decision, when it is denied, and
        then has not begun to run.

    Raises:
        TypeError, ValueError: at decoration, an argument is invalid, or another function of
            this name counts on the same store; at the call, the key or the cost that a function
            made of it; after it, a plain function returned a coroutine.
    """
    require_store(store)
    parsed = _fixed_limits(limits)
    told = require_functions("on_decision", on_decision)
    _require_constants(parsed, key, cost, max_wait, scope)
    scope = None if scope is None else plain_text(scope)

    options: dict[str, Any] = {
        "on_outage": on_outage,
        "deadline": deadline,
        "deny_cache": deny_cache,
        "lease": lease,
        "seen_keys": seen_keys,
        "namespace": namespace,
        "enabled": enabled,
    }

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        _require_function(function)
        kind = return_kind(function)
        if kind is ReturnKind.VALUE:
            _require_plain(function, key=key, cost=cost)
        name = name_of(function)
        if scope is None:
            claim(store, name, function, _WAY_OUT, terms=parsed, namespace=namespace)
        options["on_decision"] = [functools.partial(_tell, one, scope or name) for one in told]
        call = LimitedCall(
            function,
            name,
            scope or name,
            None if key is None else function_of_call(function, "key", key),
            function_of_call(function, "cost", cost),
            max_wait,
            namespace_prefix(namespace),
        )
        limited: Callable[..., Any]
        if kind is ReturnKind.COROUTINE:
            limited = limited_async(call, AsyncRateLimiter(store, parsed, **options))
        elif kind is ReturnKind.EITHER:
            blocking = RateLimiter(store, parsed, **options)
            limited = limited_either(call, blocking, AsyncRateLimiter(store, parsed, **options))
        else:
            limited = limited_blocking(call, RateLimiter(store, parsed, **options))
        return cast("Callable[P, R]", _named_after(function, limited))

    return decorate


def _tell(on_decision: OnLimiterDecision, rule: str, told: LimiterDecision) -> None:
    on_decision(told._replace(rule=rule))


def _named_after(function: Callable[..., Any], limited: Callable[..., Any]) -> Callable[..., Any]:
    named = named_function(function)
    if named is function:
        return functools.wraps(function)(limited)
    # A partial or an object: only the name is the function's, not what else the object has.
    limited = functools.wraps(named, ("__module__", "__name__", "__qualname__", "__doc__"), ())(
        limited
    )
    vars(limited)["__wrapped__"] = function
    return limited


def _fixed_limits(limits: LimitsLike | Stored) -> tuple[AnyLimit, ...] | Stored:
    if isinstance(limits, Stored) and not callable(limits.name):
        return limits
    if isinstance(limits, Stored) or callable(limits):
        raise TypeError(
            f"@rate_limited(limits={limits!r}): limits are fixed where the function is decorated; "
            "where they depend on the call, keep a RateLimiter for each plan and call its "
            "acquire() in the function"
        )
    return parse_limits(limits)


def _require_function(function: Callable[..., Any]) -> None:
    require_decorable("@rate_limited", function)
    if is_async_generator_function(function):
        raise TypeError(
            f"@rate_limited on {name_of(function)}: an async generator's call can't wait for a "
            "decision; limit the coroutine function that iterates it"
        )


def _require_plain(function: Callable[..., Any], **wanted: Any) -> None:
    """Refuse a coroutine function where nothing awaits it."""
    for option, value in wanted.items():
        if callable(value) and return_kind(value) is ReturnKind.COROUTINE:
            name = name_of(function)
            raise TypeError(NOT_AWAITED.format(option=option, value=value, name=name))


def _require_constants(
    limits: tuple[AnyLimit, ...] | Stored, key: Any, cost: Any, max_wait: float, scope: Any
) -> None:
    """Refuse now what would be refused at each call."""
    if not callable(key) and key is not None:
        key_text(key)
    if isinstance(limits, Stored):
        if not callable(cost):
            require_int_from("cost", cost, 1)  # the table may allow more than the default
    elif not callable(cost):
        require_cost(cost, min(limit.burst for limit in limits))
    require_max_wait_ns(max_wait)
    if scope is not None and (not isinstance(scope, str) or not scope):
        kind = ValueError if scope == "" else TypeError
        raise kind(f"scope {scope!r}: must be a str of at least one character")
