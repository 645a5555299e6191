"""A Scan, page by page and in segments: what is sent, and what is sent again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddbwire import AnsweredCall, DynamoDBRequest, Wire
from tests.ddbwire.fault_server import FaultServer, drop, error, reply
from tests.ddbwire.flavour import Blocking, OnLoop

Flavour = Blocking | OnLoop
LAST = {"key": {"S": "m"}}


def scan(**more: Any) -> DynamoDBRequest:
    return DynamoDBRequest.of("Scan", {"TableName": "t", **more})


def page(*keys: str, **more: Any) -> dict[str, Any]:
    return {"Items": [{"key": {"S": key}} for key in keys], **more}


def test_a_page_leads_to_the_next(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    units = {"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 128.0}}
    server.script.append(reply(page("a", "m", LastEvaluatedKey=LAST, **units)))
    server.script.append(reply(page("z")))
    first: Any = flavour.call(wire, scan())
    assert first["LastEvaluatedKey"] == LAST
    assert AnsweredCall.of(scan(), first) == AnsweredCall("Scan", False, 128.0)
    rest: Any = flavour.call(wire, scan(ExclusiveStartKey=LAST))
    assert rest == page("z")
    sent = [json.loads(request.body) for request in server.requests]
    assert [one.get("ExclusiveStartKey") for one in sent] == [None, LAST]
    assert {request.operation for request in server.requests} == {"Scan"}


@pytest.mark.parametrize("failure", [drop, error("ThrottlingException"), error("Broken", 500)])
def test_a_page_that_failed_is_asked_for_again(
    wire: Wire, server: FaultServer, flavour: Flavour, failure: Any
) -> None:
    server.script.extend([failure, reply(page("a"))])
    assert flavour.call(wire, scan()) == page("a")
    assert len(server.requests) == 2


def test_segments_are_read_side_by_side_and_one_that_fails_fails_alone(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.extend([error("AccessDeniedException"), reply(page("a"))])
    answers: list[Any] = []

    def segment(number: int) -> Any:
        answers.append((yield scan(Segment=number, TotalSegments=2)))

    flavour.call_all(wire, [segment(0), segment(1)])
    assert sorted(json.loads(request.body)["Segment"] for request in server.requests) == [0, 1]
    assert [one for one in answers if isinstance(one, dict)] == [page("a")]
    assert len([one for one in answers if isinstance(one, Exception)]) == 1
