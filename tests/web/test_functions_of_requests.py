"""What is given to be called with a request is refused when the rule is made, if it can't be."""

from __future__ import annotations

import functools
import operator
from typing import Any
from unittest.mock import Mock

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.starlette import limited as limited_in_starlette
from ratelimit_ddb.web import (
    Rule,
    RulesError,
    RulesFile,
    bearer_claim,
    client_address,
    cookie,
    everyone,
    header,
    session_user,
)
from tests.web.exchange import Limited

MAKERS = {
    client_address: "client_address()",
    everyone: "everyone()",
    header: 'header("x-api-key")',
    cookie: 'cookie("sid")',
    session_user: "session_user()",
    bearer_claim: 'bearer_claim("sub", claims=...)',
}


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_an_identity_that_was_not_called_is_refused_with_the_call(maker: Any) -> None:
    for given in (maker, functools.partial(maker)):
        with pytest.raises(TypeError) as refused:
            Rule("/", "1/hour", by=given)
        assert str(refused.value) == f"by={maker.__name__}: call it: by={MAKERS[maker]}"
    with pytest.raises(TypeError, match=f"otherwise={maker.__name__}: call it: otherwise="):
        header("x-key", otherwise=maker)


@pytest.mark.parametrize("option", ["exempt", "limits", "cost", "give_back"])
@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_an_identity_in_another_place_is_refused(option: str, maker: Any) -> None:
    # A key is true: exempt=header("x-internal") would exempt everybody.
    arguments: dict[Any, tuple[Any, dict[str, Any]]] = {
        header: (("x-internal",), {}),
        cookie: (("sid",), {}),
        bearer_claim: (("sub",), {"claims": {}.get}),
    }
    args, kwargs = arguments.get(maker, ((), {}))
    given: dict[str, Any] = {"limits": "1/hour", option: maker(*args, **kwargs)}
    with pytest.raises(TypeError, match=rf"{option} <.*an identity, which gives a key for every"):
        Rule("/", **given)
    given[option] = maker
    with pytest.raises(TypeError, match=f"{option}={maker.__name__}: it makes identities, which"):
        Rule("/", **given)


def test_an_identity_is_no_endpoint_of(limited: Limited) -> None:
    with pytest.raises(TypeError, match=r"endpoint_of <.*gives a route such as '/users/\{id\}'"):
        limited(
            store=MemoryStore(),
            rules=Rule("/", "1/hour", scope="endpoint"),
            endpoint_of=client_address(),
        )


def test_djangos_user_not_called_is_refused_with_the_call() -> None:
    from ratelimit_ddb.django import user

    with pytest.raises(TypeError, match=r"by=user: call it: by=user\(\)"):
        Rule("/", "1/hour", by=user)  # type: ignore[arg-type]


def test_a_views_limit_refuses_it_too() -> None:
    async def view(request: Any) -> None: ...

    with pytest.raises(TypeError, match=r"call it: by=client_address\(\)"):
        limited_in_starlette("1/hour", store=MemoryStore(), by=client_address)(view)  # type: ignore[arg-type]


def test_a_rules_file_refuses_it_with_its_line(tmp_path: Any) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\npath = "/"\nlimits = "1/hour"\nby = { function = "address" }\n')
    with pytest.raises(RulesError, match=r"toml:4: rule 1: by=client_address: call it"):
        RulesFile(path, functions={"address": client_address})


def two(request: Any, other: Any) -> Any: ...


def named(*, request: Any) -> Any: ...


class Class:
    def method(self) -> Any: ...


@pytest.mark.parametrize(
    "given", [lambda: "x", two, named, Class.method.__get__(Class()), lambda *, a=1: "x"]
)
@pytest.mark.parametrize("option", ["by", "exempt", "cost", "limits"])
def test_a_function_that_cannot_be_called_with_a_request_is_refused(
    option: str, given: Any
) -> None:
    with pytest.raises(TypeError, match=f"{option} .*must be a function of one argument"):
        Rule("/", **{"limits": "1/hour", option: given})


class ByTenant:
    def __init__(self, field: str) -> None:
        self.field = field

    def __call__(self, request: Any) -> str:
        return self.field


@pytest.mark.parametrize("given", [ByTenant, str, bool, functools.partial(ByTenant)])
@pytest.mark.parametrize("option", ["by", "exempt", "cost", "limits"])
def test_a_class_is_refused_as_it_would_be_made_anew_for_each_request(
    option: str, given: Any
) -> None:
    with pytest.raises(TypeError, match=f"{option} .*not a class; give an instance"):
        Rule("/", **{"limits": "1/hour", option: given})


@pytest.mark.parametrize(
    "given",
    [
        lambda request: "x",
        lambda *args: "x",
        lambda request, more=1: "x",
        functools.partial(two, other=1),
        operator.attrgetter("client"),
        Mock(),
        operator.itemgetter(2),
        header("x-key"),
        ByTenant("tenant"),
    ],
)
def test_whatever_can_be_called_with_a_request_is_taken(given: Any) -> None:
    assert Rule("/", "1/hour", by=given).by is given
