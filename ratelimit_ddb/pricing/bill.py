"""What a month of a load costs on DynamoDB, table by table.

Units are counted as AWS counts them ("Amazon DynamoDB pricing", "Read and write operations"): a
write unit for each begun 1 KB of an item, a read unit for each begun 4 KB, half of it where the
read is eventually consistent, twice as many in a transaction. Each index that carries an item is
written beside it. In a global table each write is a replicated one, in each region; those of its
indexes are ordinary ones there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from ratelimit_ddb.pricing.prices import Prices

MONTH_HOURS = 730
"""What AWS counts a month as."""
MONTH_SECONDS = MONTH_HOURS * 3_600

MAX_ITEM_KB = 400
"""The largest item that DynamoDB takes (AWS: "Quotas in Amazon DynamoDB")."""

_WRITE_UNIT_KB = 1
_READ_UNIT_KB = 4


@dataclass(frozen=True, slots=True)
class TableLoad:
    """What is asked of one table, on the mean of a month.

    Attributes:
        table: what the table is called.
        reads: items read a second, eventually consistent.
        consistent_reads: items read a second, strongly consistent.
        writes: items written a second.
        transactional_writes: items written a second in transactions.
        index_writes: writes to indexes for each write to the table: 1 where an index carries the
            item, 2 where its key changes, 0 where it does not carry it.
        kb: the size of an item, in KB, at most MAX_ITEM_KB.
        index_kb: what of it an index carries; None for all of it.
        gb: what the table holds, in GB.
        index_gb: what its indexes hold.
        stream_reads: GetRecords of its stream a second, but for those of Lambda, which are free.
        replicas: regions beside the first that it is in.
        recovery: whether it can be restored to any second (point-in-time recovery).
        backup_gb: what its backups on demand hold.

    Raises:
        ValueError: a number is negative or none, or no item has such a size.
        TypeError: replicas are no whole number.
    """

    table: str
    reads: float = 0.0
    consistent_reads: float = 0.0
    writes: float = 0.0
    transactional_writes: float = 0.0
    index_writes: float = 0.0
    kb: float = 1.0
    index_kb: float | None = None
    gb: float = 0.0
    index_gb: float = 0.0
    stream_reads: float = 0.0
    replicas: int = 0
    recovery: bool = False
    backup_gb: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self)[1:]:
            number = getattr(self, field.name)
            if number is not None and not 0 <= number < math.inf:
                raise ValueError(f"{field.name} {number}: must be a number of at least 0")
        for name, kb in (("kb", self.kb), ("index_kb", self.index_kb)):
            if kb is not None and not 0 < kb <= MAX_ITEM_KB:
                raise ValueError(f"{name} {kb}: must be above 0, and at most {MAX_ITEM_KB}")
        if not isinstance(self.replicas, int):
            raise TypeError(f"replicas {self.replicas}: must be an int")

    @property
    def read_units(self) -> float:
        """Read units a second."""
        units = math.ceil(self.kb / _READ_UNIT_KB)
        return (self.reads / 2 + self.consistent_reads) * units

    @property
    def write_units(self) -> float:
        """Write units a second, in one region and without indexes."""
        units = math.ceil(self.kb / _WRITE_UNIT_KB)
        return (self.writes + 2 * self.transactional_writes) * units

    @property
    def index_write_units(self) -> float:
        """Write units a second of all indexes, in one region."""
        kb = self.kb if self.index_kb is None else self.index_kb
        written = (self.writes + self.transactional_writes) * self.index_writes
        return written * math.ceil(kb / _WRITE_UNIT_KB)

    @property
    def regions(self) -> int:
        """How many regions it is in."""
        return 1 + self.replicas


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars a month for one table, by what they are for.

    Attributes:
        table: what the table is called.
        reads: read units.
        writes: write units of the table; of all regions, where it is global.
        index_writes: write units of its indexes.
        stream_reads: GetRecords of its stream.
        storage: what it and its indexes hold.
        recovery: point-in-time recovery.
        backups: backups on demand.
    """

    table: str
    reads: float
    writes: float
    index_writes: float
    stream_reads: float
    storage: float
    recovery: float
    backups: float

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.parts().values())

    def parts(self) -> dict[str, float]:
        """Dollars by what they are for, in the order of the attributes."""
        return {field.name: getattr(self, field.name) for field in fields(self)[1:]}


@dataclass(frozen=True, slots=True)
class Provisioning:
    """How much capacity is provisioned for a load.

    Attributes:
        peak: the busiest second over the mean.
        utilization: the share of the capacity that is meant to be used.
        autoscaled: whether capacity follows the load, or is always enough for the peak.
        least: the units that each table and each index has at least.
    """

    peak: float = 1.0
    utilization: float = 0.7
    autoscaled: bool = False
    least: int = 1

    def units(self, mean: float) -> int:
        """Capacity units for so many a second; on the mean of a month, where it is autoscaled."""
        if not mean:
            return 0
        needed = mean * (1.0 if self.autoscaled else self.peak) / self.utilization
        # Not more for what floating point adds.
        return max(self.least, math.ceil(round(needed, 6)))


def on_demand(load: TableLoad, prices: Prices) -> Bill:
    """A table that is billed by request."""
    per_write = prices.replicated_write_per_million if load.replicas else prices.write_per_million
    millions = MONTH_SECONDS / 1e6
    return _bill(
        load,
        prices,
        reads=load.read_units * millions * prices.read_per_million,
        writes=load.write_units * millions * per_write * load.regions,
        index_writes=load.index_write_units * millions * prices.write_per_million * load.regions,
    )


def provisioned(load: TableLoad, prices: Prices, how: Provisioning) -> Bill:
    """A table whose capacity is provisioned."""
    per_write = prices.replicated_write_unit_hour if load.replicas else prices.write_unit_hour
    index_units = how.units(load.index_write_units) * load.regions
    return _bill(
        load,
        prices,
        reads=how.units(load.read_units) * MONTH_HOURS * prices.read_unit_hour,
        writes=how.units(load.write_units) * MONTH_HOURS * per_write * load.regions,
        index_writes=index_units * MONTH_HOURS * prices.write_unit_hour,
    )


def _bill(
    load: TableLoad, prices: Prices, *, reads: float, writes: float, index_writes: float
) -> Bill:
    """A bill with what costs the same however capacity is paid for."""
    return Bill(
        load.table,
        reads=reads,
        writes=writes,
        index_writes=index_writes,
        stream_reads=load.stream_reads * MONTH_SECONDS / 1e6 * prices.stream_read_per_million,
        storage=(load.gb + load.index_gb) * load.regions * prices.storage_gb_month,
        recovery=load.gb * load.regions * prices.recovery_gb_month if load.recovery else 0.0,
        backups=load.backup_gb * prices.backup_gb_month,
    )


def total(bills: Iterable[Bill]) -> Bill:
    """Several bills in one."""
    parts = [bill.parts() for bill in bills]
    names = [field.name for field in fields(Bill)[1:]]
    return Bill("total", **{name: sum(each[name] for each in parts) for name in names})


def rounded(dollars: float, digits: int = 2) -> float:
    """Dollars to the cent, halves up as bills have it: ``round`` takes halves to the even cent."""
    return round(dollars + 1e-9, digits)


@dataclass(frozen=True, slots=True)
class Month:
    """All tables under one set of prices.

    Attributes:
        prices: the set.
        on_demand: each table, billed by request.
        provisioned: each table, with capacity for the peak.
        autoscaled: each table, with capacity that follows the load.
    """

    prices: Prices
    on_demand: tuple[Bill, ...]
    provisioned: tuple[Bill, ...]
    autoscaled: tuple[Bill, ...]

    def modes(self) -> dict[str, tuple[Bill, ...]]:
        """The three ways of paying, by name."""
        return {
            "on_demand": self.on_demand,
            "provisioned": self.provisioned,
            "autoscaled": self.autoscaled,
        }


def month(loads: Iterable[TableLoad], prices: Prices, fixed: Provisioning) -> Month:
    """What tables cost by a set of prices.

    Args:
        loads: of the tables.
        prices: the set.
        fixed: how much capacity is provisioned where it does not follow the load.
    """
    every = tuple(loads)
    scaled = replace(fixed, autoscaled=True)
    return Month(
        prices,
        tuple(on_demand(load, prices) for load in every),
        tuple(provisioned(load, prices, fixed) for load in every),
        tuple(provisioned(load, prices, scaled) for load in every),
    )


def limiter(decisions: float, denied: float = 0.0, decisions_per_write: float = 1.0) -> TableLoad:
    """The table of rate limits, when every denial is from memory.

    Args:
        decisions: a second.
        denied: the share of them that is denied, from 0 to 1.
        decisions_per_write: how many one write serves: more than 1 where a hot key is leased.
    """
    writes = decisions * (1 - denied) / decisions_per_write
    return TableLoad("rate_limiting", writes=writes)


def sessions(
    requests: float, changed: float = 0.0, logins: float = 0.0, kb: float = 1.0
) -> TableLoad:
    """The table of sessions.

    A request reads its session once, strongly consistent, and writes it if it changed something. A
    login writes the session, and its keys into the index of its owner.

    Args:
        requests: a second, with a session.
        changed: the share of them that changes something, from 0 to 1.
        logins: a second.
        kb: the size of a session.
    """
    writes = requests * changed + logins
    return TableLoad(
        "user_sessions",
        consistent_reads=requests,
        writes=writes,
        index_writes=logins / writes if writes else 0.0,
        kb=kb,
        index_kb=1.0,
    )
