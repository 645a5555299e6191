"""``@rate_limited`` on functions of every kind."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import operator
import os
import signal
import threading
import unittest.mock
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest

from ratelimit_ddb import MemoryStore, RateLimited, StoreUnavailable, rate_limited
from ratelimit_ddb.decorator import function_name
from ratelimit_ddb.operations.operation import Operation
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


def test_a_denial_is_told_in_one_line_whatever_the_key(store: MemoryStore) -> None:
    limited = rate_limited("1/hour", store=store, key=lambda name: name, scope="hello")(print)
    name = "ada\n2026-11-30 ERROR: \x1b[2Jadmin"
    limited(name)
    with pytest.raises(RateLimited) as denied:
        limited(name)
    assert str(denied.value).isprintable()
    assert str(denied.value).startswith(r"'hello:ada\n2026-11-30 ERROR")
    assert denied.value.key == "hello:" + name.replace(":", "%3A")


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


async def fetch(user: str, page: int = 1) -> str:
    """What it fetches."""
    return f"{user} {page}"


class Client:
    """A client."""

    async def fetch(self, user: str, page: int = 1) -> str:
        return await fetch(user, page)

    async def __call__(self, user: str, page: int = 1) -> str:
        return await fetch(user, page)


def passing_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def bound(function: Callable[..., Any]) -> Callable[..., Any]:
    class Service:
        @functools.wraps(function)
        def call(self, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

    return Service().call


class PassingOn:
    """A decorator that is a class, as many are."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


class Awaiting(PassingOn):
    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return await self.function(*args, **kwargs)


COROUTINE_FUNCTIONS = {
    "a function": fetch,
    "a bound method": Client().fetch,
    "an object": Client(),
    "a mock": unittest.mock.AsyncMock(return_value="ada 1"),
}
AROUND = {
    "itself": lambda function: function,
    "a wrapper": passing_on,
    "a bound wrapper": bound,
    "a partial": functools.partial,
    "a cache": functools.lru_cache(maxsize=0),
    "a decorator that is a class": PassingOn,
    "a decorator that awaits": Awaiting,
}


@pytest.mark.parametrize("inner", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("outer", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("function", COROUTINE_FUNCTIONS.values(), ids=COROUTINE_FUNCTIONS)
def test_a_coroutine_function_is_found_behind_what_calls_it(
    function: Any, outer: Any, inner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for its turn without stopping the event loop."""
    monkeypatch.setattr("ratelimit_ddb.limiter.time.sleep", never)
    limited = rate_limited("200/second burst 1", store=MemoryStore(), max_wait=1)(
        outer(inner(function))
    )

    async def calls() -> None:
        assert list(await asyncio.gather(limited("ada"), limited("ada"))) == ["ada 1", "ada 1"]

    asyncio.run(calls())


def never(seconds: float) -> None:
    raise AssertionError(f"the event loop stood still for {seconds} s")


def test_a_wrapper_that_runs_its_coroutine_itself_stays_a_plain_function(
    store: MemoryStore,
) -> None:
    """As in command line programs."""

    @once(store)
    @functools.wraps(fetch)
    def command(user: str) -> str:
        return asyncio.run(fetch(user))

    assert command("ada") == "ada 1"
    with pytest.raises(RateLimited):
        command("ada")


def test_a_plain_function_that_is_called_in_an_event_loop_says_that_it_stops_it(
    store: MemoryStore,
) -> None:
    limited = once(store)(plain)

    async def call() -> str:
        answer: str = limited(1)
        return answer

    with pytest.warns(
        RuntimeWarning, match=r"plain was called in an event loop.*async def"
    ) as told:
        assert asyncio.run(call()) == "1False"
    assert told[0].filename == __file__
    assert asyncio.run(asyncio.to_thread(once(store, scope="thread")(plain), 1)) == "1False"


def test_a_plain_function_that_returns_a_coroutine_is_told_at_its_call(store: MemoryStore) -> None:
    """Nothing tells before: it is no wrapper. Its decision blocks."""
    limited = once(store)(lambda: fetch("ada"))
    with pytest.raises(TypeError, match="returned a coroutine; decorate an async def"):
        limited()


@pytest.mark.parametrize("option", ["key", "cost"])
def test_a_coroutine_function_is_no_key_or_cost_of_a_plain_function(
    store: MemoryStore, option: str
) -> None:
    with pytest.raises(TypeError, match=f"can't await its {option}; make it an async def"):
        once(store, **{option: fetch})(plain)


@pytest.mark.parametrize("option", ["key", "cost"])
def test_a_coroutine_that_a_plain_functions_key_or_cost_turns_out_to_be_is_told_at_the_call(
    store: MemoryStore, option: str
) -> None:
    limited = once(store, **{option: lambda number: fetch(str(number))})(plain)
    with pytest.raises(TypeError, match=f"can't await its {option}; make it an async def"):
        limited(1)


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [(str.upper, ("a",), "upper"), ([].append, (1,), "append"), (len, ("a",), "len")],
)
def test_what_is_built_in_is_limited_too(
    store: MemoryStore, function: Callable[..., Any], arguments: tuple[Any, ...], name: str
) -> None:
    limited = once(store)(function)
    limited(*arguments)
    with pytest.raises(RateLimited, match=rf"^builtins\.\S*{name}: "):
        limited(*arguments)


def test_a_partial_and_an_object_are_limited_and_named_after_what_they_call(
    store: MemoryStore,
) -> None:
    class Greeter:
        """Greets."""

        def __init__(self) -> None:
            self.greeting = "hello"

        def __call__(self, user: str) -> str:
            return f"{self.greeting} {user}"

    partial = once(store, key=lambda number: f"{number}")(functools.partial(plain, flag=True))
    greet = once(store)(Greeter())
    assert (partial(1), greet("ada")) == ("1True", "hello ada")
    assert is_denied(partial, 1)
    assert not is_denied(partial, 2)
    assert is_denied(greet, "ada")
    assert (partial.__qualname__, partial.__doc__) == ("plain", "What it does.")
    assert (greet.__name__, greet.__doc__) == ("Greeter", "Greets.")
    assert greet.__qualname__.endswith("<locals>.Greeter")
    assert not hasattr(greet, "greeting")
    assert str(inspect.signature(greet)) == "(user: 'str') -> 'str'"
    with pytest.raises(RateLimited, match=r"test_decorator\.plain:1: over 1 per hour"):
        partial(1)


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
        lambda user, plan="free": (plan, user.id),
        lambda *args, **kwargs: args[0].id if args else kwargs["user"].id,
        lambda someone, *_rest, **_named: someone.id,
    ],
    ids=[
        "by name",
        "by names",
        "by keyword",
        "with a value of its own",
        "all as they come",
        "other names, in order",
    ],
)
def test_a_key_is_made_of_the_calls_arguments(store: MemoryStore, key: Any) -> None:
    @once(store, key=key)
    def view(user: User, page: int = 1) -> None: ...

    assert not is_denied(view, User("a"))
    assert is_denied(view, User("a"), 1)
    assert not is_denied(view, User("b"), page=1)


def test_a_key_functions_own_default_is_not_given_an_argument(store: MemoryStore) -> None:
    """As where functions are decorated in a loop, over plans for instance."""

    @once(store, key=lambda user, plan="free": (plan, user))
    def view(user: str, page: int) -> None: ...

    assert not is_denied(view, "a", 1)
    assert is_denied(view, "a", 2)


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


def gives_first(function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.wraps(function)(lambda *args, **kwargs: function("ada", *args, **kwargs))


def gives_by_name(function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.wraps(function)(lambda *args, **kwargs: function(*args, user="ada", **kwargs))


def gives_first_and_names_the_rest(function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.wraps(function)(lambda amount, unit="EUR": function("ada", amount, unit))


def gives_nothing(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def pay(user: str, amount: int, unit: str = "EUR") -> tuple[str, int, str]:
    return user, amount, unit


@pytest.mark.parametrize("below", [gives_first, gives_by_name, gives_first_and_names_the_rest])
def test_a_key_is_made_of_what_is_passed_by_name_whatever_a_decorator_below_gives(
    store: MemoryStore, below: Callable[[Any], Any]
) -> None:
    paid = once(store, key=lambda amount, unit: (amount, unit))(below(pay))
    assert paid(amount=1) == ("ada", 1, "EUR")
    assert not is_denied(paid, amount=2)
    assert not is_denied(paid, amount=1, unit="USD")
    assert is_denied(paid, amount=1)


def test_a_key_is_made_of_what_a_decorator_below_names_itself(store: MemoryStore) -> None:
    paid = once(store, key=lambda amount: amount)(gives_first_and_names_the_rest(pay))
    assert paid(1) == ("ada", 1, "EUR")
    assert not is_denied(paid, 2)
    assert is_denied(paid, 1, "USD")


@pytest.mark.parametrize("option", ["key", "cost"])
def test_an_argument_that_only_a_decorator_below_gives_is_refused_with_the_way_out(
    store: MemoryStore, option: str
) -> None:
    told = f"{option}=.* names 'user', and a decorator below .* put @rate_limited below that"
    wanted = {option: lambda user: user}
    with pytest.raises(TypeError, match=told):
        once(store, **wanted)(gives_first_and_names_the_rest(pay))
    for below, args in [(gives_first, (1,)), (gives_by_name, (1,)), (gives_by_name, ())]:
        paid = once(store, scope=below.__name__, **wanted)(below(pay))
        with pytest.raises(TypeError, match=told):
            paid(*args)


def test_an_argument_that_may_have_been_moved_by_a_decorator_below_is_refused(
    store: MemoryStore,
) -> None:
    """The 1 is bound to ``user``: that may be true, or as here be false."""
    paid = once(store, key=lambda amount: amount)(gives_first(pay))
    with pytest.raises(TypeError, match="pass amount by name"):
        paid(1)


@pytest.mark.parametrize("below", [functools.cache, functools.singledispatch, gives_nothing])
def test_a_key_is_made_of_what_a_decorator_below_passes_on(
    store: MemoryStore, below: Callable[[Any], Any]
) -> None:
    paid = once(store, key=lambda amount: amount)(below(pay))
    assert paid("ada", 1) == ("ada", 1, "EUR")
    assert not is_denied(paid, "ada", amount=2)
    assert is_denied(paid, "bob", 1)
    with pytest.raises(TypeError, match=r"missing a required argument|can't be told"):
        paid("ada")


def test_wrong_arguments_are_told_as_the_function_itself_tells_them(store: MemoryStore) -> None:
    paid = once(store, key=lambda user: user)(pay)
    with pytest.raises(TypeError, match=r"\.pay\(\) missing a required argument: 'amount'"):
        paid("ada")


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


def same_names() -> dict[str, tuple[Callable[..., Any], Callable[..., Any]]]:
    """Pairs of different functions of one name."""

    def made(word: str) -> Callable[[], str]:
        return lambda: word

    class Service:
        def method(self) -> None: ...

        def __call__(self) -> None: ...

    @functools.wraps(plain)
    def wrapper(*args: Any, **kwargs: Any) -> str:
        return plain(*args, **kwargs)

    return {
        "lambdas": (lambda: "first", lambda: "second"),
        "of one factory": (made("first"), made("second")),
        "partials": (functools.partial(plain, 1), functools.partial(plain, 2)),
        "objects of a class": (Service(), Service()),
        "methods of two objects": (Service().method, Service().method),
        "a wrapper and what it wraps": (plain, wrapper),
    }


@pytest.mark.parametrize("pair", same_names().values(), ids=same_names())
def test_a_second_function_of_one_name_is_refused_without_a_scope(
    store: MemoryStore, pair: tuple[Callable[..., Any], Callable[..., Any]]
) -> None:
    """Their calls would use up each other's limit."""
    first, second = pair
    once(store)(first)
    with pytest.raises(ValueError, match=r"second function named .*scope="):
        once(store)(second)
    once(MemoryStore())(second)
    once(store, scope="second")(second)


def test_two_decorators_on_one_function_are_refused_without_a_scope(store: MemoryStore) -> None:
    """What the outer one took would be lost where the inner one denies."""
    with pytest.raises(ValueError, match="in one list"):
        once(store)(rate_limited("5/day", store=store)(plain))


def test_a_function_that_is_defined_again_is_no_second_one(store: MemoryStore) -> None:
    """As by a reload of its module, or in a function that defines it at each call."""

    def defined() -> Callable[[], None]:
        def function() -> None: ...

        limited: Callable[[], None] = once(store)(function)
        return limited

    assert [is_denied(defined()) for _ in range(2)] == [False, True]


class StoreOfTheirOwn:
    """With neither a hash nor weak references, which a Store need not have."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("clock", "in_process", "ready")

    def __init__(self) -> None:
        self.clock, self.in_process, self.ready = FakeClockOfAStore(), True, True

    def prepare(self) -> None: ...

    async def prepare_async(self) -> None: ...

    def send(self, operation: Operation, deadline_ns: int) -> Any: ...

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any: ...

    def send_all(self, sequences: Any, deadline_ns: int) -> None: ...

    async def send_all_async(self, sequences: Any, deadline_ns: int) -> None: ...


class FakeClockOfAStore:
    known = True

    def now_ns(self) -> int:
        return 0

    monotonic_ns = wall_ns = now_ns


def test_a_function_that_is_limited_otherwise_is_a_second_one(store: MemoryStore) -> None:
    once(store)(plain)
    once(store)(plain)
    with pytest.raises(ValueError, match="second function"):
        rate_limited("2/hour", store=store)(plain)


@pytest.mark.parametrize("kind", [MemoryStore, StoreOfTheirOwn])
def test_names_are_compared_on_one_store_only(kind: Callable[[], Any]) -> None:
    for _ in range(9):  # a store that is gone may leave its id to the next
        once(kind())(lambda: None)
        once(kind())(lambda: 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_decorates_though_a_thread_of_its_parent_was_about_to() -> None:
    decorating, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with function_name._lock:
            decorating.set()
            go_on.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    assert decorating.wait(5)
    threading.Timer(0.05, go_on.set).start()
    child = os.fork()
    if child == 0:
        signal.alarm(5)  # else it would wait for ever
        rate_limited("1/minute", store=MemoryStore())(lambda: None)
        os._exit(0)
    holder.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_functions_of_one_name_count_apart_in_their_namespaces(store: MemoryStore) -> None:
    both = [once(store, namespace=name)(plain) for name in ("shop", "blog")]
    assert [is_denied(limited, 1) for limited in (*both, *both)] == [False, False, True, True]
    with pytest.raises(RateLimited) as denied:
        both[0](1)
    assert denied.value.key == f"shop:{plain.__module__}.plain"


def test_a_limit_that_is_switched_off_lets_every_call_pass(store: MemoryStore) -> None:
    assert [is_denied(once(store, enabled=False)(plain), 1) for _ in range(3)] == [False] * 3


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
    with pytest.raises(RateLimited) as denied:
        once(store, on_outage="deny")(plain)(1)
    assert "the store could not be reached, retry after 1.000 s" in str(denied.value)
    assert "over" not in str(denied.value), "nobody knows whether it was"
    with pytest.raises(StoreUnavailable):
        once(store, on_outage="raise")(plain)(1)


async def async_generator() -> AsyncIterator[int]:
    yield 1


class Wanted:
    """A class, which is no function though it can be called."""


def of_a_class(cls: type, /) -> str:
    return cls.__name__


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (5, "must be a function"),
        (classmethod(of_a_class), "put it below @classmethod"),
        (staticmethod(plain), "put it below @staticmethod"),
        (property(plain), "put it below @property"),
        (functools.cached_property(plain), "put it below @cached_property"),
        (functools.partialmethod(plain, 1), "decorate each function that it calls"),
        (functools.singledispatchmethod(plain), "decorate each function that it calls"),
        (Wanted, "the class Wanted.*decorate its method"),
        (async_generator, "limit the coroutine function that iterates it"),
        (functools.partial(async_generator), "limit the coroutine function that iterates it"),
        (contextlib.asynccontextmanager(async_generator), "limit the coroutine function"),
    ],
)
def test_what_can_not_be_limited_is_refused_at_decoration(
    store: MemoryStore, what: Any, told: str
) -> None:
    with pytest.raises(TypeError, match=f"@rate_limited on .*{told}"):
        once(store)(what)


def test_a_coroutine_function_that_iterates_what_it_wraps_is_limited(store: MemoryStore) -> None:
    @once(store)
    @functools.wraps(async_generator)
    async def collected() -> list[Any]:
        return [one async for one in async_generator()]

    asyncio.run(collected())
    with pytest.raises(RateLimited):
        asyncio.run(collected())


def test_limits_that_depend_on_the_call_are_refused_with_the_way_out(store: MemoryStore) -> None:
    limits: Any = lambda user: "5/minute"  # noqa: E731 - as users write it
    with pytest.raises(TypeError, match=r"fixed where the function is decorated.*acquire"):
        rate_limited(limits, store=store)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("limits", "fast"),
        ("on_outage", "no"),
        ("deadline", 0),
        ("cost", 2),
        ("max_wait", 31),
        ("key", ""),
        ("scope", ""),
    ],
)
def test_options_that_cannot_hold_are_refused_at_decoration(
    store: MemoryStore, option: str, value: object
) -> None:
    options: dict[str, Any] = {"limits": "1/hour", "store": store, option: value}
    with pytest.raises(ValueError):
        rate_limited(**options)(plain)


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
