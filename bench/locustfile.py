"""Users of limited and of bare applications, for Locust.

    locust -f bench/locustfile.py                        # its web page, http://localhost:8089
    locust -f bench/locustfile.py --headless -u 50 -t 30s AsgiUser --spread attack
    locust -f bench/locustfile.py --store local WsgiUser # on DynamoDB Local, started for it
    locust -f bench/locustfile.py --store https://...    # on any endpoint, with --table
    locust -f bench/locustfile.py --store local --limit 5000/second HotKeyUser
    locust -f bench/locustfile.py --store local AsgiSiteUser        # with sessions too

The applications run in processes of their own, started when a test starts; with ``--host`` the
users go there instead. A 429 is no failure: it is counted under its own name.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, User, constant, events, task
from locust.env import Environment
from locust.exception import StopUser

from bench.engine import engine, limit_table, session_table, set_dummy_credentials
from bench.load_apps import SITES, store_of
from bench.load_keys import KEY_FIELD, SPREADS, keys_of
from bench.load_server import Server, started
from ratelimit_ddb import RateLimiter

DEADLINE_SECONDS = 5.0
SAMPLE_EVERY_SECONDS = 1.0
MOST_IN_CART = 20


@events.init_command_line_parser.add_listener
def _add_arguments(parser: Any) -> None:
    add = parser.add_argument
    add("--spread", choices=SPREADS, default="zipf", env_var="SPREAD", help="of the keys")
    add("--keys", type=int, default=1_000, env_var="KEYS", help="how many there are")
    add("--limit", default="10/second burst 20", env_var="LIMIT", help="of each key")
    add(
        "--store",
        default="memory",
        env_var="STORE",
        help="memory, local (DynamoDB Local), or the URL of an endpoint",
    )
    add("--table", default="", env_var="TABLE", help="on that endpoint; made if not given")
    add(
        "--outcome",
        default="",
        env_var="OUTCOME",
        include_in_web_ui=False,
        help="file for the figures, as JSON",
    )


class _Test:
    """What a test stands on, and what had been used when it began."""

    def __init__(self) -> None:
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.ending = contextlib.ExitStack()
        self.servers: dict[str, Server] = {}
        self.limiter: RateLimiter | None = None
        self.ready = False
        self.megabytes: list[float] = []
        self.sampling: Any = None
        self.began = self.server_cpu_before = self.own_cpu_before = 0.0

    def prepare(self, environment: Environment) -> None:
        """Start what the users will ask."""
        options: Any = environment.parsed_options
        set_dummy_credentials()
        store, table = options.store, options.table
        if store == "local":
            store = self.ending.enter_context(engine())
        if store != "memory" and not table:
            table = self.ending.enter_context(limit_table(store))
        for user in environment.user_classes:
            name = getattr(user, "app", None)
            if name and not options.host and name not in self.servers:
                on_table = name in SITES and store != "memory"
                sessions_table = session_table(store) if on_table else ""
                server = started(name, store, table, options.limit, sessions_table)
                self.ending.callback(server.stop)
                self.servers[name] = server
        if {LimiterUser, HotKeyUser} & set(environment.user_classes):
            limiter_store = store_of(store, table)
            self.ending.callback(limiter_store.close)
            limiter_store.warm_up()
            self.limiter = RateLimiter(limiter_store, options.limit, deadline=DEADLINE_SECONDS)
        self.ready = True

    def server_cpu_seconds(self) -> float:
        """What the servers have used so far."""
        return sum(server.cpu_seconds() for server in self.servers.values())

    def sample_memory(self) -> None:
        """Note what the servers hold, again and again."""
        while True:
            held = sum(server.resident_megabytes() for server in self.servers.values())
            self.megabytes.append(round(held, 2))
            _yield_to_others(SAMPLE_EVERY_SECONDS)

    def end(self) -> None:
        """Stop everything; another test may be prepared."""
        if self.sampling is not None:
            self.sampling.kill()
        self.ending.close()
        self._begin_anew()


TEST = _Test()


@events.init.add_listener
def _prepare_before_the_time_runs(environment: Environment, **_: Any) -> None:
    options: Any = environment.parsed_options
    # By its web page, a test's options are known only when it starts.
    if options is not None and options.headless:
        TEST.prepare(environment)


@events.test_start.add_listener
def _start(environment: Environment, **_: Any) -> None:
    if not TEST.ready:
        TEST.prepare(environment)
    TEST.began = time.monotonic()
    TEST.server_cpu_before = TEST.server_cpu_seconds()
    TEST.own_cpu_before = time.process_time()
    TEST.sampling = gevent.spawn(TEST.sample_memory)


@events.test_stop.add_listener
def _stop(environment: Environment, **_: Any) -> None:
    total = environment.stats.total
    outcome = {
        "requests": total.num_requests,
        "failures": total.num_failures,
        "denied": _denied(environment),
        "per_second": total.num_requests / max(1e-9, time.monotonic() - TEST.began),
        "p50_ms": total.get_response_time_percentile(0.5) if total.num_requests else None,
        "p99_ms": total.get_response_time_percentile(0.99) if total.num_requests else None,
        "server_cpu_us": None,
        "own_cpu_us": None,
        "megabytes": TEST.megabytes,
    }
    if total.num_requests:
        used = time.process_time() - TEST.own_cpu_before
        outcome["own_cpu_us"] = used / total.num_requests * 1e6
        if TEST.servers:
            used = TEST.server_cpu_seconds() - TEST.server_cpu_before
            outcome["server_cpu_us"] = used / total.num_requests * 1e6
            print(f"server CPU a request: {outcome['server_cpu_us']:.0f} us")
    options: Any = environment.parsed_options
    if options.outcome:
        Path(options.outcome).write_text(json.dumps(outcome), encoding="utf-8")
    TEST.end()


@events.quitting.add_listener
def _quit(**_: Any) -> None:
    TEST.end()


def _denied(environment: Environment) -> int:
    return sum(
        entry.num_requests
        for (name, _), entry in environment.stats.entries.items()
        if name == "denied"
    )


class _AppUser(FastHttpUser):
    abstract = True
    wait_time = constant(0)
    app: str

    def on_start(self) -> None:
        options: Any = self.environment.parsed_options
        self._key = keys_of(options.spread, options.keys)
        self._url = f"{TEST.servers[self.app].url if self.app in TEST.servers else ''}/items/42"

    @task
    def request(self) -> None:
        fields = {KEY_FIELD: self._key()}
        with self.client.get(
            self._url, name="admitted", headers=fields, catch_response=True
        ) as response:
            if response.status_code == 429:
                response.request_meta["name"] = "denied"
                response.success()
            elif response.status_code != 200:
                response.failure(f"status {response.status_code}")


class AsgiUser(_AppUser):
    """Asks the ASGI application behind the limiter, served by uvicorn."""

    app = "asgi"
    host = "http://127.0.0.1"


class WsgiUser(_AppUser):
    """Asks the WSGI application behind the limiter, served by waitress."""

    app = "wsgi"
    host = "http://127.0.0.1"


class BareAsgiUser(_AppUser):
    """Asks the same ASGI application without the limiter."""

    app = "bare-asgi"
    host = "http://127.0.0.1"


class BareWsgiUser(_AppUser):
    """Asks the same WSGI application without the limiter."""

    app = "bare-wsgi"
    host = "http://127.0.0.1"


class _SiteUser(FastHttpUser):
    """A visitor whose cart must always hold what was put into it."""

    abstract = True
    wait_time = constant(0)
    app: str

    def on_start(self) -> None:
        options: Any = self.environment.parsed_options
        self._key = keys_of(options.spread, options.keys)
        self._url = TEST.servers[self.app].url if self.app in TEST.servers else ""
        self._in_cart = 0
        self._is_logged_in = False

    @task(6)
    def look(self) -> None:
        self._visit("/look", self._in_cart)

    @task(3)
    def put(self) -> None:
        if self._in_cart < MOST_IN_CART and self._visit("/cart", self._in_cart + 1):
            self._in_cart += 1

    @task(1)
    def log_in_or_out(self) -> None:
        if not self._is_logged_in:
            self._is_logged_in = self._visit("/login", self._in_cart)
        elif self._visit("/logout", 0):
            self._is_logged_in, self._in_cart = False, 0

    def _visit(self, page: str, in_cart: int) -> bool:
        """Whether the page was shown; not so if the limit denied it."""
        fields = {KEY_FIELD: self._key()}
        with self.client.get(
            f"{self._url}{page}", name=page, headers=fields, catch_response=True
        ) as response:
            if response.status_code == 429:
                response.request_meta["name"] = "denied"
                response.success()
                return False
            if response.status_code != 200:
                response.failure(f"status {response.status_code}")
            elif response.text != str(in_cart):
                response.failure(f"{response.text} in the cart, not {in_cart}")
            return True


class AsgiSiteUser(_SiteUser):
    """Visits a site with limits and sessions, served by uvicorn."""

    app = "site-asgi"
    host = "http://127.0.0.1"


class WsgiSiteUser(_SiteUser):
    """Visits the same site for WSGI, served by waitress."""

    app = "site-wsgi"
    host = "http://127.0.0.1"


class _LimiterUser(User):
    abstract = True
    wait_time = constant(0)

    def on_start(self) -> None:
        if TEST.limiter is None:
            raise StopUser
        self._acquire = TEST.limiter.acquire
        self._key = self.key_of_next_request()

    def key_of_next_request(self) -> Callable[[], str]:
        """What draws it."""
        raise NotImplementedError

    @task
    def decide(self) -> None:
        began_ns = time.perf_counter_ns()
        allowed = self._acquire(self._key()).allowed
        self.environment.events.request.fire(
            request_type="limiter",
            name="admitted" if allowed else "denied",
            response_time=(time.perf_counter_ns() - began_ns) / 1e6,
            response_length=0,
            exception=None,
        )
        # A MemoryStore never waits, and so would never let others run.
        _yield_to_others(0)


class LimiterUser(_LimiterUser):
    """Asks the limiter itself, in this process."""

    def key_of_next_request(self) -> Callable[[], str]:
        options: Any = self.environment.parsed_options
        return keys_of(options.spread, options.keys)


class HotKeyUser(_LimiterUser):
    """Asks it for one key, which all users share: on a table, a leased one."""

    def key_of_next_request(self) -> Callable[[], str]:
        return lambda: "hot"


def _yield_to_others(seconds: float) -> None:
    gevent.sleep(seconds)
