"""How the AWS provider plans and applies bounds of ``aws_dynamodb_global_secondary_index``.

The source is its ``internal/service/dynamodb/global_secondary_index.go``. This resource is of the
plugin framework: what it tells after an apply has to be what was planned.
"""

from __future__ import annotations

from typing import Any

State = dict[str, Any]


class Failed(Exception):
    """The provider fails, or Terraform finds that it did; the message is what is told."""


def plan(prior: State, planned: State) -> State:
    """Units that are left out are Optional and Computed: they stay."""
    before, after = prior["on_demand_throughput"], planned["on_demand_throughput"]
    if not before or not after:
        return planned
    kept = {name: before[0][name] if units is None else units for name, units in after[0].items()}
    return {**planned, "on_demand_throughput": [kept]}


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
    if -1 in (after[0].values() if after else ()):
        # DescribeTable leaves out what has no bound.
        raise Failed(
            "Provider produced inconsistent result after apply: .on_demand_throughput[0]: "
            "was -1, but now null"
        )
