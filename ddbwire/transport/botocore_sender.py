"""botocore's part in a call, where the lean wire declines: same flow, same results.

Each attempt is one botocore call, without its retries, in a thread; the flow stops waiting for it
at the deadline. A call left behind ends by itself within the private client's timeouts, and until
then counts among the connections, of which there are at most so many, as on the wire.
"""

import base64
import contextvars
import json
import zlib
from collections.abc import Generator, Mapping
from functools import partial
from typing import Any

from botocore import xform_name
from botocore.exceptions import ChecksumError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectingError

from ddbwire.calls.sender import MOST_QUESTIONS, NO_TIME, Attempt, Question, outdated
from ddbwire.clocks.table_clock import TableClock
from ddbwire.concurrency.thread_pool import Workers
from ddbwire.connections.misconfiguration import mistake_in, trouble_at_first
from ddbwire.protocol.parse_response import judge, judge_failure
from ddbwire.protocol.request import Operation
from ddbwire.protocol.result import Trouble
from ddbwire.resolution.resolve import Resolution
from ddbwire.steps import ALL_BUSY, Answer, Await, Failure, Reply, Step

_LATE = Failure("the deadline passed", sent=True, timed_out=True)
_QUESTION = Operation.of("GetItem", {"TableName": "ddbwire", "Key": {"key": {"S": "time"}}})
"""Any reply will do, and that no such table exists is one: so nothing is read, nothing paid."""


class BotocoreCarrier:
    """Carries attempts through the private botocore client, with all that is hooked into it."""

    __slots__ = (
        "_classes",
        "_client",
        "_clock",
        "_credentials",
        "_max_connections",
        "_succeeded",
        "_workers",
        "endpoint",
    )

    def __init__(self, resolution: Resolution, max_connections: int, clock: TableClock) -> None:
        self.endpoint = resolution.endpoint.url
        self._client = resolution.client
        self._client.meta.events.register_first("before-parse.dynamodb", _require_object)
        self._max_connections = max_connections
        self._workers = Workers(max_connections)
        self._classes = resolution.client.exceptions
        self._credentials = resolution.credentials
        self._clock = clock
        self._succeeded = False

    def attempt(self, operation: Operation, *, fresh: bool) -> Attempt:  # noqa: ARG002 - botocore sees to its connections
        """One attempt at an operation."""
        late = outdated(operation, self._clock.now_ns())
        if late is not None:
            return late
        answer = yield from self._exchange(operation)
        if type(answer) is Failure:
            return self._failed(answer, repeatable=operation.repeatable)
        return judge(answer, operation.name, self._classes, repeatable=operation.repeatable)

    def ask(self, *, fresh: bool) -> Question:  # noqa: ARG002
        """One attempt at getting any reply at all."""
        for _ in range(MOST_QUESTIONS):
            answer = yield from self._exchange(_QUESTION)
            if type(answer) is Failure:
                return self._failed(answer, repeatable=True)
            if not self._clock.doubted:
                if not self._clock.known:
                    self._clock.trust_local()
                return None
        return judge_failure(NO_TIME, repeatable=True)

    def renew_credentials(self) -> Generator[Step, Answer, None]:
        """Have the credentials fetched anew."""
        yield from self._credentials.renew()

    def renew_time(self) -> Generator[Step, Answer, None]:
        """Ask for the time once more; but botocore signs by the host's clock."""
        yield from self.ask(fresh=False)

    def _failed(self, failure: Failure, *, repeatable: bool) -> Trouble:
        if failure.mistake and not self._succeeded:
            return trouble_at_first(failure, self.endpoint)
        return judge_failure(failure, repeatable=repeatable)

    def close(self) -> None:
        """Close the client's idle connections, and leave calls that hang to themselves."""
        self._workers = Workers(self._max_connections)
        self._client.close()

    def _exchange(self, operation: Operation) -> Generator[Step, Answer, Reply | Failure]:
        # botocore's client signs with the same keys, see ``CredentialSource.served``.
        keys = yield from self._credentials.keys()
        if type(keys) is Failure:
            return keys
        # The caller's context goes along: what is hooked into botocore, such as tracing, needs it.
        context = contextvars.copy_context()
        sent_ns = self._clock.local_ns()
        future = self._workers.submit(partial(context.run, _carry_out, self._client, operation))
        try:
            yield Await(future)
        finally:
            # What nobody waits for any more is not begun.
            begun = not future.cancel()
        if not begun:
            return ALL_BUSY
        if not future.done():
            return _LATE
        answer = future.result()
        if type(answer) is Reply:
            self._succeeded = True
            self._clock.observe(answer.date, sent_ns, self._clock.local_ns())
        return answer


def _carry_out(client: Any, operation: Operation) -> Reply | Failure:
    """Call botocore, and bring what comes back into the shape it had on the wire."""
    parameters = _from_wire(json.loads(operation.body))
    try:
        response = getattr(client, xform_name(operation.name))(**parameters)
    except _NoObjectError as error:
        return error.answer
    except ClientError as error:
        response = dict(error.response)
        detail = response.pop("Error", {})
        response.update({"__type": detail.get("Code"), "message": detail.get("Message")})
    except ConnectingError as error:
        return Failure(str(error), sent=False, mistake=mistake_in(error))
    except (HTTPClientError, ChecksumError) as error:
        return Failure(str(error), sent=True)
    metadata = response.pop("ResponseMetadata", {})
    headers = _lower_case(metadata.get("HTTPHeaders", {}))
    body = json.dumps(response, default=_to_wire).encode()
    return Reply(metadata.get("HTTPStatusCode", 200), body, headers.get(b"date", b""), headers)


class _NoObjectError(Exception):
    """A response that botocore would make nothing of, or fail at: ``answer`` is what it is."""

    def __init__(self, answer: Reply | Failure) -> None:
        super().__init__()
        self.answer = answer


def _require_object(response_dict: dict[str, Any], **_event: Any) -> None:
    """Stop botocore short of reading a body that is no JSON object, or not the one that was sent.

    Of such a body (a proxy's page, half a reply) botocore makes an empty response or an
    AttributeError, as the case may be.
    """
    body: bytes = response_dict["body"]
    headers = _lower_case(response_dict["headers"])
    checksum = headers.get(b"x-amz-crc32")
    if checksum is not None and checksum != b"%d" % zlib.crc32(body):
        raise _NoObjectError(Failure("the body does not match x-amz-crc32", sent=True))
    try:
        if isinstance(json.loads(body.decode()), dict):
            return
    except ValueError:
        pass
    raise _NoObjectError(
        Reply(response_dict["status_code"], body, headers.get(b"date", b""), headers)
    )


def _lower_case(headers: Mapping[str, object]) -> dict[bytes, bytes]:
    return {name.lower().encode(): str(value).encode() for name, value in headers.items()}


def _to_wire(value: object) -> str:
    """What JSON has no form for: binary values, which travel in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
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
