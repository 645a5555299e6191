"""The guards of what happens to sessions at once: requests that are under way at a login."""

from __future__ import annotations

from tests.guards.guard import Guard

_REPLACED = "tests/sessions/test_replaced.py::test_"
_LONG = "tests/contract/test_long_requests.py::test_"
_REVOCATION = "tests/contract/test_revocation.py::test_"

LIVES = (
    Guard(
        "what one thread sets while another saves is not overlooked",
        "sessions/values/values.py",
        "        with self.lock:\n            if len(self._unread)",
        "        if True:\n            if len(self._unread)",
        "tests/sessions/test_values.py"
        "::test_what_one_thread_sets_while_another_saves_is_not_overlooked",
    ),
    Guard(
        "a request under way at a login sets no cookie",
        "sessions/lifecycle/commit.py",
        "if state.replaced is not None and not is_login:",
        "if state.replaced is not None and state.is_loaded is None:",
        f"{_REPLACED}a_request_under_way_at_a_login_sets_no_cookie_and_changes_nothing",
    ),
    Guard(
        "a replaced id is not taken for an unknown one",
        "sessions/lifecycle/load.py",
        "return LoadedSession(replaced=found)",
        "return InvalidReason.UNKNOWN",
        f"{_REPLACED}a_request_under_way_at_a_login_sets_no_cookie_and_changes_nothing",
    ),
    Guard(
        "a session is replaced still after its changes were dropped",
        "sessions/session_state.py",
        "self.set_loaded(LoadedSession(replaced=self.replaced, end_reason=self.end_reason))",
        "self.set_loaded(NO_SESSION)",
        f"{_REPLACED}what_is_set_after_a_save_that_was_dropped_is_dropped_too",
    ),
    Guard(
        "dropped changes are told",
        "sessions/lifecycle/revocation.py",
        'config.events.emit("dropped", session.replaced.session_id, None, "replaced")',
        "pass",
        f"{_REPLACED}its_changes_are_told_and_raised_if_that_is_asked_for",
    ),
    Guard(
        "a second login takes the values along",
        "sessions/lifecycle/new_id.py",
        "            return _Taken(encoded, found.session_id)\n",
        "            return _NOTHING\n",
        f"{_REPLACED}a_double_click_on_log_in_keeps_the_cart_whichever_cookie_comes_last",
    ),
    Guard(
        "a second login takes only its own user's values along",
        "sessions/lifecycle/new_id.py",
        "if found.owner_id != session.login_user_id or isinstance(encoded, InvalidReason):",
        "if isinstance(encoded, InvalidReason):",
        f"{_REPLACED}a_second_login_as_somebody_else_gets_nothing_of_the_first",
    ),
    Guard(
        "a logout leaves what says that an id was replaced",
        "sessions/store/memory.py",
        "if row is None or row.is_tombstone or self._rows.remove(session_id, writes):",
        "if row is None or self._rows.remove(session_id, writes):",
        f"{_REPLACED}an_end_that_was_under_way_leaves_what_tells_of_the_login",
    ),
    Guard(
        "a logout holds, whatever becomes of what was set after it",
        "sessions/lifecycle/commit.py",
        "            yield from _log_out(config, state, deleted)\n        raise",
        "            pass\n        raise",
        f"{_REPLACED}a_logout_holds_though_what_was_set_after_it_is_too_large",
    ),
    Guard(
        "the secret of CSRF tokens is no race",
        "sessions/session.py",
        "secret = self._request_session.state.csrf_secret()\n            if secret is None:",
        "secret = values.get(csrf.CSRF)\n            if secret is None:",
        "tests/sessions/test_flash_csrf.py::test_tokens_of_pages_that_are_made_at_once_are_all_good",
    ),
    Guard(
        "a rotation keeps the forms of before valid",
        "sessions/lifecycle/new_id.py",
        "            values.setdefault(CSRF, encode(CSRF, secret))",
        "            pass",
        "tests/sessions/test_flash_csrf.py::test_a_token_is_good_after_a_rotation",
    ),
    Guard(
        "strict revocation finds what began without it",
        "sessions/lifecycle/user_sessions.py",
        "indexed: list[str] = yield ByOwner(user_id)",
        "indexed: list[str] = [] if exact else (yield ByOwner(user_id))",
        f"{_REVOCATION}strict_revocation_switched_on_ends_what_began_without_it",
    ),
    Guard(
        "a list forgets no session that is over by this clock only",
        "sessions/lifecycle/user_sessions.py",
        "gone = registered.difference(row.session_id for row in rows if not row.is_tombstone)",
        "gone = registered.difference(row.session_id for row in rows if row.is_live(now))",
        f"{_REVOCATION}a_list_forgets_no_session_that_a_slower_clock_prolongs",
        (
            "sessions/lifecycle/user_sessions.py",
            "indexed: list[str] = yield ByOwner(user_id)",
            "indexed: list[str] = [] if exact else (yield ByOwner(user_id))",
        ),
    ),
    Guard(
        "who asks to end all others is kept, though rotated meanwhile",
        "sessions/lifecycle/user_sessions.py",
        "spared = yield from _successors(user_id, except_id)",
        "spared = frozenset([except_id])",
        f"{_REVOCATION}the_one_that_asks_is_kept_though_its_id_is_another_by_now",
    ),
    Guard(
        "a namespace keeps users apart",
        "sessions/lifecycle/user_sessions.py",
        "return namespace is None or row.namespace == namespace",
        "return True",
        f"{_REVOCATION}users_of_one_id_in_two_applications_are_two_users",
    ),
    Guard(
        "an encrypted session is of the user whom it was made for",
        "sessions/lifecycle/load.py",
        "            config.cipher.require_seal(row.seal, row.sealed)\n",
        "            pass\n",
        "tests/sessions/test_cipher.py::test_a_row_that_was_given_to_another_user_does_not_open",
    ),
    Guard(
        "an encrypted session leads to what it was rotated to, and nowhere else",
        "sessions/lifecycle/load.py",
        "    return row.predecessor == rotated\n",
        "    return True\n",
        "tests/sessions/test_cipher.py::test_a_session_that_was_led_to_another_users_does_not_open",
    ),
    Guard(
        "on_revoked='raise' tells it though nothing was changed",
        "sessions/lifecycle/commit.py",
        "            if config.raise_on_revoked:\n",
        "            if row is None:\n",
        f"{_LONG}on_revoked_raise_tells_it_though_nothing_was_changed",
    ),
    Guard(
        "a long request learns of the end of its session",
        "sessions/lifecycle/reload.py",
        "        return False\n",
        "        return True\n",
        f"{_LONG}a_long_request_learns_that_its_session_has_ended",
    ),
    Guard(
        "a websocket of days follows each rotation",
        "sessions/lifecycle/reload.py",
        "    state.last_id = found.session_id",
        "    state.last_id = None",
        "tests/sessions/test_long_requests.py"
        "::test_a_websocket_of_days_reads_what_was_rotated_since_it_last_looked",
    ),
    Guard(
        "reading again loses no change",
        "sessions/lifecycle/reload.py",
        "if has_changed(state, state.data.changes()):\n"
        "        raise SessionNotSaved(_CHANGED)\n    if state.row",
        "if False:\n        raise SessionNotSaved(_CHANGED)\n    if state.row",
        f"{_LONG}what_is_read_again_is_what_others_made_of_it",
        # It is looked at once more when what was read is taken over.
        second=(
            "sessions/lifecycle/reload.py",
            "if has_changed(state, state.data.changes()):  # by another task",
            "if False:  # by another task",
        ),
    ),
)
