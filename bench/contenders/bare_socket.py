"""A socket that sends one signed request, made before, and receives the reply unread.

It shows what system calls cost where nothing is signed, parsed or decided: no client of DynamoDB
that calls them from Python can cost less.
"""

from __future__ import annotations

import json
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.contenders.update_item import update_item
from bench.worker.contender import ROOMY, Rate, Target

REPLY_BYTES = 65_536
"""More than any canned reply has, so that one recv() has it whole."""


class BareSocket:
    """A connection of each thread's own."""

    is_async = False

    def __init__(self, target: Target) -> None:
        url = urlsplit(target.endpoint_url)
        self._address = url.hostname, url.port
        self._request = signed_request(target.endpoint_url, target.table)
        self._of_thread = threading.local()

    def limiter(self, rate: Rate) -> Any:
        request, of_thread = self._request, self._of_thread

        def admit(key: str) -> bool:
            connection = getattr(of_thread, "connection", None) or self._connect()
            connection.send(request)
            return bool(connection.recv(REPLY_BYTES))

        return admit

    def _connect(self) -> socket.socket:
        connection = self._of_thread.connection = socket.create_connection(self._address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def counters(self) -> dict[str, Any]:
        return {}


def signed_request(url: str, table: str) -> bytes:
    """One UpdateItem as it is sent, signed by botocore."""
    body = json.dumps(update_item(table, "user-1", ROOMY)).encode()
    headers = {
        "Host": urlsplit(url).netloc,
        "X-Amz-Target": "DynamoDB_20120810.UpdateItem",
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(len(body)),
    }
    request = AWSRequest("POST", url + "/", headers, body)
    SigV4Auth(Credentials("bench", "bench"), "dynamodb", "us-east-1").add_auth(request)
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body


def create(target: Target) -> BareSocket:
    """The sockets."""
    return BareSocket(target)
