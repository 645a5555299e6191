"""What a request's handler does with its session, and with the model's view of it alike."""

from __future__ import annotations

import copy
from typing import Any, Literal, NamedTuple

from hypothesis import strategies as st

from sessions import Session
from tests.sessions_machine.view import View, text

FLASH_PREFIX = "sessions.flash."

What = Literal[
    "set", "nest", "delete", "flash", "flashes", "read", "login", "rotate", "logout", "save"
]


class Action(NamedTuple):
    """One thing done. To save is up to the request.

    Attributes:
        what: which.
        key: of the mapping, where it concerns one.
        value: to be set; the user of a login, by number; a message.
    """

    what: What
    key: str = ""
    value: Any = None

    def perform(self, session: Session, view: View, users: tuple[str, ...]) -> None:
        match self.what:
            case "set":
                session[self.key] = copy.deepcopy(self.value)
                view.values[self.key] = copy.deepcopy(self.value)
            case "nest":
                _nest(session.get(self.key), self.value)
                _nest(view.values.get(self.key), self.value)
            case "delete":
                session.pop(self.key, None)
                view.values.pop(self.key, None)
            case "flash":
                values = session._request_session.state.data
                before = set(values)
                session.flash(self.value)
                (key,) = set(values) - before  # of its own, which is random
                view.values[key] = [self.value, "info"]
            case "flashes":
                keys = sorted(key for key in view.values if key.startswith(FLASH_PREFIX))
                messages = [view.values.pop(key) for key in keys]
                assert [list(one) for one in session.flashes()] == messages
            case "read":
                mapping = {key: one for key, one in view.values.items() if FLASH_PREFIX not in key}
                assert {key: text(one) for key, one in session.items()} == {
                    key: text(one) for key, one in mapping.items()
                }
            case "login":
                user_id = users[self.value]
                session.login(user_id, device=f"device of {user_id}")
                view.login(user_id, f"device of {user_id}")
            case "rotate":
                session.rotate()
                view.rotate()
            case "logout":
                session.logout()
                view.logout()
        assert session.user_id == view.user


def _nest(inside: object, value: Any) -> None:
    if isinstance(inside, dict):
        inside["inner"] = [*inside.get("inner", []), value]
    elif isinstance(inside, list):
        inside.append(value)


_KEYS = ("a", "b")
_VALUES: tuple[Any, ...] = (0, True, 1, 1.0, "", None, [], {}, {"inner": [1]})

_CHANGES = [
    Action("read"),
    *(Action("set", key, value) for value in _VALUES for key in _KEYS),
    *(Action("nest", key, value) for value in (0, "x") for key in _KEYS),
    *(Action("delete", key) for key in _KEYS),
    *(Action("flash", value=message) for message in ("saved", "sent")),
    Action("flashes"),
]
_TURNS = [
    *(Action("login", value=user) for user in (0, 0, 1, 2)),
    *[Action("rotate"), Action("rotate"), Action("rotate"), Action("logout"), Action("save")],
]

handlers = st.lists(st.sampled_from(_CHANGES + 2 * _TURNS), max_size=4)
"""What a handler does, from its session's opening to its answer."""
