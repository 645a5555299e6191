"""A site of Flask with sessions, and a client of it."""

from __future__ import annotations

import flask
import pytest
from flask.testing import FlaskClient

from tests.frameworks.flask_sessions_site import site
from tests.frameworks.seen_store import SeenStore


@pytest.fixture
def store() -> SeenStore:
    return SeenStore()


@pytest.fixture
def app(store: SeenStore) -> flask.Flask:
    return site(store)


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    return app.test_client()
