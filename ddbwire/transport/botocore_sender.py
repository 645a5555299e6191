"""Attempts through botocore, if it must send the requests: the same calls and results.

Each attempt is one botocore call, without retries, in a thread. At the deadline the caller stops
waiting for it. The botocore call then ends within the timeouts of its client, and until then counts
as one of the connections, whose number is limited.
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
from ddbwire.endpoint import without_user_information
from ddbwire.protocol.failed_attempt import FailedAttempt, classify_failure, misconfigured
from ddbwire.protocol.parse_response import error_code, parse_response
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.resolution.resolve import Resolution
from ddbwire.steps import (
    POOL_EXHAUSTED,
    TIMED_OUT,
    HTTPResponse,
    NoResponse,
    Step,
    StepResult,
    WaitFor,
)

_DATE_REQUEST = DynamoDBRequest.of(
    "GetItem", {"TableName": "ddbwire", "Key": {"key": {"S": "time"}}}
)
"""Any response will do. This one is that the table does not exist: it reads and costs nothing."""
_parser = create_parser("json")
"""The parser with which botocore reads a response after ``_require_readable``."""


class BotocoreSender:
    """Makes attempts through a private botocore client with all its hooks."""

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
        """Get new credentials."""
        yield from self._credentials.refresh()

    def sync_clock(self) -> Generator[Step, StepResult, None]:
        """Ask for the time again; botocore signs with the host's clock all the same."""
        yield from self.request_date(new_connection=False)

    def _failed(self, failure: NoResponse, *, repeatable: bool) -> FailedAttempt:
        if failure.misconfiguration and not self._succeeded:
            return misconfigured(failure, self.endpoint)
        return classify_failure(failure, repeatable=repeatable)

    def close(self) -> None:
        """Close the client's idle connections, and do not wait for calls under way."""
        self._threads = ThreadPool(self._max_connections)
        self._client.close()

    def _exchange(
        self, request: DynamoDBRequest
    ) -> Generator[Step, StepResult, HTTPResponse | NoResponse]:
        # botocore's client signs with the same keys, see ``CredentialSource.for_botocore``.
        keys = yield from self._credentials.keys()
        if type(keys) is NoResponse:
            return keys
        # With the caller's context, which hooks of botocore need, such as tracing.
        context = contextvars.copy_context()
        sent_ns = self._clock.local_ns()
        future = self._threads.submit(partial(context.run, _call_botocore, self._client, request))
        try:
            yield WaitFor(future)
        finally:
            # A call that nobody waits for any more is not started.
            started = not future.cancel()
        if not started:
            return POOL_EXHAUSTED
        if not future.done():
            return TIMED_OUT
        result = future.result()
        if type(result) is HTTPResponse:
            self._succeeded = True
            self._clock.observe(result.date, sent_ns, self._clock.local_ns())
        return result


def _call_botocore(client: Any, request: DynamoDBRequest) -> HTTPResponse | NoResponse:
    """Call botocore, and give the result the form that it had on the wire."""
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
        return NoResponse(_cause(error), sent=False, misconfiguration=_misconfiguration_in(error))
    except (HTTPClientError, ChecksumError) as error:
        return NoResponse(_cause(error), sent=True)
    metadata = response.pop("ResponseMetadata", {})
    headers = _lower_case(metadata.get("HTTPHeaders", {}))
    body = json.dumps(response, default=_to_wire).encode()
    return HTTPResponse(
        metadata.get("HTTPStatusCode", 200), body, headers.get(b"date", b""), headers
    )


def _cause(error: Exception) -> str:
    """The message of an exception of botocore, which may have the endpoint's URL."""
    return without_user_information(str(error))


def _misconfiguration_in(error: Exception) -> str:
    found = misconfiguration_in(error)
    # It is about the proxy's host then, which the error names.
    return (
        f"{_cause(error)}: {found}" if found and isinstance(error, ProxyConnectionError) else found
    )


class _UnreadableError(Exception):
    """A response that botocore would misread, or fail to read; ``result`` has it."""

    def __init__(self, result: HTTPResponse | NoResponse) -> None:
        super().__init__()
        self.result = result


def _require_readable(response_dict: dict[str, Any], operation_model: Any, **_event: Any) -> None:
    """Prevent botocore from reading a body that is not DynamoDB's, or was changed.

    From such a body (a proxy's page, half a response, a list instead of an item) botocore makes an
    empty response, or it raises some exception.
    """
    body: bytes = response_dict["body"]
    headers = _lower_case(response_dict["headers"])
    checksum = headers.get(b"x-amz-crc32")
    if checksum is not None and checksum != b"%d" % zlib.crc32(body):
        raise _UnreadableError(NoResponse("the body does not match x-amz-crc32", sent=True))
    status = response_dict["status_code"]
    try:
        document = json.loads(body.decode())
        if isinstance(document, dict) and (status == 200 or error_code(document)):
            for shape in _shapes_of(document, status, operation_model):
                _parser.parse(response_dict, shape)
            return
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        pass
    raise _UnreadableError(HTTPResponse(status, body, headers.get(b"date", b""), headers))


def _shapes_of(document: dict[str, Any], status: int, operation_model: Any) -> list[Any]:
    """The shapes that botocore reads from a response: the output, and for an error its members."""
    if status == 200:
        return [operation_model.output_shape]
    of_error = operation_model.service_model.shape_for_error_code(error_code(document))
    return [operation_model.output_shape, *([] if of_error is None else [of_error])]


def _lower_case(headers: Mapping[str, object]) -> dict[bytes, bytes]:
    return {name.lower().encode(): str(value).encode() for name, value in headers.items()}


def _to_wire(value: object) -> str | float:
    """The JSON form of other types: base64 for binary values, epoch seconds for times."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} has no wire shape")


def _from_wire(value: Any) -> Any:
    """Decode base64 to bytes in attribute values of type B and BS, as botocore needs it."""
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
