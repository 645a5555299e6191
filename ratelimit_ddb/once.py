"""What may be done once, by whichever thread or task is the first."""

from __future__ import annotations


class Once:
    """Whether something was begun.

    Args:
        begun: True for what can't be begun any more.
    """

    __slots__ = ("_unbegun",)

    def __init__(self, *, begun: bool = False) -> None:
        self._unbegun = [] if begun else [True]

    @property
    def begun(self) -> bool:
        """Whether it was."""
        return not self._unbegun

    def begin(self) -> bool:
        """Begin it. Returns: whether nobody had."""
        try:
            self._unbegun.pop()  # one operation, so that of two threads one is the first
        except IndexError:
            return False
        return True
