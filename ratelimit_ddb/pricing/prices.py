"""The prices of DynamoDB. Edit them if yours differ.

Nothing is looked up. Prices are in dollars, for the region us-east-1 and the Standard table class,
without the free tier; each set says where it is from. Check them against AWS: "Amazon DynamoDB
pricing".
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Prices:
    """One set of prices.

    Attributes:
        name: the name of the set.
        known_since: where the prices are from, and since when they hold.
        write_per_million: on demand, a million write request units.
        read_per_million: on demand, a million read request units.
        write_unit_hour: provisioned, one write capacity unit (a write a second) for an hour.
        read_unit_hour: provisioned, one read capacity unit (a consistent read a second).
        replicated_write_per_million: on demand, a million write request units of a global table.
        replicated_write_unit_hour: provisioned, one write capacity unit of a global table.
        stream_read_per_million: a million GetRecords calls of a stream; those of Lambda are free.
        storage_gb_month: a gigabyte of items, or of an index, for a month.
        recovery_gb_month: point-in-time recovery of a gigabyte of items, for a month.
        backup_gb_month: a gigabyte of on-demand backups, for a month.

    The last six have the current list prices as defaults.

    Raises:
        ValueError: a price is negative.
    """

    name: str
    known_since: str
    write_per_million: float
    read_per_million: float
    write_unit_hour: float
    read_unit_hour: float
    replicated_write_per_million: float = 0.625
    replicated_write_unit_hour: float = 0.00065
    stream_read_per_million: float = 0.20
    storage_gb_month: float = 0.25
    recovery_gb_month: float = 0.20
    backup_gb_month: float = 0.10

    def __post_init__(self) -> None:
        for field in fields(self)[2:]:
            price = getattr(self, field.name)
            if not price >= 0:
                raise ValueError(f"price {price}: must be at least 0 dollars ({field.name})")

    def on_demand(self, *, writes: float = 0.0, reads: float = 0.0) -> float:
        """The dollars for a number of request units."""
        return (writes * self.write_per_million + reads * self.read_per_million) / 1_000_000


PRICES = {
    "list": Prices(
        name="list",
        known_since="list prices of us-east-1 since 2024-11-01; check them",
        write_per_million=0.625,
        read_per_million=0.125,
        write_unit_hour=0.00065,
        read_unit_hour=0.00013,
    ),
    "before": Prices(
        name="before",
        known_since="the project's source document, as listed until 2024-10-31",
        write_per_million=1.25,
        read_per_million=0.25,
        write_unit_hour=0.00065,
        read_unit_hour=0.00013,
        replicated_write_per_million=1.875,
        replicated_write_unit_hour=0.000975,
    ),
}
"""The sets of prices, by the name for ``ratelimit-ddb cost --prices``."""
