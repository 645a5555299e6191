"""The denial of a key that a store in this process throttles; hot_key_policy.py has the others'.

It is no outage, so ``on_outage`` does not apply: the key that is being flooded must not be the one
whose limit is switched off (docs/decisions/011).
"""

from __future__ import annotations

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.limit import SECOND_NS, AnyLimit

_LEAST_NS = SECOND_NS // 4
_MOST_NS = 3 * SECOND_NS // 4


def throttled(limit: AnyLimit) -> Decision:
    """The denial, with a random wait from 0.25 to 0.75 s, so that not all come back at once."""
    from secrets import randbelow  # few processes ever need it

    retry_ns = _LEAST_NS + randbelow(_MOST_NS - _LEAST_NS)
    return Decision(False, 0, retry_ns, retry_ns, limit, 0, "throttled")
