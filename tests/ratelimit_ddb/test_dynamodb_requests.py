"""What the store asks of a table, to the letter, and what it makes of an item; no network."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ddbwire import ConditionalCheckFailed
from ratelimit_ddb.operations.operation import (
    Delete,
    GiveBack,
    LimitsResult,
    OperationResult,
    Read,
    ReadLimits,
    Take,
    WriteLimits,
)
from ratelimit_ddb.operations.slot_operation import (
    ReadSlots,
    ReleaseSlot,
    RenewSlot,
    SlotsResult,
    TakeSlot,
)
from ratelimit_ddb.store.dynamodb.item_keys import OwnTableKeys
from ratelimit_ddb.store.dynamodb.request import TableRequests
from ratelimit_ddb.store.dynamodb.slot_request import refused_units

# What an item says

ITEM_OF_TWO_LIMITS = {
    "key": {"S": "k"},
    "fullAt:a": {"N": "5"},
    "refunded:a": {"N": "3"},
    "fullAt:b": {"N": "6"},
    "expiresAt": {"N": "7"},
    "writes": {"N": "2"},
    "leasedUntil": {"N": "9"},
    "activeNs": {"N": "4"},
}


@pytest.mark.parametrize(
    ("item", "result"),
    [
        (ITEM_OF_TWO_LIMITS, OperationResult(True, (5, 6, None), None, 7, (3, 0, 0), 2, 9, 4)),
        (
            {**ITEM_OF_TWO_LIMITS, "fullAt::blocked": {"N": "8"}},
            OperationResult(True, (5, 6, None), None, 7, (3, 0, 0), 2, 9, 4),
        ),
        (
            {**ITEM_OF_TWO_LIMITS, "fullAt::blocked": {"N": "11"}},
            OperationResult(True, (5, 6, None), None, 7, (3, 0, 0), 2, 11, 4),
        ),
        ({}, OperationResult(True, (None, None, None), None, None, (0, 0, 0), 0, 0, 0)),
    ],
)
def test_an_item_is_read_whole_and_what_it_lacks_is_nothing(
    item: dict[str, Any], result: OperationResult
) -> None:
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=True)
    assert requests.result(Read("k", ("a", "b", "c")), {"Item": item}) == result


@pytest.mark.parametrize("attribute", ["fullAt:a", "activeNs"])
def test_a_number_that_is_no_time_is_refused(attribute: str) -> None:
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=True)
    most = {attribute: {"N": str(10**38)}}
    requests.result(Read("k", ("a",)), {"Item": most})
    with pytest.raises(ValueError, match=f"{attribute} is not a time in nanoseconds"):
        requests.result(Read("k", ("a",)), {"Item": {attribute: {"N": str(10**38 + 1)}}})


def test_stored_limits_are_read_and_what_a_refund_left() -> None:
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=True)
    item = {"limits": {"L": [{"S": "5/minute"}]}}
    assert requests.result(ReadLimits("k"), {"Item": item}) == LimitsResult(("5/minute",))
    refund = GiveBack("k", ("a",), (1,), (1,), (1,), (0,), (0,), 6, None)
    left: Any = requests.result(refund, {"Attributes": {"fullAt:a": {"N": "5"}}})
    assert left.full_at_ns == (5,)


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        ({}, None),
        ({"Item": {}}, None),
        ({"Item": {"limits": {"S": "5/minute"}}}, ("5/minute",)),
        ({"Item": {"limits": {"L": [{"S": "5/minute"}, {"N": "5"}]}}}, ("5/minute", '{"N": "5"}')),
        ({"Item": {"limits": {"N": "5"}}}, ('{"N": "5"}',)),
    ],
)
def test_what_is_stored_for_limits_is_read_as_texts(
    reply: dict[str, Any], texts: tuple[str, ...] | None
) -> None:
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=True)
    assert requests.result(ReadLimits("k"), reply) == LimitsResult(texts)


SLOTS_ITEM = {
    "key": {"S": "k"},
    "s": {"N": "1"},
    "12": {"N": "2"},
    "sum": {"N": "3"},
    "s0": {"N": "5"},
    "s12": {"N": "7"},
    "expiresAt": {"N": "9"},
}


MARKS = {0: 5, 12: 7}


@pytest.mark.parametrize(
    ("operation", "reply", "result"),
    [
        (ReadSlots("k"), {"Item": SLOTS_ITEM}, SlotsResult(True, MARKS)),
        (ReadSlots("k"), {}, SlotsResult(True, {})),
        (TakeSlot("k", 12, 7, 3, 2, 99), {"Attributes": SLOTS_ITEM}, SlotsResult(True, MARKS)),
        (
            TakeSlot("k", 12, 20, 7, 6, 99),
            ConditionalCheckFailed(SLOTS_ITEM),
            SlotsResult(False, MARKS),
        ),
        (ReleaseSlot("k", 3, (20,)), {}, SlotsResult(True, {})),
        (ReleaseSlot("k", 3, (20,)), ConditionalCheckFailed(None), SlotsResult(False, {})),
    ],
)
def test_of_slots_the_marks_are_read(operation: Any, reply: Any, result: SlotsResult) -> None:
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=True)
    assert requests.result(operation, reply) == result


@pytest.mark.parametrize(("slots", "units"), [(0, 1.0), (45, 1.0), (46, 2.0), (1_000, 21.0)])
def test_a_refused_slot_is_billed_by_the_item_in_units_of_a_kilobyte(
    slots: int, units: float
) -> None:
    assert refused_units(SlotsResult(False, dict.fromkeys(range(slots), 5))) == units


# What is asked of the table


def asked(operation: Any) -> tuple[str, dict[str, str]]:
    """The operation's name, and its expressions with the names and numbers that stand for them.

    What is given must be used, and what is used be given: DynamoDB refuses it otherwise.
    """
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=True)
    request = requests.request(operation)
    body = json.loads(request.body)
    assert (body["TableName"], body["Key"]) == ("t", {"key": {"S": "k"}})
    given = dict(body.get("ExpressionAttributeNames", {}))
    given |= {name: one["N"] for name, one in body.get("ExpressionAttributeValues", {}).items()}
    expressions = {name: text for name, text in body.items() if name.endswith("Expression")}
    used = set(re.findall(r"[#:]\w+", " ".join(expressions.values())))
    assert used == given.keys()
    return request.name, {
        name: re.sub(r"[#:]\w+", lambda found: given[found[0]], text)
        for name, text in expressions.items()
    }


def test_a_take_adds_under_a_condition_and_prolongs_the_item() -> None:
    take = Take("k", ("a", "b"), (False, True), 0, (10, 20), (3, 4), (5, 6), 99, True, 0, 2, 7)
    assert asked(take) == (
        "UpdateItem",
        {
            "UpdateExpression": "SET fullAt:a = if_not_exists(fullAt:a, 10) + 3, fullAt:b = 24, "
            "expiresAt = 99 ADD writes 2, activeNs 7",
            "ConditionExpression": "(attribute_not_exists(fullAt:a) OR fullAt:a BETWEEN 10 AND 15) "
            "AND (attribute_not_exists(fullAt:b) OR fullAt:b < 20) "
            "AND (attribute_not_exists(expiresAt) OR expiresAt <= 99)",
        },
    )


def test_a_take_of_a_lease_notes_its_end_and_one_that_does_not_prolong_checks_that() -> None:
    take = Take("k", ("a",), (False,), 0, (10,), (3,), (5,), 99, False, 77, 1, 0)
    assert asked(take) == (
        "UpdateItem",
        {
            "UpdateExpression": "SET leasedUntil = 77, fullAt:a = if_not_exists(fullAt:a, 10) + 3 "
            "ADD writes 1, activeNs 0",
            "ConditionExpression": "(attribute_not_exists(fullAt:a) OR fullAt:a BETWEEN 10 AND 15) "
            "AND expiresAt >= 99",
        },
    )


def test_a_refund_notes_what_was_given_back_out_of_turn_and_checks_leases_and_blocks() -> None:
    give_back = GiveBack("k", ("a", "b"), (1, 2), (3, 4), (5, 6), (0, 7), (8, 7), 9, 10)
    assert asked(give_back) == (
        "UpdateItem",
        {
            "UpdateExpression": "SET fullAt:a = fullAt:a - 1, refunded:a = 8, "
            "fullAt:b = fullAt:b - 2",
            "ConditionExpression": "fullAt:a BETWEEN 3 AND 5 AND attribute_not_exists(refunded:a) "
            "AND fullAt:b BETWEEN 4 AND 6 AND refunded:b = 7 "
            "AND (attribute_not_exists(leasedUntil) OR leasedUntil < 10) "
            "AND (attribute_not_exists(fullAt::blocked) OR fullAt::blocked < 10)",
        },
    )


def test_a_look_reads_the_limits_alone_and_a_reset_deletes_the_item() -> None:
    read = Read("k", ("a", "b"))
    assert asked(read) == ("GetItem", {"ProjectionExpression": "fullAt:a, fullAt:b"})
    assert asked(Delete("k")) == ("DeleteItem", {})
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=True)
    body = requests.request(read).body
    assert json.loads(body)["ConsistentRead"] is True
    assert b'": ' not in body, "json puts spaces there, which would be sent each time"
    assert requests.result(Delete("k"), {}) == OperationResult(True, ())


@pytest.mark.parametrize(
    ("operation", "name", "expressions"),
    [
        (
            TakeSlot("k", 3, 20, 10, 9, 99),
            "UpdateItem",
            {
                "UpdateExpression": "SET s3 = 20, expiresAt = 99",
                "ConditionExpression": "attribute_not_exists(s3) OR s3 < 10",
            },
        ),
        (
            RenewSlot("k", 3, (20, 21), 30, 9, 99),
            "UpdateItem",
            {
                "UpdateExpression": "SET s3 = 30, expiresAt = 99",
                "ConditionExpression": "s3 IN (20, 21)",
            },
        ),
        (
            ReleaseSlot("k", 3, (20,)),
            "UpdateItem",
            {"UpdateExpression": "REMOVE s3", "ConditionExpression": "s3 IN (20)"},
        ),
        (ReadSlots("k"), "GetItem", {}),
        (ReadLimits("k"), "GetItem", {"ProjectionExpression": "limits"}),
    ],
)
def test_slots_are_taken_kept_released_and_read_and_limits_are_read(
    operation: Any, name: str, expressions: dict[str, str]
) -> None:
    for of_the_wire, report in ((True, True), (False, False)):
        requests = TableRequests(
            "t", OwnTableKeys(), report_capacity=report, is_of_the_wire=of_the_wire
        )
        request = requests.request(operation)
        body = json.loads(request.body)
        assert (request.name, body["Key"]) == (name, {"key": {"S": "k"}})
        assert body.get("ReturnConsumedCapacity") == ("TOTAL" if report else None)
        asked = {key: text for key, text in body.items() if key.endswith("Expression")}
        for value, number in body.get("ExpressionAttributeValues", {}).items():
            asked = {key: text.replace(value, number["N"]) for key, text in asked.items()}
        assert asked == expressions
        timed = of_the_wire and isinstance(operation, TakeSlot | RenewSlot)
        assert request.now_ns == (9 if timed else None)
        writes = name == "UpdateItem"
        # Sent twice, it is refused, which shows that it was applied.
        assert (request.repeatable, request.retries_throttled_key) == (True, not writes)
        assert body.get("ReturnValuesOnConditionCheckFailure") == ("ALL_OLD" if writes else None)
        shows = {TakeSlot: "ALL_NEW", RenewSlot: "NONE", ReleaseSlot: "NONE"}
        assert body.get("ReturnValues") == shows.get(type(operation))
        assert body.get("ConsistentRead") == (True if isinstance(operation, ReadSlots) else None)


def test_limits_are_stored_as_texts_with_when_that_was() -> None:
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=True)
    request = requests.request(WriteLimits("k", ("5/minute", "9/hour"), 77))
    assert request.name == "UpdateItem"
    assert json.loads(request.body) == {
        "TableName": "t",
        "Key": {"key": {"S": "k"}},
        "UpdateExpression": "SET limits = :l, changedAt = :c",
        "ExpressionAttributeValues": {
            ":l": {"L": [{"S": "5/minute"}, {"S": "9/hour"}]},
            ":c": {"N": "77"},
        },
    }
    assert request.repeatable


def test_a_percent_sign_in_a_name_is_sent_as_it_is() -> None:
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=True)
    body = json.loads(requests.request(Read("50%d", ("90%d",))).body)
    assert body["Key"] == {"key": {"S": "50%d"}}
    assert body["ExpressionAttributeNames"] == {"#0": "fullAt:90%d"}


@pytest.mark.parametrize(("of_the_wire", "made_at"), [(True, (5, 6)), (False, (None, None))])
def test_a_refund_is_sent_once_and_a_take_again_if_its_reply_is_lost(
    of_the_wire: bool, made_at: tuple[int | None, int | None]
) -> None:
    """What was made by the wire's clock is not sent long after."""
    requests = TableRequests("t", OwnTableKeys(), report_capacity=False, is_of_the_wire=of_the_wire)
    take = requests.request(Take("k", ("a",), (True,), 5, (0,), (1,), (1,), 9, True, 0, 1, 0))
    give_back = requests.request(GiveBack("k", ("a",), (1,), (1,), (1,), (0,), (0,), 6, None))
    assert (take.repeatable, give_back.repeatable) == (True, False)
    assert (take.now_ns, give_back.now_ns) == made_at
    assert (take.retries_throttled_key, give_back.retries_throttled_key) == (False, True)
