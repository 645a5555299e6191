"""A limit on one view: what the frameworks' decorators and dependencies have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Required, TypedDict, cast

from ratelimit_ddb.limit import LimitsGiven
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.store.protocol import Store
from ratelimit_ddb.web.fields import FieldStyle
from ratelimit_ddb.web.gate import Gate, GateOptions, OnDecision, OnDenied
from ratelimit_ddb.web.rule import CostOfRequest, Exempt, Identity, LimitsOfRequest, Rule


class ViewOptions(TypedDict, total=False):
    """What a limit on a view takes beside the limits: Rule's options, and GateOptions'."""

    store: Required[Store]
    by: Identity
    cost: int | CostOfRequest
    name: str
    exempt: Exempt
    enforce: bool
    on_outage: OnOutage
    deadline: float
    deny_cache: float
    seen_keys: int
    fields: FieldStyle
    on_denied: OnDenied
    on_decision: OnDecision | Iterable[OnDecision]


_OF_THE_RULE = ("by", "cost", "name", "exempt", "enforce")


def gate_of_view(
    default_name: str,
    limits: LimitsGiven | LimitsOfRequest,
    options: ViewOptions,
    *,
    blocking: bool,
) -> Gate:
    """The gate before one view.

    Args:
        default_name: what its rule is called unless ``name`` is among the options.
        limits: as for Rule.
        options: see ViewOptions.
        blocking: as for Gate.

    Raises:
        TypeError, ValueError: something given can't hold.
    """
    given: dict[str, Any] = dict(options)
    if "rules" in given:
        raise TypeError("'rules' is no option here: a view has its own limits")
    of_rule = {name: given.pop(name) for name in _OF_THE_RULE if name in given}
    name = of_rule.pop("name", None)
    rule = Rule("/*", limits, name=default_name if name is None else name, **of_rule)
    return Gate(cast("GateOptions", {**given, "rules": rule}), blocking=blocking)
