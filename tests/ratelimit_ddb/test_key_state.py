"""One hot key in one process: who writes next, which leases are spent, what its demand is."""

from __future__ import annotations

import pytest

from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.hot_keys.demand import Demand
from ratelimit_ddb.hot_keys.key_state import KeyState
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.hot_keys.waiter import Waiter

MS = 1_000_000
PATIENCE = 100 * MS


def key_state() -> KeyState:
    return KeyState("k", 0, lambda: 0.5)


def leader_of(state: KeyState) -> Waiter[str] | None:
    return state.leader


def joined(state: KeyState, arrived_ns: int) -> Waiter[str]:
    waiter: Waiter[str] = Waiter(1, 0, arrived_ns, state.claim)
    state.join(waiter, PATIENCE)
    return waiter


def test_the_first_of_the_queue_leads_until_it_is_overdue() -> None:
    state = key_state()
    first, second = joined(state, 0), joined(state, PATIENCE)
    assert list(state.queue) == [first, second]
    assert state.leader is first
    assert state.take_over(first, 0, PATIENCE) == 0
    assert state.take_over(second, 0, PATIENCE) == PATIENCE
    assert state.take_over(second, PATIENCE - 1, PATIENCE) == 1
    assert state.leader is first
    assert state.take_over(second, PATIENCE, PATIENCE) == 0
    assert state.leader is second
    assert state.take_over(first, PATIENCE, PATIENCE) == PATIENCE
    assert joined(state, 2 * PATIENCE) is not state.leader
    third = joined(state, 2 * PATIENCE + 1)
    assert state.leader is third
    assert state.take_over(first, 2 * PATIENCE + 1, PATIENCE) == PATIENCE


def test_who_was_served_just_now_takes_nothing_over() -> None:
    state = key_state()
    first, second = joined(state, 0), joined(state, 0)
    state.serve(second, "served")
    assert (second.outcome, second.ready, list(state.queue)) == ("served", True, [first])
    assert state.take_over(second, PATIENCE, PATIENCE) == 1
    assert state.leader is first
    state.leave(first, 0, PATIENCE)
    assert leader_of(state) is None
    assert not state.queue
    assert state.take_over(second, 0, PATIENCE) == 1


def test_a_leader_that_waits_for_its_pace_is_overdue_that_much_later() -> None:
    state = key_state()
    state.pace.next_write_ns = 30 * MS
    joined(state, 10 * MS)
    other = joined(state, 10 * MS)
    assert state.take_over(other, 10 * MS, PATIENCE) == 20 * MS + PATIENCE


def test_a_single_take_leads_without_queuing_and_only_where_nobody_does() -> None:
    state = key_state()
    assert state.lead_alone(10 * MS, PATIENCE)
    assert not state.lead_alone(10 * MS, PATIENCE)
    assert not state.is_idle(10 * MS)
    waiter = joined(state, 10 * MS)
    assert state.take_over(waiter, 10 * MS, PATIENCE) == PATIENCE
    state.leader = None
    assert not state.lead_alone(10 * MS, PATIENCE), "somebody queues"
    state.leave(waiter, 10 * MS, PATIENCE)
    state.pace.next_write_ns = 30 * MS
    assert state.lead_alone(10 * MS, PATIENCE)
    assert state.take_over(joined(state, 10 * MS), 10 * MS, PATIENCE) == 20 * MS + PATIENCE


def test_a_leader_that_leaves_is_followed_by_the_first_that_is_waited_for() -> None:
    state = key_state()
    leader, busy, waiting, last = (joined(state, at) for at in range(4))
    woken: list[str] = []
    waiting.attach(lambda: woken.append("waiting"))
    last.attach(lambda: woken.append("last"))
    state.leave(last, 5, PATIENCE)
    assert state.leader is leader, "who does not lead leaves the queue alone"
    joined(state, 4).attach(lambda: woken.append("later"))
    state.leave(leader, 7, PATIENCE)
    assert (state.leader, woken, waiting.ready) == (waiting, ["waiting"], True)
    assert list(state.queue)[:2] == [busy, waiting]
    assert state.take_over(busy, 7, PATIENCE) == PATIENCE


def test_who_begins_to_wait_where_nobody_leads_becomes_the_leader() -> None:
    state = key_state()
    leader, other, further = (joined(state, 20) for _ in range(3))
    state.leave(leader, 30, PATIENCE)
    assert leader_of(state) is None, "nobody waits yet"
    other.attach(lambda: None)
    assert (leader_of(state), other.ready) == (other, True)
    further.attach(lambda: None)
    assert (leader_of(state), further.ready) == (other, False)
    assert state.take_over(further, 20, PATIENCE) == PATIENCE
    state.serve(further, "served")
    state.leave(other, 30, PATIENCE)
    further.attach(lambda: None)
    assert leader_of(state) is None, "it has its outcome already"


def test_an_error_is_raised_in_each_of_the_queue_as_a_copy_of_its_own() -> None:
    state = key_state()
    first, second = joined(state, 0), joined(state, 0)
    error = StoreUnavailable("down")
    error.__cause__ = OSError("gone")
    error.told = 7  # type: ignore[attr-defined]
    state.fail(error)
    assert not state.queue
    assert first.outcome is not second.outcome
    for waiter in (first, second):
        with pytest.raises(StoreUnavailable, match=r"^down$") as caught:
            waiter.result()
        assert caught.value is not error
        assert caught.value.__cause__ is error.__cause__
        assert caught.value.told == 7  # type: ignore[attr-defined]
    first.serve("too late")
    assert isinstance(first.outcome, StoreUnavailable)


def lease(left: int, end_ns: int = 100) -> Lease:
    return Lease(left, (0,), (0,), end_ns, end_ns)


def test_leased_tokens_are_spent_of_the_first_lease_that_has_enough_and_lives() -> None:
    state = key_state()
    few, over, many = lease(2), lease(9, 49), lease(5)
    for one in (few, over, many):
        assert state.hold(one, 0, 0)
    now_ns = 50
    assert state.spend(3, now_ns, lambda: 50) is many
    assert state.spend(2, now_ns, lambda: 100) is few
    assert state.spend(2, now_ns, lambda: 101) is None
    assert state.spend(3, 100, lambda: 50) is None
    assert (few.left, over.left, many.left) == (0, 9, 2)
    assert state.spend_at_most(5, now_ns, lambda: 50) == (2, many)
    assert state.spend_at_most(5, now_ns, lambda: 50) == (0, None)


def test_as_many_as_there_are_are_spent_of_several_leases() -> None:
    state = key_state()
    first, over, second, third = lease(2), lease(9, 49), lease(5), lease(4)
    for one in (first, over, second, third):
        state.hold(one, 0, 0)
    assert state.spend_at_most(4, 50, lambda: 50) == (4, second)
    assert [one.left for one in (first, over, second, third)] == [0, 9, 3, 4]
    assert state.spend_at_most(3, 50, lambda: 50) == (3, second)
    assert [one.left for one in (first, over, second, third)] == [0, 9, 0, 4]


def test_tokens_go_back_to_a_lease_that_lives_and_is_known() -> None:
    state = key_state()
    spent, held, over, ends = lease(1), lease(5), lease(5, 49), lease(5, 50)
    for one in (spent, held, over, ends):
        state.hold(one, 0, 0)
    assert state.spend(1, 50, lambda: 50) is spent
    assert state.hold(lease(0, 60), 50, 0)
    assert (state.spent, state.leases[0]) == ([spent], held)
    assert over not in state.leases, "it has ended"
    assert ends in state.leases, "it may be spent now, for the last time"
    assert state.give_back(spent, 1, 100, lambda: 100)
    assert not state.spent
    assert state.leases[-1] is spent
    assert state.give_back(held, 2, 50, lambda: 50)
    assert (spent.left, held.left) == (1, 7)
    assert not state.give_back(held, 1, 101, lambda: 50)
    assert not state.give_back(held, 1, 50, lambda: 101)
    assert not state.give_back(lease(5), 1, 50, lambda: 50)
    assert held.left == 7


def test_leases_that_are_dropped_end_at_once_and_so_does_one_that_was_under_way() -> None:
    state = key_state()
    held, spent, late = lease(5), lease(1), lease(3)
    state.hold(spent, 0, 0)
    state.spend(1, 0, lambda: 0)
    state.hold(held, 0, 0)
    state.drop_leases()
    assert (state.leases, state.spent, state.drops) == ([], [], 1)
    assert not held.lives(0, lambda: 0)
    assert not spent.lives(0, lambda: 0)
    assert held.left == 0
    assert not state.hold(late, 0, 0)
    assert (late.left, state.leases) == (0, [])
    assert state.hold(lease(3), 0, 1)
    state.drop_leases()
    assert state.drops == 2


def test_a_key_is_idle_where_nothing_is_under_way_paced_or_held() -> None:
    state = key_state()
    assert state.is_idle(0)
    waiter = joined(state, 0)
    assert not state.is_idle(0)
    state.leader = None
    assert not state.is_idle(0)
    state.leave(waiter, 0, PATIENCE)
    assert state.is_idle(0)
    state.lead_alone(0, PATIENCE)
    assert not state.is_idle(0)
    state.leader = None
    state.pace.is_paced = True
    assert not state.is_idle(0)
    state.pace.is_paced = False
    state.hold(lease(1), 0, 0)
    assert [state.is_idle(at_ns) for at_ns in (0, 100, 101)] == [False, False, True]
    state.spend(1, 0, lambda: 0)
    state.hold(lease(0, 50), 50, 0)
    state.leases.clear()
    assert [state.is_idle(at_ns) for at_ns in (100, 101)] == [False, True]


def measured(demand: Demand, at_ns: int, offered: int, admitted: int) -> tuple[float, float]:
    demand.offered += offered
    demand.admitted += admitted
    demand.measure(at_ns)
    return demand.offered_per_second, demand.admitted_per_second


def test_demand_is_a_running_mean_over_100_ms() -> None:
    demand = Demand(10 * MS)
    assert measured(demand, 110 * MS, 20, 10) == (200, 100)
    assert measured(demand, 210 * MS - 1, 40, 20) == (200, 100)
    assert measured(demand, 210 * MS, 0, 0) == (300, 150)


def test_a_flood_is_measured_at_once_and_an_old_measurement_forgotten() -> None:
    demand = Demand(0)
    assert measured(demand, 10 * MS, 7, 7) == (0, 0), "too few"
    demand = Demand(0)
    assert measured(demand, 10 * MS - 1, 8, 7) == (0, 0), "too soon"
    assert measured(demand, 10 * MS, 0, 0) == (800, 700)
    assert measured(demand, 30 * MS, 8, 8) == (800, 700), "it is known already"
    assert measured(demand, 110 * MS - 1, 0, 0) == (800, 700)
    assert measured(demand, 110 * MS, 32, 12) == (600, 450)
    assert (demand.offered, demand.admitted) == (0, 0)
    assert measured(demand, 1_110 * MS, 200, 100) == (400, 275), "after a second, the mean"
    assert measured(demand, 2_110 * MS + 1, 1, 1)[0] == pytest.approx(1)
    assert demand.admitted_per_second == pytest.approx(1)
