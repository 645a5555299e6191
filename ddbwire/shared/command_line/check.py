"""The checks of both commands' ``check``: calls that are tried, the table's settings, the clock.

Each permission is checked by a call that needs it and changes nothing in the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from ddbwire.clocks.table_clock import TableClock
from ddbwire.errors import AccessDenied, StoreError
from ddbwire.shared.command_line.endpoint import Endpoint
from ddbwire.shared.command_line.failure import sentence

_SECOND_NS = 1_000_000_000
_CANNOT_TELL = ("AccessDeniedException", "UnknownOperationException")
"""The codes of a missing permission, and of an emulator without the operation."""
_SLIGHT_SECONDS = 1.0
"""The precision of a Date, which has whole seconds."""


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
        name: what was checked.
        status: ``"unknown"`` if it could not be checked, which is not a failure.
        message: the result; for a failure, also how to correct it.
    """

    name: str
    status: Literal["ok", "failed", "unknown"]
    message: str


class Try(NamedTuple):
    """A call that is tried.

    Attributes:
        name: the name of the finding.
        attempt: makes the call.
        message: the message if it succeeds.
    """

    name: str
    attempt: Callable[[], object]
    message: str


class ClockReading(NamedTuple):
    """How far this host's clock is from the table's.

    Attributes:
        offset_seconds: the table's time minus this host's; None if no response had it.
        uncertainty_seconds: how far the true offset may be from it.
    """

    offset_seconds: float | None
    uncertainty_seconds: float | None


def findings_of(tries: Iterable[Try]) -> Iterator[Finding]:
    """The findings of calls, up to the first that fails for another reason than a permission.

    All other calls on the table would fail for the same reason.
    """
    for name, attempt, message in tries:
        try:
            attempt()
        except AccessDenied as denied:
            yield Finding(name, "failed", sentence(denied))
        except StoreError as failure:
            yield Finding(name, "failed", sentence(failure))
            return
        else:
            yield Finding(name, "ok", message)


def print_findings(
    table: str, findings: Iterable[Finding], clock: ClockReading, *, as_json: bool
) -> bool:
    """Print the findings; returns whether the table can be used."""
    every = [*findings, of_clock(clock)]
    succeeded = all(finding.status != "failed" for finding in every)
    if as_json:
        checks = [finding._asdict() for finding in every]
        print(
            json.dumps(
                {"table": table, "ok": succeeded, "checks": checks, "clock": clock._asdict()}
            )
        )
    else:
        width = max(len(finding.name) for finding in every)
        for finding in every:
            print(f"{finding.status:7}  {finding.name:{width}}  {finding.message}")
    return succeeded


def of_ttl(endpoint: Endpoint, table: str, attribute: str) -> Finding:
    """Whether expired items are deleted by this attribute."""
    reply = _asked(endpoint, "describe_time_to_live", table)
    if isinstance(reply, str):
        return Finding("ttl", "unknown", f"dynamodb:DescribeTimeToLive: {reply}")
    described = reply["TimeToLiveDescription"]
    if described["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
        return Finding(
            "ttl",
            "failed",
            f"TTL is off, so items are never deleted: turn it on for the attribute {attribute!r}",
        )
    if described["AttributeName"] != attribute:
        return Finding(
            "ttl",
            "failed",
            f"TTL is on for {described['AttributeName']!r}: it must be for {attribute!r}, "
            "otherwise items are never deleted",
        )
    return Finding("ttl", "ok", f"items expire by {attribute!r}")


def description_of(endpoint: Endpoint, table: str) -> dict[str, Any] | str:
    """The description of a table by DescribeTable, or why there is none."""
    reply = _asked(endpoint, "describe_table", table)
    return f"dynamodb:DescribeTable: {reply}" if isinstance(reply, str) else reply["Table"]


def of_encryption(endpoint: Endpoint, description: dict[str, Any] | str) -> Finding:
    """The key that encrypts the table. AWS encrypts every table; an emulator does not."""
    if isinstance(description, str):
        return Finding("encryption", "unknown", description)
    if endpoint.is_loopback:
        return Finding("encryption", "unknown", "an emulator does not tell")
    key = description.get("SSEDescription", {}).get("KMSMasterKeyArn")
    by = "a key that AWS owns" if key is None else f"the key {key}"
    return Finding("encryption", "ok", f"at rest, by {by}")


def of_backups(endpoint: Endpoint, table: str) -> Finding:
    """Whether the table has point-in-time recovery."""
    reply = _asked(endpoint, "describe_continuous_backups", table)
    if isinstance(reply, str):
        return Finding("backups", "unknown", f"dynamodb:DescribeContinuousBackups: {reply}")
    recovery = reply["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    is_on = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
    return Finding("backups", "ok", f"point-in-time recovery is {'on' if is_on else 'off'}")


def clock_reading(clock: object) -> ClockReading:
    """What a store's clock has learned from responses."""
    uncertainty_ns = clock.uncertainty_ns if isinstance(clock, TableClock) else None
    if not isinstance(clock, TableClock) or uncertainty_ns is None:
        return ClockReading(None, None)
    return ClockReading(clock.offset_ns / _SECOND_NS, uncertainty_ns / _SECOND_NS)


def of_clock(reading: ClockReading) -> Finding:
    """Whether this host's clock is right."""
    offset, uncertainty = reading
    if offset is None:
        return Finding("clock", "unknown", "no response had the table's time")
    if offset == 0:
        return Finding("clock", "ok", f"this host's is the table's, to within {uncertainty:.3f} s")
    where = "behind" if offset > 0 else "ahead of"
    is_slight = abs(offset) < _SLIGHT_SECONDS
    advice = "" if is_slight else "; the table's is what counts, but do set it"
    message = (
        f"this host's is {abs(offset):.3f} s {where} the table's, to within {uncertainty:.3f} s"
    )
    return Finding("clock", "ok", message + advice)


def _asked(endpoint: Endpoint, method: str, table: str) -> Any:
    """The reply of the control plane, or a sentence about why there is none."""
    from botocore.exceptions import ClientError

    try:
        return getattr(endpoint.client, method)(TableName=table)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _CANNOT_TELL:
            raise
        return sentence(error)
