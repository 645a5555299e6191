"""A rule: which requests have which limits, and whose bucket each of them draws on."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from ddbwire.arguments import plain_text
from ratelimit_ddb.arguments import (
    is_list_like,
    named,
    require_bool,
    require_cost,
    require_lease_ns,
)
from ratelimit_ddb.limit import AnyLimit, LimitsLike, parse_limits
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.stored_limits.stored import Stored
from ratelimit_ddb.web.identity.client_address import client_address
from ratelimit_ddb.web.identity.function_of_request import require_function_of_request
from ratelimit_ddb.web.identity.identity import Identity, require_no_identity
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rules.access_list import AccessList, ListMatcher
from ratelimit_ddb.web.rules.blocks import block_policy_of
from ratelimit_ddb.web.rules.give_back import GiveBack, GiveBackLike, give_back_of
from ratelimit_ddb.web.rules.in_flight import slot_limit_of
from ratelimit_ddb.web.rules.path import (
    AnyFits,
    Fits,
    Pattern,
    any_fits,
    any_fits_below_mounts,
    patterns_of,
    spellings,
)

LimitsOfRequest = Callable[[Request], LimitsLike | Awaitable[LimitsLike | None] | None]
"""Returns a request's limits, by its plan for instance; None if it has none."""

CostOfRequest = Callable[[Request], int | Awaitable[int]]
"""Returns the tokens that a request takes, by its size for instance; 0 if it is free."""

Exempt = Callable[[Request], bool | Awaitable[bool]]
"""Whether a request is exempt from the rule."""

Scope = Literal["rule", "endpoint"]

LARGEST_COST = 10**15
"""The largest cost if the limits are not known yet: more than any bucket can hold."""

_ALL_METHODS = "leave methods out for all of them"
_NO_METHODS = {
    "*": _ALL_METHODS,
    "ALL": _ALL_METHODS,
    "ANY": _ALL_METHODS,
    "WEBSOCKET": "the handshake of a websocket is a GET",
    "WS": "the handshake of a websocket is a GET",
}
"""Words that are no request's method, and what to write instead."""
_METHOD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~")


@dataclass(frozen=True, slots=True, init=False)
class Rule:
    """Limits on the requests that match a path and methods.

    The bucket's key is ``name:identity``, or ``name:identity:endpoint`` with ``scope="endpoint"``.
    Every function here takes the Request; under ASGI it may be a coroutine function. A CORS
    preflight costs nothing, unless ``methods`` names ``OPTIONS``; see
    ``ratelimit_ddb.web.rules.preflight``.

    Attributes:
        path: a pattern: ``"/login"``, ``"/users/{id}"``, ``"/api/*"``; see
            ``ratelimit_ddb.web.rules.path``. Or a list of patterns: their requests share buckets,
            and one that matches several of them is charged once. Such a rule needs a ``name``.
        limits: as for RateLimiter, or a function that returns them; ``stored(...)`` for limits
            under a name in the table; None for a rule that has only ``messages`` or ``in_flight``.
        in_flight: how many of these requests each identity may have under way at once, from the
            request to the end of its response; websockets count as long as they are open. An int,
            or a SlotLimit, which has a lifetime too. ``cost`` does not apply to it.
        by: whose bucket a request draws on; the client's address unless given. If it returns a set
            of keys, all of them are charged: the request passes if each has the tokens.
        methods: the methods that the rule matches, ``GET`` including ``HEAD``; None for all.
        cost: tokens that a request takes, or a function that returns them. A request that costs
            more than the smallest burst is never admitted; one that costs 0 is not limited.
        name: the rule's name in keys, fields and events; unless given, the path, behind the methods
            if any. Two rules of one middleware can't have the same name.
        scope: ``"rule"`` for one bucket for all requests that match; ``"endpoint"`` for one for
            each route that the framework found, or each pattern if it found none (the first that
            matches). Values in a path never make buckets of their own.
        exempt: a function that returns True for requests that the rule does not limit.
        enforce: False to decide, count and report, but never deny (shadow mode).
        reserves: whether ``cost`` is an estimate, which the view settles by what was used
            (``reservation_of``). An estimate of 0 takes one token, since the use is settled later.
        default: whether the rule is only for views without limits of their own (``@limited``,
            RateLimit). For a view with limits this rule is not evaluated, or what it took is given
            back.
        lease: seconds for which a process may hold tokens of a hot key, as for RateLimiter; None
            for the middleware's.
        messages: limits on the messages that a websocket's client sends, counted for each identity.
        give_back: which requests take nothing in the end, by their response: a function of the
            ResponseHead, or status codes such as ``"2xx"`` or ``["200-399", "404"]``. The tokens
            are taken first, so that concurrent requests count, and given back before the response
            starts.
        allow: an AccessList of clients that the rule always lets through and never charges.
        deny: an AccessList of clients that it never lets through: they get a 403, without a call.
            It takes precedence over ``allow``, which takes precedence over ``exempt``.
        block_after: how many denials by the limits, within ``block_for``, block a key: it is denied
            until the block ends, whatever its limits allow. None for never.
        block_for: how long a block lasts, in seconds or as ``"10 minutes"``. Each further block
            lasts twice as long as the one before.
        up_to: how long a block lasts at most; a block is forgotten each time that this has passed
            without another one. None for blocks of equal length.
        patterns: what ``path`` is, ready to be compared with paths.
        fits: whether a spelling of a path matches one of them.
        fits_below_mounts: whether one of a path's spellings matches if mounts were left on it.

    Raises:
        TypeError, ValueError: an argument is invalid; the message names it and the rule.
    """

    path: str | tuple[str, ...]
    limits: tuple[AnyLimit, ...] | LimitsOfRequest | Stored | None
    by: Identity
    methods: frozenset[str] | None
    cost: int | CostOfRequest
    name: str
    scope: Scope
    exempt: Exempt | None
    enforce: bool
    reserves: bool
    default: bool
    lease: float | None
    messages: tuple[AnyLimit, ...] | None
    in_flight: SlotLimit | None
    give_back: GiveBack | None
    allow: AccessList | None
    deny: AccessList | None
    block_after: int | None
    block_for: float | str | None
    up_to: float | str | None
    patterns: tuple[Pattern, ...] = field(repr=False, compare=False)
    fits: Fits = field(repr=False, compare=False)
    fits_below_mounts: AnyFits = field(repr=False, compare=False)

    def __init__(
        self,
        path: str | Sequence[str],
        limits: LimitsLike | LimitsOfRequest | Stored | None = None,
        *,
        by: Identity | None = None,
        methods: str | Iterable[str] | None = None,
        cost: int | CostOfRequest = 1,
        name: str | None = None,
        scope: Scope = "rule",
        exempt: Exempt | None = None,
        enforce: bool = True,
        reserves: bool = False,
        default: bool = False,
        lease: float | None = None,
        messages: LimitsLike | None = None,
        in_flight: int | SlotLimit | None = None,
        give_back: GiveBackLike | None = None,
        allow: AccessList | None = None,
        deny: AccessList | None = None,
        block_after: int | None = None,
        block_for: float | str | None = None,
        up_to: float | str | None = None,
    ) -> None:
        patterns = patterns_of(path)
        paths = tuple([pattern.text for pattern in patterns])
        chosen = methods_of(methods)
        is_looked_up = limits is None or callable(limits) or isinstance(limits, Stored)
        parsed = limits if is_looked_up else parse_limits(cast("LimitsLike", limits))
        of_messages = None if messages is None else _limits_on_messages(messages)
        for attribute, value in (
            ("path", paths[0] if len(paths) == 1 else paths),
            ("limits", parsed),
            ("by", client_address() if by is None else by),
            ("methods", chosen),
            ("cost", cost),
            ("name", _own_name(paths, chosen) if name is None else _require_name(name)),
            ("scope", scope),
            ("exempt", exempt),
            ("enforce", enforce),
            ("reserves", reserves),
            ("default", default),
            ("lease", lease),
            ("messages", of_messages),
            ("in_flight", slot_limit_of(in_flight)),
            ("give_back", None if give_back is None else give_back_of(give_back)),
            ("allow", allow),
            ("deny", deny),
            ("block_after", block_after),
            ("block_for", block_for),
            ("up_to", up_to),
            ("patterns", patterns),
            ("fits", any_fits(patterns)),
            ("fits_below_mounts", any_fits_below_mounts(patterns)),
        ):
            object.__setattr__(self, attribute, value)
        self._require_valid()

    def _require_valid(self) -> None:
        self._require_limits()
        self._require_functions()
        if self.scope not in ("rule", "endpoint"):
            raise ValueError(f"scope {self.scope!r}: 'rule' or 'endpoint'")
        for what, flag in (
            ("enforce", self.enforce),
            ("reserves", self.reserves),
            ("default", self.default),
        ):
            require_bool(what, flag)
        if self.lease is not None:
            require_lease_ns(self.lease)
        self._require_cost()
        block_policy_of(self.block_after, self.block_for, self.up_to)
        for what, listed in (("allow", self.allow), ("deny", self.deny)):
            _require_list(what, listed, self.by)

    def _require_functions(self) -> None:
        require_function_of_request("by", self.by)
        if self.exempt is not None:
            require_function_of_request("exempt", self.exempt)
        limits = self.limits.name if isinstance(self.limits, Stored) else self.limits
        for what, given in (("limits", limits), ("cost", self.cost)):
            if callable(given):
                require_function_of_request(what, given)
        for what, function, gives in (
            ("exempt", self.exempt, "True or False"),
            ("limits", limits, "limits"),
            ("cost", self.cost, "a number of tokens"),
            ("give_back", self.give_back, "True or False"),
        ):
            require_no_identity(what, function, gives)

    def _require_limits(self) -> None:
        if self.messages is not None and self.methods is not None and "GET" not in self.methods:
            raise ValueError(
                f"rule {self.name!r}: messages need GET among the methods, which the handshake of "
                "a websocket is"
            )
        if self.limits is not None:
            return
        if self.messages is None and self.in_flight is None:
            raise ValueError(f"rule {self.name!r}: limits, messages or in_flight is required")
        if self.give_back is not None:
            raise ValueError(f"rule {self.name!r}: give_back needs limits, whose tokens it gives")
        if self.block_after is not None:
            raise ValueError(f"rule {self.name!r}: block_after needs limits, which deny")
        if self.reserves:
            raise ValueError(f"rule {self.name!r}: reserves needs limits, whose tokens it reserves")

    def _require_cost(self) -> None:
        if not callable(self.cost):
            bursts = (
                [limit.burst for limit in self.limits] if isinstance(self.limits, tuple) else []
            )
            require_cost(self.cost, min(bursts, default=LARGEST_COST))

    def matches(self, path: str) -> bool:
        """Whether the rule's pattern matches a percent-decoded path.

        Rule("/users/{id:int}", "5/minute").matches("/users/42/")  # True
        """
        return any(self.fits(spelling) for spelling in spellings(path))

    def pattern_of(self, spelled: tuple[str, ...]) -> str:
        """The first pattern that matches one of a path's spellings.

        If only mounts that were left on the path make one match, it is the first of them all.
        """
        for pattern in self.patterns:
            if any(map(pattern.fits, spelled)):
                return pattern.text
        return self.patterns[0].text

    def functions(self) -> tuple[Callable[..., object], ...]:
        """The user's functions that are called with requests and responses."""
        limits = self.limits.name if isinstance(self.limits, Stored) else self.limits
        given = (self.by, limits, self.cost, self.exempt, self.give_back)
        return tuple(one for one in given if callable(one))


def require_blocking(rule: Rule) -> None:
    """Refuse a rule with a coroutine function where there is no event loop.

    Raises:
        TypeError: a function of the rule is one.
    """
    for function in rule.functions():
        if inspect.iscoroutinefunction(function):
            raise TypeError(
                f"rule {rule.name!r}: {function!r} is a coroutine function, and nothing awaits it "
                "here; give a plain function, or use the ASGI side"
            )


def _own_name(paths: tuple[str, ...], methods: frozenset[str] | None) -> str:
    if len(paths) > 1:
        raise ValueError(
            f"path {list(paths)!r}: a rule with several paths needs a name=, by which their bucket "
            "is keyed whatever paths there are"
        )
    return default_name(paths[0], methods)


def _require_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"name {name!r}: must be a str")
    if not name:
        raise ValueError("name '': must not be empty")
    return plain_text(name)


def _require_list(what: str, given: object, by: Identity) -> None:
    if given is None:
        return
    if not isinstance(given, AccessList):
        raise TypeError(f"{what} {given!r}: must be an AccessList")
    try:
        ListMatcher(given, by)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def _limits_on_messages(given: LimitsLike) -> tuple[AnyLimit, ...]:
    try:
        return parse_limits(given)
    except (TypeError, ValueError) as error:
        raise named("messages", error) from None


def methods_of(given: str | Iterable[str] | None) -> frozenset[str] | None:
    """The methods as a set, ``GET`` including ``HEAD``; None for all.

    Raises:
        TypeError, ValueError: they are no methods.
    """
    if given is None:
        return None
    if not is_list_like(given):
        raise TypeError(f"methods {given!r}: must be a str such as 'GET', or several")
    several = [given] if isinstance(given, str) else list(given)
    if not several:
        raise ValueError("methods []: must not be empty; leave it out for all methods")
    for method in several:
        if not isinstance(method, str):
            raise TypeError(f"methods {several!r}: {method!r} must be a str such as 'GET'")
        if not method or not _METHOD.issuperset(method):
            raise ValueError(f"method {method!r}: must be a name in capitals, such as 'GET'")
        if method in _NO_METHODS:
            raise ValueError(
                f"method {method!r}: no request has this method; {_NO_METHODS[method]}"
            )
    several = [plain_text(method) for method in several]
    return frozenset(several) | ({"HEAD"} if "GET" in several else frozenset())


def default_name(what: str, methods: frozenset[str] | None) -> str:
    """The name of limits on a path or a view: the path or view, behind the methods if any."""
    if methods is None:
        return what
    shown = methods - {"HEAD"} if "GET" in methods else methods
    return f"{','.join(sorted(shown))} {what}"
