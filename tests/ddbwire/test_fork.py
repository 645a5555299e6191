"""A wire goes on working in a forked child, and its parent does not notice."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from ddbwire import Unreachable
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, FaultServer, hang
from tests.ddbwire.flavour import UPDATE, UPDATE_ONCE, deadline_in

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]


def wait_for(child: int) -> int:
    """The exit code of a forked child, once it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_opens_connections_of_its_own(
    server: FaultServer, make_wire: MakeWire
) -> None:
    wire = make_wire(server.url)
    wire.call(UPDATE, deadline_in(5))
    child = os.fork()
    if child == 0:
        os._exit(0 if wire.call(UPDATE, deadline_in(5)) == ITEM else 1)
    assert wait_for(child) == 0
    wire.call(UPDATE, deadline_in(5))
    assert [request.connection for request in server.requests] == [0, 1, 0]


def test_a_fork_while_another_thread_holds_locks_and_connections(
    server: FaultServer, make_wire: MakeWire
) -> None:
    wire = make_wire(server.url, max_connections=1)
    server.script.append(hang)

    def hold() -> None:
        with pytest.raises(Unreachable):
            wire.call(UPDATE_ONCE, deadline_in(0.5))

    holder = threading.Thread(target=hold)
    holder.start()
    server.wait_for_requests(1)
    with wire._lock, wire.clock._lock:
        child = os.fork()
    if child == 0:
        os._exit(0 if wire.call(UPDATE, deadline_in(5)) == ITEM else 1)
    assert wait_for(child) == 0
    holder.join()


def test_a_forked_child_may_run_a_loop(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url)

    async def main() -> None:
        await wire.call_async(UPDATE, deadline_in(5))
        child = os.fork()
        if child == 0:
            # The loop that forked counts as running in the parent only.
            answer = asyncio.new_event_loop().run_until_complete(
                wire.call_async(UPDATE, deadline_in(5))
            )
            os._exit(0 if answer == ITEM else 1)
        assert wait_for(child) == 0
        await wire.call_async(UPDATE, deadline_in(5))

    asyncio.run(main())
    assert [request.connection for request in server.requests] == [0, 1, 0]
