"""The guards of sessions where they meet applications, frameworks and servers."""

from __future__ import annotations

from tests.guards.guard import Guard

_NAMES = "tests/sessions_web/test_names.py::test_"
_OUTAGE = "tests/sessions_web/test_outage.py::test_"
_SLOW = "tests/contract/test_slow_requests.py::test_"
_FAILURES = "tests/sessions_web/test_failures.py::test_"
_ASSIGNED = "tests/sessions_web/test_assignment.py::test_"
_LONG = "tests/contract/test_long_requests.py::test_"
_TASKS = "tests/sessions_web/test_tasks_of_a_request.py::test_"
_COOKIES = "tests/sessions_web/test_forged_cookies.py::test_"

SESSIONS_ON_THE_WEB = (
    Guard(
        "a name of the session gives way to the application's key",
        "sessions/session_mapping.py",
        "            if name in request_session.state.data:",
        "            if False:",
        f"{_NAMES}a_template_gets_the_applications_key_of_any_name",
    ),
    Guard(
        "a CDN is not told to store a response that sets the cookie",
        "sessions/cookie/headers.py",
        'return lower.endswith("cache-control") or lower in _OF_SOME_CACHES',
        'return lower == "cache-control"',
        "tests/sessions_web/test_caching.py"
        "::test_no_cache_is_told_to_store_a_response_that_sets_the_cookie",
    ),
    Guard(
        "clear() is a logout",
        "sessions/session.py",
        "        self._used()\n        self._request_session.logout()\n\n    # Its state",
        "        for key in list(self):\n            del self[key]\n\n    # Its state",
        f"{_NAMES}clear_logs_out",
    ),
    Guard(
        "a cookie that leads to no session hides none behind it",
        "sessions/lifecycle/load.py",
        "            continue\n",
        "            break\n",
        f"{_COOKIES}a_session_is_found_behind_cookies_that_lead_to_none",
    ),
    Guard(
        "a malformed cookie hides none behind it",
        "sessions/cookie/token.py",
        "for value in dict.fromkeys(values))",
        "for value in list(values)[:1])",
        f"{_COOKIES}a_session_is_found_behind_cookies_that_lead_to_none",
    ),
    Guard(
        "a dead cookie of before hides none behind it",
        "sessions/previous_cookie.py",
        "list(islice(dict.fromkeys(values), MAX_COOKIES))",
        "list(islice(values, 1))",
        "tests/sessions/test_previous.py::test_b20_a_dead_old_cookie_hides_none_behind_it",
    ),
    Guard(
        "a logout ends what a cookie of before would begin",
        "sessions/lifecycle/commit.py",
        "        yield from end_previous(session.config, credential.previous, own)\n",
        "        pass\n",
        "tests/sessions/test_previous.py::test_b20_nor_after_a_logout_of_another_session_beside_it",
    ),
    Guard(
        "a key that is not set signs no cookie of before",
        "sessions/previous.py",
        "    if not isinstance(key, str):\n",
        "    key = str(key)\n    if not isinstance(key, str):\n",
        "tests/sessions/test_previous.py::test_b20_a_starlette_key_that_is_not_set_is_refused",
    ),
    Guard(
        "a part's session middleware leaves the session of the whole alone",
        "sessions/wsgi.py",
        "            environ = {**environ}\n",
        "            pass\n",
        f"{_ASSIGNED}a_part_with_a_session_middleware_of_its_own_has_its_own",
    ),
    Guard(
        "a middleware outside keeps its own session",
        "sessions/asgi.py",
        "            scope = {**scope}\n",
        "            pass\n",
        "tests/sessions_web/test_asgi.py::test_a_middleware_outside_keeps_its_own_session",
    ),
    Guard(
        "tasks of one request save its session in turn",
        "sessions/operations/driver.py",
        "        async with self._task_lock:\n",
        "        if True:\n",
        f"{_TASKS}all_that_tasks_save_in_a_new_session_is_there",
    ),
    Guard(
        "a task of one request saves its session in turn with its threads",
        "sessions/operations/driver.py",
        "if not self.thread_lock.acquire(blocking=False):",
        "if self.thread_lock.acquire(blocking=False) is None:",
        f"{_TASKS}a_session_that_tasks_and_threads_save_first_is_one",
    ),
    Guard(
        "a logout while another task of the request saves is not undone by that",
        "sessions/lifecycle/commit.py",
        "committed = SessionState(*attributes_of(begun))",
        "committed = session.state",
        f"{_TASKS}a_logout_while_another_task_saves_holds",
    ),
    Guard(
        "what a task reads again does not take the place of what another has done",
        "sessions/lifecycle/reload.py",
        "    if has_changed(state, state.data.changes()):  # by another task:"
        " not to be overwritten\n",
        "    if False:\n",
        f"{_TASKS}what_is_set_while_another_task_reloads_is_not_lost",
    ),
    Guard(
        "a request that has logged in looks at the session of that login",
        "sessions/lifecycle/commit.py",
        "        state.last_id = None  # it belongs to the old id\n",
        "        pass\n",
        f"{_LONG}after_its_own_login_the_request_looks_at_that",
    ),
    Guard(
        "of many cookies few are tried",
        "sessions/cookie/token.py",
        "return dict(islice(well_formed, MAX_COOKIES))",
        "return dict(well_formed)",
        f"{_COOKIES}at_most_three_are_tried",
    ),
    Guard(
        "a logout ends the sessions of all cookies",
        "sessions/lifecycle/commit.py",
        "    if len(credential.tokens) > 1:\n",
        "    if False:\n",
        f"{_COOKIES}a_logout_ends_the_sessions_of_all_cookies",
    ),
    Guard(
        "Django's session is that of the very name",
        "sessions/django/middleware.py",
        "        if field is None or _is_changed(request):",
        "        if field is not None:",
        "tests/frameworks/test_django_session_cookies.py::test_only_the_very_name_is_the_sessions",
    ),
    Guard(
        "what an application assigns in place of its session counts",
        "sessions/assignment.py",
        "if found is self.session or self._is_of_another_middleware(found):",
        "if True:",
        f"{_ASSIGNED}a_mapping_that_is_assigned_is_the_session_from_then_on",
    ),
    Guard(
        "Litestar's clear_session is a logout",
        "sessions/assignment.py",
        "return types is not None and found is types.Empty",
        "return False",
        "tests/frameworks/test_litestar_sessions.py::test_clear_session_is_a_logout_whatever_the_response",
    ),
    Guard(
        "a part's own sessions are not taken for an assignment",
        "sessions/assignment.py",
        'return isinstance(found, getattr(module, "Session", ()))',
        "return module is None",
        f"{_ASSIGNED}a_part_with_starlettes_own_sessions_has_its_own",
    ),
    Guard(
        "a part's sessions of starsessions are not taken for an assignment",
        "sessions/assignment.py",
        "if _has_starsessions(self.mapping) or _is_starlettes(found):",
        "if _is_starlettes(found):",
        f"{_ASSIGNED}a_part_with_starsessions_has_its_own",
    ),
    Guard(
        "a part's sessions of an older Starlette are not taken for an assignment",
        "sessions/assignment.py",
        "if app is not self.app and _has_starlettes_sessions(app):",
        "if False:",
        f"{_ASSIGNED}a_part_with_the_sessions_of_an_older_starlette_has_its_own",
    ),
    Guard(
        "Starlette's sessions around the middleware hide no assignment within",
        "sessions/assignment.py",
        "if app is not self.app and _has_starlettes_sessions(app):",
        "if _has_starlettes_sessions(app):",
        f"{_ASSIGNED}an_assignment_counts_within_starlettes_sessions",
    ),
    Guard(
        "a client that quotes a cookie's value is known",
        "sessions/cookie/cookie.py",
        'values.append(_unquoted(value.strip(" \\t")))',
        'values.append(value.strip(" \\t"))',
        "tests/sessions_web/test_forged_cookies.py::test_a_client_that_quotes_values_is_known",
    ),
    Guard(
        "a logout holds if the application fails then (ASGI)",
        "sessions/asgi.py",
        "await _uncancelled(request_session.driver.run_async(end_failed(request_session)), error)",
        "pass",
        f"{_FAILURES}a_logout_holds_under_every_mounting_in_starlette",
    ),
    Guard(
        "a logout holds if the application fails then (WSGI)",
        "sessions/wsgi.py",
        "on_failure.callback(lambda: session.driver.run(end_failed(session)))",
        "pass",
        f"{_FAILURES}a_logout_holds_if_the_application_fails_then",
    ),
    Guard(
        "a logout holds if a view of Flask fails then",
        "sessions/flask/interface.py",
        "flask.request_tearing_down.connect(self._end_failed)",
        "pass",
        f"{_FAILURES}a_logout_holds_in_flask_if_a_view_fails_then",
    ),
    Guard(
        "a body that is closed unread loses no change",
        "sessions/wsgi.py",
        "            self._session.driver.run(start_response(self._session, is_sent=False))",
        "            pass",
        f"{_FAILURES}a_wsgi_body_that_is_closed_early_loses_no_change",
    ),
    Guard(
        "a late logout holds without save()",
        "sessions/lifecycle/commit.py",
        "    if state.deleted_row is not None:\n"
        "        yield from commit_request(session, state.copy(), UNCHANGED)\n    if",
        "    if",
        f"{_FAILURES}a_logout_in_a_stream_holds_without_save",
    ),
    Guard(
        "a long User-Agent fails no login",
        "sessions/arguments.py",
        "return unicode.strip()[:MAX_DEVICE_CHARACTERS] or None",
        "return unicode.strip() or None",
        "tests/sessions/test_session.py::test_what_a_browser_calls_itself_fails_no_login",
    ),
    Guard(
        "Django's update() refuses what can't be stored where it is set",
        "sessions/django/store.py",
        "super().update(_encodable(dict_))",
        "super().update(dict_)",
        "tests/frameworks/django_session_store/test_data.py",
    ),
    Guard(
        "SessionTooLarge cuts long keys",
        "sessions/operations/row.py",
        'f"{shown(key)} {size_bytes[key]:,} bytes"',
        'f"{key!r} {size_bytes[key]:,} bytes"',
        "tests/sessions/test_size.py",
    ),
    Guard(
        "messages that are left at once are all shown",
        "sessions/values/flash.py",
        'values[f"{prefix}{order}{secrets.token_hex(4)}"] = message',
        'n = len(keys_of_messages(values, prefix))\n    values[f"{prefix}{n:024}"] = message',
        "tests/sessions/test_flash_csrf.py::test_messages_that_are_left_at_once_are_all_shown",
    ),
    Guard(
        "a request that lasts over the idle end keeps its changes",
        "sessions/config/timeouts.py",
        "            return row.expires_at - 1",
        "            return now",
        f"{_SLOW}a_change_of_a_request_that_lasts_over_the_idle_end_is_kept[memory-blocking-1]",
    ),
    Guard(
        "none passes the end of the lifetime",
        "sessions/config/timeouts.py",
        "in_time_until = min(loaded_at + idle_seconds, row.ends_at)",
        "in_time_until = loaded_at + idle_seconds",
        f"{_SLOW}none_passes_the_end_of_the_lifetime[memory-blocking]",
    ),
    Guard(
        "a request that is slower than a rotation's grace keeps its changes",
        "sessions/lifecycle/load.py",
        "        if len(rows) != 1 or rows[0].successor is None:\n",
        "        if len(rows) != 1 or rows[0].successor is None or now >= rows[0].expires_at:\n",
        f"{_SLOW}a_change_of_a_request_that_is_slower_than_a_rotations_grace_is_kept[memory-blocking-20-1]",
    ),
    Guard(
        "a page that does not use its session is shown though the table is out of reach",
        "sessions/asgi.py",
        "load_session(request_session, defers=True)",
        "load_session(request_session)",
        f"{_OUTAGE}a_page_that_does_not_use_its_session_is_shown",
    ),
    Guard(
        "a logout is never dropped in an outage",
        "sessions/request_session.py",
        '        self.state.require_readable("session.logout()")\n',
        "",
        f"{_OUTAGE}a_logout_is_never_dropped",
    ),
    Guard(
        "changes of a session that could not be read are not saved in another",
        "sessions/lifecycle/commit.py",
        "    if begun.load_error is not None and begun.login_user_id is None:\n",
        "    if False:\n",
        f"{_OUTAGE}changes_of_the_empty_one_are_dropped_and_told",
    ),
    Guard(
        "a partitioned cookie is Secure",
        "sessions/cookie/cookie.py",
        "if self.partitioned and not self.secure:",
        "if False:",
        "tests/sessions/test_cookie.py::test_what_browsers_would_refuse_is_refused_at_once",
    ),
    Guard(
        "a setting of Flask's that contradicts an option is refused",
        "sessions/flask/settings.py",
        "if options.setdefault(option, value) != value:",
        "if not options.setdefault(option, value):",
        "tests/frameworks/flask_sessions/test_settings.py::test_what_cant_be_followed_is_refused",
    ),
    Guard(
        "a cookie that a test client would never send is told",
        "sessions/asgi.py",
        'warn_if_never_sent(session.config.cookie, added, scope.get("scheme"), host)',
        "pass",
        "tests/sessions_web/test_testing.py::test_a_cookie_that_a_test_client_would_never_send_is_told",
    ),
    Guard(
        "asking how long a session lives does not prolong it",
        "sessions/lifecycle/commit.py",
        "(state.is_use and use.is_due)",
        "use.is_due",
        "tests/sessions_web/test_seconds_left.py::test_asking_idly_prolongs_nothing_and_writes_nothing",
        (
            "sessions/session_state.py",
            "row is not None and self.is_use and timeouts",
            "row is not None and timeouts",
        ),
    ),
    Guard(
        "a login after a failed save was told to nobody",
        "sessions/failed_save.py",
        "failed is None or session.is_ended_or_begun_since(failed)",
        "failed is None",
        "tests/sessions_web/test_saves_that_fail.py::"
        "test_a_login_or_logout_after_it_was_not_told_and_raises",
    ),
    Guard(
        "a save that succeeded leaves no failure behind",
        "sessions/lifecycle/save_now.py",
        "    session.failed_save = None\n    return result\n",
        "    return result\n",
        "tests/sessions_web/test_saves_that_fail.py::test_a_save_that_succeeds_after_it_ends_that",
    ),
    Guard(
        "who is told of an event can't undo it",
        "sessions/event.py",
        "            except Exception:",
        "            except KeyError:",
        "tests/sessions_web/test_events.py::"
        "test_an_event_function_that_raises_fails_no_request_and_is_logged",
    ),
    Guard(
        "a login is one step to a thread that saves",
        "sessions/session_state.py",
        "    @_atomic\n    def login(",
        "    def login(",
        "tests/sessions_web/test_tasks_of_a_request.py::"
        "test_a_login_is_one_step_to_a_thread_that_saves",
    ),
    Guard(
        "a logout comes before a save or after it",
        "sessions/session_state.py",
        "begun = self.copy()\n        return begun, begun.data.changes()",
        "changes = self.data.changes()\n        return self.copy(), changes",
        "tests/sessions_web/test_tasks_of_a_request.py::"
        "test_a_logout_while_another_thread_begins_to_save_leaves_nothing",
    ),
)
