"""The name that a function's calls are counted under, which no second function may have.

Two lambdas of a module have the same name, and so have all functions that a factory makes: counted
under one name, the calls of one would silently use up the limit of the other. So the second
function is refused, unless it replaces the first:

- after its module was loaded again;
- if it is defined again at each call of a function, as in an application factory: the same code,
  the same limits, the same values in its closure;
- in an interactive session;
- if the first does not exist any more.

Names are compared among the functions that count on one store object, under one namespace.
"""

from __future__ import annotations

import functools
import gc
import inspect
import os
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ratelimit_ddb.operations.per_store import PerStore

_Name = tuple[str, str]

_lock = threading.RLock()
"""Reentrant, since the garbage collector, which is called under it, may run anything."""
if hasattr(os, "register_at_fork"):
    # A fork waits until no thread holds the lock: nobody would ever release it in the child.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )

_owners: PerStore[dict[_Name, list[_Owner]]] = PerStore(lambda _store: {})
"""For each store, by namespace and name: the functions that have the name. They are the same
function, defined several times."""

_CONSTANTS = (str, bytes, int, float, complex)


def named_function(function: Callable[..., Any]) -> Any:
    """What a function is named after: a partial's function, the class of an object, or itself."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if hasattr(function, "__qualname__") else type(function)


def name_of(function: Callable[..., Any]) -> str:
    """The module and qualified name of a function, or of what names it."""
    named = named_function(function)
    # A built-in's method has no module, or None.
    return f"{getattr(named, '__module__', None) or 'builtins'}.{named.__qualname__}"


def claim(
    store: object,
    name: str,
    function: Callable[..., Any],
    way_out: str,
    *,
    terms: Any = None,
    namespace: str = "",
) -> None:
    """Give a function its name.

    Args:
        store: where its calls are counted.
        name: the name.
        function: the function.
        way_out: how users choose another name, for the message.
        terms: what else must be equal if the function is defined again, such as its limits.
        namespace: the namespace of its keys.

    Raises:
        ValueError: another function has the name on that store.
    """
    owner = _Owner(function, terms)
    with _lock:
        owners = _owners.of(store).setdefault((namespace, name), [])
        if all(known.gives_way_to(owner) for known in owners):
            owners[:] = [known for known in owners if known.is_the_same_as(owner)]
            owners.append(owner)
            return
    raise ValueError(
        f"a second function named {name!r} is limited on one store, where the two would share "
        f"their buckets: {way_out}"
    )


class _Owner:
    """A function that has a name; it is not kept alive."""

    __slots__ = ("_function", "_loading", "_terms")

    def __init__(self, function: Callable[..., Any], terms: Any) -> None:
        self._terms = terms
        self._loading = _loading_of(function)
        self._function: Callable[[], Any]
        try:
            self._function = weakref.ref(function)
        except TypeError:
            self._function = lambda: function

    def gives_way_to(self, other: _Owner) -> bool:
        """Whether the other one may have the name."""
        if self._function() is None or self._is_loaded_again_as(other):
            return True
        if self.is_the_same_as(other):
            return True
        gc.collect()  # it may belong to an application that nobody uses, as of the test before
        return self._function() is None

    def is_the_same_as(self, other: _Owner) -> bool:
        """Whether it still exists, and the other one is the same function, defined again."""
        mine, theirs = self._function(), other._function()
        if mine is None or not _is_same(mine, theirs, set()):
            return False
        return self._terms == other._terms or _is_same(self._terms, other._terms, set())

    def _is_loaded_again_as(self, other: _Owner) -> bool:
        (module, loaded_by), (other_module, other_loaded_by) = self._loading, other._loading
        return module == other_module and loaded_by is not other_loaded_by


def _loading_of(function: Callable[..., Any]) -> tuple[str, object]:
    """The module that a function is defined in, and an object that each loading of it has anew."""
    defined = inspect.unwrap(named_function(function))
    within = getattr(defined, "__globals__", None)
    if within is None:
        within = vars(sys.modules.get(getattr(defined, "__module__", None) or "builtins", sys))
    name = within.get("__name__", "")
    if name == "__main__" and hasattr(sys, "ps1"):
        return name, object()
    return name, within.get("__spec__")


def _is_same(one: Any, other: Any, compared: set[tuple[int, int]]) -> bool:
    """Whether two values are equal, or two functions the same one, defined twice.

    ``compared`` holds the pairs that are being compared, since functions may refer to themselves.
    """
    if one is other or (id(one), id(other)) in compared:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, _CONSTANTS):
        return bool(one == other)
    compared.add((id(one), id(other)))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            _is_same(value, other[key], compared) for key, value in one.items()
        )
    parts, other_parts = _parts(one), _parts(other)
    if parts is None or other_parts is None or len(parts) != len(other_parts):
        return False
    return all(_is_same(*pair, compared) for pair in zip(parts, other_parts, strict=True))


def _parts(value: Any) -> Sequence[Any] | None:
    """The parts that a value is compared by; None if it equals only itself."""
    if isinstance(value, tuple | list):
        return value
    if isinstance(value, functools.partial):
        return value.func, value.args, value.keywords
    if not inspect.isfunction(value):
        return None
    cells = tuple(_content(cell) for cell in value.__closure__ or ())
    # The code of a function that is defined twice is one object.
    return value.__code__, value.__defaults__, value.__kwdefaults__, cells


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # not set yet, as of a function that is defined below
