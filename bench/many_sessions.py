"""Very many sessions of one user, listed and ended on DynamoDB Local, beside boto3 by hand.

Interleaved in one run. What boto3 does is what an application would write for the same table: a
Query on the index, a BatchGetItem for each hundred to list, a DeleteItem for each to end; in as
many threads as the store uses, and one after the other.
"""

from __future__ import annotations

import argparse
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

from bench.engine import engine, limit_table, session_table, set_dummy_credentials
from bench.progress import Progress
from sessions import DynamoDBSessionStore
from sessions.store.dynamodb.request import MAX_BATCH_GET
from sessions.store.dynamodb.side_by_side import CONNECTIONS
from tests.stored_sessions import put_sessions

SESSIONS = 10_000
ROUNDS = 3
MOST_SECONDS = 5.0
OURS = "ratelimit-ddb"
INDEX = "ownerId-createdAt-index"

ListAndEnd = tuple[Callable[[str], int], Callable[[str], int]]
"""Two functions of a user's id: each returns how many sessions it listed, or ended."""


class Boto3ByHand:
    """Lists and ends a user's sessions in so many threads."""

    def __init__(self, endpoint_url: str, table: str, threads: int) -> None:
        config = Config(max_pool_connections=threads)
        self._client = boto3.client("dynamodb", endpoint_url=endpoint_url, config=config)
        self._table = table
        self._threads = threads

    def list_sessions(self, user_id: str) -> int:
        """Read each of them."""
        keys = list(self._keys(user_id))
        batches = [keys[at : at + MAX_BATCH_GET] for at in range(0, len(keys), MAX_BATCH_GET)]
        return sum(self._in_threads(self._get, batches))

    def end_sessions(self, user_id: str) -> int:
        """Delete each of them."""
        return sum(self._in_threads(self._delete, list(self._keys(user_id))))

    def _keys(self, user_id: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=INDEX,
            KeyConditionExpression="ownerId = :user",
            ExpressionAttributeValues={":user": {"S": user_id}},
            ProjectionExpression="sessionId, userId",
        )
        for page in pages:
            for item in page["Items"]:
                yield {name: item[name] for name in ("sessionId", "userId")}

    def _get(self, keys: list[dict[str, Any]]) -> int:
        reads = {self._table: {"Keys": keys, "ConsistentRead": True}}
        return len(self._client.batch_get_item(RequestItems=reads)["Responses"][self._table])

    def _delete(self, key: dict[str, Any]) -> int:
        deleted = self._client.delete_item(TableName=self._table, Key=key, ReturnValues="ALL_OLD")
        return len(deleted.get("Attributes", ())) and 1

    def _in_threads(self, call: Callable[[Any], int], items: Sequence[Any]) -> list[int]:
        if self._threads == 1:
            return [call(item) for item in items]
        with ThreadPoolExecutor(self._threads) as threads:
            return list(threads.map(call, items))


def measured(
    endpoint_url: str,
    table: str,
    progress: Progress,
    rounds: int = ROUNDS,
    sessions: int = SESSIONS,
) -> dict[str, dict[str, list[float]]]:
    """Seconds to list and to end the sessions of a user, by who did it: a figure a round.

    Args:
        endpoint_url: of the engine.
        table: a table is made whose name begins so; the caller deletes it.
        progress: where to show it.
        rounds: interleaved.
        sessions: of each user.

    Raises:
        RuntimeError: somebody missed a session.
    """
    name = session_table(endpoint_url, table)
    with DynamoDBSessionStore(name, endpoint_url=endpoint_url, deadline=60) as store:
        contenders: dict[str, ListAndEnd] = {
            OURS: (lambda user: len(store.sessions_of(user)), store.revoke_user)
        }
        for threads in (CONNECTIONS, 1):
            by_hand = Boto3ByHand(endpoint_url, name, threads)
            of_name = f"boto3, {threads} thread{'s' * (threads > 1)}"
            contenders[of_name] = (by_hand.list_sessions, by_hand.end_sessions)
        figures: dict[str, dict[str, list[float]]] = {
            who: {"list_seconds": [], "end_seconds": []} for who in contenders
        }
        for done in range(rounds):
            for who, (list_sessions, end_sessions) in contenders.items():
                user = uuid.uuid4().hex
                now = int(time.time())
                put_sessions(name, endpoint_url, user, sessions, now, registers=False)
                figures[who]["list_seconds"].append(_seconds(list_sessions, user, sessions))
                figures[who]["end_seconds"].append(_seconds(end_sessions, user, sessions))
            progress.step(done + 1, rounds)
    return figures


def _seconds(act: Callable[[str], int], user: str, sessions: int) -> float:
    began = time.monotonic()
    if (found := act(user)) != sessions:
        raise RuntimeError(f"{found} of {sessions} sessions")
    return round(time.monotonic() - began, 3)


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    args = parser.parse_args()
    set_dummy_credentials()
    with engine() as url, limit_table(url) as table:
        figures = measured(url, table, Progress(), args.rounds, args.sessions)
    print(f"{args.sessions:,} sessions of one user, medians of {args.rounds} rounds\n")
    print(f"{'':<20}{'listed':>10}{'ended':>10}")
    for who, of in figures.items():
        listed, ended = (statistics.median(of[name]) for name in ("list_seconds", "end_seconds"))
        print(f"{who:<20}{listed:>8.2f} s{ended:>8.2f} s")


if __name__ == "__main__":
    main()
