"""The guards of outages and throttles."""

from __future__ import annotations

from tests.guards.guard import Guard

_THROTTLES = "tests/ratelimit_ddb/test_throttles.py::test_"
_BREAKER = "tests/ratelimit_ddb/test_breaker.py::test_"
_LOCAL = "tests/ratelimit_ddb/test_local_buckets.py::test_"
_EVENTS = "tests/ratelimit_ddb/test_limiter_events.py::test_"
_WIRE_THROTTLES = "tests/ddbwire/test_throttles.py::test_"

OUTAGES = (
    Guard(
        "P14: a throttled key is denied, and no outage",
        "ratelimit_ddb/bucket/single_take.py",
        "        except KeyThrottled:\n            return policy.throttled(key, state, now_ns)\n",
        "",
        f"{_THROTTLES}p14_a_throttled_key_is_denied_whatever_on_outage_says",
    ),
    Guard(
        "P13: a take of a throttled key is not repeated",
        "ddbwire/protocol/parse_response.py",
        "not request.retries_throttled_key and is_key_throttled(code, document)",
        "False",
        f"{_WIRE_THROTTLES}p13_a_take_of_a_throttled_key_is_sent_once",
    ),
    Guard(
        "a throttle of the table is not the key's",
        "ddbwire/protocol/throttle.py",
        "    if not reasons:\n        return code != _OF_THE_ACCOUNT\n"
        "    return not all(reason.endswith(_OF_THE_TABLE) for reason in reasons)\n",
        "    return True\n",
        f"{_WIRE_THROTTLES}a_throttle_of_the_table_index_or_account_is_not_the_keys",
    ),
    Guard(
        "a ThrottlingException spells its reasons with a small letter",
        "ddbwire/protocol/throttle.py",
        '("ThrottlingReasons", "throttlingReasons")',
        '("ThrottlingReasons",)',
        f"{_WIRE_THROTTLES}a_throttle_of_the_table_index_or_account_is_not_the_keys",
    ),
    Guard(
        "P10: the third outage in a row opens the breaker",
        "ratelimit_ddb/operations/breaker.py",
        "if self.is_open or self.outages < OUTAGES_TO_OPEN:",
        "if self.outages:",
        f"{_BREAKER}p10_after_three_outages_in_a_row_no_decision_asks",
    ),
    Guard(
        "an answer ends the row of outages",
        "ratelimit_ddb/operations/breaker.py",
        "            was_open, self.is_open = self.is_open, False\n            self.outages = 0\n",
        "            was_open, self.is_open = self.is_open, False\n",
        f"{_BREAKER}outages_with_an_answer_between_them_are_not_in_a_row",
    ),
    Guard(
        "P10: peek, refund and reset ask though the breaker is open",
        "ratelimit_ddb/operations/driver.py",
        "if decides and breaker.is_open and not breaker.may_ask():",
        "if breaker.is_open and not breaker.may_ask():",
        f"{_BREAKER}p10_the_others_ask_whatever_the_breaker_says_and_what_they_find_counts",
    ),
    Guard(
        "the time that is known is no answer of the table",
        "ratelimit_ddb/operations/driver.py",
        "if not isinstance(operation, ReadClock | Together):",
        "if not isinstance(operation, Together):",
        f"{_BREAKER}the_time_that_is_known_is_no_answer_of_the_table",
    ),
    Guard(
        "P14: a throttled key is an answer of the table",
        "ratelimit_ddb/operations/breaker.py",
        "        if isinstance(outage, KeyThrottled):\n"
        "            self.answered()\n            return False\n",
        "",
        f"{_BREAKER}a_mistake_and_a_throttled_key_are_no_outages",
    ),
    Guard(
        "P14: of rules side by side, one that is answered is enough",
        "ratelimit_ddb/operations/together.py",
        "        if self._answered:\n            breaker.answered()\n        elif",
        "        if",
        f"{_LOCAL}p14_a_key_that_gets_no_answer_does_not_stop_the_asking_for_others",
    ),
    Guard(
        "it is probed at most once a second",
        "ratelimit_ddb/operations/breaker.py",
        " or now_ns < self._next_probe_ns:",
        ":",
        f"{_BREAKER}it_is_probed_at_most_once_a_second_while_it_is_open",
    ),
    Guard(
        "one probe at a time",
        "ratelimit_ddb/operations/breaker.py",
        " or under_way or",
        " or",
        f"{_BREAKER}p10_nobody_waits_for_a_probe_that_gets_no_answer",
    ),
    Guard(
        "a fork gives up its parent's probe",
        "ratelimit_ddb/operations/breaker.py",
        "        self._lock = threading.RLock()\n        self._probe = None\n",
        "        self._lock = threading.RLock()\n",
        f"{_BREAKER}a_fork_during_a_probe_probes_by_itself",
    ),
    Guard(
        "P1: what was admitted before an outage counts in it",
        "ratelimit_ddb/local_buckets.py",
        "            if full_at_ns > base_ns:\n",
        "            if full_at_ns < 0:\n",
        f"{_LOCAL}p1_what_was_admitted_before_the_outage_counts_in_it",
    ),
    Guard(
        "P1: what was admitted before an outage counts in it, though tokens are leased",
        "ratelimit_ddb/local_buckets.py",
        "seen = bucket.observed(key)",
        "seen = bucket.recall(key)",
        f"{_LOCAL}p1_what_was_admitted_before_the_outage_counts_in_it_though_tokens_are_leased",
    ),
    Guard(
        "nothing of the table's is given back for what it did not take",
        "ratelimit_ddb/local_buckets.py",
        '_replace(source="outage", taken=None)',
        '_replace(source="outage")',
        f"{_LOCAL}nothing_of_the_tables_is_given_back_for_it",
    ),
    Guard(
        "P3: in an outage too, a denied request takes nothing of the other rules",
        "ratelimit_ddb/web/gate/evaluator.py",
        "self._decided(charge, outage, meters[index], takes=takes)",
        "self._decided(charge, outage, meters[index])",
        f"{_LOCAL}p3_a_request_that_one_rule_denies_takes_nothing_of_the_others",
    ),
    Guard(
        "P10: rules limit in an outage unless told otherwise",
        "ratelimit_ddb/web/gate/options.py",
        '"on_outage": "local",',
        '"on_outage": "allow",',
        f"{_LOCAL}a_middleware_keeps_its_rules_and_answers_429",
    ),
    Guard(
        "what was not asked is no call",
        "ratelimit_ddb/operations/meter.py",
        "                except NotAsked as outage:\n"
        "                    operation = flow.throw(outage)\n",
        "",
        f"{_EVENTS}a_decision_that_does_not_ask_is_told_as_one",
    ),
)
