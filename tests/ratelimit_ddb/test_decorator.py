"""``@rate_limited`` on functions of every kind."""

from __future__ import annotations

import asyncio
import functools
import inspect
import operator
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest

from ratelimit_ddb import MemoryStore, RateLimited, StoreUnavailable, rate_limited
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore


class User(NamedTuple):
    id: str


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(clock=FakeClock())


def once(store: MemoryStore, **options: Any) -> Callable[[Any], Any]:
    return rate_limited("1/hour", store=store, **options)


def is_denied(call: Callable[..., object], *args: object, **kwargs: object) -> bool:
    """Whether a call, awaited if it is to be, raises RateLimited."""
    try:
        answer = call(*args, **kwargs)
        if inspect.iscoroutine(answer):
            asyncio.run(answer)
    except RateLimited:
        return True
    return False


def test_a_function_is_called_within_its_limit_and_denied_beyond() -> None:
    clock, begun = FakeClock(), list[int]()
    store = MemoryStore(clock=clock)

    @rate_limited("2/second", store=store)
    def double(number: int) -> int:
        begun.append(number)
        return 2 * number

    assert [double(1), double(number=2)] == [2, 4]
    with pytest.raises(RateLimited) as denied:
        double(3)
    assert begun == [1, 2], "a denied call must not begin"
    assert not denied.value.decision.allowed
    assert denied.value.retry_after == denied.value.decision.retry_after == 0.5
    assert denied.value.key.endswith("double")
    assert "2 per second, retry after 0.500 s" in str(denied.value)
    clock.advance_ns(500_000_000)
    assert double(4) == 8


def test_a_coroutine_function_stays_one(store: MemoryStore) -> None:
    begun: list[int] = []

    @once(store)
    async def double(number: int) -> int:
        begun.append(number)
        return 2 * number

    assert inspect.iscoroutinefunction(double)

    async def call_twice() -> None:
        assert await double(1) == 2
        with pytest.raises(RateLimited):
            await double(2)

    asyncio.run(call_twice())
    assert begun == [1]


def plain(number: int, *, flag: bool = False) -> str:
    """What it does."""
    return f"{number}{flag}"


async def awaited(number: int, *, flag: bool = False) -> str:
    """What it does."""
    return f"{number}{flag}"


@pytest.mark.parametrize("function", [plain, awaited])
def test_what_the_function_is_called_is_kept(store: MemoryStore, function: Any) -> None:
    limited = once(store)(function)
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        assert getattr(limited, name) == getattr(function, name)
    assert limited.__wrapped__ is function
    assert inspect.signature(limited) == inspect.signature(function)


@pytest.mark.parametrize(
    "key",
    [
        lambda user: user.id,
        lambda page, user: (user.id, str(page)),
        lambda *, user: user.id,
        lambda *args, **kwargs: args[0].id if args else kwargs["user"].id,
        lambda someone, *_rest, **_named: someone.id,
    ],
    ids=["by name", "by names", "by keyword", "all as they come", "other names, in order"],
)
def test_a_key_is_made_of_the_calls_arguments(store: MemoryStore, key: Any) -> None:
    @once(store, key=key)
    def view(user: User, page: int = 1) -> None: ...

    assert not is_denied(view, User("a"))
    assert is_denied(view, User("a"), 1)
    assert not is_denied(view, User("b"), page=1)


def test_a_key_function_without_arguments_is_given_none(store: MemoryStore) -> None:
    """As where a framework keeps the request in a context variable."""
    current = ["a"]

    @once(store, key=lambda: current[0])
    def view(page: int) -> None: ...

    assert not is_denied(view, 1)
    assert is_denied(view, 2)
    current[0] = "b"
    assert not is_denied(view, 1)


def test_a_key_function_may_be_any_callable(store: MemoryStore) -> None:
    @once(store, key=operator.attrgetter("id"))
    def view(user: User) -> None: ...

    assert not is_denied(view, User("a"))
    assert is_denied(view, User("a"))
    assert not is_denied(view, User("b"))


def test_a_key_function_may_give_an_int(store: MemoryStore) -> None:
    @once(store, key=lambda number: number)
    def view(number: int) -> None: ...

    assert not is_denied(view, 0)
    assert is_denied(view, 0)
    assert not is_denied(view, 17)


@pytest.mark.parametrize("key", ["all", ("all", "of them"), 17, None])
def test_a_constant_key_counts_all_calls_together(store: MemoryStore, key: Any) -> None:
    @once(store, key=key)
    def view(user: User) -> None: ...

    assert not is_denied(view, User("a"))
    assert is_denied(view, User("b"))


def test_a_coroutine_function_may_find_the_key_and_the_cost(store: MemoryStore) -> None:
    async def key(user: User) -> str:
        return user.id

    async def cost(page: int) -> int:
        return page

    @rate_limited("3/hour", store=store, key=key, cost=cost)
    async def view(user: User, page: int) -> None: ...

    assert not is_denied(view, User("a"), 2)
    assert is_denied(view, User("a"), 2)
    assert not is_denied(view, User("a"), 1)
    assert not is_denied(view, User("b"), 3)


def test_a_cost_is_a_number_or_made_of_the_arguments(store: MemoryStore) -> None:
    @rate_limited("10/hour", store=store, cost=lambda items: items.count("item"))
    def save(items: list[str]) -> None: ...

    @rate_limited("10/hour", store=store, cost=6)
    def load() -> None: ...

    assert not is_denied(save, ["item"] * 7)
    assert is_denied(save, ["item"] * 4)
    assert not is_denied(save, ["item"] * 3)
    assert not is_denied(load)
    assert is_denied(load)
    with pytest.raises(ValueError, match="cost 0"):
        save([])


def test_methods_of_each_kind_are_limited(store: MemoryStore) -> None:
    class Service:
        @once(store, key=lambda user: user.id)
        def method(self, user: User) -> str:
            return f"{type(self).__name__} {user.id}"

        @classmethod
        @once(store, key="all")
        def of_class(cls, user: User) -> str:
            return f"{cls.__name__} {user.id}"

        @staticmethod
        @once(store, key=lambda user: user.id)
        def static(user: User) -> str:
            return user.id

    assert Service().method(User("a")) == "Service a"
    assert is_denied(Service().method, user=User("a"))
    assert not is_denied(Service().method, User("b"))
    assert Service.of_class(User("a")) == "Service a"
    assert is_denied(Service().of_class, User("b"))
    assert Service.static(User("a")) == "a"
    assert is_denied(Service().static, User("a"))


def test_functions_count_apart_unless_they_share_a_scope(store: MemoryStore) -> None:
    def first() -> None: ...

    def second() -> None: ...

    apart = once(store)(first), once(store)(second)
    assert [is_denied(call) for call in apart] == [False, False]
    together = once(store, scope="both")(first), once(store, scope="both")(second)
    assert [is_denied(call) for call in together] == [False, True]


def test_a_scope_and_a_key_do_not_run_together(store: MemoryStore) -> None:
    def function() -> None: ...

    calls = [
        once(store, scope="a", key=("b", "c"))(function),
        once(store, scope="a:b", key="c")(function),
        once(store, scope="a", key="b:c")(function),
    ]
    assert [is_denied(call) for call in calls] == [False, False, False]


def test_a_call_may_wait_for_its_turn(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("ratelimit_ddb.limiter.time.sleep", slept.append)

    @rate_limited("10/second burst 1", store=store, max_wait=0.2)
    def call() -> None: ...

    assert [is_denied(call) for _ in range(4)] == [False, False, False, True]
    assert slept == [0.1, 0.2]


def test_p10_an_outage_follows_what_was_chosen() -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("down")
    assert once(store)(plain)(1) == "1False"
    assert is_denied(once(store, on_outage="deny")(plain), 1)
    with pytest.raises(StoreUnavailable):
        once(store, on_outage="raise")(plain)(1)


async def async_generator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    "what",
    [5, functools.partial(print), classmethod(plain), staticmethod(plain), async_generator],
)
def test_what_is_no_function_is_refused_at_decoration(store: MemoryStore, what: Any) -> None:
    with pytest.raises(TypeError, match="@rate_limited"):
        once(store)(what)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("limits", "fast"),
        ("on_outage", "no"),
        ("deadline", 0),
        ("cost", 2),
        ("max_wait", 31),
        ("key", ""),
    ],
)
def test_options_that_cannot_hold_are_refused_at_decoration(
    store: MemoryStore, option: str, value: object
) -> None:
    with pytest.raises(ValueError):
        rate_limited(**{"limits": "1/hour", "store": store, option: value})(plain)


@pytest.mark.parametrize("key", [lambda user: True, lambda user: b"", lambda user: ("a", None)])
def test_a_key_that_is_no_text_is_refused_at_the_call(store: MemoryStore, key: Any) -> None:
    @once(store, key=key)
    def view(user: User) -> None: ...

    with pytest.raises(TypeError, match="key"):
        view(User("a"))


@pytest.mark.parametrize("key", [lambda user: "", lambda user: ()], ids=["text", "parts"])
def test_an_empty_key_is_refused_at_the_call(store: MemoryStore, key: Any) -> None:
    """Else all callers without a name would share one bucket."""

    @once(store, key=key)
    def view(user: User) -> None: ...

    with pytest.raises(ValueError, match="key"):
        view(User("a"))
