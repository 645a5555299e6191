"""One of each value that a session takes, under keys of every kind."""

from __future__ import annotations

from typing import Any

VALUES: dict[str, Any] = {
    "nothing": None,
    "yes": True,
    "one": 1,
    "one as a float": 1.0,
    "less than nothing": -0.0,
    "tiny": 5e-324,
    "large": 2**200,
    "empty": "",
    "words": 'Ünï "cødé" \x00 \u2028 🐈',
    "list": [1, True, [], {}, [None]],
    "dict": {"": {"b": 1, "a": [0.1]}},
    "a.b[0]#c:d": "a key like an expression",
    "clé 🗝": 1,
    "x" * 255: "a long key",
}
