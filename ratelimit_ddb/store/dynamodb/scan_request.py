"""A page of a Scan as a DynamoDB request, and its reply as a result.

AWS: "Scan" in the API Reference, "Parallel scan" in the Developer Guide. What is left out by the
filter is read, and billed, all the same; it is only not sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import ddbwire
from ddbwire.arguments import shown
from ratelimit_ddb.operations.scan_operation import ScannedItem, ScannedPage, ScanPage
from ratelimit_ddb.store.dynamodb.item_keys import ItemKeys
from ratelimit_ddb.store.dynamodb.limits_request import CHANGED_AT, LIMITS, texts_of
from ratelimit_ddb.store.dynamodb.slot_request import marks_of

_FULL_AT = "fullAt:"
_WRITES = "writes"
_MOST_NS = 10**38
"""More than any number that is written here, and less than a float can be."""
_MOST_SECONDS = 253_402_300_799
"""The last second of the year 9999, of which a datetime can tell."""


def scan_request(
    fixed: tuple[tuple[str, Any], ...], keys: ItemKeys, scan: ScanPage
) -> ddbwire.DynamoDBRequest:
    """The request that reads a page.

    Args:
        fixed: the parameters of every request on the table.
        keys: those of the table's items.
        scan: what to read.
    """
    if scan.kind == "buckets":
        asked, names = "#expires > :now", {"#expires": "expiresAt"}
        values = {":now": {"N": str(scan.now_seconds)}}
    else:
        asked, names, values = "attribute_exists(#limits)", {"#limits": LIMITS}, {}
    scan_filter = keys.scan_filter
    own = scan_filter.get("FilterExpression")
    body: dict[str, Any] = {
        **dict(fixed),
        "Segment": scan.segment,
        "TotalSegments": scan.segments,
        "Limit": scan.most_items,
        "FilterExpression": asked if own is None else f"{asked} AND {own}",
        "ExpressionAttributeNames": {**names, **scan_filter.get("ExpressionAttributeNames", {})},
    }
    values = {**values, **scan_filter.get("ExpressionAttributeValues", {})}
    if values:
        body["ExpressionAttributeValues"] = values
    if scan.after is not None:
        body["ExclusiveStartKey"] = scan.after
    # Who scans has time: of a table that throttles, it asks again later, and for less.
    return ddbwire.DynamoDBRequest("Scan", json.dumps(body).encode(), retries_throttled_key=False)


def scan_result(reply: Any, keys: ItemKeys) -> ScannedPage:
    """What a page says.

    Raises:
        ValueError: an item is none of this library's; the message has its key.
    """
    items = [_read(key, item) for item in reply["Items"] if (key := keys.key_in(item)) is not None]
    return ScannedPage(tuple(items), int(reply["ScannedCount"]), reply.get("LastEvaluatedKey"))


def _read(key: str, item: Mapping[str, Any]) -> ScannedItem:
    try:
        return _item(key, item)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"item {shown(key)}: {type(error).__name__}: {error}") from error


def _item(key: str, item: Mapping[str, Any]) -> ScannedItem:
    full_at_ns = {
        name.removeprefix(_FULL_AT): _instant(value["N"])
        for name, value in item.items()
        if name.startswith(_FULL_AT)
    }
    changed_at = item.get(CHANGED_AT)
    return ScannedItem(
        key,
        full_at_ns,
        int(item.get(_WRITES, {"N": "0"})["N"]),
        texts_of(item.get(LIMITS)),
        None if changed_at is None else _epoch_seconds(changed_at["N"]),
        marks_of(item),
    )


def _epoch_seconds(text: str) -> int:
    at_seconds = int(text)
    if not 0 <= at_seconds <= _MOST_SECONDS:
        raise ValueError(f"{text} is not a time in seconds")
    return at_seconds


def _instant(text: str) -> int:
    at_ns = int(text)
    if abs(at_ns) > _MOST_NS:
        raise ValueError(f"{text} is not a time in nanoseconds")
    return at_ns
