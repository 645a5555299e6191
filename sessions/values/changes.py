"""A session's values, and what a request did to them: the keys to set, and those to remove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from threading import RLock
from typing import Any, NamedTuple

from sessions.values.json_value import decode, encode, require_storable


class Changes(NamedTuple):
    """What is to be saved.

    Attributes:
        changed: the JSON of each key that is new or has another value.
        removed: keys that were removed.
    """

    changed: Mapping[str, str]
    removed: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)

    def applied_to(self, encoded: Mapping[str, str]) -> dict[str, str]:
        """What values become that were ``encoded``."""
        remaining = {key: text for key, text in encoded.items() if key not in self.removed}
        return {**remaining, **self.changed}


UNCHANGED = Changes({}, frozenset())

_MUTABLE = (list, dict)


class Values(MutableMapping[str, Any]):
    """Values that are decoded when they are asked for, and compared with what was saved.

    They keep the order of a dict: asking for one does not move it.

    JSON is made of a value when changes are looked for, and only if it may have changed: never of a
    value that nobody asked for, and once of one that can't change in itself (a str, a number).

    Threads of a request may use them at once, and each method has them alone. Else a key that was
    set while JSON was made of it would pass for saved, and one that two ask for first have two
    values.

    Args:
        saved: the JSON of each key, as the row has it; not changed here, nor by the caller.

    Attributes:
        saved: the same, and what was saved since.
    """

    __slots__ = ("_encoded", "_lock", "_unread", "_values", "saved")

    def __init__(self, saved: Mapping[str, str]) -> None:
        self.saved = saved
        self._unread = dict(saved)  # of keys that nobody asked for yet
        self._values: dict[str, Any] = dict.fromkeys(saved)  # of all keys, in their order
        self._encoded: dict[str, str] = {}  # of those among them that can't have changed since
        self._lock = RLock()

    def __getitem__(self, key: str) -> Any:
        with self._lock:
            if key in self._unread:
                self.set_encoded(key, self._unread[key])
            value = self._values[key]
            if isinstance(value, _MUTABLE):
                self._encoded.pop(key, None)  # it may change from now on
            return value

    def __setitem__(self, key: str, value: Any) -> None:
        require_storable(key, value)  # refused here, where the app can tell which line it was
        with self._lock:
            self._unread.pop(key, None)
            self._encoded.pop(key, None)
            self._values[key] = value

    def set_encoded(self, key: str, text: str) -> None:
        """Set a value by its JSON, which is made of it again only if somebody asks for the value.

        The JSON is taken as it is: ``encode`` has made it.

        Raises:
            StoreError: it is no JSON: something else wrote to the table.
        """
        value = decode(key, text)
        with self._lock:
            self._unread.pop(key, None)
            self._values[key] = value
            self._encoded[key] = text

    def __delitem__(self, key: str) -> None:
        with self._lock:
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
        """What differs from what was saved, values inside lists and dicts among it.

        Raises:
            TypeError, ValueError: something was put inside a value that can't be stored.
        """
        with self._lock:
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
        with self._lock:
            if key in self._unread:
                return False
            if key in self._values:
                return self.saved.get(key) != self._encode(key)
            return key in self.saved

    def encoded(self) -> dict[str, str]:
        """The JSON of every key as it is now. Raises as ``changes`` does."""
        return self.changes().applied_to(self.saved)

    def mark_saved(self, changes: Changes) -> None:
        """Note that changes were saved. What the request changed since then is still a change."""
        with self._lock:
            self.saved = changes.applied_to(self.saved)

    def _encode(self, key: str) -> str:
        text = self._encoded.get(key)
        if text is None:
            value = self._values[key]
            text = encode(key, value)
            if not isinstance(value, _MUTABLE):
                self._encoded[key] = text
        return text
