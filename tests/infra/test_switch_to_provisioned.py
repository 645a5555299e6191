"""The script that switches tables to provisioned capacity, run on the planned tables."""

from __future__ import annotations

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

SCRIPT = MODULE / "scripts" / "switch-to-provisioned.sh"


@pytest.fixture
def tables(planned: tuple[PlannedTable, ...], dynamodb_endpoint: str) -> Iterator[Created]:
    """All six, on demand."""
    with created(planned, dynamodb_endpoint) as there:
        yield there


def run_script(folder: Path, endpoint_url: str | None, *arguments: str) -> tuple[int, str]:
    """Run it with a command ``aws`` that asks an endpoint of the tests."""
    aws = folder / "aws"
    program = Path(__file__).parent / "aws_cli.py"
    aws.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
    aws.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "ENDPOINT_URL": endpoint_url or "",
    }
    ran = subprocess.run(
        ["sh", str(SCRIPT), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_that_tables_and_their_indexes_are_switched(tables: Created, tmp_path: Path) -> None:
    names = [tables.name("notifications"), tables.name("rate_limiting")]

    code, said = run_script(tmp_path, tables.endpoint_url, "50", "40", *names)

    assert code == 0, said
    with closing(client(tables.endpoint_url)) as dynamodb:
        for name in names:
            table = dynamodb.describe_table(TableName=name)["Table"]
            for each in (table, *table.get("GlobalSecondaryIndexes", [])):
                assert units(each) == (50, 40)
        untouched = dynamodb.describe_table(TableName=tables.name("conversations"))["Table"]
    assert units(untouched) == (0, 0)
    assert run_script(tmp_path, tables.endpoint_url, "9", "9", names[0]) == (
        0,
        f"{names[0]} is provisioned already\n",
    )


@pytest.mark.parametrize("units_given", ["0", "ten", "1.5", "-1", ""])
def test_that_units_that_are_none_are_refused(tmp_path: Path, units_given: str) -> None:
    code, said = run_script(tmp_path, None, units_given, "5", "quikapp-dev-rate-limits")

    assert code == 2
    assert f"'{units_given}' must be a whole number of units, 1 or more" in said


def test_that_it_says_how_it_is_called(tmp_path: Path) -> None:
    code, said = run_script(tmp_path, None, "5", "5")

    assert code == 2
    assert said.startswith("usage: ")


def units(described: dict[str, Any]) -> tuple[int, int]:
    """What a table or an index is provisioned with."""
    throughput = described["ProvisionedThroughput"]
    return throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]
