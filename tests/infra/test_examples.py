"""The examples can be planned and applied, and a second plan finds nothing to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.infra.conftest import MakeWorkspace
from tests.infra.places import EXAMPLES

pytestmark = pytest.mark.infra

NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/main.tf"))


def test_that_there_are_four() -> None:
    assert NAMES == ["global-tables", "on-demand", "provisioned-autoscaling", "stream-lambda"]


@pytest.mark.parametrize("name", NAMES)
def test_that_an_example_is_made_once_and_then_stays(
    make_workspace: MakeWorkspace, name: str
) -> None:
    workspace = make_workspace(EXAMPLES / name)

    workspace.apply({})
    plan = workspace.plan({})

    assert [
        change["address"]
        for change in plan["resource_changes"]
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    ] == []
    if name == "stream-lambda":
        assert _actions_of_function(plan) == {
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            "sqs:SendMessage",
        }


def _actions_of_function(plan: dict[str, Any]) -> set[str]:
    """What the role of the example's function may do."""
    (policy,) = (
        change["change"]["after"]["policy"]
        for change in plan["resource_changes"]
        if change["address"] == "aws_iam_role_policy.push"
    )
    actions: set[str] = set()
    for statement in json.loads(policy)["Statement"]:
        found = statement["Action"]
        actions |= {found} if isinstance(found, str) else set(found)
    return actions
