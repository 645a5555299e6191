"""Guards of what follows from a response, and of who is blocked or listed."""

from __future__ import annotations

from tests.guards.guard import Guard

_BLOCKS = "tests/web/test_blocks.py::test_"
_LISTS = "tests/web/test_access_lists.py::test_"
_GIVE_BACK = "tests/web/test_give_back.py::test_"
_BY_FRAMEWORK = "tests/frameworks/test_give_back.py::test_"

RESPONSES = (
    Guard(
        "Django: the cookies of a denial are sent as they were written",
        "ratelimit_ddb/django/response.py",
        "        return self._field\n",
        "        return super().OutputString()\n",
        "tests/frameworks/test_django.py::test_cookies_of_a_denial_are_sent_as_they_were_written",
    ),
    Guard(
        "headers that can be read once reach the server",
        "ratelimit_ddb/asgi/response_refund.py",
        'message = {**message, "headers": [*map(tuple, message["headers"])]}',
        "pass",
        f"{_GIVE_BACK}headers_that_can_be_read_once_are_left_for_the_server",
    ),
    Guard(
        "fields that can occur once are not sent twice",
        "ratelimit_ddb/web/response/fields.py",
        "    if not any(name.lower() in _X_FIELDS for name in names):\n        return fields\n"
        "    return tuple([field for field in fields if field[0] not in _X_FIELDS])\n",
        "    return fields\n",
        "tests/web/test_fields.py::test_x_fields_that_the_application_sends_stay_the_only_ones",
    ),
    Guard(
        "P3: a request that is cancelled before it is answered was not free",
        "ratelimit_ddb/asgi/middleware.py",
        "except Exception:  # not where it is cancelled, as the client may have gone",
        "except BaseException:",
        "tests/web/test_reservations.py::"
        "test_p3_a_request_that_is_cancelled_before_it_is_answered_was_not_free",
    ),
    Guard(
        "what was used is told though the task is cancelled again and again",
        "ddbwire/concurrency/event_loop.py",
        "return await asyncio.shield(task)",
        "return await task",
        "tests/ratelimit_ddb/test_reservations.py::"
        "test_what_was_used_is_told_though_the_task_is_cancelled_again_and_again",
    ),
    Guard(
        "P1: a client that goes away before the answer has guessed",
        "ratelimit_ddb/asgi/response_refund.py",
        "    except Exception as error:",
        "    except BaseException as error:",
        f"{_GIVE_BACK}a_client_that_goes_before_the_answer_has_guessed",
    ),
    Guard(
        "an exception that says its status is no failure of the server",
        "ratelimit_ddb/web/response_head.py",
        "int(status) if isinstance(status, int) else None",
        "None",
        f"{_BY_FRAMEWORK}an_exception_that_says_its_status_is_not_counted_as_a_failure_of_the_server",
    ),
    Guard(
        "Starlette: of an exception that a handler answers nobody knows the status",
        "ratelimit_ddb/starlette/limited_endpoints.py",
        "return None if isinstance(exception, tuple(kinds)) else head_of_exception(exception)",
        "return head_of_exception(exception)",
        f"{_BY_FRAMEWORK}starlette_gives_nothing_back_for_an_exception_that_a_handler_answers_"
        "otherwise",
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
        "ratelimit_ddb/web/gate/awaitables.py",
        "if callable(given):",
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
        "a block is as long as those that are remembered make it",
        "ratelimit_ddb/bucket/violations.py",
        "self.for_ns << min(remembered, 64)",
        "self.for_ns",
        f"{_BLOCKS}each_block_lasts_twice_as_long_up_to_the_longest",
    ),
    Guard(
        "a clock ahead of another's makes no violation more",
        "ratelimit_ddb/bucket/violations.py",
        " + min(self.unit_ns // 2, _CLOCKS_APART_NS)",
        "",
        "tests/simulation/test_rule_blocks.py::test_blocks_are_earned_and_hold_over_every_history[0]",
    ),
    Guard(
        "P7: while a block lasts nothing is counted",
        "ratelimit_ddb/bucket/violations.py",
        "        if shown.blocked_ns > now_ns:\n            if shown.blocked_ns <=",
        "        if False:\n            if shown.blocked_ns <=",
        f"{_BLOCKS}p7_a_block_costs_a_write_for_each_violation_and_one_more",
    ),
    Guard(
        "a block that was lifted is not believed",
        "ratelimit_ddb/bucket/violations.py",
        "now_ns + denial.retry_after_ns + _CLOCK_READINGS_NS:",
        "now_ns + (1 << 62):",
        f"{_BLOCKS}a_block_that_another_process_lifted_is_not_told_any_more",
    ),
    Guard(
        "a block reaches the limits of another plan",
        "ratelimit_ddb/bucket/violations.py",
        "return all(map(int.__ge__, shown.full_at_ns, denies_ns))",
        "return bool(denies_ns)",
        f"{_BLOCKS}a_block_that_one_plan_began_denies_by_the_limits_of_another",
    ),
    Guard(
        "a block by hand is told as one",
        "ratelimit_ddb/bucket/debt.py",
        "names, cost_ns = (BLOCKED, *names), (1, *cost_ns)",
        'names, cost_ns = (":other", *names), (1, *cost_ns)',
        f"{_BLOCKS}a_key_that_was_blocked_by_hand_is_told_so",
    ),
    Guard(
        "P7: a denial that the limit alone explains reads nothing",
        "ratelimit_ddb/bucket/block_lookup.py",
        "return denial.retry_after_ns > cost * limit.unit_ns",
        "return denial.retry_after_ns > 0",
        f"{_BLOCKS}p7_a_denial_that_is_no_block_reads_nothing",
    ),
    Guard(
        "a listed key is read as a client's is",
        "ratelimit_ddb/web/rules/access_list.py",
        "found = identified(by, [spelling])",
        "found: Any = spelling",
        f"{_LISTS}a_listed_key_is_read_as_a_clients_is",
    ),
    Guard(
        "a part of an allowed key is not allowed",
        "ratelimit_ddb/web/rules/access_list.py",
        "for found in readings if len(found) == 1 for text in found",
        "for found in readings for text in found",
        f"{_LISTS}a_part_of_an_allowed_key_is_not_allowed",
    ),
    Guard(
        "who has no known address is denied by networks",
        "ratelimit_ddb/web/rules/access_list.py",
        "self._in_network(request, unknown=True)",
        "self._in_network(request, unknown=False)",
        f"{_LISTS}a_network_is_meant_however_its_addresses_are_written",
    ),
    Guard(
        "who has no known address is not allowed by networks",
        "ratelimit_ddb/web/rules/access_list.py",
        "self._in_network(request, unknown=False)",
        "self._in_network(request, unknown=True)",
        f"{_LISTS}who_has_no_known_address_is_not_allowed",
    ),
    Guard(
        "all keys that could be meant must be allowed",
        "ratelimit_ddb/web/rules/access_list.py",
        "return bool(keys) and not left",
        "return left != keys",
        f"{_LISTS}of_several_keys_one_is_enough_to_be_denied_and_all_are_needed_to_be_allowed",
    ),
    Guard(
        "a digest that is sent as a key is not the key",
        "ratelimit_ddb/web/rules/access_list.py",
        "for found in _readings_of(key, by)}",
        "for found in (\n            *_readings_of(key, by),\n"
        "            frozenset([__import__('hashlib').sha256(key.encode()).hexdigest()[:32]]),\n"
        "        )}",
        f"{_LISTS}a_digest_that_is_sent_as_a_key_is_not_the_key",
    ),
    Guard(
        "a preflight of who is denied is denied",
        "ratelimit_ddb/web/gate/charges.py",
        "if _charges_preflights(compiled) or compiled.deny",
        "if _charges_preflights(compiled)",
        f"{_LISTS}a_preflight_of_who_is_denied_is_denied",
    ),
    Guard(
        "a default rule denies whatever limits the view has",
        "ratelimit_ddb/web/gate/gate.py",
        "if not one.rule.default or one.quota.is_closed]",
        "if not one.rule.default]",
        f"{_LISTS}a_default_rule_denies_whatever_limits_the_view_has",
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
