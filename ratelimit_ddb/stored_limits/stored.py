"""``stored``: limits that are looked up in the table by a name, such as a plan's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ddbwire.arguments import plain_text, shown
from ratelimit_ddb.arguments import named
from ratelimit_ddb.key import KEY_OF_NO_BUCKET, LONGEST_BYTES
from ratelimit_ddb.limit import SECOND_NS, AnyLimit, LimitsLike, parse_limits

NameOfRequest = Callable[[Any], str | Awaitable[str | None] | None]
"""Returns a request's name of stored limits, such as ``"plan:pro"``; None for no limits."""

KEY_PREFIX = "limits:"
LONGEST_NAME_BYTES = 512
_LONGEST_CACHE_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Stored:
    """Limits that are stored under a name; made by ``stored``.

    Attributes:
        name: the name, or a function of the request that returns it.
        default: the limits if none are stored under the name.
        cache_seconds: how long a process uses the limits that it has read.
    """

    name: str | NameOfRequest
    default: tuple[AnyLimit, ...]
    cache_seconds: float

    @property
    def cache_ns(self) -> int:
        """``cache_seconds`` in nanoseconds."""
        return round(self.cache_seconds * SECOND_NS)


def stored(
    name: str | NameOfRequest, *, default: LimitsLike, cache_seconds: float = 60.0
) -> Stored:
    """Limits under a name in the table, which can be changed while processes run.

    ::

        Rule("/api/*", stored(lambda request: plan_of(request), default="100/minute"))
        RateLimiter(store, stored("emails", default="10/second"))

    ``ratelimit-ddb limits set plan:pro 1000/minute`` or ``StoredLimits.set`` writes them. A process
    reads a name when it needs it, by one eventually consistent read, and again after
    ``cache_seconds``. In an outage, or if the stored text is no limit, it uses the limits that it
    read last, or the default if it has read none.

    Args:
        name: 1 to 512 bytes; in a rule also a function of the request that returns a name, or None
            for no limits.
        default: the limits if none are stored under the name.
        cache_seconds: from 1 to 86,400. After this time a change is in force in every process.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """
    if not callable(name):
        name = require_name(name)
    if isinstance(cache_seconds, bool) or not isinstance(cache_seconds, int | float):
        raise TypeError(f"cache_seconds {shown(cache_seconds)}: must be a number of seconds")
    if not 1 <= cache_seconds <= _LONGEST_CACHE_SECONDS:
        raise ValueError(f"cache_seconds {shown(cache_seconds)}: must be from 1 to 86400")
    try:
        return Stored(name, parse_limits(default), float(cache_seconds))
    except (TypeError, ValueError) as error:
        raise named("default", error) from None


def require_name(name: object) -> str:
    """Check a name of stored limits.

    Raises:
        TypeError: it is not a str.
        ValueError: it is empty or too long, or can't be encoded as UTF-8.
    """
    if not isinstance(name, str):
        raise TypeError(f"name of stored limits {shown(name)}: must be a str such as 'plan:pro'")
    try:
        size_bytes = len(name.encode())
    except UnicodeEncodeError:
        size_bytes = 0
    if not 1 <= size_bytes <= LONGEST_NAME_BYTES:
        raise ValueError(
            f"name of stored limits {name[:80]!r}: must have 1 to {LONGEST_NAME_BYTES} bytes of "
            "UTF-8"
        )
    return plain_text(name)


def key_of(namespace: str, name: str) -> str:
    """The key of the item; no bucket has such a key.

    Args:
        namespace: from ``namespace_prefix``; empty for none.
        name: as checked by ``require_name``.

    Raises:
        ValueError: the two together are too long for a key, or can't be encoded as UTF-8.
    """
    key = f"{KEY_PREFIX}{namespace}{name}{KEY_OF_NO_BUCKET}"
    try:
        size_bytes = len(key.encode())
    except UnicodeEncodeError:
        raise ValueError(
            f"namespace {shown(namespace[:-1])}: has a lone surrogate, and stored limits need "
            "one that UTF-8 can encode"
        ) from None
    if size_bytes > LONGEST_BYTES:
        raise ValueError(f"name of stored limits {shown(name)}: too long with its namespace")
    return key


def name_of(namespace: str, key: str) -> str | None:
    """The name of the stored limits under a key; None for other keys."""
    start = KEY_PREFIX + namespace
    if not key.startswith(start) or not key.endswith(KEY_OF_NO_BUCKET):
        return None
    return key[len(start) : -len(KEY_OF_NO_BUCKET)] or None
