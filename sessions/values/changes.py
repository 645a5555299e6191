"""A session's values and their changes: the keys to set, and those to remove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from threading import RLock
from typing import Any, NamedTuple

from sessions.values.json_value import decode, encode, require_storable


class Changes(NamedTuple):
    """The changes to save.

    Attributes:
        changed: the JSON of each key that is new or has another value.
        removed: keys that were removed.
    """

    changed: Mapping[str, str]
    removed: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)

    def applied_to(self, encoded: Mapping[str, str]) -> dict[str, str]:
        """The JSON of each value after the changes."""
        remaining = {key: text for key, text in encoded.items() if key not in self.removed}
        return {**remaining, **self.changed}


UNCHANGED = Changes({}, frozenset())

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
            self._encoded.pop(key, None)

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
            return Changes(changed, frozenset(key for key in self.saved if key not in self))

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
