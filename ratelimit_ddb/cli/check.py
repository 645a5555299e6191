"""``ratelimit-ddb check``: whether a limiter can use a table, and if not, why.

It sends each kind of call for a key that no bucket has: a read, a conditional write whose condition
fails, a deletion of no item, and a scan of one item.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from ddbwire.shared.command_line.check import (
    Finding,
    Try,
    clock_reading,
    description_of,
    findings_of,
    of_backups,
    of_encryption,
    of_ttl,
    print_findings,
)
from ddbwire.shared.command_line.endpoint import resolve
from ddbwire.shared.command_line.failure import sentence
from ratelimit_ddb.cli.table_arguments import store_of
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.key import KEY_OF_NO_BUCKET
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.driver import run
from ratelimit_ddb.operations.operation import Delete, Flow, GiveBack
from ratelimit_ddb.operations.scan_operation import ScanPage
from ratelimit_ddb.store.dynamodb.store import DynamoDBStore
from ratelimit_ddb.tables import EXPIRES_AT

_TIMEOUT_NS = 5 * SECOND_NS


def run_check(options: argparse.Namespace) -> bool:
    """Check the table and print the findings. False if a limiter can't use it."""
    with store_of(options) as store:
        findings = list(_findings(options, store))
        clock = clock_reading(store.clock)
    return print_findings(options.table, findings, clock, as_json=options.json)


def _findings(options: argparse.Namespace, store: DynamoDBStore) -> Iterator[Finding]:
    tries = (
        Try("read", store.check, f"the table is there, with {store.item_keys.schema}"),
        Try("write", lambda: _run(store, _refused_write()), "dynamodb:UpdateItem is allowed"),
        Try("delete", lambda: _run(store, _deletion()), "dynamodb:DeleteItem is allowed"),
    )
    tried = list(findings_of(tries))
    yield from tried
    if len(tried) < len(tries):
        return
    yield _of_scan(store)
    endpoint = resolve(options.endpoint_url, options.region)
    yield of_ttl(endpoint, options.table, EXPIRES_AT)
    yield of_encryption(endpoint, description_of(endpoint, options.table))
    yield of_backups(endpoint, options.table)


def _run(store: DynamoDBStore, flow: Flow[None]) -> None:
    run(flow, store, _TIMEOUT_NS, breaker_of(store))


def _refused_write() -> Flow[None]:
    # The condition of a refund fails if there is no item.
    yield GiveBack(KEY_OF_NO_BUCKET, ("check",), (1,), (1,), (1,), (0,), (0,), time.time_ns(), None)


def _deletion() -> Flow[None]:
    yield Delete(KEY_OF_NO_BUCKET)


def _scan() -> Flow[None]:
    yield ScanPage("limits", 0, 1, None, 1, 0)


def _of_scan(store: DynamoDBStore) -> Finding:
    """Whether the commands that scan the table work. An application never scans."""
    try:
        _run(store, _scan())
    except StoreError as failure:
        return Finding("scan", "unknown", f"no top, no limits list: {sentence(failure)}")
    return Finding("scan", "ok", "dynamodb:Scan is allowed, for top and limits list")
