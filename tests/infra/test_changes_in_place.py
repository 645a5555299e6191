"""What a variable changes, it changes in place: no table and no index is ever made anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.conftest import MakeWorkspace
from tests.infra.places import MODULE
from tests.infra.terraform import Workspace

pytestmark = pytest.mark.infra

DEV = {"environment": "dev", "enable_alarms": False, "enable_deletion_protection": False}
FIXED = {
    **DEV,
    "billing_mode": "PROVISIONED",
    "enable_autoscaling": False,
    "read_capacity": 10,
    "write_capacity": 10,
}
SCALED = {**FIXED, "enable_autoscaling": True, "autoscaling_max_read_capacity": 50}

# Five tables and four indexes, reads and writes.
CAPACITIES = 18


def changes(plan: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """How many resources of each type are created, updated ... by a plan."""
    found: dict[tuple[str, str], int] = {}
    for change in plan["resource_changes"]:
        actions = "+".join(change["change"]["actions"])
        if change["mode"] == "managed" and actions != "no-op":
            found[change["type"], actions] = found.get((change["type"], actions), 0) + 1
    return found


@pytest.fixture(scope="module")
def on_demand(make_workspace: MakeWorkspace) -> Workspace:
    """Tables that are billed by request."""
    return _applied(make_workspace, DEV)


@pytest.fixture(scope="module")
def fixed(make_workspace: MakeWorkspace) -> Workspace:
    """Tables with capacity that stays."""
    return _applied(make_workspace, FIXED)


@pytest.fixture(scope="module")
def scaled(make_workspace: MakeWorkspace) -> Workspace:
    """Tables with capacity that follows demand."""
    return _applied(make_workspace, SCALED)


def test_that_turning_autoscaling_on_adds_policies_and_moves_bounds(fixed: Workspace) -> None:
    assert changes(fixed.plan(SCALED)) == {
        ("aws_appautoscaling_policy", "create"): CAPACITIES,
        ("aws_appautoscaling_target", "update"): CAPACITIES,
    }


def test_that_turning_autoscaling_off_removes_policies_and_moves_bounds(scaled: Workspace) -> None:
    assert changes(scaled.plan(FIXED)) == {
        ("aws_appautoscaling_policy", "delete"): CAPACITIES,
        ("aws_appautoscaling_target", "update"): CAPACITIES,
    }


def test_that_other_capacity_is_set_by_the_bounds_alone(fixed: Workspace) -> None:
    plan = fixed.plan({**FIXED, "write_capacity": 25})

    assert changes(plan) == {("aws_appautoscaling_target", "update"): CAPACITIES // 2}
    bounds = {
        (after["min_capacity"], after["max_capacity"])
        for change in plan["resource_changes"]
        if change["change"]["actions"] == ["update"] and (after := change["change"]["after"])
    }
    assert bounds == {(25, 25)}


def test_that_capacity_that_was_scaled_is_left_alone(scaled: Workspace) -> None:
    _scale(scaled, 37)

    assert changes(scaled.plan(SCALED)) == {}


def test_that_nothing_a_variable_says_deletes_a_table(on_demand: Workspace) -> None:
    plan = on_demand.plan(
        {
            "environment": "dev",
            "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d",
            "enable_global_tables": True,
            "replica_region": "eu-west-1",
            "replica_kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d",
            "enable_streams": True,
            "enable_point_in_time_recovery": False,
            "enable_deletion_protection": True,
            "enable_media_metadata_ttl": False,
            "table_classes": {"media_metadata": "STANDARD_INFREQUENT_ACCESS"},
            "on_demand_maximum_throughput": {"rate_limiting": {"write": 1000}},
            "additional_indexes": {"media_metadata": {"by-type": {"hash_key": {"name": "type"}}}},
            "create_single_table": True,
            "contributor_insights_mode": "THROTTLED_KEYS",
            "tags": {"Owner": "platform"},
        }
    )

    made = changes(plan)

    assert made["aws_dynamodb_table", "update"] == 5
    assert made["aws_dynamodb_table", "create"] == 1
    assert made["terraform_data", "update"] == 5
    assert made["aws_dynamodb_global_secondary_index", "create"] == 1
    assert not any("delete" in actions for _, actions in made)


def test_that_another_name_would_make_tables_anew(on_demand: Workspace) -> None:
    # The one change here that must: if it did not show, neither would any other.
    made = changes(on_demand.plan({**DEV, "name_prefix": "acme"}))

    assert made["aws_dynamodb_table", "delete+create"] == 5
    assert made["aws_dynamodb_global_secondary_index", "delete+create"] == 4


def test_that_billing_changes_in_place(on_demand: Workspace) -> None:
    made = changes(on_demand.plan(SCALED))

    assert made["aws_dynamodb_table", "update"] == 5
    assert made["aws_appautoscaling_target", "create"] == CAPACITIES
    assert not any("delete" in actions for _, actions in made)


def test_that_tables_that_were_switched_by_hand_are_taken_as_they_are(
    make_workspace: MakeWorkspace,
) -> None:
    # As switch-to-provisioned.sh leaves them, and a refresh finds them.
    workspace = _applied(make_workspace, DEV)
    _scale(workspace, 50)

    assert changes(workspace.plan(SCALED)) == {
        ("aws_appautoscaling_policy", "create"): CAPACITIES,
        ("aws_appautoscaling_target", "create"): CAPACITIES,
    }


def test_that_a_table_that_is_not_wanted_leaves_the_others_alone(on_demand: Workspace) -> None:
    plan = on_demand.plan({**DEV, "create_notifications_table": False})

    assert {
        change["address"]
        for change in plan["resource_changes"]
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    } == {
        'aws_dynamodb_table.this["notifications"]',
        'aws_dynamodb_global_secondary_index.this["notifications/userId-unreadAt-index"]',
        'terraform_data.deletion_protection["notifications"]',
    }


def _applied(make_workspace: MakeWorkspace, variables: Mapping[str, Any]) -> Workspace:
    workspace = make_workspace(MODULE)
    workspace.apply(variables)
    return workspace


def _scale(workspace: Workspace, units: int) -> None:
    """Let every table and index be provisioned with so much, as others than Terraform would."""
    path = workspace.folder / "terraform.tfstate"
    state = json.loads(path.read_text())
    for resource in state["resources"]:
        for instance in resource["instances"]:
            values = instance["attributes"]
            if resource["type"] == "aws_dynamodb_table":
                values |= {"read_capacity": units, "write_capacity": units}
                values["billing_mode"] = "PROVISIONED"
            if resource["type"] == "aws_dynamodb_global_secondary_index":
                throughput = {"read_capacity_units": units, "write_capacity_units": units}
                values["provisioned_throughput"] = [throughput]
    path.write_text(json.dumps(state))
