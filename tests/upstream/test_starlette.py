"""Starlette's own tests of its session middleware, on these sessions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse

from sessions.asgi import SessionMiddleware
from sessions.operations.store import Store
from tests.upstream.sources import own_tests_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it works with httpx, and warns of a successor
    from starlette.testclient import TestClient

SAME = (
    "test_session",
    "test_secure_session",
    "test_invalid_session_cookie",
    "test_session_cookie",
    "test_set_cookie_only_on_modification",
    "test_vary_cookie_on_access",
    "test_session_persists_mutations",
)
CALLED = (
    "view_session",
    "update_session",
    "inplace_update_session",
    "popitem_session",
    "clear_session",
    "no_session_access",
)
DIFFERENCES = {
    "test_session_cookie_subpath": "the attribute is spelled Path",
    "test_domain_cookie": "a domain is written without the dot in front, which browsers ignore",
    "test_session_expires": "a lifetime of -1 is refused; what is over is tested with a clock",
    "test_session_zero_max_age": "a lifetime of 0 is refused",
}
"""Of ``partitioned``, and of Starlette's class Session by itself, nothing is here to test."""

TWO_WEEKS = 14 * 24 * 3_600
STORES: list[Store] = []
"""That of the test that runs."""


def middleware(app: Any, **given: Any) -> SessionMiddleware:
    """The middleware for what Starlette's is given."""
    lifetime = given.get("max_age", TWO_WEEKS)
    return SessionMiddleware(
        app,
        STORES[-1],
        cookie="session",
        secure=given.get("https_only", False),
        path=given.get("path", "/"),
        domain=given.get("domain"),
        idle=TWO_WEEKS if lifetime is None else lifetime,
        lifetime=TWO_WEEKS if lifetime is None else lifetime,
        persistent=lifetime is not None,
        deadline=5,
    )


class Answer(JSONResponse):
    """JSON of a session, which is a Mapping and no dict."""

    def __init__(self, content: dict[str, Any]) -> None:
        if "session" in content:
            content = {"session": dict(content["session"])}
        super().__init__(content)


@pytest.fixture
def test_client_factory(store: Store) -> Callable[..., TestClient]:
    STORES.append(store)
    return TestClient


# The session warns of a Secure cookie over http://testserver, which that test sends on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:the session's cookie is Secure:UserWarning")

globals().update(
    own_tests_of(
        "starlette",
        (*SAME, *CALLED),
        {
            "SessionMiddleware": middleware,
            "JSONResponse": Answer,
            "TestClientFactory": object,
            "TestClient": TestClient,
        },
        DIFFERENCES,
    )
)
