"""A proxy in front of an engine that counts requests and the capacity units they are billed.

It asks for ConsumedCapacity on every request and takes it out of the reply again, so that clients
which know nothing of it are measured by the same rule as those that do. It can also record the
replies, for a canned server to play. It is slow; nothing is timed through it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from bench.recording import Recording

READS = {"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"}
WRITES = {"UpdateItem", "PutItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
REFUSED_UNITS = 1.0
"""A refused condition on an item under 1 KB is billed as a write, though the reply does not say
so (AWS: "Condition expressions"); one in a transaction twice that ("Amazon DynamoDB Transactions:
How it works")."""


@dataclass(slots=True)
class Meter:
    """Requests and capacity units since it was last read.

    Attributes:
        counts: requests, ``read_units``, ``write_units``.
        recording: the replies.
    """

    counts: Counter[str] = field(default_factory=Counter)
    units: dict[str, float] = field(default_factory=lambda: {"read": 0.0, "write": 0.0})
    recording: Recording = field(default_factory=Recording)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> dict[str, Any]:
        """Requests and units so far; then reset to zero."""
        with self.lock:
            results = {
                "requests": sum(self.counts.values()),
                "operations": dict(self.counts),
                "read_units": self.units["read"],
                "write_units": self.units["write"],
            }
            self.counts.clear()
            self.units = {"read": 0.0, "write": 0.0}
            return results

    def count(self, operation: str, request: dict[str, Any], status: int, reply: Any) -> None:
        """Note one request and what it consumed."""
        with self.lock:
            self.counts[operation] += 1
            if operation in READS:
                self.units["read"] += _consumed(reply)
            elif operation in WRITES and status == 200:
                self.units["write"] += _consumed(reply)
            elif operation in WRITES and "ConditionalCheckFailed" in json.dumps(reply):
                parts = 2 * len(request.get("TransactItems", ())) or 1
                self.units["write"] += REFUSED_UNITS * parts


def _consumed(reply: dict[str, Any]) -> float:
    consumed = reply.get("ConsumedCapacity", {})
    several = consumed if isinstance(consumed, list) else [consumed]
    return sum(float(one.get("CapacityUnits", 0)) for one in several)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    meter: Meter
    engine: str

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers.get("X-Amz-Target", "")
        operation = target.rpartition(".")[2]
        request = json.loads(body or b"{}")
        metered = operation in READS | WRITES
        if metered:
            request["ReturnConsumedCapacity"] = "TOTAL"
        status, answer = self._forward(json.dumps(request).encode(), target)
        reply = json.loads(answer or b"{}")
        if metered:
            self.meter.count(operation, request, status, reply)
            reply.pop("ConsumedCapacity", None)
            answer = json.dumps(reply).encode()
        self._record(target, body, status, answer)
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _forward(self, body: bytes, target: str) -> tuple[int, bytes]:
        engine = http.client.HTTPConnection(self.engine)
        headers = {
            "X-Amz-Target": target,
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": self.headers.get("Authorization", ""),
            "X-Amz-Date": self.headers.get("X-Amz-Date", ""),
        }
        try:
            engine.request("POST", "/", body, headers)
            response = engine.getresponse()
            return response.status, response.read()
        finally:
            engine.close()

    def _record(self, target: str, body: bytes, status: int, answer: bytes) -> None:
        request = b"\r\nx-amz-target: " + target.encode() + b"\r\n\r\n" + body
        with self.meter.lock:
            self.meter.recording.note(request, status, answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


@contextlib.contextmanager
def metered(endpoint_url: str) -> Iterator[tuple[str, Meter]]:
    """The endpoint URL of a metered way to an engine, and its meter."""
    meter = Meter()
    attributes = {"meter": meter, "engine": urlsplit(endpoint_url).netloc}
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), attributes))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", meter
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
