"""Checks that the application that a middleware wraps has its interface, ASGI or WSGI."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum


class Interface(Enum):
    """An interface between servers and applications, with the parameters of an application."""

    ASGI = ("scope", "receive", "send")
    WSGI = ("environ", "start_response")


def require_application(app: object, interface: Interface, package: str) -> None:
    """Check that an object is an application of an interface, and not of the other one.

    Args:
        app: the object that a middleware wraps.
        interface: the interface of the middleware.
        package: the package that has the middlewares, in its modules ``asgi`` and ``wsgi``.

    Raises:
        TypeError: it is not callable; or it takes the arguments of the other interface instead.
    """
    if not callable(app):
        raise TypeError(f"app {app!r}: must be a callable {interface.name} application")
    (other,) = (one for one in Interface if one is not interface)
    if not _takes(app, interface) and _takes(app, other):
        raise TypeError(
            f"app {app!r}: must be a callable {interface.name} application; it takes "
            f"{', '.join(other.value)}, so use the middleware of {package}.{other.name.lower()}"
        )


def _takes(app: Callable[..., object], interface: Interface) -> bool:
    try:
        signature = inspect.signature(app)
    except (TypeError, ValueError):  # unknown for a callable that is not written in Python
        return True
    try:
        signature.bind(*interface.value)
    except TypeError:
        return False
    return True
