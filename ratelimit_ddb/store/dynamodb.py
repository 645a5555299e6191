"""Buckets in a DynamoDB table, shared by every process that uses it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from ratelimit_ddb.errors import AccessDenied, StoreUnavailable, TableNotFound
from ratelimit_ddb.operation import Operation, ReadClock
from ratelimit_ddb.store.local_clock import LocalClock
from ratelimit_ddb.store.protocol import Clock

if TYPE_CHECKING:
    import boto3

    from ddbwire import AnsweredCall
    from ddbwire import Operation as Request

_WARM_UP_SECONDS = 5.0
_REFUSED_UNITS = 1.0
"""What a refused write is billed, for an item under 1 KB (AWS: "Condition expressions"); the reply
does not say."""


class DynamoDBStore:
    """A table with the partition key ``key`` (text) and TTL on ``expiresAt``.

    Nothing is resolved or connected here; the first decision does it, or ``warm_up()`` before it.
    One store serves any number of threads, event loops and forked children.

    Args:
        table: the table's name or ARN.
        region_name: as for boto3; otherwise from the session, the environment, the profile.
        endpoint_url: as for boto3; otherwise as botocore resolves it.
        session: a boto3.Session; botocore's default chain unless given.
        max_connections: how many requests of one process (for asyncio: of one event loop) may be
            under way at once.
        clock: nanoseconds since the epoch, for tests that set the time themselves; otherwise the
            table's own time, from the ``Date`` of its replies.
        on_call: told of every answered request, with the capacity it consumed.
        report_capacity: ask the table for it without ``on_call`` too, so that events of decisions
            can tell it.

    Raises:
        TypeError, ValueError: the table's name is empty or not a text.
    """

    def __init__(
        self,
        table: str,
        *,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        session: boto3.Session | None = None,
        max_connections: int = 64,
        clock: Callable[[], int] | None = None,
        on_call: Callable[[AnsweredCall], None] | None = None,
        report_capacity: bool = False,
    ) -> None:
        if not isinstance(table, str):
            raise TypeError(f"table {table!r}: the name of a table is needed")
        if not table:
            raise ValueError("table '': the name of a table is needed")
        # Here, so that importing the package (for a MemoryStore, say) leaves the wire alone.
        from ddbwire import Wire
        from ratelimit_ddb.store.expression import Expressions

        self.table = table
        self._wire = Wire(
            session=session,
            region_name=region_name,
            endpoint_url=endpoint_url,
            max_connections=max_connections,
        )
        self.clock: Clock = self._wire.clock if clock is None else LocalClock(clock)
        self._reports_capacity = report_capacity or on_call is not None
        self._expressions = Expressions(table, report_capacity=self._reports_capacity)
        self._on_call = on_call

    @property
    def ready(self) -> bool:
        """Whether the region, the endpoint and the credentials are resolved."""
        return self._wire.resolved

    def prepare(self) -> None:
        """Resolve the region, the endpoint and the credentials, once.

        Raises:
            botocore.exceptions.BotoCoreError: there is no region, or there are no credentials.
        """
        self._wire.resolve()

    async def prepare_async(self) -> None:
        """Resolve them in a thread, once; see ``prepare``."""
        await self._wire.resolve_async()

    def warm_up(self) -> None:
        """Prepare, open a connection and learn the table's time, before the first request.

        Raises:
            StoreUnavailable: the endpoint does not answer within 5 seconds.
            botocore.exceptions.BotoCoreError: there is no region, or there are no credentials.
        """
        self.prepare()
        try:
            self._wire.ask_time(_seconds_from_now(_WARM_UP_SECONDS))
        except self._wire.failures as failure:
            self._raise(failure)

    async def warm_up_async(self) -> None:
        """Prepare, connect and learn the time in this event loop; see ``warm_up``."""
        await self.prepare_async()
        try:
            await self._wire.ask_time_async(_seconds_from_now(_WARM_UP_SECONDS))
        except self._wire.failures as failure:
            self._raise(failure)

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        """The table's answer to one operation; see ``Store.send``."""
        try:
            if isinstance(operation, ReadClock):
                if not self.clock.known:
                    self._wire.ask_time(deadline_ns)
                return self.clock.now_ns()
            request = self._expressions.request(operation)
            reply = self._wire.call(request, deadline_ns)
        except self._wire.failures as failure:
            self._raise(failure)
        return self._outcome(operation, request, reply)

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """The table's answer to one operation; see ``Store.send_async``."""
        try:
            if isinstance(operation, ReadClock):
                if not self.clock.known:
                    await self._wire.ask_time_async(deadline_ns)
                return self.clock.now_ns()
            request = self._expressions.request(operation)
            reply = await self._wire.call_async(request, deadline_ns)
        except self._wire.failures as failure:
            self._raise(failure)
        return self._outcome(operation, request, reply)

    def close(self) -> None:
        """Close the connections of blocking callers; a later call opens others."""
        self._wire.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and those of blocking callers."""
        await self._wire.aclose()

    def _outcome(self, operation: Any, request: Request, reply: Any) -> Any:
        outcome = self._expressions.outcome(operation, reply)
        if not self._reports_capacity:
            return outcome
        from ddbwire import AnsweredCall

        call = AnsweredCall.of(request, reply)
        if self._on_call is not None:
            self._on_call(call)
        units = _REFUSED_UNITS if call.refused else call.capacity_units
        return outcome._replace(capacity_units=units)

    def _raise(self, failure: BaseException) -> NoReturn:
        from ddbwire import is_transient

        code = getattr(failure, "response", {}).get("Error", {}).get("Code", "")
        if is_transient(failure):
            raise StoreUnavailable(f"table {self.table!r}: {failure}") from failure
        if code == "ResourceNotFoundException":
            endpoint_url = self._wire.endpoint_url
            raise TableNotFound(
                f"table {self.table!r} does not exist at {endpoint_url}; for development, "
                f"`ratelimit-ddb tables create --table {self.table} --endpoint-url {endpoint_url}` "
                "creates it"
            ) from failure
        if code == "AccessDeniedException":
            raise AccessDenied(
                f"table {self.table!r}: the credentials need dynamodb:UpdateItem, and GetItem for "
                f"peek, DeleteItem for reset ({failure})"
            ) from failure
        raise failure


def _seconds_from_now(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1_000_000_000)
