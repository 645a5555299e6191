"""``@rate_limited``: a limit on calls of a function, method or coroutine function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from ratelimit_ddb.cost import require_cost
from ratelimit_ddb.decision import Decision, RateLimited
from ratelimit_ddb.duration import wait_nanoseconds
from ratelimit_ddb.key import KeyGiven, text_of
from ratelimit_ddb.limit import Limit, LimitsGiven, limits_of
from ratelimit_ddb.limiter import AsyncRateLimiter, RateLimiter
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.store.protocol import Store

P = ParamSpec("P")
R = TypeVar("R")

OfTheCall = Callable[..., Any]
"""A function of the call's arguments. It names those that it wants, as the decorated function
names them; if it names any that the function does not have, it is called with all, as they come."""


def rate_limited(
    limits: LimitsGiven,
    *,
    store: Store,
    key: KeyGiven | OfTheCall | None = None,
    cost: int | OfTheCall = 1,
    max_wait: float = 0.0,
    scope: str | None = None,
    on_outage: OnOutage = "allow",
    deadline: float = 0.25,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function be called only within limits.

    Args:
        limits: as for RateLimiter.
        store: as for RateLimiter.
        key: whose calls are counted together: a text, parts, or a function of the call's arguments
            (``lambda user: user.id``; for ``async def`` it may be a coroutine function). All calls
            together unless given, but a function must return a key.
        cost: tokens a call takes, or a function of its arguments.
        max_wait: seconds, at most 30, that a call may sleep for its turn.
        scope: what the keys are counted under: the function's module and qualified name unless
            given. Functions that are given the same scope share their buckets.
        on_outage: as for RateLimiter.
        deadline: as for RateLimiter.

    Returns:
        a decorator. What it decorates raises RateLimited, with the decision, when it is denied, and
        then has not begun to run; ``async def`` stays ``async def``.

    Raises:
        TypeError, ValueError: at decoration, something given can't hold; at the call, the key or
            the cost that a function made of it.
    """
    settled = limits_of(limits)
    _require_constants(settled, key, cost, max_wait)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        _require_function(function)
        terms = _Terms(
            scope or f"{function.__module__}.{function.__qualname__}",
            None if key is None else _of_the_call(function, key),
            _of_the_call(function, cost),
            max_wait,
        )
        if inspect.iscoroutinefunction(function):
            waiting = AsyncRateLimiter(store, settled, on_outage=on_outage, deadline=deadline)
            return cast("Callable[P, R]", _limited_async(function, waiting, terms))
        blocking = RateLimiter(store, settled, on_outage=on_outage, deadline=deadline)
        return _limited(function, blocking, terms)

    return decorate


OfArguments = Callable[[tuple[Any, ...], dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a call is charged to, and how much: both from its arguments (args, kwargs)."""

    scope: str
    key_of: OfArguments | None
    cost_of: OfArguments
    max_wait: float

    def text_of(self, found: KeyGiven) -> str:
        """The key in the table for the key of a call, under the scope."""
        text_of(found)  # an empty key would be none any more behind its scope
        return text_of((self.scope, *found) if isinstance(found, tuple) else (self.scope, found))


def _limited(function: Callable[P, R], limiter: RateLimiter, terms: _Terms) -> Callable[P, R]:
    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        text = terms.scope
        if terms.key_of is not None:
            text = terms.text_of(terms.key_of(args, kwargs))
        cost = terms.cost_of(args, kwargs)
        _require(text, limiter.acquire(text, cost=cost, max_wait=terms.max_wait))
        return function(*args, **kwargs)

    return limited


def _limited_async(
    function: Callable[P, Awaitable[R]], limiter: AsyncRateLimiter, terms: _Terms
) -> Callable[P, Awaitable[R]]:
    @functools.wraps(function)
    async def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        text = terms.scope
        if terms.key_of is not None:
            text = terms.text_of(await _awaited(terms.key_of(args, kwargs)))
        cost = await _awaited(terms.cost_of(args, kwargs))
        _require(text, await limiter.acquire(text, cost=cost, max_wait=terms.max_wait))
        return await function(*args, **kwargs)

    return limited


def _require(text: str, decision: Decision) -> None:
    if not decision.allowed:
        raise RateLimited(text, decision)


def _require_function(function: object) -> None:
    wrapped = isinstance(function, staticmethod | classmethod)
    if wrapped or not callable(function) or not hasattr(function, "__qualname__"):
        raise TypeError(f"@rate_limited on {function!r}: a function is needed, the innermost one")
    if inspect.isasyncgenfunction(function):
        raise TypeError(
            f"@rate_limited on {function.__qualname__}: an async generator's call can't wait for a "
            "decision; limit the coroutine function that iterates it"
        )


def _require_constants(limits: tuple[Limit, ...], key: Any, cost: Any, max_wait: float) -> None:
    """Refuse now what would be refused at each call."""
    if not callable(key) and key is not None:
        text_of(key)
    if not callable(cost):
        require_cost(cost, min(limit.burst for limit in limits))
    wait_nanoseconds(max_wait)


async def _awaited(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found


def _of_the_call(function: Callable[..., Any], wanted: Any) -> OfArguments:
    """``wanted`` as a function of (args, kwargs); whatever is no function is itself for any."""
    if not callable(wanted):
        return lambda _args, _kwargs: wanted
    signature = inspect.signature(function)
    names = _parameters_of(wanted)
    if names is None or not set(names) <= set(signature.parameters):
        return lambda args, kwargs: wanted(*args, **kwargs)

    def by_name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return wanted(**{name: bound.arguments[name] for name in names})

    return by_name


def _parameters_of(wanted: Callable[..., Any]) -> tuple[str, ...] | None:
    """The names of its parameters; None where they don't tell: built-ins, ``*args``."""
    try:
        parameters = inspect.signature(wanted).parameters.values()
    except ValueError:
        return None
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if not all(parameter.kind in by_name for parameter in parameters):
        return None
    return tuple(parameter.name for parameter in parameters)
