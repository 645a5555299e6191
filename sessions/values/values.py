"""A session's values: JSON under keys, and what has changed in them.

A key is a str of 1 to 1,024 characters. A value is what JSON returns unchanged: None, bool, int,
finite float, str, list, or dict with str keys. A tuple would become a list, so it is refused, as is
any other type. ``Values`` keeps each value's JSON as the table has it, decodes those that are asked
for, and finds the keys that differ.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from enum import Enum
from threading import RLock
from typing import Any, NamedTuple

from ddbwire.arguments import shown
from sessions.arguments import RESERVED_PREFIX, a_type, has_surrogate
from sessions.errors import StoreError

MAX_KEY_CHARACTERS = 1_024
"""The longest key. A save names its keys, and DynamoDB limits an expression's names to 2 MB."""

MAX_DEPTH = 100
MAX_INT_BITS = 14_000
"""The largest int. With more than some 4,200 digits, Python refuses to convert one to text."""


_Place = tuple["_Place | None", "str | int"]
"""A place in a session's value: the place of the container, and the name or index in it.

It becomes text only for a message: making the text for each part of a value would take time
proportional to the number of parts times the length of the names above them.
"""


def require_key(key: object) -> str:
    """Check a key under which an application sets a session's value.

    Raises:
        TypeError, ValueError: it is not a str of 1 to 1,024 characters, or it is reserved.
    """
    if not isinstance(key, str) or not key:
        raise TypeError(f"session[{shown(key)}]: a key must be a str of at least one character")
    if len(key) > MAX_KEY_CHARACTERS:
        raise ValueError(
            f"session[{shown(key)}]: a key must have at most {MAX_KEY_CHARACTERS} characters, "
            f"not {len(key)}"
        )
    if key.startswith(RESERVED_PREFIX):
        raise ValueError(
            f"session[{shown(key)}]: keys that start with {RESERVED_PREFIX!r} are reserved"
        )
    if not key.isascii() and has_surrogate(key):  # most keys need no call
        raise ValueError(f"session[{shown(key)}]: the key has a lone surrogate")
    return key


def require_storable(key: str, value: object) -> None:
    """Check a session's value without encoding it.

    Raises:
        TypeError, ValueError: JSON would not return it unchanged. The message has the session's key
            and the place in its value.
    """
    if type(key) is not str:
        raise TypeError(
            f"session[{shown(key)}]: the key must be a str itself, and is {a_type(key)}; write "
            f"session[{shown(str.__str__(key))}]"
        )
    place = (None, key)
    _require_scalar(key, place)
    _require_storable(value, place, 0)


def encode(key: str, value: object) -> str:
    """The JSON of a session's value. It is checked again: a list or dict may have changed.

    Raises:
        TypeError, ValueError: as ``require_storable``.
    """
    require_storable(key, value)
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def decode(key: str, text: str) -> Any:
    """The value of a session's key, from its JSON.

    Raises:
        StoreError: it is not JSON; something else wrote to the table.
    """
    try:
        return json.loads(text)
    except (RecursionError, TypeError, ValueError) as error:
        raise StoreError(
            f"session[{shown(key)}]: what the table holds is not JSON ({error}); check that "
            "nothing else writes to it"
        ) from error


def _require_storable(value: object, where: _Place, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(
            f"session[{_shown(where)}]: nested more than {MAX_DEPTH} deep, or inside itself"
        )
    kind = type(value)
    if kind is list:
        for index, inner in enumerate(value):  # type: ignore[arg-type,var-annotated]
            _require_storable(inner, (where, index), depth + 1)
    elif kind is dict:
        for name, inner in value.items():  # type: ignore[attr-defined]
            if type(name) is not str:
                raise TypeError(f"session[{_shown(where)}]: key {shown(name)} must be a str")
            _require_scalar(name, where)
            _require_storable(inner, (where, name), depth + 1)
    else:
        _require_scalar(value, where)


def _require_scalar(value: Any, where: _Place) -> None:
    kind = type(value)
    if kind is str:
        if value.isascii():  # the fast path
            return
        # JSON would join two lone surrogates next to each other to one character.
        if has_surrogate(value):
            raise ValueError(f"session[{_shown(where)}]: a str with a lone surrogate")
    elif kind is float:
        if not math.isfinite(value):
            raise ValueError(f"session[{_shown(where)}]: {value!r} is not a JSON number; use None")
    elif kind is int:
        if value.bit_length() > MAX_INT_BITS:
            raise ValueError(
                f"session[{_shown(where)}]: an int of more than {MAX_INT_BITS} bits; use a str"
            )
    elif value is not None and kind is not bool:
        raise TypeError(
            f"session[{_shown(where)}]: {a_type(value)} can't be stored; only None, bool, int, "
            f"float, str, list and dict are accepted: {_way_out(value)}"
        )


def _way_out(value: object) -> str:
    """How to make a value that can be stored of one that can't."""
    if isinstance(value, Enum):
        return "write its .value"
    for plain in (dict, list, str, int, float):
        if isinstance(value, plain):  # of a derived class, such as an OAuth client's token
            return f"write {plain.__name__}(...)"
    if isinstance(value, tuple | AbstractSet):
        return "write list(...)"
    return "write its .isoformat()" if hasattr(value, "isoformat") else "convert it before"


def _shown(where: _Place) -> str:
    steps = []
    place: _Place | None = where
    while place is not None:
        place, name = place
        steps.append(f"[{name}]" if isinstance(name, int) else f".{name}")
    return shown("".join(reversed(steps))[1:])


class Changes(NamedTuple):
    """The changes to save.

    Attributes:
        changed: the JSON of each key that is new or has another value.
        removed: keys that were removed.
    """

    changed: Mapping[str, str]
    removed: frozenset[str]

    def applied_to(self, encoded: Mapping[str, str]) -> dict[str, str]:
        """The JSON of each value after the changes."""
        remaining = {key: text for key, text in encoded.items() if key not in self.removed}
        return {**remaining, **self.changed}


UNCHANGED = Changes({}, frozenset())
"""No changes: ``Values.changes`` returns this object if there are none."""

_MUTABLE = (list, dict)


class Values(MutableMapping[str, Any]):
    """Values that are decoded when they are read, and compared with what was saved.

    They keep the order of a dict; reading one does not move it.

    ``changes`` encodes a value only if it may have changed: never one that was not read, and only
    once an immutable one (a str, a number).

    Threads of a request may use them at the same time; a lock makes each method atomic. Without it,
    a value that is set while another thread encodes it would count as saved, and two threads that
    read a key first would get two objects.

    Args:
        saved: the JSON of each key, as in the row. It must not be changed later.

    Attributes:
        saved: the JSON of each key, as it was saved last.
        lock: the lock of each method; hold it to make several of them atomic.
    """

    __slots__ = ("_encoded", "_unread", "_values", "lock", "saved")

    def __init__(self, saved: Mapping[str, str]) -> None:
        self.saved = saved
        self._unread = dict(saved)  # the JSON of keys that were not read
        self._values: dict[str, Any] = dict.fromkeys(saved)  # the values of all keys, in order
        self._encoded: dict[str, str] = {}  # the JSON of values that can't have changed since
        self.lock = RLock()

    def __getitem__(self, key: str) -> Any:
        with self.lock:
            if key in self._unread:
                self.set_encoded(key, self._unread[key])
            value = self._values[key]
            if isinstance(value, _MUTABLE):
                self._encoded.pop(key, None)  # the caller may change it from now on
            return value

    def __setitem__(self, key: str, value: Any) -> None:
        require_storable(key, value)  # refused here, where the app can tell which line it was
        with self.lock:
            self._unread.pop(key, None)
            self._encoded.pop(key, None)
            self._values[key] = value

    def put(self, key: str, value: Any) -> None:
        """Set a value under a key of the application's, which must not be reserved.

        Raises:
            TypeError, ValueError: the key or the value can't be stored.
        """
        self[require_key(key)] = value

    def set_encoded(self, key: str, text: str) -> None:
        """Set a value by its JSON, which ``encode`` has made. It is not encoded again.

        Raises:
            StoreError: it is not JSON: something else wrote to the table.
        """
        value = decode(key, text)
        with self.lock:
            self._unread.pop(key, None)
            self._values[key] = value
            self._encoded[key] = text

    def __delitem__(self, key: str) -> None:
        with self.lock:
            del self._values[key]
            self._unread.pop(key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def changes(self) -> Changes:
        """The differences from what was saved, changes inside lists and dicts included.

        Raises:
            TypeError, ValueError: a value that can't be stored was put inside a list or dict.
        """
        with self.lock:
            if len(self._unread) == len(self._values) == len(self.saved):
                return UNCHANGED  # the hot path: nothing was asked for
            changed = {}
            for key in self._values:
                if key in self._unread:
                    continue
                text = self._encode(key)
                if self.saved.get(key) != text:
                    changed[key] = text
            removed = frozenset(key for key in self.saved if key not in self._values)
            return Changes(changed, removed) if changed or removed else UNCHANGED

    def restore(self, key: str) -> None:
        """Undo what was done to one key since it was saved."""
        with self.lock:
            text = self.saved.get(key)
            if text is None:
                self.pop(key, None)
            else:
                self.set_encoded(key, text)

    def has_changed(self, key: str) -> bool:
        """Whether one key was set to another value, or removed. Raises as ``changes`` does."""
        with self.lock:
            if key in self._unread:
                return False
            if key in self._values:
                return self.saved.get(key) != self._encode(key)
            return key in self.saved

    def encoded(self) -> dict[str, str]:
        """The JSON of every key as it is now. Raises as ``changes`` does."""
        return self.changes().applied_to(self.saved)

    def mark_saved(self, changes: Changes) -> None:
        """Note that changes were saved. Later changes remain changes."""
        with self.lock:
            self.saved = changes.applied_to(self.saved)

    def _encode(self, key: str) -> str:
        text = self._encoded.get(key)
        if text is None:
            value = self._values[key]
            text = encode(key, value)
            if not isinstance(value, _MUTABLE):
                self._encoded[key] = text
        return text


NO_VALUES = Values({})
"""The values of a session that is not loaded. Nothing is set in them."""
