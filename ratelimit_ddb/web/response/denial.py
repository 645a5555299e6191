"""The answer to a denied request, in the form the client prefers: JSON, HTML or plain text.

The JSON is a problem (RFC 9457) of a type that draft-ietf-httpapi-ratelimit-headers-11 defines
("Problem Types"), with its member ``violated-policies`` and one more, ``retry-after``, in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ratelimit_ddb.web.response.accept import preferred
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.response.fields import retry_after_seconds
from ratelimit_ddb.web.rules.verdict import FOR_GOOD, RuleDecision, Verdict
from ratelimit_ddb.web.structured_fields import percent_encoded


@dataclass(frozen=True, slots=True)
class Denial:
    """Why and for how long a request was denied.

    Attributes:
        status: 429; 403 for a client that is never let through; or 503 in an outage under
            ``on_outage="deny"``.
        violated_policies: the names of the policies that were violated, as in RateLimit-Policy.
        retry_after_seconds: whole seconds; None if the request is never admitted, since its cost is
            above the burst or its client is listed.
        limit: the binding limit in words, such as ``"5 per minute"``.
        cost: the tokens that were asked for.
        burst: the binding limit's burst.
        throttled: whether the table throttles writes to this key, so that it is not known whether
            the limit is exceeded.
        blocked: whether it is a block, which lasts for longer than the limit alone would deny.
    """

    status: Literal[403, 429, 503]
    violated_policies: tuple[str, ...]
    retry_after_seconds: int | None
    limit: str
    cost: int
    burst: int
    throttled: bool = False
    blocked: bool = False


def denial_of(verdict: Verdict) -> Denial:
    """What the response to a denied request says."""
    longest = verdict.longest
    decision, charge = longest.decision, longest.charge
    return Denial(
        status=_status_of(longest),
        # Once each: a rule that charges several keys may deny by more than one of them.
        violated_policies=tuple(
            dict.fromkeys(
                one.charge.quota.names[one.decision.limit.name] for one in verdict.denials
            )
        ),
        retry_after_seconds=(
            None if decision.source in FOR_GOOD else retry_after_seconds(decision)
        ),
        limit=str(decision.limit),
        cost=charge.cost,
        burst=decision.limit.burst,
        throttled=decision.source == "throttled",
        blocked=decision.source == "blocked",
    )


def _status_of(denied: RuleDecision) -> Literal[403, 429, 503]:
    source = denied.decision.source
    if source == "listed":
        return 403
    return 503 if source == "outage" and denied.on_outage != "local" else 429


class _Problem(NamedTuple):
    type: str
    title: str


_TYPES = "https://iana.org/assignments/http-problem-types"
_QUOTA_EXCEEDED = _Problem(f"{_TYPES}#quota-exceeded", "Too many requests")
_REDUCED_CAPACITY = _Problem(f"{_TYPES}#temporary-reduced-capacity", "Temporarily unavailable")
_FORBIDDEN = _Problem("about:blank", "Forbidden")  # the status says it all (RFC 9457, 4.2.1)
_ABNORMAL_USAGE = _Problem(f"{_TYPES}#abnormal-usage-detected", "Blocked")

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 36rem; padding: 1rem }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{sentence}</p>
</body>
</html>
"""


def denial_response(denial: Denial, method: str, accept: str | None) -> DenialResponse:
    """The response to a request that was denied.

    Its content follows ``Accept``: JSON unless the client prefers HTML or plain text. A permanent
    denial has no ``Retry-After``. Caches must not store a 429 (RFC 6585, 4) and should not store an
    outage, so both have ``Cache-Control: no-store``.

    Args:
        denial: the denial.
        method: the request's method; for HEAD only the headers are sent, those of GET.
        accept: the request's ``Accept``, fields joined by commas; None if it has none.
    """
    content_type, written = _FORMS[preferred(accept, _OFFERED)]
    body = written(denial)
    headers: tuple[tuple[str, str], ...] = (
        ("cache-control", "no-store"),
        ("vary", "accept"),
        ("content-type", content_type),
        ("content-length", str(len(body))),
    )
    if denial.retry_after_seconds is not None:
        headers = (("retry-after", str(denial.retry_after_seconds)), *headers)
    return DenialResponse(denial.status, headers, b"" if method == "HEAD" else body)


def sentence(denial: Denial) -> str:
    """Why, and for how long, in a sentence or two."""
    if denial.status == 503:
        why = "Rate limits can't be checked just now."
    elif denial.status == 403:
        why = "This client is not let through."
    elif denial.blocked:
        why = "Blocked after too many requests over a limit."
    elif denial.throttled:
        why = "Too many requests at once."
    elif denial.retry_after_seconds is None:
        why = (
            f"This request costs {denial.cost}, and the limit of {denial.limit} "
            f"never holds more than {denial.burst}."
        )
    else:
        why = f"Over the limit of {denial.limit}."
    if denial.retry_after_seconds is None:
        return why
    return f"{why} Retry after {denial.retry_after_seconds} s."


def _problem(denial: Denial) -> _Problem:
    if denial.status == 503:
        return _REDUCED_CAPACITY
    if denial.status == 403:
        return _FORBIDDEN
    return _ABNORMAL_USAGE if denial.blocked else _QUOTA_EXCEEDED


def _json(denial: Denial) -> bytes:
    problem = _problem(denial)
    members: dict[str, object] = {
        "type": problem.type,
        "title": problem.title,
        "status": denial.status,
        "detail": sentence(denial),
    }
    if denial.status != 403:
        # Spelled as in RateLimit-Policy, so that a client can find them there.
        names = [percent_encoded(name) for name in denial.violated_policies]
        members["violated-policies"] = names
    if denial.retry_after_seconds is not None:
        members["retry-after"] = denial.retry_after_seconds
    return (json.dumps(members) + "\n").encode()


def _page(denial: Denial) -> bytes:
    from html import escape  # its table of 2,231 names is not needed for the other forms

    title = _problem(denial).title
    return _PAGE.format(title=title, sentence=escape(sentence(denial))).encode()


def _line(denial: Denial) -> bytes:
    return (sentence(denial) + "\n").encode()


class _Form(NamedTuple):
    content_type: str
    written: Callable[[Denial], bytes]


# HTML before plain text, since text browsers accept both equally. JSON has no charset: it is always
# UTF-8 (RFC 8259, 8.1 and 11).
_FORMS = {
    "application/problem+json": _Form("application/problem+json", _json),
    "text/html": _Form("text/html; charset=utf-8", _page),
    "text/plain": _Form("text/plain; charset=utf-8", _line),
}
_OFFERED = tuple(_FORMS)
