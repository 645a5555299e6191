"""Reservations: an estimate of tokens is taken, and settled by what was used.

    reserve: the estimate is taken, or the call is denied;
    settle:  if less was used, the rest is given back, less what has flowed back (decision 009);
             if more was used, the excess is charged, a debt that later requests wait out;
    an exception before ``settle``: the estimate is given back;
    neither: the estimate stays taken.

P1 holds for the estimates, as for any take. In an interval, the tokens that were used may exceed it
by the excess of the reservations that were settled after the interval's last admission, and by no
more: every earlier excess was charged, and left less room (bucket/debt.py).

A reservation is settled once. In one process that holds for all copies of it. It can be pickled and
settled by another process. Then the process that pickled it gives nothing back when an exception
leaves its block, since the other one may have settled it. The application must choose which process
settles: if two do, both count, and if two give back, the tokens may be given back twice.

Its tokens are never leased ones, which can be given back only while their lease lives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Self

from ddbwire.arguments import shown
from ratelimit_ddb.arguments import require_int_from
from ratelimit_ddb.bucket.debt import require_charge
from ratelimit_ddb.bucket.decision import Decision, RateLimited, Taken
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.key import KeyLike
from ratelimit_ddb.limiter_core import LimiterCore
from ratelimit_ddb.once import Once
from ratelimit_ddb.operations.driver import run, run_uncancelled
from ratelimit_ddb.operations.operation import Flow


class ReservationState:
    """What both reservations share: all but the driver.

    Attributes:
        limiter: the class of the limiter that it was made with.
        core: that limiter.
        key: the key as the table holds it.
        cost: the tokens that were reserved.
        decision: what was decided.
        is_handed_over: whether it was pickled.
    """

    __slots__ = ("_settling", "core", "cost", "decision", "is_handed_over", "key", "limiter")

    def __init__(
        self,
        limiter: Callable[..., object],
        core: LimiterCore,
        key: str,
        cost: int,
        decision: Decision,
        *,
        settled: bool = False,
    ) -> None:
        self.limiter = limiter
        self.core = core
        self.key = key
        self.cost = cost
        self.decision = decision
        self.is_handed_over = False
        self._settling = Once(begun=settled)

    @property
    def is_settled(self) -> bool:
        """Whether it was settled, or given back."""
        return self._settling.begun

    def settle(self, core: LimiterCore, used: int) -> Flow[None]:
        """The flow that gives back what was not used, or charges what was used beyond.

        Args:
            core: the limiter to settle with.
            used: tokens.

        Raises:
            TypeError, ValueError: ``used`` is no number of tokens, or the limiter has other limits;
                the flow raises ValueError for more than the limits refill in ten years.
            RuntimeError: by the flow: it was settled before.
        """
        used = require_int_from("used", used, 0)
        taken = core.taken_by(self.decision)
        return self._settle(core, taken, used)

    def _settle(self, core: LimiterCore, taken: Taken | None, used: int) -> Flow[None]:
        if used > self.cost:
            # The excess is charged to the limits that hold now, which this limiter may not know.
            reading = core.reading()
            if reading is not None:
                yield from reading
            require_charge("used", used, core.bucket.limits)
        if not self._settling.begin():
            raise RuntimeError(
                f"a reservation of {self.key!r} was settled before; charge() takes what was used "
                "since"
            )
        # It counts as settled from here on: a write whose reply is lost may have been applied.
        yield from core.settle(self.key, self.decision, taken, self.cost, used)

    def leave(self, error: BaseException | None) -> Flow[None] | None:
        """The flow that gives all of it back if an exception leaves its block; None for nothing.

        In an outage it stays taken, and the exception gets a note.
        """
        if error is None or self.is_settled or self.is_handed_over:
            return None
        return self._give_back(error, self.settle(self.core, 0))

    def _give_back(self, error: BaseException, flow: Flow[None]) -> Flow[None]:
        try:
            yield from flow
        except StoreUnavailable as outage:
            error.add_note(
                f"the {self.cost} tokens reserved of {self.key!r} may not have been given back: "
                f"{outage}"
            )


def _unpickled(
    kind: Callable[[ReservationState], Any],
    limiter: Callable[..., object],
    make_limiter: Callable[[], Any],
    key: str,
    cost: int,
    decision: Decision,
    settled: bool,
) -> Any:
    core = make_limiter()._core
    return kind(ReservationState(limiter, core, key, cost, decision, settled=settled))


def _reduced(
    kind: Callable[[ReservationState], Any], state: ReservationState
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    limiter = state.limiter
    make_limiter = state.core.reduce(limiter)
    state.is_handed_over = True
    settled = state.is_settled
    arguments = (kind, limiter, make_limiter, state.key, state.cost, state.decision, settled)
    return _unpickled, arguments


class Reservation:
    """Tokens that ``RateLimiter.reserve`` took by an estimate, to be settled by what was used.

    In a ``with`` block, an exception gives them back; without ``settle`` they stay taken. It can be
    pickled if its limiter can, and settled by another process.
    """

    __slots__ = ("_state",)

    def __init__(self, state: ReservationState) -> None:
        self._state = state

    @property
    def key(self) -> str:
        """The key as the table holds it."""
        return self._state.key

    @property
    def cost(self) -> int:
        """The tokens that were reserved."""
        return self._state.cost

    @property
    def decision(self) -> Decision:
        """The decision: the tokens left, and whether the store was reached."""
        return self._state.decision

    @property
    def is_settled(self) -> bool:
        """Whether it was settled, or given back."""
        return self._state.is_settled

    def settle(self, used: int) -> None:
        """Settle for ``used`` tokens: give back the rest, or charge the excess.

        The rest is given back as by ``refund``: tokens that have flowed back are not given back
        again. The excess is a debt: later requests are denied until it has flowed in.

        In an outage it raises only if ``on_outage`` is ``"raise"``. Under the other values the rest
        stays taken, and the excess follows ``on_outage``, as in ``charge``. Either way it counts as
        settled.

        Args:
            used: tokens, an int of at least 0; it may exceed the reservation and the burst.

        Raises:
            RuntimeError: it was settled before.
            TypeError, ValueError: ``used`` is no number of tokens.
            StoreUnavailable: under ``on_outage="raise"``.
            StoreError: a mistake of set-up.
        """
        core = self._state.core
        flow = self._state.settle(core, used)
        run(flow, core.store, core.timeout_ns, core.breaker, decides=True)

    def cancel(self) -> None:
        """Settle for 0 tokens: give all of it back; raises what ``settle`` raises."""
        self.settle(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        core, flow = self._state.core, self._state.leave(error)
        if flow is not None:
            run(flow, core.store, core.timeout_ns, core.breaker, decides=True)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _reduced(Reservation, self._state)

    def __repr__(self) -> str:
        return _repr(type(self).__name__, self._state)


class AsyncReservation:
    """Tokens that ``AsyncRateLimiter.reserve`` took; see Reservation."""

    __slots__ = ("_state",)

    def __init__(self, state: ReservationState) -> None:
        self._state = state

    @property
    def key(self) -> str:
        """The key as the table holds it."""
        return self._state.key

    @property
    def cost(self) -> int:
        """The tokens that were reserved."""
        return self._state.cost

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self._state.decision

    @property
    def is_settled(self) -> bool:
        """Whether it was settled, or given back."""
        return self._state.is_settled

    async def settle(self, used: int) -> None:
        """Settle for ``used`` tokens; see ``Reservation.settle``.

        A task that is cancelled meanwhile leaves it to the background.
        """
        core = self._state.core
        flow = self._state.settle(core, used)
        await run_uncancelled(flow, core.store, core.timeout_ns, core.breaker, decides=True)

    async def cancel(self) -> None:
        """Give all of it back; see ``Reservation.cancel``."""
        await self.settle(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        core, flow = self._state.core, self._state.leave(error)
        if flow is not None:
            await run_uncancelled(flow, core.store, core.timeout_ns, core.breaker, decides=True)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _reduced(AsyncReservation, self._state)

    def __repr__(self) -> str:
        return _repr(type(self).__name__, self._state)


class Reserving:
    """What ``AsyncRateLimiter.reserve`` returns, for one ``await`` or ``async with``."""

    __slots__ = ("_begin", "_entry", "_reservation")

    def __init__(self, begin: Callable[[], Awaitable[AsyncReservation]]) -> None:
        self._begin = begin
        self._entry = Once()
        self._reservation: AsyncReservation | None = None

    def __await__(self) -> Generator[Any, Any, AsyncReservation]:
        # Before the tokens are there: a second task could enter meanwhile, and settle the first's.
        if not self._entry.begin():
            raise RuntimeError(
                "a reserve() is awaited or entered once; call it again for another reservation"
            )
        return self._begin().__await__()

    async def __aenter__(self) -> AsyncReservation:
        self._reservation = await self
        return self._reservation

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._reservation is not None:
            await self._reservation.__aexit__(kind, error, traceback)


def state_of(reservation: object) -> ReservationState:
    """The state of a reservation.

    Raises:
        TypeError: it is no reservation.
    """
    if isinstance(reservation, Reserving):
        raise TypeError("settle of a reserve() that was not awaited: await it first")
    if not isinstance(reservation, Reservation | AsyncReservation):
        raise TypeError(f"settle of {shown(reservation)}: must be what reserve() returned")
    return reservation._state


def _repr(name: str, state: ReservationState) -> str:
    settled = ", settled" if state.is_settled else ""
    return f"{name}(key={state.key!r}, cost={state.cost}{settled})"


def reserved(
    limiter: Callable[..., object], core: LimiterCore, key: KeyLike, cost: int, decision: Decision
) -> ReservationState:
    """The state of a reservation that a decision has made.

    Raises:
        RateLimited: it is a denial.
    """
    text = core.key_text(key)
    if not decision.allowed:
        raise RateLimited(text, decision)
    return ReservationState(limiter, core, text, int(cost), decision)
