"""Several limiters and keys in one decision: all of them take their tokens, or none keeps any (P5).

    if a limiter denies by what this process has observed, nothing is sent;
    otherwise all keys of a store are asked side by side, in the time of one;
    if one denies, what the others took is given back, side by side too.

Stores are asked one after the other; once a limiter denies, the next store is not asked. Several
requests for one key are sent one after the other, so that each sees what the one before it took.

``web/gate/evaluator.py`` is separate: a request's rules are on one store under one policy, with
different keys, but some only count (``enforce=False``) or deny listed clients, and a denial may
block.
"""
