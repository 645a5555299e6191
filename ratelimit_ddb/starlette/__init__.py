"""Rate limits for Starlette: the middleware, the routes for it, and limits on endpoints.

    rules = [Rule("/api/*", "100/minute", scope="endpoint")]
    gate = Middleware(RateLimitMiddleware, store=store, rules=rules, endpoint_of=route_of())
    app = Starlette(routes=routes, middleware=[gate])

    @limited("5/minute", store=store)
    async def send_code(request): ...

Starlette 0.41 or later is required. For FastAPI use ratelimit_ddb.fastapi.
"""

from ddbwire.shared.optional_package import optional_package

with optional_package("ratelimit_ddb.starlette", "starlette"):
    import starlette  # noqa: F401 - is it there?

from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.starlette.limited_endpoints import limited
from ratelimit_ddb.starlette.routes import route_of

__all__ = ["RateLimitMiddleware", "limited", "route_of"]
