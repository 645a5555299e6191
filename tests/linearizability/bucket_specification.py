"""What a bucket answers to one call at a time: a RateLimiter's sequential specification.

It is told in tokens' worth of time. Of each limit a key has a *balance*: ``window``, all that a
full bucket is worth, or less, down to whatever it owes. It rises as time passes. The clock is an
argument of each call, so that nothing here depends on true time.

Giving back follows docs/decisions/009. Where the code's rule is about numbers in an item, this one
is about the balance; only what a take left behind is noted as the instant of a full bucket, since
that is how long its tokens weigh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ratelimit_ddb import Limit
from tests.linearizability.call import Call, Told
from tests.linearizability.program import Setup

_NEVER_NS = -(1 << 62)
_LONGEST_LEASE_NS = 10 * 1_000_000_000
"""So long nothing is given back out of turn after a lease of any limiter (decision 014), or after a
block, which shares the condition."""


class Account(NamedTuple):
    """One limit of a key.

    Attributes:
        full_at_ns: when it is full again if nothing happens; None if it was never taken of.
        out_of_turn_ns: what was given back so far while others had taken since.
    """

    full_at_ns: int | None = None
    out_of_turn_ns: int = 0


class TakenBefore(NamedTuple):
    """What an acquire left behind, for those that give it back.

    Attributes:
        client, number: which call it was.
        now_ns: its clock.
        accounts: each limit just after it.
    """

    client: int
    number: int
    now_ns: int
    accounts: tuple[Account, ...]


class Key(NamedTuple):
    """One key.

    Attributes:
        accounts: one for each limit.
        blocked_until_ns: the end of the last block.
        lapsed_until_ns: the end of the last block that a reset lifted. Another one that was being
            written meanwhile may still note it, and then nothing is given back until then.
        taken: what may still be given back.
    """

    accounts: tuple[Account, ...]
    blocked_until_ns: int = _NEVER_NS
    lapsed_until_ns: int = _NEVER_NS
    taken: tuple[TakenBefore, ...] = ()


class BucketSpecification:
    """The keys of one RateLimiter.

    Args:
        setup: whose limits.
        calls: those of the history: what none of them gives back need not be noted.
    """

    def __init__(self, setup: Setup, calls: Sequence[Call]) -> None:
        self._limits = setup.limits
        self._given_back = {
            (call.client, call.step.of) for call in calls if call.step.name == "refund"
        }
        self.first = Key((Account(),) * len(setup.limits))

    def outcomes(self, key: Key, call: Call) -> Iterator[Key]:
        """How a call may leave a key if it is answered what it was; see ``order_of``."""
        for now_ns in call.nows_ns:
            told, after = self.happen(key, call, now_ns)
            if call.answer is None:
                if after is not key:
                    yield after
            elif _says(call, told):
                yield after
            elif call.answer is False and self._is_of_a_lapsed_block(key, after, now_ns):
                yield key

    def told(self, key: Key, call: Call) -> Told | bool:
        """What a call would be answered, by the first of its clock's readings."""
        return self.happen(key, call, call.nows_ns[0])[0]

    def happen(self, key: Key, call: Call, now_ns: int) -> tuple[Told | bool, Key]:
        """What a call is answered, and how it leaves the key."""
        step = call.step
        match step.name:
            case "acquire":
                return self._acquire(key, call, now_ns)
            case "peek":
                return self._told(key.accounts, step.cost, now_ns), key
            case "refund":
                return self._refund(key, call, now_ns)
            case "reset":
                lapsed_ns = max(key.lapsed_until_ns, key.blocked_until_ns)
                return True, Key(self.first.accounts, _NEVER_NS, lapsed_ns, key.taken)
            case "charge":
                after = key._replace(accounts=self._less(key.accounts, step.cost, now_ns))
                return self._told(after.accounts, 1, now_ns), after
            case "block":
                after = self._blocked(key, now_ns + step.wait_ns)
                return self._told(after.accounts, 1, now_ns), after
        raise AssertionError(step)

    def _acquire(self, key: Key, call: Call, now_ns: int) -> tuple[Told, Key]:
        cost, wait_ns = call.step.cost, call.step.wait_ns
        denial = self._denial(key.accounts, cost, now_ns, wait_ns)
        if denial is not None:
            return denial, key
        accounts = self._less(key.accounts, cost, now_ns)
        taken = key.taken
        if call.answer is not None and (call.client, call.number) in self._given_back:
            taken = (*taken, TakenBefore(call.client, call.number, now_ns, accounts))
        return self._admitted(accounts, now_ns), key._replace(accounts=accounts, taken=taken)

    def _refund(self, key: Key, call: Call, now_ns: int) -> tuple[bool, Key]:
        of = (call.client, call.step.of)
        taken = next((one for one in key.taken if one[:2] == of), None)
        if taken is None:
            return False, key
        accounts, out_of_turn = [], False
        for limit, account, then in zip(self._limits, key.accounts, taken.accounts, strict=True):
            assert then.full_at_ns is not None
            weighs_until_ns = (
                then.full_at_ns
                - call.given_before * limit.unit_ns
                - (account.out_of_turn_ns - then.out_of_turn_ns)
            )
            given = _given_back(
                account,
                weighs_until_ns,
                call.step.cost * limit.unit_ns,
                now_ns - taken.now_ns,
                now_ns,
                limit.window_ns,
            )
            if given is None:
                return False, key
            accounts.append(given)
            out_of_turn |= given.out_of_turn_ns != account.out_of_turn_ns
        if tuple(accounts) == key.accounts:
            return False, key
        if out_of_turn and key.blocked_until_ns >= now_ns - _LONGEST_LEASE_NS:
            return False, key
        return True, key._replace(accounts=tuple(accounts))

    def _is_of_a_lapsed_block(self, key: Key, after: Key, now_ns: int) -> bool:
        """Whether a refund may be refused by what a block noted of one that a reset lifted."""
        out_of_turn = [one.out_of_turn_ns for one in after.accounts] != [
            one.out_of_turn_ns for one in key.accounts
        ]
        is_noted = key.blocked_until_ns != _NEVER_NS
        return out_of_turn and is_noted and key.lapsed_until_ns >= now_ns - _LONGEST_LEASE_NS

    def _less(self, accounts: tuple[Account, ...], cost: int, now_ns: int) -> tuple[Account, ...]:
        """So many tokens less in each, whether they are there or not."""
        less = []
        for limit, account in zip(self._limits, accounts, strict=True):
            balance_ns = self._balance_ns(limit, account, now_ns) - cost * limit.unit_ns
            less.append(account._replace(full_at_ns=now_ns + limit.window_ns - balance_ns))
        return tuple(less)

    def _blocked(self, key: Key, until_ns: int) -> Key:
        """No token before an instant, and one at it or, where it owes for longer, later."""
        accounts = []
        for limit, account in zip(self._limits, key.accounts, strict=True):
            one_token_ns = until_ns + limit.window_ns - limit.unit_ns
            full_at_ns = account.full_at_ns
            if full_at_ns is not None and full_at_ns >= one_token_ns:
                one_token_ns = full_at_ns + 1
            accounts.append(account._replace(full_at_ns=one_token_ns))
        return key._replace(
            accounts=tuple(accounts), blocked_until_ns=max(key.blocked_until_ns, until_ns)
        )

    @staticmethod
    def _balance_ns(limit: Limit, account: Account, now_ns: int) -> int:
        """What is in it, in tokens' worth of time; less than 0 where it owes."""
        if account.full_at_ns is None:
            return limit.window_ns
        return min(limit.window_ns, limit.window_ns - (account.full_at_ns - now_ns))

    def _told(self, accounts: tuple[Account, ...], cost: int, now_ns: int) -> Told:
        """What a peek is told."""
        denial = self._denial(accounts, cost, now_ns, 0)
        return self._admitted(accounts, now_ns) if denial is None else denial

    def _denial(
        self, accounts: tuple[Account, ...], cost: int, now_ns: int, wait_ns: int
    ) -> Told | None:
        short, binding = 0, self._limits[0]
        for limit, account in zip(self._limits, accounts, strict=True):
            lacks_ns = cost * limit.unit_ns - self._balance_ns(limit, account, now_ns) - wait_ns
            if lacks_ns > short:
                short, binding = lacks_ns, limit
        if not short:
            return None
        account = accounts[self._limits.index(binding)]
        tokens = max(0, self._balance_ns(binding, account, now_ns) // binding.unit_ns)
        return Told(False, tokens, short, self._reset_after_ns(accounts, now_ns), 0, str(binding))

    def _admitted(self, accounts: tuple[Account, ...], now_ns: int) -> Told:
        least: int | None = None
        binding, owed_ns = self._limits[0], 0
        for limit, account in zip(self._limits, accounts, strict=True):
            balance_ns = self._balance_ns(limit, account, now_ns)
            tokens = max(0, balance_ns // limit.unit_ns)
            owed_ns = max(owed_ns, -balance_ns)
            if least is None or tokens < least:
                least, binding = tokens, limit
        reset_ns = self._reset_after_ns(accounts, now_ns)
        return Told(True, least or 0, 0, reset_ns, owed_ns, str(binding))

    def _reset_after_ns(self, accounts: tuple[Account, ...], now_ns: int) -> int:
        return max(
            limit.window_ns - self._balance_ns(limit, account, now_ns)
            for limit, account in zip(self._limits, accounts, strict=True)
        )


def _given_back(
    account: Account,
    weighs_until_ns: int,
    cost_ns: int,
    since_ns: int,
    now_ns: int,
    window_ns: int,
) -> Account | None:
    """One limit after a refund; None where the whole refund must not be."""
    full_at_ns = account.full_at_ns
    if full_at_ns is None:
        return None
    by_weight_ns = max(0, min(cost_ns, weighs_until_ns - now_ns))
    by_time_ns = max(0, cost_ns - max(0, since_ns))
    if full_at_ns == weighs_until_ns and by_weight_ns and by_weight_ns >= by_time_ns:
        return account._replace(full_at_ns=full_at_ns - by_weight_ns)
    if full_at_ns > now_ns + window_ns:
        return None  # somebody waits for what is due later
    amount_ns = max(by_weight_ns, by_time_ns)
    # Less than the take's own weight: it was reset since.
    least_ns = weighs_until_ns if by_weight_ns >= by_time_ns else now_ns + amount_ns
    if amount_ns and full_at_ns < least_ns:
        return None
    return Account(full_at_ns - amount_ns, account.out_of_turn_ns + amount_ns)


def _says(call: Call, told: Told | bool) -> bool:
    """Whether this is what a call was answered."""
    answer = call.answer
    if not call.from_memory:
        return answer == told
    # What was observed before: it is denied now too, and at least as much is lacking.
    assert isinstance(answer, Told)
    assert isinstance(told, Told)
    return (
        answer.allowed == told.allowed
        and answer.remaining >= told.remaining
        and answer.retry_after_ns <= told.retry_after_ns
        and answer.reset_after_ns <= told.reset_after_ns
    )
