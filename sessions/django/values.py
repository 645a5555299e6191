"""Values of Django's session, stored as its JSONSerializer makes them: tuples become lists."""

from __future__ import annotations

import json
import math
from typing import Any

from sessions.arguments import require_key
from sessions.values import json_value


def require_encodable(key: object, value: object) -> None:
    """Check a value where it is set. JSON is made of it only where its types leave that open.

    Raises:
        TypeError, ValueError: it can't be stored, or the key is invalid. The message names the key.
    """
    key = require_key(key)
    if not _is_plain(value):
        json_value.require_storable(key, json_value.decode(encode(key, value)))


def encode(key: object, value: object) -> str:
    """The JSON of a value.

    Raises:
        TypeError, ValueError: it has none, or the key is invalid. The message names the key.
    """
    key = require_key(key)
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except TypeError as error:
        raise TypeError(f"session[{key!r}]: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"session[{key!r}]: {error}") from error


def encode_stored(key: str, value: object, text: str) -> str:
    """The JSON to store of a value whose JSON is ``text``: each key of a dict once.

    ``{1: "a", "1": "b"}`` has two keys that JSON spells alike.
    """
    return text if _is_plain(value) else json_value.encode(key, json_value.decode(text))


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether a value can be stored as it is, tuples apart; False if that is not certain."""
    kind = type(value)
    if kind is dict:
        return depth < json_value.MAX_DEPTH and all(
            type(name) is str and _is_plain(name) and _is_plain(inner, depth + 1)
            for name, inner in value.items()
        )
    if kind is list or kind is tuple:
        return depth < json_value.MAX_DEPTH and all(_is_plain(inner, depth + 1) for inner in value)
    if kind is str:
        return value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value)
    if kind is float:
        return math.isfinite(value)
    if kind is int:
        return bool(value.bit_length() <= json_value.MAX_INT_BITS)
    return value is None or kind is bool
