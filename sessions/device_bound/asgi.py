"""The endpoints in ASGI. The session middleware calls them before the application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import cookie_field_in
from sessions.device_bound import fields
from sessions.device_bound.endpoints import EndpointRequest, answer
from sessions.device_bound.settings import DeviceSettings
from sessions.operations.driver import run_async
from sessions.response import Send


class ASGIEndpoints:
    """The endpoints of an application.

    Args:
        config: the application's.
        settings: the paths, cookies and secrets.
    """

    __slots__ = ("_config", "_settings")

    def __init__(self, config: SessionConfig, settings: DeviceSettings) -> None:
        self._config = config
        self._settings = settings

    async def __call__(self, scope: Mapping[str, Any], send: Send) -> bool:
        """Answer a request for an endpoint; whether it was one."""
        if scope["type"] != "http":
            return False
        path, root = scope["path"], scope.get("root_path", "")
        if not path.startswith(root):  # some servers leave it out of the path
            path = root + path
        if not self._settings.is_endpoint(path):
            return False
        request = EndpointRequest(
            path,
            scope["method"],
            cookie_field_in(scope["headers"]),
            _field(scope, fields.RESPONSE),
            _field(scope, fields.IDENTIFIER),
        )
        flow = answer(self._config, self._settings, request)
        answered = await run_async(flow, self._config.store, self._config.deadline_seconds)
        await answered.send(send, request.method)
        return True


def _field(scope: Mapping[str, Any], name: str) -> str | None:
    """A field's value. Several, which no browser sends, are joined and match no pattern."""
    values = [
        value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name.encode()
    ]
    return ", ".join(values) if values else None
