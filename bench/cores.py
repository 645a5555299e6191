"""Which core a process runs on: the client on the first, the server on the last."""

from __future__ import annotations

import os

CLIENT, SERVER = 0, -1


def pin_to_core(which: int, pid: int = 0) -> None:
    """Pin a process (this one unless given) to one core, by its index in ALLOWED."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {ALLOWED[which]})


ALLOWED = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
"""The cores that this process may use, read before it is pinned to one of them."""
