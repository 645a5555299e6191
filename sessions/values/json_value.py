"""Values as the table holds them: JSON, so that what comes back is exactly what was put in.

Only what JSON gives back unchanged is accepted: None, bool, int, finite float, str, list, and dict
with str keys. A tuple would come back as a list, so it is refused, like anything else.
"""

from __future__ import annotations

import json
import math
from typing import Any

from sessions.arguments import a_type, has_surrogate, shown
from sessions.errors import StoreError

MAX_DEPTH = 100
MAX_INT_BITS = 14_000
"""Of an integer: more than 4,200 digits, and Python refuses to write it as text."""


_Place = tuple["_Place | None", "str | int"]
"""Where in a session's value something is: inside what, and its name or index there.

It is made into text for a message only. Made for each part of a value, that would take a time that
grows with the number of parts times the length of the names above them.
"""


def require_storable(key: str, value: object) -> None:
    """Check a session's value; no JSON is made of it.

    Raises:
        TypeError, ValueError: it would not come back unchanged. The message names the session's
            key and where in its value the trouble is.
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
    """The JSON of a session's value, which is checked again: a list or dict may have changed.

    Raises:
        TypeError, ValueError: as ``require_storable``.
    """
    require_storable(key, value)
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def decode(key: str, text: str) -> Any:
    """The value of a session's key that JSON was made of.

    Raises:
        StoreError: it is no JSON that this package writes; something else wrote to the table.
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
        if value.isascii():  # at once, for most are
            return
        # Two lone surrogates side by side would come back as the one character they spell.
        if has_surrogate(value):
            raise ValueError(f"session[{_shown(where)}]: {shown(value)} has a lone surrogate")
    elif kind is float:
        if not math.isfinite(value):
            raise ValueError(f"session[{_shown(where)}]: {value!r} is no JSON number; use None")
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
