"""``ratelimit-ddb demo``."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from ratelimit_ddb.cli.endpoint import Endpoint, resolve
from ratelimit_ddb.cli.failure import Misuse, PortTaken
from ratelimit_ddb.demo.app import hello
from ratelimit_ddb.demo.screen import Screen
from ratelimit_ddb.demo.server import HOST, Server, serving
from ratelimit_ddb.demo.story import Story
from ratelimit_ddb.demo.visitor import Visitor
from ratelimit_ddb.demo.witness import Served, Witness
from ratelimit_ddb.errors import StoreUnavailable, TableNotFound
from ratelimit_ddb.limit import Limit
from ratelimit_ddb.limiter import RateLimiter
from ratelimit_ddb.store.dynamodb import DynamoDBStore
from ratelimit_ddb.store.memory import MemoryStore
from ratelimit_ddb.store.protocol import Store
from ratelimit_ddb.tables import Table, create, rate_limits
from ratelimit_ddb.web.rule import Rule
from ratelimit_ddb.wsgi import RateLimitMiddleware

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

DEFAULT_TABLE = "ratelimit-ddb-demo"
LARGEST_BURST = 200

_RULE = "demo"
_DEADLINE_SECONDS = 2.0
"""Longer than an app would wait: an emulator's first answers are slow."""


def run(options: argparse.Namespace) -> bool:
    """Tell the story, and go on serving if asked to; False if the limit was not kept."""
    screen = Screen(sys.stdout)
    screen.heading("ratelimit-ddb: a web app behind a rate limit")
    if options.endpoint_url is None and options.region is None and options.table is None:
        screen.line("  buckets   in this process's memory (MemoryStore)")
        return _show(screen, MemoryStore(), options, calls=None)
    calls: Counter[str] = Counter()
    with _table(screen, options, calls) as store:
        return _show(screen, store, options, calls)


def _bucket_of(client: str) -> tuple[str, str]:
    """The demo's keys, as its rule makes them: one bucket a client address."""
    return (_RULE, client)


def _show(
    screen: Screen, store: Store, options: argparse.Namespace, calls: Counter[str] | None
) -> bool:
    limit: Limit = options.limit
    app = Witness(
        RateLimitMiddleware(
            hello,
            store=store,
            rules=Rule("/*", limit, name=_RULE),
            on_outage="deny",
            deadline=_DEADLINE_SECONDS,
        )
    )
    limiter = RateLimiter(store, limit, deadline=_DEADLINE_SECONDS)
    with _serving(app, options.port) as server:
        screen.line(f"  limit     {limit}, for each client address")
        screen.line(f"  app       {server.url}")
        with Visitor(HOST, server.server_port) as visitor:
            kept = Story(screen, visitor, limiter, _bucket_of(HOST), calls).tell()
        if options.serve:
            _serve_on(screen, server.url, app, limiter)
    return kept


def _serve_on(screen: Screen, url: str, app: Witness, limiter: RateLimiter) -> None:
    """Leave the app running, and show each answer, until Ctrl-C."""

    def show(served: Served) -> None:
        try:
            bucket = limiter.peek(_bucket_of(served.client))
        except StoreUnavailable as outage:
            screen.note(f"{served.status}: {outage}")
            return
        screen.answered(time.strftime("%H:%M:%S"), served.status, served.retry_after, bucket)

    app.tell = show  # before anybody can have read where to ask
    many = min(limiter.limits[0].burst + 3, 20)
    try:
        screen.heading("Still serving, until Ctrl-C. Try:")
        screen.line(f"  curl -i {url}")
        screen.line(f"  for i in $(seq {many}); do curl -s {url}; done")
        screen.line()
        threading.Event().wait()
    except KeyboardInterrupt:
        screen.line()
        screen.note("Stopped.")


@contextmanager
def _serving(app: WSGIApplication, port: int) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(serving(app, port))
        except OSError as error:
            raise PortTaken(f"port {port} on {HOST}: {error.strerror}") from error
        yield server


@contextmanager
def _table(
    screen: Screen, options: argparse.Namespace, calls: Counter[str]
) -> Iterator[DynamoDBStore]:
    """A store on the table that was asked for, created if missing, with the demo's bucket full."""
    table = _described(options.table or DEFAULT_TABLE)
    endpoint = resolve(options.endpoint_url, options.region)
    screen.line(f"  buckets   DynamoDB at {endpoint}")
    store = DynamoDBStore(
        table.name,
        region_name=options.region,
        endpoint_url=options.endpoint_url,
        on_call=lambda call: calls.update([call.operation]),
    )
    with closing(store):
        store.warm_up()
        created = _fill_bucket(store, options.limit, endpoint, table)
        screen.line(f"  table     {table.name}{', created just now' if created else ''}")
        yield store


def _fill_bucket(store: DynamoDBStore, limit: Limit, endpoint: Endpoint, table: Table) -> bool:
    """Forget what earlier demos took; whether the table had to be created for it."""
    limiter = RateLimiter(store, limit, deadline=_DEADLINE_SECONDS)
    try:
        limiter.reset(_bucket_of(HOST))
    except TableNotFound:
        create(endpoint.client, [table])
        return True
    return False


def _described(name: str) -> Table:
    try:
        return rate_limits(name)
    except ValueError as error:
        raise Misuse(str(error)) from error
