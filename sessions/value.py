"""Values as the table holds them: JSON, so that what comes back is exactly what was put in.

Only what JSON gives back unchanged is taken: None, bool, int, finite float, str, list, and dict
with text keys. A tuple would come back as a list, so it is refused, like anything else.
"""

from __future__ import annotations

import json
import math
from typing import Any

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
"""A value that a session can hold."""

DEEPEST = 100
MOST_BITS = 14_000
"""Of an integer: more than 4,200 digits, and Python refuses to write it as text."""


def encoded(key: str, value: object) -> str:
    """The JSON of a session's value.

    Raises:
        TypeError, ValueError: it would not come back unchanged. The message names the session's
            key and where in its value the trouble is.
    """
    _require_scalar(key, key)
    _require_storable(value, key, 0)
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def decoded(text: str) -> Any:
    """The value that a text was made of."""
    return json.loads(text)


def _require_storable(value: object, where: str, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"session[{where!r}]: nested more than {DEEPEST} deep, or in itself")
    kind = type(value)
    if kind is list:
        for index, inner in enumerate(value):  # type: ignore[arg-type,var-annotated]
            _require_storable(inner, f"{where}[{index}]", depth + 1)
    elif kind is dict:
        for name, inner in value.items():  # type: ignore[attr-defined]
            if type(name) is not str:
                raise TypeError(f"session[{where!r}]: key {name!r}: texts are needed as keys")
            _require_scalar(name, where)
            _require_storable(inner, f"{where}.{name}", depth + 1)
    else:
        _require_scalar(value, where)


def _require_scalar(value: Any, where: str) -> None:
    kind = type(value)
    if kind is str:
        # Two lone surrogates side by side would come back as the one character they spell.
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise ValueError(f"session[{where!r}]: {value!r} has a lone surrogate, no character")
    elif kind is float:
        if not math.isfinite(value):
            raise ValueError(f"session[{where!r}]: {value!r}: JSON has no such number")
    elif kind is int:
        if value.bit_length() > MOST_BITS:
            raise ValueError(f"session[{where!r}]: an integer of more than {MOST_BITS} bits")
    elif value is not None and kind is not bool:
        raise TypeError(
            f"session[{where!r}]: {value!r} is a {kind.__name__}; None, bool, int, float, str, "
            "list and dict come back unchanged, and nothing else is taken"
        )
