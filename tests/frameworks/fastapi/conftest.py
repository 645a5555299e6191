"""Applications of FastAPI to limit."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from ratelimit_ddb.fastapi import install


@pytest.fixture(params=["bare", "installed"])
def app(request: pytest.FixtureRequest) -> FastAPI:
    """An application, as it is and with the limits installed."""
    made = FastAPI()
    if request.param == "installed":
        install(made)
    return made
