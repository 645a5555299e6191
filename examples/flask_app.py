"""A Flask application with limits on its routes and a tighter one on a view.

Run it with ``flask --app examples.flask_app run``.
With RATE_LIMITS_TABLE set it uses that DynamoDB table, otherwise this process's memory.
"""

from __future__ import annotations

import os

from flask import Flask

from ratelimit_ddb import DynamoDBStore, MemoryStore
from ratelimit_ddb.flask import limit_app, limited
from ratelimit_ddb.web import Rule, header

table = os.environ.get("RATE_LIMITS_TABLE")
store = DynamoDBStore(table) if table else MemoryStore()

app = Flask(__name__)
limit_app(
    app,
    store=store,
    rules=[
        Rule("/login", "5/minute", methods="POST"),
        Rule("/items/*", "20/second", by=header("x-api-key"), scope="endpoint"),
    ],
)


@app.post("/login")
def login() -> str:
    return "welcome\n"


@app.get("/items/<int:item>")
def show(item: int) -> str:
    return f"item {item}\n"


@app.get("/report")
@limited("2/hour", store=store, name="report")
def report() -> str:
    return "all is well\n"
