"""Why a session has ended, as its user can be told at their next request."""

from __future__ import annotations

from typing import Literal

EndReason = Literal["login_elsewhere", "replaced"]
"""``"login_elsewhere"``: its user logged in once more, and had as many sessions as
``max_sessions_per_user`` allows. ``"replaced"``: a login, or another new session, of the same
browser took its place a moment ago."""

LOGIN_ELSEWHERE: EndReason = "login_elsewhere"
REPLACED: EndReason = "replaced"
