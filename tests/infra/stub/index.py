"""How the AWS provider plans and applies throughput of ``aws_dynamodb_global_secondary_index``.

The source is its ``internal/service/dynamodb/global_secondary_index.go``. This resource is of the
plugin framework: what it tells after an apply has to be what was planned.
"""

from __future__ import annotations

from typing import Any

State = dict[str, Any]

_DESCRIBED = (
    "hash_key",
    "key_schema",
    "non_key_attributes",
    "on_demand_throughput",
    "projection_type",
    "range_key",
    "read_capacity",
    "write_capacity",
)


class Failed(Exception):
    """The provider fails, or Terraform finds that it did; the message is what is told."""


def plan(prior: State, planned: State) -> State:
    """Units that are left out are Optional and Computed: they stay."""
    before, after = prior["on_demand_throughput"], planned["on_demand_throughput"]
    if not before or not after:
        return planned
    kept = {name: before[0][name] if units is None else units for name, units in after[0].items()}
    return {**planned, "on_demand_throughput": [kept]}


def described(state: State) -> State:
    """An index as the data source of its table tells of it, as far as the module asks."""
    warm = state["warm_throughput"]
    told = {"name": state["index_name"], "warm_throughput": [warm] if warm else []}
    return dict.fromkeys(_DESCRIBED) | told


def apply(prior: State | None, planned: State) -> None:
    """Create or update it.

    Raises:
        Failed: it does not work.
    """
    before = [] if prior is None else prior["on_demand_throughput"]
    after = planned["on_demand_throughput"]
    if before and not after:
        # Update takes the first of no blocks.
        raise Failed("The plugin encountered an error, and failed to respond: nil pointer")
    warm, warm_before = planned["warm_throughput"], prior and prior["warm_throughput"]
    for name, units in (warm or {}).items():
        if units is None:
            # DescribeTable tells both.
            raise Failed(f"Provider produced inconsistent result after apply: .{name}: was null")
        if warm_before and units < warm_before[name]:
            raise Failed("ValidationException: WarmThroughput can't be lowered")
    if -1 in (after[0].values() if after else ()):
        # DescribeTable leaves out what has no bound.
        raise Failed(
            "Provider produced inconsistent result after apply: .on_demand_throughput[0]: "
            "was -1, but now null"
        )
