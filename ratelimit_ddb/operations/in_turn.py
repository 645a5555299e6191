"""Sequences of operations carried out one after the other, for a store that never waits."""

from __future__ import annotations

from collections.abc import Sequence

from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.operations.operation import OperationSequence, Wait
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.operations.waker import BlockingWaker, LoopWaker


def send_in_turn(store: Store, sequences: Sequence[OperationSequence], deadline_ns: int) -> None:
    """``Store.send_all`` of a store that never waits, by its ``send``."""
    for sequence in sequences:
        answer: object = None
        while True:
            try:
                operation = sequence.send(answer)
            except StopIteration:
                break
            if isinstance(operation, Wait):
                answer = BlockingWaker().wait(operation, deadline_ns)
                continue
            try:
                answer = store.send(operation, deadline_ns)
            except StoreError as error:
                answer = error


async def send_in_turn_async(
    store: Store, sequences: Sequence[OperationSequence], deadline_ns: int
) -> None:
    """``Store.send_all_async`` of a store that never waits, by its ``send_async``."""
    for sequence in sequences:
        answer: object = None
        while True:
            try:
                operation = sequence.send(answer)
            except StopIteration:
                break
            if isinstance(operation, Wait):
                answer = await LoopWaker().wait(operation, deadline_ns)
                continue
            try:
                answer = await store.send_async(operation, deadline_ns)
            except StoreError as error:
                answer = error
