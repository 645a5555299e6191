"""Denials by the limits of views, and what is given back if one of them is the response.

What a middleware answers is the response to the request. What the limit of a view answers goes to
whoever called that view: to the framework, which sends it, or to another view, which may go on and
answer 200. The same holds for a RateLimit that a view asks by itself. If such a denial gave back at
once, then a client who is denied by the inner limit, and served without it, would take nothing from
the outer one, and could come as often as he likes.

So the limit of a view notes the status of its answer in the ledger. When the response passes a
middleware, a decorator or ``install`` and has that status, the request was denied, and what was
taken for it is given back, before the response starts. An answer below 400, as an ``on_denied`` may
make one, can't be told from a page, and gives nothing back.
"""

from __future__ import annotations

from ratelimit_ddb.operations.per_store import PerStore
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.awaitables import AwaitableFlow
from ratelimit_ddb.web.gate.ledger import KEY, Ledger, LedgerGate, carrier_of
from ratelimit_ddb.web.gate.request_refund import give_back, refunds_of

_LOWEST_ERROR = 400


class _ViewLimits:
    """Whether views have limits on a store."""

    __slots__ = ("exist",)

    def __init__(self, _store: Store) -> None:
        self.exist = False


_view_limits = PerStore(_ViewLimits)


def note_view_limit(store: Store) -> None:
    """Note that a view has a limit on a store."""
    _view_limits.of(store).exist = True


def views_have_limits(store: Store) -> bool:
    """Whether a middleware on a store has to see responses for what views' limits deny."""
    return _view_limits.of(store).exist


def note_denial(ledger: Ledger, status: int) -> None:
    """Note the status that the limit of a view answered with."""
    if status >= _LOWEST_ERROR:
        ledger.denied_with |= {status}


def give_back_by_denial(ledger: Ledger) -> AwaitableFlow[None]:
    """Give back everything that was taken for a request, whose response is a denial."""
    return give_back(refunds_of(ledger.entries))


def give_back_of(gate: LedgerGate, native: object, status: int) -> AwaitableFlow[None]:
    """Give back what one limit of a view took, if the view's response is a denial.

    Args:
        gate: the limit's.
        native: the request, as for ``ledger_for``.
        status: the response's.
    """
    if status < _LOWEST_ERROR:
        return
    ledger: Ledger | None = carrier_of(native).get(KEY)
    if ledger is not None and status in ledger.denied_with:
        yield from give_back(refunds_of([one for one in ledger.entries if one.gate is gate]))
