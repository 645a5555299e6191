"""How a server's memory grew under minutes of load, and the aims for a site in that time."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from bench.load import is_failed

WARM_UP_SHARE = 0.4
"""Until the caches are as full as they will be, and the threads there."""
LEAST_SECONDS = 120
"""Before, caches fill and threads begin."""
MOST_KILOBYTES_PER_1000 = 4.0
"""A request that left four bytes behind would be seen in a day of a busy site. What an allocator
takes back and forth is a few hundred kilobytes over a run; ten minutes make more than a hundred
thousand requests."""


def growth(megabytes: Sequence[float], requests: int) -> dict[str, float]:
    """How memory grew after the warm-up, by a line through the samples.

    Args:
        megabytes: samples at equal distances over the whole run.
        requests: in the whole run.

    Returns:
        ``before`` and ``after``, the median of the first and of the last fifth after the warm-up,
        in megabytes; ``kilobytes_per_1000``, the line's slope for each thousand requests.
    """
    after_warm_up = megabytes[int(len(megabytes) * WARM_UP_SHARE) :]
    if len(after_warm_up) < 2:
        raise ValueError(f"{len(megabytes)} samples: at least 4 are needed")
    slope, _ = statistics.linear_regression(range(len(after_warm_up)), after_warm_up)
    fifth = max(1, len(after_warm_up) // 5)
    requests_a_sample = requests / len(megabytes)
    return {
        "before": statistics.median(after_warm_up[:fifth]),
        "after": statistics.median(after_warm_up[-fifth:]),
        "kilobytes_per_1000": round(slope * 1024 / requests_a_sample * 1000, 3),
    }


def missed(run: dict[str, Any], seconds: float) -> list[str]:
    """The aims that a site did not reach.

    Args:
        run: what came of it.
        seconds: its duration; of less than LEAST_SECONDS only the requests are judged.
    """
    if "failure" in run:
        return [run["failure"]]
    texts = []
    if is_failed(run):
        texts.append(f"{run['failures']:,} of {run['requests']:,} requests failed")
    elif seconds < LEAST_SECONDS:
        return []
    elif run["growth"]["kilobytes_per_1000"] > MOST_KILOBYTES_PER_1000:
        texts.append(f"memory grew by {run['growth']['kilobytes_per_1000']:g} KB in 1,000 requests")
    return texts
