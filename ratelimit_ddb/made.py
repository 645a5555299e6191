"""How the values of the hot path are made.

A NamedTuple's own ``__new__`` is a Python function around ``tuple.__new__``, and takes longer than
what it is around. A decision makes half a dozen of them, so there they are made directly:

    made(Sight, (now_ns, full_at_ns))

Nothing checks here that the values are as many as the fields; tests/ratelimit_ddb/test_made.py
checks it of every such line (docs/decisions/002).
"""

from __future__ import annotations

made = tuple.__new__
