"""A session as a mapping of the application's keys, which hide attributes of the same name.

A template that contains ``session.user_id`` means the application's key, if there is one, but Jinja
looks for an attribute first. So where there is a key of that name, the session has no such
attribute. Keys that the package itself uses are not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from sessions.arguments import RESERVED_PREFIX
from sessions.errors import StoreUnavailable
from sessions.lifecycle.open import load_at_first_use
from sessions.request_session import RequestSession
from sessions.session_state import SessionState
from sessions.values.values import Values


class SessionMapping(MutableMapping[str, Any]):
    """JSON values by str keys; changes inside lists and dicts are noticed.

    Args:
        request_session: the request's.
        names_give_way: whether keys hide the session's attributes.
    """

    __slots__ = ("_names_give_way", "_request_session")

    # Never hidden: a dict has them too, so a template does not take them for keys.
    _shown_names: ClassVar[frozenset[str]] = frozenset((*dir(MutableMapping), "copy"))

    def __init__(self, request_session: RequestSession, *, names_give_way: bool = True) -> None:
        self._request_session = request_session
        self._names_give_way = names_give_way

    if not TYPE_CHECKING:  # else any name would be one of a session's, to a type checker

        def __getattribute__(self, name: str) -> Any:
            found = object.__getattribute__(self, name)
            if name[0] == "_" or name in self._shown_names or not self._names_give_way:
                return found
            request_session = self._request_session
            if not request_session.state.is_loaded:
                if request_session.is_lazy:
                    return found  # not loaded yet, so whether there is such a key is not known
                try:
                    load_at_first_use(request_session)
                except StoreUnavailable:
                    if name == "load_async":
                        return found  # for another attempt
                    raise
            if name in request_session.state.data:
                raise AttributeError(
                    f"session.{name}: the application has set session[{name!r}]; that is its key's "
                    f"value, and session_of(session).{name} is the session's own"
                )
            return found

    def __getitem__(self, key: str) -> Any:
        return self._used()[_unreserved(key)]

    def __setitem__(self, key: str, value: Any) -> None:
        self._used().put(key, value)

    def __delitem__(self, key: str) -> None:
        del self._used()[_unreserved(key)]

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._used() if not key.startswith(RESERVED_PREFIX))

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        values = self._used()
        return isinstance(key, str) and not key.startswith(RESERVED_PREFIX) and key in values

    # Atomic among the threads of a request, as those of a dict are.

    def pop(self, key: str, *default: Any) -> Any:
        """Remove a key and return its value, or the default; KeyError if there is neither."""
        with self._used().lock:
            return super().pop(key, *default)

    def popitem(self) -> tuple[str, Any]:
        """Remove the last key and its value, as a dict does; KeyError if it is empty."""
        with self._used().lock:
            keys = list(self)
            if not keys:
                raise KeyError("popitem(): the session is empty")
            return keys[-1], self.pop(keys[-1])

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a key, which is set to the default if it is not there."""
        with self._used().lock:
            return super().setdefault(key, default)

    def copy(self) -> dict[str, Any]:
        """Its values as a dict, whose keys are its own and whose lists and dicts the session's."""
        with self._used().lock:
            return dict(self)

    def __eq__(self, other: object) -> bool:
        return self.copy() == dict(other) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as a dict's

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return self.copy() | dict(other) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict(other) | self.copy() if isinstance(other, Mapping) else NotImplemented

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]  # `|` makes a dict
        self.update(other)
        return self

    def __repr__(self) -> str:
        state = self._request_session.state
        if not state.is_loaded:
            return "<Session, not loaded>"
        return f"<Session of {state.row.owner_id or 'nobody'}>" if state.row else "<Session, new>"

    def __copy__(self) -> dict[str, Any]:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return deepcopy(self.copy(), memo)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a session can't be pickled: it belongs to one request, and the pickle would contain "
            "its token and the application's keys; pickle dict(session)"
        )

    def _used_state(self) -> SessionState:
        self._used()
        request_session = self._request_session
        if request_session.follow_user is not None:
            request_session.follow_user()
        return request_session.state

    def _used(self) -> Values:
        request_session = self._request_session
        request_session.accessed = True
        if not request_session.state.is_loaded:
            load_at_first_use(request_session)
        return request_session.state.data


def _unreserved(key: str) -> str:
    if isinstance(key, str) and key.startswith(RESERVED_PREFIX):
        raise KeyError(key)
    return key
