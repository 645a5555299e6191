"""Flask: limits on single views, functions and classes."""

from __future__ import annotations

from typing import Any

import flask
import pytest
from flask.views import MethodView, View

from ratelimit_ddb import ConcurrencyLimiter, MemoryStore
from ratelimit_ddb.flask import limit_app, limited
from ratelimit_ddb.web import Request, Rule, everyone, header
from tests.flaky_store import FlakyStore
from tests.frameworks.flask_site import limits_of, site


def test_a_limit_on_a_view_leaves_the_others_alone(store: MemoryStore) -> None:
    app = site()

    @app.get("/scarce")
    @limited("1/minute", store=store, name="scarce")
    def scarce() -> tuple[str, int]:
        return "here", 201

    client = app.test_client()
    passed, denied, other = client.get("/scarce"), client.get("/scarce"), client.get("/")
    assert (passed.status_code, passed.text, limits_of(passed)) == (
        201,
        "here",
        '"scarce";r=0;t=60',
    )
    assert (denied.status_code, denied.headers["retry-after"]) == (429, "60")
    assert (other.status_code, limits_of(other)) == (200, "")


def test_a_denial_is_a_response_whatever_the_error_handler_gives(store: MemoryStore) -> None:
    # Decorators further out, such as Flask-RESTful's, make JSON of what is no response.
    app = site()

    @app.errorhandler(429)
    def slow_down(error: Any) -> Any:
        return flask.jsonify(why=error.description), 429, {"x-why": "limit"}

    limit = limited("1/minute", store=store)

    @app.get("/list")
    def listed() -> Any:
        given = limit(numbers)()
        return given if isinstance(given, flask.Response) else flask.jsonify(given)

    def numbers() -> Any:
        return [1, 2]

    client = app.test_client()
    passed, denied = client.get("/list"), client.get("/list")
    assert passed.json == [1, 2]
    assert (denied.status_code, denied.headers["x-why"]) == (429, "limit")
    assert denied.headers["retry-after"] == "60"


def test_a_view_limit_below_limits_of_the_app_adds_its_fields_to_theirs(
    store: MemoryStore,
) -> None:
    app = site()

    @app.get("/scarce")
    @limited("1/minute", store=store, name="scarce", fields="both")
    def scarce() -> str:
        return "here"

    limit_app(app, store=store, rules=Rule("/*", "9/minute", name="app"), fields="both")
    client = app.test_client()
    passed, denied = client.get("/scarce"), client.get("/scarce")
    assert limits_of(passed) == '"app";r=8;t=7, "scarce";r=0;t=60'
    for response in (passed, denied):
        assert response.headers.getlist("x-ratelimit-limit") == ["1"]
        assert len(response.headers.getlist("retry-after")) <= 1
    assert denied.status_code == 429


def test_a_limited_view_that_raises_tells_its_fields_too(store: MemoryStore) -> None:
    app = site()

    @app.get("/raising")
    @limited("5/minute", store=store, name="raising")
    def raising() -> str:
        flask.abort(418)

    response = app.test_client().get("/raising")
    assert (response.status_code, limits_of(response)) == (418, '"raising";r=4;t=12')


def test_a_limited_view_keeps_its_name_and_its_arguments(store: MemoryStore) -> None:
    app = site()

    @app.get("/squares/<int:number>")
    @limited("5/minute", store=store)
    def square(number: int) -> str:
        """Its square."""
        return str(number**2)

    assert (square.__name__, square.__doc__) == ("square", "Its square.")
    response = app.test_client().get("/squares/12")
    assert response.text == "144"
    assert "square" in limits_of(response)


def test_async_views_are_limited(store: MemoryStore) -> None:
    app = site()

    @app.get("/async")
    @limited("1/minute", store=store)
    async def awaited() -> str:
        return flask.request.path

    client = app.test_client()
    passed, denied = client.get("/async"), client.get("/async")
    assert (passed.text, denied.status_code) == ("/async", 429)
    assert limits_of(passed)


def test_the_methods_of_a_method_view_are_limited_each_by_itself(store: MemoryStore) -> None:
    class Items(MethodView):
        @limited("1/minute", store=store)
        def get(self, item: str) -> str:
            return f"{type(self).__name__} {item}"

        @limited("1/minute", store=store)
        def post(self, item: str) -> str:
            return "stored"

    app = site()
    app.add_url_rule("/items/<item>", view_func=Items.as_view("items"))
    client = app.test_client()
    assert client.get("/items/a").text == "Items a"
    assert client.post("/items/a").status_code == 200
    assert client.get("/items/b").status_code == 429
    assert client.post("/items/b").status_code == 429


def test_view_classes_with_the_decorator_in_their_list_do_not_share_a_bucket(
    store: MemoryStore,
) -> None:
    class Page(View):
        decorators = (limited("1/minute", store=store),)  # type: ignore[assignment]

        def dispatch_request(self) -> str:
            return "page"

    app = site()
    app.add_url_rule("/one", view_func=Page.as_view("one"))
    app.add_url_rule("/two", view_func=Page.as_view("two"))
    client = app.test_client()
    paths = ["/one", "/two", "/one", "/two"]
    assert [client.get(path).status_code for path in paths] == [200, 200, 429, 429]


def test_a_view_limit_goes_by_what_its_identity_says(store: MemoryStore) -> None:
    app = site()

    @app.get("/keyed")
    @limited("1/minute", store=store, by=header("x-api-key"))
    def keyed() -> str:
        return "here"

    client = app.test_client()
    keys = ["a", "b", "a"]
    found = [client.get("/keyed", headers={"x-api-key": key}).status_code for key in keys]
    assert found == [200, 200, 429]


def test_shadow_limits_count_and_never_deny(store: MemoryStore) -> None:
    told: list[bool] = []
    app = site()

    @app.get("/shadow")
    @limited(
        "1/minute",
        store=store,
        by=everyone(),
        enforce=False,
        on_decision=lambda one: told.append(one.decision.allowed),
    )
    def shadow() -> str:
        return "here"

    client = app.test_client()
    responses = [client.get("/shadow") for _ in range(2)]
    assert [one.status_code for one in responses] == [200, 200]
    assert told == [True, False]
    assert not any(limits_of(one) for one in responses)


@pytest.mark.parametrize("wrong", [{"limits": "often"}, {"by": 3}, {"fields": "loud"}])
def test_what_cannot_hold_is_refused_when_the_view_is_decorated(
    store: MemoryStore, wrong: dict[str, Any]
) -> None:
    options: dict[str, Any] = {"limits": "1/minute", "store": store, **wrong}
    with pytest.raises((TypeError, ValueError), match=str(next(iter(wrong.values())))):
        limited(options.pop("limits"), **options)(lambda: "hello")


def test_only_a_function_can_be_limited(store: MemoryStore) -> None:
    with pytest.raises(TypeError, match="must be a view function"):
        limited("1/minute", store=store)("/login")  # type: ignore[arg-type]


def test_functions_that_must_be_awaited_are_refused_for_async_views_too(
    store: MemoryStore,
) -> None:
    async def by(request: Request) -> str:
        return "x"

    async def view() -> str:
        return "hello"

    with pytest.raises(TypeError, match="coroutine function"):
        limited("1/minute", store=store, by=by)(view)


@pytest.mark.parametrize("limits", [None, "9/minute"])
def test_p16_a_view_holds_its_slot_until_the_server_closes_the_response(
    store: MemoryStore, limits: str | None
) -> None:
    app = site()
    slots = ConcurrencyLimiter(store, 1)

    @app.get("/slow")
    @limited(limits, store=store, in_flight=1, by=everyone(), name="slow")
    def slow() -> flask.Response:
        return flask.Response(iter(["a", "b"]))

    client = app.test_client()
    response = client.get("/slow", buffered=False)
    assert slots.peek("slow:everyone").remaining == 0
    denied = client.get("/slow")
    assert (denied.status_code, denied.headers["retry-after"]) == (429, "1")
    assert response.data == b"ab"
    response.close()
    assert slots.peek("slow:everyone").remaining == 1


def test_a_view_that_raises_releases_its_slot(store: MemoryStore) -> None:
    app = site()

    @app.get("/fails")
    @limited(store=store, in_flight=1, by=everyone(), name="slow")
    def fails() -> str:
        raise ZeroDivisionError

    app.testing = False
    assert app.test_client().get("/fails", buffered=True).status_code == 500
    app.testing = True  # exceptions are propagated, and there is no response
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            app.test_client().get("/fails")
    assert ConcurrencyLimiter(store, 1).peek("slow:everyone").remaining == 1


def test_a_slot_ends_with_the_request_where_another_response_is_sent(store: MemoryStore) -> None:
    app = site()

    @app.get("/slow")
    @limited(store=store, in_flight=1, by=everyone(), name="slow")
    def slow() -> str:
        return "dropped"

    @app.after_request
    def replace(_: flask.Response) -> flask.Response:
        return flask.Response("another")

    for _ in range(2):
        assert app.test_client().get("/slow", buffered=False).text == "another"
        assert ConcurrencyLimiter(store, 1).peek("slow:everyone").remaining == 1


def test_a_flood_is_denied_from_memory_where_a_view_is_decorated_at_each_request() -> None:
    """As Flask-RESTful and Flask-RESTX do with a resource's ``method_decorators``."""
    store = FlakyStore()
    once = limited("2/hour", store=store)
    app = flask.Flask("site", root_path=".")

    class Resource:
        def get(self) -> str:
            return "page"

    @app.get("/")
    def page() -> Any:
        return once(Resource().get)()

    client = app.test_client()
    assert [client.get("/").status_code for _ in range(9)] == [200] * 2 + [429] * 7
    assert len(store.operations) == 2


def test_a_view_that_a_request_calls_several_times_has_its_fields_once(store: MemoryStore) -> None:
    app = flask.Flask("site", root_path=".")
    part = limited("2/hour", store=store, name="part")(lambda: "done")
    app.add_url_rule("/", "page", lambda: str([part() == "done" for _ in range(3)]))
    response = app.test_client().get("/")
    assert response.text == "[True, True, False]"
    assert response.headers.getlist("ratelimit") == ['"part";r=0;t=1800']
