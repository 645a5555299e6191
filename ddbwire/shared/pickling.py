"""Pickles a store as its arguments, with which it is made again when it is loaded."""

import pickle
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any


def as_arguments(
    store: object, arguments: Mapping[str, Any]
) -> tuple[Callable[[], object], tuple[()]]:
    """The result of ``store.__reduce__``.

    Args:
        store: the store. Its connections are not pickled.
        arguments: the arguments of its class.

    Raises:
        TypeError: an argument can't be pickled, or is a ``session``, which contains credentials.
    """
    for name, value in arguments.items():
        if value is not None and (name == "session" or not _can_be_pickled(value)):
            raise TypeError(
                f"a {type(store).__name__} with {name}={value!r} can't be pickled: make the store "
                f"in the process that uses it, or leave {name}= out"
            )
    return partial(type(store), **arguments), ()


def _can_be_pickled(value: object) -> bool:
    try:
        pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True
