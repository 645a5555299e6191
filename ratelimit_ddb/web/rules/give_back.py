"""Which responses give a rule's tokens back: by a function of the response, or by status codes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from ratelimit_ddb.arguments import is_list_like
from ratelimit_ddb.web.identity.function_of_request import require_function_of_request
from ratelimit_ddb.web.response_head import ResponseHead

GiveBack = Callable[[ResponseHead], bool | Awaitable[bool]]
"""Whether a request takes no tokens after all, by the response to it."""

GiveBackLike = GiveBack | str | Iterable[str]
"""What users may write: a function, or status codes such as ``"2xx"`` and ``"200-399"``."""

_CLASS = re.compile(r"([1-5])xx")
_RANGE = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")


@dataclass(frozen=True, slots=True)
class StatusCodes:
    """The responses that have one of some status codes.

    Attributes:
        ranges: the first and the last code of each range.
    """

    ranges: tuple[tuple[int, int], ...]

    def __call__(self, response: ResponseHead) -> bool:
        """Whether the response has one of them."""
        return any(first <= response.status <= last for first, last in self.ranges)


def give_back_of(given: GiveBackLike) -> GiveBack:
    """The function that is meant.

    Raises:
        TypeError: it is neither a function of the response, nor text, nor several texts.
        ValueError: a text names no status codes.
    """
    if callable(given):
        require_function_of_request("give_back", given, argument="response")
        return given
    if not is_list_like(given):
        raise TypeError(
            f"give_back {given!r}: must be a function of the response, or status codes such as "
            "'2xx'"
        )
    several = (given,) if isinstance(given, str) else tuple(given)
    if not several:
        raise ValueError("give_back []: must not be empty; leave it out to give nothing back")
    return StatusCodes(tuple([_range(one) for one in several]))


def _range(text: object) -> tuple[int, int]:
    if not isinstance(text, str):
        raise TypeError(f"give_back {text!r}: must be a str such as '2xx', '404' or '200-399'")
    by_class = _CLASS.fullmatch(text)
    if by_class:
        first = int(by_class[1]) * 100
        return first, first + 99
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"give_back {text!r}: must be status codes: '2xx', '404' or '200-399'")
    first, last = int(found[1]), int(found[2] or found[1])
    if first > last:
        raise ValueError(f"give_back {text!r}: the first status code must not be above the last")
    return first, last
