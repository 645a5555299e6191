"""A DynamoDB client for hot paths, blocking and asyncio.

botocore resolves endpoint, region and credentials. This package signs and sends the requests and
parses the responses, for a fraction of botocore's CPU time. If anything is hooked into botocore,
botocore sends the requests, with the same results.

What the packages on it have in common beside it is in ``ddbwire.shared``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddbwire.calls.call_sequence import CallSequence, SyncClock
    from ddbwire.clocks.table_clock import TableClock
    from ddbwire.errors import (
        AccessDenied,
        ConfigurationError,
        DeadlineExceeded,
        KeyThrottled,
        StoreError,
        StoreUnavailable,
        TableNotFound,
        Unreachable,
        is_transient,
    )
    from ddbwire.protocol.answered_call import AnsweredCall
    from ddbwire.protocol.request import DynamoDBRequest
    from ddbwire.protocol.result import ConditionalCheckFailed, StaleTimestamp, TransactionCanceled
    from ddbwire.shared.single_table import SingleTable
    from ddbwire.steps import WaitFor
    from ddbwire.wire import Wire

__all__ = [
    "AccessDenied",
    "AnsweredCall",
    "CallSequence",
    "ConditionalCheckFailed",
    "ConfigurationError",
    "DeadlineExceeded",
    "DynamoDBRequest",
    "KeyThrottled",
    "SingleTable",
    "StaleTimestamp",
    "StoreError",
    "StoreUnavailable",
    "SyncClock",
    "TableClock",
    "TableNotFound",
    "TransactionCanceled",
    "Unreachable",
    "WaitFor",
    "Wire",
    "is_transient",
]

_MODULES = {
    "AccessDenied": "errors",
    "AnsweredCall": "protocol.answered_call",
    "CallSequence": "calls.call_sequence",
    "ConfigurationError": "errors",
    "DeadlineExceeded": "errors",
    "DynamoDBRequest": "protocol.request",
    "KeyThrottled": "errors",
    "SingleTable": "shared.single_table",
    "StaleTimestamp": "protocol.result",
    "ConditionalCheckFailed": "protocol.result",
    "StoreError": "errors",
    "StoreUnavailable": "errors",
    "SyncClock": "calls.call_sequence",
    "TableClock": "clocks.table_clock",
    "TableNotFound": "errors",
    "TransactionCanceled": "protocol.result",
    "Unreachable": "errors",
    "WaitFor": "steps",
    "Wire": "wire",
    "is_transient": "errors",
}


if not TYPE_CHECKING:  # or a name that does not exist would be Any

    def __getattr__(name: str) -> Any:
        """Import a public name at its first use: without a table only the errors are used."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"ddbwire.{_MODULES[name]}"), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES})
