"""What the AWS provider 6 refuses of a table beyond its schema, when it plans.

The sources are the functions ``validate*`` of its ``aws_dynamodb_table``, and its ConflictsWith.
A value that is not known yet is the text ``"unknown"`` here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_UNKNOWN = "unknown"


def breaches(type_name: str, config: dict[str, Any]) -> Iterator[str]:
    """Each rule that the configuration of a resource breaks, in a few words."""
    if type_name == "aws_dynamodb_table":
        yield from _of_capacity(config)
        yield from _of_streams(config)
        yield from _of_expiry(config)
        yield from _of_attributes(config)


def _of_capacity(table: dict[str, Any]) -> Iterator[str]:
    mode = table["billing_mode"]
    for name in ("read_capacity", "write_capacity"):
        units = table[name]
        if units is None or _UNKNOWN in (units, mode):
            continue
        if table["on_demand_throughput"]:
            yield f"{name} conflicts with on_demand_throughput"
        if mode == "PAY_PER_REQUEST" and units != 0:
            yield f"{name} conflicts with billing mode PAY_PER_REQUEST"
        if mode == "PROVISIONED" and units < 1:
            yield f"{name} must be at least 1"


def _of_streams(table: dict[str, Any]) -> Iterator[str]:
    enabled, view = table["stream_enabled"], table["stream_view_type"]
    if _UNKNOWN in (enabled, view):
        return
    if enabled and not view:
        yield "stream_view_type is required when stream_enabled is true"
    if view and not enabled:
        yield "stream_view_type conflicts with a stream that is off"


def _of_expiry(table: dict[str, Any]) -> Iterator[str]:
    for ttl in _known_blocks(table, "ttl"):
        if ttl["enabled"] and not ttl["attribute_name"]:
            yield "ttl.attribute_name is required when ttl is enabled"


def _of_attributes(table: dict[str, Any]) -> Iterator[str]:
    kinds = ("attribute", "global_secondary_index", "local_secondary_index")
    if _UNKNOWN in [table[kind] for kind in kinds]:
        return
    attributes, globals_, locals_ = ([*_known_blocks(table, kind)] for kind in kinds)
    keys = {table["hash_key"], table["range_key"]} | {index["range_key"] for index in locals_}
    for index in globals_:
        keys |= {index["hash_key"], index["range_key"]}
        keys |= {key["attribute_name"] for key in _known_blocks(index, "key_schema")}
    declared = {attribute["name"] for attribute in attributes}
    if _UNKNOWN in keys | declared:
        return
    if unused := declared - keys:
        yield f"all attributes must be indexed; unused: {sorted(unused)}"
    if unmatched := keys - declared - {None}:
        yield f"all indexes must match a defined attribute; unmatched: {sorted(unmatched)}"


def _known_blocks(block: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    found = block[name]
    yield from () if found is None or found == _UNKNOWN else found
