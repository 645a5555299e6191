"""Which of an endpoint's addresses to try when: one after another, and none is given up for it.

As by "Happy Eyeballs" (RFC 8305, section 5): an address that has not answered after its share of
the time goes on being tried while the next one is begun. So one that swallows packets costs its
share, and one that is merely slow, for a distant or a busy host, is not cut off by its share. An
address that fails is followed by the next at once. Nothing here does I/O: ``blocking/connect.py``
and ``aio/connect.py`` do.
"""

from collections import deque
from time import monotonic_ns

from ddbwire.connections.resolver import Address


class HappyEyeballs:
    """The attempts to connect to one of some addresses before a deadline."""

    __slots__ = ("_deadline_ns", "_failure", "_next_ns", "_untried")

    def __init__(self, host: str, addresses: list[Address], deadline_ns: int) -> None:
        self._untried = deque(addresses)
        self._deadline_ns = deadline_ns
        self._next_ns = monotonic_ns()
        self._failure: OSError = OSError(f"no address for {host}")

    def due(self) -> Address | None:
        """The address to begin with now; None if none is due."""
        now_ns = monotonic_ns()
        if not self._untried or now_ns < self._next_ns:
            return None
        self._next_ns = now_ns + (self._deadline_ns - now_ns) // len(self._untried)
        return self._untried.popleft()

    def failed(self, error: OSError) -> None:
        """Note that an attempt has failed: the next address is due."""
        self._failure = error
        self._next_ns = monotonic_ns()

    def wait_until_ns(self, under_way: int) -> int:
        """Until when to wait for one of the attempts before ``due`` is called again.

        Args:
            under_way: how many attempts there are.

        Raises:
            TimeoutError: the deadline has passed.
            OSError: no attempt is left; it is the failure of the last one.
        """
        if not under_way and not self._untried:
            raise self._failure
        if monotonic_ns() >= self._deadline_ns:
            raise TimeoutError("the deadline passed")
        return min(self._next_ns, self._deadline_ns) if self._untried else self._deadline_ns

    def handshake_deadline_ns(self, others: int) -> int:
        """When to give up the TLS handshake: after half the time if there are other addresses."""
        if not self._untried and not others:
            return self._deadline_ns
        now_ns = monotonic_ns()
        return now_ns + (self._deadline_ns - now_ns) // 2
