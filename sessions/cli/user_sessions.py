"""``ddb-sessions list`` and ``ddb-sessions revoke``."""

from __future__ import annotations

import argparse
import dataclasses
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ddbwire.shared.command_line.failure import Misuse
from ddbwire.shared.command_line.printable import print_table, printable
from sessions.arguments import require_user_and_namespace
from sessions.cli.store import store_of

if TYPE_CHECKING:
    from sessions.lifecycle.user_sessions import SessionInfo
    from sessions.store.dynamodb.store import DynamoDBSessionStore

_HEADINGS = ("ID", "CREATED", "LAST SEEN", "EXPIRES", "NAMESPACE", "DEVICE")


def run_list(options: argparse.Namespace) -> bool:
    """List a user's sessions. It is not a failure if there are none."""
    with _store(options) as store:
        found = store.sessions_of(options.user, namespace=options.namespace)
    if options.json:
        listed = [_as_json(info) for info in found]
        print(json.dumps({"user": options.user, "sessions": listed}))
    elif found:
        print_table([_HEADINGS, *map(_cells, found)])
    else:
        print(f"{printable(options.user)}: no sessions")
    return True


def run_revoke(options: argparse.Namespace) -> bool:
    """End one session, which fails if there is no such session, or all."""
    with _store(options) as store:
        if options.all:
            ended = store.revoke_user(options.user, namespace=options.namespace)
        else:
            ended = int(store.revoke(options.user, options.session, namespace=options.namespace))
    if options.json:
        print(json.dumps({"user": options.user, "ended": ended}))
    elif options.all or ended:
        sessions = "session" if ended == 1 else "sessions"
        print(f"{printable(options.user)}: {ended} {sessions} ended")
    else:
        print(f"{printable(options.user)}: no such session")
    return bool(options.all or ended)


def _store(options: argparse.Namespace) -> DynamoDBSessionStore:
    try:
        require_user_and_namespace(options.user, options.namespace)
    except ValueError as refused:
        raise Misuse(str(refused)) from refused
    return store_of(options)


def _as_json(info: SessionInfo) -> dict[str, object]:
    return {name: value for name, value in dataclasses.asdict(info).items() if name != "user_id"}


def _cells(info: SessionInfo) -> tuple[str, ...]:
    return (
        info.id,
        _utc(info.created_at),
        _utc(info.last_seen_at),
        _utc(info.expires_at),
        printable(info.namespace) or "-",
        printable(info.device or "-"),
    )


def _utc(epoch_seconds: int) -> str:
    return f"{datetime.fromtimestamp(epoch_seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
