"""The module's scripts, run on the planned tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.infra.created import Created, created
from tests.infra.places import MODULE, REPOSITORY
from tests.infra.planned import PlannedTable
from tests.rate_limit_table import client

pytestmark = pytest.mark.infra

SWITCH, LIFT = "switch-to-provisioned.sh", "lift-maximum-throughput.sh"


@pytest.fixture
def tables(planned: tuple[PlannedTable, ...], dynamodb_endpoint: str) -> Iterator[Created]:
    """All six, on demand."""
    with created(planned, dynamodb_endpoint) as there:
        yield there


def run_script(
    folder: Path, endpoint_url: str | None, name: str, *arguments: str
) -> tuple[int, str]:
    """Run one with an ``aws`` that asks an endpoint of the tests and notes what it sends."""
    aws = folder / "aws"
    program = Path(__file__).parent / "aws_cli.py"
    aws.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
    aws.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "ENDPOINT_URL": endpoint_url or "",
        "NOTE_UPDATES_IN": str(folder / "updates"),
    }
    command = ["sh", str(MODULE / "scripts" / name), *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_that_tables_and_their_indexes_are_switched(tables: Created, tmp_path: Path) -> None:
    names = [tables.name("notifications"), tables.name("rate_limiting")]

    code, said = run_script(tmp_path, tables.endpoint_url, SWITCH, "50", "40", *names)

    assert code == 0, said
    with closing(client(tables.endpoint_url)) as dynamodb:
        for name in names:
            table = dynamodb.describe_table(TableName=name)["Table"]
            for each in (table, *table.get("GlobalSecondaryIndexes", [])):
                assert units(each) == (50, 40)
        untouched = dynamodb.describe_table(TableName=tables.name("conversations"))["Table"]
    assert units(untouched) == (0, 0)
    assert run_script(tmp_path, tables.endpoint_url, SWITCH, "9", "9", names[0]) == (
        0,
        f"{names[0]} is provisioned already\n",
    )


@pytest.mark.parametrize("units_given", ["0", "ten", "1.5", "-1", ""])
def test_that_units_that_are_none_are_refused(tmp_path: Path, units_given: str) -> None:
    code, said = run_script(tmp_path, None, SWITCH, units_given, "5", "quikapp-dev-rate-limits")

    assert code == 2
    assert f"'{units_given}' must be a whole number of units, 1 or more" in said


def test_that_bounds_of_tables_and_their_indexes_are_lifted(
    tables: Created, tmp_path: Path
) -> None:
    names = [tables.name("notifications"), tables.name("rate_limiting")]

    code, said = run_script(tmp_path, tables.endpoint_url, LIFT, *names)

    assert code == 0, said
    none = {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}
    index = {"IndexName": "userId-unreadAt-index", "OnDemandThroughput": none}
    sent = [json.loads(line) for line in (tmp_path / "updates").read_text().splitlines()]
    assert sent == [
        {
            "TableName": names[0],
            "OnDemandThroughput": none,
            "GlobalSecondaryIndexUpdates": [{"Update": index}],
        },
        {"TableName": names[1], "OnDemandThroughput": none},
    ]


@pytest.mark.parametrize("arguments", [(SWITCH, "5", "5"), (LIFT,)])
def test_that_a_script_says_how_it_is_called(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, said = run_script(tmp_path, None, *arguments)

    assert code == 2
    assert said.startswith("usage: ")


def units(described: dict[str, Any]) -> tuple[int, int]:
    """What a table or an index is provisioned with."""
    throughput = described["ProvisionedThroughput"]
    return throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]
