"""Every interleaving of small scopes keeps P1, P3 and P12, and each mutant of a rule is found."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import cache

import pytest

from tests.model.bucket_model import AS_IT_IS, Ask, BucketModel, Rules, Scope
from tests.model.explorer import Explored, explore

MOST_STATES = 1_500_000

TAKES = Scope(
    unit=2,
    burst=2,
    until=4,
    processes=2,
    asks=(Ask("take", 1), Ask("take", 2), Ask("take", 1, wait=2)),
    most_asks=3,
    lost=1,
    late=1,
)
REPEATS = replace(TAKES, asks=(Ask("take", 1), Ask("take", 2)), lost=0, late=0, repeated=1)
LEASES = Scope(
    unit=2,
    burst=4,
    until=4,
    processes=2,
    asks=(Ask("take", 3), Ask("take", 2, lease=2)),
    most_asks=3,
)
FORKS = replace(LEASES, most_asks=2, crashes=1, forks=1, late=1)
REFUNDS = Scope(
    unit=2,
    burst=3,
    until=5,
    processes=2,
    asks=(Ask("take", 1), Ask("take", 3)),
    most_asks=3,
    refunds=2,
)
REFUNDS_BESIDE_LEASES = replace(LEASES, asks=(Ask("take", 2), Ask("take", 2, lease=2)), refunds=2)
REFUNDS_BESIDE_WAITS = replace(REFUNDS, asks=(Ask("take", 2), Ask("take", 2, wait=3)), until=4)
DEBTS = Scope(
    unit=2,
    burst=2,
    until=4,
    processes=2,
    asks=(Ask("take", 1), Ask("charge", 2), Ask("block", 0, seconds=3)),
    most_asks=3,
    repeated=1,
    refunds=1,
)
QUOTA = Scope(
    unit=1,
    burst=3,
    until=4,
    processes=2,
    asks=(Ask("take", 2), Ask("take", 2, lease=2)),
    most_asks=3,
    quota=3,
    late=1,
    crashes=1,
)
SCOPES = {
    "takes": TAKES,
    "repeats": REPEATS,
    "leases": LEASES,
    "forks": FORKS,
    "refunds": REFUNDS,
    "refunds beside leases": REFUNDS_BESIDE_LEASES,
    "refunds beside waits": REFUNDS_BESIDE_WAITS,
    "debts": DEBTS,
    "quota": QUOTA,
}


@cache
def explored(scope: Scope, rules: Rules = AS_IT_IS) -> Explored:
    model = BucketModel(scope, rules)
    return explore(model.first(), model.steps, model.broken, MOST_STATES, model.key)


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES.keys())
def test_p1_p3_p12_hold_in_every_interleaving(scope: Scope) -> None:
    found = explored(scope)
    assert found.violation is None, "\n".join((*found.trace, found.violation or ""))
    assert found.states > 1_000


SMALL = {
    "takes": replace(TAKES, until=3, most_asks=2),
    "leases": replace(FORKS, until=3, asks=FORKS.asks[1:], late=0),
    "refunds beside leases": replace(REFUNDS_BESIDE_LEASES, until=3, most_asks=2, refunds=1),
    "debts": replace(DEBTS, until=3, most_asks=2),
}


@pytest.mark.parametrize("scope", SMALL.values(), ids=SMALL.keys())
def test_states_of_one_key_go_on_alike_and_break_the_same_promises(scope: Scope) -> None:
    """So that one of them is enough to try."""
    model = BucketModel(scope)
    untried, seen = [model.first()], {model.first()}
    known: dict[Hashable, tuple[set[Hashable], str | None]] = {}
    while untried:
        state = untried.pop()
        following = [after for _, after in model.steps(state)]
        found = ({model.key(after) for after in following}, model.broken(state))
        assert known.setdefault(model.key(state), found) == found, state
        new = set(following) - seen
        seen |= new
        untried += new
    assert len(seen) > 1.5 * len(known)


MUTANTS = {
    "a lease is dated at its beginning": (
        replace(LEASES, until=3),
        Rules(dates_leases_at_their_ends=False),
        "P1",
    ),
    "unspent tokens are returned": (LEASES, Rules(lets_unspent_tokens_lapse=False), "P1"),
    "tokens are spent after the end": (LEASES, Rules(spends_within_the_lease=False), "P12"),
    "leases are kept over a fork": (FORKS, Rules(drops_leases_in_the_child=False), "P1"),
    "a late refund gives back what has flowed back": (
        REFUNDS,
        Rules(gives_back_what_still_weighs=False),
        "P1",
    ),
}


@pytest.mark.parametrize(("scope", "rules", "promise"), MUTANTS.values(), ids=MUTANTS.keys())
def test_each_mutant_of_a_rule_is_found(scope: Scope, rules: Rules, promise: str) -> None:
    found = explored(scope, rules)
    assert (found.violation or "").partition(":")[0] == promise
    assert found.trace


def test_a_violation_is_told_by_the_shortest_way_to_it() -> None:
    found = explored(FORKS, Rules(drops_leases_in_the_child=False))
    assert sum("spends a leased token" in step for step in found.trace) >= 3
    assert any("forks" in step for step in found.trace)


def test_a_scope_that_is_too_large_is_not_called_tried() -> None:
    model = BucketModel(LEASES)
    with pytest.raises(AssertionError, match="more than 10 states"):
        explore(model.first(), model.steps, model.broken, 10, model.key)
