"""The schema that the checks rest on is the provider's, whole enough to find mistakes."""

from __future__ import annotations

import json
import re
from typing import Any

import botocore.session
import pytest

from tests.infra import mirror
from tests.infra.bindings import PROVIDER_VERSION
from tests.infra.places import INFRA, MODULE

pytestmark = pytest.mark.infra


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    mirror.install()
    return dict(json.loads(mirror.SCHEMAS.read_text()))


def test_that_every_type_that_is_used_is_there(schemas: dict[str, Any]) -> None:
    for kind, name in mirror.used_types():
        assert schemas[kind][name]["attributes"], name


def test_that_a_table_is_what_the_provider_documents(schemas: dict[str, Any]) -> None:
    table = schemas["resource"]["aws_dynamodb_table"]

    required = {name for name, flags in table["attributes"].items() if flags.get("required")}
    only_computed = {
        name
        for name, flags in table["attributes"].items()
        if flags.get("computed") and not flags.get("optional")
    }
    assert required == {"name"}
    assert only_computed == {"arn", "stream_arn", "stream_label"}
    assert table["blocks"]["attribute"]["nesting"] == "set"
    assert table["blocks"]["attribute"]["attributes"]["type"] == {
        "type": "string",
        "required": True,
    }
    assert table["blocks"]["ttl"]["max_items"] == 1
    assert table["blocks"]["replica"]["attributes"]["point_in_time_recovery"]["type"] == "bool"


def test_that_the_module_knows_each_region_that_boto_does() -> None:
    session = botocore.session.get_session()
    regions = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("dynamodb", partition)
    }

    assert set(re.findall(r'"([a-z0-9-]+)"', (MODULE / "regions.tf").read_text())) == regions


def test_that_the_module_takes_the_version_that_it_is_checked_with() -> None:
    constraint = 'version = ">= 6.66, < 7.0"'
    major, minor, _ = map(int, PROVIDER_VERSION.split("."))

    assert (6, 66) <= (major, minor) < (7, 0)
    for path in [MODULE / "versions.tf", *INFRA.glob("examples/*/main.tf")]:
        assert re.sub(" +", " ", path.read_text()).count(constraint) == 1, path
