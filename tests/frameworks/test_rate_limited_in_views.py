"""``@rate_limited`` below a view: an error to the framework, unless the guide's handler answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from ratelimit_ddb import MemoryStore, RateLimited, rate_limited
from tests.fake_clock import FakeClock
from tests.frameworks.asgi_client import ask

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "functions.md"


def with_pages(app: FastAPI) -> FastAPI:
    store = MemoryStore(clock=FakeClock())

    @app.get("/awaited/{number}")
    @rate_limited("1/minute", store=store, key=lambda number: number)
    async def awaited(number: int) -> int:
        return number

    @app.get("/plain/{number}")
    @rate_limited("1/minute", store=store, key=lambda number: number)
    def plain(number: int) -> int:
        return number

    return app


@pytest.mark.parametrize("path", ["/awaited/5", "/plain/5"])
def test_the_view_keeps_its_parameters_and_raises_where_it_is_denied(path: str) -> None:
    app = with_pages(FastAPI())
    assert ask(app, path).json() == 5
    with pytest.raises(RateLimited):
        ask(app, path)


@pytest.mark.parametrize("path", ["/awaited/5", "/plain/5"])
def test_the_guides_handler_answers_429(path: str) -> None:
    """A plain view runs in a thread, where no event loop is kept from running."""
    guide: dict[str, Any] = {}
    exec("".join(re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)), guide)
    app = with_pages(guide["app"])
    assert ask(app, path).status_code == 200
    denied = ask(app, path)
    assert (denied.status_code, denied.headers["retry-after"]) == (429, "60")
