"""The tables that a plan would make, as parameters of CreateTable.

``planned_tables({"environment": "dev"})`` plans the module with those variables;
``planned_tables("on-demand")`` plans an example. Nothing but Terraform and a stub of the AWS
provider is run: see ``tests/infra/places.py`` for what must be there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.places import EXAMPLES, MODULE
from tests.infra.terraform import Workspace


@dataclass(frozen=True, slots=True)
class PlannedTable:
    """A table of a plan.

    Attributes:
        key: what the module calls it: ``"media_metadata"``, ``"user_sessions"`` ...
        create_parameters: the parameters of DynamoDB's CreateTable, indexes included.
        ttl_attribute: the attribute that items expire by; None where they do not.
        planned: the resource as it was planned, for what CreateTable does not take.
    """

    key: str
    create_parameters: dict[str, Any]
    ttl_attribute: str | None
    planned: dict[str, Any]

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.create_parameters["TableName"])

    def create(self, client: Any) -> None:
        """Make it, with the indexes and TTL that were planned, and wait until it is there."""
        client.create_table(**self.create_parameters)
        client.get_waiter("table_exists").wait(TableName=self.name)
        if self.ttl_attribute is not None:
            client.update_time_to_live(
                TableName=self.name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": self.ttl_attribute},
            )


def planned_tables(example_or_variables: str | Mapping[str, Any]) -> tuple[PlannedTable, ...]:
    """The tables that an example, or the module with some variables, would make.

    Raises:
        TerraformFailed: it can't be planned.
    """
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(example_or_variables, str):
            workspace = Workspace(Path(folder), EXAMPLES / example_or_variables)
            variables: Mapping[str, Any] = {}
        else:
            workspace = Workspace(Path(folder), MODULE)
            variables = example_or_variables
        workspace.init()
        return tables_of(workspace.plan(variables))


def tables_of(plan: Mapping[str, Any]) -> tuple[PlannedTable, ...]:
    """The tables in the JSON of a plan."""
    resources = list(resources_of(plan["planned_values"]["root_module"]))
    indexes = [each for each in resources if each["type"] == "aws_dynamodb_global_secondary_index"]
    return tuple(
        _table(each, [index["values"] for index in indexes if _is_of(index, each)])
        for each in resources
        if each["type"] == "aws_dynamodb_table"
    )


def resources_of(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources of a module and of the modules in it."""
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from resources_of(child)


def _is_of(index: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    return bool(index["values"]["table_name"] == table["values"]["name"])


def _table(resource: Mapping[str, Any], indexes: list[dict[str, Any]]) -> PlannedTable:
    table = resource["values"]
    types = {attribute["name"]: attribute["type"] for attribute in table["attribute"]}
    for index in indexes:
        types |= {key["attribute_name"]: key["attribute_type"] for key in index["key_schema"]}
    keys = {"HASH": table["hash_key"], "RANGE": table["range_key"]}
    parameters: dict[str, Any] = {
        "TableName": table["name"],
        "BillingMode": table["billing_mode"],
        "KeySchema": [
            {"AttributeName": name, "KeyType": kind} for kind, name in keys.items() if name
        ],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in types.items()
        ],
    }
    if table["billing_mode"] == "PROVISIONED":
        parameters["ProvisionedThroughput"] = {
            "ReadCapacityUnits": table["read_capacity"],
            "WriteCapacityUnits": table["write_capacity"],
        }
    if table["stream_enabled"]:
        parameters["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": table["stream_view_type"],
        }
    if indexes:
        parameters["GlobalSecondaryIndexes"] = [_index(index) for index in indexes]
    expiries = [ttl["attribute_name"] for ttl in table["ttl"] if ttl["enabled"]]
    return PlannedTable(
        str(resource["index"]), parameters, expiries[0] if expiries else None, dict(table)
    )


def _index(index: Mapping[str, Any]) -> dict[str, Any]:
    (projection,) = index["projection"]
    parameters: dict[str, Any] = {
        "IndexName": index["index_name"],
        "KeySchema": [
            {"AttributeName": key["attribute_name"], "KeyType": key["key_type"]}
            for key in index["key_schema"]
        ],
        "Projection": {"ProjectionType": projection["projection_type"]},
    }
    if projection["non_key_attributes"]:
        parameters["Projection"]["NonKeyAttributes"] = sorted(projection["non_key_attributes"])
    for throughput in index["provisioned_throughput"]:
        parameters["ProvisionedThroughput"] = {
            "ReadCapacityUnits": throughput["read_capacity_units"],
            "WriteCapacityUnits": throughput["write_capacity_units"],
        }
    return parameters
