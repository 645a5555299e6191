"""The gate: what every middleware and framework adapter asks whether a request may pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, MutableMapping
from time import monotonic_ns
from typing import Any, cast

from ratelimit_ddb.bucket.observations import cache_group_of
from ratelimit_ddb.duration import nanoseconds
from ratelimit_ddb.key import namespace_prefix
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.operations.store import Store, require_store
from ratelimit_ddb.outage import require_policy
from ratelimit_ddb.switch import limiting_enabled
from ratelimit_ddb.web.gate.awaitables import Settling, settle, settle_async, settled
from ratelimit_ddb.web.gate.charges import charges_of, charges_of_message
from ratelimit_ddb.web.gate.deadline_shares import DeadlineShares
from ratelimit_ddb.web.gate.evaluator import Trial
from ratelimit_ddb.web.gate.hooks import OnDecision
from ratelimit_ddb.web.gate.ledger import KEY, KEY_OF_MESSAGES, Entry, Ledger, ledger_for
from ratelimit_ddb.web.gate.metered_store import Tally
from ratelimit_ddb.web.gate.options import DEFAULTS, GateOptions, require_options
from ratelimit_ddb.web.gate.request_refund import refunds_due, report
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.response.answer import Answer
from ratelimit_ddb.web.response.denial import Denial, answer
from ratelimit_ddb.web.response.fields import fields_in, retry_after_seconds
from ratelimit_ddb.web.rules.rule_set import Rulebook, RulesGiven
from ratelimit_ddb.web.rules.verdict import Charge, RuleDecision, Verdict

Admission = tuple[Answer | None, Ledger | None, Verdict]
"""Whether a request passes, and what its response has to say: the answer to send in the
application's place, None where it passes; the ledger whose fields the caller has to add to the
application's response, None where somebody further out does; and what the rules said."""

_UNLIMITED: Admission = (None, None, Verdict())


class Gate:
    """Rules before an application, for blocking callers and event loops.

    Args:
        store: a DynamoDBStore or a MemoryStore.
        rules: a Rule, several, or a RulesFile.
        options: see GateOptions.
        blocking: whether coroutine functions in rules are refused at once.
        of_view: whether these are a view's own limits, which replace the defaults before it.
        writes_fields: whether the caller adds the ledger's fields to every response. A caller that
            can't, such as a dependency, adds what it is given and leaves the rest to others.
        has_own_limits: whether a request is for a view that has limits of its own, so that the
            defaults are not asked; None where that can't be known yet.

    Attributes:
        enabled: whether anything is limited; if not, every request passes and nothing is asked.
        fields_of: makes the header fields of a verdict.
        store: where the buckets are.

    Raises:
        TypeError, ValueError: something given can't hold; the message names it and the rule.
    """

    __slots__ = (
        "_book",
        "_has_own_limits",
        "_heeded",
        "_of_view",
        "_on_decision",
        "_on_denied",
        "_raises",
        "_trial",
        "_within_ns",
        "_writes_fields",
        "enabled",
        "fields_of",
        "store",
    )

    def __init__(
        self,
        store: Store,
        rules: RulesGiven,
        options: GateOptions,
        *,
        blocking: bool = False,
        of_view: bool = False,
        writes_fields: bool = True,
        has_own_limits: Callable[[Request], bool] | None = None,
    ) -> None:
        require_options(options, GateOptions)
        chosen = {**DEFAULTS, **options}
        require_policy(chosen["on_outage"])
        self.store = require_store(store)
        self._of_view = of_view
        self._writes_fields = writes_fields
        self._has_own_limits = has_own_limits
        self.fields_of = fields_in(chosen["fields"])
        self._within_ns = nanoseconds("deadline", chosen["deadline"], 0.001, 60.0)
        deny_cache_ns = nanoseconds("deny_cache", chosen["deny_cache"], 0.0, 60.0)
        endpoint_of = _function("endpoint_of", chosen["endpoint_of"])
        _require_plain("endpoint_of", endpoint_of)
        self._on_denied = _function("on_denied", chosen["on_denied"])
        if blocking:
            _require_plain("on_denied", self._on_denied)
        self._on_decision = _functions("on_decision", chosen["on_decision"])
        self._raises = chosen["on_outage"] == "raise"
        self._heeded = bool(self._raises or self._on_decision)
        self._trial = Trial(self.store.clock, chosen["on_outage"])
        self._book = Rulebook(
            rules,
            seen_keys=chosen["seen_keys"],
            deny_cache_ns=deny_cache_ns,
            group=cache_group_of(self.store),
            namespace=namespace_prefix(chosen["namespace"]),
            blocking=blocking,
            endpoint_of=endpoint_of,
        )
        self.enabled = limiting_enabled(
            chosen["enabled"], f"limit of the rules {', '.join(map(repr, self._book.names))}"
        )

    @property
    def has_on_decision(self) -> bool:
        """Whether there are functions to be called with each decision."""
        return bool(self._on_decision)

    @property
    def answers_itself(self) -> bool:
        """Whether an ``on_denied`` makes the answers."""
        return self._on_denied is not None

    def admit(self, request: Request) -> Admission:
        """Decide on a request, blocking.

        Raises:
            StoreUnavailable: under ``on_outage="raise"``.
            TypeError: a rule's function gave something to be awaited.
            ValueError: another middleware or decorator has charged the same bucket for it.
            StoreError: a mistake of set-up, such as TableNotFound or AccessDenied.
        """
        if not self.enabled:
            return _UNLIMITED
        asked = charges_of(self._book, request)
        charges = asked if isinstance(asked, list) else settle(asked)
        if self._has_own_limits is not None:
            charges = self._without_replaced(charges, request)
        if not charges:
            return _UNLIMITED
        ledger = ledger_for(request.native, self)
        if ledger.entries:
            ledger.require_apart(self, charges)
        began_ns = monotonic_ns()
        store, flow = self._begun(charges)
        verdict = run(flow, store, self._within_ns)
        if ledger.entries and (verdict.denials or self._of_view):
            refunds = refunds_due(ledger, verdict)
            for one in refunds:
                run(one.flow, one.store, one.within_ns)
            report(refunds)
        if self._heeded:
            self._heed(verdict)
        if verdict.denials:
            return settle(self._denied(request, verdict, ledger))
        return self._passed(verdict, ledger, began_ns)

    async def admit_async(self, request: Request) -> Admission:
        """Decide on a request; see ``admit``."""
        if not self.enabled:
            return _UNLIMITED
        asked = charges_of(self._book, request)
        charges = asked if isinstance(asked, list) else await settle_async(asked)
        if self._has_own_limits is not None:
            charges = self._without_replaced(charges, request)
        if not charges:
            return _UNLIMITED
        ledger = ledger_for(request.native, self)
        if ledger.entries:
            ledger.require_apart(self, charges)
        began_ns = monotonic_ns()
        store, flow = self._begun(charges)
        verdict = await run_async(flow, store, self._within_ns)
        if ledger.entries and (verdict.denials or self._of_view):
            refunds = refunds_due(ledger, verdict)
            for one in refunds:
                await run_async(one.flow, one.store, one.within_ns)
            report(refunds)
        if self._heeded:
            self._heed(verdict)
        if verdict.denials:
            return await settle_async(self._denied(request, verdict, ledger))
        return self._passed(verdict, ledger, began_ns)

    async def try_async(self, charges: list[Charge], ledger: Ledger) -> Verdict:
        """Take what a message asks, and tell of it; raises as ``admit`` does.

        Args:
            charges: what it asks.
            ledger: what was taken for the same message further out.
        """
        if ledger.entries:
            ledger.require_apart(self, charges)
        began_ns = monotonic_ns()
        store, flow = self._begun(charges)
        verdict = await run_async(flow, store, self._within_ns)
        if verdict.denials:
            refunds = refunds_due(ledger, verdict)
            for one in refunds:
                await run_async(one.flow, one.store, one.within_ns)
            report(refunds)
        else:
            left_ns = self._within_ns - (monotonic_ns() - began_ns)
            ledger.entries.append(Entry(self, verdict, (), left_ns))
        if self._heeded:
            self._heed(verdict)
        return verdict

    async def message_charges(self, request: Request) -> list[Charge]:
        """What each message asks that comes in on the websocket of this handshake."""
        if not self.enabled:
            return []
        return await settle_async(charges_of_message(self._book, request))

    def forget(self, carrier: MutableMapping[str, Any]) -> None:
        """Take the ledgers out of a scope or environ again, if this gate put them there."""
        for key in (KEY, KEY_OF_MESSAGES):
            found = carrier.get(key)
            if found is not None and found.creator is self:
                del carrier[key]

    def report(self, decisions: Iterable[RuleDecision]) -> None:
        """Call ``on_decision`` with each of these."""
        for on_decision in self._on_decision:
            for decision in decisions:
                on_decision(decision)

    def _without_replaced(self, charges: list[Charge], request: Request) -> list[Charge]:
        others = [charge for charge in charges if not charge.rule.default]
        if len(others) == len(charges) or not cast("Any", self._has_own_limits)(request):
            return charges
        return others

    def _begun(self, charges: list[Charge]) -> tuple[Store, Flow[Verdict]]:
        """The flow of a request's verdict, and the store to run it on."""
        if len(charges) == 1:
            if not self._on_decision:
                return self.store, self._trial.verdict_of_one(charges[0])
            tally = Tally(self.store)
            return tally, self._trial.verdict(charges, tally, None)
        counting = Tally(self.store) if self._on_decision else None
        shares = DeadlineShares(self.store if counting is None else counting)
        return shares, self._trial.verdict(charges, counting, shares)

    def _passed(self, verdict: Verdict, ledger: Ledger, began_ns: int) -> Admission:
        fields = self.fields_of(verdict)
        left_ns = self._within_ns - (monotonic_ns() - began_ns)
        ledger.entries.append(Entry(self, verdict, fields, left_ns))
        if ledger.has_writer or not fields:
            return None, None, verdict
        ledger.has_writer = self._writes_fields
        return None, ledger, verdict

    def _denied(self, request: Request, verdict: Verdict, ledger: Ledger) -> Settling[Admission]:
        ledger.entries.append(Entry(self, verdict, self.fields_of(verdict), 0))
        made = default = answer(denial_of(verdict), request.method, request.header("accept"))
        if self._on_denied is not None:
            made = yield from settled(self._on_denied(request, verdict, made))
            made = _measured(made, default, request.method)
        if not ledger.has_writer:
            made = made._replace(headers=(*made.headers, *ledger.fields()))
        return made, ledger, verdict

    def _heed(self, verdict: Verdict) -> None:
        self.report(verdict.decisions)
        if self._raises:
            for decision in verdict.decisions:
                if decision.outage is not None and decision.enforced:
                    raise decision.outage


def denial_of(verdict: Verdict) -> Denial:
    """What a client is told of a verdict that denies."""
    longest = verdict.longest
    decision, charge = longest.decision, longest.charge
    return Denial(
        status=503 if decision.source == "outage" else 429,
        # Once each: a rule that charges several keys may deny by more than one of them.
        violated_policies=tuple(
            dict.fromkeys(
                one.charge.quota.names[one.decision.limit.name] for one in verdict.denials
            )
        ),
        retry_after_seconds=(None if decision.source == "cost" else retry_after_seconds(decision)),
        limit=str(decision.limit),
        cost=charge.cost,
        burst=decision.limit.burst,
    )


def _function(what: str, given: Any) -> Any:
    if given is not None and not callable(given):
        raise TypeError(f"{what} {given!r}: a function is needed")
    return given


def _functions(what: str, given: Any) -> tuple[OnDecision, ...]:
    if not callable(given) and not isinstance(given, Iterable):
        raise TypeError(f"{what} {given!r}: a function, or several, are needed")
    several = (given,) if callable(given) else tuple(given)
    for one in several:
        _require_plain(what, _function(what, one))
    return several


def _require_plain(what: str, function: Any) -> None:
    if inspect.iscoroutinefunction(function):
        raise TypeError(
            f"{what} {function!r}: this is a coroutine function, and nothing awaits it here; give "
            "a plain one"
        )


def _measured(made: object, default: Answer, method: str) -> Answer:
    """The answer of ``on_denied``: with the length of its own content, if that is another."""
    if not isinstance(made, Answer):
        raise TypeError(f"on_denied gave {made!r}: an Answer is needed")
    if made.body == default.body:
        return made
    length = str(len(made.body))
    headers = tuple(
        (name, length if name.lower() == "content-length" else value)
        for name, value in made.headers
    )
    return Answer(made.status, headers, b"" if method == "HEAD" else made.body)
