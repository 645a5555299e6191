"""rate-limiter-modern-py: fungible tokens in a table of its own, with limits read from another."""

from __future__ import annotations

import os
from typing import Any

import boto3
from limiter.exceptions import CapacityExhaustedException
from limiter.managers import FungibleTokenManager

from bench.worker.contender import Rate, Target, bucket_due


class Modern:
    """It makes its clients itself, so the endpoint is given by the environment."""

    is_async = False

    def __init__(self, target: Target) -> None:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = target.endpoint_url
        self._tables = (f"{target.table}-tokens", f"{target.table}-limits")
        if target.options.get("create_tables", True):
            for table in self._tables:
                _create(table)

    def limiter(self, rate: Rate) -> Any:
        manager = FungibleTokenManager(
            *self._tables, f"r{rate.quantity}", rate.quantity, rate.period_seconds
        )

        def admit(key: str) -> bool:
            try:
                manager.get_token(key)
            except CapacityExhaustedException:
                return False
            return True

        return admit

    def due(self, rate: Rate, seconds: float) -> float:
        # It has no burst of its own: the bucket holds a window's worth.
        return bucket_due(Rate(rate.quantity, rate.period_seconds), seconds)

    def counters(self) -> dict[str, Any]:
        return {}


def _create(table: str) -> None:
    client = boto3.client("dynamodb")
    keys = ("resourceName", "accountId")
    try:
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(keys, ("HASH", "RANGE"), strict=True)
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        )
    except client.exceptions.ResourceInUseException:
        return


def create(target: Target) -> Modern:
    """The limiter, with its tables."""
    return Modern(target)
