"""The options of every middleware, decorator and dependency: each with its default, once.

``GateOptions`` are those of the middlewares, ``ViewOptions`` those of ``@limited`` and RateLimit.
Editors show them since each signature says ``Unpack[GateOptions]``; ``help()`` shows them, with
the defaults, since ``shows_options`` writes them into the signature.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypedDict, TypeVar

from ddbwire.shared import options_signature
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.web.identity.identity import Identity
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.response.fields import FieldStyle
from ratelimit_ddb.web.rules.access_list import AccessList
from ratelimit_ddb.web.rules.give_back import GiveBackLike
from ratelimit_ddb.web.rules.rule import CostOfRequest, Exempt, Rule
from ratelimit_ddb.web.rules.rule_set import EndpointOf
from ratelimit_ddb.web.rules.verdict import RuleDecision, Verdict

F = TypeVar("F", bound=Callable[..., Any])

OnDecision = Callable[[RuleDecision], None]
"""Called with each rule's decision."""

OnDenied = Callable[[Request, Verdict, DenialResponse], DenialResponse | Awaitable[DenialResponse]]
"""Returns the response to a denied request; called with the request, the verdict and the default
response."""


class GateOptions(TypedDict, total=False):
    """The options of every middleware. DEFAULTS has the defaults.

    Keys:
        on_outage: as for RateLimiter: ``"local"``, ``"allow"``, ``"deny"`` (503) or ``"raise"``.
        deadline: seconds that a request may spend on the store, all rules and refunds together.
        deny_cache: as for RateLimiter.
        lease: as for RateLimiter, for rules that have none of their own.
        seen_keys: as for RateLimiter, for each rule.
        namespace: what all keys begin with: keeps apart applications that share a table.
        enabled: False to let every request pass without asking the store, as tests may want;
            None for what the environment says (``RATELIMIT_DDB_ENABLED``).
        endpoint_of: a function of the request that returns the route that the application will
            choose, such as ``"/users/{id}"``, or None; for rules with ``scope="endpoint"``.
        fields: ``"standard"`` for RateLimit and RateLimit-Policy, ``"x"`` for X-RateLimit-*,
            ``"both"``, ``"none"``.
        on_denied: called with a denied request, the verdict and the default DenialResponse; returns
            the DenialResponse to send, to which the header fields are added.
        on_decision: called with each rule's decision once the request is decided; a function or
            several. What it raises is raised to the server.
    """

    on_outage: OnOutage
    deadline: float
    deny_cache: float
    lease: float
    seen_keys: int
    namespace: str
    enabled: bool | None
    endpoint_of: EndpointOf | None
    fields: FieldStyle
    on_denied: OnDenied | None
    on_decision: OnDecision | Iterable[OnDecision]


class ViewOptions(TypedDict, total=False):
    """The options of a limit on a view. DEFAULTS has the defaults.

    Keys:
        by: whose bucket a request draws on, as for Rule: an identity such as ``header("x-key")``.
        methods: the methods that are limited, as for Rule; None for all.
        cost: as for Rule.
        name: the limit's name in keys, fields and events. Views that are given the same name share
            their buckets. Unless given, it is the view's module and name, behind the methods if
            any.
        exempt: as for Rule.
        in_flight: as for Rule: how many of these requests each identity may have under way at
            once.
        give_back: as for Rule.
        allow: as for Rule.
        deny: as for Rule.
        block_after: as for Rule.
        block_for: as for Rule.
        up_to: as for Rule.
        enforce: as for Rule. With False the view can ask ``verdict_of(request).limited``.
        on_outage: as in GateOptions; so are all that follow.
    """

    by: Identity | None
    methods: str | Iterable[str] | None
    cost: int | CostOfRequest
    name: str | None
    exempt: Exempt | None
    in_flight: int | SlotLimit | None
    give_back: GiveBackLike | None
    allow: AccessList | None
    deny: AccessList | None
    block_after: int | None
    block_for: float | str | None
    up_to: float | str | None
    enforce: bool
    on_outage: OnOutage
    deadline: float
    deny_cache: float
    lease: float
    seen_keys: int
    namespace: str
    enabled: bool | None
    fields: FieldStyle
    on_denied: OnDenied | None
    on_decision: OnDecision | Iterable[OnDecision]


_OF_RESPONSES_AND_BLOCKS = (
    "in_flight",
    "give_back",
    "allow",
    "deny",
    "block_after",
    "block_for",
    "up_to",
)
_OF_THE_RULE = ("by", "methods", "cost", "name", "exempt", *_OF_RESPONSES_AND_BLOCKS, "enforce")
_RULE = inspect.signature(Rule).parameters

DEFAULTS: Mapping[str, Any] = {
    **{name: _RULE[name].default for name in _OF_THE_RULE},
    "on_outage": "local",
    "deadline": 0.25,
    "deny_cache": 5.0,
    "lease": 0.5,
    "seen_keys": 65_536,
    "namespace": "",
    "enabled": None,
    "endpoint_of": None,
    "fields": "standard",
    "on_denied": None,
    "on_decision": (),
}
"""The default of each option; ``by=None`` is the client's address."""


def shows_options(options: type) -> Callable[[F], F]:
    """Write the options that a function takes as ``**options`` into its signature.

    Args:
        options: GateOptions or ViewOptions.
    """
    return options_signature.shows_options(options, DEFAULTS)


def require_options(given: Iterable[str], options: type) -> None:
    """Refuse options that do not exist.

    Raises:
        TypeError: one does not exist; the message has its name and those that do.
    """
    known = options.__annotations__
    for name in given:
        if name not in known:
            instead = "; by= selects the bucket" if name == "key" and "by" in known else ""
            expected = ", ".join(sorted(known))
            raise TypeError(f"unknown option {name!r}; expected one of {expected}{instead}")
