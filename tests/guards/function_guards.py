"""The guards of ``@rate_limited``: what never stops an event loop, and never shares a bucket."""

from __future__ import annotations

from tests.guards.guard import Guard

_TESTS = "tests/ratelimit_ddb/test_decorator.py::test_a_"

FUNCTIONS = (
    Guard(
        "a coroutine function behind a wrapper does not block the event loop",
        "ratelimit_ddb/decorator/coroutine.py",
        "    return ReturnKind.EITHER",
        "    return ReturnKind.VALUE",
        f"{_TESTS}coroutine_function_is_found_behind_what_calls_it",
    ),
    Guard(
        "a plain function that blocks an event loop says so",
        "ratelimit_ddb/decorator/limited_call.py",
        "        if in_event_loop():\n            warnings.warn(",
        "        if False:\n            warnings.warn(",
        f"{_TESTS}plain_function_that_is_called_in_an_event_loop_says_that_it_stops_it",
    ),
    Guard(
        "a limiter that blocks an event loop says so",
        "ratelimit_ddb/operations/driver.py",
        "    if in_loop and decides and not store.in_process:",
        "    if in_loop and decides and store.in_process:",
        "tests/ratelimit_ddb/test_blocking_in_event_loop.py::"
        "test_a_decision_by_the_table_that_stops_an_event_loop_warns_and_names_the_way_out",
    ),
    Guard(
        "a fork leaves no lock of names behind that nobody releases",
        "ratelimit_ddb/decorator/function_name.py",
        'if hasattr(os, "register_at_fork"):',
        "if False:",
        f"{_TESTS}forked_child_decorates_though_a_thread_of_its_parent_was_about_to",
    ),
    Guard(
        "a fork leaves no turn at a rules file behind that nobody ends",
        "ratelimit_ddb/web/rules/rules_file.py",
        "        at_fork(self)\n",
        "",
        "tests/web/test_rules_file.py::"
        "test_a_forked_child_follows_the_file_though_a_thread_of_its_parent_was_reading_it",
    ),
    Guard(
        "a second function of one name is refused",
        "ratelimit_ddb/decorator/function_name.py",
        "if all(known.gives_way_to(owner) for known in owners):",
        "if True:",
        f"{_TESTS}second_function_of_one_name_is_refused_without_a_scope",
    ),
)
