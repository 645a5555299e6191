"""What a request did to a session's values: the keys to set, and those to remove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

from sessions.value import decoded, encoded


class Changes(NamedTuple):
    """What is to be saved.

    Attributes:
        changed: the JSON of each key that is new or has another value.
        removed: keys that are no more.
    """

    changed: Mapping[str, str]
    removed: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)

    def applied_to(self, texts: Mapping[str, str]) -> dict[str, str]:
        """What the values become where they were ``texts``."""
        kept = {key: text for key, text in texts.items() if key not in self.removed}
        return {**kept, **self.changed}


UNCHANGED = Changes({}, frozenset())


class Values(MutableMapping[str, Any]):
    """Values that are decoded when they are asked for, and compared with what they were.

    Args:
        texts: the JSON of each key, as it was read.
    """

    __slots__ = ("_original", "_texts", "_values")

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._original = dict(texts)
        self._texts = dict(texts)  # of keys that nobody asked for yet
        self._values: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key in self._texts:
            self._values[key] = decoded(self._texts.pop(key))
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        encoded(key, value)  # told here, where the app can tell which line it was
        self._texts.pop(key, None)
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        if key in self._texts:
            del self._texts[key]
        else:
            del self._values[key]

    def __iter__(self) -> Iterator[str]:
        # At once: a key that is asked for meanwhile goes from the one to the other.
        yield from [*self._texts, *self._values]

    def __len__(self) -> int:
        return len(self._texts) + len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._texts or key in self._values

    def changes(self) -> Changes:
        """What differs from what was read; nothing where nothing was asked for, on the hot path.

        Values inside lists and dicts count.

        Raises:
            TypeError, ValueError: something was put inside a value that can't be stored.
        """
        if not self._values and len(self._texts) == len(self._original):
            return UNCHANGED
        changed = {}
        for key, value in self._values.items():
            text = encoded(key, value)
            if self._original.get(key) != text:
                changed[key] = text
        return Changes(changed, frozenset(key for key in self._original if key not in self))

    def texts(self) -> dict[str, str]:
        """The JSON of every key as it is now. Raises as ``changes`` does."""
        return self.changes().applied_to(self._original)

    def saved(self, texts: Mapping[str, str] | None = None) -> None:
        """These have been saved, or all that is there: what differs from now on is a change."""
        self._original = self.texts() if texts is None else dict(texts)
