"""Notifies the owners of sockets and locks in a forked child."""

import os
from typing import Protocol
from weakref import WeakValueDictionary


class Forkable(Protocol):
    """An object that must be reset in a forked child."""

    def after_fork_in_child(self) -> None:
        """Drop what belongs to the parent process. No other thread is running."""


_forkables: "WeakValueDictionary[int, Forkable]" = WeakValueDictionary()
"""By their ids: a subclass may not be hashable, and equal objects are different ones."""


def at_fork(forkable: Forkable) -> None:
    """Call ``after_fork_in_child`` of ``forkable`` in forked children while it exists."""
    _forkables[id(forkable)] = forkable


def _call_all() -> None:
    for forkable in list(_forkables.values()):
        forkable.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_call_all)
