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
        "a logout takes the proof of its request along",
        "sessions/session_state.py",
        "        self.row, self.login_user_id, self.device = None, None, None\n"
        "        self.authenticates = False\n",
        "        self.row, self.device = None, None\n",
        _TESTS + "test_a_logout_ends_it",
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
        "sessions/lifecycle/save.py",
        "has_changed = bool(changes) or session.authenticates",
        "has_changed = bool(changes)",
        _TESTS + "test_a_rotation_under_way_does_not_undo_a_proof",
    ),
)
