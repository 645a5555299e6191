"""What is wrong with a configuration is found: else a check that passes would say nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.infra.conftest import MakeWorkspace
from tests.infra.places import MODULE
from tests.infra.terraform import Workspace

pytestmark = pytest.mark.infra


class Breakage(NamedTuple):
    """A change to one file of the module, and what Terraform is to say of it."""

    file: str
    right: str
    wrong: str
    said: str


BREAKAGES = {
    "a wrong attribute's name": Breakage(
        "main.tf", "  hash_key  =", "  hash_keys =", 'An argument named "hash_keys" is not expected'
    ),
    "a wrong attribute's name in a block": Breakage(
        "main.tf",
        "    enabled                 = each.value.point_in_time_recovery",
        "    enabled = true\n    days = 7",
        'An argument named "days" is not expected',
    ),
    "a wrong block's name": Breakage(
        "main.tf",
        "  point_in_time_recovery {",
        "  point_in_time_restore {",
        'Blocks of type "point_in_time_restore" are not expected',
    ),
    "a missing required argument": Breakage(
        "main.tf",
        "  name      = each.value.name\n",
        "",
        'The argument "name" is required, but no definition was found',
    ),
    "a missing required argument of another resource": Breakage(
        "autoscaling.tf",
        "  min_capacity       = each.value.least\n",
        "",
        'The argument "min_capacity" is required, but no definition was found',
    ),
    "a missing required argument in a block": Breakage(
        "streams.tf",
        "        destination_arn = destination_config.value\n",
        "",
        'The argument "destination_arn" is required, but no definition was found',
    ),
    "a reference to an undeclared variable": Breakage(
        "main.tf",
        "each.value.deletion_protection\n  stream",
        "var.protect\n  stream",
        'An input variable with the name "protect" has not been declared',
    ),
    "a reference to an undeclared resource": Breakage(
        "indexes.tf",
        "aws_dynamodb_table.this[each.value.table].name",
        "aws_dynamodb_table.all[each.value.table].name",
        'A managed resource "aws_dynamodb_table" "all" has not been declared',
    ),
    "a reference to an attribute that there is not": Breakage(
        "iam.tf",
        '":${data.aws_region.current.region}:"',
        '":${data.aws_region.current.regions}:"',
        'This object has no argument, nested block, or exported attribute named "regions"',
    ),
    "a value of the wrong type": Breakage(
        "main.tf",
        "= each.value.deletion_protection\n  stream",
        '= "sometimes"\n  stream',
        'Inappropriate value for attribute "deletion_protection_enabled": a bool is',
    ),
    "a resource that the provider does not have": Breakage(
        "alarms.tf",
        'resource "aws_dynamodb_contributor_insights" "this"',
        'resource "aws_dynamodb_contributor_insight" "this"',
        "does not support resource type",
    ),
    "two blocks where one may be": Breakage(
        "main.tf",
        "  point_in_time_recovery {",
        "  point_in_time_recovery {\n    enabled = true\n  }\n\n  point_in_time_recovery {",
        'No more than 1 "point_in_time_recovery" blocks are allowed',
    ),
}


@pytest.fixture(scope="module")
def copy(make_workspace: MakeWorkspace) -> Workspace:
    """The module, to be broken and mended again."""
    return make_workspace(MODULE)


@contextlib.contextmanager
def broken(copy: Workspace, file: str, right: str, wrong: str) -> Iterator[None]:
    """The copy with one text replaced by another."""
    path = copy.folder / file
    text = path.read_text()
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong))
    try:
        yield
    finally:
        path.write_text(text)


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES.keys())
def test_that_a_broken_copy_is_not_valid(copy: Workspace, breakage: Breakage) -> None:
    with broken(copy, breakage.file, breakage.right, breakage.wrong):
        ran = copy.run("validate", "-no-color")

    assert ran.code == 1
    assert breakage.said in " ".join(ran.err.split())


PLANNED = {
    "an attribute that keys nothing": Breakage(
        "main.tf",
        "    for_each = each.value.attributes\n",
        '    for_each = merge(each.value.attributes, { size = "N" })\n',
        "all attributes must be indexed; unused: ['size']",
    ),
    "a key that is not declared": Breakage(
        "main.tf",
        "    for_each = each.value.attributes\n",
        "    for_each = { for name, kind in each.value.attributes : name => kind "
        'if name != "PK" }\n',
        "all indexes must match a defined attribute; unmatched: ['PK']",
    ),
    "a view of a stream that is off": Breakage(
        "main.tf",
        "each.value.streamed ? var.stream_view_type : null",
        "var.stream_view_type",
        "stream_view_type conflicts with a stream that is off",
    ),
    "capacity on demand": Breakage(
        "main.tf",
        "local.provisioned ? var.read_capacity : null",
        "var.read_capacity",
        "read_capacity conflicts with billing mode PAY_PER_REQUEST",
    ),
}


@pytest.mark.parametrize("breakage", PLANNED.values(), ids=PLANNED.keys())
def test_that_what_the_provider_refuses_is_not_planned(copy: Workspace, breakage: Breakage) -> None:
    with broken(copy, breakage.file, breakage.right, breakage.wrong):
        ran = copy.run("plan", "-no-color", "-var=environment=dev", "-var=create_single_table=true")

    assert ran.code == 1
    assert breakage.said in " ".join(ran.err.split())
