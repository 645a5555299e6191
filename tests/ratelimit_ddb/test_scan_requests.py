"""What a page of a Scan asks of the table, and what is taken from its reply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddbwire.shared.single_table import SingleTable
from ratelimit_ddb.operations.scan_operation import Kind, ScannedItem, ScannedPage, ScanPage
from ratelimit_ddb.store.dynamodb.item_keys import item_keys
from ratelimit_ddb.store.dynamodb.request import TableRequests


def requests(layout: SingleTable | None = None) -> TableRequests:
    return TableRequests("t", item_keys(layout), report_capacity=True, is_of_the_wire=True)


def page(kind: Kind, after: Any = None) -> ScanPage:
    return ScanPage(kind, 2, 4, after, 25, 1_800_000_000)


def asked(scan: ScanPage, layout: SingleTable | None = None) -> dict[str, Any]:
    request = requests(layout).request(scan)
    assert (request.name, request.retries_throttled_key) == ("Scan", False)
    body: dict[str, Any] = json.loads(request.body)
    return body


OF_ANY = {
    "TableName": "t",
    "ReturnConsumedCapacity": "TOTAL",
    "Segment": 2,
    "TotalSegments": 4,
    "Limit": 25,
}


def test_of_buckets_those_are_asked_for_that_are_not_full() -> None:
    assert asked(page("buckets")) == {
        **OF_ANY,
        "FilterExpression": "#expires > :now",
        "ExpressionAttributeNames": {"#expires": "expiresAt"},
        "ExpressionAttributeValues": {":now": {"N": "1800000000"}},
    }


def test_stored_limits_are_asked_for_by_their_attribute_from_where_the_last_page_ended() -> None:
    after = {"key": {"S": "k"}}
    assert asked(page("limits", after)) == {
        **OF_ANY,
        "FilterExpression": "attribute_exists(#limits)",
        "ExpressionAttributeNames": {"#limits": "limits"},
        "ExclusiveStartKey": after,
    }


@pytest.mark.parametrize(
    ("kind", "filtered", "names", "values"),
    [
        ("buckets", "#expires > :now", {"#expires": "expiresAt"}, {":now": {"N": "1800000000"}}),
        ("limits", "attribute_exists(#limits)", {"#limits": "limits"}, {}),
    ],
)
def test_of_a_shared_table_the_limiters_items_alone_are_asked_for(
    kind: Kind, filtered: str, names: dict[str, str], values: dict[str, Any]
) -> None:
    assert asked(page(kind), SingleTable("p", "s")) == {
        **OF_ANY,
        "FilterExpression": f"{filtered} AND begins_with(#pk, :prefix) AND begins_with(#sk, :kind)",
        "ExpressionAttributeNames": {**names, "#pk": "p", "#sk": "s"},
        "ExpressionAttributeValues": {
            **values,
            ":prefix": {"S": "RATELIMIT#"},
            ":kind": {"S": "RATELIMIT"},
        },
    }


def test_a_page_has_the_items_of_keys_and_where_the_next_begins() -> None:
    after = {"PK": {"S": "USER#1"}, "SK": {"S": "X"}}
    reply = {
        "Items": [
            {
                "PK": {"S": "RATELIMIT#k"},
                "SK": {"S": "RATELIMIT"},
                "fullAt:a": {"N": "5"},
                "fullAt:b": {"N": "-6"},
                "refunded:a": {"N": "7"},
                "writes": {"N": "3"},
            },
            {"PK": {"S": "RATELIMIT#new"}, "SK": {"S": "RATELIMIT"}},
            {
                "PK": {"S": "RATELIMIT#k:slots"},
                "SK": {"S": "RATELIMIT"},
                "s0": {"N": "7"},
                "s12": {"N": "8"},
                "expiresAt": {"N": "9"},
            },
            {"PK": {"S": "USER#1"}, "SK": {"S": "RATELIMIT"}, "limits": {"L": []}},
            {
                "PK": {"S": "RATELIMIT#plan"},
                "SK": {"S": "RATELIMIT"},
                "limits": {"L": [{"S": "9/hour"}, {"N": "1"}]},
                "changedAt": {"N": "1800000000"},
            },
        ],
        "ScannedCount": 9,
        "LastEvaluatedKey": after,
    }
    items = (
        ScannedItem("k", {"a": 5, "b": -6}, 3, None, None),
        ScannedItem("new", {}, 0, None, None),
        ScannedItem("k:slots", {}, 0, None, None, {0: 7, 12: 8}),
        ScannedItem("plan", {}, 0, ("9/hour", '{"N": "1"}'), 1_800_000_000),
    )
    result = requests(SingleTable()).result(page("buckets"), reply)
    assert result == ScannedPage(items, 9, after)


def test_the_last_page_of_a_segment_leads_to_none() -> None:
    reply = {"Items": [], "ScannedCount": 0}
    assert requests().result(page("limits"), reply) == ScannedPage((), 0, None)


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_time_that_is_none_is_refused(sign: str) -> None:
    def read(number: int) -> Any:
        item = {"key": {"S": "k"}, "fullAt:a": {"N": f"{sign}{number}"}}
        return requests().result(page("buckets"), {"Items": [item], "ScannedCount": 1})

    assert read(10**38).items[0].full_at_ns == {"a": int(f"{sign}{10**38}")}
    with pytest.raises(ValueError, match=r"item 'k': ValueError: .* is not a time in nanoseconds"):
        read(10**38 + 1)


@pytest.mark.parametrize(
    "attribute",
    [
        {"fullAt:a": {"S": "soon"}},
        {"writes": {"N": "1.5"}},
        {"changedAt": {"N": "-1"}},
        {"changedAt": {"N": str(10**15)}},
    ],
    ids=str,
)
def test_an_item_of_another_form_is_told_with_its_key(attribute: dict[str, Any]) -> None:
    item = {"key": {"S": "user-123"}, **attribute}
    with pytest.raises(ValueError, match="item 'user-123': "):
        requests().result(page("limits"), {"Items": [item], "ScannedCount": 1})
