"""The guards of the sessions: by the eleven requirements, then by the faults of other stores."""

from __future__ import annotations

from tests.guards.guard import Guard

_R1 = "tests/sessions/test_requirements_1_to_4.py::test_r"
_R5 = "tests/sessions/test_requirements_5_to_8.py::test_r"
_R9 = "tests/sessions/test_requirements_9_to_11.py::test_r"
_CVES = "tests/sessions/test_cves.py::test_"
_IS_STALE = (
    "if row is None or not row.is_live(save.now) or row.last_seen_at > save.last_seen_at:\n"
    "                return False"
)

REQUIREMENTS = (
    Guard(
        "1: a token is random",
        "sessions/cookie/token.py",
        "return random_text[: self._form.token_characters]",
        'return f"{id(self):043d}"',
        f"{_R1}1_a_token_is_made_of_the_systems_random_bytes_alone",
    ),
    Guard(
        "1: an id is taken from the cookie of that name alone",
        "sessions/cookie/cookie.py",
        'if equals and name.strip(" \\t") == self.name:',
        'if equals and name.strip().endswith("session"):',
        f"{_R1}1_an_id_is_taken_from_the_named_cookie_alone",
    ),
    Guard(
        "2: a malformed id is refused before any call",
        "sessions/cookie/token.py",
        "if self._accepts_unsigned and self._unsigned.fullmatch(value):",
        "if self._accepts_unsigned:",
        f"{_R1}2_malformed_ids_cost_no_call_and_are_not_adopted",
    ),
    Guard(
        "2: an unknown id is not adopted",
        "sessions/cookie/token.py",
        "return random_text[: self._form.token_characters]",
        "import sys\n"
        "        frame = sys._getframe()\n"
        '        while frame and not hasattr(frame.f_locals.get("session"), "client_token"):\n'
        "            frame = frame.f_back\n"
        '        adopted = frame and frame.f_locals["session"].credential.tokens\n'
        "        return next(iter(adopted or ()), random_text)",
        f"{_R1}2_an_id_that_an_attacker_chose_is_never_adopted",
    ),
    Guard(
        "2: a forged cookie is told by its MAC",
        "sessions/cookie/token.py",
        "if hmac.compare_digest(self._mac(secret, token), claimed):",
        "if secret:",
        f"{_R1}2_a_thousand_forged_cookies_cost_no_call",
    ),
    Guard(
        "3: after a login the old id has no grace",
        "sessions/lifecycle/new_id.py",
        "is_leading = session.id_change is IdChange.ROTATE",
        "is_leading = True",
        f"{_R1}3_a_change_of_who_it_is_alters_the_id_and_the_old_one_fails_at_once",
    ),
    Guard(
        "3: the new id and the end of the old are one step",
        "sessions/lifecycle/new_id.py",
        "return Replace(old, new, alive_at, old_until, is_leading, count)",
        "return Create(new)",
        f"{_R1}3_the_new_id_and_the_end_of_the_old_are_one_step",
    ),
    Guard(
        "4: the idle timeout is enforced on reading",
        "sessions/lifecycle/load.py",
        "if now >= ends_at:",
        "if now < 0:",
        f"{_R1}4_a_kept_cookie_is_worth_nothing_after_the_idle_timeout",
    ),
    Guard(
        "4: activity never passes the absolute deadline",
        "sessions/config/timeouts.py",
        "return min(last_seen_at + self.idle_seconds, self.ends_at(created_at))",
        "return last_seen_at + self.idle_seconds",
        f"{_R1}4_activity_never_passes_the_absolute_deadline",
        (
            "sessions/config/timeouts.py",
            "return min(self.of_login(row.lifetime).expires_at(row.created_at, now), row.ends_at)",
            "return self.of_login(row.lifetime).expires_at(row.created_at, now)",
        ),
    ),
    Guard(
        "5: a logout deletes the row",
        "sessions/lifecycle/commit.py",
        "ended = yield from end(row.session_id, row.user_id)",
        'ended = yield from end("", row.user_id)',
        f"{_R5}5_logout_deletes_the_row_and_clears_the_cookie_with_the_same_attributes",
    ),
    Guard(
        "5: the cookie is cleared with the attributes that it was set with",
        "sessions/cookie/cookie.py",
        'return f"{self.name}=; {gone}; {self.attributes}"',
        'return f"{self.name}=; {gone}"',
        f"{_R5}5_logout_deletes_the_row_and_clears_the_cookie_with_the_same_attributes",
    ),
    Guard(
        "5: a save does not undo a logout",
        "sessions/store/memory.py",
        _IS_STALE,
        "if row is None:\n"
        "                row = Row(save.session_id, save.user_id, 0, 0, 0, save.expires_at)",
        f"{_R5}5_what_another_request_saves_later_does_not_undo_a_logout",
    ),
    Guard(
        "6: every use makes the response vary by the cookie",
        "sessions/lifecycle/commit.py",
        "if session.accessed:",
        "if has_changed(state, state.data.changes()):",
        f"{_R5}6_every_use_makes_the_response_vary_by_the_cookie",
    ),
    Guard(
        "6: a response that sets the cookie is not stored",
        "sessions/cookie/headers.py",
        '        if name in ("set-cookie", "cache-control"):',
        '        if name == "cache-control":',
        f"{_R5}6_a_response_that_sets_the_cookie_is_not_stored",
    ),
    Guard(
        "7: the cookie is HttpOnly",
        "sessions/cookie/cookie.py",
        "{secure}; HttpOnly{same_site}",
        "{secure}{same_site}",
        f"{_R5}7_a_cookie_is_safe_unless_it_is_configured_otherwise",
    ),
    Guard(
        "7: SameSite=None needs Secure",
        "sessions/cookie/cookie.py",
        'if self.same_site == "None" and not self.secure:',
        "if False:",
        f"{_R5}7_no_combination_that_browsers_refuse_is_taken",
    ),
    Guard(
        "7: __Host- is checked when it is configured",
        "sessions/cookie/cookie.py",
        "        self._require_prefix_rules()\n",
        "",
        f"{_R5}7_no_combination_that_browsers_refuse_is_taken",
    ),
    Guard(
        "8: the table's key is a digest of the token",
        "sessions/cookie/token.py",
        "return _encoded(hashlib.sha256(head + token.encode()).digest())",
        "return token if head else token",
        f"{_R5}8_no_operation_carries_a_token",
    ),
    Guard(
        "8: a new session is told",
        "sessions/lifecycle/commit.py",
        "    config.events.emit(event, given.row",
        '    if event == "renewed":\n        config.events.emit(event, given.row',
        f"{_R5}8_create_renew_destroy_and_invalid_ids_are_events",
    ),
    Guard(
        "9: a session that has ended is not listed, however stale the index",
        "sessions/lifecycle/user_sessions.py",
        "live = [row for row in rows if row.is_live(now) and _is_in(row, namespace)]",
        "live = [row for row in rows if row.successor is None and _is_in(row, namespace)]",
        f"{_R9}9_a_list_by_a_stale_index_shows_nothing_that_has_ended",
    ),
    Guard(
        "9: a rotated session is listed once",
        "sessions/lifecycle/user_sessions.py",
        "live = [row for row in rows if row.is_live(now) and _is_in(row, namespace)]",
        "live = [row for row in rows if _is_in(row, namespace)]",
        f"{_R9}9_a_rotated_session_is_listed_once",
    ),
    Guard(
        "10: there is no other decoder to fall back to",
        "sessions/values/cipher.py",
        "        if not isinstance(encrypted, bytes) or encrypted[:1] != _FORMAT:",
        "        if isinstance(encrypted, str) or encrypted is None:\n"
        "            return str(encrypted)\n"
        "        if not isinstance(encrypted, bytes) or encrypted[:1] != _FORMAT:",
        f"{_R9}10_a_payload_in_the_clear_is_not_read_where_it_is_to_be_encrypted",
    ),
    Guard(
        "10: a payload is bound to its row",
        "sessions/values/cipher.py",
        'return f"{session_id}\\n{key}".encode("utf-8", "surrogatepass")',
        "return b''",
        f"{_R9}10_a_payload_of_another_row_makes_an_empty_session",
    ),
    Guard(
        "10: a token is good for its namespace only",
        "sessions/cookie/token.py",
        'head = b"session:%d:%b:" % (len(self._namespace), self._namespace)',
        'head = b"session:"',
        f"{_R9}10_a_token_of_another_namespace_makes_an_empty_session",
    ),
    Guard(
        "11: a replay after the end fails",
        "sessions/lifecycle/load.py",
        "if now >= ends_at:",
        "if now < 0:",
        f"{_R9}11_a_replay_of_an_old_cookie_fails",
    ),
)

FAULTS = (
    Guard(
        "CVE-2025-46336: a request under way does not restore a deleted session",
        "sessions/store/memory.py",
        _IS_STALE,
        "if row is None:\n"
        "                row = Row(save.session_id, save.user_id, 0, 0, 0, save.expires_at)",
        f"{_CVES}cve_2025_46336_a_request_under_way_does_not_restore_a_deleted_session",
    ),
    Guard(
        "CVE-2025-46336, in a table",
        "sessions/store/dynamodb/request.py",
        'condition = f"{_IS_LIVE} AND {_IS_LATEST}"\n',
        'condition = "#e > :now"\n',
        f"{_CVES}no_write_but_of_a_new_row_goes_without_a_condition_that_the_row_is_there",
    ),
    Guard(
        "CVE-2025-32441: a deleted session's cookie does not restore it",
        "sessions/lifecycle/commit.py",
        "ended = yield from end(row.session_id, row.user_id)",
        'ended = yield from end("", row.user_id)',
        f"{_CVES}cve_2025_32441_a_cookie_of_a_deleted_session_does_not_restore_it",
    ),
    Guard(
        "updates of other requests are not lost",
        "sessions/values/values.py",
        "if self.saved.get(key) != text:\n                    changed[key] = text",
        "if text:\n                    changed[key] = text",
        f"{_CVES}a_save_sends_only_the_keys_that_changed",
    ),
    Guard(
        "what other requests saved stays",
        "sessions/store/memory.py",
        "data={**remaining, **save.changed},",
        "data=dict(save.changed),",
        f"{_CVES}updates_of_other_requests_are_not_lost",
    ),
    Guard(
        "a row that TTL has not deleted is not served",
        "sessions/lifecycle/load.py",
        "if now >= ends_at:",
        "if now < 0:",
        f"{_CVES}a_row_that_ttl_has_not_deleted_is_not_served",
    ),
    Guard(
        "reads are consistent",
        "sessions/store/dynamodb/request.py",
        "            ConsistentRead=True,\n            Limit=2,",
        "            Limit=2,",
        f"{_CVES}every_read_is_consistent_but_that_of_the_index",
    ),
    Guard(
        "an untouched session is not written",
        "sessions/config/timeouts.py",
        "return now - row.last_seen_at >= self.of_login(row.lifetime).touch_seconds",
        "return now >= row.last_seen_at",
        f"{_CVES}an_untouched_session_costs_no_write_and_no_cookie",
    ),
    Guard(
        "the cookie is set only when it changes",
        "sessions/client_token.py",
        "        if self._for_cookie is not None and row is not None:\n"
        "            value = self.config.tokens.in_cookie(self._for_cookie)",
        "        if row is not None and session.token is not None:\n"
        "            value = self.config.tokens.in_cookie(session.token)",
        f"{_CVES}a_touch_sets_no_cookie",
        second=(
            "sessions/client_token.py",
            "changes_response: bool = False",
            "changes_response: bool = True",
        ),
    ),
    Guard(
        "a cookie of any kind breaks no request",
        "sessions/cookie/token.py",
        "if self._accepts_unsigned and self._unsigned.fullmatch(value):",
        "if self._accepts_unsigned and self._unsigned.fullmatch(value.encode('ascii').decode()):",
        f"{_CVES}no_cookie_breaks_a_request",
    ),
    Guard(
        "a CSRF token is bound to its session",
        "sessions/values/csrf.py",
        "return hmac.compare_digest(unmasked, bytes.fromhex(secret))",
        "return bool(unmasked)",
        "tests/sessions/test_flash_csrf.py",
    ),
    Guard(
        "an item that would be too large is refused before it is sent",
        "sessions/operations/row.py",
        "if total_bytes <= MAX_ITEM_BYTES:",
        "if total_bytes:",
        "tests/sessions/test_size.py",
    ),
    Guard(
        "a change after the response began is told",
        "sessions/lifecycle/commit.py",
        "    if has_changed(state, state.data.changes()):\n        raise SessionNotSaved(",
        "    if False:\n        raise SessionNotSaved(",
        "tests/sessions_web/test_streams.py",
    ),
)
