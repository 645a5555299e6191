"""Operations on stored limits as DynamoDB requests, and replies as results.

Their item has a list of texts in ``limits`` and, in ``changedAt``, the epoch second when they were
stored. Reads are eventually consistent, half a unit. AWS: "GetItem", "UpdateItem" in the API
Reference.
"""

from __future__ import annotations

import json
from typing import Any

import ddbwire
from ratelimit_ddb.operations.operation import LimitsResult, ReadLimits, WriteLimits
from ratelimit_ddb.store.dynamodb.item_keys import ItemKeys

LIMITS = "limits"
CHANGED_AT = "changedAt"


def limits_request(
    fixed: tuple[tuple[str, Any], ...], keys: ItemKeys, operation: ReadLimits | WriteLimits
) -> ddbwire.DynamoDBRequest:
    """The request that carries an operation out.

    Args:
        fixed: the parameters of every request on the table.
        keys: those of the table's items.
        operation: what to do.
    """
    key = keys.of(operation.key)
    if isinstance(operation, ReadLimits):
        body = {**dict(fixed), "Key": key, "ProjectionExpression": LIMITS}
        return ddbwire.DynamoDBRequest("GetItem", json.dumps(body).encode())
    values = {
        ":l": {"L": [{"S": text} for text in operation.texts]},
        ":c": {"N": str(operation.changed_at_seconds)},
    }
    body = {
        **dict(fixed),
        "Key": key,
        "UpdateExpression": f"SET {LIMITS} = :l, {CHANGED_AT} = :c",
        "ExpressionAttributeValues": values,
    }
    # Not PutItem, for which a limiter needs no permission. Set twice, it is the same.
    return ddbwire.DynamoDBRequest("UpdateItem", json.dumps(body).encode())


def limits_result(reply: Any) -> LimitsResult:
    """What a reply to ReadLimits says."""
    return LimitsResult(texts_of(reply.get("Item", {}).get(LIMITS)))


def texts_of(stored: Any) -> tuple[str, ...] | None:
    """The texts of an attribute; a value that is no text as JSON, which is no limit either."""
    if stored is None:
        return None
    several = stored.get("L", [stored])
    return tuple([one["S"] if "S" in one else json.dumps(one) for one in several])
