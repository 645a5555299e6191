"""Django: exceptions without a status, which Django or a handler answers, and ``give_back``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.django import limited
from ratelimit_ddb.web import ResponseHead
from tests.frameworks import django_site  # noqa: F401  # sets Django up


class OutOfStock(Exception):
    """An exception of the site's own, without a status."""


def handled(view: Callable[..., Any]) -> Callable[..., Any]:
    """As Django REST Framework and Ninja do, outside of a view's decorators."""

    def handling(request: HttpRequest) -> Any:
        try:
            return view(request)
        except OutOfStock:
            return HttpResponse("none left", status=409)

    return handling


class Handler:
    """A middleware that answers it; a function of exceptions is what Django asks it for."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self._get_response(request)

    def process_exception(self, _request: HttpRequest, exception: Exception) -> Any:
        return HttpResponse(status=409) if isinstance(exception, OutOfStock) else None


HANDLER = f"{__name__}.Handler"


def raising(_request: HttpRequest) -> HttpResponse:
    raise OutOfStock


async def raising_async(_request: HttpRequest) -> HttpResponse:
    raise OutOfStock


def failed(head: ResponseHead) -> bool:
    return head.exception is not None and head.status == 500


async def failed_async(head: ResponseHead) -> bool:
    await asyncio.sleep(0)
    return failed(head)


def statuses(view: Any, *middleware: str) -> list[int]:
    urls = (path("", view),)
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=middleware):
        client = Client(raise_request_exception=False)
        return [client.get("/").status_code for _ in range(4)]


def statuses_async(view: Any) -> list[int]:
    async def asked() -> list[int]:
        client = AsyncClient(raise_request_exception=False)
        return [(await client.get("/")).status_code for _ in range(4)]

    with override_settings(ROOT_URLCONF=(path("", view),), MIDDLEWARE=[]):
        return asyncio.run(asked())


def test_an_exception_that_nobody_handles_is_a_failure_of_the_server(store: MemoryStore) -> None:
    assert statuses(limited("2/hour", store=store, give_back="5xx")(raising)) == [500] * 4
    assert (
        statuses(limited("2/hour", store=store, name="a", give_back=failed)(raising)) == [500] * 4
    )


def test_so_it_is_in_an_event_loop(store: MemoryStore) -> None:
    view = limited("2/hour", store=store, give_back=failed_async)(raising_async)
    assert statuses_async(view) == [500] * 4
    plain = limited("2/hour", store=store, give_back=failed)(raising)
    assert statuses_async(plain) == [500] * 4


def test_p14_an_exception_that_is_answered_otherwise_counts(store: MemoryStore) -> None:
    def view(name: str) -> Any:
        return limited("2/hour", store=store, give_back="5xx", name=name)(raising)

    assert statuses(handled(view("a decorator"))) == [409] * 2 + [429] * 2
    assert statuses(view("a middleware"), HANDLER) == [409] * 2 + [429] * 2


def test_p14_an_exception_that_was_answered_counts_whatever_is_raised_later(
    store: MemoryStore,
) -> None:
    part = handled(limited("2/hour", store=store, give_back="5xx")(raising))

    def page(request: HttpRequest) -> HttpResponse:
        if part(request).status_code == 429:
            return HttpResponse(status=429)
        raise ZeroDivisionError

    assert statuses(page) == [500] * 2 + [429] * 2


def test_an_exception_that_is_raised_from_it_is_the_same_failure(store: MemoryStore) -> None:
    part = limited("2/hour", store=store, give_back="5xx")(raising)

    def page(request: HttpRequest) -> HttpResponse:
        try:
            part(request)
        except OutOfStock as error:
            raise LookupError from error
        raise AssertionError

    assert statuses(page) == [500] * 4


def test_a_view_that_a_test_calls_itself_is_counted_at_once(store: MemoryStore) -> None:
    view = limited("2/hour", store=store, give_back="5xx")(raising)
    for _ in range(4):
        with pytest.raises(OutOfStock):
            view(RequestFactory().get("/"))
