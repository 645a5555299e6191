"""The guards of requests at once: each rule of ``tests/sessions_interleavings`` has one."""

from __future__ import annotations

from tests.guards.guard import Guard

_PLAYS = "tests/sessions_interleavings/test_memory.py::test_"
_TWO = f"{_PLAYS}two_at_once_in_every_order"

AT_ONCE = (
    Guard(
        "at once: only who changes the id sets the cookie",
        "sessions/lifecycle/commit.py",
        "if state.replaced is not None and not is_login:",
        "if state.replaced is not None and state.is_loaded is None:",
        f"{_TWO}[save a+login-None]",
    ),
    Guard(
        "at once: of two logins each has the cart",
        "sessions/lifecycle/new_id.py",
        "            return _Taken(encoded, found.session_id)\n",
        "            return _NOTHING\n",
        f"{_TWO}[login+login-None]",
    ),
    Guard(
        "at once: a login by hand holds",
        "sessions/lifecycle/load.py",
        "return row if row.replaced_by is None else Replaced(row.session_id, row.replaced_by)",
        "return row if row.replaced_by is None else InvalidReason.UNKNOWN",
        f"{_TWO}[save a+login by hand-None]",
    ),
    Guard(
        "at once: an id of before a login leads to nothing",
        "sessions/lifecycle/new_id.py",
        "is_leading = session.id_change is IdChange.ROTATE",
        "is_leading = True",
        f"{_TWO}[look+login-None]",
    ),
    Guard(
        "at once: a logout follows a rotation",
        "sessions/lifecycle/end.py",
        "session_id, user_id = row.successor, row.owner_id or anonymous(row.successor)",
        "return Ending.NOTHING",
        f"{_TWO}[rotate+logout-ada]",
    ),
    Guard(
        "at once: who ends all others stays",
        "sessions/lifecycle/user_sessions.py",
        "spared = yield from _successors(user_id, except_id)",
        "spared = frozenset([except_id])",
        f"{_TWO}[rotate+revoke others-ada]",
    ),
    Guard(
        "at once: who ends all others stays, with the id of before a rotation too",
        "sessions/lifecycle/user_sessions.py",
        "        spared |= _leading_to(spared, rows)\n",
        "",
        "tests/contract/test_revocation.py"
        "::test_a_request_under_way_with_the_id_of_before_a_rotation_keeps_its_grace",
    ),
    Guard(
        "at once: forms are all valid",
        "sessions/session.py",
        "secret = self._request_session.state.csrf_secret()\n            if secret is None:",
        "secret = values.get(csrf.CSRF)\n            if secret is None:",
        f"{_TWO}[form+form-ada]",
    ),
    Guard(
        "at once: a change follows a rotation",
        "sessions/lifecycle/commit.py",
        "        row = yield from _read_again(config, state, row)\n",
        '        raise SessionRevoked("it was rotated")\n',
        f"{_TWO}[save a+rotate-None]",
    ),
    Guard(
        "at once: nobody gets what is another's",
        "sessions/lifecycle/new_id.py",
        "if found.owner_id != session.login_user_id or isinstance(encoded, InvalidReason):",
        "if isinstance(encoded, InvalidReason):",
        f"{_TWO}[login+login as bob-ada]",
    ),
)
