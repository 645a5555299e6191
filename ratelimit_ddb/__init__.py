"""Exact distributed rate limits on Amazon DynamoDB: one conditional write a decision.

    store = DynamoDBStore("quikapp-prod-rate-limits")
    limiter = RateLimiter(store, "100/minute")
    decision = limiter.acquire("api:user-123:endpoint")

Everything public is named here, but for the middleware: ratelimit_ddb.asgi and ratelimit_ddb.wsgi.
"""

from typing import TYPE_CHECKING

from ratelimit_ddb.bucket.decision import Decision, RateLimited
from ratelimit_ddb.decision_event import LimiterDecision
from ratelimit_ddb.errors import (
    AccessDenied,
    KeyThrottled,
    StoreError,
    StoreUnavailable,
    TableNotFound,
)
from ratelimit_ddb.limit import Limit
from ratelimit_ddb.limiter import AsyncRateLimiter, RateLimiter
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.quota import Quota
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.store.dynamodb.store import DynamoDBStore
from ratelimit_ddb.store.memory import MemoryStore
from ratelimit_ddb.stored_limits.stored import stored

if TYPE_CHECKING:  # few processes need them all, and what is not used need not be loaded
    from ddbwire.shared.single_table import SingleTable
    from ratelimit_ddb.all_or_none.acquire_all import (
        acquire_all,
        acquire_all_async,
        refund_all,
        refund_all_async,
    )
    from ratelimit_ddb.all_or_none.decisions import Decisions
    from ratelimit_ddb.concurrency_limiter import AsyncConcurrencyLimiter, ConcurrencyLimiter
    from ratelimit_ddb.decorator.rate_limited import rate_limited
    from ratelimit_ddb.reservation import AsyncReservation, Reservation
    from ratelimit_ddb.slots.slot import AsyncSlot, Slot
    from ratelimit_ddb.stored_limits.stored_limits import StoredLimits

__all__ = [
    "AccessDenied",
    "AsyncConcurrencyLimiter",
    "AsyncRateLimiter",
    "AsyncReservation",
    "AsyncSlot",
    "ConcurrencyLimiter",
    "Decision",
    "Decisions",
    "DynamoDBStore",
    "KeyThrottled",
    "Limit",
    "LimiterDecision",
    "MemoryStore",
    "Quota",
    "RateLimited",
    "RateLimiter",
    "Reservation",
    "SingleTable",
    "Slot",
    "SlotLimit",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoredLimits",
    "TableNotFound",
    "acquire_all",
    "acquire_all_async",
    "rate_limited",
    "refund_all",
    "refund_all_async",
    "stored",
]

__version__: str
"""The version of ratelimit-ddb that is installed."""

if not TYPE_CHECKING:  # else every name would be one of the package, to a type checker
    _LOADED_WHEN_USED = {
        "AsyncConcurrencyLimiter": "ratelimit_ddb.concurrency_limiter",
        "AsyncReservation": "ratelimit_ddb.reservation",
        "AsyncSlot": "ratelimit_ddb.slots.slot",
        "ConcurrencyLimiter": "ratelimit_ddb.concurrency_limiter",
        "Decisions": "ratelimit_ddb.all_or_none.decisions",
        "Reservation": "ratelimit_ddb.reservation",
        "SingleTable": "ddbwire.shared.single_table",
        "Slot": "ratelimit_ddb.slots.slot",
        "StoredLimits": "ratelimit_ddb.stored_limits.stored_limits",
        "acquire_all": "ratelimit_ddb.all_or_none.acquire_all",
        "acquire_all_async": "ratelimit_ddb.all_or_none.acquire_all",
        "rate_limited": "ratelimit_ddb.decorator.rate_limited",
        "refund_all": "ratelimit_ddb.all_or_none.acquire_all",
        "refund_all_async": "ratelimit_ddb.all_or_none.acquire_all",
    }

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from ddbwire.shared.version import installed_version

            return installed_version()
        if name in _LOADED_WHEN_USED:
            from importlib import import_module

            found = globals()[name] = getattr(import_module(_LOADED_WHEN_USED[name]), name)
            return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LOADED_WHEN_USED, "__version__"})
