"""The two endpoints that a browser calls by itself, to bind a session and to refresh its cookie.

    register   a proof of a new key             200, the bound cookie; the session has the key now
               no proof, or a wrong one         400
               the session has no user          401
               the session has a key already    409; it is never replaced
    refresh    no proof, or an old challenge    403, a challenge; the browser calls again at once
               a proof of the session's key     200, the bound cookie
               a wrong proof                    400
               no session, or another one       401
    both       the store is out of reach        503; the browser calls again later

After any status of 400 to 499 but 403, 407 and 429, a browser forgets the session's key.

They find the session by a cookie of their own: after a link from another site, a browser sends
``SameSite=Lax`` and ``Strict`` cookies with neither call. They do no I/O: each response is a flow
of operations. Neither call is a use of the session.

Source: the draft, "Server considerations" and "Send request".
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

from sessions.config.device_bound import DEVICE_BINDING
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import NO_STORE, Headers
from sessions.device_bound import fields
from sessions.device_bound.binding import Binding
from sessions.device_bound.instructions import instructions
from sessions.device_bound.proof import InvalidProof, refresh_proof, registration_proof
from sessions.device_bound.settings import DeviceSettings
from sessions.errors import StoreUnavailable
from sessions.lifecycle.load import load
from sessions.lifecycle.new_row import encrypted
from sessions.loaded_session import LoadedSession
from sessions.operations.operation import Flow, ReadClock, Save
from sessions.operations.row import Row, require_item_fits
from sessions.response import Response

MAX_ATTEMPTS = 5

_TAKEN = (HTTPStatus.OK, HTTPStatus.FORBIDDEN)


class EndpointRequest(NamedTuple):
    """A request for an endpoint.

    Attributes:
        path: such as ``"/device-bound-session/refresh"``.
        method: such as ``"POST"``.
        cookies: its Cookie field; None if it has none.
        response: its Secure-Session-Response field; None if it has none.
        identifier: its Sec-Secure-Session-Id field; None if it has none.
    """

    path: str
    method: str
    cookies: str | None
    response: str | None
    identifier: str | None


_NOT_FOR_OTHERS: Headers = [
    NO_STORE,
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
]


def answer(
    config: SessionConfig, settings: DeviceSettings, request: EndpointRequest
) -> Flow[Response]:
    """The response to a request for one of the endpoints.

    Args:
        config: the application's.
        settings: the paths, cookies and secrets.
        request: the request.
    """
    if request.method != "POST":
        return _refused(HTTPStatus.METHOD_NOT_ALLOWED, [("allow", "POST")])
    try:
        for _ in range(MAX_ATTEMPTS):
            answered = yield from _first_taken(config, settings, request)
            if answered is not None:  # else another request changed the session meanwhile
                return answered
    except StoreUnavailable:
        config.events.emit("unavailable", None, None)
    return _refused(HTTPStatus.SERVICE_UNAVAILABLE)


def _first_taken(
    config: SessionConfig, settings: DeviceSettings, request: EndpointRequest
) -> Flow[Response | None]:
    """The response for the first of the request's cookies that is accepted.

    Another host of the domain may have set a cookie that comes first, since the name has no
    ``__Host-`` prefix. That must not make the browser forget its key.
    """
    handle = _register if request.path == settings.register_path else _refresh
    values = settings.endpoint_cookie(config.cookie).values_in(request.cookies)
    refused: Response | None = None
    for token in config.tokens.of_cookies(values).values():
        loaded = yield from load(config, token)
        if not isinstance(loaded, LoadedSession):
            continue
        answered = yield from handle(config, settings, request, loaded)
        if answered is None or answered.status in _TAKEN:
            return answered
        refused = refused or answered
    return refused or _refused(HTTPStatus.UNAUTHORIZED)


def _register(
    config: SessionConfig, settings: DeviceSettings, request: EndpointRequest, loaded: LoadedSession
) -> Flow[Response | None]:
    row, now = loaded.row, loaded.loaded_at
    if row is None or row.owner_id is None:
        return _refused(HTTPStatus.UNAUTHORIZED)
    if DEVICE_BINDING in loaded.encoded:
        return _refused(HTTPStatus.CONFLICT)
    try:
        proof = registration_proof(fields.text_of(request.response) or "")
    except InvalidProof:
        return _wrong(config, row)
    if not settings.challenges.is_to_register(proof.challenge, row.session_id, now):
        return _wrong(config, row)
    binding = Binding.new(proof.key, now)
    if not (yield from _keep(config, row, binding)):
        return None
    config.events.emit("bound", row.session_id, row.owner_id)
    return _bound(config, settings, binding, now)


def _refresh(
    config: SessionConfig, settings: DeviceSettings, request: EndpointRequest, loaded: LoadedSession
) -> Flow[Response | None]:
    row, now = loaded.row, loaded.loaded_at
    binding = Binding.of_json(loaded.encoded.get(DEVICE_BINDING, ""))
    identifier = fields.text_of(request.identifier)
    if row is None or binding is None or identifier != binding.identifier:
        return _refused(HTTPStatus.UNAUTHORIZED)
    if request.response is None:
        return _challenged(settings, binding, now)
    try:
        proof = refresh_proof(fields.text_of(request.response) or "", binding.key)
    except InvalidProof:
        return _wrong(config, row)
    if not settings.challenges.is_to_refresh(proof.challenge, binding, now):
        return _challenged(settings, binding, now)
    proved = binding.proved()
    if not (yield from _keep(config, row, proved)):
        return None
    return _bound(config, settings, proved, now)


def _keep(config: SessionConfig, row: Row, binding: Binding) -> Flow[bool]:
    """Save a binding in a row, unless the row has changed; whether it was saved.

    The row's times stay: a browser may call without its user.
    """
    now: int = yield ReadClock()
    changed = encrypted(config, row.session_id, {DEVICE_BINDING: binding.to_json()})
    require_item_fits({**row.data, **changed})
    seen_at, expires_at, nothing = row.last_seen_at, row.expires_at, frozenset[str]()
    saved: bool = yield Save(
        row.session_id, row.user_id, now, seen_at, expires_at, changed, nothing, row.version
    )
    return saved


def _bound(config: SessionConfig, settings: DeviceSettings, binding: Binding, now: int) -> Response:
    cookie = settings.bound_cookie(config.cookie)
    value = settings.bound_cookies.new(binding, now)
    set_cookie = cookie.set_to(value, settings.bound_cookies.max_age_seconds)
    headers = [("content-type", "application/json"), ("set-cookie", set_cookie)]
    body = instructions(binding.identifier, settings.refresh_path, cookie)
    return Response(HTTPStatus.OK, [*headers, *_NOT_FOR_OTHERS], body)


def _challenged(settings: DeviceSettings, binding: Binding, now: int) -> Response:
    text = settings.challenges.to_refresh(binding, now)
    field = fields.challenge(text, binding.identifier)
    return _refused(HTTPStatus.FORBIDDEN, [(fields.CHALLENGE, field)])


def _wrong(config: SessionConfig, row: Row) -> Response:
    config.events.emit("unproven", row.session_id, row.owner_id, "wrong_proof")
    return _refused(HTTPStatus.BAD_REQUEST)


def _refused(status: HTTPStatus, headers: Iterable[tuple[str, str]] = ()) -> Response:
    return Response.of_text(status, [*headers, *_NOT_FOR_OTHERS], status.phrase)
