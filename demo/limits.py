"""The limits of the demo's site.

A search takes a token of three buckets: two of its caller, which are one item of the table and one
write, and one that all callers share. The caller's rule comes first, so a caller over its own
limits takes nothing from the others.
"""

from __future__ import annotations

from ratelimit_ddb import Limit
from ratelimit_ddb.web import Rule, everyone, header, session_user

SEARCH = "/api/search"

PER_SECOND = Limit.parse("2/second burst 8")
PER_MINUTE = Limit.parse("40/minute burst 24")
SHARED = Limit.parse("5/second burst 20")
LOGINS = Limit.parse("10/minute")

CALLER, EVERYONE = "caller", "everyone"

RULES = (
    Rule(
        SEARCH,
        [PER_SECOND, PER_MINUTE],
        # Without a key the caller is who is logged in, and without a login the address.
        by=header("x-api-key", digest=False, otherwise=session_user()),
        name=CALLER,
    ),
    Rule(SEARCH, SHARED, by=everyone(), name=EVERYONE),
    Rule("/login", LOGINS, methods="POST", name="logins"),
)
