"""The site's pages, plain and for event loops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseServerError,
    StreamingHttpResponse,
)
from django.urls import include, path, re_path


def hello(request: HttpRequest, **_captured: object) -> HttpResponse:
    return HttpResponse("hello")


async def hello_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def announcing(request: HttpRequest) -> HttpResponse:
    """Says something of its own limits."""
    headers = {"RateLimit": '"app";r=3;t=0', "X-RateLimit-Limit": "3", "Retry-After": "7"}
    return HttpResponse("mine", headers=headers)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield b"one "
        yield b"two"

    return StreamingHttpResponse(parts())


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))


async def stream_async(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    return StreamingHttpResponse(parts())


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def missing(request: HttpRequest) -> HttpResponse:
    raise Http404


def handler500(request: HttpRequest) -> HttpResponse:
    return HttpResponseServerError("sorry")


urlpatterns = [
    path("", hello),
    path("login", hello),
    path("async", hello_async),
    path("announcing", announcing),
    path("stream", stream),
    path("file", file),
    path("stream-async", stream_async),
    path("broken", broken),
    path("forbidden", forbidden),
    path("missing", missing),
    path("users/<int:id>", hello),
    path("users/<int:id>/posts", hello),
    path("shop/", include([path("items/<slug:item>", hello)])),
    re_path(r"^old/(?P<year>[0-9]{4})$", hello),
]
