"""What bounds the inputs that come from outside, in their form, their size and their time."""

from __future__ import annotations

from tests.guards.guard import Guard

RESPONSES = "tests/fuzz/test_responses.py"
LINEAR = "tests/fuzz/test_linear_time.py"

INPUTS = (
    Guard(
        rule="a response that is nested too deep is no reply",
        module="ddbwire/protocol/parse_response.py",
        guarded="except (ValueError, RecursionError):",
        unguarded="except ValueError:",
        test=f"{RESPONSES}::test_any_response_is_a_result_or_a_failed_attempt",
    ),
    Guard(
        rule="cancellation reasons of another form are not read",
        module="ddbwire/protocol/parse_response.py",
        guarded="_without_other_reasons(error)",
        unguarded="error",
        test=f"{RESPONSES}::test_any_response_is_a_result_or_a_failed_attempt",
    ),
    Guard(
        rule="a page in the place of DynamoDB's answer is an outage",
        module="ddbwire/protocol/parse_response.py",
        guarded="if http_response.status < 500 and not error_code(error):",
        unguarded="if False:",
        test="tests/ratelimit_ddb/test_dynamodb_store.py::test_what_answers_in_the_place_of_dynamodb_is_shown",
    ),
    Guard(
        rule="a response that states its length does not end with the connection",
        module="ddbwire/connections/response_reader.py",
        guarded=" or _LENGTHS & _headers_of(final).keys()",
        unguarded="",
        test="tests/ddbwire/test_reply.py::test_a_response_that_was_cut_off_does_not_end_with_the_connection",
    ),
    Guard(
        rule="the trailer section of a response sets no Date and no checksum",
        module="ddbwire/connections/response_reader.py",
        guarded="head = data[: data.find(_HEAD_END) + len(_HEAD_END)]",
        unguarded="head = data",
        test="tests/ddbwire/test_reply.py::test_the_fields_of_a_trailer_section_are_no_headers",
    ),
    Guard(
        rule="no message has the password of an endpoint",
        module="ddbwire/endpoint.py",
        guarded='return _USER_INFORMATION.sub("", text)',
        unguarded="return text",
        test="tests/ddbwire/test_resolution.py::test_no_message_has_the_password_of_an_endpoint",
    ),
    Guard(
        rule="a table described in another form leaves the error as it is",
        module="ddbwire/calls/key_schema.py",
        guarded="with suppress(AttributeError, LookupError, TypeError, ValueError):",
        unguarded="with suppress(ZeroDivisionError):",
        test="tests/contract/test_store_check.py::test_without_the_permission_to_describe_a_table_its_keys_are_not_told",
    ),
    Guard(
        rule="what may not be sent twice is sent over no connection that was closed meanwhile",
        module="ddbwire/connections/aio/connection.py",
        guarded="            and (repeatable or not self._readable(0))\n",
        unguarded="",
        test="tests/ddbwire/test_faults.py::test_a_connection_closed_while_the_loop_stands_still_is_replaced_unnoticed",
    ),
    Guard(
        rule="P10: what is sent faster than it can be read ends at the deadline",
        module="ddbwire/connections/blocking/connection.py",
        guarded="            if monotonic_ns() >= deadline_ns:\n                raise TimeoutError",
        unguarded="",
        test="tests/ddbwire/test_faults.py::test_p10_what_is_sent_faster_than_it_can_be_read_ends_at_the_deadline",
    ),
    Guard(
        rule="a provider that is not reached at the start is an outage",
        module="ddbwire/resolution/mistakes.py",
        guarded="        if is_provider_outage(error):\n            raise\n",
        unguarded="",
        test="tests/ddbwire/test_credentials.py::test_a_provider_of_the_applications_own_that_is_not_reached_at_the_start_is_an_outage",
    ),
    Guard(
        "P1: a reply that does not show what was taken admits nothing",
        "ratelimit_ddb/store/dynamodb/request.py",
        "if None in taken.full_at_ns:",
        "if False:",
        "tests/ratelimit_ddb/test_dynamodb_store.py::"
        "test_a_reply_that_is_not_dynamodbs_is_told_with_the_table_and_the_endpoint",
    ),
    Guard(
        "P16: a reply that does not show the slot gives none",
        "ratelimit_ddb/store/dynamodb/slot_request.py",
        "if isinstance(operation, TakeSlot) and operation.slot not in marks:",
        "if False:",
        "tests/ratelimit_ddb/test_dynamodb_store.py::"
        "test_p16_a_reply_that_does_not_show_the_slot_is_told_and_gives_none",
    ),
    Guard(
        "credentials of a short life are not renewed at each call",
        "ddbwire/signing/credentials.py",
        "if not needed(self._renew_within_seconds) and monotonic_ns() < self._serves_until_ns:",
        "if False:",
        "tests/ddbwire/test_credentials.py::test_keys_of_a_short_life_are_not_renewed_at_each_call",
    ),
    Guard(
        rule="a dot at the end of a host name is not part of its certificate",
        module="ddbwire/endpoint.py",
        guarded='name.removesuffix(".")',
        unguarded="name",
        test="tests/ddbwire/test_tls.py::test_a_dot_at_the_end_of_a_name_is_not_part_of_its_certificate",
    ),
    Guard(
        rule="an empty region in the environment is none",
        module="ddbwire/resolution/emulator.py",
        guarded="return of_defaults or configured or None",
        unguarded="return of_defaults or configured",
        test="tests/ddbwire/test_resolution.py::test_an_empty_region_is_none",
    ),
    Guard(
        rule="who stops waiting for a look-up cancels it for nobody",
        module="ddbwire/concurrency/threads.py",
        guarded="    future.set_running_or_notify_cancel()\n",
        unguarded="",
        test="tests/ddbwire/test_dial.py::test_who_stops_waiting_for_a_look_up_cancels_it_for_nobody",
    ),
    Guard(
        rule="a response without an end is not read on",
        module="ddbwire/connections/blocking/connection.py",
        guarded="            reader.require_bounded(len(data))\n",
        unguarded="",
        test=f"{RESPONSES}::test_a_connection_that_gets_too_much_is_not_used_again",
    ),
    Guard(
        rule="a reply of another service is a StoreError of the session store",
        module="sessions/store/dynamodb/unexpected_reply.py",
        guarded="except (AttributeError, KeyError, TypeError, ValueError) as error:",
        unguarded="except ZeroDivisionError as error:",
        test=f"{RESPONSES}::test_a_reply_of_another_service_is_named",
    ),
    Guard(
        rule="a number that is no time is no decision",
        module="ratelimit_ddb/store/dynamodb/request.py",
        guarded="if full_ns is not None and full_ns > _MOST:",
        unguarded="if False:",
        test=f"{RESPONSES}::test_any_reply_to_a_limiter_is_a_decision_or_a_store_error",
    ),
    Guard(
        rule="an integer of more than 64 bits is a mistake of the rules file",
        module="ratelimit_ddb/web/rules/rules_toml.py",
        guarded="not -(2**63) <= one < 2**63",
        unguarded="False",
        test="tests/fuzz/test_rules_files.py::test_any_content_is_rules_or_a_rules_error",
    ),
    Guard(
        rule="spaces in Forwarded are read once",
        module="ratelimit_ddb/web/identity/forwarded.py",
        guarded='r"""[ \\t]*+\n',
        unguarded='r"""[ \\t]*\n',
        test=f"{LINEAR}::test_known_traps_take_a_linear_time",
    ),
    Guard(
        rule="a limit's notation has a length",
        module="ratelimit_ddb/notation_length.py",
        guarded="if len(notation) > LONGEST_NOTATION:",
        unguarded="if False:",
        test=f"{LINEAR}::test_a_limit_of_very_many_digits_is_refused_in_words",
    ),
    Guard(
        rule="a session's JSON that something else wrote is a StoreError",
        module="sessions/values/values.py",
        guarded="except (RecursionError, TypeError, ValueError) as error:",
        unguarded="except ZeroDivisionError as error:",
        test="tests/fuzz/test_sessions.py::test_a_session_whose_json_somebody_else_wrote_says_so",
    ),
)
