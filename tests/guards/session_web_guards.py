"""The guards of sessions where they meet applications, frameworks and servers."""

from __future__ import annotations

from tests.guards.guard import Guard

_NAMES = "tests/sessions_web/test_names.py::test_"

SESSIONS_ON_THE_WEB = (
    Guard(
        "a name of the session gives way to the application's key",
        "sessions/session.py",
        "            if name in request_session.data:",
        "            if False:",
        f"{_NAMES}a_template_gets_the_applications_key_of_any_name",
    ),
    Guard(
        "clear() is a logout",
        "sessions/session.py",
        "        self._used()\n        self._request_session.logout()\n\n    # Whose it is",
        "        for key in list(self):\n            del self[key]\n\n    # Whose it is",
        f"{_NAMES}clear_logs_out",
    ),
)
