"""Warns if clients seem to share the bucket of a proxy that is not trusted.

Behind a load balancer ``client_address()`` is the balancer's address, and its clients deny each
other. It is not certain, since any client can send X-Forwarded-For; but a denied peer is most
likely a proxy if it sends the field and has no global address (RFC 1918, RFC 4193, RFC 6598), or
none at all, as at a unix socket.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ratelimit_ddb.web.identity.address import parsed
from ratelimit_ddb.web.identity.client_address import trusts_nobody
from ratelimit_ddb.web.identity.forwarded import READERS
from ratelimit_ddb.web.identity.identity import Identity
from ratelimit_ddb.web.request import Request


class UntrustedProxyWarning:
    """Warns once."""

    __slots__ = ("_has_warned",)

    def __init__(self) -> None:
        self._has_warned = False

    def look_at(self, request: Request, identities: Iterable[Identity]) -> None:
        """Log a warning if a denied request looks like one from such a proxy.

        Args:
            request: the request.
            identities: the ``by`` of the rules that denied it.
        """
        if self._has_warned or not any(map(trusts_nobody, identities)):
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
