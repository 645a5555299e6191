"""Rate limits in front of an ASGI application."""

from ratelimit_ddb.asgi.middleware import RateLimitMiddleware

__all__ = ["RateLimitMiddleware"]
