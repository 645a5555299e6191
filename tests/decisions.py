"""Decisions as oracles know them: without the record of what was taken."""

from __future__ import annotations

from ratelimit_ddb import Decision


def told(decision: Decision) -> Decision:
    """What a decision tells its caller, without what a refund would need."""
    return decision._replace(taken=None)
