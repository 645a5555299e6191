"""Calls of a decorated function: each takes its tokens, or raises RateLimited, before it runs."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ddbwire.concurrency.in_event_loop import in_event_loop
from ratelimit_ddb.bucket.decision import Decision, RateLimited
from ratelimit_ddb.decorator.function_of_call import FunctionOfArguments
from ratelimit_ddb.key import KeyLike, key_text, namespaced_key_text
from ratelimit_ddb.limiter import AsyncRateLimiter, RateLimiter

NOT_AWAITED = (
    "@rate_limited({option}={value!r}) on {name}: a plain function can't await its {option}; make "
    "it an async def"
)


@dataclass(frozen=True, slots=True)
class LimitedCall:
    """A decorated function, and what each call of it takes.

    Attributes:
        function: the function.
        name: its module and qualified name.
        scope: what its calls are counted under.
        key_of: returns the key of a call; None if all calls share one bucket.
        cost_of: returns the tokens that a call takes.
        max_wait: seconds that a call may sleep for its tokens.
        namespace: from ``namespace_prefix``, for the messages of errors.
    """

    function: Callable[..., Any]
    name: str
    scope: str
    key_of: FunctionOfArguments | None
    cost_of: FunctionOfArguments
    max_wait: float
    namespace: str

    def key_text(self, found: KeyLike) -> str:
        """The key of a call, behind its scope."""
        key_text(found)  # refuses an empty key, which would not be empty behind its scope
        return key_text((self.scope, *found) if isinstance(found, tuple) else (self.scope, found))

    def take(self, limiter: RateLimiter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Take the tokens of a call, or raise RateLimited."""
        text = self.scope
        if self.key_of is not None:
            text = self.key_text(self._plain("key", self.key_of(args, kwargs)))
        cost = self._plain("cost", self.cost_of(args, kwargs))
        self._require(text, limiter.acquire(text, cost=cost, max_wait=self.max_wait))

    async def take_async(
        self, limiter: AsyncRateLimiter, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """The same in an event loop, where the functions of the key and cost may be awaited."""
        text = self.scope
        if self.key_of is not None:
            text = self.key_text(await _awaited(self.key_of(args, kwargs)))
        cost = await _awaited(self.cost_of(args, kwargs))
        self._require(text, await limiter.acquire(text, cost=cost, max_wait=self.max_wait))

    def _plain(self, option: str, found: Any) -> Any:
        """What the function of an option returned; a coroutine is refused."""
        if inspect.iscoroutine(found):
            found.close()
            raise TypeError(NOT_AWAITED.format(option=option, value=found, name=self.name))
        return found

    def _require(self, text: str, decision: Decision) -> None:
        if not decision.allowed:
            raise RateLimited(namespaced_key_text(self.namespace, text), decision)


def limited_blocking(call: LimitedCall, limiter: RateLimiter) -> Callable[..., Any]:
    """A plain function, which blocks for its decision."""

    def limited(*args: Any, **kwargs: Any) -> Any:
        if in_event_loop():
            warnings.warn(
                f"{call.name} was called in an event loop, which @rate_limited blocks "
                "until the decision is made: make it an async def, or call it in a thread",
                RuntimeWarning,
                stacklevel=2,
            )
        call.take(limiter, args, kwargs)
        returned = call.function(*args, **kwargs)
        if inspect.iscoroutine(returned):
            returned.close()
            raise TypeError(
                f"@rate_limited on {call.name}: it is a plain function, which blocks for its "
                "decision, and returned a coroutine; decorate an async def that awaits it"
            )
        return returned

    return limited


def limited_async(call: LimitedCall, limiter: AsyncRateLimiter) -> Callable[..., Any]:
    """A coroutine function."""

    async def limited(*args: Any, **kwargs: Any) -> Any:
        await call.take_async(limiter, args, kwargs)
        return await call.function(*args, **kwargs)

    return limited


def limited_either(
    call: LimitedCall, blocking: RateLimiter, waiting: AsyncRateLimiter
) -> Callable[..., Any]:
    """A plain function, whose call in an event loop returns an awaitable."""

    async def in_loop(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        await call.take_async(waiting, args, kwargs)
        return await _awaited(call.function(*args, **kwargs))

    def limited(*args: Any, **kwargs: Any) -> Any:
        if in_event_loop():
            return in_loop(args, kwargs)
        call.take(blocking, args, kwargs)
        return call.function(*args, **kwargs)

    return limited


async def _awaited(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found
