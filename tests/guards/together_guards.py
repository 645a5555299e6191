"""The guards of what is asked of several keys at once: side by side, and all of it or none."""

from __future__ import annotations

from tests.guards.guard import Guard

_EVALUATOR = "ratelimit_ddb/web/gate/evaluator.py"
_BLOCKING = "ddbwire/connections/blocking/side_by_side.py"
_RULES = "tests/web/test_rules_side_by_side.py::test_"
_FUNCTIONS = "ratelimit_ddb/all_or_none/acquire_all.py"
_FLOWS = "ratelimit_ddb/all_or_none/flows.py"
_ALL = "tests/contract/test_all_or_none.py::test_"
_CALLS = "tests/ddbwire/test_side_by_side.py::test_"

TOGETHER = (
    Guard(
        "P5: what another thread gives back meanwhile leaves the rest to be given back",
        "ratelimit_ddb/limiter_core.py",
        ".refund(taken, None)",
        ".refund(taken, taken.kept)",
        f"{_ALL}p5_what_another_thread_gives_back_meanwhile_leaves_nothing_else_taken",
    ),
    Guard(
        "several rules cost the time of one, blocking",
        _BLOCKING,
        "    if len(calls) == 1:\n        return [run(calls[0], pool, deadline_ns)]\n",
        "    if calls:\n        return [run(call, pool, deadline_ns) for call in calls]\n",
        f"{_CALLS}all_requests_are_sent_before_the_first_is_answered",
    ),
    Guard(
        "several rules cost the time of one, on an event loop",
        "ddbwire/connections/aio/driver.py",
        "        if len(calls) == 1:\n            return [await self.run(calls[0], deadline_ns)]\n",
        "        if calls:\n"
        "            return [await self.run(call, deadline_ns) for call in calls]\n",
        f"{_CALLS}all_requests_are_sent_before_the_first_is_answered",
    ),
    Guard(
        "P14: a retry waits for no other call",
        _BLOCKING,
        "            self._end_waits()\n            self._send()\n",
        "            self._end_waits()\n"
        "            if not self._awaited:\n                self._send()\n",
        f"{_CALLS}p14_a_retry_waits_for_no_other_call",
    ),
    Guard(
        "who holds connections reads from them while he waits for one more",
        _BLOCKING,
        "                self._queue(member)\n",
        "                self._pool._wait(member.acquired, self._deadline_ns)\n"
        "                self._to_send.append(member)\n",
        f"{_CALLS}with_fewer_connections_than_calls_all_are_answered",
    ),
    Guard(
        "P3: what was taken before a rule denied is given back",
        _EVALUATOR,
        "            if any(map(_denies, decided)):\n",
        "            if not any(map(_denies, decided)):\n",
        f"{_RULES}p3_what_was_taken_is_given_back_side_by_side_too",
    ),
    Guard(
        "P3: a key that hangs leaves time to give back what others took",
        _EVALUATOR,
        "leaves_time=True",
        "leaves_time=False",
        f"{_RULES}p14_a_key_that_hangs_changes_nothing_of_what_other_keys_decide",
    ),
    Guard(
        "P5: a mistake of set-up gives back what other rules took",
        _EVALUATOR,
        "yield from refund_decisions(list(decided.values()), measures=False)",
        "yield from refund_decisions([], measures=False)",
        f"{_RULES}a_mistake_of_set_up_gives_back_what_other_rules_took",
    ),
    Guard(
        "a rule that denies from memory sends nothing for any rule",
        _EVALUATOR,
        "        decided = self._denials_from_memory(charges, observations)\n",
        "        decided = []\n",
        f"{_RULES}p6_a_rule_that_denies_from_memory_sends_nothing_for_any_rule",
        (_EVALUATOR, "            if _denies(decided[index]):\n", "            if not decided:\n"),
    ),
    Guard(
        "P5: what limiters took is given back if one denies",
        _FUNCTIONS,
        "    if all(one.admitted for one in asked):\n",
        "    if asked:\n",
        f"{_ALL}p14_each_follows_its_own_on_outage",
    ),
    Guard(
        "P6: a limiter that denies from memory sends nothing for the others",
        _FUNCTIONS,
        "False if _deny_from_memory(asked) else (yield from _ask(asked, spent_ns))",
        "yield from _ask(asked, spent_ns)",
        f"{_ALL}p6_what_is_denied_from_memory_sends_nothing",
    ),
    Guard(
        "P14: a denial stands where another limiter's outage would be raised",
        _FUNCTIONS,
        "    if any(one.denies and one.outage is None for one in asked):\n",
        "    if not asked:\n",
        f"{_ALL}p14_a_denial_stands_where_an_outage_would_be_raised",
    ),
    Guard(
        "P3: an outage takes none of this process's own tokens where one limiter denies",
        "ratelimit_ddb/all_or_none/outages.py",
        "one.outage, one.bucket, one.key, cost, 0, takes=takes",
        "one.outage, one.bucket, one.key, cost, 0, takes=True",
        f"{_ALL}p3_an_outage_takes_none_of_this_processs_own_tokens_where_one_denies",
    ),
    Guard(
        "P5: requests for one bucket that ask for more than its burst are refused",
        "ratelimit_ddb/all_or_none/request.py",
        "            if costs[bucket] > limit.burst:\n",
        "            if one.cost > limit.burst:\n",
        f"{_ALL}misuse_is_told_and_takes_nothing",
    ),
    Guard(
        "P7: limiters that share a key see what the others took",
        _FLOWS,
        "groups.setdefault(one.key, []).append(one)",
        "groups.setdefault(str(id(one)), []).append(one)",
        f"{_ALL}p7_each_request_is_one_call_and_so_is_giving_it_back",
    ),
)
