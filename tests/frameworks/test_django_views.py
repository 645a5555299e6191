"""Django: limits on single views, functions and classes, plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory, override_settings
from django.urls import resolve
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from ratelimit_ddb import ConcurrencyLimiter, MemoryStore
from ratelimit_ddb.django import RateLimitMiddleware, limited, user
from ratelimit_ddb.web import Request, Rule, everyone
from tests.flaky_store import FlakyStore
from tests.frameworks.django_site.accounts import AnonymousUser, User


def hello(request: HttpRequest, **captured: str) -> HttpResponse:
    return HttpResponse(f"hello {captured.get('item', '')}")


@pytest.fixture
def asked() -> HttpRequest:
    return RequestFactory().get("/")


def test_a_limit_on_a_view_is_its_own(store: MemoryStore, asked: HttpRequest) -> None:
    scarce = limited("1/minute", store=store, name="scarce")(hello)
    passed, denied = scarce(asked, item="a"), scarce(asked, item="b")
    assert (passed.content, passed.headers["ratelimit"]) == (b"hello a", '"scarce";r=0;t=60')
    assert (denied.status_code, denied.headers["retry-after"]) == (429, "60")
    assert "ratelimit" not in hello(asked).headers


def test_p3_a_request_object_used_again_is_another_request(
    store: MemoryStore, asked: HttpRequest
) -> None:
    """As in tests: what the calls before took is not given back when one is denied."""
    view = limited("2/minute", store=store, name="scarce")(hello)
    assert [view(asked).status_code for _ in range(5)] == [200, 200, 429, 429, 429]


def test_p3_so_it_is_where_the_view_raised(store: MemoryStore, asked: HttpRequest) -> None:
    def broken(request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    view = limited("2/minute", store=store, name="scarce")(broken)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            view(asked)
    assert [view(asked).status_code for _ in range(3)] == [429, 429, 429]


def test_p3_so_it_is_before_the_middleware(store: MemoryStore, asked: HttpRequest) -> None:
    def broken(request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    with override_settings(RATELIMIT_DDB={"STORE": store, "RULES": Rule("/*", "2/minute")}):
        site = RateLimitMiddleware(broken)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            site(asked)
    assert [site(asked).status_code for _ in range(3)] == [429, 429, 429]


def test_a_limited_view_keeps_its_name_and_its_marks(store: MemoryStore) -> None:
    exempt = limited("1/minute", store=store)(csrf_exempt(hello))
    assert exempt.__name__ == "hello"
    assert exempt.csrf_exempt


def test_a_limited_view_sees_its_route(store: MemoryStore, asked: HttpRequest) -> None:
    seen: list[str | None] = []

    def by(request: Request) -> str:
        seen.append(request.endpoint)
        return "all"

    view = limited("9/minute", store=store, by=by)(hello)
    view(asked)
    asked.resolver_match = resolve("/users/7")
    view(asked)
    assert seen == [None, "/users/<int:id>"]


def test_a_view_limit_may_go_by_users(store: MemoryStore, asked: HttpRequest) -> None:
    view = limited("1/minute", store=store, by=user())(hello)
    found = []
    for who in (User(pk=1), User(pk=2), AnonymousUser(), User(pk=1)):
        asked.user = who
        found.append(view(asked).status_code)
    assert found == [200, 200, 200, 429]


def test_classes_with_a_limited_dispatch_do_not_share_a_bucket(
    store: MemoryStore, asked: HttpRequest
) -> None:
    limit = method_decorator(limited("1/minute", store=store), name="dispatch")

    @limit
    class Items(View):
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("items")

    @limit
    class Shops(View):
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("shops")

    class Markets(Shops):
        pass

    views = [Items.as_view(), Shops.as_view(), Markets.as_view()]
    assert [view(asked).status_code for view in views * 2] == [200] * 3 + [429] * 3


def test_methods_of_a_class_based_view_are_limited_each_by_itself(
    store: MemoryStore, asked: HttpRequest
) -> None:
    def marked(view: Callable[..., Any]) -> Callable[..., Any]:
        exempt: Callable[..., Any] = csrf_exempt(view)
        return exempt

    class Items(View):
        @method_decorator(limited("1/minute", store=store))
        def get(self, request: HttpRequest, item: str) -> HttpResponse:
            return HttpResponse(f"{type(self).__name__} {item}")

        @method_decorator([limited("1/minute", store=store), csrf_exempt])
        def post(self, request: HttpRequest, item: str) -> HttpResponse:
            return HttpResponse("stored")

    view = Items.as_view()
    posted = RequestFactory().post("/")
    assert view(asked, item="a").content == b"Items a"
    assert view(posted, item="a").status_code == 200
    assert view(asked, item="b").status_code == 429
    assert view(posted, item="b").status_code == 429


def test_a_limited_method_denies_from_memory_as_a_function_does(asked: HttpRequest) -> None:
    store = FlakyStore()

    class Items(View):
        @method_decorator(limited("1/minute", store=store))
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("items")

    view = Items.as_view()
    assert [view(asked).status_code for _ in range(9)] == [200] + [429] * 8
    assert len(store.operations) <= 2


def test_as_view_may_be_limited_as_a_whole(store: MemoryStore, asked: HttpRequest) -> None:
    class Items(View):
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("items")

    class Shops(Items):
        pass

    views = [limited("1/minute", store=store)(one.as_view()) for one in (Items, Shops)]
    assert [view(asked).status_code for view in views * 2] == [200, 200, 429, 429]


def test_a_bare_method_cannot_be_limited(store: MemoryStore, asked: HttpRequest) -> None:
    class Items(View):
        @limited("1/minute", store=store)
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("items")

    with pytest.raises(TypeError, match="use @method_decorator"):
        Items.as_view()(asked)


def test_what_is_no_response_is_left_for_django_to_complain_of(
    store: MemoryStore, asked: HttpRequest
) -> None:
    assert limited("1/minute", store=store)(lambda _request: None)(asked) is None


@pytest.mark.parametrize("wrong", [{"limits": "often"}, {"by": 3}, {"fields": "loud"}])
def test_what_cannot_hold_is_refused_when_the_view_is_decorated(
    store: MemoryStore, wrong: dict[str, Any]
) -> None:
    options: dict[str, Any] = {"limits": "1/minute", "store": store, **wrong}
    with pytest.raises((TypeError, ValueError), match=str(next(iter(wrong.values())))):
        limited(options.pop("limits"), **options)(hello)


def test_a_coroutine_function_is_refused_when_a_plain_view_is_decorated(
    store: MemoryStore,
) -> None:
    async def by(request: Request) -> str:
        return "x"

    with pytest.raises(TypeError, match="coroutine function"):
        limited("1/minute", store=store, by=by)(hello)


@pytest.mark.parametrize("limits", [None, "9/minute"])
def test_p16_a_view_holds_its_slot_until_the_server_closes_the_response(
    store: MemoryStore, asked: HttpRequest, limits: str | None
) -> None:
    slots = ConcurrencyLimiter(store, 1)

    @limited(limits, store=store, in_flight=1, by=everyone(), name="slow")
    def view(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(iter([b"a", b"b"]))

    response = view(asked)
    assert slots.peek("slow:everyone").remaining == 0
    denied = view(asked)
    assert (denied.status_code, denied.headers["retry-after"]) == (429, "1")
    assert b"".join(response) == b"ab"
    response.close()
    assert slots.peek("slow:everyone").remaining == 1


def test_a_view_that_raises_releases_its_slot(store: MemoryStore, asked: HttpRequest) -> None:
    @limited(store=store, in_flight=1, by=everyone(), name="slow")
    def fails(request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            fails(asked)
    assert ConcurrencyLimiter(store, 1).peek("slow:everyone").remaining == 1
