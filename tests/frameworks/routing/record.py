"""What a request did: the views that it reached, and the rules that saw it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Request, Rule
from tests.web.serving import PATIENCE_SECONDS, Server

REACHED: set[str] = set()
"""The views, each by the pattern that means it."""
SEEN: set[str] = set()
"""The rules, each by its pattern, without the mount."""


def rules_of(patterns: Iterable[str], mount: str = "") -> dict[str, Any]:
    """Options with a rule for each pattern, which denies nothing."""

    def rule(pattern: str) -> Rule:
        def by(_request: Request) -> str:
            SEEN.add(pattern)
            return "everybody"

        return Rule(mount + pattern, "1/hour", by=by, enforce=False)

    return {"store": MemoryStore(), "rules": [rule(pattern) for pattern in patterns]}


def of_request(server: Server, target: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """What a request for a target reaches, and what sees it."""
    REACHED.clear()
    SEEN.clear()
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % target)
        while client.recv(65_536):
            pass
    return frozenset(REACHED), frozenset(SEEN)


def missed(
    server: Server, targets: Iterable[bytes]
) -> tuple[dict[bytes, frozenset[str]], frozenset[str]]:
    """The targets by which views were reached that no rule saw, and all views that were reached."""
    holes: dict[bytes, frozenset[str]] = {}
    all_reached: frozenset[str] = frozenset()
    for target in targets:
        reached, seen = of_request(server, target)
        all_reached |= reached
        if reached - seen:
            holes[target] = reached - seen
    return holes, all_reached


View = Callable[..., Any]
