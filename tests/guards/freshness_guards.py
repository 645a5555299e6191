"""Guards of freshness: how long ago a session's user has proved who they are."""

from __future__ import annotations

from tests.guards.guard import Guard

_TESTS = "tests/sessions_web/test_freshness.py::"

FRESHNESS = (
    Guard(
        "a proof that is too old is refused from the very second on",
        "sessions/freshness.py",
        "- at < limit:",
        "- at <= limit:",
        _TESTS + "test_a_step_is_refused_from_the_very_second_on",
    ),
    Guard(
        "a proof of the future is none",
        "sessions/freshness.py",
        "not -_MAX_AHEAD_SECONDS <= _now(session) - at < limit",
        "not _now(session) - at < limit",
        _TESTS + "test_what_can_not_be_a_proof_is_none",
    ),
    Guard(
        "a long request does not stay fresh",
        "sessions/freshness.py",
        " + int(monotonic() - session.first_loaded_monotonic)",
        "",
        _TESTS + "test_a_long_request_does_not_stay_fresh",
    ),
    Guard(
        "only its own user can confirm a session",
        "sessions/session_state.py",
        "        if user_id != self.user_id:\n",
        "        if False:\n",
        _TESTS + "test_only_its_own_user_can_confirm_a_session",
    ),
    Guard(
        "a rotation under way does not undo a proof",
        "sessions/lifecycle/commit.py",
        "is_changed = changes is not UNCHANGED or state.authenticates",
        "is_changed = changes is not UNCHANGED",
        _TESTS + "test_a_rotation_under_way_does_not_undo_a_proof",
    ),
    Guard(
        "a user whom a remember-me cookie names has proved nothing",
        "sessions/flask/flask_session.py",
        "        if user_id is not None and state.data.get(FRESH) is False:\n",
        "        if False:\n",
        "tests/frameworks/flask_sessions/test_freshness.py::"
        "test_a_remembered_user_proves_nothing_though_the_mark_is_lost",
    ),
    Guard(
        "what Flask-Login holds for stale is not fresh",
        "sessions/flask/interface.py",
        "        request_session.state.fresh_key = FRESH\n",
        "",
        "tests/frameworks/flask_sessions/test_freshness.py::"
        "test_what_flask_login_holds_for_stale_is_not_fresh",
    ),
    Guard(
        "a login of the user who is logged in already is noted in Django",
        "sessions/django/freshness.py",
        "        session._keyed.record.confirm_login(_id_of(user))\n",
        "        pass\n",
        "tests/frameworks/test_django_freshness.py::test_a_login_of_the_same_user_renews_it",
    ),
    Guard(
        "nobody but its own user confirms a session in Django",
        "sessions/django/store.py",
        "        if user_id != state.user_id or not self._names(user_id):\n",
        "        if False:\n",
        "tests/frameworks/test_django_freshness.py::test_nobody_else_can_confirm_it",
    ),
)
