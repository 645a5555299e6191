"""Costs: how many tokens a request takes."""

from __future__ import annotations

from ratelimit_ddb.limit import not_an_integer


def require_cost(cost: int, smallest_burst: int) -> None:
    """Refuse a cost that no bucket could ever pay.

    Raises:
        TypeError: it is no number.
        ValueError: it is no integer from 1 to the smallest burst of the limits.
    """
    if type(cost) is not int:
        raise not_an_integer("cost", cost)
    if not 1 <= cost <= smallest_burst:
        raise ValueError(
            f"cost {cost}: from 1 to the burst of {smallest_burst} is needed; more than the bucket "
            "holds could never be admitted"
        )
