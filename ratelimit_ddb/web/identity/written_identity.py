"""The key of a value that is written down: an address, an API key, a user's id.

The identity itself is called, with a request that has the value and nothing else. So each spelling
is read as it would be read of a client.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ratelimit_ddb.web.identity.address import network, parsed
from ratelimit_ddb.web.identity.client_address import UNKNOWN, whole_address_of
from ratelimit_ddb.web.identity.identity import Identified, Identity, as_fallback, is_fallback
from ratelimit_ddb.web.identity.identity_source import request_from, source_of


def identified(by: Identity, parts: Sequence[str], *, otherwise: int = 0) -> Identified:
    """What an identity returns for a request with a value.

    Args:
        by: the identity.
        parts: the value: one text; none for ``everyone()``. For a function of the application, the
            parts of the key that it returns.
        otherwise: how many times to take the identity's ``otherwise`` first.

    Raises:
        ValueError: the identity does not read such a value; the message says what it reads.
    """
    source = source_of(by)
    if otherwise:
        if source is None or source.otherwise is None:
            raise ValueError("the rule's identity has no otherwise")
        other = cast("Identity", source.otherwise)
        return as_fallback(identified(other, parts, otherwise=otherwise - 1))
    if whole_address_of(by) is not None:
        return _of_address(by, _one("a client's address", parts))
    if source is None:
        return _of_function(parts)
    if source.what is None:
        if parts:
            raise ValueError(f"identity {parts[0]!r}: give none, the rule counts everyone together")
        return _given(by(request_from(None)))
    text = _one(source.what, parts)
    if source.request_with is None:
        return text
    found = _given(by(source.request_with(text)))
    if is_fallback(found):
        raise ValueError(f"identity {text!r}: must be {source.what}")
    return found


def _of_address(by: Identity, text: str) -> Identified:
    """Of an address, or of the network that stands for all its clients."""
    if text == UNKNOWN:
        return _given(by(request_from(None)))
    if "/" not in text:
        if parsed(text) is None:
            raise ValueError(f"identity {text!r}: must be an address, or {UNKNOWN!r}")
        return _given(by(request_from(text)))
    whole = network(text)
    found = _given(by(request_from(str(whole.network_address))))
    if found != str(whole):
        raise ValueError(f"identity {text!r}: must be an address, or a network such as {found!r}")
    return found


def _of_function(parts: Sequence[str]) -> Identified:
    if not any(parts):
        raise ValueError("an identity is required: what the rule's function gives")
    return parts[0] if len(parts) == 1 else tuple(parts)


def _one(what: str, parts: Sequence[str]) -> str:
    if len(parts) != 1 or not parts[0]:
        given = f"identity {' '.join(parts)!r}" if any(parts) else "an identity is required"
        raise ValueError(f"{given}: must be {what}")
    return parts[0]


def _given(found: object) -> Identified:
    return cast("Identified", found)  # nothing here is awaited: that is the application's own
