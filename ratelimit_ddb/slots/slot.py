"""What ``acquire`` of a concurrency limiter returns: a slot, or its denial."""

from __future__ import annotations

import os
import warnings
from types import TracebackType
from typing import NoReturn, Self

from ratelimit_ddb.bucket.decision import Decision, RateLimited
from ratelimit_ddb.once import Once
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.slots.held_slot import HeldSlot
from ratelimit_ddb.slots.renewer import Renewer
from ratelimit_ddb.slots.slot_flows import SlotAttempt
from ratelimit_ddb.slots.slots_core import SlotsCore


class Grant:
    """A slot or its denial, for blocking code and asyncio.

    Args:
        core: the limiter's.
        key: the key as the table holds it.
        taken: the result of the attempt.
        renewer: renews the slot.
    """

    __slots__ = ("_entry", "_held", "_process", "_release", "_renewer", "core", "decision", "key")

    def __init__(self, core: SlotsCore, key: str, taken: SlotAttempt, renewer: Renewer) -> None:
        self._release = Once(begun=True)  # also if the next lines are interrupted
        self._entry = Once()
        self.key = key
        self.decision: Decision = taken.decision
        self.core = core
        self._held: HeldSlot | None = taken.held
        self._renewer = renewer
        self._process = os.getpid()
        if taken.decision.allowed and taken.decision.source != "disabled":
            self._release = Once()
        if taken.held is not None:
            core.schedule(taken.held, renewer)

    @property
    def holds(self) -> bool:
        """Whether this process has something to release."""
        return not self._release.begun and self._process == os.getpid()

    @property
    def lost(self) -> bool:
        """Whether another holder may have it."""
        held = self._held
        if held is None or self._release.begun:
            return False
        if not held.is_of_this_process:
            return True
        if not held.lost and not held.lives(self.core.store.clock):
            held.lose()
        return held.lost

    def enter(self) -> None:
        """Begin a block that it is released after.

        Raises:
            RateLimited: it is a denial.
            RuntimeError: it was released or entered before: a second block would run without it,
                once the first one has released it.
        """
        if not self.decision.allowed:
            raise RateLimited(self.key, self.decision)
        if self.decision.source == "disabled":
            return
        if self._release.begun or not self._entry.begin():
            raise RuntimeError(
                f"a slot of {self.key!r} was released or entered before: take another one"
            )

    def begin_release(self) -> Flow[None] | None:
        """Release it, once. Returns: the flow that writes to the table; None if none is needed."""
        if not self._let_go():
            return None
        return self.core.release(self.key, self._held, self._renewer)

    def give_up(self) -> None:
        """Release it in the background, once."""
        if self._let_go():
            self.core.give_up(self.key, self._held, self._renewer)

    def _let_go(self) -> bool:
        """Hold it no longer; whether it was held.

        Whichever line is interrupted, it is not renewed from then on: the renewer releases it.
        """
        if not self.holds:
            return False
        if self._held is not None:
            self._held.begin_release()
        return self._release.begin()

    def __del__(self) -> None:
        if self.holds:
            self.give_up()
            warnings.warn(
                f"a slot of {self.key!r} was not released: use `with`, or call release()",
                ResourceWarning,
                stacklevel=2,
            )


class Slot:
    """A slot that a ConcurrencyLimiter gave, or the denial of one. True if it is held.

    ``with`` releases it at its end; otherwise ``release()`` does. Any thread may.

    Attributes:
        decision: what was decided: ``remaining`` slots, or ``retry_after``.
    """

    __slots__ = ("__weakref__", "_grant")

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self._grant.decision

    @property
    def lost(self) -> bool:
        """Whether another holder may have it, since it was not renewed in time.

        The work under a lost slot may be one too many: stop it if that matters. In a fork of the
        process that holds the slot, it is lost.
        """
        return self._grant.lost

    def release(self) -> None:
        """Make the slot free for others. A second call does nothing.

        If the store gives no answer, it is tried again in the background until the slot's lifetime
        has passed.

        Raises:
            StoreError: a mistake of set-up.
        """
        flow = self._grant.begin_release()
        if flow is not None:
            core = self._grant.core
            run(flow, core.store, core.timeout_ns, core.breaker, decides=True)

    def __bool__(self) -> bool:
        """Whether there was a slot."""
        return self._grant.decision.allowed

    def __enter__(self) -> Self:
        """The slot.

        Raises:
            RateLimited: there was none.
            RuntimeError: it was released or entered before.
        """
        self._grant.enter()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.release()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise _not_pickled(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._grant.key!r}, {self._grant.decision.limit})"


class AsyncSlot:
    """The same of an AsyncConcurrencyLimiter: ``async with``, or ``await release()``.

    Attributes:
        decision: what was decided: ``remaining`` slots, or ``retry_after``.
    """

    __slots__ = ("__weakref__", "_grant")

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self._grant.decision

    @property
    def lost(self) -> bool:
        """Whether another holder may have it; see ``Slot.lost``."""
        return self._grant.lost

    async def release(self) -> None:
        """Make the slot free for others; see ``Slot.release``.

        If the task is cancelled meanwhile, the slot is released in the background.
        """
        flow = self._grant.begin_release()
        if flow is not None:
            core = self._grant.core
            await run_async(flow, core.store, core.timeout_ns, core.breaker, decides=True)

    def __bool__(self) -> bool:
        """Whether there was a slot."""
        return self._grant.decision.allowed

    async def __aenter__(self) -> Self:
        """The slot.

        Raises:
            RateLimited: there was none.
            RuntimeError: it was released or entered before.
        """
        self._grant.enter()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.release()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise _not_pickled(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._grant.key!r}, {self._grant.decision.limit})"


def _not_pickled(slot: object) -> TypeError:
    return TypeError(
        f"{slot!r} can't be pickled: it is held by this process, which renews it; take a slot in "
        "the process that does the work"
    )
