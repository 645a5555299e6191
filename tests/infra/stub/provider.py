"""A provider with the AWS provider's schema that calls nobody: ``provider.py SCHEMAS``.

Terraform checks every name, type and required argument against the schema itself. What it leaves
to the provider is small: values that are known only after a resource is made, which changes make
a new resource, and the data sources. It runs where the package ``tf`` is, and imports no test.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import index
import table
import tf.provider
from account import Account
from policy_json import policy_json
from provider_rules import breaches
from tf.gen import tfplugin_pb2 as pb
from tf.iface import Config, DataSource, Provider, Resource
from tf.runner import run_provider
from tf.schema import Attribute, Block, NestedBlock, NestMode, Schema
from tf.types import Bool, List, Map, Number, Set, String, TfType, Unknown
from tf.utils import Diagnostics, read_dynamic_value, to_dynamic_value

REGION, ACCOUNT = "us-east-1", "123456789012"

# What is there, as the data sources tell: see account.py.
account = Account(holds="--account" in sys.argv)

TABLE = "aws_dynamodb_table"
INDEX = "aws_dynamodb_global_secondary_index"
_REPLICA = ("kms_key_arn", "region_name")

# Arguments whose change makes a new resource. The schema does not tell.
REPLACING = {
    "aws_appautoscaling_policy": {"name", "resource_id", "scalable_dimension", "service_namespace"},
    "aws_appautoscaling_target": {"resource_id", "scalable_dimension", "service_namespace"},
    "aws_cloudwatch_metric_alarm": {"alarm_name"},
    "aws_dynamodb_contributor_insights": {"table_name", "index_name"},
    "aws_dynamodb_global_secondary_index": {"index_name", "table_name", "key_schema", "projection"},
    "aws_dynamodb_resource_policy": {"resource_arn"},
    "aws_dynamodb_table": {
        "name",
        "hash_key",
        "range_key",
        "local_secondary_index",
        "restore_date_time",
        "restore_to_latest_time",
    },
    "aws_lambda_event_source_mapping": {"event_source_arn", "starting_position"},
}

_NESTING = pb.Schema.NestedBlock.NestingMode
_MODES = {"list": _NESTING.LIST, "set": _NESTING.SET, "single": _NESTING.SINGLE}
_TYPES = {"string": String(), "number": Number(), "bool": Bool()}
_COLLECTIONS = {"list": List, "set": Set, "map": Map}


class Object(TfType):
    """A value with named members; the package has no such type."""

    def __init__(self, members: dict[str, TfType]) -> None:
        self._members = members

    def encode(self, value: Any) -> Any:
        """Itself."""
        return value

    decode = encode

    def tf_type(self) -> bytes:
        """The type as Terraform writes it."""
        members = {name: json.loads(kind.tf_type()) for name, kind in self._members.items()}
        return json.dumps(["object", members]).encode()


class StubBlock(NestedBlock):
    """A block that is passed on as it came."""

    def __init__(self, name: str, found: dict[str, Any]) -> None:
        super().__init__(name, NestMode.Single, Block(*members(found)))
        self.min_items, self.max_items = found["min_items"] or None, found["max_items"] or None
        self._mode = _MODES[found["nesting"]]

    def to_pb(self) -> Any:
        """The block in Terraform's protocol, where lists are a mode too."""
        block = super().to_pb()
        block.nesting = self._mode
        return block

    def encode(self, value: Any) -> Any:
        """Itself."""
        return value

    decode = encode

    def semantically_equal(self, a_decoded: Any, b_decoded: Any) -> bool:
        """Whether it is the same."""
        return bool(a_decoded == b_decoded)


def members(found: dict[str, Any]) -> tuple[list[Attribute], list[NestedBlock]]:
    """The attributes and blocks of a block, as the package wants them."""
    attributes = [
        Attribute(
            name,
            tf_type(flags["type"]),
            required=flags.get("required", False),
            optional=flags.get("optional", False),
            computed=flags.get("computed", False),
        )
        for name, flags in found["attributes"].items()
    ]
    return attributes, [StubBlock(name, block) for name, block in found["blocks"].items()]


def tf_type(written: Any) -> TfType:
    """``"string"``, ``["set", "string"]``, ``["object", {"name": "string"}]``."""
    if isinstance(written, str):
        return _TYPES[written]
    if written[0] == "object":
        return Object({name: tf_type(kind) for name, kind in written[1].items()})
    return _COLLECTIONS[written[0]](tf_type(written[1]))


class StubResource(Resource):
    """A resource that is what was planned."""

    name: str
    schema: Schema

    def __init__(self, provider: Provider) -> None:
        pass

    @classmethod
    def get_name(cls) -> str:
        """What follows ``aws_``."""
        return cls.name.removeprefix("aws_")

    @classmethod
    def get_schema(cls) -> Schema:
        """The real provider's."""
        return cls.schema

    def validate(self, diags: Diagnostics, type_name: str, config: Config) -> None:
        """Refuse what the real provider refuses beyond its schema, where that is known here."""
        known = json.loads(json.dumps(config, default=lambda _: "unknown"))
        for breach in breaches(type_name, known):
            diags.add_error(f"{type_name}: {breach}")

    def create(self, ctx: Any, planned: Any) -> Any:
        """Never called: see Servicer."""

    read = update = delete = create


class StubDataSource(DataSource):
    """A data source that tells where this is, or puts a policy together."""

    name: str
    schema: Schema

    def __init__(self, provider: Provider) -> None:
        pass

    @classmethod
    def get_name(cls) -> str:
        """What follows ``aws_``."""
        return cls.name.removeprefix("aws_")

    @classmethod
    def get_schema(cls) -> Schema:
        """The real provider's."""
        return cls.schema

    def read(self, ctx: Any, config: Config) -> Config:
        """Its arguments, and what the real one would find."""
        state = dict(config)
        if self.name == "aws_iam_policy_document":
            state["json"] = policy_json(
                config["statement"] or [], config["source_policy_documents"] or []
            )
        elif self.name == "aws_dynamodb_tables":
            state["names"] = account.table_names()
        elif self.name == "aws_dynamodb_table":
            there = account.table(config["name"])
            if there is None:
                ctx.diagnostics.add_error(f"reading DynamoDB Table ({config['name']}): not found")
                return state
            # The bindings do not tell what is in this block, and nothing reads it.
            names = (state.keys() & there.keys()) - {"server_side_encryption"}
            state |= {name: there[name] for name in names}
            state["replica"] = [_members_of(each, _REPLICA) for each in there["replica"] or []]
            state["global_secondary_index"] = [
                index.described(each) for each in account.indexes(config["name"])
            ]
        found = {"region": REGION, "account_id": ACCOUNT, "partition": "aws", "id": self.name}
        for name in found.keys() & state.keys():
            state[name] = state[name] or found[name]
        return state


class StubProvider(Provider):
    """The provider, from a file of schemas."""

    def __init__(self, schemas: Path) -> None:
        self._found = json.loads(schemas.read_text())

    def get_model_prefix(self) -> str:
        """What every name begins with."""
        return "aws_"

    def get_provider_schema(self, diags: Diagnostics) -> Schema:
        """Its own arguments: the region, default tags."""
        return Schema(*self._members(self._found["provider"]["aws"]))

    def full_name(self) -> str:
        """Its address."""
        return "registry.terraform.io/hashicorp/aws"

    def validate_config(self, diags: Diagnostics, config: Config) -> None:
        """Take any."""

    def configure_provider(self, diags: Diagnostics, config: Config) -> None:
        """Take any."""

    def get_resources(self) -> list[Any]:
        """One class for each in the file."""
        return [self._class(StubResource, *each) for each in self._found["resource"].items()]

    def get_data_sources(self) -> list[Any]:
        """One class for each in the file."""
        return [self._class(StubDataSource, *each) for each in self._found["data"].items()]

    def _class(self, base: type, name: str, found: dict[str, Any]) -> Any:
        return type(name, (base,), {"name": name, "schema": Schema(*self._members(found))})

    def _members(self, found: dict[str, Any]) -> tuple[list[Attribute], int, list[NestedBlock]]:
        attributes, blocks = members(found)
        return attributes, 1, blocks


class Servicer(tf.provider.ProviderServicer):
    """Plans and applies on plain values, and knows what makes a new resource."""

    def PlanResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What was proposed, with what nobody knows yet marked so."""
        prior = read_dynamic_value(request.prior_state)
        planned = read_dynamic_value(request.proposed_new_state)
        replacing = []
        if planned is not None:
            for name, attribute in self._get_res_attrs(request.type_name).items():
                # What is there already stays as it is, but for a stream that is turned on or off.
                if attribute.computed and planned[name] is None and prior is None:
                    planned[name] = Unknown
            if prior is not None:
                if request.type_name == TABLE:
                    planned = table.plan(prior, planned)
                    if table.makes_a_new_stream(prior, planned):
                        planned["stream_arn"] = Unknown
                elif request.type_name == INDEX:
                    planned = index.plan(prior, planned)
                replacing = self._replacing(request.type_name, prior, planned)
        return pb.PlanResourceChange.Response(
            planned_state=to_dynamic_value(planned),
            requires_replace=replacing,
            legacy_type_system=request.type_name == TABLE,
        )

    def _replacing(self, type_name: str, prior: Any, planned: Any) -> list[Any]:
        """The paths of what makes a new resource."""
        names = {name for name in REPLACING.get(type_name, ()) if planned[name] != prior[name]}
        if type_name == TABLE:
            names |= set(table.replaces(prior, planned))
        return [
            pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=name)])
            for name in sorted(names)
        ]

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What was planned, with the unknown made up; or what AWS says to it."""
        prior = read_dynamic_value(request.prior_state)
        state = read_dynamic_value(request.planned_state)
        if state is not None:
            attributes = self._get_res_attrs(request.type_name)
            for name in [name for name, value in state.items() if value is Unknown]:
                state[name] = made_up(request.type_name, attributes[name], state)
        diags = Diagnostics()
        if request.type_name == TABLE:
            try:
                if state is None:
                    table.delete(prior)
                elif prior is None:
                    state = table.create(state)
                else:
                    state = table.update(prior, state, account.index_names(prior["name"]))
            except table.Refused as refused:
                diags.add_error(str(refused))
                state = refused.state
        elif request.type_name == INDEX and state is not None:
            try:
                index.apply(prior, state)
            except index.Failed as failed:
                diags.add_error(str(failed))
                state = prior
        account.applied(request.type_name, prior, state)
        return pb.ApplyResourceChange.Response(
            new_state=to_dynamic_value(state),
            diagnostics=diags.to_pb(),
            legacy_type_system=request.type_name == TABLE,
        )

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What the state says."""
        return pb.ReadResource.Response(new_state=request.current_state)


def made_up(type_name: str, attribute: Attribute, state: dict[str, Any]) -> Any:
    """A value that AWS might give, ARNs as AWS writes them."""
    known = {
        "arn": _arn(type_name, state),
        "id": _name(state) or type_name,
        "region": REGION,
        "stream_arn": _arn(type_name, state) + "/stream/2026-01-01T00:00:00.000"
        if _streams(state)
        else None,
        "tags_all": state.get("tags") or {},
    }
    if attribute.name in known:
        return known[attribute.name]
    return {"String": "made up", "Number": 0, "Bool": False}.get(type(attribute.type).__name__)


def _members_of(value: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value[name] for name in names}


def _arn(type_name: str, state: dict[str, Any]) -> str:
    service, resource = {
        "aws_dynamodb_table": ("dynamodb", "table/"),
        "aws_dynamodb_global_secondary_index": ("dynamodb", "index/"),
        "aws_kms_key": ("kms", "key/"),
        "aws_lambda_function": ("lambda", "function:"),
    }.get(type_name, (type_name.split("_")[1], ""))
    region = state.get("region") or REGION
    region = REGION if region is Unknown else region
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}{_name(state) or '0a1b2c3d'}"


def _name(state: dict[str, Any]) -> str | None:
    names = (state.get(name) for name in ("name", "function_name", "index_name", "table_name"))
    return next((name for name in names if isinstance(name, str)), None)


def _streams(state: dict[str, Any]) -> bool:
    return bool(state.get("stream_enabled") or state.get("replica"))


if __name__ == "__main__":
    # The package keeps a certificate in the home directory: let it be in the cache instead.
    os.environ["HOME"] = str(Path(sys.argv[1]).parent / "home")
    tf.provider.ProviderServicer = Servicer
    run_provider(StubProvider(Path(sys.argv[1])), sys.argv)
