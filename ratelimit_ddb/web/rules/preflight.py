"""CORS preflights: the requests that a browser sends by itself before one of a page's own.

A browser that has no answer to one can't send the page's request, and a preflight carries neither
credentials nor content. So rules do not count them, unless they name ``OPTIONS``.

Source: Fetch Standard, "CORS-preflight fetch".
"""

from __future__ import annotations

from ratelimit_ddb.web.request import Request

_NEEDED = ("origin", "access-control-request-method")
_NEVER_SENT = ("cookie", "authorization", "transfer-encoding")


def is_preflight(request: Request) -> bool:
    """Whether a request is one that a browser could have sent as a preflight.

    It is ``OPTIONS`` with ``Origin`` and ``Access-Control-Request-Method``, and with nothing that
    preflights never have: cookies, authorization, content. What has any of these is counted, since
    a view that takes every method would act on it.
    """
    if request.method != "OPTIONS" or None in map(request.header, _NEEDED):
        return False
    # WSGI servers may give an empty Content-Length, or 0, where the request had none.
    if (request.header("content-length") or "0") != "0":
        return False
    return not any(map(request.header, _NEVER_SENT))
