"""The gate: every middleware and framework adapter asks it whether a request may pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from time import monotonic_ns
from typing import Any

from ratelimit_ddb.arguments import (
    require_deadline_ns,
    require_deny_cache_ns,
    require_functions,
    require_lease_ns,
    require_on_outage,
    require_plain,
    require_store,
)
from ratelimit_ddb.bucket.observations import cache_group_of
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.enabled import limiting_enabled
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.key import namespace_prefix
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.driver import run_async
from ratelimit_ddb.operations.operation import JointFlow
from ratelimit_ddb.operations.steps import OnStore, run_steps, run_steps_async
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.outage import OutagePolicy
from ratelimit_ddb.slots.renewer import Renewer, running_loop_renewer, thread_renewer
from ratelimit_ddb.web.gate.awaitables import AwaitableFlow
from ratelimit_ddb.web.gate.charges import charges_of, charges_of_message
from ratelimit_ddb.web.gate.denial_answers import DenialAnswers
from ratelimit_ddb.web.gate.evaluator import Evaluator
from ratelimit_ddb.web.gate.ledger import (
    KEY,
    KEY_OF_MESSAGES,
    Entry,
    Ledger,
    LedgerGate,
    carrier_of,
    ledger_for,
)
from ratelimit_ddb.web.gate.options import DEFAULTS, GateOptions, require_options
from ratelimit_ddb.web.gate.request_refund import give_back, refunds_due
from ratelimit_ddb.web.gate.request_reservation import RequestReservation, reserved_by
from ratelimit_ddb.web.gate.request_slots import Claimer, RequestSlots
from ratelimit_ddb.web.gate.response_refund import give_back_by_response, keep_by_response
from ratelimit_ddb.web.gate.stored_reads import reading_within
from ratelimit_ddb.web.gate.view_denials import note_denial, views_have_limits
from ratelimit_ddb.web.identity.identity import require_no_identity
from ratelimit_ddb.web.identity.untrusted_proxy import UntrustedProxyWarning
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.response.denial_response import DenialResponse, Fields
from ratelimit_ddb.web.response.fields import fields_beside, fields_for_style
from ratelimit_ddb.web.response_head import ResponseHead
from ratelimit_ddb.web.rules.rule_set import RuleSet, RulesLike
from ratelimit_ddb.web.rules.verdict import Charge, Claim, RuleDecision, Verdict

Admission = tuple[DenialResponse | None, Ledger | None, Verdict]
"""Whether a request is admitted, and what its response needs:

- the answer to send in the application's place; None where the request is admitted;
- the ledger whose fields the caller must add to the application's response, and which it must
  tell of its status; None where a middleware further out does it, or where there is nothing to do;
- the verdict of the rules.
"""

_NO_CLAIMS: list[Claim] = []
_UNLIMITED: Admission = (None, None, Verdict())


class Gate:
    """Rules before an application, for blocking callers and event loops.

    Args:
        store: a DynamoDBStore or a MemoryStore.
        rules: a Rule, several, or a RulesFile.
        options: see GateOptions.
        blocking: whether coroutine functions in rules are refused at once.
        of_view: whether these are a view's own limits, which replace the default rules before it.
        writes_fields: whether the caller adds the ledger's fields to every response. A dependency
            can't: it adds the fields to the responses that it sees.
        has_own_limits: returns whether a request is for a view with limits of its own, so that
            default rules are not charged; None if that can't be known yet.

    Attributes:
        breaker: whether decisions ask the store.
        enabled: whether anything is limited; if not, every request passes and no store is called.
        fields_of: makes the header fields of a verdict.
        store: where the buckets are.
        timeout_ns: how long one request may spend on the store.
        writes_fields: as given.

    Raises:
        TypeError, ValueError: an argument is invalid; the message names it and the rule.
    """

    __slots__ = (
        "_answers",
        "_claimer",
        "_evaluator",
        "_has_own_limits",
        "_of_view",
        "_on_decision",
        "_raises",
        "_reports",
        "_rule_set",
        "_untrusted_proxy",
        "breaker",
        "enabled",
        "fields_of",
        "store",
        "timeout_ns",
        "writes_fields",
    )

    def __init__(
        self,
        store: Store,
        rules: RulesLike,
        options: GateOptions,
        *,
        blocking: bool = False,
        of_view: bool = False,
        writes_fields: bool = True,
        has_own_limits: Callable[[Request], bool] | None = None,
    ) -> None:
        require_options(options, GateOptions)
        chosen = {**DEFAULTS, **options}
        require_on_outage(chosen["on_outage"])
        self.store = require_store(store)
        self._of_view = of_view
        self._untrusted_proxy = UntrustedProxyWarning()
        self.writes_fields = writes_fields
        self._has_own_limits = has_own_limits
        self.fields_of = fields_for_style(chosen["fields"])
        self.timeout_ns = require_deadline_ns(chosen["deadline"])
        times = BucketTimes(
            require_deny_cache_ns(chosen["deny_cache"]),
            require_lease_ns(chosen["lease"]),
            self.timeout_ns,
        )
        endpoint_of = chosen["endpoint_of"]
        if endpoint_of is not None and not callable(endpoint_of):
            raise TypeError(f"endpoint_of {endpoint_of!r}: must be a function")
        require_plain("endpoint_of", endpoint_of)
        require_no_identity("endpoint_of", endpoint_of, "a route such as '/users/{id}'")
        self._answers = DenialAnswers(chosen["on_denied"], blocking=blocking)
        self._on_decision = require_functions("on_decision", chosen["on_decision"])
        self._raises = chosen["on_outage"] == "raise"
        self._reports = bool(self._raises or self._on_decision)
        self.breaker = breaker_of(self.store)
        policy = OutagePolicy(self.store, chosen["on_outage"])
        self._evaluator = Evaluator(self.store.clock, policy, bool(self._on_decision))
        self._claimer = Claimer(
            self.store,
            chosen["on_outage"],
            chosen["deadline"],
            measures=bool(self._on_decision),
        )
        self._rule_set = RuleSet(
            rules,
            seen_keys=chosen["seen_keys"],
            times=times,
            group=cache_group_of(self.store),
            clock=self.store.clock,
            namespace=namespace_prefix(chosen["namespace"]),
            blocking=blocking,
            endpoint_of=endpoint_of,
        )
        self.enabled = limiting_enabled(
            chosen["enabled"], f"limit of the rules {', '.join(map(repr, self._rule_set.names))}"
        )

    @property
    def has_on_decision(self) -> bool:
        """Whether there is an ``on_decision``."""
        return bool(self._on_decision)

    @property
    def answers_itself(self) -> bool:
        """Whether an ``on_denied`` makes the answers."""
        return self._answers.are_own

    def admit(self, request: Request, *, is_final: bool = True) -> Admission:
        """Decide on a request, blocking.

        Args:
            request: the request.
            is_final: whether a denial is certain to be the response to the request. If it is, what
                was taken for the request is given back at once; otherwise it is given back when
                the response is known (``view_denials.py``).

        Raises:
            StoreUnavailable: under ``on_outage="raise"``.
            TypeError: a rule's function returned an awaitable.
            ValueError: another middleware or decorator has charged the same bucket for the request.
            StoreError: a mistake of set-up, such as TableNotFound or AccessDenied.
        """
        if not self.enabled:
            return _UNLIMITED
        return run_steps(self._admission(request, thread_renewer, is_final))

    async def admit_async(self, request: Request, *, is_final: bool = True) -> Admission:
        """Decide on a request; see ``admit``."""
        if not self.enabled:
            return _UNLIMITED
        return await run_steps_async(self._admission(request, running_loop_renewer, is_final))

    @property
    def gives_back(self) -> bool:
        """Whether a response may give tokens back, so that ``respond`` must be called with it."""
        return self.enabled and self._rule_set.gives_back

    def respond(self, native: Any, head: ResponseHead) -> None:
        """Give tokens back by the response to an admitted request (``give_back``), blocking.

        Call it before the fields are added. A second call does nothing.

        Args:
            native: the ``native`` of the request that was admitted.
            head: the response.

        Raises:
            TypeError: a rule's function returned an awaitable.
            StoreError: a mistake of set-up.
        """
        run_steps(self.responding(native, head))

    async def respond_async(self, native: Any, head: ResponseHead) -> None:
        """The same in an event loop; see ``respond``."""
        await run_steps_async(self.responding(native, head))

    def responding(self, native: Any, head: ResponseHead) -> AwaitableFlow[None]:
        """The steps of ``respond``, for adapters that have more of them."""
        return give_back_by_response(native, head, self._is_this)

    def keep(self, native: Any) -> None:
        """Give nothing back by the response, whose status nobody knows."""
        keep_by_response(native, self._is_this)

    async def admit_message(self, charges: list[Charge], ledger: Ledger) -> Verdict:
        """Take the tokens of a message, and call ``on_decision``; raises as ``admit`` does.

        Args:
            charges: those of the message.
            ledger: what was taken for the same message further out.
        """
        if ledger.entries:
            ledger.require_apart(self, charges)
        started_ns = monotonic_ns()
        flow = self._evaluation(charges)
        verdict = await run_async(flow, self.store, self.timeout_ns, self.breaker, decides=True)
        if verdict.denials:
            await run_steps_async(give_back(refunds_due(ledger, verdict)))
        else:
            ledger.entries.append(self._entry(verdict, (), started_ns))
        if self._reports:
            self._report_verdict(verdict)
        return verdict

    async def message_charges(self, request: Request) -> list[Charge]:
        """What each message that comes in on the websocket of this handshake is charged."""
        if not self.enabled:
            return []
        return await run_steps_async(charges_of_message(self._rule_set, request))

    def note_served(self, native: Any) -> None:
        """Note that the view that this gate is before has returned.

        A request may call several limited views, or one several times, as a batch does. What denies
        a later call gives nothing back of those that were served.
        """
        ledger: Ledger | None = carrier_of(native).get(KEY) if self.enabled else None
        for entry in reversed(ledger.entries if ledger is not None else ()):
            if entry.gate is self:
                entry.is_served = True
                return

    def forget(self, carrier: MutableMapping[str, Any]) -> None:
        """Remove the ledgers from a scope or environ, if this gate put them there.

        Slots that it still holds for the request are released in the background.
        """
        noted: Ledger | None = carrier.get(KEY)
        if noted is not None and (held := noted.slots.pop(id(self), None)) is not None:
            held.give_up()
        for key in (KEY, KEY_OF_MESSAGES):
            found = carrier.get(key)
            if found is not None and found.creator is self:
                del carrier[key]

    def report(self, decisions: Iterable[RuleDecision]) -> None:
        """Call ``on_decision`` with each of these."""
        for on_decision in self._on_decision:
            for decision in decisions:
                on_decision(decision)

    def _admission(
        self, request: Request, renewer: Callable[[], Renewer], is_final: bool
    ) -> AwaitableFlow[Admission]:
        """Decide on a request. ``renewer`` returns what renews its slots."""
        charges, claims = charges_of(self._rule_set, request), _NO_CLAIMS
        timeout_ns = self.timeout_ns
        if not isinstance(charges, list):
            reading = reading_within(timeout_ns, charges, self.store, self.breaker)
            (charges, claims), timeout_ns = yield from reading
        charges, claims = self._without_defaults(charges, claims, request)
        if not charges and not claims:
            return _UNLIMITED
        ledger = ledger_for(request.native, self)
        if ledger.entries:
            ledger.require_apart(self, (*charges, *claims))
        started_ns = monotonic_ns()
        flow = self._evaluation(charges)
        if claims:
            flow = self._holding(flow, claims, renewer(), ledger)
        verdict: Verdict = yield OnStore(flow, self.store, timeout_ns, self.breaker)
        is_final = is_final or self._outage_to_raise(verdict) is not None
        if ledger.entries and (is_final if verdict.denials else self._of_view):
            yield from give_back(refunds_due(ledger, verdict))
        if self._reports:
            self._report_to_the_end(verdict, ledger)
        if verdict.denials:
            return (yield from self._denied(request, verdict, ledger, is_final))
        return self._admitted(verdict, ledger, started_ns)

    def _is_this(self, gate: LedgerGate) -> bool:
        return gate is self

    def _holding(
        self, evaluation: JointFlow[Verdict], claims: list[Claim], renewer: Renewer, ledger: Ledger
    ) -> JointFlow[Verdict]:
        """Take the tokens, then the slots, which are noted in the ledger."""
        verdict = yield from evaluation
        if verdict.denials:
            return verdict._replace(charges=(*verdict.charges, *claims))
        verdict, grants = yield from self._claimer.claim(verdict, claims, renewer)
        if grants:
            held = RequestSlots(grants, self.store, self.breaker, self.timeout_ns)
            ledger.slots[id(self)] = held
        return verdict

    @property
    def holds_slots(self) -> bool:
        """Whether requests may hold slots, so that ``slots_of`` must be called."""
        return self.enabled and self._rule_set.has_slots

    def slots_of(self, native: Any) -> RequestSlots | None:
        """The slots that this gate holds for a request, once; None if it holds none.

        The caller releases them at the end of the response, however that ends.
        """
        if not self._rule_set.has_slots:
            return None
        found: Ledger | None = carrier_of(native).get(KEY)
        return None if found is None else found.slots.pop(id(self), None)

    def _report_to_the_end(self, verdict: Verdict, ledger: Ledger) -> None:
        """Call ``on_decision``; if that raises, release the slots, since no caller would."""
        reported = False
        try:
            self._report_verdict(verdict)
            reported = True
        finally:
            if not reported and (held := ledger.slots.pop(id(self), None)) is not None:
                held.give_up()

    def _without_defaults(
        self, charges: list[Charge], claims: list[Claim], request: Request
    ) -> tuple[list[Charge], list[Claim]]:
        # A listed client is denied whatever limits the view has.
        if self._has_own_limits is None:
            return charges, claims
        others = [one for one in charges if not one.rule.default or one.quota.is_closed]
        held = [one for one in claims if not one.rule.default]
        if len(others) == len(charges) and len(held) == len(claims):
            return charges, claims
        return (others, held) if self._has_own_limits(request) else (charges, claims)

    def _evaluation(self, charges: list[Charge]) -> JointFlow[Verdict]:
        """The flow of a request's verdict."""
        if len(charges) != 1:
            return self._evaluator.evaluate(charges)
        if self._on_decision:
            return self._evaluator.evaluate_one_measured(charges[0])
        return self._evaluator.evaluate_one(charges[0])

    def _admitted(self, verdict: Verdict, ledger: Ledger, started_ns: int) -> Admission:
        fields = self.fields_of(verdict)
        for charge in verdict.charges:
            if charge.rule.reserves:
                self._reserve(verdict, ledger)
                break
        ledger.entries.append(self._entry(verdict, fields, started_ns))
        if ledger.has_writer or not (fields or views_have_limits(self.store)):
            return None, None, verdict
        ledger.has_writer = self.writes_fields
        return None, ledger, verdict

    def _entry(self, verdict: Verdict, fields: Fields, started_ns: int) -> Entry:
        """What is noted of a verdict, with what a refund of it may still take."""
        return Entry(self, verdict, fields, self.timeout_ns - (monotonic_ns() - started_ns))

    def _reserve(self, verdict: Verdict, ledger: Ledger) -> None:
        if ledger.reservation is None:
            ledger.reservation = RequestReservation()
        policy = self._evaluator.outage_policy
        report = self.report if self._on_decision else None
        for one in reserved_by(verdict, self.store, policy, self.timeout_ns, self.breaker, report):
            ledger.reservation.add(one)

    def _denied(
        self, request: Request, verdict: Verdict, ledger: Ledger, is_final: bool
    ) -> AwaitableFlow[Admission]:
        ledger.entries.append(Entry(self, verdict, self.fields_of(verdict), 0))
        denied = ((one.charge.rule.by, one.key) for one in verdict.denials)
        self._untrusted_proxy.look_at(request, denied)
        response = yield from self._answers.answer(request, verdict)
        if not is_final:
            note_denial(ledger, response.status)
        if not ledger.has_writer:
            names = (name for name, _ in response.headers)
            fields = fields_beside(names, ledger.fields())
            response = response._replace(headers=(*response.headers, *fields))
        return response, ledger, verdict

    def _report_verdict(self, verdict: Verdict) -> None:
        self.report(verdict.decisions)
        outage = self._outage_to_raise(verdict)
        if outage is not None:
            raise outage

    def _outage_to_raise(self, verdict: Verdict) -> StoreUnavailable | None:
        if not self._raises:
            return None
        outages = [denial.outage for denial in verdict.denials if denial.outage is not None]
        # A denial by a limit takes precedence over the outages of others.
        if outages and len(outages) == len(verdict.denials):
            return outages[0]
        return None
