"""The example site: sessions and limits together, as a user meets them."""

from __future__ import annotations

import runpy
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sessions.demo.server import serving
from tests.browser.browser import PATIENCE_SECONDS, Browser

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "site.py"


def post(port: int) -> int:
    """The status of an attempt from the same address, by hand and without a token."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("POST", "/login", body="")
    status = connection.getresponse().status
    connection.close()
    return status


def test_attempts_to_log_in_are_limited_and_the_session_goes_on(
    drivers: tuple[Chrome, Chrome], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SESSIONS_TABLE", "RATE_LIMITS_TABLE"):
        monkeypatch.delenv(name, raising=False)
    with serving(runpy.run_path(str(EXAMPLE))["app"]) as server:
        browser = Browser(drivers[0], server.url, "session")
        browser.forget_everything()
        browser.login("ada")
        assert browser.heading == "Hello, ada"
        assert [post(server.server_port) for _ in range(4)] == [403] * 4

        browser.login("ada")

        assert browser.heading == "Too many requests"
        assert "Over the limit of 5 per minute" in browser.text
        browser.open()
        assert browser.heading == "Hello, ada"
