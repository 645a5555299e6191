"""The answers to denied requests: the standard one, or what ``on_denied`` makes of it."""

from __future__ import annotations

from typing import Any

from ratelimit_ddb.arguments import require_plain
from ratelimit_ddb.web.gate.awaitables import AwaitableFlow, maybe_await
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.response.denial import denial_of, denial_response
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.rules.verdict import Verdict


class DenialAnswers:
    """Makes the answers.

    Args:
        on_denied: the function that makes them of the request, the verdict and the standard
            answer; None for the standard one.
        blocking: whether a coroutine function is refused.

    Attributes:
        are_own: whether there is an ``on_denied``.

    Raises:
        TypeError: ``on_denied`` is no function, or nothing would await it.
    """

    __slots__ = ("_on_denied", "are_own")

    def __init__(self, on_denied: Any, *, blocking: bool) -> None:
        if on_denied is not None and not callable(on_denied):
            raise TypeError(f"on_denied {on_denied!r}: must be a function")
        if blocking:
            require_plain("on_denied", on_denied)
        self._on_denied = on_denied
        self.are_own = on_denied is not None

    def answer(self, request: Request, verdict: Verdict) -> AwaitableFlow[DenialResponse]:
        """The answer to a denied request, without the fields of limits."""
        accept = request.header("accept")
        default = denial_response(denial_of(verdict), request.method, accept)
        if self._on_denied is None:
            return default
        returned = yield from maybe_await(self._on_denied(request, verdict, default))
        return _checked(returned, default, request.method)


def _checked(returned: object, default: DenialResponse, method: str) -> DenialResponse:
    """What ``on_denied`` returned, with the ``content-length`` of its own content."""
    if not isinstance(returned, DenialResponse):
        raise TypeError(f"on_denied returned {returned!r}: must be a DenialResponse")
    if not isinstance(returned.status, int):
        raise TypeError(f"on_denied returned the status {returned.status!r}: must be an int")
    if not isinstance(returned.body, bytes):
        raise TypeError(
            f"on_denied returned a body that is a {type(returned.body).__name__}: must be bytes, "
            "such as text.encode()"
        )
    if not isinstance(returned.headers, tuple | list) or not all(map(_is_field, returned.headers)):
        raise TypeError(
            f"on_denied returned the headers {returned.headers!r}: must be pairs of str, such as "
            "(('content-type', 'text/plain'),)"
        )
    if returned.body == default.body:
        return returned
    length = str(len(returned.body))
    headers = tuple(
        (name, length if name.lower() == "content-length" else value)
        for name, value in returned.headers
    )
    return DenialResponse(returned.status, headers, b"" if method == "HEAD" else returned.body)


def _is_field(given: object) -> bool:
    pair = given if isinstance(given, tuple | list) and len(given) == 2 else (None,)
    return all(isinstance(part, str) for part in pair)
