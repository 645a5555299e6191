"""DynamoDB's wire protocol for hot paths, blocking and asyncio.

botocore works out where to go and with whose credentials; this package signs, sends and reads,
for a fraction of the CPU. Where something else is hooked into botocore, it stands back
and botocore carries the calls, with the same results.
"""

from ddbwire.answered_call import AnsweredCall
from ddbwire.clock import TableClock
from ddbwire.errors import DeadlineExceeded, Unreachable, is_transient
from ddbwire.operation import Operation
from ddbwire.outcome import Refused, TransactionRefused
from ddbwire.wire import Wire

__all__ = [
    "AnsweredCall",
    "DeadlineExceeded",
    "Operation",
    "Refused",
    "TableClock",
    "TransactionRefused",
    "Unreachable",
    "Wire",
    "is_transient",
]
