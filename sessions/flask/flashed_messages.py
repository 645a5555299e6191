"""The messages of ``flask.flash``: one list to Flask, one key for each message in the session.

Flask appends to ``session["_flashes"]`` and sets that again. As one value, it would be overwritten
by the later of two requests that leave a message at the same time; see ``sessions.values.flash``.
"""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from markupsafe import Markup

from sessions.values.flash import keys_of_messages, leave, take_all
from sessions.values.values import Values, require_storable

FLASHES = "_flashes"
"""The key by which Flask asks for the list."""

_PREFIX = "sessions.flashed."
"""Begins the key of each message."""


class FlashedMessages:
    """The list as Flask has it in a request, and the messages in the session's values.

    Each message is a pair of its category and its text, which comes back as it was, Markup too.
    """

    __slots__ = ("_list",)

    def __init__(self) -> None:
        self._list: list[Any] | None = None

    def exist(self, values: Values) -> bool:
        """Whether there is a list, maybe an empty one."""
        return bool(keys_of_messages(values, _PREFIX)) or self._list is not None

    def list_in(self, values: Values) -> list[Any]:
        """The list; what is appended to it is stored by ``store``.

        Raises:
            KeyError: there are no messages.
        """
        if self._list is None:
            keys = keys_of_messages(values, _PREFIX)
            if not keys:
                raise KeyError(FLASHES)
            self._list = [_decode(values[key]) for key in keys]
        return self._list

    def assign(self, values: Values, messages: list[Any]) -> None:
        """Have this list from now on, and store its messages."""
        self._list = messages
        self.store(values)

    def remove(self, values: Values) -> None:
        """Remove all messages.

        Raises:
            KeyError: there are none.
        """
        self.list_in(values)
        self._list = None
        take_all(values, _PREFIX)

    def store(self, values: Values) -> None:
        """Store the messages of the list, and leave those that are stored already.

        Raises:
            TypeError, ValueError: a message that can't be stored.
        """
        if self._list is None:
            return
        messages = [_encode(message) for message in self._list]
        for message in messages:
            require_storable(FLASHES, message)
        keys = keys_of_messages(values, _PREFIX)
        pairs = zip(keys, messages, strict=False)
        same = list(takewhile(lambda pair: values[pair[0]] == pair[1], pairs))
        for key in keys[len(same) :]:
            del values[key]
        for message in messages[len(same) :]:
            leave(values, _PREFIX, message)

    def forget(self) -> None:
        """Have the list read again, since the values were read again or ended."""
        self._list = None


def _encode(flashed: Any) -> list[Any]:
    category, message = flashed
    if callable(html := getattr(message, "__html__", None)):
        return [category, str(html()), True]
    return [category, message]


def _decode(stored: list[Any]) -> tuple[str, Any]:
    category, message, *is_markup = stored
    return category, Markup(message) if is_markup else message  # noqa: S704 - it was one before
