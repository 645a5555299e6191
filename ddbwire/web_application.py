"""Whether what a middleware wraps is an application of its own interface, ASGI or WSGI."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum


class Interface(Enum):
    """An interface between servers and applications, and what an application is called with."""

    ASGI = ("scope", "receive", "send")
    WSGI = ("environ", "start_response")


def require_application(app: object, interface: Interface, package: str) -> None:
    """Refuse what is no application, or one of the other interface.

    Args:
        app: what a middleware is to wrap.
        interface: the middleware's.
        package: where the modules ``asgi`` and ``wsgi`` of the middleware are.

    Raises:
        TypeError: it can't be called; or it takes the other interface's arguments and not these.
    """
    if not callable(app):
        raise TypeError(f"app {app!r}: must be an application of {interface.name}")
    (other,) = (one for one in Interface if one is not interface)
    if not _takes(app, interface) and _takes(app, other):
        raise TypeError(
            f"app {app!r}: it is called with {', '.join(other.value)}, so it is an application of "
            f"{other.name}: take the middleware of {package}.{other.name.lower()}"
        )


def _takes(app: Callable[..., object], interface: Interface) -> bool:
    try:
        signature = inspect.signature(app)
    except (TypeError, ValueError):  # of something that is not written in Python, nobody knows
        return True
    try:
        signature.bind(*interface.value)
    except TypeError:
        return False
    return True
