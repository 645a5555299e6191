"""``ddb-sessions list`` and ``ddb-sessions revoke``."""

from __future__ import annotations

import argparse
import dataclasses
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sessions.arguments import require_user_id
from sessions.cli.failure import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddbwire import SingleTable
    from sessions.lifecycle.user_sessions import SessionInfo
    from sessions.store.dynamodb.store import DynamoDBSessionStore

_HEADINGS = ("ID", "CREATED", "LAST SEEN", "EXPIRES", "NAMESPACE", "DEVICE")


def run_list(options: argparse.Namespace) -> bool:
    """List a user's sessions; none is no failure."""
    with _store(options) as store:
        found = store.sessions_of(options.user, namespace=options.namespace)
    if options.json:
        listed = [_as_json(info) for info in found]
        print(json.dumps({"user": options.user, "sessions": listed}))
    elif found:
        _print_table([_HEADINGS, *map(_cells, found)])
    else:
        print(f"{_printable(options.user)}: no sessions")
    return True


def run_revoke(options: argparse.Namespace) -> bool:
    """End one session, which fails where it is not there, or all."""
    with _store(options) as store:
        if options.all:
            ended = store.revoke_user(options.user, namespace=options.namespace)
        else:
            ended = int(store.revoke(options.user, options.session, namespace=options.namespace))
    if options.json:
        print(json.dumps({"user": options.user, "ended": ended}))
    elif options.all or ended:
        sessions = "session" if ended == 1 else "sessions"
        print(f"{_printable(options.user)}: {ended} {sessions} ended")
    else:
        print(f"{_printable(options.user)}: no such session")
    return bool(options.all or ended)


def _store(options: argparse.Namespace) -> DynamoDBSessionStore:
    from sessions.store.dynamodb.store import DynamoDBSessionStore

    try:
        require_user_id(options.user)
        # Whether the application keeps the register is not known here. Where it does, only the
        # register has the logins of the last second; where not, looking for it costs one read.
        return DynamoDBSessionStore(
            options.table,
            region_name=options.region,
            endpoint_url=options.endpoint_url,
            layout=_layout(options.single_table),
            strict_revocation=True,
        )
    except ValueError as refused:
        raise Misuse(str(refused)) from refused


def _layout(names: str | None) -> SingleTable | None:
    if names is None:
        return None
    from ddbwire import SingleTable

    try:
        return SingleTable.parse(names)
    except ValueError as refused:
        raise Misuse(f"--single-table {refused}") from refused


def _as_json(info: SessionInfo) -> dict[str, object]:
    return {name: value for name, value in dataclasses.asdict(info).items() if name != "user_id"}


def _cells(info: SessionInfo) -> tuple[str, ...]:
    return (
        info.id,
        _utc(info.created_at),
        _utc(info.last_seen_at),
        _utc(info.expires_at),
        _printable(info.namespace) or "-",
        _printable(info.device or "-"),
    )


def _utc(epoch_seconds: int) -> str:
    return f"{datetime.fromtimestamp(epoch_seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _printable(text: str) -> str:
    """The text with control characters escaped.

    A terminal would obey them, and a device's name may come from a request.
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
