"""Limited views that another view calls, as a batch does, and what they give back.

The response of a view that Flask calls is the response to the request, as error handlers and
``after_request`` functions have made it. A view that another view calls has a response of its own,
which the other view may discard: a failed login stays counted even if the response to the batch is
200.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ratelimit_ddb.web.gate.view import method_of
from ratelimit_ddb.web.response_head import ResponseHead, head_of

_OK = 200


def is_nested(view: Any) -> bool:
    """Whether a view is called by another view, and not by Flask for the request."""
    native = flask.request
    routed = flask.current_app.view_functions.get(native.endpoint or "")
    method = method_of(getattr(routed, "view_class", None), native.method)
    return not any(one is view for start in (routed, method) for one in _unwrapped(start))


def head_of_value(value: Any) -> ResponseHead:
    """The head of the response that Flask would make of what a view returned."""
    status: Any = None
    headers: Any = None
    if isinstance(value, tuple):
        value, *others = value
        for one in others:
            if isinstance(one, dict | list | tuple | Headers):
                headers = one
            else:
                status = one
    if isinstance(value, Response):
        headers = [*value.headers.items(), *Headers(headers or ()).items()]
        status = value.status_code if status is None else status
    return head_of(_status_code(status), Headers(headers or ()).items())


def head_of_error(exception: Exception) -> ResponseHead | None:
    """The head of the response to an exception of Werkzeug's; None for any other one."""
    if not isinstance(exception, HTTPException):
        return None
    return head_of_value(exception.get_response())


def _status_code(status: Any) -> int:
    if status is None:
        return _OK
    return int(status.split()[0]) if isinstance(status, str) else int(status)


def _unwrapped(view: Any) -> Iterator[Any]:
    """A view, and what it was made of by decorators."""
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)
