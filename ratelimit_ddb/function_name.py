"""The name that a function's calls are counted under, and that no second function may have.

Two lambdas of a module have one name, and so have all functions that a factory makes: counted under
it, the calls of one would use up the other's limit without a word. So the second is refused, unless
it is the first once more:

- after its module was loaded again;
- where it is defined anew at each call of a function, as in an application factory: the same code,
  limited alike, with the same values around it;
- where the first is no more.

Names are compared among the functions that count on one store object, under one namespace.
"""

from __future__ import annotations

import functools
import gc
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any

_Name = tuple[str, str]

_lock = threading.Lock()
_owners: dict[int, dict[_Name, list[_Owner]]] = {}
"""For each store, by its id: the functions that have a name, by namespace and name, which are one
that was defined several times. By id, as a store need not be hashable."""
_never_gone: list[object] = []
"""Stores that can't be told the end of; their ids are never another's."""

_CONSTANTS = (str, bytes, int, float, complex)


def what_names(function: Callable[..., Any]) -> Any:
    """What a function is named after: a partial's function, the class of an object, or itself."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if hasattr(function, "__qualname__") else type(function)


def name_of(function: Callable[..., Any]) -> str:
    """The module and qualified name of a function, or of what names it."""
    named = what_names(function)
    return f"{named.__module__}.{named.__qualname__}"


def claim(
    store: object,
    name: str,
    function: Callable[..., Any],
    way_out: str,
    *,
    terms: Hashable = None,
    namespace: str = "",
) -> None:
    """Take a name for a function.

    Args:
        store: where its calls are counted.
        name: the function's.
        function: whose it shall be.
        way_out: how users give another, for the message.
        terms: what also has to be the same where a function is defined again, such as its limits.
        namespace: what the keys of its calls begin with.

    Raises:
        ValueError: another function has it on that store.
    """
    owner = _Owner(function, terms)
    with _lock:
        owners = _names_on(store).setdefault((namespace, name), [])
        if all(known.gives_way_to(owner) for known in owners):
            owners[:] = [known for known in owners if known.is_the_same_as(owner)]
            owners.append(owner)
            return
    raise ValueError(
        f"a second function named {name!r} is limited on one store, where the two would share "
        f"their buckets: {way_out}"
    )


class _Owner:
    """A function that has a name, as far as it must be known to tell it from another."""

    __slots__ = ("_function", "_loading", "_terms")

    def __init__(self, function: Callable[..., Any], terms: Hashable) -> None:
        self._terms = terms
        self._loading = _loading_of(function)
        self._function: Callable[[], Any]
        try:
            self._function = weakref.ref(function)
        except TypeError:
            self._function = lambda: function

    def gives_way_to(self, other: _Owner) -> bool:
        """Whether the other one may have its name."""
        if self._function() is None or self._is_loaded_again_as(other):
            return True
        if self.is_the_same_as(other):
            return True
        gc.collect()  # it may be part of an application that is no more, as in the test before
        return self._function() is None

    def is_the_same_as(self, other: _Owner) -> bool:
        """Whether it is there still, and the other one is nothing but the same defined again."""
        mine, theirs = self._function(), other._function()
        return self._terms == other._terms and mine is not None and _are_alike(mine, theirs)

    def _is_loaded_again_as(self, other: _Owner) -> bool:
        (module, loaded_by), (other_module, other_loaded_by) = self._loading, other._loading
        return module == other_module and loaded_by is not other_loaded_by


def _loading_of(function: Callable[..., Any]) -> tuple[str, object]:
    """The module that a function is defined in, and the spec of its loading: each has its own."""
    defined = inspect.unwrap(what_names(function))
    within = getattr(defined, "__globals__", None)
    if within is None:
        within = vars(sys.modules.get(defined.__module__, sys))
    return within.get("__name__", ""), within.get("__spec__")


def _are_alike(one: Any, other: Any) -> bool:
    """Whether two functions are one that was defined twice."""
    if one is other:
        return True
    if isinstance(one, functools.partial) and isinstance(other, functools.partial):
        around = (one.args, one.keywords), (other.args, other.keywords)
        return one.func is other.func and _is_same_value(*around)
    if not inspect.isfunction(one) or not inspect.isfunction(other):
        return False
    return one.__code__ is other.__code__ and _is_same_value(_around(one), _around(other))


def _around(function: Any) -> tuple[Any, ...]:
    """The values that a function has from where it was defined."""
    cells = tuple(_content(cell) for cell in function.__closure__ or ())
    return function.__defaults__, function.__kwdefaults__, cells


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # not set yet, as of what is defined further down


def _is_same_value(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, _CONSTANTS):
        return bool(one == other)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_is_same_value, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            _is_same_value(value, other[key]) for key, value in one.items()
        )
    return False


def _names_on(store: object) -> dict[_Name, list[_Owner]]:
    names = _owners.get(id(store))
    if names is None:
        names = _owners[id(store)] = {}
        try:
            weakref.finalize(store, _owners.pop, id(store), None).atexit = False
        except TypeError:  # it has slots, and none for that
            _never_gone.append(store)
    return names
