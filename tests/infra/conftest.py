"""What the tests of ``infra/`` lean on: Terraform where it can be had, and copies to run it on."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.infra import mirror
from tests.infra.places import EXAMPLES, MODULE, missing
from tests.infra.planned import PlannedTable, tables_of
from tests.infra.terraform import Workspace

MakeWorkspace = Callable[[Path], Workspace]
TablesOfExample = Callable[[str], tuple[PlannedTable, ...]]


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    """Skip where Terraform is not installed; fail where a run is to have it."""
    if reason := missing():
        if os.environ.get("REQUIRE_INFRA"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """One stub of the AWS provider, for all of Terraform's commands."""
    with mirror.serving() as where:
        yield where


@pytest.fixture(scope="session")
def make_workspace(tmp_path_factory: pytest.TempPathFactory, provider: str) -> MakeWorkspace:
    """A copy of ``infra/`` with one folder initialized, for each call."""

    def make(folder: Path) -> Workspace:
        workspace = Workspace(tmp_path_factory.mktemp("copy"), folder, provider)
        workspace.init()
        return workspace

    return make


@pytest.fixture
def module(make_workspace: MakeWorkspace) -> Workspace:
    """The module, in a copy of its own."""
    return make_workspace(MODULE)


@pytest.fixture(scope="session")
def prefix() -> str:
    """What no other table's name begins with."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def planned(make_workspace: MakeWorkspace, prefix: str) -> tuple[PlannedTable, ...]:
    """Every table that the module can make, as it is planned by default."""
    variables = {"environment": "test", "name_prefix": prefix, "create_single_table": True}
    return tables_of(make_workspace(MODULE).plan(variables))


@pytest.fixture(scope="session")
def tables_of_example(make_workspace: MakeWorkspace) -> TablesOfExample:
    """The tables that an example plans."""
    return functools.cache(lambda name: tables_of(make_workspace(EXAMPLES / name).plan({})))
