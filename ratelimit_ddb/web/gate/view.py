"""A limit on one view: what the frameworks' decorators and dependencies have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from ratelimit_ddb.arguments import require_store
from ratelimit_ddb.decorator.function_name import claim
from ratelimit_ddb.limit import LimitsLike
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.options import DEFAULTS, GateOptions, ViewOptions, require_options
from ratelimit_ddb.web.gate.view_denials import note_view_limit
from ratelimit_ddb.web.rules.rule import LimitsOfRequest, Rule, default_name, methods_of

_OF_THE_RULE = (
    "by",
    "cost",
    "exempt",
    "in_flight",
    "give_back",
    "allow",
    "deny",
    "block_after",
    "block_for",
    "up_to",
    "enforce",
)
_LIMITS = "__ratelimit_ddb_limits__"
"""The attribute of a decorated view that has its limits. ``functools.wraps`` copies it to wrappers
of the view."""


class ViewLimit(NamedTuple):
    """One of the limits of a decorated view.

    Attributes:
        store: where its buckets are.
        namespace: the prefix of their keys.
        label: distinguishes it from other limits on the view: its given name, or its methods.
        methods: the methods that it limits; None for all.
        denies: whether it can deny by a rate: it has one, is enforced and not switched off.
        view: what was decorated with it.
    """

    store: Store
    namespace: str
    label: str
    methods: frozenset[str] | None
    denies: bool
    view: Any


def gate_of_view(
    own_name: str,
    limits: LimitsLike | LimitsOfRequest | None,
    store: Store,
    options: ViewOptions,
    *,
    blocking: bool,
    writes_fields: bool = True,
    default: bool = False,
    has_own_limits: Any = None,
) -> Gate:
    """The gate before one view.

    Args:
        own_name: the view's name. Unless ``options`` has a ``name``, it is the rule's name, behind
            its methods if any.
        limits: as for Rule. If there is only an ``in_flight``, default rules before the view stay
            in force.
        store: as for Gate.
        options: see ViewOptions.
        blocking: as for Gate.
        writes_fields: as for Gate.
        default: as for Rule.
        has_own_limits: as for Gate.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """
    require_options(options, ViewOptions)
    given: dict[str, Any] = dict(options)
    of_rule = {name: given.pop(name) for name in _OF_THE_RULE if name in given}
    methods = methods_of(given.pop("methods", None))
    name = given.pop("name", None)
    if name is None:
        name = default_name(own_name, methods)
    rule = Rule("/*", limits, name=name, methods=methods, default=default, **of_rule)
    note_view_limit(require_store(store))
    return Gate(
        store,
        rule,
        cast("GateOptions", given),
        blocking=blocking,
        of_view=rule.enforce and not default and limits is not None,
        writes_fields=writes_fields,
        has_own_limits=has_own_limits,
    )


def require_view(view: Any, *, of_a_class: str) -> None:
    """Refuse what is no view, or would no longer be one after the decoration.

    Args:
        view: what was decorated.
        of_a_class: what to limit instead of a class, for the message.

    Raises:
        TypeError: it is a class, a static or class method, or can't be called.
    """
    if inspect.isclass(view):
        raise TypeError(f"@limited on the class {view.__qualname__}: {of_a_class}")
    if isinstance(view, staticmethod | classmethod):
        raise TypeError(f"@limited on {view!r}: put it below @{type(view).__name__}")
    if not callable(view):
        raise TypeError(f"@limited on {view!r}: must be a view function")


def note_limit(
    view: Callable[..., Any],
    limited: Callable[..., Any],
    limits: LimitsLike | LimitsOfRequest | None,
    gate: Gate,
    options: ViewOptions,
    *,
    owner: Any = None,
    own_name: str,
) -> None:
    """Note a limit on a decorated view, and refuse one that would silently share a bucket.

    Args:
        view: what was decorated.
        limited: the result.
        limits: as for ``gate_of_view``.
        gate: what ``gate_of_view`` returned.
        options: the options, which ``gate_of_view`` has checked.
        owner: the function or class that the buckets are named after; None if that is not known
            yet, as for methods.
        own_name: its name.

    Raises:
        ValueError: the view has a limit of that name already, or another view has that name.
    """
    chosen = {**DEFAULTS, **options}
    methods = methods_of(chosen["methods"])
    label = default_name("", methods) if chosen["name"] is None else f"name {chosen['name']}"
    denies = limits is not None and chosen["enforce"] and gate.enabled
    limit = ViewLimit(gate.store, chosen["namespace"], label, methods, denies, view)
    for other in limits_on(view):
        if other[:3] == limit[:3]:
            called = chosen["name"] or default_name(own_name, methods)
            raise ValueError(
                f"two limits of {own_name} are named {called!r}, and would share a bucket: give "
                "both as one list, or tell them apart by methods= or name="
            )
    if owner is not None and chosen["name"] is None:
        claim(
            gate.store,
            default_name(own_name, methods),
            _without_limits(owner),
            "give each a name= of its own",
            terms=(
                limits if callable(limits) else str(limits),
                repr(chosen["in_flight"]),
                sorted(methods or ()),
            ),
            namespace=limit.namespace,
        )
    setattr(limited, _LIMITS, (*limits_on(view), limit))


def _without_limits(view: Any) -> Any:
    """The view without its outermost limits."""
    limits = limits_on(view)
    while limits and getattr(view, "__wrapped__", None) is limits[-1].view:
        view, limits = limits[-1].view, limits[:-1]
    return view


def limits_on(view: Any) -> tuple[ViewLimit, ...]:
    """The limits that a view was decorated with, if any."""
    found: tuple[ViewLimit, ...] = getattr(view, _LIMITS, ())
    return found


def method_of(view_class: Any, method: str) -> Any:
    """The method of a class-based view for a request: ``get`` for HEAD if it has no ``head``."""
    found = getattr(view_class, method.lower(), None)
    return getattr(view_class, "get", None) if found is None and method == "HEAD" else found


def has_own_limits(view: Any, method: str) -> bool:
    """Whether a view has a limit that denies by a rate, for requests of this method."""
    return any(
        limit.denies and (limit.methods is None or method in limit.methods)
        for limit in limits_on(view)
    )
