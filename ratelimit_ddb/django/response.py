"""An answer as Django's response, the limits' fields in the view's own, and error pages."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError

from ratelimit_ddb.web.response.denial_response import DenialResponse, Fields
from ratelimit_ddb.web.response_head import ResponseHead, head_of_exception, status_of_exception

_STATUS_OF_EXCEPTION = (
    (Http404, 404),
    (PermissionDenied, 403),
    (MultiPartParserError, 400),
    (BadRequest, 400),
    (SuspiciousOperation, 400),
)
"""What Django answers where a view raises; 500 for all else (``response_for_exception``)."""


def head_of_error_page(exception: Exception) -> ResponseHead:
    """The response that Django will make of it, or a framework on Django that knows it."""
    for kind, status in _STATUS_OF_EXCEPTION:
        if isinstance(exception, kind):
            return head_of_exception(exception, status)
    said = status_of_exception(exception)
    return head_of_exception(exception) if said is None else head_of_exception(exception, said)


def response_of(answer: DenialResponse) -> HttpResponse:
    """An answer as Django sends it."""
    response = HttpResponse(answer.body, status=answer.status)
    del response.headers["content-type"]  # Django's default is not the answer's
    return with_fields(answer.headers, response)


def with_fields(fields: Fields, response: Any) -> Any:
    """A response with the fields of limits added."""
    if not isinstance(response, HttpResponseBase):
        return response  # a mistake of the view's, for Django to name
    is_told = "x-ratelimit-limit" in response.headers
    for name, value in fields:
        there = response.headers.get(name)
        if name == "set-cookie":
            response.cookies.load(value)
        elif name.startswith("x-ratelimit-"):
            if not is_told:  # they can be there once: those nearest to the view are
                response.headers[name] = value
        else:  # the other fields of limits are lists, and add up
            response.headers[name] = value if there is None else f"{there}, {value}"
    return response
