"""P15: views that serve files resolve dot segments, which routers leave in the path."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import flask
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from django.urls import path
from django.views.static import serve
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

import tests.frameworks.django_site  # noqa: F401 - sets Django up
from ratelimit_ddb import MemoryStore, asgi, wsgi
from ratelimit_ddb.web import Rule
from tests.web.exchange import Get, environ_of, scope_of

FOLDER = Path(__file__).parent / "routing"
FILE = "targets.py"
RULE = Rule(f"/files/{FILE}", "99/hour")
TARGETS = [
    f"/files/{before}{FILE}"
    for before in ("", "./", "a/../", "a/b/.././../", "//", ".//a/../", "a/..//", "../files/")
]
LEAST_SERVED = 4

urlpatterns = [path("files/<path:path>", serve, {"document_root": FOLDER})]


def in_flask() -> Any:
    app = flask.Flask("files", root_path=".")
    app.add_url_rule(
        "/files/<path:name>", view_func=lambda name: flask.send_from_directory(FOLDER, name)
    )
    return app.wsgi_app


@pytest.mark.parametrize("make", [in_flask, WSGIHandler])
def test_p15_a_file_is_seen_by_each_path_that_it_is_served_for(make: Any) -> None:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        app: Any = wsgi.RateLimitMiddleware(make(), MemoryStore(), RULE)
        served = 0
        for target in TARGETS:
            started: list[Any] = []
            content = app(environ_of(Get(target)), lambda *start: started.append(start))  # noqa: B023
            content.close()
            status, fields = started[0][:2]
            if status == "200 OK":
                served += 1
                assert "ratelimit" in dict(fields), target
    assert served >= LEAST_SERVED


def test_p15_a_file_is_seen_by_each_path_that_starlette_serves_it_for() -> None:
    files = Starlette(routes=[Mount("/files", StaticFiles(directory=FOLDER))])
    app: Any = asgi.RateLimitMiddleware(files, MemoryStore(), RULE)

    async def start(target: str) -> Any:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await app({**scope_of(Get(target)), "query_string": b""}, asyncio.Event().wait, send)
        return sent[0]

    served = 0
    for target in TARGETS:
        started = asyncio.run(start(target))
        if started["status"] == 200:
            served += 1
            assert b"ratelimit" in dict(started["headers"]), target
    assert served >= LEAST_SERVED
