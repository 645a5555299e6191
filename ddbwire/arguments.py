"""Checks of the arguments of a wire and of the stores on it.

Each error message has the argument's name, its value and the rule. As far as that is possible
without botocore, values that it would refuse at the first call are refused here.
"""

import inspect
import re
import reprlib
from typing import Any

_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}", re.ASCII)
"""DynamoDB needs three characters; an emulator accepts one."""
_TABLE_ARN = re.compile(
    r"arn:[a-z0-9-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]{1,255}", re.ASCII
)
_REGION = re.compile(r"[A-Za-z0-9-]{0,63}", re.ASCII)
MOST_CONNECTIONS = 65_536
"""The number of ports of an address, and so more than anyone needs."""


MAX_SHOWN_CHARACTERS = 60
"""How much of a value an error message shows."""


def shown(value: object) -> str:
    """The start of a value's repr, for a message: values may be long, or confidential."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # an int of more digits than Python writes
        return f"<{type(value).__name__}>"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = MAX_SHOWN_CHARACTERS


def plain_text(text: str) -> str:
    """The same text as a plain str: a member of a str enumeration formats as ``Plan.FREE``."""
    return str.__str__(text)


def require_table(table: object) -> str:
    """Check the name or ARN of a table.

    Raises:
        TypeError, ValueError: no table can have that name.
    """
    if not isinstance(table, str):
        raise TypeError(f"table {table!r}: must be a str, the name of a table or its ARN")
    if not (_TABLE_NAME.fullmatch(table) or _TABLE_ARN.fullmatch(table)):
        raise ValueError(
            f"table {table!r}: must be the name of a table, of letters, digits, '_', '.' and '-', "
            "or its ARN, 'arn:aws:dynamodb:<region>:<account>:table/<name>'"
        )
    return plain_text(table)


def require_region(region_name: object) -> str:
    """Check a region's name; an empty one stands for none, as for boto3.

    Raises:
        TypeError, ValueError: no region can have that name.
    """
    if not isinstance(region_name, str):
        raise TypeError(f"region_name {region_name!r}: must be a str, such as 'eu-west-1'")
    if not _REGION.fullmatch(region_name):
        raise ValueError(
            f"region_name {region_name!r}: must be letters, digits and '-', such as 'eu-west-1'"
        )
    return plain_text(region_name)


def require_session(session: Any) -> None:
    """Check that a session is boto3's or botocore's.

    Raises:
        TypeError: it is something else, such as a client, or a session of aioboto3.
    """
    get_credentials = getattr(session, "get_credentials", None)
    if (
        isinstance(session, type)
        or not callable(get_credentials)
        or inspect.iscoroutinefunction(get_credentials)
    ):
        raise TypeError(
            f"session {session!r}: must be a boto3.Session(), for asyncio too; without one, "
            "botocore's default chain is used"
        )


def require_max_connections(max_connections: object) -> int:
    """Check the number of connections that may be open at a time.

    Raises:
        TypeError, ValueError: it is not an int of at least 1.
    """
    if isinstance(max_connections, bool) or not isinstance(max_connections, int):
        raise TypeError(f"max_connections {max_connections!r}: must be an int")
    if not 1 <= max_connections <= MOST_CONNECTIONS:
        raise ValueError(f"max_connections {max_connections}: must be from 1 to {MOST_CONNECTIONS}")
    return int(max_connections)


def require_clock(clock: Any) -> None:
    """Check that a clock returns nanoseconds, by calling it once.

    Raises:
        TypeError: it is not a function, or does not return an int, as ``time.time``, which returns
            seconds as a float.
    """
    require_plain_function("clock", clock, "that returns nanoseconds since the epoch")
    now_ns = clock()
    if isinstance(now_ns, bool) or not isinstance(now_ns, int):
        raise TypeError(
            f"clock {clock!r}: must return an int, nanoseconds since the epoch as time.time_ns() "
            f"does, not {now_ns!r}"
        )


def require_plain_function(name: str, function: object, gives: str) -> None:
    """Check that an option is a function, and not an async one.

    Args:
        name: the option's name.
        function: its value.
        gives: what the function must do, for the message.

    Raises:
        TypeError: it is not such a function.
    """
    if not callable(function) or is_awaited(function):
        raise TypeError(f"{name} {function!r}: must be a plain function {gives}")


def is_awaited(function: object) -> bool:
    """Whether a function, or an object's ``__call__``, is an async one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004 - not whether it has one
    )
