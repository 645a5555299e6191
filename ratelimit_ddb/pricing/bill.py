"""What a load costs on DynamoDB a month, table by table.

Units are counted as AWS counts them ("Amazon DynamoDB pricing", "Read and write operations"). A
write takes one unit for each 1 KB of the item, rounded up; a read one for each 4 KB, or half of it
if the read is eventually consistent; in a transaction it is twice as many. An index that has the
item is a further write. In a global table each write is a replicated write in each region, and a
write to an index is an ordinary one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from ratelimit_ddb.pricing.prices import Prices

MONTH_HOURS = 730
"""The hours of a month in AWS's price examples."""
MONTH_SECONDS = MONTH_HOURS * 3_600

MAX_ITEM_KB = 400
"""The largest item that DynamoDB takes (AWS: "Quotas in Amazon DynamoDB")."""

_WRITE_UNIT_KB = 1
_READ_UNIT_KB = 4


@dataclass(frozen=True, slots=True)
class TableLoad:
    """The load of one table, on average over a month.

    Attributes:
        table: the table's name.
        reads: items read a second, eventually consistent.
        consistent_reads: items read a second, strongly consistent.
        writes: items written a second.
        transactional_writes: items written a second in transactions.
        index_writes: writes to indexes for each write to the table: 1 for an index that has the
            item, 2 if the item's key in it changes, 0 for one that does not have it.
        kb: the size of an item in KB, at most MAX_ITEM_KB.
        index_kb: the size of the item in an index; None for the size of the item.
        gb: the size of the table in GB.
        index_gb: the size of its indexes in GB.
        stream_reads: GetRecords calls of its stream a second; those of Lambda are free.
        replicas: the number of additional regions.
        recovery: whether point-in-time recovery is on.
        backup_gb: the size of its on-demand backups in GB.

    Raises:
        ValueError: a number is negative or not finite, or an item is too large.
        TypeError: ``replicas`` is not an int.

    Example:
        2 KB items, written 5 times a second, take 10 write units a second:

        >>> TableLoad("media_metadata", writes=5, kb=2).write_units
        10.0
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
        """Write units a second of the table in one region, without its indexes."""
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
        """The number of regions."""
        return 1 + self.replicas


@dataclass(frozen=True, slots=True)
class Bill:
    """The dollars a month for one table.

    Attributes:
        table: the table's name.
        reads: for read units.
        writes: for write units of the table, in all regions.
        index_writes: for write units of its indexes.
        stream_reads: for GetRecords calls of its stream.
        storage: for the storage of the table and its indexes.
        recovery: for point-in-time recovery.
        backups: for on-demand backups.
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
        """The sum of all parts."""
        return sum(self.parts().values())

    def parts(self) -> dict[str, float]:
        """The dollars of each part, by the name of the attribute."""
        return {field.name: getattr(self, field.name) for field in fields(self)[1:]}


@dataclass(frozen=True, slots=True)
class Provisioning:
    """How capacity is provisioned for a load.

    Attributes:
        peak: the busiest second divided by the mean.
        utilization: the target utilization, from 0 to 1.
        autoscaled: whether capacity follows the load; if not, it is enough for the peak.
        least: the minimum units of each table and each index.
    """

    peak: float = 1.0
    utilization: float = 0.7
    autoscaled: bool = False
    least: int = 1

    def units(self, mean: float) -> int:
        """The capacity units for a mean rate; with autoscaling, their average over the month."""
        if not mean:
            return 0
        needed = mean * (1.0 if self.autoscaled else self.peak) / self.utilization
        # Rounded first, so that an error of floating point does not add a unit.
        return max(self.least, math.ceil(round(needed, 6)))


def on_demand(load: TableLoad, prices: Prices) -> Bill:
    """The bill of a table in on-demand mode."""
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
    """The bill of a table in provisioned mode."""
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
    """A bill, with the parts that cost the same in both modes."""
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
    """The sum of several bills."""
    parts = [bill.parts() for bill in bills]
    names = [field.name for field in fields(Bill)[1:]]
    return Bill("total", **{name: sum(each[name] for each in parts) for name in names})


def rounded(dollars: float, digits: int = 2) -> float:
    """Dollars rounded to the cent, halves up as on bills; ``round`` rounds halves to even."""
    return round(dollars + 1e-9, digits)


@dataclass(frozen=True, slots=True)
class Month:
    """The bills of all tables at one set of prices.

    Attributes:
        prices: the set of prices.
        on_demand: the bills in on-demand mode.
        provisioned: the bills with capacity for the peak.
        autoscaled: the bills with capacity that follows the load.
    """

    prices: Prices
    on_demand: tuple[Bill, ...]
    provisioned: tuple[Bill, ...]
    autoscaled: tuple[Bill, ...]

    def modes(self) -> dict[str, tuple[Bill, ...]]:
        """The bills by billing mode."""
        return {
            "on_demand": self.on_demand,
            "provisioned": self.provisioned,
            "autoscaled": self.autoscaled,
        }


def month(loads: Iterable[TableLoad], prices: Prices, fixed: Provisioning) -> Month:
    """The bills of tables at a set of prices.

    Args:
        loads: the load of each table.
        prices: the set of prices.
        fixed: how capacity is provisioned without autoscaling.
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
    """The load of the table of rate limits, if every denial is from memory.

    Args:
        decisions: decisions a second.
        denied: the share of denials, from 0 to 1.
        decisions_per_write: the decisions that one write serves; more than 1 with leases.
    """
    writes = decisions * (1 - denied) / decisions_per_write
    return TableLoad("rate_limiting", writes=writes)


def sessions(
    requests: float, changed: float = 0.0, logins: float = 0.0, kb: float = 1.0, gb: float = 0.0
) -> TableLoad:
    """The load of the table of sessions.

    A request reads its session once, strongly consistent, and writes it if the session changed. A
    login is a transaction that writes the session under its new id and empties the one before, and
    adds the new one's keys to the index of users. (Without a session before it, it is one write.)

    Args:
        requests: requests with a session a second.
        changed: the share of those that write the session, from 0 to 1: that change it, or are its
            first use in a tenth of the idle timeout.
        logins: logins a second.
        kb: the size of a session in KB.
        gb: the size of the table in GB, those included that have expired and await deletion.
    """
    writes, in_logins = requests * changed, 2 * logins
    written = writes + in_logins
    return TableLoad(
        "user_sessions",
        consistent_reads=requests,
        writes=writes,
        transactional_writes=in_logins,
        index_writes=logins / written if written else 0.0,
        kb=kb,
        index_kb=1.0,
        gb=gb,
    )
