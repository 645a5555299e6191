"""``ratelimit-ddb limits set|show|list|delete``: limits that are stored in the table by name."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from ddbwire.shared.command_line.failure import Misuse
from ddbwire.shared.command_line.printable import print_table, printable
from ratelimit_ddb.cli.scan_arguments import Scanning, scanned_store
from ratelimit_ddb.cli.table_arguments import store_of
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.key import namespace_prefix
from ratelimit_ddb.limit import AnyLimit, parse_limits
from ratelimit_ddb.store.dynamodb.store import DynamoDBStore
from ratelimit_ddb.stored_limits.stored import name_of
from ratelimit_ddb.stored_limits.stored_limits import StoredLimits

_HEADINGS = ("NAME", "CHANGED", "LIMITS")


def run_set(options: argparse.Namespace) -> bool:
    """Store limits under a name."""
    with store_of(options) as store:
        limits = _limits(options, store)
        try:
            limits.set(options.name, options.limits)
        except (TypeError, ValueError) as refused:
            raise Misuse(str(refused)) from refused
        _print(options, limits.get(options.name))
    return True


def run_show(options: argparse.Namespace) -> bool:
    """Show what is stored under a name. False if nothing is."""
    with store_of(options) as store:
        found = _get(options, store)
    _print(options, found)
    return found is not None


def run_delete(options: argparse.Namespace) -> bool:
    """Delete what is stored under a name."""
    with store_of(options) as store:
        try:
            _limits(options, store).delete(options.name)
        except ValueError as refused:
            raise Misuse(str(refused)) from refused
    _print(options, None)
    return True


def run_list(options: argparse.Namespace) -> bool:
    """List all names, sorted. If the scan fails or is interrupted, print what was found."""
    found: list[_Listed] = []
    with scanned_store(options) as store:
        scanning = Scanning(options, store, "limits")
        try:
            found.extend(_listed(options, scanning))
        except (KeyboardInterrupt, StoreError):
            _print_list(options, scanning, found)
            raise
        _print_list(options, scanning, found)
    return True


class _Listed(NamedTuple):
    """Stored limits.

    Attributes:
        name: their name, with the namespace unless ``--namespace`` is given.
        limits: each in the notation, as stored.
        valid: whether they can be parsed; if not, limiters keep the limits that they had.
        changed_at: the epoch second when they were stored; None if the item does not have it.
    """

    name: str
    limits: list[str]
    valid: bool
    changed_at: int | None


def _listed(options: argparse.Namespace, scanning: Scanning) -> Iterator[_Listed]:
    namespace = namespace_prefix(options.namespace)
    for item in scanning.items():
        name = name_of(namespace, item.key)
        if name is not None and item.texts is not None:
            texts = list(item.texts)
            yield _Listed(name, texts, _is_valid(texts), item.changed_at_seconds)


def _is_valid(texts: list[str]) -> bool:
    try:
        parse_limits(texts)
    except ValueError:
        return False
    return True


def _print_list(options: argparse.Namespace, scanning: Scanning, found: list[_Listed]) -> None:
    found = sorted(found)
    progress = scanning.progress
    if options.json:
        named = {
            "table": options.table,
            "complete": progress.is_complete,
            "items": progress.items,
            "read_units": progress.units,
            "names": [one._asdict() for one in found],
        }
        print(json.dumps(named), flush=True)
        return
    if found:
        print_table([_HEADINGS, *map(_cells, found)])
    else:
        print("nothing stored" if progress.is_complete else "nothing found so far")
    sys.stdout.flush()
    print(progress.described(), file=sys.stderr)


def _cells(one: _Listed) -> tuple[str, ...]:
    changed = "-"
    if one.changed_at is not None:
        changed = f"{datetime.fromtimestamp(one.changed_at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    limits = printable(", ".join(one.limits))
    return printable(one.name), changed, limits if one.valid else f"{limits} (no limit)"


def _limits(options: argparse.Namespace, store: DynamoDBStore) -> StoredLimits:
    return StoredLimits(store, namespace=options.namespace)


def _get(options: argparse.Namespace, store: DynamoDBStore) -> tuple[AnyLimit, ...] | None:
    try:
        return _limits(options, store).get(options.name)
    except ValueError as refused:
        raise Misuse(str(refused)) from refused


def _print(options: argparse.Namespace, found: tuple[AnyLimit, ...] | None) -> None:
    texts = None if found is None else [str(limit) for limit in found]
    if options.json:
        print(json.dumps({"name": options.name, "limits": texts}))
    else:
        print(
            f"{printable(options.name)}: {'nothing stored' if texts is None else ', '.join(texts)}"
        )
