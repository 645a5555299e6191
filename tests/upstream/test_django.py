"""Django's own tests of session backends and of its session middleware, on these sessions.

``DIFFERENCES`` and ``MIDDLEWARE_DIFFERENCES`` name each that is meant to fail here, and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import SimpleTestCase

from sessions import DynamoDBSessionStore, MemorySessionStore
from sessions.django import SessionMiddleware, SessionStore
from tests.frameworks.django_site.with_sessions import with_sessions
from tests.upstream.sources import HOW_TO_GET_THEM, file_of, names_of

pytestmark = pytest.mark.skipif(not file_of("django").exists(), reason=HOW_TO_GET_THEM)

DIFFERENCES = {
    "test_session_key_valid_string_saved": "a text that could not be one of our keys is no key",
}
_DELETED = "the cookie is deleted with all attributes that set it, HttpOnly too"
MIDDLEWARE_DIFFERENCES = {
    "test_session_delete_on_end": _DELETED,
    "test_session_delete_on_end_with_custom_domain_and_path": _DELETED,
    "test_session_update_error_redirect": "the 400 says it in other words",
}


class _Model:
    """Stands for Django's model, in which its tests look rows up."""

    @property
    def objects(self) -> _Model:
        return self

    def get(self, session_key: str) -> SimpleNamespace:
        return SimpleNamespace(get_decoded=SessionStore(session_key).load)


DJANGOS = names_of(
    "django",
    {"SessionTestsMixin", "SessionMiddlewareTests"},
    {
        "DatabaseSession": SessionStore,
        "Session": _Model(),
        "SessionMiddleware": SessionMiddleware,
        "TestCase": SimpleTestCase,
    },
)


def suite(tests: str, differences: dict[str, str], where: str) -> type:
    """A class of Django's tests, of which some must fail, on the store of a fixture.

    Where they were not fetched it has none.
    """
    theirs: Any = DJANGOS.get(tests, type("Missing", (), {"test": lambda _self: None}))
    failing = {
        name: pytest.mark.xfail(strict=True, reason=reason)(getattr(theirs, name, None))
        for name, reason in differences.items()
    }
    bases = (theirs,) if issubclass(theirs, SimpleTestCase) else (theirs, SimpleTestCase)
    made = type(tests, bases, {"__module__": __name__, "backend": SessionStore, **failing})
    marked: type = pytest.mark.usefixtures(where)(made)
    return marked


@pytest.fixture(scope="class")
def in_memory() -> Iterator[None]:
    with with_sessions(MemorySessionStore()):
        yield


@pytest.fixture(scope="class")
def in_a_table(table_store: DynamoDBSessionStore) -> Iterator[None]:
    with with_sessions(table_store):
        yield


TestBackendInMemory = suite("SessionTestsMixin", DIFFERENCES, "in_memory")
TestBackendInATable = suite("SessionTestsMixin", DIFFERENCES, "in_a_table")
TestMiddlewareInMemory = suite("SessionMiddlewareTests", MIDDLEWARE_DIFFERENCES, "in_memory")
TestMiddlewareInATable = suite("SessionMiddlewareTests", MIDDLEWARE_DIFFERENCES, "in_a_table")
