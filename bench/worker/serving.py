"""Serving commands: one a line from standard input, one response a line, both JSON.

Standard library only: it runs in the environments of peers.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

Handler = Callable[..., dict[str, Any]]


def serve(worker: object) -> None:
    """Call the worker's methods by the commands' names until the input ends."""
    responses = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # What a contender prints must not be read as a response.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        arguments = json.loads(line)
        handler: Handler = getattr(worker, arguments.pop("command"))
        print(json.dumps(response_of(handler, arguments)), file=responses, flush=True)
    # Do not wait for threads of the contender.
    os._exit(0)


def response_of(handler: Handler, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a command returns, or its error: third-party code may raise any exception.

    The benchmark then goes on without that contender, and the report names the error.
    """
    try:
        return handler(**arguments)
    except Exception as error:  # noqa: BLE001 - the boundary to third-party code, see above
        return {"error": f"{type(error).__name__}: {error}"}
