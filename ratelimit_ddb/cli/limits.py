"""``ratelimit-ddb limits set|show|delete``: limits by name in the table."""

from __future__ import annotations

import argparse
import json

from ratelimit_ddb.cli.failure import Misuse
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.store.dynamodb.store import DynamoDBStore
from ratelimit_ddb.stored_limits.stored_limits import StoredLimits


def run_set(options: argparse.Namespace) -> bool:
    """Store limits under a name."""
    with _store(options) as store:
        limits = _limits(options, store)
        try:
            limits.set(options.name, options.limits)
        except (TypeError, ValueError) as refused:
            raise Misuse(str(refused)) from refused
        _print(options, limits.get(options.name))
    return True


def run_show(options: argparse.Namespace) -> bool:
    """Say what is stored under a name; it fails where nothing is."""
    with _store(options) as store:
        found = _get(options, store)
    _print(options, found)
    return found is not None


def run_delete(options: argparse.Namespace) -> bool:
    """Delete what is stored under a name."""
    with _store(options) as store:
        try:
            _limits(options, store).delete(options.name)
        except ValueError as refused:
            raise Misuse(str(refused)) from refused
    _print(options, None)
    return True


def _store(options: argparse.Namespace) -> DynamoDBStore:
    return DynamoDBStore(
        options.table, region_name=options.region, endpoint_url=options.endpoint_url
    )


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
        print(f"{options.name}: {'nothing stored' if texts is None else ', '.join(texts)}")
