"""The endpoints in WSGI. The session middleware calls them before the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.config.session_config import SessionConfig
from sessions.device_bound import fields
from sessions.device_bound.endpoints import EndpointRequest, answer
from sessions.device_bound.settings import DeviceSettings
from sessions.operations.driver import run

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class WSGIEndpoints:
    """The endpoints of an application.

    Args:
        config: the application's.
        settings: the paths, cookies and secrets.
    """

    __slots__ = ("_config", "_settings")

    def __init__(self, config: SessionConfig, settings: DeviceSettings) -> None:
        self._config = config
        self._settings = settings

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes] | None:
        """Answer a request for an endpoint; None if it is not one."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if not self._settings.is_endpoint(path):
            return None
        request = EndpointRequest(
            path,
            environ["REQUEST_METHOD"],
            environ.get("HTTP_COOKIE"),
            environ.get(_key(fields.RESPONSE)),
            environ.get(_key(fields.IDENTIFIER)),
        )
        flow = answer(self._config, self._settings, request)
        answered = run(flow, self._config.store, self._config.deadline_seconds)
        return answered.start(start_response, request.method)


def _key(field: str) -> str:
    return "HTTP_" + field.upper().replace("-", "_")
