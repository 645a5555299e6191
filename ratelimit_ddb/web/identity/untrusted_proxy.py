"""Warns if clients seem to share the bucket of a proxy that is not trusted.

Behind a load balancer ``client_address()`` is the balancer's address, and its clients deny each
other. It is not certain, since any client can send X-Forwarded-For; but a denied peer is most
likely a proxy if it sends the field and has no global address (RFC 1918, RFC 4193, RFC 6598), or
none at all, as at a unix socket. The same goes for ``client_address()`` as the ``otherwise`` of
another identity, where that decided.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import cast

from ratelimit_ddb.key import KeyLike, key_text
from ratelimit_ddb.web.identity.address import parsed
from ratelimit_ddb.web.identity.client_address import trusts_nobody
from ratelimit_ddb.web.identity.forwarded import READERS
from ratelimit_ddb.web.identity.identity import Identity, as_fallback
from ratelimit_ddb.web.identity.identity_source import source_of
from ratelimit_ddb.web.request import Request


class UntrustedProxyWarning:
    """Warns once."""

    __slots__ = ("_has_warned",)

    def __init__(self) -> None:
        self._has_warned = False

    def look_at(self, request: Request, denied: Iterable[tuple[Identity, str]]) -> None:
        """Log a warning if a denied request looks like one from such a proxy.

        Args:
            request: the request.
            denied: the ``by`` of each rule that denied it, and the key.
        """
        if self._has_warned or not any(_is_of_peer(by, key, request) for by, key in denied):
            return
        peer = parsed(request.client or "")
        if request.client and (peer is None or peer.is_global):
            return
        for field in READERS:
            if request.header(field) is not None:
                self._has_warned = True
                logging.getLogger("ratelimit_ddb").warning(
                    "denied %s, which sent %s: if it is a proxy, all its clients share its bucket; "
                    "say which proxies to trust, such as by=client_address(trusted_hops=1)",
                    request.client or "a peer without an address",
                    field,
                )
                return


def _is_of_peer(by: Identity, key: str, request: Request) -> bool:
    """Whether a key is of the peer's address, by the identity or by its ``otherwise``."""
    source = source_of(by)
    if source is None or source.otherwise is None:
        return trusts_nobody(by)
    if not trusts_nobody(source.otherwise):
        return _is_of_peer(cast("Identity", source.otherwise), key, request)
    fallback = as_fallback(cast("str", source.otherwise(request)))
    return key_text(cast("KeyLike", fallback)) in key
