"""The guards of leases: what no token is spent twice or late by."""

from __future__ import annotations

from tests.guards.guard import Guard

_HISTORIES = (
    "tests/simulation/leased/test_leased_histories.py"
    "::test_p1_p3_p12_hold_over_the_first_histories_in_which_all_happens"
)

LEASES = (
    Guard(
        "a request of an event loop that was closed fails no other one",
        "ratelimit_ddb/operations/waker.py",
        "            if threading.get_ident() == self._thread:\n",
        "            if threading.get_ident() == self._thread and self._end() is None:\n"
        "                return\n"
        "        finally:\n"
        "            pass\n"
        "        try:\n"
        "            if False:\n",
        "tests/ratelimit_ddb/test_hot_keys.py::"
        "test_one_that_queues_in_a_loop_that_was_closed_fails_nobody_of_the_next_loop",
    ),
    Guard(
        "P1: a lease is dated at its end",
        "ratelimit_ddb/bucket/coalesced_take.py",
        "arithmetic, base_ns, room_ns = self._arithmetic, now_ns + batch.lease_ns, batch.room_ns",
        "arithmetic, base_ns, room_ns = self._arithmetic, now_ns, batch.room_ns",
        _HISTORIES,
    ),
    Guard(
        "P1: a lease has its own time less room",
        "ratelimit_ddb/bucket/batch.py",
        "arithmetic.room_ns(tokens, -lease_ns)",
        "arithmetic.room_ns(tokens, lease_ns)",
        _HISTORIES,
    ),
    Guard(
        "P12: what is left of a lease that has ended lapses",
        "ratelimit_ddb/bucket/refund.py",
        "            return self._leased is not None and self._leased.give_back("
        "taken, taken.lease, cost)\n",
        "            if self._leased is not None and self._leased.give_back("
        "taken, taken.lease, cost):\n                return True\n",
        _HISTORIES,
    ),
    Guard(
        "P1: nothing is given back out of turn while a lease of other limits may live",
        "ratelimit_ddb/bucket/refund.py",
        "_LONGEST_LEASE_NS if has_buckets else 0",
        "min([limit.window_ns for limit in limits if isinstance(limit, Limit)], default=0) // 4",
        "tests/ratelimit_ddb/test_hot_keys.py::test_p1_nothing_is_given_back_out_of_turn_while_"
        "a_longer_lease_of_other_limits_may_live",
    ),
    Guard(
        "a leader that stands still is replaced by one who waits",
        "ratelimit_ddb/hot_keys/key_state.py",
        "if self.leader is None or monotonic_ns >= self._leads_until_ns:",
        "if self.leader is None:",
        "tests/ratelimit_ddb/test_hot_keys.py"
        "::test_a_leader_whose_event_loop_stands_still_leaves_nobody_waiting",
    ),
    Guard(
        "P12: a store that was closed has no leases",
        "ratelimit_ddb/store/dynamodb/store.py",
        "            hot_keys.drop_leases()",
        "            pass",
        "tests/ratelimit_ddb/test_hot_keys.py::test_p12_closing_a_store_drops_its_leases",
    ),
    Guard(
        "P1: a lease that is spent is dropped with the others",
        "ratelimit_ddb/hot_keys/key_state.py",
        """            for lease in (*self.leases, *self.spent):
                lease.drop()
            self.leases, self.spent = [], []
""",
        """            for lease in self.leases:
                lease.drop()
            self.leases = []
""",
        "tests/ratelimit_ddb/test_hot_keys.py"
        "::test_p1_a_token_of_a_spent_lease_is_not_given_back_once_leases_were_dropped",
    ),
    Guard(
        "P1: of a lease that is not known nobody can say whether it was dropped",
        "ratelimit_ddb/hot_keys/key_state.py",
        """            elif lease not in self.leases:
                return False
""",
        """            elif lease not in self.leases:
                self.leases.append(lease)
""",
        "tests/ratelimit_ddb/test_hot_keys.py"
        "::test_p1_a_token_is_not_given_back_to_a_lease_that_is_not_known_any_more",
    ),
    Guard(
        "P12: a suspended process spends nothing late",
        "ratelimit_ddb/hot_keys/lease.py",
        "monotonic_ns <= self.monotonic_end_ns and wall_ns() <= self.wall_end_ns",
        "monotonic_ns <= self.monotonic_end_ns",
        _HISTORIES,
    ),
    Guard(
        "P12: nothing is spent late by a wall clock that was set back",
        "ratelimit_ddb/hot_keys/lease.py",
        "monotonic_ns <= self.monotonic_end_ns and wall_ns() <= self.wall_end_ns",
        "wall_ns() <= self.wall_end_ns",
        _HISTORIES,
    ),
    Guard(
        "P12: nothing is spent after the end",
        "ratelimit_ddb/hot_keys/lease.py",
        "return monotonic_ns <= self.monotonic_end_ns and wall_ns() <= self.wall_end_ns",
        "return True",
        _HISTORIES,
    ),
    Guard(
        "P12: a fork drops the leases in the child",
        "ratelimit_ddb/hot_keys/hot_keys.py",
        "                for lease in (*state.leases, *state.spent):\n"
        "                    lease.drop()\n"
        "        self._younger = {}\n        self._older = {}\n\n    def __len",
        "                pass\n\n    def __len",
        _HISTORIES,
    ),
    Guard(
        "P1: a lease ends with the window of a quota beside it",
        "ratelimit_ddb/bucket/batch.py",
        "lease_ns = arithmetic.lease_ns(now_ns, longest_lease_ns)",
        "lease_ns = longest_lease_ns",
        _HISTORIES,
    ),
    Guard(
        "P12: a leased token is spent once",
        "ratelimit_ddb/hot_keys/key_state.py",
        "                    lease.left -= cost\n",
        "",
        _HISTORIES,
    ),
)
