"""Exact distributed rate limits on Amazon DynamoDB: one conditional write a decision.

    store = DynamoDBStore("quikapp-prod-rate-limits")
    limiter = RateLimiter(store, "100/minute")
    decision = limiter.acquire("api:user-123:endpoint")

Everything public is named here, but for the middleware: ratelimit_ddb.asgi and ratelimit_ddb.wsgi.
"""

from ratelimit_ddb.decision import Decision, RateLimited
from ratelimit_ddb.decorator import rate_limited
from ratelimit_ddb.errors import AccessDenied, StoreUnavailable, TableNotFound
from ratelimit_ddb.limit import Limit
from ratelimit_ddb.limiter import AsyncRateLimiter, RateLimiter
from ratelimit_ddb.store.dynamodb import DynamoDBStore
from ratelimit_ddb.store.memory import MemoryStore

__all__ = [
    "AccessDenied",
    "AsyncRateLimiter",
    "Decision",
    "DynamoDBStore",
    "Limit",
    "MemoryStore",
    "RateLimited",
    "RateLimiter",
    "StoreUnavailable",
    "TableNotFound",
    "rate_limited",
]
