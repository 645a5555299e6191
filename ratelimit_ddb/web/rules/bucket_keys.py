"""The keys of a rule's buckets: ``name:identity``, or ``name:identity:endpoint``."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ratelimit_ddb.key import part_text
from ratelimit_ddb.web.rules.rule import Rule


def key_parts(rule: Rule, identity: object, endpoint: str) -> list[tuple[str, ...]]:
    """What the key of each bucket is made of, in an order that doesn't depend on the process.

    Args:
        rule: the rule.
        identity: what its ``by`` gives; of a set, everybody in it.
        endpoint: the route that the framework found, or the pattern that matches where it found
            none; not used unless the rule has ``scope="endpoint"``.

    Raises:
        TypeError, ValueError: the identity can't be one.
    """
    several = identity if isinstance(identity, AbstractSet) else (identity,)
    if not several:
        raise _empty(rule, identity)
    identities = sorted({_of_identity(rule, one) for one in several})
    if rule.scope == "rule":
        return [(rule.name, *parts) for parts in identities]
    return [(rule.name, *parts, endpoint) for parts in identities]


def _of_identity(rule: Rule, identity: object) -> tuple[str, ...]:
    given = identity if isinstance(identity, tuple) else (identity,)
    parts = tuple([text for part in given if (text := part_text(part)) is not None])
    if len(parts) < len(given):
        raise TypeError(
            f"rule {rule.name!r}: identity {identity!r}: must be a str, an int (bool excepted), a "
            "tuple of these, or a set of keys; for any other id, pass str(id)"
        )
    if not any(parts):
        raise _empty(rule, identity)
    return parts


def _empty(rule: Rule, identity: object) -> ValueError:
    return ValueError(
        f"rule {rule.name!r}: identity {identity!r}: must not be empty; return None for a "
        "request that the rule ignores"
    )
