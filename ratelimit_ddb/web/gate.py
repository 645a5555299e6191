"""The gate: what every middleware and framework adapter asks whether a request may pass."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Required, TypedDict

from ratelimit_ddb.driver import run, run_async
from ratelimit_ddb.duration import nanoseconds
from ratelimit_ddb.operation import Flow
from ratelimit_ddb.outage import OnOutage, require_policy
from ratelimit_ddb.store.protocol import Store, require_store
from ratelimit_ddb.web import charging
from ratelimit_ddb.web.answer import Answer, Fields
from ratelimit_ddb.web.denial import Denial, answer
from ratelimit_ddb.web.fields import FieldStyle, fields_in, retry_after_seconds
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rulebook import EndpointOf, Rulebook, RulesGiven
from ratelimit_ddb.web.settle import Settling, settle, settle_async, settled
from ratelimit_ddb.web.tally import Tally
from ratelimit_ddb.web.trial import Trial
from ratelimit_ddb.web.verdict import Charge, RuleDecision, Verdict

OnDecision = Callable[[RuleDecision], None]
OnDenied = Callable[[Request, Verdict, Answer], Answer | Awaitable[Answer]]


class GateOptions(TypedDict, total=False):
    """What every middleware and adapter takes, by these names.

    Keys:
        store: a DynamoDBStore or a MemoryStore.
        rules: a Rule, several, or a RulesFile.
        on_outage: as for RateLimiter: ``"allow"`` (default), ``"deny"`` (503), ``"raise"``.
        deadline: seconds that a request may spend on the store, all rules and refunds together;
            0.25 unless given.
        deny_cache: as for RateLimiter; 5.0 unless given.
        seen_keys: as for RateLimiter, for each rule; 65,536 unless given.
        endpoint_of: the route that the application will choose for a request, such as
            ``"/users/{id}"``, for rules with ``scope="endpoint"``; None where there is none.
        fields: ``"standard"`` (default) for RateLimit and RateLimit-Policy, ``"x"`` for
            X-RateLimit-*, ``"both"``, ``"none"``.
        on_denied: makes the answer to a denied request, of the request, the verdict and the answer
            there would be; header fields are added to it.
        on_decision: told of each rule's decision, once the request's verdict is there; one function
            or several. What it raises is raised to the server.
    """

    store: Required[Store]
    rules: Required[RulesGiven]
    on_outage: OnOutage
    deadline: float
    deny_cache: float
    seen_keys: int
    endpoint_of: EndpointOf
    fields: FieldStyle
    on_denied: OnDenied
    on_decision: OnDecision | Iterable[OnDecision]


Admission = tuple[Answer | None, Fields, Verdict]
"""Whether a request passes, and what its response has to say: the answer to send in the
application's place, None where it passes; the fields to add to the application's response, which
the answer has already; and what the rules said."""

_UNLIMITED: Admission = (None, (), Verdict())


class Gate:
    """Rules before an application, for blocking callers and event loops.

    Args:
        options: see GateOptions.
        blocking: whether coroutine functions in rules are refused at once.

    Raises:
        TypeError, ValueError: something given can't hold; the message names it and the rule.
    """

    __slots__ = (
        "_book",
        "_fields_of",
        "_heeded",
        "_on_denied",
        "_raises",
        "_store",
        "_tell",
        "_trial",
        "_within_ns",
    )

    def __init__(self, options: GateOptions, *, blocking: bool = False) -> None:
        _require_known(options)
        on_outage = options.get("on_outage", "allow")
        require_policy(on_outage)
        self._store = require_store(options["store"])
        self._fields_of = fields_in(options.get("fields", "standard"))
        self._within_ns = nanoseconds("deadline", options.get("deadline", 0.25), 0.001, 60.0)
        trust_ns = nanoseconds("deny_cache", options.get("deny_cache", 5.0), 0.0, 60.0)
        endpoint_of = _function("endpoint_of", options.get("endpoint_of"))
        _require_plain("endpoint_of", endpoint_of)
        self._on_denied = _function("on_denied", options.get("on_denied"))
        if blocking:
            _require_plain("on_denied", self._on_denied)
        self._tell = _functions("on_decision", options.get("on_decision", ()))
        self._raises = on_outage == "raise"
        self._heeded = bool(self._raises or self._tell)
        self._trial = Trial(self._store.clock, on_outage)
        self._book = Rulebook(
            options["rules"],
            seen_keys=options.get("seen_keys", 65_536),
            trust_ns=trust_ns,
            blocking=blocking,
            endpoint_of=endpoint_of,
        )

    def admit(self, request: Request) -> Admission:
        """Decide on a request, blocking.

        Raises:
            StoreUnavailable: under ``on_outage="raise"``.
            TypeError: a rule's function gave something to be awaited.
            TableNotFound, AccessDenied, botocore.exceptions.ClientError: a mistake of set-up.
        """
        asked = charging.charges(self._book, request)
        charges = asked if isinstance(asked, list) else settle(asked)
        if not charges:
            return _UNLIMITED
        store, flow = self._begun(charges)
        verdict = run(flow, store, self._within_ns)
        if self._heeded:
            self._heed(verdict)
        if verdict.denials:
            return settle(self._denied(request, verdict))
        return None, self._fields_of(verdict), verdict

    async def admit_async(self, request: Request) -> Admission:
        """Decide on a request; see ``admit``."""
        asked = charging.charges(self._book, request)
        charges = asked if isinstance(asked, list) else await settle_async(asked)
        if not charges:
            return _UNLIMITED
        store, flow = self._begun(charges)
        verdict = await run_async(flow, store, self._within_ns)
        if self._heeded:
            self._heed(verdict)
        if verdict.denials:
            return await settle_async(self._denied(request, verdict))
        return None, self._fields_of(verdict), verdict

    async def try_async(self, charges: list[Charge]) -> Verdict:
        """Take what is asked, and tell of it; raises as ``admit`` does."""
        store, flow = self._begun(charges)
        verdict = await run_async(flow, store, self._within_ns)
        if self._heeded:
            self._heed(verdict)
        return verdict

    async def message_charges(self, request: Request) -> list[Charge]:
        """What each message asks that comes in on the websocket of this handshake."""
        return await settle_async(charging.message_charges(self._book, request))

    def _begun(self, charges: list[Charge]) -> tuple[Store, Flow[Verdict]]:
        """The flow of a request's verdict, and the store to run it on."""
        if self._tell:
            tally = Tally(self._store)
            return tally, self._trial.verdict(charges, tally)
        if len(charges) == 1:
            return self._store, self._trial.verdict_of_one(charges[0])
        return self._store, self._trial.verdict(charges, None)

    def _denied(self, request: Request, verdict: Verdict) -> Settling[Admission]:
        fields = self._fields_of(verdict)
        made = default = answer(denial_of(verdict), request.method, request.header("accept"))
        if self._on_denied is not None:
            made = yield from settled(self._on_denied(request, verdict, made))
            made = _measured(made, default, request.method)
        made = made._replace(headers=(*made.headers, *fields))
        return made, fields, verdict

    def _heed(self, verdict: Verdict) -> None:
        for tell in self._tell:
            for decision in verdict.decisions:
                tell(decision)
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


def _require_known(options: GateOptions) -> None:
    for name in options:
        if name not in GateOptions.__annotations__:
            known = ", ".join(sorted(GateOptions.__annotations__))
            raise TypeError(f"{name!r} is no option; there are {known}")
    for name in ("store", "rules"):
        if name not in options:
            raise TypeError(f"{name}= is needed")


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
