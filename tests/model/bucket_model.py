"""A model of one key: the table's number, processes, what is on its way between them, and time.

Every step is one that may happen at any time: a process reads its clock and sends a write; the
table carries a write out; a reply arrives; a leased token is spent; time passes. Troubles are
steps, too, each as often as the scope allows: a reply is lost, a write is carried out twice, or
late, when nobody waits for it any more; a process crashes, or forks. So the order of everything is
tried, and each state is checked.

What a refund writes is the limiter's own rule (ratelimit_ddb/bucket/refund.py); the additions are
those of docs/decisions/001, 014 and 015, written down once more. ``Rules`` has what a mutant turns
round.

Time is in units of one nanosecond, and there are as few tokens as can show a mistake.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ratelimit_ddb.bucket.refund import Refund
from tests.model.explorer import Step

_NOBODY = -1
"""The process of a write that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the limiter does; a mutant does one thing otherwise."""

    dates_leases_at_their_ends: bool = True
    spends_within_the_lease: bool = True
    drops_leases_in_the_child: bool = True
    lets_unspent_tokens_lapse: bool = True
    gives_back_what_still_weighs: bool = True


AS_IT_IS = Rules()


class Ask(NamedTuple):
    """Something that a process may ask for.

    Attributes:
        kind: ``"take"``, ``"charge"`` or ``"block"``.
        tokens: how many; of a block, none.
        wait: for how long the caller may wait.
        lease: for how long tokens are leased; 0 for a take to be spent at once.
        seconds: for how long a block holds.
    """

    kind: str
    tokens: int = 1
    wait: int = 0
    lease: int = 0
    seconds: int = 0

    def __str__(self) -> str:
        lease = f" leased for {self.lease}" if self.lease else ""
        wait = f" within {self.wait}" if self.wait else ""
        return f"{self.kind} {self.tokens}{lease}{wait}"


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is tried: enough for a mistake to show, and little enough to try all of it.

    Attributes:
        unit, burst: the bucket's.
        until: the last instant.
        processes: how many there are; a fork adds one.
        asks: what a process may ask for.
        most_asks: how many there are in all.
        quota: the length of a calendar window; 0 for a bucket that refills.
        lost, repeated, late, crashes, forks, refunds: how many there may be.
    """

    unit: int
    burst: int
    until: int
    processes: int
    asks: tuple[Ask, ...]
    most_asks: int
    quota: int = 0
    lost: int = 0
    repeated: int = 0
    late: int = 0
    crashes: int = 0
    forks: int = 0
    refunds: int = 0

    @property
    def window(self) -> int:
        """What an empty bucket needs to fill; of a quota, what there is of it."""
        return self.unit * self.burst


class Item(NamedTuple):
    """What the table holds."""

    full_at: int = 0
    refunded: int = 0
    leased_until: int = -1
    blocked_until: int = -1


class Lease(NamedTuple):
    """Tokens that a process holds, until an instant."""

    left: int
    end: int


class Write(NamedTuple):
    """A write under way: sent, or carried out and its reply under way.

    Attributes:
        process: who waits for it.
        ask: what it asks for.
        read_at: the clock reading that it was made by.
        applied: whether it was; None while it has not been carried out.
        full_at, refunded: what the reply to a take shows that is spent at once.
    """

    process: int
    ask: Ask
    read_at: int
    applied: bool | None = None
    full_at: int = 0
    refunded: int = 0


class Spent(NamedTuple):
    """Tokens that a caller was given.

    Attributes:
        instant: when they may be spent.
        tokens: how many.
        full_at, refunded, read_at: what the take saw, if they were not leased.
        lease_end, process: the end of their lease, and whose it is, if they were.
    """

    instant: int
    tokens: int
    full_at: int = 0
    refunded: int = 0
    read_at: int = -1
    lease_end: int = -1
    process: int = _NOBODY


class State(NamedTuple):
    """All that there is at one instant."""

    now: int
    item: Item
    leases: tuple[tuple[Lease, ...] | None, ...]
    writes: tuple[Write, ...]
    spent: tuple[Spent, ...]
    asks: int
    lost: int
    repeated: int
    late: int
    crashes: int
    forks: int
    refunds: int
    taken: int = 0
    given_back: int = 0
    late_spending: bool = False
    blocked_take: bool = False

    @property
    def troubles(self) -> tuple[int, ...]:
        """How many there may still be, of each kind."""
        return (self.lost, self.repeated, self.late, self.crashes, self.forks)


Steps = Iterator[tuple[Step, State]]


class BucketModel:
    """The steps of one scope by some rules, and the promises that each state must keep."""

    def __init__(self, scope: Scope, rules: Rules = AS_IT_IS) -> None:
        self._scope = scope
        self._rules = rules
        self._no_troubles = self.first().troubles

    def first(self) -> State:
        """Nothing has happened."""
        scope = self._scope
        return State(
            0,
            Item(),
            ((),) * scope.processes,
            (),
            (),
            scope.most_asks,
            scope.lost,
            scope.repeated,
            scope.late,
            scope.crashes,
            scope.forks,
            scope.refunds,
        )

    def steps(self, state: State) -> Steps:
        """All that may happen next."""
        if state.now < self._scope.until:
            yield ("time passes",), state._replace(now=state.now + 1)
        for process, leases in enumerate(state.leases):
            if leases is None:
                continue
            if state.asks:
                yield from self._ask(state, process)
            if leases:
                yield from self._spend(state, process, leases)
            if state.crashes or state.forks:
                yield from self._fail(state, process, leases)
        for index, write in enumerate(state.writes):
            rest = (*state.writes[:index], *state.writes[index + 1 :])
            if write.applied is None:
                yield from self._carry_out(state, write, rest)
                if state.late and write.process != _NOBODY:
                    gone = _sorted(*rest, write._replace(process=_NOBODY))
                    yield (
                        ("{}: the caller of {} gives up", state.now, write.ask),
                        state._replace(writes=gone, late=state.late - 1),
                    )
            else:
                yield from self._answer(state, write, rest)
        if state.refunds:
            for index in range(len(state.spent)):
                yield from self._give_back(state, index)

    def key(self, state: State) -> Hashable:
        """What of a state may matter later.

        Which process is which does not. Of what can't be given back any more, only how much was
        spent at each instant does; of what was taken in all, nothing once a trouble has happened.
        """
        refunds, item = state.refunds, state.item
        of_process: list[list[object]] = [[leases] for leases in state.leases]
        others: list[object] = []
        for write in state.writes:
            shown = write[1:] if refunds else write[1:-1]
            (others if write.process == _NOBODY else of_process[write.process]).append(shown)
        tokens: dict[int, int] = {}
        for one in state.spent:
            if not refunds or -1 < one.lease_end < state.now:
                tokens[one.instant] = tokens.get(one.instant, 0) + one.tokens
            else:
                (others if one.process == _NOBODY else of_process[one.process]).append(one[:-1])
        return (
            state.now,
            item if refunds else (item.full_at, item.blocked_until),
            tuple(sorted(map(tuple, of_process), key=hash)),
            (*others, *tokens.items()),
            state[5:12],
            (state.taken, state.given_back) if state.troubles == self._no_troubles else (),
            state.late_spending,
            state.blocked_take,
        )

    def broken(self, state: State) -> str | None:
        """The promise that a state breaks, or None."""
        if state.late_spending:
            return "P12: a token was spent after the end of its lease"
        if state.blocked_take:
            return "a blocked key was taken from"
        return self._p3(state) or self._p1(state.spent)

    def _p3(self, state: State) -> str | None:
        """Every token that was taken is somebody's, as long as no reply and no process was lost."""
        if state.troubles != self._no_troubles:
            return None
        known = sum(one.tokens for one in state.spent) + state.given_back
        known += sum(lease.left for leases in state.leases for lease in leases or ())
        known += sum(one.ask.tokens for one in state.writes if one.applied and _takes(one.ask))
        return None if known == state.taken else f"P3: {state.taken} taken, {known} admitted"

    def _p1(self, spent: tuple[Spent, ...]) -> str | None:
        scope = self._scope
        for index, first in enumerate(spent):
            tokens = 0
            for last in spent[index:]:
                if scope.quota and last.instant // scope.quota > first.instant // scope.quota:
                    break
                tokens += last.tokens
                flowed = 0 if scope.quota else last.instant - first.instant
                if tokens * scope.unit > scope.window + flowed:
                    return f"P1: {tokens} tokens from {first.instant} to {last.instant}"
        return None

    def _ask(self, state: State, process: int) -> Steps:
        """A process reads its clock and sends a write; one at a time."""
        if any(write.process == process for write in state.writes):
            return
        for ask in self._scope.asks:
            write = Write(process, ask, state.now)
            yield (
                ("{}: process {} asks for {}", state.now, process, ask),
                state._replace(asks=state.asks - 1, writes=_sorted(*state.writes, write)),
            )

    def _carry_out(self, state: State, write: Write, rest: tuple[Write, ...]) -> Steps:
        item, applied = self._applied(state.item, write)
        done = write._replace(applied=applied)
        if applied and _takes(write.ask) and not write.ask.lease:
            done = write._replace(applied=True, full_at=item.full_at, refunded=item.refunded)
        if applied and _takes(write.ask):
            due = write.read_at + write.ask.wait
            state = state._replace(
                taken=state.taken + write.ask.tokens,
                blocked_take=due < state.item.blocked_until,
            )
        if write.process == _NOBODY:
            yield (
                ("{}: {} of {} comes late", state.now, write.ask, write.read_at),
                state._replace(item=item, writes=rest),
            )
            return
        what = "{}: the table gives {}" if applied else "{}: the table refuses {}"
        yield (what, state.now, write.ask), state._replace(item=item, writes=_sorted(*rest, done))
        gone = write._replace(process=_NOBODY)
        if state.lost:
            yield (
                (f"{what}, and the reply is lost", state.now, write.ask),
                state._replace(item=item, writes=rest, lost=state.lost - 1),
            )
        if state.repeated:
            yield (
                (f"{what}, and is asked again", state.now, write.ask),
                state._replace(
                    item=item, writes=_sorted(*rest, done, gone), repeated=state.repeated - 1
                ),
            )

    def _applied(self, item: Item, write: Write) -> tuple[Item, bool]:
        """What the table makes of its item, and whether it took anything."""
        scope, (kind, tokens, wait, lease, seconds) = self._scope, write.ask
        now, cost = write.read_at, tokens * scope.unit
        if kind == "block":
            until = now + seconds
            return (
                item._replace(
                    full_at=max(item.full_at, until + scope.window - scope.unit - 1) + 1,
                    blocked_until=max(item.blocked_until, until),
                ),
                True,
            )
        if scope.quota:
            base, room = now - now % scope.quota, scope.window - cost
        elif self._rules.dates_leases_at_their_ends:
            base, room = now + lease, scope.window - cost - lease + wait
        else:
            base, room = now, scope.window - cost + wait
        from_ = max(item.full_at, base)
        if kind == "take" and from_ > base + room:
            return item, False
        leased_until = max(item.leased_until, base) if lease else item.leased_until
        return item._replace(full_at=from_ + cost, leased_until=leased_until), True

    def _answer(self, state: State, write: Write, rest: tuple[Write, ...]) -> Steps:
        """A reply arrives: to a take or a lease, what it brought."""
        ask, process, scope = write.ask, write.process, self._scope
        state = state._replace(writes=rest)
        what = ("{}: process {} hears of {} at {}", state.now, process, ask, write.read_at)
        if not write.applied or ask.kind != "take":
            yield what, state
            return
        if ask.lease:
            end = write.read_at + ask.lease
            if scope.quota:
                end = min(end, write.read_at - write.read_at % scope.quota + scope.quota - 1)
            lease = Lease(ask.tokens, end)
            yield what, self._with(state, process, (*(state.leases[process] or ()), lease))
            return
        turn = write.read_at if scope.quota else write.full_at - scope.window
        instant = max(write.read_at, turn)
        spent = Spent(instant, ask.tokens, write.full_at, write.refunded, write.read_at)
        yield what, state._replace(spent=tuple(sorted((*state.spent, spent))))

    def _spend(self, state: State, process: int, leases: tuple[Lease, ...]) -> Steps:
        """A leased token is spent; or, by a mutant, what is left is given back at once."""
        for index, lease in enumerate(leases):
            lives = state.now <= lease.end
            less = lease._replace(left=lease.left - 1)
            others = (*leases[:index], *leases[index + 1 :])
            if lives or not self._rules.spends_within_the_lease:
                spent = Spent(state.now, 1, lease_end=lease.end, process=process)
                after = self._with(state, process, (*others, less) if less.left else others)
                yield (
                    ("{}: process {} spends a leased token", state.now, process),
                    after._replace(
                        spent=tuple(sorted((*after.spent, spent))),
                        late_spending=not lives and self._rules.dates_leases_at_their_ends,
                    ),
                )
            if not self._rules.lets_unspent_tokens_lapse:
                back = lease.left * self._scope.unit
                item = state.item._replace(full_at=state.item.full_at - back)
                yield (
                    ("{}: process {} returns {} leased tokens", state.now, process, lease.left),
                    self._with(state, process, others)._replace(
                        item=item, given_back=state.given_back + lease.left
                    ),
                )

    def _fail(self, state: State, process: int, leases: tuple[Lease, ...]) -> Steps:
        if state.crashes:
            crashed = self._with(state, process, None)
            writes = tuple(
                write._replace(process=_NOBODY) if write.process == process else write
                for write in state.writes
                if write.process != process or write.applied is None
            )
            yield (
                ("{}: process {} crashes", state.now, process),
                crashed._replace(writes=_sorted(*writes), crashes=state.crashes - 1),
            )
        if state.forks:
            child = () if self._rules.drops_leases_in_the_child else leases
            yield (
                ("{}: process {} forks", state.now, process),
                state._replace(leases=(*state.leases, child), forks=state.forks - 1),
            )

    def _give_back(self, state: State, index: int) -> Steps:
        """A caller gives back what it was given, once."""
        spent, scope, item = state.spent[index], self._scope, state.item
        after = state._replace(refunds=state.refunds - 1)
        if spent.lease_end >= 0:
            leases = state.leases[spent.process]
            if leases is None or state.now > spent.lease_end:
                return  # it lapses, so it counts as spent
            lease = Lease(spent.tokens, spent.lease_end)
            after = self._with(after, spent.process, (*leases, lease))
        else:
            refund = Refund(
                ("limit",),
                (spent.tokens * scope.unit,),
                (max(0, spent.tokens * scope.unit - (state.now - spent.read_at)),),
                (spent.full_at + spent.refunded,),
                (state.now,),
                (state.now + scope.window,),
                state.now,
                state.now - scope.window // 4,
            )
            held_until = max(item.leased_until, item.blocked_until)
            write = refund.write("key", (item.full_at,), (item.refunded,), held_until)
            if not self._rules.gives_back_what_still_weighs:
                back, refunded = spent.tokens * scope.unit, item.refunded
            elif write is None:
                return
            else:
                back, refunded = write.amount_ns[0], write.refunded_after_ns[0]
            item = item._replace(full_at=item.full_at - back, refunded=refunded)
            after = after._replace(item=item, given_back=state.given_back + spent.tokens)
        kept = (*state.spent[:index], *state.spent[index + 1 :])
        yield (
            ("{}: {} of {} given back", state.now, spent.tokens, spent.instant),
            after._replace(spent=kept),
        )

    def _with(self, state: State, process: int, leases: tuple[Lease, ...] | None) -> State:
        held = leases and tuple(sorted(leases))
        changed = (*state.leases[:process], held, *state.leases[process + 1 :])
        return state._replace(leases=changed)


def _takes(ask: Ask) -> bool:
    return ask.kind == "take"


def _sorted(*writes: Write) -> tuple[Write, ...]:
    return tuple(sorted(writes)) if len(writes) > 1 else writes
