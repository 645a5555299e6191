"""Very many sessions beside boto3: each contender finds all of them, and ends all of them."""

from __future__ import annotations

from bench.engine import limit_table
from bench.many_sessions import OURS, measured
from bench.progress import Progress


def test_each_contender_lists_and_ends_all_of_them(dynamodb_endpoint: str) -> None:
    with limit_table(dynamodb_endpoint) as table:
        figures = measured(dynamodb_endpoint, table, Progress(), rounds=1, sessions=130)
    assert list(figures) == [OURS, "boto3, 16 threads", "boto3, 1 thread"]
    for of in figures.values():
        assert {name: len(rounds) for name, rounds in of.items()} == {
            "list_seconds": 1,
            "end_seconds": 1,
        }
