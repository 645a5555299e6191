"""What is done at the end of a response: release slots and settle a reservation."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import flask
from werkzeug.local import LocalProxy

from ratelimit_ddb.web.gate.request_reservation import has_failed

_End = Callable[..., None]
"""Called with ``failed=`` when a response is over; of several calls the first one counts."""

_AWAITED = "_ratelimit_ddb_awaited"


class _Response(NamedTuple):
    """The response whose end is waited for.

    Attributes:
        found: it itself, as long as somebody has it.
        failed: whether its status says that the request failed.
    """

    found: weakref.ref[flask.Response]
    failed: bool


def _awaited() -> dict[_End, _Response | None]:
    """What is to be done at the end of the request's response, and which one that is."""
    awaited: dict[_End, _Response | None] = flask.g.setdefault(_AWAITED, {})
    return awaited


def at_end(end: _End) -> None:
    """Have ``end`` called when the server closes the response, streamed or not."""
    _awaited()[end] = None
    flask.after_this_request(functools.partial(_ending, end))


def _ending(end: _End, response: flask.Response) -> flask.Response:
    """A response that calls ``end``; of several that are made of a request, the last one counts."""
    failed = has_failed(response.status_code, raised=False)
    _awaited()[end] = _Response(weakref.ref(response), failed)
    response.call_on_close(functools.partial(end, failed=failed))
    return response


def end_without_response(exception: BaseException | None) -> None:
    """Call what nobody else will: there is no response, or another one took its place.

    One that is being sent is left alone, though what it streams may have raised: then this is
    called before the server closes the response.
    """
    for end, response in _awaited().items():
        if response is None:
            end(failed=isinstance(exception, Exception))
        elif response.found() is None:
            end(failed=response.failed)


def end_with_request() -> None:
    """The same of a view's limit, which has no app to give a teardown function to.

    Flask closes the request where it calls those.
    """
    native: Any = cast("LocalProxy[Any]", flask.request)._get_current_object()
    close = native.close

    def close_and_end() -> None:
        try:
            close()
        finally:
            end_without_response(None)

    native.close = close_and_end
