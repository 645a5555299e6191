"""A Django request as rules see it, and the view and route that Django chooses for it."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.urls import ResolverMatch, resolve

from ratelimit_ddb.web.request import Request, fields_of_environ


def match_of(native: HttpRequest) -> ResolverMatch | None:
    """The view that Django will choose for a request; None for a 404."""
    try:
        return resolve(native.path_info, getattr(native, "urlconf", None))
    except Http404:
        return None


def template_of(match: ResolverMatch | None) -> str | None:
    """The route of a view, such as ``"/users/<int:id>"``."""
    return None if match is None or match.route is None else f"/{match.route}"


def request_of(native: HttpRequest) -> Request:
    """A Django request as rules see it. Its session is loaded only when a rule reads it."""
    if not hasattr(native, "META"):
        raise TypeError(
            f"{native!r} is not a request; on a method, use @method_decorator(limited(...))"
        )
    return Request(
        native.method or "GET",
        native.path_info or "/",
        native.META.get("REMOTE_ADDR") or None,
        native,
        lambda native, name: fields_of_environ(native.META, name),
        template_of(native.resolver_match),
        getattr(native, "session", None),  # lazy: it is loaded when a rule reads it
    )
