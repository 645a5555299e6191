"""Rate limits in FastAPI: a dependency for routes, routers and applications, and the middleware.

    per_key = RateLimit("100/minute", store=store, by=header("x-api-key"), name="api")
    app = FastAPI(dependencies=[Depends(per_key)])

    @app.post("/codes", dependencies=[Depends(RateLimit("5/minute", store=store))])
    async def send_code(): ...

    install(app)

Limits work without ``install`` too, whose docstring says what is missing then. It takes FastAPI
0.115.6 or later, with Starlette 0.41 or later.
"""

from ddbwire.shared.optional_package import optional_package

with optional_package("ratelimit_ddb.fastapi", "fastapi"):
    import fastapi  # noqa: F401 - is it there?

from ratelimit_ddb.asgi.middleware import RateLimitMiddleware
from ratelimit_ddb.fastapi.denial import RateLimitExceeded
from ratelimit_ddb.fastapi.dependency import RateLimit, route_of
from ratelimit_ddb.fastapi.installation import RESPONSES, install

__all__ = [
    "RESPONSES",
    "RateLimit",
    "RateLimitExceeded",
    "RateLimitMiddleware",
    "install",
    "route_of",
]
