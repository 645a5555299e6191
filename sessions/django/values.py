"""Values of Django's session, stored as its JSONSerializer makes them: tuples become lists."""

from __future__ import annotations

import json
import math
from typing import Any

from ddbwire.arguments import shown
from sessions.arguments import has_surrogate
from sessions.values import values as json_values
from sessions.values.values import require_key


def require_encodable(key: object, value: object) -> None:
    """Check a value when it is set. It is encoded only if its types do not decide.

    Raises:
        TypeError, ValueError: it can't be stored, or the key is invalid. The message names the key.
    """
    key = require_key(key)
    if not _is_plain(value):
        _require_no_surrogate(key, value)
        json_values.require_storable(key, json_values.decode(key, encode(key, value)))


def encode(key: object, value: object) -> str:
    """The JSON of a value.

    Raises:
        TypeError, ValueError: it has none, or the key is invalid. The message names the key.
    """
    key = require_key(key)
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except TypeError as error:
        raise TypeError(f"session[{shown(key)}]: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"session[{shown(key)}]: {error}") from error


def encode_stored(key: str, value: object, text: str) -> str:
    """The JSON to store of a value whose JSON is ``text``, without duplicate keys.

    ``{1: "a", "1": "b"}`` has two keys that are the same in JSON.
    """
    return text if _is_plain(value) else json_values.encode(key, json_values.decode(key, text))


def _require_no_surrogate(key: str, value: Any) -> None:
    """Refuse lone surrogates, two of which JSON would join to one character."""
    waiting = [(value, 0)]
    while waiting:
        inner, depth = waiting.pop()
        if isinstance(inner, str) and has_surrogate(inner):
            raise ValueError(f"session[{shown(key)}]: a str with a lone surrogate")
        if depth > json_values.MAX_DEPTH:
            continue  # refused for that by the next check
        if isinstance(inner, dict):
            waiting += [(one, depth + 1) for pair in inner.items() for one in pair]
        elif isinstance(inner, list | tuple):
            waiting += [(one, depth + 1) for one in inner]


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether a value can be stored as it is, tuples apart; False if that is not certain."""
    kind = type(value)
    if kind is dict:
        return depth < json_values.MAX_DEPTH and all(
            type(name) is str and _is_plain(name) and _is_plain(inner, depth + 1)
            for name, inner in value.items()
        )
    if kind is list or kind is tuple:
        return depth < json_values.MAX_DEPTH and all(_is_plain(inner, depth + 1) for inner in value)
    if kind is str:
        return not has_surrogate(value)
    if kind is float:
        return math.isfinite(value)
    if kind is int:
        return bool(value.bit_length() <= json_values.MAX_INT_BITS)
    return value is None or kind is bool
