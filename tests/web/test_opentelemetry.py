"""What decisions leave in OpenTelemetry's metrics and traces, as its SDK collects them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from ratelimit_ddb import DynamoDBStore, MemoryStore, RateLimiter, StoreUnavailable
from ratelimit_ddb.opentelemetry import (
    DURATION_BOUNDARIES_SECONDS,
    measure_decisions,
    trace_decisions,
)
from ratelimit_ddb.operations.operation import Operation, ReadClock
from ratelimit_ddb.web import Rule, RuleDecision, everyone, header
from ratelimit_ddb.web.identity.identity import digest_of
from ratelimit_ddb.wsgi import RateLimitMiddleware
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Ask, Get, Page, limited_asgi, limited_wsgi, over_wsgi

LOGIN = Rule("/login", "1/minute", name="login")
CREDENTIAL = "sk-live-5f2b9c71"
ATTRIBUTES = ("ratelimit.rule", "ratelimit.outcome", "ratelimit.enforced", "ratelimit.source")

Limited = Callable[..., Ask]
Series = dict[tuple[Any, ...], Any]
"""A metric's points by the values of ATTRIBUTES."""


class Metrics:
    """What a meter provider collected."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider(metric_readers=[self.reader])

    def collected(self) -> dict[str, Any]:
        """The metrics by their names."""
        data = self.reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def counts(self, name: str) -> Series:
        return {
            tuple(point.attributes[attribute] for attribute in ATTRIBUTES): point.value
            for point in self.collected()[name].data.data_points
        }

    def rendered(self) -> str:
        data = self.reader.get_metrics_data()
        assert data is not None
        return data.to_json()


class Spans:
    """What a tracer provider exported."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def ended(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def rendered(self) -> str:
        return "\n".join(span.to_json() for span in self.ended())


class BillingStore(MemoryStore):
    """One that reports half a unit for each operation."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        answer = super().send(operation, deadline_ns)
        return answer if type(operation) is ReadClock else answer._replace(capacity_units=0.5)


@pytest.fixture
def measured() -> Iterator[Metrics]:
    made = Metrics()
    yield made
    made.provider.shutdown()


@pytest.fixture
def traced() -> Iterator[Spans]:
    made = Spans()
    yield made
    made.provider.shutdown()


@pytest.fixture(params=[limited_asgi, limited_wsgi], ids=["asgi", "wsgi"])
def limited(request: pytest.FixtureRequest) -> Limited:
    made: Limited = request.param
    return made


@pytest.mark.parametrize(
    "wrong",
    [True, "shop", object(), MeterProvider, TracerProvider],
    ids=lambda wrong: getattr(wrong, "__name__", type(wrong).__name__),
)
def test_what_is_no_provider_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"meter_provider .* must be a meter provider"):
        measure_decisions(wrong)
    with pytest.raises(TypeError, match=r"tracer_provider .* must be a tracer provider"):
        trace_decisions(wrong)


def test_decisions_are_counted_by_rule_and_outcome(limited: Limited, measured: Metrics) -> None:
    rules = [LOGIN, Rule("/search", "1/minute", name="search", enforce=False)]
    ask = limited(
        store=MemoryStore(clock=FakeClock()),
        rules=rules,
        on_decision=measure_decisions(measured.provider),
    )
    assert [ask(Get("/login")).status for _ in range(3)] == [200, 429, 429]
    assert [ask(Get("/search")).status for _ in range(2)] == [200, 200]
    assert measured.counts("ratelimit.decisions") == {
        ("login", "allowed", True, "table"): 1,
        ("login", "denied", True, "seen"): 2,
        ("search", "allowed", False, "table"): 1,
        ("search", "denied", False, "seen"): 1,
    }


@pytest.mark.parametrize("policy", ["local", "allow", "deny"])
def test_an_outage_is_an_outcome_of_its_own_whatever_the_policy(
    measured: Metrics, policy: str
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("gone")
    tell = measure_decisions(measured.provider)
    limited_wsgi(store=store, rules=LOGIN, on_outage=policy, on_decision=tell)(Get("/login"))
    (point,) = measured.collected()["ratelimit.decisions"].data.data_points
    assert dict(point.attributes) == {
        "ratelimit.rule": "login",
        "ratelimit.outcome": "outage",
        "ratelimit.enforced": True,
        "ratelimit.source": "outage",
        "ratelimit.on_outage": policy,
        "error.type": "StoreUnavailable",
    }
    assert "ratelimit.tokens" not in measured.collected()


def test_calls_are_those_that_were_sent(measured: Metrics) -> None:
    store = FlakyStore()
    tell = measure_decisions(measured.provider)
    ask = limited_wsgi(store=store, rules=LOGIN, on_decision=tell)
    for _ in range(5):
        ask(Get("/login"))
    counts = measured.counts("ratelimit.calls")
    assert sum(counts.values()) == len(store.operations) == 1
    assert set(counts) == {("login", "allowed", True, "table")}


def test_capacity_is_counted_where_the_store_reports_it(measured: Metrics) -> None:
    tell = measure_decisions(measured.provider)
    limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=tell)(Get("/login"))
    assert "ratelimit.capacity_units" not in measured.collected()
    limited_wsgi(store=BillingStore(), rules=LOGIN, on_decision=tell)(Get("/login"))
    counts = measured.counts("ratelimit.capacity_units")
    assert counts == {("login", "allowed", True, "table"): 0.5}


def test_tokens_are_those_taken_for_good(measured: Metrics) -> None:
    rules = [
        Rule("/*", "50/minute", name="each", cost=3),
        Rule("/*", "1/minute", by=everyone(), name="all"),
    ]
    clock = FakeClock()
    ask = limited_wsgi(
        store=MemoryStore(clock=clock),
        rules=rules,
        deny_cache=0,
        on_decision=measure_decisions(measured.provider),
    )
    assert ask(Get()).status == 200
    clock.advance_ns(1)
    assert ask(Get()).status == 429
    assert measured.counts("ratelimit.decisions") == {
        ("each", "allowed", True, "table"): 2,
        ("all", "allowed", True, "table"): 1,
        ("all", "denied", True, "table"): 1,
    }
    assert measured.counts("ratelimit.tokens") == {
        ("each", "allowed", True, "table"): 3,
        ("all", "allowed", True, "table"): 1,
    }


def test_what_a_limit_further_in_has_given_back_is_counted_beside(
    measured: Metrics, traced: Spans
) -> None:
    heard = [measure_decisions(measured.provider), trace_decisions(traced.provider)]
    options: dict[str, Any] = {"store": MemoryStore(clock=FakeClock()), "on_decision": heard}
    inner = RateLimitMiddleware(Page().wsgi, rules=Rule("/*", "1/minute", name="in"), **options)
    wide = Rule("/*", "50/minute", name="out", cost=3)
    ask = over_wsgi(RateLimitMiddleware(inner, rules=wide, **options))
    assert [ask(Get()).status for _ in range(2)] == [200, 429]
    admitted = ("out", "allowed", True, "table")
    assert measured.counts("ratelimit.decisions")[admitted] == 2
    assert measured.counts("ratelimit.tokens")[admitted] == 6
    assert measured.counts("ratelimit.tokens.returned") == {admitted: 3}
    assert [span.name for span in traced.ended()][2:] == [
        "ratelimit out",
        "ratelimit out refund",
        "ratelimit in",
    ]


def test_what_comes_after_a_decision_is_no_decision(measured: Metrics, traced: Spans) -> None:
    heard = [measure_decisions(measured.provider), trace_decisions(traced.provider)]
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), "1000/minute", on_decision=heard)
    limiter.reserve("k", 100).settle(70)
    limiter.charge("k", 5)
    limiter.block("k", 60)
    admitted = ("1000 per minute", "allowed", True, "table")
    blocked = ("1000 per minute", "denied", True, "table")
    assert measured.counts("ratelimit.decisions") == {admitted: 1}
    assert measured.counts("ratelimit.tokens") == {admitted: 105}
    assert measured.counts("ratelimit.tokens.returned") == {admitted: 30}
    assert measured.counts("ratelimit.blocks") == {blocked: 1}
    assert [span.name.removeprefix("ratelimit 1000 per minute") for span in traced.ended()] == [
        "",
        " refund",
        " charge",
        " block",
    ]


def test_durations_are_in_seconds_in_buckets_that_fit(measured: Metrics) -> None:
    told: list[RuleDecision] = []
    tell = [told.append, measure_decisions(measured.provider)]
    ask = limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=tell)
    ask(Get("/login"))
    metric = measured.collected()["ratelimit.decision.duration"]
    (point,) = metric.data.data_points
    assert metric.unit == "s"
    assert point.sum == told[0].latency_ns / 1_000_000_000
    assert point.explicit_bounds == DURATION_BOUNDARIES_SECONDS
    assert list(DURATION_BOUNDARIES_SECONDS) == sorted(set(DURATION_BOUNDARIES_SECONDS))


def test_a_duration_that_nobody_took_is_not_recorded_as_none(measured: Metrics) -> None:
    told: list[RuleDecision] = []
    rules = [Rule("/*", "1/minute", name="each"), Rule("/*", "1/minute", by=everyone(), name="all")]
    tell = [told.append, measure_decisions(measured.provider)]
    ask = limited_wsgi(store=MemoryStore(clock=FakeClock()), rules=rules, on_decision=tell)
    for _ in range(2):
        ask(Get())
    points = measured.collected()["ratelimit.decision.duration"].data.data_points
    timed = [one for one in told if one.latency_ns]
    assert sum(point.count for point in points) == len(timed)
    assert sum(measured.counts("ratelimit.decisions").values()) == len(told) == 4


def test_instruments_are_made_once() -> None:
    class Counting(metrics.NoOpMeterProvider):
        meters = 0

        def get_meter(self, *args: Any, **kwargs: Any) -> metrics.Meter:
            self.meters += 1
            return super().get_meter(*args, **kwargs)

    provider = Counting()
    tell = measure_decisions(provider)
    ask = limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=tell)
    for _ in range(3):
        ask(Get("/login"))
    assert provider.meters == 1


def test_a_decision_is_a_span_within_the_requests(limited: Limited, traced: Spans) -> None:
    told: list[RuleDecision] = []
    tell = [told.append, trace_decisions(traced.provider)]
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=LOGIN, on_decision=tell)
    with traced.provider.get_tracer("server").start_as_current_span("POST /login") as request:
        ask(Get("/login"))
    span, _ = traced.ended()
    assert span.name == "ratelimit login"
    assert span.kind is SpanKind.INTERNAL
    assert span.parent == request.get_span_context()
    assert span.status.status_code is StatusCode.UNSET
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time == told[0].latency_ns > 0
    assert dict(span.attributes or {}) == {
        "ratelimit.rule": "login",
        "ratelimit.outcome": "allowed",
        "ratelimit.enforced": True,
        "ratelimit.source": "table",
        "ratelimit.key_digest": digest_of("login:192.0.2.7"),
        "ratelimit.limit": "1 per minute",
        "ratelimit.cost": 1,
        "ratelimit.remaining": 0,
        "ratelimit.refunded": False,
        "ratelimit.calls": 1,
    }


def test_a_denial_is_no_error(traced: Spans) -> None:
    tell = trace_decisions(traced.provider)
    ask = limited_wsgi(store=BillingStore(), rules=LOGIN, on_decision=tell)
    assert [ask(Get("/login")).status for _ in range(2)] == [200, 429]
    admitted, denied = traced.ended()
    assert denied.status.status_code is StatusCode.UNSET
    assert denied.attributes is not None
    assert denied.attributes["ratelimit.outcome"] == "denied"
    assert admitted.attributes is not None
    assert admitted.attributes["ratelimit.capacity_units"] == 0.5


def test_an_outage_is_an_error_with_its_exception(traced: Spans) -> None:
    store = DynamoDBStore("limits", endpoint_url="http://127.0.0.1:1", region_name="eu-west-1")
    tell = trace_decisions(traced.provider)
    ask = limited_wsgi(store=store, rules=LOGIN, deadline=0.1, on_decision=tell)
    assert ask(Get("/login")).status == 200
    (span,) = traced.ended()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is not None
    assert "http://127.0.0.1:1" in span.status.description
    assert span.attributes is not None
    assert span.attributes["error.type"] in ("Unreachable", "DeadlineExceeded")
    (event,) = span.events
    assert event.attributes is not None
    assert event.attributes["exception.type"] == "ddbwire.errors.StoreUnavailable"
    assert event.timestamp == span.end_time


def test_what_is_not_sampled_is_not_described() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_OFF)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tell = trace_decisions(provider)
    ask = limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=tell)
    assert ask(Get("/login")).status == 200
    assert exporter.get_finished_spans() == ()
    provider.shutdown()


def test_neither_holds_a_credential_or_an_identity(
    limited: Limited, measured: Metrics, traced: Spans
) -> None:
    store = FlakyStore()
    rules = [
        Rule("/*", "2/minute", by=header("x-api-key", digest=False), name="by key"),
        Rule("/*", "1/minute", by=header("authorization"), name="by token", enforce=False),
        Rule("/*", "9/minute", name="by address"),
    ]
    tell = [measure_decisions(measured.provider), trace_decisions(traced.provider)]
    ask = limited(store=store, rules=rules, on_decision=tell)
    secrets = {"x-api-key": CREDENTIAL, "authorization": f"Bearer {CREDENTIAL}"}
    for _ in range(3):
        ask(Get(headers=secrets))
    store.failure = StoreUnavailable("gone")
    ask(Get(headers={name: f"{value}-other" for name, value in secrets.items()}))
    for rendered in (measured.rendered(), traced.rendered()):
        assert "by key" in rendered
        assert "outage" in rendered
        assert CREDENTIAL not in rendered
        assert "192.0.2.7" not in rendered
    assert digest_of(CREDENTIAL) not in measured.rendered()
    assert "digest" not in measured.rendered()


def test_series_do_not_grow_with_clients(measured: Metrics) -> None:
    tell = measure_decisions(measured.provider)
    ask = limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=tell)
    for client in range(20):
        ask(Get("/login", client=f"192.0.2.{client}"))
    assert measured.counts("ratelimit.decisions") == {("login", "allowed", True, "table"): 20}


IMPORTS_NOTHING = """
import sys
import ratelimit_ddb, ratelimit_ddb.asgi, ratelimit_ddb.wsgi, ratelimit_ddb.log
found = sorted(name for name in sys.modules if name.partition(".")[0] == "opentelemetry")
assert not found, found
"""

PROVIDERS_SET_LATER = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from ratelimit_ddb import MemoryStore
from ratelimit_ddb.opentelemetry import measure_decisions, trace_decisions
from ratelimit_ddb.web import Rule
from ratelimit_ddb.wsgi import RateLimitMiddleware

app = RateLimitMiddleware(
    lambda environ, start_response: start_response("200 OK", []) and [],
    store=MemoryStore(),
    rules=Rule("/*", "1/minute"),
    on_decision=[measure_decisions(), trace_decisions()],
)
reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
app({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda status, headers, exc_info=None: [])
(span,) = exporter.get_finished_spans()
assert span.instrumentation_scope.name == "ratelimit_ddb"
assert "ratelimit.decisions" in reader.get_metrics_data().to_json()
"""


@pytest.mark.parametrize(
    "program", [IMPORTS_NOTHING, PROVIDERS_SET_LATER], ids=["imports nothing", "providers later"]
)
def test_in_a_process_of_its_own(program: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_without_an_sdk_nothing_happens() -> None:
    tell = [
        measure_decisions(metrics.NoOpMeterProvider()),
        trace_decisions(trace.NoOpTracerProvider()),
    ]
    ask = limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=tell)
    assert [ask(Get("/login")).status for _ in range(2)] == [200, 429]
