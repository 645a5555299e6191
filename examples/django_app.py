"""A Django site in one file, with limits from its settings and a tighter one on a view.

Run it with ``python -m examples.django_app runserver`` or ``uvicorn examples.django_app:app``.
With RATE_LIMITS_TABLE set it uses that DynamoDB table, otherwise this process's memory.
"""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import path

from ratelimit_ddb import DynamoDBStore, MemoryStore
from ratelimit_ddb.django import limited
from ratelimit_ddb.web import Rule, header

table = os.environ.get("RATE_LIMITS_TABLE")
store = DynamoDBStore(table) if table else MemoryStore()

settings.configure(
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    MIDDLEWARE=["ratelimit_ddb.django.RateLimitMiddleware"],
    RATELIMIT_DDB={
        "STORE": store,
        "RULES": [
            Rule("/login", "5/minute", methods="POST"),
            Rule("/items/*", "20/second", by=header("x-api-key"), scope="endpoint"),
        ],
    },
    ROOT_URLCONF=__name__,
)


def login(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"welcome": True})


def show(request: HttpRequest, item: int) -> JsonResponse:
    return JsonResponse({"item": item})


@limited("2/hour", store=store, name="report")
async def report(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"all": "well"})


urlpatterns = [path("login", login), path("items/<int:item>", show), path("report", report)]
app = get_asgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
