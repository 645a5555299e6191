"""Attempts over HTTP connections of this package: sign, send, read the time, parse."""

from collections.abc import Generator
from typing import Any

from ddbwire.calls.sender import (
    CONTRADICTORY_DATES,
    MAX_DATE_REQUESTS,
    Attempt,
    DateRequest,
    check_timestamp,
)
from ddbwire.clocks.table_clock import TableClock
from ddbwire.endpoint import Endpoint
from ddbwire.protocol.failed_attempt import FailedAttempt, classify_failure, misconfigured
from ddbwire.protocol.parse_response import ErrorClasses, parse_response
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.signing.credentials import CredentialSource
from ddbwire.signing.request_writer import RequestWriter, date_request
from ddbwire.signing.sigv4 import CredentialScope, SigningKey, amz_date
from ddbwire.steps import HTTPResponse, NoResponse, Send, Step, StepResult, require_no_response
from ddbwire.tuple_new import tuple_new

_SECOND_NS = 1_000_000_000


class HTTPSender:
    """Makes attempts over connections of this package."""

    __slots__ = (
        "_classes",
        "_client",
        "_clock",
        "_credentials",
        "_host",
        "_region",
        "_succeeded",
        "_writer",
        "endpoint",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        region: str,
        credentials: CredentialSource,
        client: Any,
        clock: TableClock,
    ) -> None:
        self.endpoint = endpoint.url
        self._host = endpoint.host_header
        self._region = region
        self._credentials = credentials
        self._client = client
        self._classes: ErrorClasses = client.exceptions
        self._clock = clock
        self._writer: RequestWriter | None = None
        self._succeeded = False

    def attempt(self, request: DynamoDBRequest, *, new_connection: bool) -> Attempt:
        """One attempt at a request."""
        clock = self._clock
        writer = self._writer
        now_ns = clock.now_ns()
        stale = check_timestamp(request, now_ns)
        if stale is not None:
            return stale
        second = now_ns // _SECOND_NS
        if writer is None or writer.second != second:
            renewed = yield from self._next_writer(second)
            if type(renewed) is NoResponse:
                return classify_failure(renewed, repeatable=request.repeatable)
            writer = renewed
        sent_ns = clock.monotonic_ns() + clock.local_base_ns
        signed = writer.write(request)
        result = yield tuple_new(Send, (signed, new_connection, request.repeatable))
        if type(result) is HTTPResponse:
            self._succeeded = True
            clock.observe(result.date, sent_ns, clock.monotonic_ns() + clock.local_base_ns)
            return parse_response(result, request, self._classes)
        return self._failed(require_no_response(result), repeatable=request.repeatable)

    def request_date(self, *, new_connection: bool) -> DateRequest:
        """One attempt at getting any response at all."""
        clock = self._clock
        for _ in range(MAX_DATE_REQUESTS):
            sent_ns = clock.local_ns()
            result = yield Send(date_request(self._host), new_connection, True)
            if type(result) is not HTTPResponse:
                return self._failed(require_no_response(result), repeatable=True)
            self._succeeded = True
            clock.observe(result.date, sent_ns, clock.local_ns())
            if not clock.doubted:
                if not clock.known:
                    clock.trust_local()
                return None
        return classify_failure(CONTRADICTORY_DATES, repeatable=True)

    def refresh_credentials(self) -> Generator[Step, StepResult, None]:
        """Get new credentials."""
        yield from self._credentials.refresh()
        self._writer = None

    def sync_clock(self) -> Generator[Step, StepResult, None]:
        """Ask for the time once more."""
        yield from self.request_date(new_connection=False)

    def _failed(self, failure: NoResponse, *, repeatable: bool) -> FailedAttempt:
        if failure.misconfiguration and not self._succeeded:
            return misconfigured(failure, self.endpoint)
        return classify_failure(failure, repeatable=repeatable)

    def close(self) -> None:
        """Close botocore's client, which has no connections."""
        self._client.close()

    def _next_writer(self, second: int) -> Generator[Step, StepResult, RequestWriter | NoResponse]:
        keys = yield from self._credentials.keys()
        if type(keys) is NoResponse:
            return keys
        scope = CredentialScope(keys, self._region, amz_date(second)[:8])
        before = self._writer
        key = before.key if before is not None and before.key.scope == scope else SigningKey(scope)
        self._writer = writer = RequestWriter(self._host, key, second)
        # Checked after it was stored: who renews the keys drops the writer after that.
        if keys != self._credentials.latest:
            self._writer = None
        return writer
