"""``ratelimit-ddb check``: whether a limiter could work on a table, and what would keep it from it.

Each permission is tried by the call that needs it, on the key of no bucket: a read, a conditional
write that is refused, a deletion of what is not there, and a scan of one item. So nothing in the
table changes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from ddbwire.clocks.table_clock import TableClock
from ratelimit_ddb.cli.endpoint import resolve
from ratelimit_ddb.cli.failure import sentence
from ratelimit_ddb.cli.table_arguments import store_of
from ratelimit_ddb.errors import AccessDenied, StoreError
from ratelimit_ddb.key import KEY_OF_NO_BUCKET
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.driver import run
from ratelimit_ddb.operations.operation import Delete, Flow, GiveBack
from ratelimit_ddb.operations.scan_operation import ScanPage
from ratelimit_ddb.store.dynamodb.store import DynamoDBStore
from ratelimit_ddb.tables import EXPIRES_AT

_TIMEOUT_NS = 5 * SECOND_NS
_CANNOT_TELL = ("AccessDeniedException", "UnknownOperationException")
"""Codes of those who may not ask for TTL, and of emulators without it."""
_SLIGHT_SECONDS = 1.0
"""A Date of whole seconds tells no less."""


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        name: what was checked.
        status: ``"unknown"`` where it could not be told, which is no failure.
        message: what was found and, of a failure, the way out.
    """

    name: str
    status: Literal["ok", "failed", "unknown"]
    message: str


class ClockReading(NamedTuple):
    """How far this host's clock is from the table's.

    Attributes:
        offset_seconds: the table's time less this host's; None where the table did not tell.
        uncertainty_seconds: how far the true one may lie from it.
    """

    offset_seconds: float | None
    uncertainty_seconds: float | None


def run_check(options: argparse.Namespace) -> bool:
    """Check the table, and say what was found; it fails where a limiter would."""
    with store_of(options) as store:
        findings = list(_findings(options, store))
        clock = _clock_reading(store)
    findings.append(_of_clock(clock))
    succeeded = all(finding.status != "failed" for finding in findings)
    if options.json:
        checks = [finding._asdict() for finding in findings]
        found = {"table": options.table, "ok": succeeded, "checks": checks}
        print(json.dumps(found | {"clock": clock._asdict()}))
    else:
        for finding in findings:
            print(f"{finding.status:7}  {finding.name:6}  {finding.message}")
    return succeeded


def _findings(options: argparse.Namespace, store: DynamoDBStore) -> Iterator[Finding]:
    tries: tuple[tuple[str, Callable[[], object], str], ...] = (
        ("read", store.check, f"the table is there, with {store.item_keys.schema}"),
        ("write", lambda: _run(store, _refused_write()), "dynamodb:UpdateItem is allowed"),
        ("delete", lambda: _run(store, _deletion()), "dynamodb:DeleteItem is allowed"),
    )
    for name, attempt, message in tries:
        try:
            attempt()
        except AccessDenied as denied:
            yield Finding(name, "failed", sentence(denied))
        except StoreError as failure:
            # Whatever it is, no other call on this table would fare better.
            yield Finding(name, "failed", sentence(failure))
            return
        else:
            yield Finding(name, "ok", message)
    yield _of_scan(store)
    yield _of_ttl(options)


def _run(store: DynamoDBStore, flow: Flow[None]) -> None:
    run(flow, store, _TIMEOUT_NS, breaker_of(store))


def _refused_write() -> Flow[None]:
    # Of an item that is not there nothing can be given back.
    yield GiveBack(KEY_OF_NO_BUCKET, ("check",), (1,), (1,), (1,), (0,), (0,), time.time_ns(), None)


def _deletion() -> Flow[None]:
    yield Delete(KEY_OF_NO_BUCKET)


def _scan() -> Flow[None]:
    yield ScanPage("limits", 0, 1, None, 1, 0)


def _of_scan(store: DynamoDBStore) -> Finding:
    """Whether the commands that read the whole table work; an application never does it."""
    try:
        _run(store, _scan())
    except StoreError as failure:
        return Finding("scan", "unknown", f"no top, no limits list: {sentence(failure)}")
    return Finding("scan", "ok", "dynamodb:Scan is allowed, for top and limits list")


def _of_ttl(options: argparse.Namespace) -> Finding:
    from botocore.exceptions import ClientError

    client = resolve(options.endpoint_url, options.region).client
    try:
        reply = client.describe_time_to_live(TableName=options.table)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _CANNOT_TELL:
            raise
        return Finding("ttl", "unknown", f"dynamodb:DescribeTimeToLive: {sentence(error)}")
    described = reply["TimeToLiveDescription"]
    if described["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
        return Finding(
            "ttl",
            "failed",
            f"TTL is off, so items stay for good: turn it on for the attribute {EXPIRES_AT!r}",
        )
    if described["AttributeName"] != EXPIRES_AT:
        return Finding(
            "ttl",
            "failed",
            f"TTL is on for {described['AttributeName']!r}: it must be for {EXPIRES_AT!r}, "
            "else items stay for good",
        )
    return Finding("ttl", "ok", f"items expire by {EXPIRES_AT!r}")


def _clock_reading(store: DynamoDBStore) -> ClockReading:
    clock = store.clock
    uncertainty_ns = clock.uncertainty_ns if isinstance(clock, TableClock) else None
    if not isinstance(clock, TableClock) or uncertainty_ns is None:
        return ClockReading(None, None)
    return ClockReading(clock.offset_ns / SECOND_NS, uncertainty_ns / SECOND_NS)


def _of_clock(reading: ClockReading) -> Finding:
    offset, uncertainty = reading
    if offset is None:
        return Finding("clock", "unknown", "no reply told the table's time")
    if offset == 0:
        return Finding("clock", "ok", f"this host's is the table's, to within {uncertainty:.3f} s")
    where = "behind" if offset > 0 else "ahead of"
    advice = "" if abs(offset) < _SLIGHT_SECONDS else "; limits go by the table's, but do set it"
    message = (
        f"this host's is {abs(offset):.3f} s {where} the table's, to within {uncertainty:.3f} s"
    )
    return Finding("clock", "ok", message + advice)
