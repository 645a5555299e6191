"""How a store is pickled: as the arguments that make it anew where it is loaded."""

import pickle
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any


def as_arguments(
    store: object, arguments: Mapping[str, Any]
) -> tuple[Callable[[], object], tuple[()]]:
    """What ``store.__reduce__`` returns.

    Args:
        store: the store, connected or not: connections stay in their process.
        arguments: what its class is to be called with.

    Raises:
        TypeError: one of them can't be pickled, or is a ``session``, which holds credentials.
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
