"""A FastAPI application with a limit for each API key, and one on a route.

Run it with ``uvicorn examples.fastapi_app:app``.
With RATE_LIMITS_TABLE set it uses that DynamoDB table, otherwise this process's memory.
"""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from ratelimit_ddb import DynamoDBStore, MemoryStore
from ratelimit_ddb.fastapi import RateLimit, install
from ratelimit_ddb.web import Verdict, header

table = os.environ.get("RATE_LIMITS_TABLE")
store = DynamoDBStore(table) if table else MemoryStore()

per_key = RateLimit(["5/second", "100/minute"], store=store, by=header("x-api-key"), name="api")
codes = RateLimit("3/minute", store=store)

app = FastAPI(dependencies=[Depends(per_key)])
install(app)


@app.get("/users/{user_id}")
async def user(user_id: int) -> dict[str, int]:
    return {"user": user_id}


@app.post("/codes")
def send_code(verdict: Annotated[Verdict, Depends(codes)]) -> dict[str, int]:
    return {"left": verdict.decisions[0].decision.remaining}
