"""Calling what holds sockets and locks in a forked child."""

import os
from typing import Protocol
from weakref import WeakValueDictionary


class Forkable(Protocol):
    """Something that must start again in a forked child."""

    def after_fork_in_child(self) -> None:
        """Give up what belongs to the parent. No other thread is running."""


_forkables: "WeakValueDictionary[int, Forkable]" = WeakValueDictionary()
"""By their ids, for a subclass may have no hash, and two that are equal are two."""


def at_fork(forkable: Forkable) -> None:
    """Call ``after_fork_in_child`` of ``forkable`` in forked children, for as long as it lives."""
    _forkables[id(forkable)] = forkable


def _call_all() -> None:
    for forkable in list(_forkables.values()):
        forkable.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_call_all)
