"""The configuration is formatted, valid by the provider's schema, and passes its own tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.infra.conftest import MakeWorkspace
from tests.infra.places import INFRA, MODULE, OLDEST_PYTHON
from tests.infra.terraform import Workspace

pytestmark = pytest.mark.infra

TEST_FILES = sorted(path.name for path in MODULE.glob("tests/*.tftest.hcl"))


def test_that_everything_is_formatted(make_workspace: MakeWorkspace) -> None:
    copy = make_workspace(MODULE)

    ran = copy.run("fmt", "-check", "-recursive", "-diff", str(copy.root))

    assert (ran.code, ran.out) == (0, "")


@pytest.mark.parametrize("file", TEST_FILES)
def test_that_terraforms_own_tests_pass(module: Workspace, file: str) -> None:
    ran = module.run("test", "-no-color", f"-filter=tests/{file}")

    assert ran.code == 0, ran.out + ran.err
    runs = (MODULE / "tests" / file).read_text().count('\nrun "')
    assert f"{runs} passed, 0 failed." in ran.out


def test_that_the_module_is_valid_with_the_provider_that_it_asks_for(tmp_path: Path) -> None:
    # As users have it: Terraform looks for the provider in a version that versions.tf allows.
    alone = Workspace(tmp_path, MODULE)

    alone.init()

    assert "The configuration is valid" in alone.must("validate", "-no-color")


def test_that_the_oldest_terraform_it_takes_will_do(tmp_path: Path, provider: str) -> None:
    oldest = re.search(r'required_version = ">= ([0-9.]+)"', (MODULE / "versions.tf").read_text())
    assert oldest is not None
    workspace = Workspace(tmp_path, MODULE, provider, OLDEST_PYTHON)
    workspace.init()

    ran = workspace.run("test", "-no-color")

    assert f"Terraform v{oldest[1]}." in workspace.must("version")
    assert ran.code == 0, ran.out + ran.err
    runs = sum((MODULE / "tests" / file).read_text().count('\nrun "') for file in TEST_FILES)
    assert f"{runs} passed, 0 failed." in ran.out


NAMES_KNOWN_LATER = """
resource "terraform_data" "suffix" {
  input = "acme"
}

module "tables" {
  source = "./modules/dynamodb"

  environment          = "dev"
  name_prefix          = terraform_data.suffix.output
  read_existing_tables = false
}
"""


def test_that_names_may_be_known_only_after_an_apply(tmp_path: Path, provider: str) -> None:
    workspace = Workspace(tmp_path, INFRA, provider)
    (workspace.folder / "main.tf").write_text(NAMES_KNOWN_LATER)
    workspace.init()

    plan = workspace.plan({})

    tables = [each for each in plan["resource_changes"] if each["type"] == "aws_dynamodb_table"]
    assert len(tables) == 5
