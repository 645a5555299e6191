"""Django's SessionStore by itself, on a store that tells what it was asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.frameworks.django_site.with_sessions import with_sessions
from tests.frameworks.seen_store import SeenStore


@pytest.fixture(autouse=True)
def store() -> Iterator[SeenStore]:
    made = SeenStore()
    with with_sessions(made, SESSION_COOKIE_AGE=1_200):
        yield made
