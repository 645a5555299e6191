"""``ratelimit-ddb top``: the most used keys of a table, once or repeatedly."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping

from ddbwire.shared.command_line.printable import print_table, printable
from ddbwire.shared.command_line.terminal import obeys_escapes
from ratelimit_ddb.cli.key_usage import KeyUsage, usage_of
from ratelimit_ddb.cli.limit_arguments import limits_of
from ratelimit_ddb.cli.most_used import MostUsed
from ratelimit_ddb.cli.scan_arguments import Scanning, scanned_store
from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.key import namespace_prefix
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.operations.store import Clock

_KEPT = 1_000
"""How many keys are kept at least, to compare their writes with the next scan's."""
_CLEAR_SCREEN = "\x1b[H\x1b[2J\x1b[3J"
_HEADINGS = ("SHARE", "USED", "LIMIT", "DENIED FOR", "WRITES", "WRITES/S", "KEY")

Writes = dict[str, tuple[int, float]]
"""For each key how many writes it had, and when."""


def run_top(options: argparse.Namespace) -> bool:
    """Show the most used keys, once or repeatedly."""
    named = {limit.name: limit for limit in limits_of(options.limits)} if options.limits else {}
    with scanned_store(options) as store:
        scanning = Scanning(options, store, "buckets")
        before: Writes = {}
        while True:
            started = time.monotonic()
            before = _look(options, scanning, store.clock, named, before)
            if options.watch is None:
                return True
            time.sleep(max(0.0, options.watch - (time.monotonic() - started)))


def _look(
    options: argparse.Namespace,
    scanning: Scanning,
    clock: Clock,
    named: Mapping[str, AnyLimit],
    before: Writes,
) -> Writes:
    """Scan once and print. If the scan fails or is interrupted, print what was found."""
    most = MostUsed(max(_KEPT, options.count), options.by)
    prefix = namespace_prefix(options.namespace) + options.prefix
    try:
        for item in scanning.items():
            if item.key.startswith(prefix):
                usage = usage_of(item, clock.now_ns(), named, options.in_flight)
                if usage is not None:
                    most.add(usage)
    except (KeyboardInterrupt, StoreError):
        _show(options, scanning, most, before)
        raise
    return _show(options, scanning, most, before)


def _show(
    options: argparse.Namespace, scanning: Scanning, most: MostUsed, before: Writes
) -> Writes:
    """Print the most used keys. Returns the writes to compare the next scan's with."""
    now = time.monotonic()
    ranked = most.ranked()
    rows = [(usage, _rate(usage, before, now)) for usage in ranked[: options.count]]
    progress = scanning.progress
    if options.json:
        keys = [_as_json(*row) for row in rows]
        found = {
            "table": options.table,
            "complete": progress.is_complete,
            "items": progress.items,
            "read_units": progress.units,
            "keys": keys,
        }
        print(json.dumps(found), flush=True)
    else:
        if options.watch is not None:
            print(_CLEAR_SCREEN if obeys_escapes(sys.stdout) else "")
        if rows:
            print_table([_HEADINGS, *(_cells(*row) for row in rows)])
        elif progress.is_complete:
            print("no key has used any of its limits")
        else:
            print("no key found so far has used any of its limits")
        sys.stdout.flush()
        print(progress.described(), file=sys.stderr)
    return {usage.key: (usage.writes, now) for usage in ranked}


def _rate(usage: KeyUsage, before: Writes, now: float) -> float | None:
    """The key's writes a second since the last scan; None if that did not find it."""
    writes, then = before.get(usage.key, (None, now))
    # Fewer than before: the item was deleted and created again.
    if writes is None or usage.writes < writes or now <= then:
        return None
    return (usage.writes - writes) / (now - then)


def _as_json(usage: KeyUsage, rate: float | None) -> dict[str, object]:
    limits = [
        one._asdict() | {"limit": None if one.limit is None else str(one.limit)}
        for one in usage.limits
    ]
    return {
        "key": usage.key,
        "share": usage.limits[0].share,
        "writes": usage.writes,
        "writes_per_second": rate,
        "limits": limits,
    }


def _cells(usage: KeyUsage, rate: float | None) -> tuple[str, ...]:
    first = usage.limits[0]
    return (
        "-" if first.share is None else f"{first.share:.0%}",
        "-" if first.used is None else str(first.used),
        first.name if first.limit is None else str(first.limit),
        f"{first.denied_for:.1f} s" if first.denied_for else "-",
        str(usage.writes) if usage.writes else "-",
        "-" if rate is None else f"{rate:.1f}",
        printable(usage.key),
    )
