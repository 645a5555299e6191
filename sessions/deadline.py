"""Deadlines: how long a store may take."""

from __future__ import annotations


def deadline_seconds(seconds: object) -> float:
    """A deadline as it was given.

    Raises:
        TypeError, ValueError: it is no number of seconds, or not from 0.001 to 60.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"deadline {seconds!r}: a number of seconds is needed")
    if not 0.001 <= seconds <= 60:
        raise ValueError(f"deadline {seconds}: from 0.001 to 60 seconds is needed")
    return float(seconds)
