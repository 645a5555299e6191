"""The guards of the stores of sessions: what holds however much there is of it."""

from __future__ import annotations

from tests.guards.guard import Guard

_STORE = "sessions/store/"
_MANY = "tests/sessions/test_many_sessions.py::test_"

SESSION_STORES = (
    Guard(
        "A10: the number of a user's sessions does not make a revocation fail",
        f"{_STORE}user_sessions.py",
        "self.is_exact_by_owner, except_)\n"
        "    return run(flow, self, self.deadline_seconds, for_each=True)",
        "self.is_exact_by_owner, except_)\n    return run(flow, self, self.deadline_seconds)",
        f"{_MANY}the_number_of_a_users_sessions_is_no_reason_to_fail",
    ),
    Guard(
        "A10: what a revocation could not do is told",
        "sessions/lifecycle/user_sessions.py",
        "except StoreUnavailable as outage:",
        "except ZeroDivisionError as outage:",
        f"{_MANY}what_a_revocation_could_not_do_any_more_is_told",
    ),
    Guard(
        "A10: a user's many sessions are asked for side by side",
        f"{_STORE}dynamodb/side_by_side.py",
        "CONNECTIONS = 16",
        "CONNECTIONS = 1",
        f"{_MANY}most_connections_are_left_to_the_site",
    ),
    Guard(
        "A10: a user's many sessions leave most connections to the site",
        f"{_STORE}dynamodb/side_by_side.py",
        "CONNECTIONS = 16",
        "CONNECTIONS = 64",
        f"{_MANY}most_connections_are_left_to_the_site",
    ),
    Guard(
        "A10: after a failure nothing more is sent",
        f"{_STORE}dynamodb/side_by_side.py",
        "        finally:\n            unsent.clear()\n",
        "        finally:\n            pass\n",
        f"{_MANY}after_a_failure_nothing_more_is_sent_and_nothing_is_under_way",
    ),
)
