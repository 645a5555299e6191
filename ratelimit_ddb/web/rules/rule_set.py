"""The rules of one middleware, compiled: which of them match a request, and their quotas."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from ratelimit_ddb.arguments import require_lease_ns
from ratelimit_ddb.bucket.observations import CacheGroup
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.key import key_prefix
from ratelimit_ddb.limit import Limit
from ratelimit_ddb.operations.store import Clock
from ratelimit_ddb.stored_limits.limits_cache import LimitsCache
from ratelimit_ddb.stored_limits.stored import NameOfRequest, Stored
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rules.access_list import ListMatcher
from ratelimit_ddb.web.rules.blocks import block_policy_of
from ratelimit_ddb.web.rules.in_flight import InFlightQuota
from ratelimit_ddb.web.rules.path import spellings
from ratelimit_ddb.web.rules.quota_policy import QuotaPolicy, QuotaPolicyCache, closed_policy
from ratelimit_ddb.web.rules.rule import Rule, require_blocking


class RulesSource(Protocol):
    """Rules that may change while they are in use, such as a RulesFile."""

    def current(self) -> tuple[Rule, ...]:
        """The rules now: the same tuple as long as nothing changes."""


EndpointOf = Callable[[Request], str | None]
"""The route that an application will choose for a request, such as ``"/users/{id}"``."""

RulesLike = Rule | Iterable[Rule] | RulesSource
"""What an argument for rules accepts."""


_EXPECTED = 'must be a Rule, a list of them, or a RulesFile("rules.toml")'

_ANY_LIMIT = (Limit(1, 1),)
"""A placeholder for limits that are not known and not needed."""


class StoredRule(NamedTuple):
    """A rule's stored limits.

    Attributes:
        name: their name, or a function of the request that returns it.
        cache: reads and keeps them.
    """

    name: str | NameOfRequest
    cache: LimitsCache


class CompiledRule:
    """A rule and its quotas.

    Attributes:
        rule: the rule.
        quota: the quota of its limits; None if they depend on the request.
        messages: the quota of its limits on messages; None if it has none.
        quotas: makes a quota of any limits.
        prefix: the prefix of its buckets' keys, including the namespace.
        in_flight: the quota of its concurrency limit; None if it has none.
        allow, deny: match the clients that are always and never let through; None for no list.
        lists_keys: whether one of the lists has keys.
        closed: the quota of listed clients, which admits nothing.
        is_static: whether it only charges tokens, and only the identity depends on the request.
        stored: its stored limits; None if it has none.
    """

    __slots__ = (
        "allow",
        "closed",
        "deny",
        "in_flight",
        "is_static",
        "lists_keys",
        "messages",
        "prefix",
        "quota",
        "quotas",
        "rule",
        "stored",
    )

    def __init__(
        self,
        rule: Rule,
        namespace: str,
        seen_keys: int,
        times: BucketTimes,
        group: CacheGroup,
        clock: Clock,
    ) -> None:
        self.rule = rule
        if rule.lease is not None:
            times = times._replace(lease_ns=require_lease_ns(rule.lease))
        self.quotas = QuotaPolicyCache(
            rule.name,
            seen_keys,
            times,
            group,
            block_policy_of(rule.block_after, rule.block_for, rule.up_to),
        )
        self.quota: QuotaPolicy | None = None
        if isinstance(rule.limits, tuple):
            self.quota = self.quotas.of(rule.limits)
        self.stored: StoredRule | None = None
        if isinstance(rule.limits, Stored):
            cache = LimitsCache(rule.limits, namespace, clock)
            self.stored = StoredRule(rule.limits.name, cache)
        self.prefix = namespace + key_prefix(rule.name)
        self.is_static = (
            self.quota is not None
            and rule.in_flight is None
            and rule.exempt is None
            and rule.allow is None
            and rule.deny is None
            and rule.scope == "rule"
            and not callable(rule.cost)
        )
        self.in_flight: InFlightQuota | None = None
        if rule.in_flight is not None:
            has_others = rule.limits is not None
            self.in_flight = InFlightQuota(rule.name, rule.in_flight, has_other_limits=has_others)
        self.allow = None if rule.allow is None else ListMatcher(rule.allow, rule.by)
        self.deny = None if rule.deny is None else ListMatcher(rule.deny, rule.by)
        self.lists_keys = any(one is not None and one.has_keys for one in (self.allow, self.deny))
        static = rule.limits if isinstance(rule.limits, tuple) else _ANY_LIMIT
        self.closed = closed_policy(rule.name, static, group, times)
        self.messages: QuotaPolicy | None = None
        if rule.messages is not None:
            of_messages = QuotaPolicyCache(f"{rule.name} messages", seen_keys, times, group)
            self.messages = of_messages.of(rule.messages)


class RuleSet:
    """All rules of a middleware, in their order.

    Args:
        given: the rules, or a source of them.
        seen_keys: as for RateLimiter, for each rule.
        times: how long observations, leases and calls may last.
        group: the caches of the store.
        clock: the store's.
        namespace: the prefix of all keys, from ``namespace_prefix``.
        blocking: whether coroutine functions in rules are refused.
        endpoint_of: returns the route of a request that was not routed yet, for
            ``scope="endpoint"``.

    Attributes:
        gives_back: whether a response may give tokens back.
        has_slots: whether a rule has a concurrency limit, or had one before the rules changed, of
            which requests may still hold slots.

    Raises:
        TypeError, ValueError: the rules are invalid together.
    """

    __slots__ = (
        "_blocking",
        "_clock",
        "_current",
        "_group",
        "_seen_keys",
        "_source",
        "_times",
        "endpoint_of",
        "gives_back",
        "has_slots",
        "namespace",
    )

    def __init__(
        self,
        given: RulesLike,
        *,
        seen_keys: int,
        times: BucketTimes,
        group: CacheGroup,
        clock: Clock,
        namespace: str,
        blocking: bool,
        endpoint_of: EndpointOf | None,
    ) -> None:
        self.endpoint_of = endpoint_of
        self.namespace = namespace
        self._blocking = blocking
        self._seen_keys = seen_keys
        self._times = times
        self._group = group
        self._clock = clock
        self._source: RulesSource | None = None
        if isinstance(given, Rule | Iterable):
            rules = rules_of(given)
        elif callable(getattr(given, "current", None)) and not isinstance(given, type):
            self._source = given
            rules = given.current()
        else:
            raise TypeError(f"rules {given!r}: {_EXPECTED}")
        self._current = (rules, self._compiled(rules))
        self.gives_back = _give_back(rules)
        self.has_slots = _have_slots(rules)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the present rules."""
        return tuple(rule.name for rule in self._current[0])

    def matching(self, request: Request) -> list[CompiledRule]:
        """The rules that match a request, in their order."""
        if self._source is not None:
            self._reload(self._source.current())
        method, spelled = request.method, all_spellings(request)
        found = []
        for compiled in self._current[1]:
            rule = compiled.rule
            if rule.methods is not None and method not in rule.methods:
                continue
            for spelling in spelled:
                if rule.fits(spelling):
                    found.append(compiled)
                    break
            else:
                if request.mounts_may_stay and rule.fits_below_mounts(spelled):
                    found.append(compiled)
        return found

    def _reload(self, rules: tuple[Rule, ...]) -> None:
        known, compiled = self._current
        if rules is known:
            return
        try:
            compiled = self._compiled(rules)
        except TypeError as refused:  # a coroutine function, where nothing awaits it
            logging.getLogger("ratelimit_ddb").error("the old rules stay: %s", refused)  # noqa: TRY400
            self._current = (rules, compiled)
            return
        self.has_slots = self.has_slots or _have_slots(rules)
        self.gives_back = _give_back(rules)
        self._current = (rules, compiled)

    def _compiled(self, rules: tuple[Rule, ...]) -> tuple[CompiledRule, ...]:
        require_names(rules)
        for rule in rules:
            if self._blocking:
                require_blocking(rule)
        return tuple(
            CompiledRule(
                rule, self.namespace, self._seen_keys, self._times, self._group, self._clock
            )
            for rule in rules
        )


def all_spellings(request: Request) -> tuple[str, ...]:
    """The spellings of each path that a request's application may route by."""
    spelled = spellings(request.path)
    if request.other_paths:
        for path in request.other_paths:
            spelled += spellings(path)
        spelled = tuple(dict.fromkeys(spelled))
    return spelled


def _give_back(rules: Iterable[Rule]) -> bool:
    return any(rule.give_back is not None for rule in rules)


def require_names(rules: Iterable[Rule]) -> None:
    """Refuse two rules with one name, which would share their buckets.

    Raises:
        ValueError: two rules have the same name; the message has it.
    """
    names = set()
    for rule in rules:
        if rule.name in names:
            raise ValueError(
                f"two rules are named {rule.name!r}: give one of them a name=, since their buckets "
                "are keyed by it"
            )
        names.add(rule.name)


def _have_slots(rules: Iterable[Rule]) -> bool:
    return any(rule.in_flight is not None for rule in rules)


def rules_of(given: Rule | Iterable[Rule]) -> tuple[Rule, ...]:
    """One rule or several, in their order.

    Raises:
        TypeError: one of them is no Rule.
        ValueError: an iterator is empty; it may have been read before, and nothing would be
            limited.
    """
    if isinstance(given, str | bytes | Mapping):
        raise TypeError(f"rules {given!r}: {_EXPECTED}")
    rules = (given,) if isinstance(given, Rule) else tuple(given)
    for rule in rules:
        if not isinstance(rule, Rule):
            raise TypeError(f"rule {rule!r}: must be a Rule")
    if not rules and isinstance(given, Iterator):
        raise ValueError(f"rules {given!r}: has no Rule, or was read before; give a list of them")
    return rules
