"""The examples can be planned and applied, and a second plan finds nothing to do."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra.conftest import MakeWorkspace
from tests.infra.places import EXAMPLES, INFRA
from tests.infra.terraform import Workspace

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
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "sqs:SendMessage",
        }
    if name == "global-tables":
        assert _services_of_topics_key(plan) == {"cloudwatch.amazonaws.com"}


def test_that_the_function_answers_what_it_failed_on() -> None:
    push = runpy.run_path(str(EXAMPLES / "stream-lambda" / "push.py"))
    failing = {"n-2"}

    def to_devices(notification: dict[str, dict[str, str]]) -> None:
        if notification["notificationId"]["S"] in failing:
            raise ConnectionError("the devices are not reached")

    push["handler"].__globals__["push"] = to_devices
    records = [
        {
            "dynamodb": {
                "SequenceNumber": str(number),
                "NewImage": {"userId": {"S": "ada"}, "notificationId": {"S": f"n-{number}"}},
            }
        }
        for number in range(4)
    ]

    assert push["handler"]({"Records": records}, None) == {
        "batchItemFailures": [{"itemIdentifier": "2"}]
    }
    failing.clear()
    assert push["handler"]({"Records": records}, None) == {"batchItemFailures": []}


def _services_of_topics_key(plan: dict[str, Any]) -> set[str]:
    """The services that may have the key of the topic, by the policy of that key, make data keys.

    CloudWatch can't publish to a topic that is encrypted with AWS's own ``alias/aws/sns``.
    """
    planned = {change["address"]: change["change"]["after"] for change in plan["resource_changes"]}
    key = planned["aws_kms_key.on_call"]
    assert planned["aws_sns_topic.on_call"]["kms_master_key_id"] == key["arn"]
    return {
        statement["Principal"]["Service"]
        for statement in json.loads(key["policy"])["Statement"]
        if {"kms:Decrypt", "kms:GenerateDataKey*"} <= set(statement["Action"])
        and "Service" in statement["Principal"]
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


def test_that_the_module_is_found_by_a_git_address(tmp_path: Path, provider: str) -> None:
    repository = tmp_path / "repository"
    shutil.copytree(INFRA, repository / "infra", ignore=shutil.ignore_patterns(".terraform*"))
    git = ["git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "All"], ["tag", "v0.1.0"]):
        subprocess.run([*git, *command], check=True)
    workspace = Workspace(tmp_path, EXAMPLES / "on-demand", provider)
    main = workspace.folder / "main.tf"
    address = f"git::file://{repository}//infra/modules/dynamodb?ref=v0.1.0"
    main.write_text(main.read_text().replace("../../modules/dynamodb", address))

    workspace.init()

    assert workspace.plan({})["planned_values"]["outputs"]["table_names"]
