"""The lean wire's part in a call: sign, have it sent, learn the time, read the answer."""

from collections.abc import Generator
from typing import Any

from ddbwire.calls.sender import MOST_QUESTIONS, NO_TIME, Attempt, Question, outdated
from ddbwire.clocks.table_clock import TableClock
from ddbwire.connections.misconfiguration import trouble_at_first
from ddbwire.endpoint import Endpoint
from ddbwire.protocol.parse_response import ErrorClasses, judge, judge_failure
from ddbwire.protocol.request import Operation
from ddbwire.protocol.result import Trouble
from ddbwire.signing.credentials import CredentialSource
from ddbwire.signing.request_writer import RequestWriter, write_question
from ddbwire.signing.sigv4 import DayKey, Scope, amz_date
from ddbwire.steps import Answer, Failure, Reply, Send, Step, answered

_SECOND_NS = 1_000_000_000


class LeanCarrier:
    """Carries attempts over connections of this package's own."""

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

    def attempt(self, operation: Operation, *, fresh: bool) -> Attempt:
        """One attempt at an operation."""
        clock = self._clock
        writer = self._writer
        now_ns = clock.now_ns()
        late = outdated(operation, now_ns)
        if late is not None:
            return late
        second = now_ns // _SECOND_NS
        if writer is None or writer.second != second:
            renewed = yield from self._next_writer(second)
            if type(renewed) is Failure:
                return judge_failure(renewed, repeatable=operation.repeatable)
            writer = renewed
        sent_ns = clock.local_ns()
        answer = yield Send(writer.write(operation), fresh)
        if type(answer) is Reply:
            self._succeeded = True
            clock.observe(answer.date, sent_ns, clock.local_ns())
            return judge(answer, operation.name, self._classes, repeatable=operation.repeatable)
        return self._failed(answered(answer), repeatable=operation.repeatable)

    def ask(self, *, fresh: bool) -> Question:
        """One attempt at getting any reply at all."""
        clock = self._clock
        for _ in range(MOST_QUESTIONS):
            sent_ns = clock.local_ns()
            answer = yield Send(write_question(self._host), fresh)
            if type(answer) is not Reply:
                return self._failed(answered(answer), repeatable=True)
            self._succeeded = True
            clock.observe(answer.date, sent_ns, clock.local_ns())
            if not clock.doubted:
                if not clock.known:
                    clock.trust_local()
                return None
        return judge_failure(NO_TIME, repeatable=True)

    def renew_credentials(self) -> Generator[Step, Answer, None]:
        """Have the credentials fetched anew."""
        yield from self._credentials.renew()
        self._writer = None

    def renew_time(self) -> Generator[Step, Answer, None]:
        """Ask for the time once more."""
        yield from self.ask(fresh=False)

    def _failed(self, failure: Failure, *, repeatable: bool) -> Trouble:
        if failure.mistake and not self._succeeded:
            return trouble_at_first(failure, self.endpoint)
        return judge_failure(failure, repeatable=repeatable)

    def close(self) -> None:
        """Close the client, which has sent nothing since it was resolved."""
        self._client.close()

    def _next_writer(self, second: int) -> Generator[Step, Answer, RequestWriter | Failure]:
        keys = yield from self._credentials.keys()
        if type(keys) is Failure:
            return keys
        scope = Scope(keys, self._region, amz_date(second)[:8])
        before = self._writer
        key = before.key if before is not None and before.key.scope == scope else DayKey(scope)
        self._writer = writer = RequestWriter(self._host, key, second)
        return writer
