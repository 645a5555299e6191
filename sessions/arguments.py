"""Checks of arguments. Each error message has the argument's name, its value and the rule.

A message about what an application stores in a session, or about its user, has the type in place of
the value: messages go to logs and error trackers, and the value may be a token or an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ddbwire.arguments import plain_text, shown

MIN_TIMEOUT_SECONDS = 120
MAX_TIMEOUT_SECONDS = 400 * 86_400
"""The longest Max-Age that browsers accept (RFC 6265bis, 5.5)."""

MIN_SECRET_BYTES = 32
ENCRYPTION_KEY_BYTES = 32  # AES-256

ANONYMOUS_PREFIX = "anonymous~"
"""The prefix of the sort key of an anonymous session. No user's id may start with it."""

MAX_USER_ID_BYTES = 1_024
"""Source: AWS, "Quotas and limits in DynamoDB" (sort key)."""

MAX_DEVICE_CHARACTERS = 256

MAX_NAMESPACE_BYTES = 256
"""The namespace is stored in each row."""

RESERVED_PREFIX = "sessions."
"""The prefix of the keys that a session uses itself. Applications can't read or set them."""


def require_str(name: str, value: object) -> str:
    """Check that an argument is a str.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {value!r}")
    return plain_text(value)


def require_text(name: str, value: object) -> str:
    """Check that an argument is a str, not of a derived class, and valid Unicode.

    Raises:
        TypeError, ValueError: it is not.
    """
    if type(value) is not str:
        raise TypeError(f"{name} must be a str, not {a_type(value)}; use str(...)")
    if has_surrogate(value):
        raise ValueError(f"{name} must be valid Unicode, and it has a lone surrogate")
    return value


def require_namespace(value: object) -> str:
    """Check the namespace, which separates the sessions of applications.

    Raises:
        TypeError, ValueError: it is not a str of at most 256 bytes in UTF-8.
    """
    namespace = require_str("namespace", value)
    size_bytes = len(_utf8("namespace", namespace))
    if size_bytes > MAX_NAMESPACE_BYTES:
        raise ValueError(
            f"namespace must have at most {MAX_NAMESPACE_BYTES} bytes in UTF-8, not {size_bytes}"
        )
    return namespace


def require_bool(name: str, value: object) -> bool:
    """Check that an argument is True or False.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def require_str_or_none(name: str, value: object) -> str | None:
    """Check that an argument is a str or None.

    Raises:
        TypeError: it is neither.
    """
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a str or None, not {value!r}")
    return value


def require_user_and_namespace(user_id: object, namespace: object) -> None:
    """Check whose sessions are meant, and of which application; None for all.

    Raises:
        TypeError, ValueError: no session has such a user or such a namespace.
    """
    require_user_id(user_id)
    if require_str_or_none("namespace", namespace) is not None:
        require_namespace(namespace)


def require_field_name(name: str, value: object) -> str | None:
    """Check the name of a header field of the application's own; None for no field.

    Raises:
        TypeError, ValueError: it is neither None nor a token (RFC 9110, 5.6.2), or it is a standard
            field.
    """
    field = require_str_or_none(name, value)
    if field is not None and not _FIELD_NAME.fullmatch(field):
        raise ValueError(
            f"{name} must have letters, digits and !#$%&'*+-.^_`|~ only, not {shown(field)}"
        )
    if field is not None and field.lower() in _TAKEN_FIELDS:
        raise ValueError(
            f"{name} must be a field of your own, such as 'Session-Seconds-Left', not {field!r}"
        )
    return field


_TAKEN_FIELDS = frozenset(
    ("cache-control", "content-length", "content-type", "location", "set-cookie", "vary")
)
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)


def require_positive_int(name: str, value: object) -> int:
    """Check that an argument is an int of at least 1.

    Raises:
        ValueError: it is not.
    """
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} must be an int of at least 1, not {value!r}")
    return value


def require_timeout_seconds(name: str, value: object) -> int:
    """Check a timeout of a session.

    Raises:
        TypeError, ValueError: it is not an int from 120 to 34,560,000.
    """
    if type(value) is not int:
        raise TypeError(f"{name} must be an int (seconds), not {value!r}")
    if not MIN_TIMEOUT_SECONDS <= value <= MAX_TIMEOUT_SECONDS:
        raise ValueError(
            f"{name} must be from {MIN_TIMEOUT_SECONDS} to {MAX_TIMEOUT_SECONDS} seconds, "
            f"not {value}"
        )
    return value


def require_several(name: str, one: str, value: object) -> list[Any]:
    """Check an argument of several secrets or keys. The message doesn't show them.

    Args:
        name: the argument's name.
        one: the type of one of them, such as ``"bytes"``.
        value: the argument.

    Raises:
        TypeError: it is not a list, a tuple, or another iterable with an order.
    """
    if isinstance(value, Iterable) and not isinstance(value, _NOT_SEVERAL):
        return list(value)
    raise TypeError(f"{name} must be {one}, or a list of several, not {a_type(value)}")


_NOT_SEVERAL = (bytearray, memoryview, Mapping, AbstractSet)


def require_secret(value: object) -> bytes:
    """Check a secret, and encode one that is a str. The message doesn't show it.

    Raises:
        TypeError, ValueError: it is not a str or bytes, or has less than 32 bytes.
    """
    if not isinstance(value, str | bytes):
        raise TypeError(f"secret must be a str or bytes, not {type(value).__name__}")
    if isinstance(value, str) and has_surrogate(value):
        raise ValueError("secret must be valid Unicode, and it has a lone surrogate")
    secret = value.encode() if isinstance(value, str) else value
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(
            f"secret must have at least {MIN_SECRET_BYTES} bytes, not {len(secret)}; "
            "use secrets.token_hex()"
        )
    return secret


def require_encryption_key(value: object) -> bytes:
    """Check a key for encryption. The message doesn't show it.

    Raises:
        TypeError, ValueError: it is not bytes, or not 32 of them.
    """
    if not isinstance(value, bytes):
        raise TypeError(f"encryption key must be bytes, not {type(value).__name__}")
    if len(value) != ENCRYPTION_KEY_BYTES:
        raise ValueError(
            f"encryption key must have {ENCRYPTION_KEY_BYTES} bytes, not {len(value)}; "
            f"use secrets.token_bytes({ENCRYPTION_KEY_BYTES})"
        )
    return value


def require_deadline_seconds(value: object) -> float:
    """Check a deadline: how many seconds the store may take.

    Raises:
        TypeError, ValueError: it is not a number from 0.001 to 60.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"deadline must be a number of seconds, not {value!r}")
    if not 0.001 <= value <= 60:
        raise ValueError(f"deadline must be from 0.001 to 60 seconds, not {value}")
    return float(value)


def require_user_id(value: object) -> str:
    """Check a user's id.

    Raises:
        TypeError, ValueError: it is not a str of 1 to 1,024 bytes in UTF-8, or it has the prefix
            of anonymous sessions.
    """
    if not isinstance(value, str):
        raise TypeError(f"user_id must be a str, not {a_type(value)}; use str(...) for a number")
    size_bytes = len(_utf8("user_id", value))
    if not 1 <= size_bytes <= MAX_USER_ID_BYTES:
        raise ValueError(
            f"user_id must have 1 to {MAX_USER_ID_BYTES} bytes in UTF-8, not {size_bytes}"
        )
    if value.startswith(ANONYMOUS_PREFIX):
        raise ValueError(
            f"user_id must not start with {ANONYMOUS_PREFIX!r}, the prefix of anonymous sessions"
        )
    return value


def device_name(value: object) -> str | None:
    """The name of a user's device as it is stored. No User-Agent makes a login fail.

    It is cut to 256 characters; an empty one becomes None, and a lone surrogate becomes "?".

    Raises:
        TypeError: it is neither None nor a str.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"device must be a str or None, not {a_type(value)}")
    unicode = value.encode(errors="replace").decode()
    return unicode.strip()[:MAX_DEVICE_CHARACTERS] or None


def has_surrogate(text: str) -> bool:
    """Whether a text has a surrogate, alone or in a pair, which UTF-8 can't encode."""
    return not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)


def a_type(value: object) -> str:
    """A value's type for a message, such as "an int"."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _utf8(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Without the cause, which has the text.
        raise ValueError(f"{name} must be valid Unicode, and it has a lone surrogate") from None
