"""Sessions in a DynamoDB table, shared by every process that uses it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from sessions.arguments import require_bool, require_deadline_seconds, require_str
from sessions.errors import SessionTooLarge, StoreError
from sessions.operations.driver import run, run_async
from sessions.operations.operation import Find, Flow, Found, Get, Operation, ReadClock
from sessions.store import user_sessions
from sessions.store.dynamodb.breaker import Breaker
from sessions.store.dynamodb.unexpected_reply import UnexpectedReply

if TYPE_CHECKING:
    import boto3

    from ddbwire import AnsweredCall, DynamoDBRequest, SingleTable
    from sessions.store.dynamodb.side_by_side import SideBySide

_Requests = Generator["DynamoDBRequest | SideBySide | None", Any, Any]

_SECOND_NS = 1_000_000_000

_NO_SESSION_ID = "check"
"""The id of no session: an id has 43 characters."""


class DynamoDBSessionStore:
    """A table with the keys ``sessionId`` and ``userId`` (strings) and TTL on ``expiresAt``.

    With ``layout``, it is a table that is shared with other items. A user's sessions are listed by
    the index ``ownerId-createdAt-index``, which lags by up to a second or so. With
    ``strict_revocation`` they are listed by a register that does not lag, for one more write at a
    login. A shared table needs no index and always has the register.

    The constructor resolves and connects nothing; the first request does it, or ``warm_up()``. One
    store serves any number of threads, event loops and forked children. ``with`` and ``async with``
    close its connections; later calls open new ones. It is pickled as its arguments, if it has no
    ``session``; ``copy`` returns the store itself.

    Args:
        table: the table's name or ARN.
        region_name: as for boto3; None for that of the session, the environment or the profile.
        endpoint_url: as for boto3; None for the one that botocore resolves. For an endpoint on this
            host's loopback, the credentials and the region default to those of the command
            ``ratelimit-ddb tables create``.
        session: a boto3.Session; None for botocore's default chain.
        max_connections: how many requests of one process (for asyncio: of one event loop) may be
            under way at once.
        layout: the keys of a table that is shared with items of other kinds, ``SingleTable()``;
            None for a table of sessions only.
        strict_revocation: whether to keep the register, so that ``revoke_user`` misses no login.
        deadline: seconds that ``revoke`` may take, and each step of ``sessions_of`` and
            ``revoke_user``: the list, and each 500 sessions of it.
        clock: a function that returns nanoseconds since the epoch, for tests that set the time;
            None for the table's own time, from the ``Date`` of its responses.
        on_call: called with every answered request and the capacity that it consumed.

    Raises:
        TypeError, ValueError: an argument is invalid; the message has its name, value and rule.
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
        strict_revocation: bool = False,
        deadline: float = 5.0,
        clock: Callable[[], int] | None = None,
        on_call: Callable[[AnsweredCall], None] | None = None,
    ) -> None:
        if not require_str("table", table):
            raise ValueError("table must not be empty")
        # Imported here: a process with only a MemorySessionStore does not need the wire.
        from ddbwire import Wire
        from ddbwire.arguments import require_clock, require_plain_function
        from ddbwire.clocks.local_clock import LocalClock
        from ddbwire.shared.single_table import require_layout
        from sessions.store.dynamodb.item_keys import item_keys
        from sessions.store.dynamodb.request import ATTRIBUTES, TableRequests
        from sessions.store.dynamodb.translation import requests

        require_bool("strict_revocation", strict_revocation)
        if clock is not None:
            require_clock(clock)
        if on_call is not None:
            require_plain_function("on_call", on_call, "that is called with an AnsweredCall")
        self.table = table
        self.layout = require_layout(layout, ATTRIBUTES)
        keys = item_keys(self.layout)
        self._arguments = {
            "table": table,
            "region_name": region_name,
            "endpoint_url": endpoint_url,
            "session": session,
            "max_connections": max_connections,
            "layout": layout,
            "strict_revocation": strict_revocation,
            "deadline": deadline,
            "clock": clock,
            "on_call": on_call,
        }
        self.is_exact_by_owner = strict_revocation or keys.index is None
        self.deadline_seconds = require_deadline_seconds(deadline)
        self._wire = Wire(
            session=session,
            region_name=region_name,
            endpoint_url=endpoint_url,
            max_connections=max_connections,
            table=table,
        )
        self.clock = self._wire.clock if clock is None else LocalClock(clock)
        self._table_requests = TableRequests(
            table, keys, registers=self.is_exact_by_owner, report_capacity=on_call is not None
        )
        self._translate = requests
        self._on_call = on_call
        self._breaker = Breaker()

    in_process = False
    sessions_of = user_sessions.sessions_of
    """A user's sessions that are not over, the newest login first."""
    sessions_of_async = user_sessions.sessions_of_async
    revoke = user_sessions.revoke
    """End one session of a user; whether there was one."""
    revoke_async = user_sessions.revoke_async
    revoke_user = user_sessions.revoke_user
    """End all sessions of a user but one; returns how many were ended."""
    revoke_user_async = user_sessions.revoke_user_async

    @property
    def ready(self) -> bool:
        """Whether the region, the endpoint and the credentials are resolved."""
        return self._wire.resolved

    def prepare(self) -> None:
        """Resolve the region, the endpoint and the credentials, once.

        Raises:
            StoreError: there is no region, or there are no credentials.
            StoreUnavailable: the credentials' provider gave none just now.
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
        """Resolve, open a connection and learn the table's time, before the first request."""
        run(_read_time(), self, self.deadline_seconds)

    async def warm_up_async(self) -> None:
        """The same in an event loop."""
        await run_async(_read_time(), self, self.deadline_seconds)

    def check(self, *, deadline: float = 5.0) -> None:
        """Check that the table can be used, by reading a key that no session has.

        For the start of a process and for health probes: one GetItem, one read unit. It shows that
        the table exists, has the right key schema, and may be read. It does not show whether the
        table may be written, and its index queried.

        Args:
            deadline: seconds that the read may take, with retries; resolving does not count.

        Raises:
            TableNotFound, AccessDenied: the configuration is wrong.
            StoreError: so are the key schema, the credentials or the region.
            StoreUnavailable: an outage.
            TypeError, ValueError: the deadline is not a number of seconds from 0.001 to 60.
        """
        run(_check(), self, require_deadline_seconds(deadline))

    async def check_async(self, *, deadline: float = 5.0) -> None:
        """Check it in an event loop; see ``check``."""
        await run_async(_check(), self, require_deadline_seconds(deadline))

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        """The result of one operation; see ``Store.send``."""
        request = None
        if isinstance(operation, Find):
            self._breaker.require_may_read(self)
        try:
            requests = self._requests(operation)
            request = next(requests)
            while True:
                request = requests.send(self._call(request, deadline_ns))
        except StopIteration as done:
            if request is not None:
                self._breaker.answered(self)
            return done.value
        except UnexpectedReply as failure:
            raise self._failed(failure, request) from failure
        except self._wire.failures as failure:
            raise self._failed(failure, request) from failure

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """The result of one operation; see ``Store.send_async``."""
        request = None
        if isinstance(operation, Find):
            self._breaker.require_may_read(self)
        try:
            requests = self._requests(operation)
            request = next(requests)
            while True:
                request = requests.send(await self._call_async(request, deadline_ns))
        except StopIteration as done:
            if request is not None:
                self._breaker.answered(self)
            return done.value
        except UnexpectedReply as failure:
            raise self._failed(failure, request) from failure
        except self._wire.failures as failure:
            raise self._failed(failure, request) from failure

    def close(self) -> None:
        """Close the connections of blocking callers; a later call opens others."""
        self._wire.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and those of blocking callers."""
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
        strict = ", strict_revocation=True" if self._arguments["strict_revocation"] else ""
        return f"{type(self).__name__}({self._wire.described(self.table)}{layout}{strict})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        from ddbwire.shared.pickling import as_arguments

        return as_arguments(self, self._arguments)

    def _requests(self, operation: Operation) -> _Requests:
        """The requests of an operation; None where the table's time must be asked for."""
        if isinstance(operation, ReadClock):
            return (yield from self._time())
        result = yield from self._translate(self._table_requests, operation)
        if isinstance(operation, Find):  # only now: the first response brings the table's time
            return Found(result, (yield from self._time()))
        return result

    def _time(self) -> _Requests:
        if not self.clock.known:
            yield None
        return self.clock.now_ns() // _SECOND_NS

    def _call(self, request: DynamoDBRequest | SideBySide | None, deadline_ns: int) -> Any:
        if request is None:
            self._wire.sync_clock(deadline_ns)
            return None
        from sessions.store.dynamodb.side_by_side import SideBySide, call_all

        if isinstance(request, SideBySide):
            call = partial(self._wire.call, deadline_ns=deadline_ns)
            return call_all(request, call, self._on_call)
        reply = self._wire.call(request, deadline_ns)
        self._report(request, reply)
        return reply

    async def _call_async(
        self, request: DynamoDBRequest | SideBySide | None, deadline_ns: int
    ) -> Any:
        if request is None:
            await self._wire.sync_clock_async(deadline_ns)
            return None
        from sessions.store.dynamodb.side_by_side import SideBySide, call_all_async

        if isinstance(request, SideBySide):
            call = partial(self._wire.call_async, deadline_ns=deadline_ns)
            return await call_all_async(request, call, self._on_call)
        reply = await self._wire.call_async(request, deadline_ns)
        self._report(request, reply)
        return reply

    def _report(self, request: DynamoDBRequest, reply: Any) -> None:
        if self._on_call is not None:
            from ddbwire import AnsweredCall

            self._on_call(AnsweredCall.of(request, reply))

    def _failed(
        self, failure: Exception, request: DynamoDBRequest | SideBySide | None
    ) -> StoreError | SessionTooLarge:
        error = self._error(failure, request)
        self._breaker.failed(self, error)
        return error

    def _error(
        self, failure: Exception, request: DynamoDBRequest | SideBySide | None = None
    ) -> StoreError | SessionTooLarge:
        from ddbwire.shared.store_errors import (
            error_code_and_message,
            store_error,
            unexpected_response,
        )

        if isinstance(failure, UnexpectedReply):
            name = "" if request is None else request.name
            return unexpected_response(failure, self.table, name, self._wire)
        code, message = error_code_and_message(failure)
        if code == "ValidationException" and "size" in message.lower():
            return SessionTooLarge(f"the session is larger than an item can be: {message}")
        shared = self.layout is not None
        which = f"--sessions-table {self.table} "
        if self.layout is not None:
            keys = f"{self.layout.partition_key},{self.layout.sort_key}"
            which = f"--table {self.table} --single-table {keys} "
        return store_error(
            failure,
            table=self.table,
            operation=None if request is None else request.name,
            wire=self._wire,
            keys=self._table_requests.keys.schema,
            permissions=(
                f"dynamodb:Query{'' if shared else ' (the index too)'}, GetItem, BatchGetItem, "
                "PutItem, UpdateItem, DeleteItem and BatchWriteItem"
            ),
            creation=(
                f"run `ratelimit-ddb tables create {which}--endpoint-url {self._wire.endpoint_url}`"
            ),
            missing="it" if shared else "it, or its index,",
        )


def _read_time() -> Flow[int]:
    now: int = yield ReadClock()
    return now


def _check() -> Flow[None]:
    yield Get(_NO_SESSION_ID, _NO_SESSION_ID)
