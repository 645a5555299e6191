"""The guards of stored limits: nothing that is read opens a limit, and one reads for all."""

from __future__ import annotations

from tests.guards.guard import Guard

_TESTS = "tests/ratelimit_ddb/test_stored_limits.py::test_"
_CACHE = "ratelimit_ddb/stored_limits/limits_cache.py"

STORED_LIMITS = (
    Guard(
        "bad text keeps the limits that were read last",
        _CACHE,
        "            return self._keep(name)\n        return self._remember(name, limits",
        "            return self._remember(name, self._stored.default, 1)\n"
        "        return self._remember(name, limits",
        f"{_TESTS}bad_text_keeps_what_was_read_last_and_is_logged_each_time",
    ),
    Guard(
        "an outage keeps the limits that were read last",
        _CACHE,
        "        except StoreUnavailable:\n            return self._keep(name)\n",
        "        except StoreUnavailable:\n"
        "            return self._remember(name, self._stored.default, 1)\n",
        f"{_TESTS}an_outage_keeps_what_was_read_last",
    ),
    Guard(
        "one thread reads stored limits for all",
        _CACHE,
        "            if not self._is_under_way(name, now_ns):\n",
        "            if True:\n",
        f"{_TESTS}one_thread_reads_and_the_others_wait_for_it_where_nothing_is_known",
    ),
    Guard(
        "a read of stored limits that was dropped holds nobody up",
        _CACHE,
        "        return refresh is not None and now_ns - refresh.begun_ns < LONGEST_REFRESH_NS\n",
        "        return refresh is not None\n",
        f"{_TESTS}a_read_whose_event_loop_was_stopped_is_given_up_after_a_minute",
    ),
    Guard(
        "where the flow that reads stored limits is cancelled, the next one reads them",
        _CACHE,
        "            if name in self._known or not in_time:\n",
        "            if True:\n",
        f"{_TESTS}where_the_one_that_reads_is_cancelled_the_next_one_reads",
    ),
    Guard(
        "P1: several limiters read their stored limits before costs are checked",
        "ratelimit_ddb/all_or_none/acquire_all.py",
        "        if reads:\n",
        "        if not asked:\n",
        f"{_TESTS}p1_several_limiters_at_once_take_no_more_than_the_stored_limit_ever_holds",
    ),
)
