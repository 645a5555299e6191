"""Tells a history in lines that people can read, with the promise that it broke."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation import promise_of_amounts, promise_of_answers, promise_of_clocks
from tests.simulation.history import History
from tests.simulation.record import Event, Request


class Broken(AssertionError):
    """A promise did not hold; the text is the whole story."""


def require_promises(history: History) -> None:
    """Raise Broken, with the story, unless the history kept every promise."""
    try:
        promise_of_clocks.check(history)
        promise_of_amounts.check(history)
        promise_of_answers.check(history)
    except AssertionError as broken:
        raise Broken(f"{broken}\n\n{story_of(history)}") from broken


def story_of(history: History) -> str:
    """The plan, and what happened to each call, by seconds of true time since the beginning."""
    began_ns = min(request.started_ns for request in history.requests)
    lines = [
        *((event.true_ns, _event_line(event)) for event in history.story),
        *(line for request in history.requests for line in _request_lines(request)),
    ]
    lines.sort(key=lambda line: line[0])
    told = "\n".join(f"{(true_ns - began_ns) / 1e9:12.6f} {line}" for true_ns, line in lines)
    again = f"again: python -m tests.simulation {history.seed}"
    return f"seed {history.seed} ({again})\n{history.plan}\n\n{told}\n"


def _who(request: Request) -> str:
    return f"process {request.process}, call {request.number}"


def _event_line(event: Event) -> str:
    return f"{_who(event.request)}: {event.what} {event.operation} -> {event.answer}"


def _request_lines(request: Request) -> Iterator[tuple[int, str]]:
    wanted = f"{request.what} {request.cost} of {request.key}, waiting {request.wait_ns} ns at most"
    yield request.started_ns, f"{_who(request)} begins: {wanted}"
    result = "outage" if request.outage else request.decision
    yield request.ended_ns, f"{_who(request)} ends, having read {request.reading_ns}: {result}"
