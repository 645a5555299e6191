"""Calls to DynamoDB at one endpoint, blocking and asyncio."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ddbwire.arguments import (
    plain_text,
    require_max_connections,
    require_region,
    require_session,
    require_table,
)
from ddbwire.calls.call import StartCall, call, sync_clock
from ddbwire.calls.call_sequence import CallSequence, answer_with, make_calls
from ddbwire.clocks.table_clock import TableClock
from ddbwire.concurrency.fork import at_fork
from ddbwire.endpoint import Endpoint, without_user_information
from ddbwire.errors import Unreachable, failures
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.protocol.result import CallResult

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ddbwire.transport.transport import Transport

T = TypeVar("T")


class _Options(NamedTuple):
    """The arguments of a wire by which it is resolved, in the order of ``resolve``."""

    session: Any
    region_name: str | None
    endpoint_url: str | None
    max_connections: int
    table: str | None


class Wire:
    """Sends DynamoDB requests, for blocking and asyncio callers.

    Nothing is imported, resolved or connected before the first call. One wire serves all threads
    and event loops of a process, and its forked children.
    """

    def __init__(
        self,
        *,
        session: Any = None,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        max_connections: int = 64,
        clock: TableClock | None = None,
        table: str | None = None,
    ) -> None:
        """Keep the settings; nothing is resolved yet.

        Args:
            session: a ``boto3.Session`` or botocore session; None for botocore's default chain.
            region_name: overrides the session's region.
            endpoint_url: overrides the endpoint that botocore would choose.
            max_connections: the most that are open at a time; for asyncio, on each event loop.
            clock: the table's clock, which responses set; None for a new one.
            table: the name or ARN of the table that the calls are for. botocore chooses the
                endpoint by it: the ARN of another account's table leads to that account's endpoint.

        Raises:
            TypeError, ValueError: an argument is invalid; the message has its value.
        """
        if session is not None:
            require_session(session)
        if region_name is not None:
            region_name = require_region(region_name)
        if endpoint_url is not None:
            Endpoint.of(endpoint_url)
            endpoint_url = plain_text(endpoint_url)
        if table is not None:
            table = require_table(table)
        max_connections = require_max_connections(max_connections)
        self.clock = TableClock() if clock is None else clock
        """The table's time, as far as the responses so far have shown it."""
        self._options = _Options(session, region_name, endpoint_url, max_connections, table)
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another.
        self._lock = threading.RLock()
        self._transport: Transport | None = None
        self._resolving: Future[Transport] | None = None
        self._outage: Unreachable | None = None
        at_fork(self)

    @property
    def fallback_reason(self) -> str | None:
        """Why botocore sends the requests, such as "proxy"; None if this package does.

        None as well before the wire is resolved.
        """
        return None if self._transport is None else self._transport.fallback_reason

    @property
    def may_be_stubbed(self) -> bool:
        """Whether a ``before-send`` hook, such as moto's, may answer instead of the endpoint."""
        transport = self._transport
        return transport is not None and transport.fallback_reason == "before-send hook"

    @property
    def resolved(self) -> bool:
        """Whether region, endpoint and credentials are known."""
        transport = self._transport
        return transport is not None and not transport.is_outdated

    @property
    def region_name(self) -> str | None:
        """The region that requests are signed for; before it is resolved, the argument."""
        transport = self._transport
        return self._options.region_name if transport is None else transport.region_name

    @property
    def endpoint_url(self) -> str | None:
        """The URL of the endpoint, or before it is resolved the argument; no user information."""
        transport = self._transport
        known = self._options.endpoint_url if transport is None else transport.sender.endpoint
        return None if known is None else without_user_information(known).rstrip("/")

    def described(self, table: str) -> str:
        """The arguments that lead to a table of this wire, for a ``repr``."""
        where = {"region_name": self.region_name, "endpoint_url": self.endpoint_url}
        known = [f"{name}={value!r}" for name, value in where.items() if value is not None]
        return ", ".join([repr(table), *known])

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """The exceptions of its methods. An ``except`` clause imports botocore only when needed."""
        return failures()

    def resolve(self) -> None:
        """Find region, endpoint and credentials, unless they are known. It has no deadline.

        Raises:
            botocore.exceptions.BotoCoreError: such as NoRegionError or NoCredentialsError. A
                failure is not remembered: the next call tries again.
            ConfigurationError: the configuration has something that can't be used: a provider's
                program or file, keys that can't be sent, an unreadable file of authorities.
            Unreachable: the credentials' provider gave none just now. Until it does, later calls
                raise this at once, while the resolution is repeated in the background.
        """
        if self._current() is None:
            self._resolution().result()

    async def resolve_async(self) -> None:
        """``resolve``, in a thread, without blocking the event loop.

        Raises:
            RuntimeError: no event loop of asyncio is running. All ``async`` methods raise it.
        """
        if self._current() is None:
            await self._resolution_async()

    def call(self, request: DynamoDBRequest, deadline_ns: int) -> CallResult:
        """Send ``request``, with retries, before ``deadline_ns``.

        The deadline is an instant on ``time.monotonic_ns()`` and bounds all of it: waiting for a
        connection, connecting, TLS, sending, receiving, and the pauses between tries.

        Returns:
            The response in DynamoDB JSON, or ``ConditionalCheckFailed``, ``TransactionCanceled`` or
            ``StaleTimestamp``.

        Raises:
            Unreachable: there was no usable response; ``DeadlineExceeded`` if time ran out.
            botocore.exceptions.ClientError: the endpoint refused for another reason than a
                condition. The class is that of botocore's client, with the whole response.
        """
        transport = self._transport
        if transport is None or transport.is_outdated:
            transport = self._resolution().result()
        return transport.run(partial(call, request), deadline_ns)

    async def call_async(self, request: DynamoDBRequest, deadline_ns: int) -> CallResult:
        """``call``, on the running event loop."""
        return await self._run_async(partial(call, request), deadline_ns)

    def call_all(self, sequences: Sequence[CallSequence], deadline_ns: int) -> None:
        """Make the calls of several sequences side by side, each as ``call`` does.

        All first requests are sent before the first response is awaited, as far as there are
        connections. Then each sequence continues by itself: its next request is sent as soon as the
        previous one is answered, whatever the others wait for. A failure is not raised: it is sent
        to the sequence as the answer to the request that failed.

        Args:
            sequences: generators that yield requests and are sent their answers.
            deadline_ns: the deadline of all of them.
        """
        try:
            transport = self._current() or self._resolution().result()
        except failures() as failure:
            answer_with(failure, sequences)
        else:
            transport.run_all([partial(make_calls, one) for one in sequences], deadline_ns)

    async def call_all_async(self, sequences: Sequence[CallSequence], deadline_ns: int) -> None:
        """``call_all``, on the running event loop."""
        try:
            transport = self._current() or await self._resolution_async()
        except failures() as failure:
            answer_with(failure, sequences)
        else:
            starts = [partial(make_calls, one) for one in sequences]
            await transport.run_all_async(starts, deadline_ns)

    def sync_clock(self, deadline_ns: int) -> None:
        """Make sure that the clock knows the table's time, if necessary by one unsigned request.

        The connection stays open for later calls.

        Raises:
            Unreachable: the endpoint could not be asked before ``deadline_ns``.
        """
        if not self.clock.known:
            self._run(sync_clock, deadline_ns)

    async def sync_clock_async(self, deadline_ns: int) -> None:
        """``sync_clock``, on the running event loop."""
        if not self.clock.known:
            await self._run_async(sync_clock, deadline_ns)

    def close(self) -> None:
        """Close the connections of blocking calls; those in use are closed when they become free.

        The wire can still be used: a later call opens new connections.
        """
        if self._transport is not None:
            self._transport.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and those of blocking calls."""
        if self._transport is not None:
            await self._transport.aclose()

    def after_fork_in_child(self) -> None:
        """Renew the locks: threads of the parent process may have held them."""
        self._lock = threading.RLock()
        self._resolving = None
        self._outage = None
        if self.fallback_reason is not None:
            # botocore's client can't drop the parent's connections; a new client has none.
            self._transport = None
        self.clock.renew_lock()

    def _run(self, start: StartCall[T], deadline_ns: int) -> T:
        transport = self._current() or self._resolution().result()
        return transport.run(start, deadline_ns)

    async def _run_async(self, start: StartCall[T], deadline_ns: int) -> T:
        transport = self._current() or await self._resolution_async()
        return await transport.run_async(start, deadline_ns)

    def _current(self) -> "Transport | None":
        transport = self._transport
        return None if transport is None or transport.is_outdated else transport

    async def _resolution_async(self) -> "Transport":
        import asyncio  # blocking callers need not pay for it

        from ddbwire.concurrency.event_loop import running_loop

        running_loop()
        return await asyncio.wrap_future(self._resolution())

    def _resolution(self) -> "Future[Transport]":
        """The resolution under way, or a new one, which all callers share.

        Callers wait for the first resolution. After one that ended in an outage, they do not wait
        for the next: a credentials service may take many seconds to fail, in every call.
        """
        from concurrent.futures import Future

        from ddbwire.concurrency.threads import run_in_thread

        with self._lock:
            if self._resolving is None or self._resolving.done():
                self._resolving = run_in_thread(self._resolve)
            resolving, outage = self._resolving, self._outage
        if outage is None:
            return resolving
        failed: Future[Transport] = Future()
        failed.set_exception(
            Unreachable(outage.endpoint, outage.cause, maybe_applied=outage.maybe_applied)
        )
        return failed

    def _resolve(self) -> "Transport":
        from botocore.exceptions import BotoCoreError, ClientError  # first use pays for them

        from ddbwire.resolution.resolve import resolve
        from ddbwire.signing.credentials import is_provider_outage
        from ddbwire.transport.transport import Transport

        before = self._transport
        if before is not None and not before.is_outdated:
            return before
        outage = None
        try:
            resolution = resolve(*self._options)
            transport = Transport(resolution, self._options.max_connections, self.clock)
        except (BotoCoreError, ClientError, OSError) as error:
            if not is_provider_outage(error):
                raise
            outage = Unreachable("the credentials' provider", str(error), maybe_applied=False)
            raise outage from error
        finally:
            self._outage = outage
        if before is not None:
            before.close()
        self._transport = transport
        return transport
