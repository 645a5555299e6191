"""Django responses: of a denial, with the fields of limits, and of an exception."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from http.cookies import Morsel
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError

from ratelimit_ddb.web.response.denial_response import DenialResponse, Fields
from ratelimit_ddb.web.response.fields import fields_beside
from ratelimit_ddb.web.response_head import ResponseHead, head_of_exception, status_of_exception

_STATUS_OF_EXCEPTION = (
    (Http404, 404),
    (PermissionDenied, 403),
    (MultiPartParserError, 400),
    (BadRequest, 400),
    (SuspiciousOperation, 400),
)
"""Django's responses to exceptions of views; 500 for others (``response_for_exception``)."""


def known_head(exception: Exception) -> ResponseHead | None:
    """The response that Django makes of an exception, or a framework on Django that knows it.

    None if it is 500, unless a handler answers the exception (``uncaught.py``).
    """
    for kind, status in _STATUS_OF_EXCEPTION:
        if isinstance(exception, kind):
            return head_of_exception(exception, status)
    said = status_of_exception(exception)
    return None if said is None else head_of_exception(exception, said)


def response_of(answer: DenialResponse) -> HttpResponse:
    """The response to a denied request, as a Django response."""
    response = HttpResponse(answer.body, status=answer.status)
    del response.headers["content-type"]  # the default of Django
    return with_fields(answer.headers, response)


def with_fields(fields: Fields, response: Any) -> Any:
    """A response with the fields of limits added."""
    if not isinstance(response, HttpResponseBase):
        return response  # a mistake in the view, which Django reports
    for name, value in fields_beside(response.headers, fields):
        there = response.headers.get(name)
        if name == "set-cookie":
            cookie = _CookieAsWritten(value)
            key = value if cookie.key in response.cookies else cookie.key
            response.cookies[key] = cookie
        else:  # the fields of limits that may be there already are lists
            response.headers[name] = value if there is None else f"{there}, {value}"
    return response


class _CookieAsWritten(Morsel[str]):
    """A cookie that is sent as ``on_denied`` wrote it.

    ``http.cookies`` drops a field that has an attribute without a value that it doesn't know, and
    takes an unknown one with a value for another cookie.
    """

    def __init__(self, field: str) -> None:
        super().__init__()
        self._field = field
        name, _, value = field.partition(";")[0].partition("=")
        self.set(name.strip(), value.strip(), value.strip())

    def OutputString(self, attrs: object = None) -> str:  # noqa: ARG002, N802 - Morsel's
        return self._field
