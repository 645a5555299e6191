"""Guards of debts: charges and blocks, and what comes of them later."""

from __future__ import annotations

from tests.guards.guard import Guard

DEBTS = (
    Guard(
        "a refund never ends a block early",
        "ratelimit_ddb/store/memory.py",
        "max(self._leased_until_ns.get(key, 0), item.get(BLOCKED, 0))",
        "self._leased_until_ns.get(key, 0)",
        "tests/contract/test_debts.py::"
        "test_a_lease_of_other_limits_under_a_block_does_not_let_a_refund_end_it",
    ),
    Guard(
        "a table refuses a refund that would end a block early",
        "ratelimit_ddb/store/dynamodb/request.py",
        '        conditions.append("(attribute_not_exists(#k) OR #k < :u)")\n',
        "",
        "tests/ratelimit_ddb/test_dynamodb_requests.py::test_a_refund_notes_what_was_given_back_"
        "out_of_turn_and_checks_leases_and_blocks",
    ),
    Guard(
        "no refund is in turn after a block",
        "ratelimit_ddb/bucket/bucket.py",
        "            (1,) * len(self._names),\n",
        "            (0,) * len(self._names),\n",
        "tests/contract/test_debts.py::"
        "test_a_block_of_an_empty_bucket_is_not_shortened_by_the_token_that_was_taken_last",
    ),
    Guard(
        "no refund is in turn after a block by a rule",
        "ratelimit_ddb/bucket/violations.py",
        "                *(1,) * len(limits),\n",
        "                *(0,) * len(limits),\n",
        "tests/web/test_blocks_and_give_back.py",
    ),
    Guard(
        "an item outlasts the debt that it bears",
        "ratelimit_ddb/bucket/debt.py",
        "expires_seconds * SECOND_NS - base_ns - cost for",
        "(1 << 62) for",
        "tests/ratelimit_ddb/test_debts.py::test_an_item_is_kept_for_as_long_as_it_owes",
    ),
    Guard(
        "a block drops what this process has leased",
        "ratelimit_ddb/bucket/bucket.py",
        """            if hot_keys is not None:
                hot_keys.drop_leases(key)
        return""",
        """            pass
        return""",
        "tests/ratelimit_ddb/test_debts.py::test_a_block_reaches_what_this_process_has_leased",
    ),
    Guard(
        "a lease that was under way while its key was blocked lapses",
        "ratelimit_ddb/hot_keys/key_state.py",
        "if drops != self.drops:",
        "if False:",
        "tests/ratelimit_ddb/test_debts.py::"
        "test_a_lease_that_was_under_way_while_its_key_was_blocked_is_not_spent",
    ),
    Guard(
        "a task that is cancelled leaves its block to the background",
        "ratelimit_ddb/limiter.py",
        "await run_uncancelled(begun, core.store, core.timeout_ns, core.breaker)",
        "await run_async(begun, core.store, core.timeout_ns, core.breaker)",
        "tests/ratelimit_ddb/test_debts.py::"
        "test_a_key_is_blocked_though_the_task_is_cancelled_again_and_again",
    ),
    Guard(
        "a task that is cancelled leaves its refund to the background",
        "ratelimit_ddb/limiter.py",
        "await run_uncancelled(flow, core.store, core.timeout_ns, core.breaker)",
        "await run_async(flow, core.store, core.timeout_ns, core.breaker)",
        "tests/ratelimit_ddb/test_debts.py::"
        "test_tokens_are_given_back_though_the_task_is_cancelled_again_and_again[refund]",
    ),
    Guard(
        "a charge spends what is leased first",
        "ratelimit_ddb/bucket/bucket.py",
        "            cost -= spent\n",
        "            spent = 0\n",
        "tests/ratelimit_ddb/test_debts.py::"
        "test_a_charge_of_more_than_is_leased_is_written_less_what_is",
    ),
    Guard(
        "a reservation is settled once",
        "ratelimit_ddb/reservation.py",
        "        if not self._settling.begin():",
        "        if False:",
        "tests/contract/test_reservations.py::test_a_reservation_is_settled_once",
    ),
    Guard(
        "a reservation that was handed over is not given back by an exception",
        "ratelimit_ddb/reservation.py",
        "    state.is_handed_over = True\n",
        "",
        "tests/ratelimit_ddb/test_reservations.py::"
        "test_a_pickled_reservation_is_not_given_back_by_an_exception",
    ),
    Guard(
        "a reservation of a hot key is not leased",
        "ratelimit_ddb/bucket/bucket.py",
        "if leased is not None and state is not None and leases:",
        "if leased is not None and state is not None:",
        "tests/ratelimit_ddb/test_reservations.py::"
        "test_a_reservation_of_a_hot_key_is_not_leased_and_gives_back_after_any_lease",
    ),
    Guard(
        "reservations that wait together are not leased",
        "ratelimit_ddb/bucket/coalesced_take.py",
        "if all(waiter.leases for waiter in waiters) else 0",
        "if True else 0",
        "tests/ratelimit_ddb/test_reservations.py::"
        "test_of_requests_that_wait_together_the_reservations_are_not_leased",
    ),
    Guard(
        "a client that goes away in the middle of a response gets nothing back",
        "ratelimit_ddb/web/gate/request_reservation.py",
        "return raised if status is None else status >= _FAILED",
        "return raised or (status or 0) >= _FAILED",
        "tests/web/test_reservations.py::"
        "test_a_client_that_goes_away_in_the_middle_keeps_the_estimate",
    ),
    Guard(
        "a reservation of a request is settled once",
        "ratelimit_ddb/web/gate/request_reservation.py",
        "        if not self._end.begin():",
        "        if False:",
        "tests/web/test_reservations.py::test_nested_middlewares_settle_once",
    ),
    Guard(
        "only rules that reserve are settled",
        "ratelimit_ddb/web/gate/request_reservation.py",
        "if one.charge.rule.reserves and one.decision.allowed",
        "if one.decision.allowed",
        "tests/web/test_reservations.py::test_every_rule_that_reserves_is_settled_and_no_other",
    ),
)
