"""A NamedTuple made without its own ``__new__``, for the hot path.

That ``__new__`` is a Python function that calls ``tuple.__new__``, and takes longer than that call.
A decision makes half a dozen NamedTuples, so it makes them directly:

    tuple_new(Observation, (now_ns, full_at_ns, expires_at_seconds, names))

The number of values is not checked here; tests/test_tuple_new.py checks every call
(docs/decisions/002).
"""

from __future__ import annotations

tuple_new = tuple.__new__
