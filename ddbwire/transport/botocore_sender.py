"""Attempts through botocore, where it has to send the requests: same calls, same results.

Each attempt is one botocore call, without its retries, in a thread; the call stops waiting for it
at the deadline. A call left behind ends by itself within the private client's timeouts, and until
then counts among the connections, of which there are at most so many, as on the wire.
"""

import base64
import contextvars
import json
import zlib
from collections.abc import Generator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from botocore import xform_name
from botocore.exceptions import (
    ChecksumError,
    ClientError,
    HTTPClientError,
    ProxyConnectionError,
)
from botocore.exceptions import ConnectionError as ConnectingError
from botocore.parsers import create_parser

from ddbwire.calls.sender import (
    CONTRADICTORY_DATES,
    MAX_DATE_REQUESTS,
    Attempt,
    DateRequest,
    check_timestamp,
)
from ddbwire.clocks.table_clock import TableClock
from ddbwire.concurrency.thread_pool import ThreadPool
from ddbwire.connections.misconfiguration import misconfiguration_in
from ddbwire.protocol.failed_attempt import FailedAttempt, classify_failure, misconfigured
from ddbwire.protocol.parse_response import parse_response
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.resolution.resolve import Resolution
from ddbwire.steps import POOL_EXHAUSTED, HTTPResponse, NoResponse, Step, StepResult, WaitFor

_TIMED_OUT = NoResponse("the deadline passed", sent=True, timed_out=True)
_DATE_REQUEST = DynamoDBRequest.of(
    "GetItem", {"TableName": "ddbwire", "Key": {"key": {"S": "time"}}}
)
"""Any response will do, and that no such table exists is one: so nothing is read, nothing paid."""
_parser = create_parser("json")
"""Such as botocore reads the response with, once it has been seen to be readable."""


class BotocoreSender:
    """Makes attempts through a botocore client of its own, with all that is hooked into it."""

    __slots__ = (
        "_classes",
        "_client",
        "_clock",
        "_credentials",
        "_max_connections",
        "_succeeded",
        "_threads",
        "endpoint",
    )

    def __init__(self, resolution: Resolution, max_connections: int, clock: TableClock) -> None:
        self.endpoint = resolution.endpoint.url
        self._client = resolution.client
        self._client.meta.events.register_first("before-parse.dynamodb", _require_readable)
        self._max_connections = max_connections
        self._threads = ThreadPool(max_connections)
        self._classes = resolution.client.exceptions
        self._credentials = resolution.credentials
        self._clock = clock
        self._succeeded = False

    def attempt(self, request: DynamoDBRequest, *, new_connection: bool) -> Attempt:  # noqa: ARG002 - botocore sees to its connections
        """One attempt at a request."""
        stale = check_timestamp(request, self._clock.now_ns())
        if stale is not None:
            return stale
        result = yield from self._exchange(request)
        if type(result) is NoResponse:
            return self._failed(result, repeatable=request.repeatable)
        return parse_response(result, request, self._classes)

    def request_date(self, *, new_connection: bool) -> DateRequest:  # noqa: ARG002
        """One attempt at getting any response at all."""
        for _ in range(MAX_DATE_REQUESTS):
            result = yield from self._exchange(_DATE_REQUEST)
            if type(result) is NoResponse:
                return self._failed(result, repeatable=True)
            if not self._clock.doubted:
                if not self._clock.known:
                    self._clock.trust_local()
                return None
        return classify_failure(CONTRADICTORY_DATES, repeatable=True)

    def refresh_credentials(self) -> Generator[Step, StepResult, None]:
        """Have the credentials fetched anew."""
        yield from self._credentials.refresh()

    def sync_clock(self) -> Generator[Step, StepResult, None]:
        """Ask for the time once more; but botocore signs by the host's clock."""
        yield from self.request_date(new_connection=False)

    def _failed(self, failure: NoResponse, *, repeatable: bool) -> FailedAttempt:
        if failure.misconfiguration and not self._succeeded:
            return misconfigured(failure, self.endpoint)
        return classify_failure(failure, repeatable=repeatable)

    def close(self) -> None:
        """Close the client's idle connections, and leave calls that hang to themselves."""
        self._threads = ThreadPool(self._max_connections)
        self._client.close()

    def _exchange(
        self, request: DynamoDBRequest
    ) -> Generator[Step, StepResult, HTTPResponse | NoResponse]:
        # botocore's client signs with the same keys, see ``CredentialSource.for_botocore``.
        keys = yield from self._credentials.keys()
        if type(keys) is NoResponse:
            return keys
        # The caller's context goes along: what is hooked into botocore, such as tracing, needs it.
        context = contextvars.copy_context()
        sent_ns = self._clock.local_ns()
        future = self._threads.submit(partial(context.run, _call_botocore, self._client, request))
        try:
            yield WaitFor(future)
        finally:
            # What nobody waits for any more is not started.
            started = not future.cancel()
        if not started:
            return POOL_EXHAUSTED
        if not future.done():
            return _TIMED_OUT
        result = future.result()
        if type(result) is HTTPResponse:
            self._succeeded = True
            self._clock.observe(result.date, sent_ns, self._clock.local_ns())
        return result


def _call_botocore(client: Any, request: DynamoDBRequest) -> HTTPResponse | NoResponse:
    """Call botocore, and bring what comes back into the shape it had on the wire."""
    parameters = _from_wire(json.loads(request.body))
    try:
        response = getattr(client, xform_name(request.name))(**parameters)
    except _UnreadableError as error:
        return error.result
    except ClientError as error:
        response = dict(error.response)
        detail = response.pop("Error", {})
        response.update({"__type": detail.get("Code"), "message": detail.get("Message")})
    except ConnectingError as error:
        return NoResponse(str(error), sent=False, misconfiguration=_misconfiguration_in(error))
    except (HTTPClientError, ChecksumError) as error:
        return NoResponse(str(error), sent=True)
    metadata = response.pop("ResponseMetadata", {})
    headers = _lower_case(metadata.get("HTTPHeaders", {}))
    body = json.dumps(response, default=_to_wire).encode()
    return HTTPResponse(
        metadata.get("HTTPStatusCode", 200), body, headers.get(b"date", b""), headers
    )


def _misconfiguration_in(error: Exception) -> str:
    found = misconfiguration_in(error)
    # What it says of a host is the proxy's then, which this names.
    return f"{error}: {found}" if found and isinstance(error, ProxyConnectionError) else found


class _UnreadableError(Exception):
    """A response that botocore would make nothing of, or fail at: ``result`` is what it is."""

    def __init__(self, result: HTTPResponse | NoResponse) -> None:
        super().__init__()
        self.result = result


def _require_readable(response_dict: dict[str, Any], operation_model: Any, **_event: Any) -> None:
    """Stop botocore short of reading a body that is not DynamoDB's, or not the one that was sent.

    Of such a body (a proxy's page, half a response, a list where an item should be) botocore makes
    an empty response, or fails in one way or another.
    """
    body: bytes = response_dict["body"]
    headers = _lower_case(response_dict["headers"])
    checksum = headers.get(b"x-amz-crc32")
    if checksum is not None and checksum != b"%d" % zlib.crc32(body):
        raise _UnreadableError(NoResponse("the body does not match x-amz-crc32", sent=True))
    status = response_dict["status_code"]
    try:
        document = json.loads(body.decode())
        if isinstance(document, dict):
            for shape in _shapes_of(document, status, operation_model):
                _parser.parse(response_dict, shape)
            return
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        pass
    raise _UnreadableError(HTTPResponse(status, body, headers.get(b"date", b""), headers))


def _shapes_of(document: dict[str, Any], status: int, operation_model: Any) -> list[Any]:
    """What botocore reads a response as: an operation's output; of an error, its members too."""
    if status == 200:
        return [operation_model.output_shape]
    code: str = document["__type"].rpartition("#")[2]
    of_error = operation_model.service_model.shape_for_error_code(code)
    return [operation_model.output_shape, *([] if of_error is None else [of_error])]


def _lower_case(headers: Mapping[str, object]) -> dict[bytes, bytes]:
    return {name.lower().encode(): str(value).encode() for name, value in headers.items()}


def _to_wire(value: object) -> str | float:
    """What JSON has no form for: binary values travel in base64, times as epoch seconds."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} has no wire shape")


def _from_wire(value: Any) -> Any:
    """Base64 to bytes, as botocore wants it, in attribute values of type B and BS."""
    if isinstance(value, list):
        return [_from_wire(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64decode(part)
        if name == "B" and isinstance(part, str)
        else [base64.b64decode(each) for each in part]
        if name == "BS" and isinstance(part, list)
        else _from_wire(part)
        for name, part in value.items()
    }
