"""The guards of requests with several limits: each decided by itself, and none keeps what another
denies."""

from __future__ import annotations

from tests.guards.guard import Guard

_EVALUATOR = "ratelimit_ddb/web/gate/evaluator.py"
_GATE = "ratelimit_ddb/web/gate/gate.py"
_VIEW = "ratelimit_ddb/web/gate/view.py"
_OUTAGES = "tests/web/test_rule_outages.py::test_"
_PLACES = "tests/frameworks/test_limits_in_several_places.py::test_"
_VIEWS = "tests/frameworks/test_view_limits.py::test_"

REQUESTS = (
    Guard(
        "the reason of a close fits into its frame",
        "ratelimit_ddb/asgi/websocket.py",
        "why[:_LONGEST_REASON]",
        "why",
        "tests/web/test_websockets.py::test_a_reason_fits_into_a_close_frame",
    ),
    Guard(
        "who is closed for good is not told to try again",
        "ratelimit_ddb/asgi/websocket.py",
        "code = _POLICY_VIOLATION",
        "code = _TRY_AGAIN_LATER",
        "tests/web/test_websockets.py::test_a_handshake_that_is_denied_for_good_is_told_no_time",
    ),
    Guard(
        "what the application closed while a message was judged is not closed again",
        "ratelimit_ddb/asgi/websocket.py",
        "            closed_by_application = message\n",
        "            pass\n",
        "tests/web/test_websockets.py"
        "::test_what_was_closed_while_a_message_was_judged_is_not_closed_again",
    ),
    Guard(
        "a view that was served in a batch keeps what it took",
        "ratelimit_ddb/web/gate/request_refund.py",
        "        if entry.is_served:",
        "        if False:",
        "tests/frameworks/test_limits_in_several_places.py::"
        "test_p3_after_a_part_that_was_served_what_a_denied_one_took_is_given_back",
        second=(
            "ratelimit_ddb/web/gate/request_refund.py",
            "        if not entry.is_served:",
            "        if True:",
        ),
    ),
    Guard(
        "P14: a message over a limit gives nothing back of the handshake and of earlier ones",
        "ratelimit_ddb/web/gate/ledger.py",
        "        ledger.entries.clear()",
        "        pass",
        "tests/frameworks/test_starlette_websockets.py::"
        "test_p14_who_floods_an_open_websocket_gets_nothing_back_of_it",
    ),
    Guard(
        "what has no text of its own is no id: each request would have a bucket",
        "ratelimit_ddb/web/identity/id_text.py",
        "isinstance(found, bool) or not is_id",
        "isinstance(found, bool)",
        "tests/web/test_identity.py::test_what_is_no_users_id_is_refused",
    ),
    Guard(
        "P3: an error handler that answers nothing lifts no limit in Flask",
        "ratelimit_ddb/flask/response.py",
        "if handled is None:",
        "if False:",
        "tests/frameworks/test_flask.py::"
        "test_an_error_handler_that_answers_nothing_lets_nobody_pass",
    ),
    Guard(
        "an identity that is given as exempt= exempts nobody",
        "ratelimit_ddb/web/identity/identity.py",
        "if source_of(function) is not None or whole_address_of(function) is not None:",
        "if False:",
        "tests/web/test_functions_of_requests.py::test_an_identity_in_another_place_is_refused",
    ),
    Guard(
        "a stream that breaks off keeps its estimate in Flask",
        "ratelimit_ddb/flask/response_end.py",
        "        if response is None:\n            end(failed=isinstance(exception, Exception))",
        "        if response is None or exception is not None:\n"
        "            end(failed=isinstance(exception, Exception))",
        "tests/frameworks/test_reservations.py::"
        "test_flask_keeps_the_estimate_of_a_stream_that_breaks_off",
    ),
    Guard(
        "P14: a path that the router fails at is counted",
        "ratelimit_ddb/starlette/routes.py",
        "except ValueError:\n            # Of a converter,",
        "except ZeroDivisionError:\n            # Of a converter,",
        "tests/frameworks/test_starlette.py::"
        "test_p14_a_path_that_the_router_fails_at_is_counted_first",
    ),
    Guard(
        "what was used by an estimate of 0 is charged",
        "ratelimit_ddb/web/gate/charges.py",
        "return max(cost, 1)",
        "return cost",
        "tests/web/test_reservations.py::test_an_estimate_of_nothing_is_settled_too",
    ),
    Guard(
        "P16: new rules that are refused do not lift the old ones' slots",
        "ratelimit_ddb/web/rules/rule_set.py",
        "self._current = (rules, compiled)\n            return\n",
        "self._current = (rules, compiled)\n            self.has_slots = _have_slots(rules)\n",
        "tests/web/test_in_flight.py::test_p16_slots_stay_limited_where_new_rules_are_refused",
    ),
    Guard(
        "P16: a slot is released though the rules changed meanwhile",
        "ratelimit_ddb/web/rules/rule_set.py",
        "self.has_slots = self.has_slots or _have_slots(rules)",
        "self.has_slots = _have_slots(rules)",
        "tests/web/test_in_flight.py::"
        "test_p16_a_slot_is_released_though_the_rules_changed_while_it_was_taken",
    ),
    Guard(
        "P16: Django's 304 leaves no slot behind",
        "ratelimit_ddb/django/response_end.py",
        "for one in (response, request):",
        "for one in (response,):",
        "tests/frameworks/test_in_flight.py::test_django_sends_a_304_without_a_slot_left_behind",
    ),
    Guard(
        "P16: a response that another takes the place of leaves no slot behind in Flask",
        "ratelimit_ddb/flask/response_end.py",
        "elif response.found() is None:",
        "elif False:",
        "tests/frameworks/test_reservations.py::"
        "test_flask_settles_what_another_response_took_the_place_of",
    ),
    Guard(
        "P3: a view's limit that is switched off replaces no default",
        _VIEW,
        'denies = limits is not None and chosen["enforce"] and gate.enabled',
        'denies = limits is not None and chosen["enforce"]',
        "tests/frameworks/test_default_rules.py::"
        "test_a_limit_that_never_denies_replaces_no_default_in_flask",
    ),
    Guard(
        "P14: the outage of a shadow rule denies nobody",
        _EVALUATOR,
        "return not decided.decision.allowed and decided.charge.rule.enforce",
        "return not decided.decision.allowed and (\n"
        "        decided.charge.rule.enforce or decided.outage is not None\n    )",
        f"{_OUTAGES}the_outage_of_a_rule_in_shadow_mode_denies_nobody_and_is_told",
    ),
    Guard(
        "P14: the outage of a shadow rule is not raised",
        _GATE,
        "for denial in verdict.denials if denial.outage is not None]",
        "for denial in verdict.decisions if denial.outage is not None]",
        f"{_OUTAGES}the_outage_of_a_rule_in_shadow_mode_denies_nobody_and_is_told",
        (_GATE, "if outages and len(outages) == len(verdict.denials):", "if outages:"),
    ),
    Guard(
        "P14: a denial by a limit stands though another rule's outage is to be raised",
        _GATE,
        "if outages and len(outages) == len(verdict.denials):",
        "if outages:",
        f"{_OUTAGES}p14_a_denial_stands_where_other_rules_get_no_answer",
    ),
    Guard(
        "P3: what a denied request took elsewhere is given back",
        "ratelimit_ddb/web/gate/request_refund.py",
        "everything = not verdict.allowed",
        "everything = False",
        f"{_PLACES}p3_what_was_taken_outside_is_given_back_where_the_inside_denies",
    ),
    Guard(
        "P3: a scope, environ or request that is used again is another request",
        "ratelimit_ddb/web/gate/ledger.py",
        "if found is None or found.creator is asker:",
        "if found is None:",
        "tests/frameworks/test_django_views.py::test_p3_so_it_is_before_the_middleware",
    ),
    Guard(
        "P3: what a request noted in an environ is not the next one's",
        "ratelimit_ddb/wsgi.py",
        "        self._gate.forget(environ)\n",
        "",
        f"{_PLACES}what_is_left_in_an_environ_is_not_given_back_for_the_next_request",
    ),
    Guard(
        "P1: limits for different methods of a view have a bucket each",
        _VIEW,
        "    if name is None:\n        name = default_name(own_name, methods)",
        "    if name is None:\n        name = own_name",
        f"{_VIEWS}limits_on_one_view_for_different_methods_have_a_bucket_each",
    ),
    Guard(
        "P1: two limits of one name on a view are refused",
        _VIEW,
        "if other[:3] == limit[:3]:",
        "if other is limit:",
        f"{_VIEWS}limits_of_one_name_on_one_view_are_refused",
    ),
    Guard(
        "P1: two views of one name are refused",
        _VIEW,
        'if owner is not None and chosen["name"] is None:',
        "if False:",
        f"{_VIEWS}a_second_view_of_one_name_is_refused_unless_it_is_given_one",
    ),
)
