"""The guards of the stores of sessions: what holds however much there is of it."""

from __future__ import annotations

from tests.guards.guard import Guard

_STORE = "sessions/store/"
_MANY = "tests/sessions/test_many_sessions.py::test_"

_TRANSLATION = f"{_STORE}dynamodb/translation.py"
_LARGE = "tests/sessions/test_dynamodb_store.py::test_a7_"
_WITHIN = "tests/sessions/test_calls_within_calls.py::test_"
_FULL = "tests/sessions/test_memory_store.py::test_"

_SWITCHING = "tests/contract/test_session_switching_on.py::test_b20_"

_LATE = "tests/contract/test_late_session_writes.py::test_"

_TAKE_OVER = "sessions/lifecycle/take_over.py"
_PREVIOUS = "tests/sessions/test_previous.py::test_b20_"

_DJANGO = "tests/frameworks/test_django_previous_sessions.py::test_b20_"

_COMMAND = "tests/sessions/test_cli.py::test_"

SESSION_STORES = (
    Guard(
        "no session is looked for in a namespace that no application can have",
        "sessions/arguments.py",
        "        require_namespace(namespace)\n",
        "        pass\n",
        "tests/contract/test_revocation.py::test_a_namespace_that_no_application_can_have_is_refused",
    ),
    Guard(
        "a save that arrives late does not undo a later one",
        "sessions/store/dynamodb/request.py",
        'condition = f"{_IS_LIVE} AND {_IS_LATEST}"',
        "condition = _IS_LIVE",
        f"{_LATE}a_save_that_arrives_after_a_later_one_changes_nothing",
    ),
    Guard(
        "nor does it in memory",
        "sessions/store/memory.py",
        " or row.last_seen_at > save.last_seen_at",
        "",
        f"{_LATE}a_save_that_arrives_after_a_later_one_changes_nothing",
    ),
    Guard(
        "a save is not refused by the date of a process whose clock is ahead",
        "sessions/lifecycle/commit.py",
        "max((yield ReadClock()), row.last_seen_at)",
        "yield ReadClock()",
        f"{_LATE}a_save_that_another_one_overtook_is_made_once_more",
    ),
    Guard(
        "an overtaken save of a strict session is no conflict by itself",
        "sessions/lifecycle/commit.py",
        "return config.strict and is_same and found.version != row.version",
        "return is_same",
        f"{_LATE}a_strict_save_is_no_conflict_where_only_a_use_was_noted_later",
    ),
    Guard(
        "a session that has ended is not begun again by its first write, arriving late",
        "sessions/store/dynamodb/request.py",
        '"ConditionExpression": "attribute_not_exists(#s)",',
        '"ConditionExpression": "attribute_not_exists(#s) OR attribute_exists(#s)",',
        f"{_LATE}a_session_that_was_logged_out_is_not_begun_by_its_first_write_once_more",
    ),
    Guard(
        "an operator's revocation misses no login that only the register has",
        "sessions/cli/store.py",
        "strict_revocation=True",
        "strict_revocation=False",
        f"{_COMMAND}revoke_all_ends_a_login_that_only_the_register_has",
    ),
    Guard(
        "a device's name does nothing to an operator's terminal",
        "ddbwire/shared/command_line/printable.py",
        "sign if sign.isprintable() else",
        "sign if sign else",
        f"{_COMMAND}a_terminal_is_not_told_what_a_device_would_have_it_do",
    ),
    Guard(
        "an id that starts with - is no option of the command",
        "sessions/cli/arguments.py",
        'joined[-1] = f"--session={argument}"',
        "joined.append(argument)",
        f"{_COMMAND}revoke_ends_the_one_session",
    ),
    Guard(
        "B20: of requests with one old key in Django, one sets the cookie",
        "sessions/django/keyed_session.py",
        "elif taken.cookie_is_due:",
        "else:",
        f"{_DJANGO}a_second_request_sets_no_cookie_beside_the_first",
    ),
    Guard(
        "B20: a session that went on is deleted from Django's engine of before",
        "sessions/django/previous.py",
        "                    if found.loaded.row is not None:\n"
        "                        old.delete(old.session_key)\n",
        "",
        f"{_DJANGO}the_old_session_is_deleted",
    ),
    Guard(
        "B20: an old cookie begins no session a second time",
        _TAKE_OVER,
        "if mark.rows or found is not InvalidReason.UNKNOWN:",
        "if False:",
        f"{_PREVIOUS}an_old_cookie_is_worth_nothing_after_a_logout",
    ),
    Guard(
        "B20: nor where the request that took it over failed in between",
        _TAKE_OVER,
        "yield from _mark(config, token, max_age)  #",
        "#",
        f"{_PREVIOUS}nor_where_the_request_that_took_it_over_failed_in_between",
    ),
    Guard(
        "B20: an old cookie whose session is over, and was not marked, is none",
        _TAKE_OVER,
        " or found is not InvalidReason.UNKNOWN",
        "",
        f"{_PREVIOUS}nor_where_the_request_that_took_it_over_failed_in_between",
    ),
    Guard(
        "B20: an old cookie that is written in another way is none",
        "sessions/previous.py",
        "return base64_encode(base64_decode(signature)).decode() == signature",
        "return True",
        f"{_PREVIOUS}a_signed_cookie_that_is_written_in_another_way_is_none",
    ),
    Guard(
        "B20: requests with one old cookie have one session",
        _TAKE_OVER,
        'return config.tokens.derived_from(f"{previous.cookie.name}={value}")',
        "return config.tokens.new()",
        f"{_PREVIOUS}requests_side_by_side_begin_one_session",
    ),
    Guard(
        "B20: only the request that begins the session sets its cookie",
        _TAKE_OVER,
        "is_late and is_its_own)",
        "True)",
        f"{_PREVIOUS}a_request_under_way_at_a_login_sets_no_cookie",
    ),
    Guard(
        "B20: an old session that can't be stored whole locks nobody out",
        _TAKE_OVER,
        "with suppress(TypeError, ValueError):",
        "with suppress(ZeroDivisionError):",
        f"{_PREVIOUS}what_cant_be_stored_is_left_behind_and_told",
    ),
    Guard(
        "B20: without UNSIGNED, a cookie without a MAC is refused",
        "sessions/cookie/token.py",
        "if self._accepts_unsigned and self._unsigned.fullmatch(value):",
        "if self._unsigned.fullmatch(value):",
        f"{_SWITCHING}what_is_not_protected_is_refused_once_the_exception_is_gone",
    ),
    Guard(
        "B20: without UNENCRYPTED, a value in the clear is refused",
        "sessions/values/cipher.py",
        "if self._reads_unencrypted and isinstance(encrypted, str):",
        "if isinstance(encrypted, str):",
        f"{_SWITCHING}what_is_not_protected_is_refused_once_the_exception_is_gone",
        (
            "sessions/values/cipher.py",
            "if seal is None and self._reads_unencrypted:",
            "if seal is None:",
        ),
    ),
    Guard(
        "A7: a large save is made only of a row that is still as it was read",
        f"{_STORE}dynamodb/request.py",
        'f"{_IS_LIVE} AND {_IS_LATEST} AND #v = :v",',
        'f"{_IS_LIVE} AND {_IS_LATEST}",',
        f"{_LARGE}a_save_of_many_keys_that_met_another_is_made_anew",
    ),
    Guard(
        "A7: no expression names more keys than one may",
        f"{_STORE}dynamodb/translation.py",
        "return 4 + 2 * len(save.changed) + len(save.removed) <= MAX_OPERATORS",
        "return True",
        f"{_LARGE}a_save_of_many_keys_that_met_another_is_made_anew",
    ),
    Guard(
        "A7: a strict large save meets another version and says so",
        _TRANSLATION,
        "if save.version is not None and row.version != save.version:",
        "if False:",
        f"{_LARGE}a_strict_save_of_many_keys_is_refused_by_another_version",
    ),
    Guard(
        "A7: a large save is not made to a row that is over",
        _TRANSLATION,
        "if row is None or not row.is_live(save.now) or row.last_seen_at > save.last_seen_at:",
        "if row is None:",
        f"{_LARGE}no_save_of_many_keys_is_written_to_a_row_that_is_over",
    ),
    Guard(
        "A11: a full memory store drops what is over before what is in use",
        f"{_STORE}memory_rows.py",
        "if first is None or first[0] > now:",
        "if True:",
        f"{_FULL}a11_what_is_over_is_dropped_before_anything_that_is_not",
    ),
    Guard(
        "A11: reading a session counts as its use",
        "sessions/store/memory.py",
        "row = self._rows.use(session_id, now)",
        "row = self._rows.get(session_id)",
        f"{_FULL}a11_who_is_active_stays_and_the_longest_idle_goes",
    ),
    Guard(
        "A11: what a full memory store drops is found without a search",
        f"{_STORE}memory_rows.py",
        "first = self._by_expiry.first()",
        "first = min((row.expires_at, key) for key, row in self._rows.items())",
        f"{_FULL}a11_a_new_session_in_a_full_store_takes_no_milliseconds",
    ),
    Guard(
        "a call of a memory store does not wait for the one around it",
        "sessions/store/memory.py",
        "        self._lock = threading.RLock()\n        at_fork(self)\n",
        "        self._lock = threading.Lock()\n        at_fork(self)\n",
        f"{_WITHIN}no_change_is_lost_for_one_in_its_midst",
    ),
    Guard(
        "no change of a memory store is lost for one in its midst",
        f"{_STORE}memory_rows.py",
        "        if self.writes != writes:\n            for row in new:\n",
        "        if False:\n            for row in new:\n",
        f"{_WITHIN}no_change_is_lost_for_one_in_its_midst",
    ),
    Guard(
        "a session is listed though the last one of its user ended in the midst",
        f"{_STORE}memory_rows.py",
        "        if not owned:\n            del self._by_owner[user_id]\n",
        "        self._by_owner.pop(user_id)\n",
        f"{_WITHIN}a_session_is_listed_that_begins_while_the_last_one_of_its_user_ends",
    ),
    Guard(
        "A10: the number of a user's sessions does not make a revocation fail",
        f"{_STORE}user_sessions.py",
        'return _run("revoke_user", flow, self, for_each=True)',
        'return _run("revoke_user", flow, self)',
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
    Guard(
        "a function of the application's takes no time of the deadline",
        "sessions/operations/driver.py",
        "deadline_ns, result = _NOT_BEGUN, _called(operation)",
        "result = _called(operation)",
        "tests/sessions/test_driver.py::"
        "test_a_function_of_the_applications_takes_no_time_of_the_deadline",
    ),
    Guard(
        "a page waits for the table's time while it is not known",
        "sessions/store/dynamodb/store.py",
        "if not self.clock.known:",
        "if False:",
        "tests/sessions/test_dynamodb_store.py"
        "::test_a_wrong_clock_of_the_host_is_found_out_by_the_first_read",
    ),
    Guard(
        "an outage does not hold up every request with a session",
        "sessions/store/dynamodb/breaker.py",
        "if now_ns < self._next_probe_ns:",
        "if False:",
        "tests/sessions/test_dynamodb_store.py::"
        "test_an_outage_costs_three_requests_their_deadline_and_then_one_a_second",
    ),
    Guard(
        "only outages in a row count",
        "sessions/store/dynamodb/breaker.py",
        "was_open, self._is_open, self._outages = self._is_open, False, 0",
        "was_open, self._is_open = self._is_open, False",
        "tests/sessions/test_dynamodb_store.py::test_only_outages_in_a_row_count",
    ),
)
