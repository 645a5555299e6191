"""``ratelimit-ddb tables create``."""

from __future__ import annotations

import argparse

from ddbwire.shared.command_line.arguments import layout_of
from ddbwire.shared.command_line.endpoint import resolve
from ddbwire.shared.command_line.failure import Misuse
from ratelimit_ddb.tables import (
    EXPIRES_AT,
    Table,
    application_tables,
    create,
    other_keys,
    rate_limits,
    single_table,
    user_sessions,
)


def run(options: argparse.Namespace) -> bool:
    """Create the missing tables, and print all of them. Returns: whether each has its keys."""
    wanted = _wanted(options)
    endpoint = resolve(options.endpoint_url, options.region)
    print(f"DynamoDB at {endpoint}", flush=True)
    if not endpoint.is_loopback:
        print("For development; infra/ provisions production.", flush=True)
    created = create(endpoint.client, wanted)
    width = max(len(table.name) for table in wanted)
    all_serve = True
    for table in wanted:
        is_new = table.name in created
        keys = None if is_new else other_keys(endpoint.client, table)
        what = _described(table) if is_new else "already exists"
        if keys is not None:
            what, all_serve = f"{what}, with other keys: {keys}; choose another name", False
        print(f"  {'created' if is_new else 'left':7}  {table.name:{width}}  {what}")
    return all_serve


def _wanted(options: argparse.Namespace) -> tuple[Table, ...]:
    layout = layout_of(options.single_table)
    try:
        if options.table is None and options.sessions_table is None:
            return application_tables(options.prefix, options.environment, layout=layout)
        if options.sessions_table is not None and layout is not None:
            raise Misuse(
                "--sessions-table: a --single-table has sessions too; give its name by --table"
            )
        if options.sessions_table == options.table:
            raise Misuse(
                f"--sessions-table {options.table!r}: the name of --table; rate limits and "
                "sessions have other keys, so give two names, or --single-table"
            )
        wanted = []
        if options.table is not None:
            named = options.table
            wanted.append(rate_limits(named) if layout is None else single_table(named, layout))
        if options.sessions_table is not None:
            wanted.append(user_sessions(options.sessions_table))
        return tuple(wanted)
    except ValueError as error:
        raise Misuse(str(error)) from error


def _described(table: Table) -> str:
    keys = [table.partition.name] + ([table.sort.name] if table.sort else [])
    parts = [f"by {' + '.join(keys)}"]
    parts += [f"index {index.name}" for index in table.indexes]
    if table.expires:
        parts.append(f"TTL {EXPIRES_AT}")
    return ", ".join(parts)
