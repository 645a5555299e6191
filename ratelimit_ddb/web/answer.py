"""What a denied client is told: 429, or 503 where the limiter itself had no answer."""

from __future__ import annotations

from dataclasses import dataclass

from ratelimit_ddb.decision import Decision
from ratelimit_ddb.limit import SECOND_NS


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response, for either protocol to send.

    Attributes:
        status: the status code and its phrase.
        headers: names in lower case, in the order sent.
        body: the content; empty for HEAD, whose ``content-length`` still tells its size.
    """

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def status_code(self) -> int:
        """The status without its phrase."""
        return int(self.status[:3])


def denial(decision: Decision, method: str) -> Answer:
    """The response to a request that was denied.

    ``Retry-After`` is in whole seconds, rounded up, so that a client that keeps it is admitted (RFC
    9110, 10.2.3). A 429 must not be stored by caches (RFC 6585, 4): ``Cache-Control`` says so.
    """
    seconds = retry_after_seconds(decision)
    if decision.source == "outage":
        status, why = "503 Service Unavailable", "Rate limits can't be checked just now."
    else:
        status, why = "429 Too Many Requests", f"Over the limit of {decision.limit}."
    body = f"{why} Retry after {seconds} s.\n".encode()
    headers = (
        ("retry-after", str(seconds)),
        ("cache-control", "no-store"),
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(len(body))),
    )
    return Answer(status, headers, b"" if method == "HEAD" else body)


def retry_after_seconds(decision: Decision) -> int:
    """Whole seconds, rounded up, at least 1."""
    return max(1, -(-decision.retry_after_ns // SECOND_NS))
