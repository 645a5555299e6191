"""The expressions of the throttling server: by themselves, and beside DynamoDB Local."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from bench.hot_keys.expression import InvalidExpression, Item, Scope, condition, update
from tests.rate_limit_table import rate_limit_table

NAMES = {"#a": "full:at"}
VALUES = {":five": {"N": "5"}, ":nine": {"N": "9"}, ":text": {"S": "5"}}
ITEMS: tuple[dict[str, Any], ...] = (
    {},
    {"full:at": {"N": "4"}},
    {"full:at": {"N": "5"}, "b": {"N": "9"}},
    {"full:at": {"N": "10"}, "b": {"S": "5"}},
)
CONDITIONS = {
    "attribute_not_exists(#a)": (True, False, False, False),
    "attribute_exists(b) AND b <> :five": (False, False, True, True),
    "#a < :five": (False, True, False, False),
    "#a BETWEEN :five AND :nine": (False, False, True, False),
    "(attribute_not_exists(#a) OR #a BETWEEN :five AND :nine) AND NOT b = :text": (
        True, False, True, False,
    ),
    "attribute_not_exists(b) OR b >= :nine": (True, True, True, False),
    "#a > :five OR #a < :five AND b = :nine": (False, False, False, True),
    "b = :text": (False, False, False, True),
    ":five<=#a": (False, False, True, True),
}  # fmt: skip
AFTER_ADDING = ("14", "13", "14", "19")
UPDATES: dict[str, tuple[Item | None, ...]] = {
    "SET #a = :nine": tuple(item | {"full:at": {"N": "9"}} for item in ITEMS),
    "SET #a = if_not_exists(#a, :five) + :nine": tuple(
        item | {"full:at": {"N": at}} for item, at in zip(ITEMS, AFTER_ADDING, strict=True)
    ),
    "SET #a = #a - :five, c = #a": (
        None,
        *(
            item | {"full:at": {"N": at}, "c": item["full:at"]}
            for item, at in zip(ITEMS[1:], ("-1", "0", "5"), strict=True)
        ),
    ),
    "ADD #a :five REMOVE b": tuple(
        {"full:at": {"N": at}} for at in ["5", "9", "10", "15"]
    ),
    "SET b = if_not_exists(c, if_not_exists(b, :nine))": (
        *(item | {"b": {"N": "9"}} for item in ITEMS[:3]),
        ITEMS[3],
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_holds_or_not(text: str) -> None:
    found = tuple(condition(text)(Scope(item, NAMES, VALUES)) for item in ITEMS)
    assert found == CONDITIONS[text]


@pytest.mark.parametrize("text", UPDATES)
def test_an_update_reads_the_item_as_it_was(text: str) -> None:
    for item, wanted in zip(ITEMS, UPDATES[text], strict=True):
        if wanted is None:
            with pytest.raises(InvalidExpression):
                update(text)(Scope(item, NAMES, VALUES))
        else:
            assert update(text)(Scope(item, NAMES, VALUES)) == wanted


@pytest.mark.parametrize(
    "text", ["#a <", "#a < :five :nine", "size(#a) > :five", "(#a < :five", "#a ? :five"]
)
def test_a_condition_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(InvalidExpression):
        condition(text)


def test_dynamodb_local_says_the_same(dynamodb_endpoint: str) -> None:
    dynamodb = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint)
    with rate_limit_table(dynamodb_endpoint) as table:
        for number, item in enumerate(ITEMS):
            key = {"key": {"S": f"item{number}"}}
            dynamodb.put_item(TableName=table, Item=item | key)
            for text, expected in CONDITIONS.items():
                # No condition is about what is set here.
                refused = _refused(dynamodb, table, key, "SET z = :five", text)
                assert refused is not expected[number], (text, item)
            for text, after in UPDATES.items():
                dynamodb.put_item(TableName=table, Item=item | key)
                wanted = after[number]
                refused = _refused(dynamodb, table, key, text, "attribute_exists(#k)")
                assert refused is (wanted is None), (text, item)
                if wanted is not None:
                    shown = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
                    assert shown["Item"] == wanted | key, text


def _refused(dynamodb: Any, table: str, key: Any, text: str, wanted: str) -> bool:
    used = text + wanted
    names = {name: path for name, path in (NAMES | {"#k": "key"}).items() if name in used}
    optional = {"ExpressionAttributeNames": names} if names else {}
    try:
        dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression=text,
            ConditionExpression=wanted,
            ExpressionAttributeValues={name: VALUES[name] for name in VALUES if name in used},
            **optional,
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return True
    except dynamodb.exceptions.ClientError as error:
        return "refers to an attribute that does not exist" in str(error)
    return False
