"""The guards of the amounts: nothing is given back twice, and no bucket stands for two limits."""

from __future__ import annotations

from tests.guards.guard import Guard

_REFUNDS = "tests/property/test_refunds.py::test_"
_BUCKET = "tests/ratelimit_ddb/test_bucket.py::test_"
_LIMITER = "tests/ratelimit_ddb/test_limiter.py::test_"
_OBSERVATIONS = "tests/ratelimit_ddb/test_observations.py::test_"

AMOUNTS = (
    Guard(
        "P1: a late refund gives back only what has not flowed back by itself",
        "ratelimit_ddb/bucket/refund.py",
        "amount_ns = max(0, min(self.cost_ns[index], weight_ns - self.base_ns[index]))",
        "amount_ns = self.cost_ns[index]",
        f"{_REFUNDS}p1_a_take_given_back_54_seconds_late_does_not_admit_it_twice",
    ),
    Guard(
        "P1: what is given back under later takes is counted",
        "ratelimit_ddb/bucket/refund.py",
        "after_ns = before_ns + amount_ns",
        "after_ns = before_ns",
        f"{_BUCKET}a_refund_after_others_took_is_counted_for_their_refunds",
    ),
    Guard(
        "P1: waiters keep their turns, and nobody is let in at the same",
        "ratelimit_ddb/bucket/refund.py",
        "if not least_ns <= at_ns <= most_ns:",
        "if not least_ns <= at_ns:",
        f"{_BUCKET}p1_nothing_is_given_back_while_somebody_waits_behind",
    ),
    Guard(
        "P1: of a key's limits all are given back or none",
        "ratelimit_ddb/bucket/refund.py",
        "return None\n            amounts.append(amount_ns)",
        "continue\n            amounts.append(amount_ns)",
        f"{_BUCKET}p1_nothing_is_given_back_of_any_limit_while_somebody_waits_for_one",
    ),
    Guard(
        "P1: what was given back before is not given back again",
        "ratelimit_ddb/bucket/decision.py",
        "return claimed, self.cost - kept",
        "return claimed, 0",
        f"{_BUCKET}p1_two_refunds_of_one_take_give_back_no_more_than_one",
    ),
    Guard(
        "P1: more than was taken is not given back",
        "ratelimit_ddb/bucket/decision.py",
        "if cost is None or 1 <= cost <= kept:",
        "if cost is None or 1 <= cost:",
        f"{_REFUNDS}more_than_was_taken_is_refused_and_so_is_a_second_refund",
    ),
    Guard(
        "P1: what was taken from one store is not given back to another",
        "ratelimit_ddb/limiter_core.py",
        "if taken is not None and taken.group not in (None, self.bucket.cache.group):",
        "if False:",
        f"{_LIMITER}what_was_taken_from_another_store_is_not_given_back_here",
    ),
    Guard(
        "P1: a limit's attribute is named after all of it",
        "ratelimit_ddb/limit.py",
        'name = _notation_of(quantity, period_ns, burst).replace(" ", "-")',
        'name = _period_in_words(period_ns).replace(" ", "-")',
        "tests/web/test_plans.py::test_p1_plans_without_a_name_have_a_bucket_each",
    ),
    Guard(
        "P1: an item's expiry never moves back",
        "ratelimit_ddb/bucket/single_take.py",
        "extends=kept_until_seconds <= take.expires_at_seconds,",
        "extends=True,",
        f"{_BUCKET}an_expiry_is_never_moved_to_before_what_another_limit_needs",
    ),
    Guard(
        "P6: a reset is noticed by all that limits on the store in the process",
        "ratelimit_ddb/bucket/bucket.py",
        "            yield Delete(key)\n        finally:\n"
        "            self.cache.group.invalidate(key)",
        "            yield Delete(key)\n        finally:\n            self.cache.invalidate(key)",
        f"{_LIMITER}p6_a_reset_or_refund_is_noticed_by_every_limiter_of_the_process",
    ),
    Guard(
        "a refund that memory would refuse asks the table",
        "ratelimit_ddb/bucket/refund.py",
        "            if give_back is not None:\n                return give_back",
        "            if True:\n                return give_back",
        f"{_BUCKET}a_refund_asks_the_table_though_somebody_was_seen_to_wait",
    ),
    Guard(
        "a refund in turn is not counted as one out of turn",
        "ratelimit_ddb/bucket/refund.py",
        "least_ns = weight_ns + 1",
        "least_ns = weight_ns",
        f"{_BUCKET}a_refund_in_turn_is_not_counted_as_one_out_of_turn_by_what_was_seen",
    ),
    Guard(
        "P6: a reply that a reset or a refund overtook is not remembered",
        "ratelimit_ddb/bucket/observations.py",
        "if self.group.invalidations != since and self.group.may_be_stale(key, since):",
        "if False:",
        f"{_OBSERVATIONS}a_reply_that_a_refund_overtook_does_not_deny_later",
    ),
    Guard(
        "P6: a limiter without deny_cache denies nothing from memory",
        "ratelimit_ddb/bucket/times.py",
        "return self.deny_cache_ns or -1",
        "return self.deny_cache_ns",
        f"{_OBSERVATIONS}without_deny_cache_the_store_is_asked_at_the_same_instant_too",
    ),
    Guard(
        "P6: a stub's table denies nothing from memory",
        "ratelimit_ddb/store/dynamodb/store.py",
        "cache_group_of(self).may_deny = False",
        "pass",
        f"{_OBSERVATIONS}what_was_seen_of_a_mocked_table_does_not_deny",
    ),
)
