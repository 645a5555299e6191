"""Values as the table holds them: JSON.

Only values that JSON returns unchanged are accepted: None, bool, int, finite float, str, list, and
dict with str keys. A tuple would become a list, so it is refused, as is any other type.
"""

from __future__ import annotations

import json
import math
from typing import Any

from sessions.arguments import a_type, has_surrogate, shown
from sessions.errors import StoreError

MAX_DEPTH = 100
MAX_INT_BITS = 14_000
"""The largest int. With more than some 4,200 digits, Python refuses to convert one to text."""


_Place = tuple["_Place | None", "str | int"]
"""A place in a session's value: the place of the container, and the name or index in it.

It becomes text only for a message: making the text for each part of a value would take time
proportional to the number of parts times the length of the names above them.
"""


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
            raise ValueError(f"session[{_shown(where)}]: {shown(value)} has a lone surrogate")
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
            f"session[{_shown(where)}]: {shown(value)} is {a_type(value)}; "
            "only None, bool, int, float, str, list and dict are accepted: convert it before"
        )


def _shown(where: _Place) -> str:
    steps = []
    place: _Place | None = where
    while place is not None:
        place, name = place
        steps.append(f"[{name}]" if isinstance(name, int) else f".{name}")
    return shown("".join(reversed(steps))[1:])
