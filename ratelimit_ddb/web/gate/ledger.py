"""The ledger of a request: what every limit decided on it, wherever in the application it stands.

A request may pass a middleware, a blueprint's rules, two decorators and a dependency, each with a
gate of its own. The ledger travels with the request, in its ASGI scope or WSGI environ, so that

- a denial anywhere gives back what was taken anywhere for the same request (P3);
- the response has the fields of all limits once, written by the outermost of those who can;
- the view can ask what was decided (``verdict_of``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Protocol

from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.request_reservation import RequestReservation
from ratelimit_ddb.web.gate.request_slots import RequestSlots
from ratelimit_ddb.web.response.answer import Fields
from ratelimit_ddb.web.response.fields import merged_fields
from ratelimit_ddb.web.rules.verdict import Charge, Claim, RuleDecision, Verdict

KEY = "ratelimit_ddb.ledger"
"""Where the scope or environ of a request keeps it."""
KEY_OF_MESSAGES = "ratelimit_ddb.ledger_of_messages"
"""Where the scope of a websocket keeps that of the message that is coming in."""


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
        gate: whose.
        verdict: what its rules said; what is given back later is marked in it.
        fields: its header fields, with the times as they were at the decision.
        left_ns: what the request has not used yet of the gate's deadline.
        refunds: the decisions that were refunded since ``on_decision`` got them.
        has_response: whether the rules with a ``give_back`` were asked about the response.
    """

    __slots__ = ("fields", "gate", "has_response", "left_ns", "refunds", "verdict")

    def __init__(self, gate: LedgerGate, verdict: Verdict, fields: Fields, left_ns: int) -> None:
        self.gate = gate
        self.verdict = verdict
        self.fields = fields
        self.left_ns = left_ns
        self.refunds: list[RuleDecision] = []
        self.has_response = False


class Ledger:
    """The verdicts on one request, in the order of the decisions.

    Attributes:
        creator: the gate that created it.
        entries: one for each gate that had a rule about the request.
        has_writer: whether somebody already will write the fields to the response.
        is_of_message: whether the entries are about a message of a websocket, and no handshake.
        reservation: what was reserved for it; None where no rule reserves.
        slots: what each gate holds for it, by the gate's id, until its adapter takes it.
    """

    __slots__ = ("creator", "entries", "has_writer", "is_of_message", "reservation", "slots")

    def __init__(self, creator: object) -> None:
        self.creator = creator
        self.entries: list[Entry] = []
        self.has_writer = False
        self.is_of_message = False
        self.reservation: RequestReservation | None = None
        self.slots: dict[int, RequestSlots] = {}

    def require_apart(self, gate: LedgerGate, charges: Iterable[Charge | Claim]) -> None:
        """Refuse that a second gate charges a bucket for the same request.

        Raises:
            ValueError: one would, as rules of one name have the same limit; with the name.
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
        # Of a gate that decided twice, the last fields count.
        latest = {id(entry.gate): entry.fields for entry in entries}
        return merged_fields(list(latest.values()), denied)


def ledger_for(native: Any, asker: object) -> Ledger:
    """The request's ledger, a new one where there is none.

    Whoever created it meets it again only where a scope or environ is used for another request,
    as tests do; that one has a ledger of its own.
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
    """What all limits have decided on a request so far, wherever they stand.

    For views whose limits have ``enforce=False`` and that answer by themselves::

        if verdict_of(request).limited:
            return ask_for_a_captcha()

    Args:
        request: the framework's request, an ASGI scope, or a WSGI environ.

    Returns:
        the verdict: the decisions of every middleware, decorator and dependency that the request
        passed, in their order; an empty one, which allows, where no limit was about the request.

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
        the reservation. Of a request that reserved nothing, as where limiting is off, one that
        settles nothing.

    Raises:
        TypeError: it is none of those.
    """
    return reserved_for(request) or RequestReservation()


def reserved_for(native: Any) -> RequestReservation | None:
    """The reservation of a request, a scope or an environ; None where nothing was reserved."""
    found: Ledger | None = carrier_of(native).get(KEY)
    return None if found is None else found.reservation
