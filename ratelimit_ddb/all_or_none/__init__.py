"""Several limiters and keys in one decision: all of them take their tokens, or none keeps any (P5).

    who would deny by what this process has observed denies at once, and nothing is sent;
    otherwise all keys of a store are asked side by side, in the time of one;
    if one denies, what the others took is given back, side by side too.

Limiters on different stores are asked store by store; once one denies, the rest is not asked. What
is asked of one key is asked in turn, so that each sees what the one before it took.

``web/gate/evaluator.py`` is apart: a request's rules are on one store under one policy, with keys
that differ, but some only count (``enforce=False``) or deny for good, and a denial may block.
"""
