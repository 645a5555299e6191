"""Checks of arguments. Each refusal names the argument, its value and the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeGuard, cast

from ddbwire.arguments import is_awaited, shown
from ratelimit_ddb.operations.store import Store

MAX_WAIT_SECONDS = 30.0
MAX_DEADLINE_SECONDS = 60.0
MAX_DENY_CACHE_SECONDS = 60.0
MAX_LEASE_SECONDS = 10.0

_STORE_MEMBERS = (
    "clock",
    "in_process",
    "ready",
    "prepare",
    "prepare_async",
    "send",
    "send_async",
    "send_all",
    "send_all_async",
)


def require_bool(name: str, value: object) -> bool:
    """Check that an argument is True or False.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} {shown(value)}: must be True or False")
    return value


def require_int(name: str, value: object) -> int:
    """Check that an argument is an int; a bool is none.

    Returns:
        the number, a plain int, of an enumeration's member too.

    Raises:
        TypeError: it is not a number.
        ValueError: it is a float.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if not isinstance(value, float):
        raise TypeError(f"{name} {shown(value)}: must be an int")
    raise ValueError(f"{name} {shown(value)}: must be an int, a whole number")


def require_int_from(name: str, value: object, least: int, most: int | None = None) -> int:
    """Check that an argument is an int within bounds.

    Raises:
        TypeError, ValueError: as ``require_int``, or it is out of the bounds.
    """
    number = require_int(name, value)
    if most is None and number < least:
        raise ValueError(f"{name} {shown(number)}: must be at least {least}")
    if most is not None and not least <= number <= most:
        raise ValueError(f"{name} {shown(number)}: must be from {least} to {most}")
    return number


def require_max_keys(name: str, value: object, least: int) -> int:
    """Check for how many keys a process should keep something.

    Raises:
        ValueError: it is not an int of at least ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} {shown(value)}: must be an int of at least {least}")
    return int(value)


def require_cost(cost: object, smallest_burst: int) -> int:
    """Check that a cost is one that every limit of a key can admit.

    Raises:
        TypeError, ValueError: it is not an int from 1 to the smallest burst of the limits.
    """
    number = require_int("cost", cost)
    if not 1 <= number <= smallest_burst:
        raise ValueError(
            f"cost {shown(number)}: must be from 1 to the burst of {smallest_burst}; more than the "
            "bucket holds could never be admitted"
        )
    return number


def is_list_like(given: object) -> TypeGuard[Iterable[Any]]:
    """Whether it can be a list of values; bytes are a list of numbers to Python alone."""
    return isinstance(given, Iterable) and not isinstance(given, bytes)


def named(where: str, error: TypeError | ValueError) -> TypeError | ValueError:
    """The same error, whose message begins with where the value was given: an option, a rule."""
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{where}: {error}")


def require_seconds_ns(name: str, seconds: object, least: float, most: float) -> int:
    """Check a duration in seconds.

    Returns:
        the duration in nanoseconds: 250_000_000 for 0.25.

    Raises:
        TypeError: it is not a number.
        ValueError: it is out of the bounds, or NaN.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{name} {shown(seconds)}: must be a number of seconds")
    if not least <= seconds <= most:
        raise ValueError(
            f"{name} {shown(seconds)}: must be from {least:.15g} to {most:.15g} seconds"
        )
    return round(seconds * 1_000_000_000)


def require_deadline_ns(deadline: object) -> int:
    """Check a ``deadline``, in seconds from 0.001 to 60; in nanoseconds. Raises as above."""
    return require_seconds_ns("deadline", deadline, 0.001, MAX_DEADLINE_SECONDS)


def require_deny_cache_ns(deny_cache: object) -> int:
    """Check a ``deny_cache``, in seconds from 0 to 60; in nanoseconds. Raises as above."""
    return require_seconds_ns("deny_cache", deny_cache, 0.0, MAX_DENY_CACHE_SECONDS)


def require_lease_ns(lease: object) -> int:
    """Check a ``lease``, in seconds from 0 to 10; in nanoseconds. Raises as above."""
    return require_seconds_ns("lease", lease, 0.0, MAX_LEASE_SECONDS)


def require_max_wait_ns(max_wait: object) -> int:
    """Check a ``max_wait``, in seconds from 0 to 30; in nanoseconds. Raises as above."""
    return require_seconds_ns("max_wait", max_wait, 0.0, MAX_WAIT_SECONDS)


def require_on_outage(on_outage: object) -> None:
    """Check an ``on_outage``.

    Raises:
        ValueError: it is none of the four.
    """
    if on_outage not in ("local", "allow", "deny", "raise"):
        raise ValueError(
            f"on_outage {shown(on_outage)}: must be 'local', 'allow', 'deny' or 'raise'"
        )


def require_functions(name: str, given: object) -> tuple[Callable[..., Any], ...]:
    """Check that an argument is a function or an iterable of them, none of which is to be awaited.

    Raises:
        TypeError: it is neither, or one of them is a coroutine function.
    """
    if not callable(given) and not isinstance(given, Iterable):
        raise TypeError(f"{name} {given!r}: must be a function or an iterable of functions")
    several = (given,) if callable(given) else tuple(given)
    for one in several:
        if not callable(one):
            raise TypeError(f"{name} {one!r}: must be a function")
        require_plain(name, one)
    return several


def require_function_or_none(name: str, given: object) -> None:
    """Check that an argument is None or a function that is not to be awaited.

    Raises:
        TypeError: it is something else.
    """
    if given is None:
        return
    if not callable(given):
        raise TypeError(f"{name} {given!r}: must be a function")
    require_plain(name, given)


def require_plain(name: str, function: object) -> None:
    """Refuse a coroutine function, or an object that is called as one, where nothing awaits it.

    Raises:
        TypeError: it is one.
    """
    if is_awaited(function):
        raise TypeError(
            f"{name} {function!r}: this is a coroutine function, and nothing awaits it here; give "
            "a plain one"
        )


def require_store(value: object, name: str = "store") -> Store:
    """Check that an argument has what the protocol Store asks for.

    Args:
        value: the argument.
        name: what it is called where it was given.

    Raises:
        TypeError: a member of Store is missing.
    """
    missing = [member for member in _STORE_MEMBERS if not hasattr(value, member)]
    if not missing and not isinstance(value, type):
        return cast("Store", value)
    if isinstance(value, type):
        what = f"the class {value.__name__}: call it"
    elif hasattr(value, "is_exact_by_owner"):
        what = f"{value!r}: this is a session store"
    elif len(missing) < len(_STORE_MEMBERS):
        what = f"{value!r}: it has no {', '.join(missing)}"
    else:
        what = repr(value)
    raise TypeError(f"{name} must be a DynamoDBStore, a MemoryStore or another Store, not {what}")
