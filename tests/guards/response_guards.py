"""Guards of what follows from a response, and of who is blocked or listed."""

from __future__ import annotations

from tests.guards.guard import Guard

_GIVE_BACK = "tests/web/test_give_back.py::test_"

RESPONSES = (
    Guard(
        "P1: a client that goes away before the answer has guessed",
        "ratelimit_ddb/asgi/responses.py",
        "    except Exception as error:",
        "    except BaseException as error:",
        f"{_GIVE_BACK}a_client_that_goes_before_the_answer_has_guessed",
    ),
    Guard(
        "a response is asked about once",
        "ratelimit_ddb/web/gate/response_refund.py",
        "if not entry.has_response and",
        "if",
        f"{_GIVE_BACK}an_exception_in_the_middle_of_a_response_changes_nothing",
    ),
    Guard(
        "a function in the place of an answer gives nothing back",
        "ratelimit_ddb/web/gate/response_refund.py",
        "if inspect.isroutine(found):",
        "if False:",
        f"{_GIVE_BACK}a_function_that_returns_a_function_is_refused",
    ),
    Guard(
        "an application that runs when it is read is seen to raise",
        "ratelimit_ddb/wsgi.py",
        "return parts if has_started else _Unstarted(parts, self._gate, environ)",
        "return parts",
        f"{_GIVE_BACK}an_exception_counts_as_a_500_with_the_exception",
    ),
    Guard(
        "takes of one instant are given back whole in any order",
        "ratelimit_ddb/bucket/refund.py",
        "amount_ns < self.unspent_ns[index]:",
        "False:",
        "tests/property/test_refunds.py::"
        "test_p3_takes_of_one_instant_leave_no_trace_whatever_the_order_of_giving_back",
    ),
)
