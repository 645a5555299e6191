"""Durations: seconds as users write them, nanoseconds as the bucket counts them."""

from __future__ import annotations

from ratelimit_ddb.limit import SECOND_NS

LONGEST_WAIT_SECONDS = 30.0


def nanoseconds(what: str, seconds: float, least: float, most: float) -> int:
    """A duration within bounds, in nanoseconds.

    Args:
        what: the parameter's name, for the message.
        seconds: the duration.
        least: the shortest that can be, in seconds.
        most: the longest.

    Raises:
        TypeError: it is no number.
        ValueError: it is not within the bounds, or NaN.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{what} {seconds!r}: a number of seconds is needed")
    if not least <= seconds <= most:
        raise ValueError(f"{what} {seconds}: from {least:g} to {most:g} seconds is needed")
    return round(seconds * SECOND_NS)


def wait_nanoseconds(max_wait: float) -> int:
    """How long a request may wait for its turn: up to LONGEST_WAIT_SECONDS. Raises as above."""
    return nanoseconds("max_wait", max_wait, 0.0, LONGEST_WAIT_SECONDS)
