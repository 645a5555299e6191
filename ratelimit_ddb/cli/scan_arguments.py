"""The options of the commands that scan a table, and the scan."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ddbwire.shared.command_line.endpoint import resolve
from ddbwire.shared.command_line.numbers import decimal_number, whole_number
from ratelimit_ddb.cli.progress_bar import ProgressBar
from ratelimit_ddb.cli.table_arguments import add_table, store_of
from ratelimit_ddb.cli.table_scan import Progress, TableScan
from ratelimit_ddb.operations.scan_operation import Kind, ScannedItem
from ratelimit_ddb.store.dynamodb.store import DynamoDBStore

_ON_DEMAND_UNITS = 100.0
_UNTOLD_UNITS = 25.0
_LEAST_UNITS = 1.0
_PART_OF_PROVISIONED = 0.25


class TableSize(NamedTuple):
    """The size of a table, from DescribeTable.

    Attributes:
        items: its number of items, updated every six hours; None if DescribeTable is not allowed.
        units_per_second: the read units a second that a scan may use by default.
    """

    items: int | None
    units_per_second: float


def add_scan(command: argparse.ArgumentParser) -> None:
    """Add the options of a scan."""
    command.add_argument(
        "--segments",
        type=_segments,
        default=4,
        metavar="N",
        help="the parts of the table that are scanned in parallel (default: %(default)s)",
    )
    command.add_argument(
        "--read-units-per-second",
        type=_units,
        metavar="N",
        help=(
            "the maximum read capacity to use (default: a quarter of the provisioned capacity, "
            f"{_ON_DEMAND_UNITS:.0f} on demand, {_UNTOLD_UNITS:.0f} without DescribeTable)"
        ),
    )
    add_table(command)


@contextmanager
def scanned_store(options: argparse.Namespace) -> Iterator[DynamoDBStore]:
    """The table's store, checked as by ``check``, with the same messages.

    Raises:
        Misuse: the table's name is not valid.
        StoreError: the table can't be used.
    """
    with store_of(options, report_capacity=True) as store:
        store.warm_up()
        store.check()
        yield store


def table_size(options: argparse.Namespace) -> TableSize:
    """The size of the table; unknown if this role may not call DescribeTable."""
    from botocore.exceptions import BotoCoreError, ClientError

    client = resolve(options.endpoint_url, options.region).client
    try:
        table = client.describe_table(TableName=options.table)["Table"]
    except (BotoCoreError, ClientError):
        return TableSize(None, _UNTOLD_UNITS)
    provisioned = table.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0)
    if not provisioned:
        return TableSize(table.get("ItemCount"), _ON_DEMAND_UNITS)
    return TableSize(table.get("ItemCount"), max(_LEAST_UNITS, provisioned * _PART_OF_PROVISIONED))


class Scanning:
    """The scans of one command, one after another.

    Args:
        options: from ``add_scan``.
        store: the store of the table.
        kind: which items to return.

    Attributes:
        progress: the progress of the last scan.
    """

    def __init__(self, options: argparse.Namespace, store: DynamoDBStore, kind: Kind) -> None:
        self._options = options
        self._store = store
        self._kind: Kind = kind
        self._size = table_size(options)
        self.progress = Progress(0, None, False)

    def items(self) -> Iterator[ScannedItem]:
        """All items, by a new scan, with a progress bar.

        Raises:
            StoreError: as the store raises it.
        """
        units = self._options.read_units_per_second or self._size.units_per_second
        segments = self._options.segments
        scan = TableScan(self._store, self._kind, segments=segments, units_per_second=units)
        self.progress = scan.progress
        bar = ProgressBar(self._size.items)
        try:
            for page in scan.pages():
                if scan.progress is not self.progress:
                    self.progress = scan.progress
                    bar.show(scan.progress)
                yield from page
        finally:
            bar.clear()


def _segments(text: str) -> int:
    return whole_number(text, least=1, most=64)


def _units(text: str) -> float:
    rule = "must be read units, from 1 to a million"
    return decimal_number(text, least=1, most=1e6, rule=rule)
