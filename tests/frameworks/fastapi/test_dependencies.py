"""FastAPI: limits as dependencies of routes, routers and applications."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.fastapi import (
    RateLimit,
)
from ratelimit_ddb.web import Verdict, everyone
from tests.frameworks.asgi_client import ask, items, statuses


def test_a_route_is_called_within_its_limit(app: FastAPI, store: MemoryStore) -> None:
    @app.get("/users/{user_id}", dependencies=[Depends(RateLimit("1/minute", store=store))])
    async def user(user_id: int) -> dict[str, int]:
        return {"id": user_id}

    passed, denied = ask(app, "/users/3"), ask(app, "/users/4")
    assert (passed.status_code, passed.json()) == (200, {"id": 3})
    assert passed.headers["ratelimit"] == '"GET /users/{user_id}";r=0;t=60'
    assert passed.headers["ratelimit-policy"] == '"GET /users/{user_id}";q=1;w=60'
    assert denied.status_code == 429
    assert denied.headers["retry-after"] == "60"
    assert denied.headers["cache-control"] == "no-store"
    assert denied.headers["ratelimit"] == '"GET /users/{user_id}";r=0;t=60'
    assert denied.json()["detail"] == "Over the limit of 1 per minute. Retry after 60 s."


def test_a_def_route_is_limited_as_well(app: FastAPI, store: MemoryStore) -> None:
    @app.get("/", dependencies=[Depends(RateLimit("1/minute", store=store))])
    def page() -> str:
        return "page"

    assert statuses(app, "/", "/") == [200, 429]


def test_a_parameter_is_given_the_verdict(app: FastAPI, store: MemoryStore) -> None:
    limit = Depends(RateLimit("3/minute", store=store))

    @app.get("/")
    async def page(verdict: Verdict = limit) -> int:
        return verdict.decisions[0].decision.remaining

    assert [ask(app, "/").json() for _ in range(3)] == [2, 1, 0]


def test_a_limit_on_a_router_is_on_each_of_its_routes(app: FastAPI, store: MemoryStore) -> None:
    router = APIRouter(dependencies=[Depends(RateLimit("1/minute", store=store))])

    @router.get("/a/{id}")
    @router.post("/a/{id}")
    async def a() -> None: ...

    @router.get("/b")
    async def b() -> None: ...

    app.include_router(router, prefix="/v1")
    assert statuses(app, "/v1/a/1", "/v1/a/2", "/v1/b", "/v1/b") == [200, 429, 200, 429]
    assert items(ask(app, "/v1/a/1", "POST")) == ["POST /v1/a/{id}"]


def test_a_limit_on_the_application_is_on_all_routes(store: MemoryStore) -> None:
    app = FastAPI(dependencies=[Depends(RateLimit("1/minute", store=store))])
    for path in ("/a", "/b"):
        app.get(path)(lambda: None)
    assert statuses(app, "/a", "/a", "/b", "/none") == [200, 429, 200, 404]


def test_routes_share_the_bucket_of_a_limit_that_has_a_name(store: MemoryStore) -> None:
    app = FastAPI(dependencies=[Depends(RateLimit("1/minute", store=store, name="all"))])
    for path in ("/a", "/b"):
        app.get(path)(lambda: None)
    asked = [ask(app, path) for path in ("/a", "/b")]
    assert [response.status_code for response in asked] == [200, 429]
    assert items(asked[1]) == ["all"]


def test_limits_of_one_name_share_their_bucket(app: FastAPI, store: MemoryStore) -> None:
    for path in ("/a", "/b"):
        limit = RateLimit("1/minute", store=store, name="both")
        app.get(path, dependencies=[Depends(limit)])(lambda: None)
    assert statuses(app, "/a", "/b") == [200, 429]


def test_a_router_that_is_included_twice_has_two_buckets(app: FastAPI, store: MemoryStore) -> None:
    inner = APIRouter(prefix="/deep")
    inner.get("/{id}")(lambda: None)
    router = APIRouter()
    router.include_router(inner)
    limits = {"/free": "1/minute", "/paid": "2/minute", "/{tenant}": "3/minute"}
    for prefix, limit in limits.items():
        dependencies = [Depends(RateLimit(limit, store=store))]
        app.include_router(router, prefix=prefix, dependencies=dependencies)
    assert statuses(app, "/free/deep/1", "/free/deep/2") == [200, 429]
    assert items(ask(app, "/acme/deep/1")) == ["GET /{tenant}/deep/{id}"]
    assert statuses(app, *["/paid/deep/1"] * 3) == [200, 200, 429]
    assert statuses(app, *["/corp/deep/1"] * 3) == [200, 200, 429]


def test_several_limits_on_a_route_add_up_in_its_fields(app: FastAPI, store: MemoryStore) -> None:
    wide = RateLimit("9/hour", store=store, name="wide")
    narrow = RateLimit("1/minute", store=store, by=everyone())
    app.get("/", dependencies=[Depends(wide), Depends(narrow)])(lambda: None)
    passed, denied = ask(app, "/"), ask(app, "/")
    assert passed.headers["ratelimit-policy"] == '"wide";q=9;w=3600, "GET /";q=1;w=60'
    assert passed.headers["ratelimit"] == '"wide";r=8;t=400, "GET /";r=0;t=60'
    assert denied.status_code == 429
    assert denied.headers["ratelimit"] == '"GET /";r=0;t=60', "of the one that denied"
    assert denied.headers["ratelimit-policy"] == passed.headers["ratelimit-policy"]


def test_the_other_fields_are_those_of_the_limit_that_leaves_least(
    app: FastAPI, store: MemoryStore
) -> None:
    limits = [("9/hour", "wide"), ("3/minute", "narrow"), ("5/minute", "middle")]
    made = [RateLimit(limit, store=store, name=name, fields="both") for limit, name in limits]
    app.get("/", dependencies=[Depends(one) for one in made])(lambda: None)
    left = [ask(app, "/").headers for _ in range(4)]
    assert [headers["x-ratelimit-remaining"] for headers in left] == ["2", "1", "0", "0"]
    assert {headers["x-ratelimit-limit"] for headers in left} == {"3"}
    assert left[0]["ratelimit"].count(";r=") == 3


def test_two_limits_of_one_name_on_a_route_are_refused(app: FastAPI, store: MemoryStore) -> None:
    limits = [Depends(RateLimit(limit, store=store)) for limit in ("1/second", "9/minute")]
    app.get("/", dependencies=limits)(lambda: None)
    with pytest.raises(ValueError, match="two RateLimits on one route are named 'GET /'"):
        ask(app, "/")


def test_one_object_counts_a_request_once_however_often_it_is_depended_on(
    store: MemoryStore,
) -> None:
    limit = Depends(RateLimit("2/minute", store=store))
    app = FastAPI(dependencies=[limit])

    async def nested(verdict: Verdict = limit) -> Verdict:
        return verdict

    @app.get("/", dependencies=[limit, Depends(nested)])
    async def page(verdict: Verdict = limit) -> int:
        return verdict.decisions[0].decision.remaining

    first, second, third = (ask(app, "/") for _ in range(3))
    assert (first.json(), second.json(), third.status_code) == (1, 0, 429)
    assert items(first) == ["GET /"]


def test_without_the_cache_it_counts_as_often_as_it_is_called(
    app: FastAPI, store: MemoryStore
) -> None:
    limit = Depends(RateLimit("3/minute", store=store), use_cache=False)

    @app.get("/")
    async def page(first: Verdict = limit, second: Verdict = limit) -> int:
        return second.decisions[0].decision.remaining

    assert ask(app, "/").json() == 1
    assert statuses(app, "/") == [429]


def test_a_test_may_lift_a_limit(app: FastAPI, store: MemoryStore) -> None:
    limit = RateLimit("1/minute", store=store)
    app.get("/", dependencies=[Depends(limit)])(lambda: None)
    app.dependency_overrides[limit] = lambda: None
    assert statuses(app, "/", "/") == [200, 200]


def test_limits_are_no_parameters_of_the_api(app: FastAPI, store: MemoryStore) -> None:
    app.get("/", dependencies=[Depends(RateLimit("1/minute", store=store))])(lambda: None)
    assert "parameters" not in app.openapi()["paths"]["/"]["get"]


def test_a_request_that_is_not_valid_counts(app: FastAPI, store: MemoryStore) -> None:
    @app.get("/users/{user_id}", dependencies=[Depends(RateLimit("1/minute", store=store))])
    async def user(user_id: int) -> None: ...

    assert statuses(app, "/users/three", "/users/3") == [422, 429]


def test_the_files_of_a_front_end_are_limited_together(store: MemoryStore, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    app = FastAPI(dependencies=[Depends(RateLimit("1/minute", store=store))])
    app.frontend("/", directory=tmp_path)
    asked = [ask(app, path) for path in ("/a.txt", "/b.txt")]
    assert [response.status_code for response in asked] == [200, 429]
    assert items(asked[1]) == ["no route"]


@pytest.mark.parametrize(
    ("limits", "options", "problem"),
    [
        ("often", {}, "limit 'often'"),
        ("1/minute", {"by": "address"}, "by 'address'"),
        ("1/minute", {"cost": 2}, "cost 2"),
        ("1/minute", {"limit": 2}, "unknown option 'limit'"),
        ("1/minute", {"name": ""}, "name ''"),
    ],
)
def test_what_cannot_hold_is_refused_before_any_request(
    limits: str, options: dict[str, Any], problem: str, store: MemoryStore
) -> None:
    with pytest.raises((TypeError, ValueError), match=problem):
        RateLimit(limits, store=store, **options)


def test_the_example_runs() -> None:
    app = importlib.import_module("examples.fastapi_app").app
    sent = [ask(app, "/codes", "POST", headers={"x-api-key": "a"}) for _ in range(4)]
    assert [response.status_code for response in sent] == [200, 200, 200, 429]
    assert sent[0].json() == {"left": 2}
    user = ask(app, "/users/3", headers={"x-api-key": "b"})
    assert (user.json(), items(user)) == ({"user": 3}, ["api:5-per-second"])


@pytest.mark.parametrize("kind", [Any, bool, str])
def test_a_default_without_depends_lets_nobody_pass(
    app: FastAPI, store: MemoryStore, kind: Any
) -> None:
    """To FastAPI it is a query parameter's default."""

    def view(verdict: Any = RateLimit("1/minute", store=store)) -> str:  # noqa: B008 - FastAPI's way
        return "passed"

    view.__annotations__["verdict"] = kind
    app.get("/")(view)
    with pytest.raises(TypeError, match=r"limits nothing: write Depends\(RateLimit\(\.\.\.\)\)"):
        ask(app, "/")


def test_a_list_of_dependencies_without_depends_is_refused(
    app: FastAPI, store: MemoryStore
) -> None:
    undepended: Any = RateLimit("1/minute", store=store)
    with pytest.raises(TypeError, match=r"limits nothing: write Depends\(RateLimit\(\.\.\.\)\)"):
        app.get("/", dependencies=[undepended])(lambda: "passed")


@pytest.mark.parametrize("kind", [Any, str])
def test_an_annotation_without_depends_is_refused(
    app: FastAPI, store: MemoryStore, kind: Any
) -> None:
    def view(verdict: Any = None) -> str:
        return "passed"

    view.__annotations__["verdict"] = Annotated[kind, RateLimit("1/minute", store=store)]
    with pytest.raises(TypeError, match=r"limits nothing: write Depends\(RateLimit\(\.\.\.\)\)"):
        app.get("/")(view)
