"""The guards of Django's sessions."""

from __future__ import annotations

from tests.guards.guard import Guard

_RACES = "tests/frameworks/test_django_session_races.py::test_"
_EXPIRY = "tests/frameworks/test_django_session_expiry.py::test_"
_SESSIONS = "tests/frameworks/test_django_sessions.py::test_"
_KEY = "tests/frameworks/django_session_store/test_key.py::test_"

DJANGO = (
    Guard(
        "Django: a response sets no cookie that the browser has",
        "sessions/django/middleware.py",
        "if every_time or session.has_other_cookie():",
        "if every_time or session.accessed:",
        f"{_SESSIONS}a_response_does_not_set_a_cookie_that_the_browser_has",
    ),
    Guard(
        "Django: a reader does not delete the cookie of a session that is gone",
        "sessions/django/middleware.py",
        "if session.has_ended and settings.SESSION_COOKIE_NAME in request.COOKIES:",
        "if settings.SESSION_COOKIE_NAME in request.COOKIES:",
        f"{_SESSIONS}a_cookie_that_leads_to_nothing_is_left_alone_by_a_reader",
    ),
    Guard(
        "Django: a key that a login replaced is not taken for an unknown one",
        "sessions/django/keyed_session.py",
        "if self.record.row is not None or self.record.is_replaced:",
        "if self.record.row is not None:",
        f"{_RACES}a_reader_neither_sets_nor_deletes_the_cookie",
    ),
    Guard(
        "Django: what a request under way changes is dropped, and no 400",
        "sessions/django/middleware.py",
        "except KeyReplaced:",
        "except ZeroDivisionError:",
        f"{_RACES}a_writer_sets_no_cookie_and_its_change_is_dropped_and_told",
    ),
    Guard(
        "Django: a login as another user marks the old key",
        "sessions/django/record.py",
        "if self._ended is not None and session.row is not None and self.is_of_a_user:",
        "if session.row is None:",
        f"{_RACES}a_writer_sets_no_cookie_and_its_change_is_dropped_and_told",
    ),
    Guard(
        "Django: a logout with a replaced key leaves the login's cookie",
        "sessions/django/keyed_session.py",
        "if not self.record.is_replaced:",
        "if self.record.is_open:",
        f"{_RACES}a_logout_with_the_key_of_before_a_login_leaves_the_login_alone",
    ),
    Guard(
        "Django: a save with nothing to write looks whether the session is there",
        "sessions/django/flow.py",
        "            require_still_there(session, found)",
        "            assert found is not None",
        f"{_RACES}a_save_with_nothing_to_write_tells_that_the_session_is_gone",
    ),
    Guard(
        "Django: a user's new key takes effect at once",
        "sessions/django/keyed_session.py",
        "(self.record.is_of_a_user or not self.is_of_request)",
        "not self.is_of_request",
        f"{_RACES}a_new_key_takes_effect_at_once_so_that_ending_the_others_spares_it",
    ),
    Guard(
        "Django: a logout holds though the view fails",
        "sessions/django/middleware.py",
        "(is_answer or session.is_logout())",
        "is_answer",
        f"{_RACES}a_logout_is_not_undone_and_clears_the_cookie_whatever_follows",
    ),
    Guard(
        "Django: the use of a short expiry is noted often enough",
        "sessions/django/expiry.py",
        "touch_seconds=max(1, seconds // 10)",
        "touch_seconds=max(60, seconds // 10)",
        f"{_EXPIRY}who_is_active_stays_logged_in_however_short_the_expiry",
    ),
    Guard(
        "Django: the cookie lasts for the lifetime, whatever the expiry",
        "sessions/django/store.py",
        "            return expiry_age\n        return self._remaining_seconds()\n",
        "            return expiry_age\n        return expiry_age\n",
        f"{_EXPIRY}who_is_active_stays_logged_in_however_short_the_expiry",
    ),
    Guard(
        "Django: with its own middleware the cookie is renewed",
        "sessions/django/stored_session.py",
        "or (is_touched and not self.is_of_request)",
        "",
        f"{_EXPIRY}who_is_active_stays_logged_in_by_the_sites_own_idle_time",
    ),
    Guard(
        "Django: a key fits 40 characters",
        "sessions/django/key.py",
        "mac_characters=14",
        "mac_characters=43",
        f"{_KEY}a_key_fits_a_column_of_40_characters_in_any_collation",
    ),
    Guard(
        "Django: a logout is never dropped in an outage",
        "sessions/django/keyed_session.py",
        '        self.require_readable("session.flush()")\n',
        "",
        "tests/frameworks/test_django_session_outage.py"
        "::test_a_flush_of_a_session_that_was_not_read_raises_too",
    ),
    Guard(
        "Django: a confirmation that another one came before takes no key of its own",
        "sessions/django/flow.py",
        "    session.next_token = None  # if it was not used",
        "    pass  # if it was not used",
        "tests/frameworks/test_django_freshness.py"
        "::test_a_double_click_on_confirm_lasts_whichever_response_comes_last",
    ),
    Guard(
        "Django: a key that changes at once does so after a confirmation too",
        "sessions/lifecycle/new_id.py",
        "if found is not None and is_rotated and session.id_change is IdChange.ROTATE:",
        "if found is not None and is_rotated:",
        "tests/frameworks/test_django_freshness.py"
        "::test_a_password_change_under_way_has_the_last_key_after_a_confirmation",
    ),
    Guard(
        "Django: the cookie is deleted with the attributes that its name's prefix needs",
        "sessions/django/middleware.py",
        '    _put_cookie(response, "", 0, http_date(0))',
        "    response.delete_cookie(settings.SESSION_COOKIE_NAME)",
        "tests/frameworks/test_django_session_cookies.py"
        "::test_the_cookie_is_set_and_deleted_with_the_same_attributes",
    ),
    Guard(
        "Django: a logout in a stream holds",
        "sessions/django/middleware.py",
        "        session.flush()\n    elif",
        "        pass\n    elif",
        "tests/frameworks/test_django_session_streams.py::test_a_logout_in_a_stream_holds",
    ),
    Guard(
        "Django: a change that a stream does not save is told",
        "sessions/django/middleware.py",
        "    elif session.has_unsaved():",
        "    elif False:",
        "tests/frameworks/test_django_session_streams.py"
        "::test_a_change_that_a_stream_does_not_save_is_told",
    ),
    Guard(
        "Django: no page fails because a use can't be noted",
        "sessions/django/flow.py",
        "        except StoreUnavailable:",
        "        except ZeroDivisionError:",
        "tests/frameworks/test_django_session_outage.py"
        "::test_a_use_that_cant_be_noted_fails_no_page",
    ),
    Guard(
        "one Vary field",
        "sessions/cookie/headers.py",
        'return [*_without(headers, "vary"), ("vary", vary)]',
        'return [*headers, ("vary", name)]',
        "tests/sessions/test_requirements_5_to_8.py"
        "::test_r6_cookie_joins_the_applications_vary_in_one_field",
    ),
    Guard(
        "popitem takes the last key",
        "sessions/session_mapping.py",
        "return keys[-1], self.pop(keys[-1])",
        "return keys[0], self.pop(keys[0])",
        "tests/sessions/test_session.py::test_popitem_takes_the_last_key_as_a_dict_does",
    ),
    Guard(
        "a logout in Django after a failed save was told to nobody",
        "sessions/django/stored_session.py",
        "return self._failed_save_of == self._user_named()",
        "return not isinstance(self._failed_save_of, _NoFailure)",
        "tests/frameworks/test_django_session_outage.py::"
        "test_a_logout_after_it_was_not_told_and_raises",
    ),
)
