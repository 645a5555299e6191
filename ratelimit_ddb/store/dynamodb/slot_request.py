"""Operations on the slots of a concurrency limit as DynamoDB requests, and replies as results.

The item has its key, one attribute ``s<slot>`` for each slot that is taken, and ``expiresAt``. A
slot that was released is removed, so an item is as large as the slots that are held, some 21 bytes
each. Names and numbers are short since a write is billed by the whole item (AWS: "DynamoDB item
sizes and formats").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import ddbwire
from ratelimit_ddb.operations.slot_operation import (
    ReadSlots,
    ReleaseSlot,
    RenewSlot,
    SlotOperation,
    SlotsResult,
    TakeSlot,
)
from ratelimit_ddb.store.dynamodb.item_keys import ItemKeys

_KIB_BYTES = 1_024
_SLOT_BYTES = 21
_REST_BYTES = 64
"""The name of the key, the table's TTL, and a key of ordinary length."""


def slot_request(
    fixed: tuple[tuple[str, Any], ...],
    keys: ItemKeys,
    operation: SlotOperation,
    *,
    is_of_the_wire: bool,
) -> ddbwire.DynamoDBRequest:
    """The request that carries an operation out.

    Args:
        fixed: parameters that all requests have.
        keys: those of the table's items.
        operation: what to do.
        is_of_the_wire: whether the operation's time is that of the wire's clock.
    """
    body = {**dict(fixed), "Key": keys.of(operation.key)}
    made_at_ns: int | None = None
    shows = "NONE"
    match operation:
        case ReadSlots():
            body["ConsistentRead"] = True
            return ddbwire.DynamoDBRequest("GetItem", json.dumps(body).encode())
        case TakeSlot(_, slot, mark, free_below, made_at_ns, expires_at_seconds):
            name = f"s{slot}"
            changes = f"SET {name} = :m, expiresAt = :t"
            condition = f"attribute_not_exists({name}) OR {name} < :f"
            values = {":m": mark, ":f": free_below, ":t": expires_at_seconds}
            shows = "ALL_NEW"
        case RenewSlot(_, slot, mine, mark, made_at_ns, expires_at_seconds):
            changes = f"SET s{slot} = :m, expiresAt = :t"
            condition, values = _is_mine(slot, mine)
            values |= {":m": mark, ":t": expires_at_seconds}
        case ReleaseSlot(_, slot, mine):
            changes = f"REMOVE s{slot}"
            condition, values = _is_mine(slot, mine)
    body |= {
        "UpdateExpression": changes,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {name: {"N": str(of)} for name, of in values.items()},
        "ReturnValues": shows,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    # All may be sent twice: what is refused shows whether it was applied before.
    if not is_of_the_wire:
        made_at_ns = None
    return ddbwire.DynamoDBRequest("UpdateItem", json.dumps(body).encode(), True, made_at_ns, False)


def slots_result(
    operation: SlotOperation, reply: dict[str, Any] | ddbwire.ConditionalCheckFailed
) -> SlotsResult:
    """What a reply says of the slots.

    Raises:
        ValueError: it does not show the slot that was to be taken.
    """
    applied = not isinstance(reply, ddbwire.ConditionalCheckFailed)
    if isinstance(reply, ddbwire.ConditionalCheckFailed):
        shown = reply.item or {}
    elif isinstance(operation, ReadSlots):
        shown = reply.get("Item", {})
    else:
        shown = reply["Attributes"] if isinstance(operation, TakeSlot) else {}
    marks = marks_of(shown)
    if isinstance(operation, TakeSlot) and operation.slot not in marks:
        raise ValueError("it does not show the slot that was to be taken")
    return SlotsResult(applied, marks)


def refused_units(result: SlotsResult) -> float:
    """What a refused write is billed, which replies do not say: the item, in units of 1 KB."""
    size_bytes = _REST_BYTES + _SLOT_BYTES * len(result.marks)
    return float(-(-size_bytes // _KIB_BYTES))


def _is_mine(slot: int, mine: tuple[int, ...]) -> tuple[str, dict[str, int]]:
    values = {f":o{index}": mark for index, mark in enumerate(mine)}
    return f"s{slot} IN ({', '.join(values)})", values


def marks_of(item: Mapping[str, Any]) -> dict[int, int]:
    """The mark of each slot that an item has."""
    return {
        int(name[1:]): int(value["N"])
        for name, value in item.items()
        if name[:1] == "s" and name[1:].isdigit()
    }
