"""The ledger of a request: the decisions of all middlewares, decorators and dependencies on it.

A request may pass a middleware, a blueprint's rules, two decorators and a dependency, each with a
gate of its own. The ledger is in the request's ASGI scope or WSGI environ, so that

- a denial by one gate gives back what all gates took for the request (P3);
- the response has the fields of all limits once, written by the outermost gate that can;
- the view can ask for the decisions (``verdict_of``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Protocol

from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.request_reservation import RequestReservation
from ratelimit_ddb.web.gate.request_slots import RequestSlots
from ratelimit_ddb.web.response.denial_response import Fields
from ratelimit_ddb.web.response.fields import merged_fields
from ratelimit_ddb.web.rules.verdict import Charge, Claim, RuleDecision, Verdict

KEY = "ratelimit_ddb.ledger"
"""Its key in the scope or environ of a request."""
KEY_OF_MESSAGES = "ratelimit_ddb.ledger_of_messages"
"""The key of the present message's ledger in the scope of a websocket."""


class LedgerGate(Protocol):
    """What a ledger needs of the gate that decided."""

    store: Store
    breaker: Breaker
    timeout_ns: int
    writes_fields: bool
    fields_of: Callable[[Verdict], Fields]

    @property
    def has_on_decision(self) -> bool:
        """Whether it has functions to be called with each decision."""

    def report(self, decisions: Iterable[RuleDecision]) -> None:
        """Call them."""


class Entry:
    """One gate's verdict on the request.

    Attributes:
        gate: the gate.
        verdict: its verdict; decisions that are refunded later are marked in it.
        fields: its header fields, with the times as they were at the decision.
        left_ns: what is left of the gate's deadline for the request.
        refunds: the decisions that were refunded after ``on_decision`` was called with them.
        has_response: whether the rules with a ``give_back`` have seen the response.
        is_served: whether the view that the gate is before has returned; a later denial, of another
            view that the request calls, then gives nothing back of it.
    """

    __slots__ = ("fields", "gate", "has_response", "is_served", "left_ns", "refunds", "verdict")

    def __init__(self, gate: LedgerGate, verdict: Verdict, fields: Fields, left_ns: int) -> None:
        self.gate = gate
        self.verdict = verdict
        self.fields = fields
        self.left_ns = left_ns
        self.refunds: list[RuleDecision] = []
        self.has_response = False
        self.is_served = False


class Ledger:
    """The verdicts on one request, in the order of the decisions.

    Attributes:
        creator: the gate that created it.
        entries: one for each gate that had a rule for the request.
        denied_with: the statuses that limits of views have answered with; if the response has one
            of them, the request was denied (``view_denials.py``).
        has_writer: whether a middleware will add the fields to the response.
        is_of_message: whether the entries are about a message of a websocket, and no handshake.
        reservation: what was reserved for it; None if no rule reserves.
        slots: what each gate holds for it, by the gate's id, until its adapter takes it.
    """

    __slots__ = (
        "creator",
        "denied_with",
        "entries",
        "has_writer",
        "is_of_message",
        "reservation",
        "slots",
    )

    def __init__(self, creator: object) -> None:
        self.creator = creator
        self.denied_with: frozenset[int] = frozenset()
        self.entries: list[Entry] = []
        self.has_writer = False
        self.is_of_message = False
        self.reservation: RequestReservation | None = None
        self.slots: dict[int, RequestSlots] = {}

    def require_apart(self, gate: LedgerGate, charges: Iterable[Charge | Claim]) -> None:
        """Refuse that two gates charge the same bucket for a request.

        Raises:
            ValueError: they would, since two of their rules have the same name and limit.
        """
        buckets = {
            (charge.key, limit)
            for entry in self.entries
            if entry.gate is not gate and entry.gate.store is gate.store
            for charge in entry.verdict.charges
            for limit in charge.quota.names
        }
        for charge in charges:
            if any((charge.key, limit) in buckets for limit in charge.quota.names):
                raise ValueError(
                    f"two limits of a request are named {charge.rule.name!r}, in two places, and "
                    "would both charge one bucket: give one of them a name="
                )

    def fields(self) -> Fields:
        """The header fields of all limits together, as the response should have them."""
        entries = self.entries
        if len(entries) == 1:
            return entries[0].fields
        denied = entries[-1].fields if entries and entries[-1].verdict.denials else None
        # If a gate decided twice, its last fields count.
        latest = {id(entry.gate): entry.fields for entry in entries}
        return merged_fields(list(latest.values()), denied)


def ledger_for(native: Any, asker: object) -> Ledger:
    """The request's ledger, a new one if there is none.

    A gate finds a ledger that it created itself only if a test uses a scope or environ for a second
    request, which gets a new ledger.
    """
    carrier = carrier_of(native)
    found: Ledger | None = carrier.get(KEY)
    if found is None or found.creator is asker:
        found = carrier[KEY] = Ledger(asker)
    return found


def begin_message(scope: MutableMapping[str, Any], asker: object) -> None:
    """Note that what a limit decides next is about a message of a websocket that was accepted.

    Who floods it gets nothing back of the handshake and of earlier messages, which were answered. A
    limit that decides again does so on a further message.
    """
    ledger: Ledger = scope.setdefault(KEY, Ledger(None))
    if ledger.creator is asker:
        ledger.creator = None  # not to have a new ledger for each message
    if not ledger.is_of_message or any(entry.gate is asker for entry in ledger.entries):
        ledger.is_of_message = True
        ledger.entries.clear()


def carrier_of(native: Any) -> MutableMapping[str, Any]:
    """The scope or environ of a request: itself, or what the framework's request keeps.

    Raises:
        TypeError: there is neither.
    """
    if type(native) is dict:
        return native
    # Django's request has ``environ`` over WSGI, ``scope`` over ASGI, and always ``META``; Falcon's
    # has ``env`` over WSGI.
    for name in ("scope", "environ", "env", "META"):
        found = getattr(native, name, None)
        if isinstance(found, MutableMapping):
            return found
    if isinstance(native, MutableMapping):
        return native
    raise TypeError(f"{native!r}: must be a request, an ASGI scope or a WSGI environ")


def verdict_of(request: Any) -> Verdict:
    """The decisions on a request so far, of all middlewares, decorators and dependencies.

    For views whose limits have ``enforce=False`` and that answer themselves::

        if verdict_of(request).limited:
            return ask_for_a_captcha()

    Args:
        request: the framework's request, an ASGI scope, or a WSGI environ.

    Returns:
        the verdict, with the decisions in the order in which they were made. If no limit applies
        to the request it is empty, and allows.

    Raises:
        TypeError: it is none of those.
    """
    found: Ledger | None = carrier_of(request).get(KEY)
    if found is None:
        return Verdict()
    verdicts = [entry.verdict for entry in found.entries]
    return Verdict(
        tuple(one for verdict in verdicts for one in verdict.decisions),
        tuple(one for verdict in verdicts for one in verdict.denials),
        tuple(one for verdict in verdicts for one in verdict.charges),
    )


def reservation_of(request: Any) -> RequestReservation:
    """What rules with ``reserves=True`` took for a request, for its view to settle.

    ::

        answer = ask_the_model(prompt)
        reservation_of(request).settle(answer.tokens)

    Args:
        request: the framework's request, an ASGI scope, or a WSGI environ.

    Returns:
        the reservation. If nothing was reserved, for instance because limiting is off, settling
        it has no effect.

    Raises:
        TypeError: it is none of those.
    """
    return reserved_for(request) or RequestReservation()


def reserved_for(native: Any) -> RequestReservation | None:
    """The reservation of a request, a scope or an environ; None if nothing was reserved."""
    found: Ledger | None = carrier_of(native).get(KEY)
    return None if found is None else found.reservation
