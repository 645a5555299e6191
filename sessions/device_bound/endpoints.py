"""The two endpoints that a browser calls by itself: it binds a session, and refreshes its cookie.

    register   a proof of a new key             200, the bound cookie: the session has the key now
               none, or a wrong one             400
               of no session of a user          401
               of a session that has a key      409: it is never replaced
    refresh    no proof, or of an old challenge 403, a challenge; the browser asks again at once
               a proof of the session's key     200, the bound cookie
               a wrong one                      400, and the browser forgets the session, as it does
               of no session, or another one    401  after all of 400 to 499 but 403, 407 and 429
    the store is out of reach                   503, and the browser asks again later

They know the session by a cookie of their own, since the browser sends ``SameSite=Lax`` and
``Strict`` cookies with neither call after a link of another site was followed. They do no I/O:
each answer is a flow of operations. Neither call is a use of the session.

Source: the draft, "Server considerations" and "Send request".
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

from sessions.config.device_bound import DEVICE_BINDING
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import Headers
from sessions.device_bound import fields
from sessions.device_bound.binding import Binding
from sessions.device_bound.instructions import instructions
from sessions.device_bound.proof import InvalidProof, refresh_proof, registration_proof
from sessions.device_bound.settings import DeviceSettings
from sessions.errors import StoreUnavailable
from sessions.lifecycle.load import load
from sessions.lifecycle.save import encrypted
from sessions.loaded_session import LoadedSession
from sessions.operations.operation import Flow, ReadClock, Save
from sessions.operations.row import Row, require_item_fits

MAX_ATTEMPTS = 5

_TAKEN = (HTTPStatus.OK, HTTPStatus.FORBIDDEN)


class Asked(NamedTuple):
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


class Answer(NamedTuple):
    """What is answered.

    Attributes:
        status: such as 200.
        headers: its fields, names in lower case.
        body: its type is among the fields.
    """

    status: HTTPStatus
    headers: Headers
    body: bytes


_NOT_FOR_OTHERS: Headers = [
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
]


def answer(config: SessionConfig, settings: DeviceSettings, asked: Asked) -> Flow[Answer]:
    """What a request for one of the endpoints gets.

    Args:
        config: the application's.
        settings: what its sessions have in common.
        asked: the request.
    """
    if asked.method != "POST":
        return _refused(HTTPStatus.METHOD_NOT_ALLOWED, [("allow", "POST")])
    try:
        for _ in range(MAX_ATTEMPTS):
            answered = yield from _first_taken(config, settings, asked)
            if answered is not None:  # else something else in the session changed meanwhile
                return answered
    except StoreUnavailable:
        config.events.emit("unavailable", None, None)
    return _refused(HTTPStatus.SERVICE_UNAVAILABLE)


def _first_taken(
    config: SessionConfig, settings: DeviceSettings, asked: Asked
) -> Flow[Answer | None]:
    """The answer of the first of the request's cookies that can be meant.

    Another host of the domain may have set one in front, since the name has no ``__Host-``; that
    must not make the browser forget its key.
    """
    handle = _register if asked.path == settings.register_path else _refresh
    values = settings.endpoint_cookie(config.cookie).values_in(asked.cookies)
    refused: Answer | None = None
    for token in config.tokens.of_cookies(values).values():
        loaded = yield from load(config, token)
        if not isinstance(loaded, LoadedSession):
            continue
        answered = yield from handle(config, settings, asked, loaded)
        if answered is None or answered.status in _TAKEN:
            return answered
        refused = refused or answered
    return refused or _refused(HTTPStatus.UNAUTHORIZED)


def _register(
    config: SessionConfig, settings: DeviceSettings, asked: Asked, loaded: LoadedSession
) -> Flow[Answer | None]:
    row, now = loaded.row, loaded.loaded_at
    if row is None or row.owner_id is None:
        return _refused(HTTPStatus.UNAUTHORIZED)
    if DEVICE_BINDING in loaded.encoded:
        return _refused(HTTPStatus.CONFLICT)
    try:
        proof = registration_proof(fields.text_of(asked.response) or "")
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
    config: SessionConfig, settings: DeviceSettings, asked: Asked, loaded: LoadedSession
) -> Flow[Answer | None]:
    row, now = loaded.row, loaded.loaded_at
    binding = Binding.of_json(loaded.encoded.get(DEVICE_BINDING, ""))
    identifier = fields.text_of(asked.identifier)
    if row is None or binding is None or identifier != binding.identifier:
        return _refused(HTTPStatus.UNAUTHORIZED)
    if asked.response is None:
        return _challenged(settings, binding, now)
    try:
        proof = refresh_proof(fields.text_of(asked.response) or "", binding.key)
    except InvalidProof:
        return _wrong(config, row)
    if not settings.challenges.is_to_refresh(proof.challenge, binding, now):
        return _challenged(settings, binding, now)
    proved = binding.proved()
    if not (yield from _keep(config, row, proved)):
        return None
    return _bound(config, settings, proved, now)


def _keep(config: SessionConfig, row: Row, binding: Binding) -> Flow[bool]:
    """Keep a binding in a row, unless the row has changed; whether that was done.

    The row's times stay: browsers may call without their users.
    """
    now: int = yield ReadClock()
    changed = encrypted(config, row.session_id, {DEVICE_BINDING: binding.to_json()})
    require_item_fits({**row.data, **changed})
    seen_at, expires_at, nothing = row.last_seen_at, row.expires_at, frozenset[str]()
    saved: bool = yield Save(
        row.session_id, row.user_id, now, seen_at, expires_at, changed, nothing, row.version
    )
    return saved


def _bound(config: SessionConfig, settings: DeviceSettings, binding: Binding, now: int) -> Answer:
    cookie = settings.bound_cookie(config.cookie)
    value = settings.bound_cookies.new(binding, now)
    set_cookie = cookie.set_to(value, settings.bound_cookies.max_age_seconds)
    headers = [("content-type", "application/json"), ("set-cookie", set_cookie)]
    body = instructions(binding.identifier, settings.refresh_path, cookie)
    return Answer(HTTPStatus.OK, [*headers, *_NOT_FOR_OTHERS], body)


def _challenged(settings: DeviceSettings, binding: Binding, now: int) -> Answer:
    text = settings.challenges.to_refresh(binding, now)
    field = fields.challenge(text, binding.identifier)
    return _refused(HTTPStatus.FORBIDDEN, [(fields.CHALLENGE, field)])


def _wrong(config: SessionConfig, row: Row) -> Answer:
    config.events.emit("unproven", row.session_id, row.owner_id, "wrong_proof")
    return _refused(HTTPStatus.BAD_REQUEST)


def _refused(status: HTTPStatus, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    text = [("content-type", "text/plain; charset=utf-8"), *headers, *_NOT_FOR_OTHERS]
    return Answer(status, text, status.phrase.encode())
