"""Decisions as OpenTelemetry metrics and spans, for ``on_decision=``.

    on_decision=[measure_decisions(), trace_decisions()]

Only the API is needed (opentelemetry-api 1.30 or later); without an SDK both do nothing. Providers
are the global ones unless given, and those may be set later than these functions are called.

No attribute holds a key or an identity: a metric would grow by a series for each client, and both
would hand clients' names to whoever reads them. A span has the digest of the key.

Source: OpenTelemetry semantic conventions, "Metrics" (names, units), "Recording errors"
(``error.type``, status) and "Trace semantic conventions" (names of spans).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ddbwire.arguments import shown
from ddbwire.shared.optional_package import optional_package

with optional_package("ratelimit_ddb.opentelemetry", "ratelimit-ddb[opentelemetry]"):
    from opentelemetry import metrics, trace
    from opentelemetry.trace import SpanKind, Status, StatusCode

from ratelimit_ddb.error_type import error_type
from ratelimit_ddb.web.identity.identity import digest_of

if TYPE_CHECKING:
    from ratelimit_ddb.decision_event import DecisionEvent, OnDecisionEvent

__all__ = ["measure_decisions", "trace_decisions"]

SCOPE = "ratelimit_ddb"
"""The instrumentation scope: the name of the meter and the tracer."""

DURATION_BOUNDARIES_SECONDS = (
    0.000_01,
    0.000_025,
    0.000_1,
    0.000_5,
    0.001,
    0.002_5,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
)
"""From denials out of memory, which take microseconds, over calls, which take milliseconds, to the
default deadline of 0.25 s and what is beyond it."""

_Attributes = dict[str, str | bool]
_BEHIND_NAME = {"refund": " refund", "charge": " charge", "block": " block"}


def measure_decisions(
    meter_provider: metrics.MeterProvider | None = None,
) -> OnDecisionEvent:
    """A function for ``on_decision=`` that counts each rule's decisions and what they took.

    - ``ratelimit.decisions``, a counter.
    - ``ratelimit.decision.duration``, a histogram in seconds, network included. Where several rules
      ask, those that are answered along with another one are not timed, and not in it.
    - ``ratelimit.calls``, a counter of the operations sent to the store, but for those that give
      tokens back.
    - ``ratelimit.capacity_units``, a counter of what these consumed, where the store reports it.
    - ``ratelimit.tokens``, a counter of the tokens taken, or charged: not of those given back along
      with the decision, nor of any in an outage.
    - ``ratelimit.tokens.returned``, a counter of those that were given back later: since another
      middleware, decorator or dependency denied the request, by its response, by ``refund``, or of
      a reservation that used less. What was taken for good is the difference.
    - ``ratelimit.blocks``, a counter of the keys blocked by ``limiter.block``.

    The attributes of each: ``ratelimit.rule``; ``ratelimit.outcome``, which is ``"allowed"``,
    ``"denied"`` or, whatever the policy made of it, ``"outage"``; ``ratelimit.enforced``;
    ``ratelimit.source`` (see ``Decision``); in an outage ``error.type``, DynamoDB's error code or
    the class of the exception, and ``ratelimit.on_outage``, what decided instead.

    Args:
        meter_provider: the global one unless given.

    Raises:
        TypeError: it is no meter provider.
    """
    _require("meter_provider", meter_provider, "get_meter")
    meter = metrics.get_meter(SCOPE, _version(), meter_provider)
    decisions = meter.create_counter(
        "ratelimit.decisions", "{decision}", "Decisions of rate limit rules."
    )
    duration = meter.create_histogram(
        "ratelimit.decision.duration",
        "s",
        "Duration of rate limit decisions, network included.",
        explicit_bucket_boundaries_advisory=DURATION_BOUNDARIES_SECONDS,
    )
    calls = meter.create_counter(
        "ratelimit.calls", "{call}", "Operations that rate limit decisions sent to the store."
    )
    capacity_units = meter.create_counter(
        "ratelimit.capacity_units",
        "{capacity_unit}",
        "Capacity that rate limit decisions consumed, where the store reports it.",
    )
    tokens = meter.create_counter("ratelimit.tokens", "{token}", "Tokens taken.")
    returned = meter.create_counter(
        "ratelimit.tokens.returned",
        "{token}",
        "Tokens given back after their decision.",
    )
    blocks = meter.create_counter("ratelimit.blocks", "{block}", "Keys blocked.")

    def measure(event: DecisionEvent) -> None:
        attributes = _attributes(event)
        if event.operation == "refund":
            if event.refunded:
                returned.add(event.cost, attributes)
            return
        if event.calls:
            calls.add(event.calls, attributes)
        if event.capacity_units:
            capacity_units.add(event.capacity_units, attributes)
        if event.operation == "acquire":
            decisions.add(1, attributes)
            if event.latency_ns:
                duration.record(event.latency_ns / 1_000_000_000, attributes)
            if event.decision.allowed and event.outage is None and not event.refunded:
                tokens.add(event.cost, attributes)
        elif event.outage is None:
            done, amount = (tokens, event.cost) if event.operation == "charge" else (blocks, 1)
            done.add(amount, attributes)

    return measure


def trace_decisions(
    tracer_provider: trace.TracerProvider | None = None,
) -> OnDecisionEvent:
    """A function for ``on_decision=`` that makes a span of each decision, within the current one.

    The span is called ``ratelimit`` and the rule's name; what is given back or charged later, or
    blocked, is a span of its own, with ``refund``, ``charge`` or ``block`` behind its name. It is
    an internal one, for a decision is no call: it may take none, or two. Spans are made once a
    request's verdict is there, so where several rules ask, each has its own length but all end
    together.

    Attributes are those of the metrics, and ``ratelimit.key_digest``, ``ratelimit.limit``,
    ``ratelimit.cost``, ``ratelimit.remaining``, ``ratelimit.refunded``, ``ratelimit.calls``,
    ``ratelimit.capacity_units`` (where known). A denial is no error; an outage is, with the
    exception recorded.

    Args:
        tracer_provider: the global one unless given.

    Raises:
        TypeError: it is no tracer provider.
    """
    _require("tracer_provider", tracer_provider, "get_tracer")
    tracer = trace.get_tracer(SCOPE, _version(), tracer_provider)

    def record(event: DecisionEvent) -> None:
        end_ns = time.time_ns()
        span = tracer.start_span(
            f"ratelimit {event.rule}{_BEHIND_NAME.get(event.operation, '')}",
            kind=SpanKind.INTERNAL,
            attributes=_attributes(event),
            start_time=end_ns - event.latency_ns,
        )
        if span.is_recording():
            _describe(span, event, end_ns)
        span.end(end_ns)

    return record


def _describe(span: trace.Span, event: DecisionEvent, end_ns: int) -> None:
    span.set_attributes(
        {
            "ratelimit.key_digest": digest_of(event.key),
            "ratelimit.limit": str(event.decision.limit),
            "ratelimit.cost": event.cost,
            "ratelimit.remaining": event.decision.remaining,
            "ratelimit.refunded": event.refunded,
            "ratelimit.calls": event.calls,
        }
    )
    if event.capacity_units is not None:
        span.set_attribute("ratelimit.capacity_units", event.capacity_units)
    if event.outage is not None:
        span.record_exception(event.outage, timestamp=end_ns)
        span.set_status(Status(StatusCode.ERROR, str(event.outage)))


def _attributes(event: DecisionEvent) -> _Attributes:
    attributes: _Attributes = {
        "ratelimit.rule": event.rule,
        "ratelimit.outcome": _outcome(event),
        "ratelimit.enforced": event.enforced,
        "ratelimit.source": event.decision.source,
    }
    if event.outage is not None:
        attributes["error.type"] = error_type(event.outage)
        attributes["ratelimit.on_outage"] = event.on_outage or ""
    return attributes


def _outcome(event: DecisionEvent) -> str:
    if event.outage is not None:
        return "outage"
    return "allowed" if event.decision.allowed else "denied"


def _version() -> str:
    from importlib.metadata import version

    return version("ratelimit-ddb")


def _require(name: str, provider: object, method: str) -> None:
    if isinstance(provider, type) or (provider is not None and not hasattr(provider, method)):
        raise TypeError(
            f"{name} {shown(provider)}: must be a {name.replace('_', ' ')} of OpenTelemetry, which "
            f"has {method}()"
        )
