"""A Starlette application with a limit on all it serves, for each route, and one on an endpoint.

Run it with ``uvicorn examples.starlette_app:app``.
With RATE_LIMITS_TABLE set it uses that DynamoDB table, otherwise this process's memory.
"""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ratelimit_ddb import DynamoDBStore, MemoryStore
from ratelimit_ddb.starlette import RateLimitMiddleware, limited, route_of
from ratelimit_ddb.web import Rule

table = os.environ.get("RATE_LIMITS_TABLE")
store = DynamoDBStore(table) if table else MemoryStore()

rules = [Rule("/*", ["5/second", "100/minute"], name="api", scope="endpoint")]


async def user(request: Request) -> Response:
    return PlainTextResponse(f"user {request.path_params['id']}\n")


@limited("3/minute", store=store, name="codes")
async def send_code(request: Request) -> Response:
    return PlainTextResponse("sent\n")


app = Starlette(
    routes=[
        Route("/users/{id}", user),
        Route("/codes", send_code, methods=["POST"]),
    ],
    middleware=[Middleware(RateLimitMiddleware, store=store, rules=rules, endpoint_of=route_of())],
)
