"""Buckets in a DynamoDB table, shared by every process that uses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from ddbwire.clocks.local_clock import LocalClock
from ratelimit_ddb.arguments import require_bool, require_deadline_ns
from ratelimit_ddb.bucket.observations import cache_group_of
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.key import KEY_OF_NO_BUCKET
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import (
    Flow,
    Operation,
    OperationSequence,
    Read,
    ReadClock,
)
from ratelimit_ddb.operations.slot_operation import SlotsResult
from ratelimit_ddb.operations.store import Clock

if TYPE_CHECKING:
    import boto3

    from ddbwire import AnsweredCall, CallSequence, DynamoDBRequest, SingleTable

_WARM_UP_SECONDS = 5.0
_REFUSED_UNITS = 1.0
"""What a refused write is billed, for an item under 1 KB (AWS: "Condition expressions"); the reply
does not say."""
_PERMISSIONS = (
    "dynamodb:UpdateItem, GetItem for peek and check, DeleteItem for reset",
    "dynamodb:Scan, which operators need for top and limits list, and applications do not",
)


class DynamoDBStore:
    """A table with the partition key ``key`` (text) and TTL on ``expiresAt``, or a shared one.

    The constructor resolves and connects nothing; the first decision does, or ``warm_up()``. One
    store serves any number of threads, event loops and forked children. ``with`` and ``async with``
    close its connections at the end; later calls open new ones. Pickle stores its arguments, unless
    it has a ``session``, which can't be pickled; ``copy`` returns the store itself.

    Args:
        table: the table's name or ARN.
        region_name: as for boto3; unless given, from the session, the environment or the profile.
        endpoint_url: as for boto3; unless given, as botocore resolves it. For an endpoint on the
            loopback address, a region and credentials are made up if none are configured; they are
            those of ``ratelimit-ddb tables create``.
        session: a boto3.Session; botocore's default chain unless given.
        max_connections: how many requests of one process (for asyncio: of one event loop) may be
            under way at once.
        layout: the keys of a table that is shared with items of other kinds, ``SingleTable()``;
            unless given, the table is the limiter's own.
        clock: returns nanoseconds since the epoch, for tests that set the time; unless given, the
            table's own time, from the ``Date`` of its replies.
        on_call: called with an AnsweredCall for every answered request.
        report_capacity: whether the table reports consumed capacity without ``on_call`` too, so
            that events of decisions have it.

    Raises:
        TypeError, ValueError: an argument is invalid: the message has its name, value and rule.
    """

    def __init__(
        self,
        table: str,
        *,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        session: boto3.Session | None = None,
        max_connections: int = 64,
        layout: SingleTable | None = None,
        clock: Callable[[], int] | None = None,
        on_call: Callable[[AnsweredCall], None] | None = None,
        report_capacity: bool = False,
    ) -> None:
        # Here, so that importing the package (for a MemoryStore, say) leaves the wire alone.
        from ddbwire import Wire
        from ddbwire.arguments import require_clock, require_plain_function, require_table
        from ddbwire.shared.single_table import require_layout
        from ratelimit_ddb.store.dynamodb.item_keys import item_keys
        from ratelimit_ddb.store.dynamodb.request import ATTRIBUTES, TableRequests

        if clock is not None:
            require_clock(clock)
        if on_call is not None:
            require_plain_function("on_call", on_call, "that is called with an AnsweredCall")
        require_bool("report_capacity", report_capacity)
        self.table = require_table(table)
        self.layout = require_layout(layout, ATTRIBUTES)
        self.item_keys = item_keys(self.layout)
        self._arguments = {
            "table": self.table,
            "region_name": region_name,
            "endpoint_url": endpoint_url,
            "session": session,
            "max_connections": max_connections,
            "layout": layout,
            "clock": clock,
            "on_call": on_call,
            "report_capacity": report_capacity,
        }
        self._wire = Wire(
            session=session,
            region_name=region_name,
            endpoint_url=endpoint_url,
            max_connections=max_connections,
            table=self.table,
        )
        self.clock: Clock = self._wire.clock if clock is None else LocalClock(clock)
        self._reports_capacity = report_capacity or on_call is not None
        self._requests = TableRequests(
            self.table,
            self.item_keys,
            report_capacity=self._reports_capacity,
            is_of_the_wire=clock is None,
        )
        self._on_call = on_call
        self.in_process = False

    @property
    def ready(self) -> bool:
        """Whether the region, the endpoint and the credentials are resolved."""
        return self._wire.resolved

    def prepare(self) -> None:
        """Resolve the region, the endpoint and the credentials, once.

        Raises:
            StoreError: there is no region, or there are no credentials.
            StoreUnavailable: the source of the credentials did not answer.
        """
        try:
            self._wire.resolve()
        except self._wire.failures as failure:
            raise self._error(failure) from failure

    async def prepare_async(self) -> None:
        """Resolve them in a thread, once; see ``prepare``."""
        try:
            await self._wire.resolve_async()
        except self._wire.failures as failure:
            raise self._error(failure) from failure

    def warm_up(self) -> None:
        """Prepare, open a connection and learn the table's time, before the first request.

        Raises:
            StoreUnavailable: the endpoint does not answer within 5 seconds.
            StoreError: there is no region, or there are no credentials.
        """
        self.prepare()
        try:
            self._wire.sync_clock(_seconds_from_now(_WARM_UP_SECONDS))
        except self._wire.failures as failure:
            raise self._error(failure) from failure

    async def warm_up_async(self) -> None:
        """Prepare, connect and learn the time in this event loop; see ``warm_up``."""
        await self.prepare_async()
        try:
            await self._wire.sync_clock_async(_seconds_from_now(_WARM_UP_SECONDS))
        except self._wire.failures as failure:
            raise self._error(failure) from failure

    def check(self, *, deadline: float = 5.0) -> None:
        """Check that the table can be used, by reading a key that no bucket has.

        It is for the start of a process and for health probes, and costs one GetItem of one read
        unit. It shows that the table exists, has the right key schema, and may be read; it does not
        show whether it may be written.

        Args:
            deadline: seconds that the read may take, retries included; preparing does not count.

        Raises:
            TableNotFound, AccessDenied: a mistake of set-up.
            StoreError: another one: the key schema, the credentials, the region.
            StoreUnavailable: an outage.
            TypeError, ValueError: the deadline is no number of seconds from 0.001 to 60.
        """
        run(_check(), self, require_deadline_ns(deadline), breaker_of(self))

    async def check_async(self, *, deadline: float = 5.0) -> None:
        """Check the table in this event loop; see ``check``."""
        await run_async(_check(), self, require_deadline_ns(deadline), breaker_of(self))

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        """The table's answer to one operation; see ``Store.send``."""
        request = None
        try:
            if isinstance(operation, ReadClock):
                if not self.clock.known:
                    self._wire.sync_clock(deadline_ns)
                return self.clock.now_ns()
            request = self._requests.request(operation)
            reply = self._wire.call(request, deadline_ns)
        except self._wire.failures as failure:
            raise self._error(failure, request) from failure
        return self._result(operation, request, reply)

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """The table's answer to one operation; see ``Store.send_async``."""
        request = None
        try:
            if isinstance(operation, ReadClock):
                if not self.clock.known:
                    await self._wire.sync_clock_async(deadline_ns)
                return self.clock.now_ns()
            request = self._requests.request(operation)
            reply = await self._wire.call_async(request, deadline_ns)
        except self._wire.failures as failure:
            raise self._error(failure, request) from failure
        return self._result(operation, request, reply)

    def send_all(self, sequences: Sequence[OperationSequence], deadline_ns: int) -> None:
        """The table's answers to several sequences; see ``Store.send_all``."""
        self._wire.call_all(self._calls(sequences, deadline_ns), deadline_ns)

    async def send_all_async(
        self, sequences: Sequence[OperationSequence], deadline_ns: int
    ) -> None:
        """The table's answers to several sequences; see ``Store.send_all``."""
        await self._wire.call_all_async(self._calls(sequences, deadline_ns), deadline_ns)

    def close(self) -> None:
        """Close the connections of blocking callers; a later call opens new ones.

        The process's leases of hot keys end.
        """
        self._drop_leases()
        self._wire.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and do what ``close`` does."""
        self._drop_leases()
        await self._wire.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        layout = "" if self.layout is None else f", layout={self.layout!r}"
        return f"{type(self).__name__}({self._wire.described(self.table)}{layout})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        from ddbwire.shared.pickling import as_arguments

        return as_arguments(self, self._arguments)

    def _drop_leases(self) -> None:
        hot_keys = cache_group_of(self).hot_keys
        if hot_keys is not None:
            hot_keys.drop_leases()

    def _calls(
        self, sequences: Sequence[OperationSequence], deadline_ns: int
    ) -> list[CallSequence]:
        from ratelimit_ddb.store.dynamodb.calls import calls_of

        request_of, answer, clock = self._requests.request, self._answer, self.clock
        return [calls_of(one, request_of, answer, clock, deadline_ns) for one in sequences]

    def _answer(self, operation: Any, request: DynamoDBRequest | None, reply: Any) -> object:
        """The result of an operation, or the StoreError of what its call raised."""
        if isinstance(reply, Exception) or request is None:
            error = self._error(reply, request)
            error.__cause__ = reply
            return error
        try:
            return self._result(operation, request, reply)
        except StoreError as error:
            return error

    def _result(self, operation: Any, request: DynamoDBRequest, reply: Any) -> Any:
        try:
            result = self._requests.result(operation, reply)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            from ddbwire.shared.store_errors import unexpected_response

            raise unexpected_response(error, self.table, request.name, self._wire) from error
        if self._wire.may_be_stubbed:
            # A test with an empty table must not be denied by what the last test has observed.
            cache_group_of(self).may_deny = False
        if not self._reports_capacity:
            return result
        from ddbwire import AnsweredCall

        call = AnsweredCall.of(request, reply)
        if self._on_call is not None:
            self._on_call(call)
        units = call.capacity_units
        if call.refused:
            from ratelimit_ddb.store.dynamodb.slot_request import refused_units

            units = refused_units(result) if isinstance(result, SlotsResult) else _REFUSED_UNITS
        return result._replace(capacity_units=units)

    def _error(self, failure: Exception, request: DynamoDBRequest | None = None) -> StoreError:
        from ddbwire.shared.store_errors import store_error

        operation = None if request is None else request.name
        return store_error(
            failure,
            table=self.table,
            operation=operation,
            wire=self._wire,
            keys=self.item_keys.schema,
            permissions=_PERMISSIONS[operation == "Scan"],
            creation=(
                f"run `ratelimit-ddb tables create --table {self.table} {_option_of(self.layout)}"
                f"--endpoint-url {self._wire.endpoint_url}`"
            ),
        )


def _option_of(layout: SingleTable | None) -> str:
    """The command's option for a table of the layout."""
    return "" if layout is None else f"--single-table {layout.partition_key},{layout.sort_key} "


def _check() -> Flow[None]:
    yield Read(KEY_OF_NO_BUCKET, ("check",))


def _seconds_from_now(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1_000_000_000)
