"""A server that plays one table of DynamoDB's, whose partitions throttle; in a process of its own.

It evaluates expressions by itself (expression.py), or passes requests on to an engine, for clients
that ask more than it knows. Either way each partition, which here is each partition key, takes so
many write units a second. Beyond that it answers as DynamoDB does (Developer Guide, "Diagnosing
throttling"): ``ThrottlingReasons`` say that it is the key's partition.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import re
import time
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

from bench.cores import SERVER, pin_to_core
from bench.hot_keys.expression import InvalidExpression, Item, Scope, condition, update
from bench.hot_keys.write_budget import WriteBudget

ROUND_TRIP_SECONDS = 0.005
PARTITION_KEYS = ("key", "PK")
"""What the partition key is called: by our tables, and by those of peers."""
READ_FIGURES = "Bench.ReadFigures"
TRANSACTED_UNITS = 2
"""A write in a transaction costs twice (Developer Guide, "Amazon DynamoDB Transactions: How it
works")."""

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_TARGET = re.compile(rb"\r\nx-amz-target: *([^\r]+)", re.IGNORECASE)
_ERROR = "com.amazonaws.dynamodb.v20120810#"
_REASON = {
    "reason": "TableWriteKeyRangeThroughputExceeded",
    "resource": "arn:aws:dynamodb:us-east-1:000000000000:table/limits",
}
_THROTTLED = {
    "__type": f"{_ERROR}ProvisionedThroughputExceededException",
    "message": "Throughput exceeds the current throughput limit of the key's partition.",
    "ThrottlingReasons": [_REASON],
}

Reply = tuple[int, dict[str, Any]]
"""Status and body."""


class Table:
    """Items by partition key, for requests that name one item."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def answer(self, operation: str, request: dict[str, Any]) -> Reply:
        """What DynamoDB answers to an UpdateItem, a GetItem or a DeleteItem."""
        if operation not in ("UpdateItem", "GetItem", "DeleteItem"):
            return _invalid(f"operation {operation!r}: is not known here")
        key = json.dumps(request["Key"], sort_keys=True)
        if operation == "GetItem":
            return 200, {"Item": self._items[key]} if key in self._items else {}
        if operation == "DeleteItem":
            self._items.pop(key, None)
            return 200, {}
        try:
            return self._update(key, request)
        except (InvalidExpression, KeyError) as mistake:
            return _invalid(str(mistake))

    def _update(self, key: str, request: dict[str, Any]) -> Reply:
        before = self._items.get(key, {})
        scope = Scope(
            before,
            request.get("ExpressionAttributeNames", {}),
            request.get("ExpressionAttributeValues", {}),
        )
        wanted = request.get("ConditionExpression")
        if wanted is not None and not condition(wanted)(scope):
            refusal: dict[str, Any] = {
                "__type": f"{_ERROR}ConditionalCheckFailedException",
                "message": "The conditional request failed",
            }
            if before and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
                refusal["Item"] = before
            return 400, refusal
        after = update(request["UpdateExpression"])(scope) | request["Key"]
        self._items[key] = after
        reply: dict[str, Any] = {}
        if request.get("ReturnValues") == "ALL_NEW":
            reply["Attributes"] = after
        if "ReturnConsumedCapacity" in request:
            reply["ConsumedCapacity"] = {"TableName": request["TableName"], "CapacityUnits": 1.0}
        return 200, reply


def _invalid(message: str) -> Reply:
    return 400, {"__type": f"{_ERROR}ValidationException", "message": message}


class Partitions:
    """The budget of each partition key, and the instants of what was served and throttled."""

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._budgets: dict[str, WriteBudget] = {}
        self._served: list[tuple[int, int]] = []
        self._throttled: list[int] = []

    def refusal(self, operation: str, request: dict[str, Any]) -> Reply | None:
        """The throttle that a request gets; None where it is served."""
        units = _units_by_partition(operation, request)
        if not units:
            return None
        now_ns = time.monotonic_ns()
        for partition, needed in units.items():
            budget = self._budgets.get(partition)
            if budget is None:
                budget = self._budgets[partition] = WriteBudget(self._ceiling, now_ns)
            if not budget.spend(needed, now_ns):
                self._throttled.append(now_ns)
                return 400, _canceled(request) if "TransactItems" in request else _THROTTLED
        self._served.append((now_ns, sum(units.values())))
        return None

    def read(self) -> dict[str, Any]:
        """The instants since the last reading, by the monotonic clock; served ones with units."""
        figures = {"served": self._served, "throttled": self._throttled}
        self._served, self._throttled = [], []
        return figures


def _units_by_partition(operation: str, request: dict[str, Any]) -> dict[str, int]:
    units: dict[str, int] = {}
    if operation in ("UpdateItem", "DeleteItem"):
        units[_partition(request["Key"])] = 1
    elif operation == "PutItem":
        units[_partition(request["Item"])] = 1
    for part in request.get("TransactItems", ()):
        (write,) = part.values()
        partition = _partition(write.get("Key") or write.get("Item"))
        units[partition] = units.get(partition, 0) + TRANSACTED_UNITS
    return units


def _partition(item: dict[str, Any]) -> str:
    return str(next(item[name]["S"] for name in PARTITION_KEYS if name in item))


def _canceled(request: dict[str, Any]) -> dict[str, Any]:
    reasons = [{"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity"}]
    return {
        "__type": f"{_ERROR}TransactionCanceledException",
        "message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": reasons * len(request["TransactItems"]),
    }


class _Connection(asyncio.Protocol):
    """Answers one request after another, as late as a round trip takes."""

    def __init__(
        self, partitions: Partitions, table: Table, engine: str, one_way_seconds: float
    ) -> None:
        self._partitions = partitions
        self._table = table
        self._engine = engine
        self._one_way_seconds = one_way_seconds
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # No assertion of the class: uvloop's transports are not asyncio's.
        self._transport: Any = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._upstream is not None:
            self._upstream[1].close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (head_end := self._received.find(b"\r\n\r\n")) >= 0:
            announced = _CONTENT_LENGTH.search(self._received, 0, head_end + 2)
            end = head_end + 4 + (int(announced[1]) if announced else 0)
            if len(self._received) < end:
                return
            request, self._received = self._received[:end], self._received[end:]
            self._loop.call_later(self._one_way_seconds, self._serve, request, head_end + 4)

    def _serve(self, whole: bytes, body_at: int) -> None:
        found = _TARGET.search(whole, 0, body_at)
        target = found[1].decode() if found else ""
        if target == READ_FIGURES:
            self._write(_response(200, json.dumps(self._partitions.read()).encode()))
            return
        operation = target.rpartition(".")[2]
        request = json.loads(whole[body_at:] or b"{}")
        reply = self._partitions.refusal(operation, request)
        if reply is None and self._engine:
            task = self._loop.create_task(self._forward(whole))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        status, body = self._table.answer(operation, request) if reply is None else reply
        self._answer(_response(status, json.dumps(body).encode()))

    def _answer(self, response: bytes) -> None:
        self._loop.call_later(self._one_way_seconds, self._write, response)

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():  # the client may have lost patience
            self._transport.write(response)

    async def _forward(self, whole: bytes) -> None:
        if self._upstream is None:
            host, _, port = self._engine.partition(":")
            self._upstream = await asyncio.open_connection(host, int(port))
        reader, writer = self._upstream
        writer.write(whole)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            announced = _CONTENT_LENGTH.search(head)
            body = await reader.readexactly(int(announced[1]) if announced else 0)
        except asyncio.IncompleteReadError:
            # The engine has closed the connection; or the client has, and so this one was.
            self._transport.close()
            return
        self._answer(head + body)


def _response(status: int, body: bytes) -> bytes:
    reason = "OK" if status == 200 else "Bad Request"
    return (
        f"HTTP/1.1 {status} {reason}\r\nDate: {formatdate(usegmt=True)}\r\n"
        "Content-Type: application/x-amz-json-1.0\r\n"
        f"Content-Length: {len(body)}\r\nx-amz-crc32: {zlib.crc32(body)}\r\n\r\n"
    ).encode() + body


@dataclass(frozen=True, slots=True)
class ThrottlingServer:
    """A running server.

    Attributes:
        url: its endpoint.
        pid: its process; stopped, it is an endpoint that is silent.
    """

    url: str
    pid: int

    def read(self) -> tuple[list[tuple[int, int]], list[int]]:
        """The writes served since the last reading (instant, units), and those throttled."""
        request = urllib.request.Request(self.url, b"", {"X-Amz-Target": READ_FIGURES})
        with urllib.request.urlopen(request) as response:
            figures = json.load(response)
        return [(instant_ns, units) for instant_ns, units in figures["served"]], figures[
            "throttled"
        ]


def _serve(ready: Connection, ceiling: int, engine: str, round_trip_seconds: float) -> None:
    with contextlib.suppress(ImportError):
        import uvloop  # the faster the server, the less it adds to the round trip

        uvloop.install()
    asyncio.run(_listen(ready, ceiling, engine, round_trip_seconds))


async def _listen(ready: Connection, ceiling: int, engine: str, round_trip_seconds: float) -> None:
    partitions, table = Partitions(ceiling), Table()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(partitions, table, engine, round_trip_seconds / 2),
        "127.0.0.1",
        0,
        backlog=512,
    )
    ready.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


@contextlib.contextmanager
def throttling_server(
    ceiling: int, engine_url: str = "", round_trip_seconds: float = ROUND_TRIP_SECONDS
) -> Iterator[ThrottlingServer]:
    """A server that lives as long as the block.

    Args:
        ceiling: write units a second that each partition takes.
        engine_url: an engine that answers what is not throttled; "" to answer by itself.
        round_trip_seconds: how long an answer takes, at least.
    """
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    arguments = (there, ceiling, urlsplit(engine_url).netloc, round_trip_seconds)
    process = spawn.Process(target=_serve, args=arguments, daemon=True)
    process.start()
    there.close()  # so that a server that does not start is noticed
    assert process.pid is not None
    pin_to_core(SERVER, process.pid)
    try:
        yield ThrottlingServer(f"http://127.0.0.1:{here.recv()}", process.pid)
    finally:
        process.kill()  # for one that is stopped does not heed anything less
        process.join()
