"""The guards of outages and throttles."""

from __future__ import annotations

from tests.guards.guard import Guard

_THROTTLES = "tests/ratelimit_ddb/test_throttles.py::test_"
_WIRE_THROTTLES = "tests/ddbwire/test_throttles.py::test_"

OUTAGES = (
    Guard(
        "P14: a throttled key is denied, and no outage",
        "ratelimit_ddb/bucket/bucket.py",
        "            except KeyThrottled:\n                return throttled(self.limits[0])\n",
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
)
