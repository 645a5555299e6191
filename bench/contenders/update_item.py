"""What a program would send by hand: one conditional UpdateItem that takes a token.

It is a bare call and no limiter: it knows nothing of bursts, guesses and denials. It stands for
what any limiter on the same client costs at least.
"""

from __future__ import annotations

import time
from typing import Any

from bench.worker.contender import Rate

SECOND_NS = 1_000_000_000


def update_item(table: str, key: str, rate: Rate) -> dict[str, Any]:
    """The arguments of ``update_item`` that say what a decision says."""
    now_ns = time.time_ns()
    unit_ns = rate.period_seconds * SECOND_NS // rate.quantity
    return {
        "TableName": table,
        "Key": {"key": {"S": key}},
        "UpdateExpression": "SET #0 = :i0, expiresAt = :t",
        "ConditionExpression": "(attribute_not_exists(#0) OR #0 < :n)",
        "ExpressionAttributeNames": {"#0": "fullAt:minute"},
        "ExpressionAttributeValues": {
            ":n": {"N": str(now_ns)},
            ":t": {"N": str(now_ns // SECOND_NS + 3_660)},
            ":i0": {"N": str(now_ns + unit_ns)},
        },
        "ReturnValues": "UPDATED_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
