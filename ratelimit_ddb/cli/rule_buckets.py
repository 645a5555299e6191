"""The buckets of a rule: the keys that it makes of an identity, and their limits.

Rules are in a file, or in a module of the application, MODULE:NAME. The application's functions to
which they refer are not called, as there is no request. Arguments of the command replace what they
would return: the parts of the identity, the name of stored limits, or limits.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ddbwire.shared.command_line.failure import Misuse
from ratelimit_ddb.cli.buckets import Buckets
from ratelimit_ddb.cli.limit_arguments import limits_of
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.stored_limits.stored import Stored, stored
from ratelimit_ddb.web.identity.written_identity import identified
from ratelimit_ddb.web.rules.bucket_keys import key_parts
from ratelimit_ddb.web.rules.rule import Rule
from ratelimit_ddb.web.rules.rule_set import require_names
from ratelimit_ddb.web.rules.rules_toml import RulesError, rules_of_toml


class _AnyFunction(Mapping[str, Callable[..., Any]]):
    """Has a function of every name, so that rules can be parsed without the application's."""

    def __getitem__(self, name: str) -> Callable[..., Any]:
        def function_of_application(request: object) -> object:
            raise NotImplementedError(f"{name} of {request}: a function of the application")

        return function_of_application

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, _name: object) -> bool:
        return True


def buckets_of_rule(options: argparse.Namespace, *, needs_limits: bool) -> Buckets:
    """The buckets of ``--rules``, ``--rule`` and the identity.

    Raises:
        Misuse: the file can't be read, there is no such rule, or the identity is not valid for it.
    """
    rule = _named(rules_of(options.rules), options.rule)
    if rule.scope == "endpoint" and options.endpoint is None:
        raise Misuse(
            f"rule {rule.name!r}: --endpoint is required: the framework's route, such as "
            f"'/users/{{id}}', or {_patterns(rule)} if it finds none"
        )
    if rule.scope == "rule" and options.endpoint is not None:
        raise Misuse(f'rule {rule.name!r}: --endpoint is for rules with scope = "endpoint"')
    try:
        identity = identified(rule.by, _written(options.identity), otherwise=options.otherwise)
        parts = key_parts(rule, identity, options.endpoint or "")
    except ValueError as refused:
        raise Misuse(f"rule {rule.name!r}: {refused}") from refused
    if getattr(options, "in_flight", False):
        if rule.in_flight is None:
            raise Misuse(f"rule {rule.name!r} has no in_flight")
        return Buckets(tuple(parts), None, rule.in_flight)
    if options.messages:
        parts = [(*one, "messages") for one in parts]
    cost = 1 if options.messages or callable(rule.cost) else rule.cost
    limits = _limits(rule, options) if needs_limits else None
    return Buckets(tuple(parts), limits, cost=max(1, cost))


def _patterns(rule: Rule) -> str:
    return " or ".join([repr(pattern.text) for pattern in rule.patterns])


def rules_of(given: str) -> tuple[Rule, ...]:
    """The rules of a file, or of a module of the application.

    Raises:
        Misuse: there are none, or they are not valid.
    """
    module, colon, name = given.rpartition(":")
    is_dotted = all(part.isidentifier() for part in module.split("."))
    if colon and is_dotted and name.isidentifier() and not Path(given).exists():
        return _rules_in_module(module, name)
    try:
        return rules_of_toml(Path(given).read_bytes(), given, _AnyFunction())
    except OSError as error:
        raise Misuse(f"rules {given}: can't be read: {error.strerror or error}") from error
    except RulesError as refused:
        raise Misuse("; ".join(str(refused).splitlines())) from refused


def _rules_in_module(module: str, name: str) -> tuple[Rule, ...]:
    if "" not in sys.path:
        sys.path.insert(0, "")  # as with ``python -m``: modules of the current directory
    try:
        given = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise Misuse(f"rules {module}:{name}: {error}") from error
    current = given.current() if hasattr(given, "current") else given
    rules = (current,) if isinstance(current, Rule) else current
    if not isinstance(rules, Iterable) or not all(isinstance(one, Rule) for one in rules):
        raise Misuse(f"rules {module}:{name}: must be a Rule, several of them, or a RulesFile")
    try:
        require_names(rules)
    except ValueError as refused:
        raise Misuse(f"rules {module}:{name}: {refused}") from refused
    return tuple(rules)


def _written(given: list[str]) -> list[str]:
    """The identity; ``-`` reads a line of stdin, so that no list of processes shows an API key."""
    if given != ["-"]:
        return given
    if sys.stdin is None:  # closed before this process began
        return [""]
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # as Python decodes arguments
    return [sys.stdin.readline().rstrip("\r\n")]


def _named(rules: tuple[Rule, ...], name: str) -> Rule:
    by_name = {rule.name: rule for rule in rules}
    if name in by_name:
        return by_name[name]
    alike = difflib.get_close_matches(name, by_name, 1)
    meant = f"; did you mean {alike[0]!r}?" if alike else ""
    known = ", ".join(map(repr, by_name))
    expected = f"expected one of {known}" if known else "there are no rules"
    raise Misuse(f"unknown rule {name!r}; {expected}{meant}")


def _limits(rule: Rule, options: argparse.Namespace) -> tuple[AnyLimit, ...] | Stored:
    what, limits = ("messages", rule.messages) if options.messages else ("limits", rule.limits)
    if limits is None:
        raise Misuse(f"rule {rule.name!r} has no {what}")
    if isinstance(limits, Stored):
        return _stored(rule, limits, options)
    if options.stored_name is not None:
        raise Misuse(f"rule {rule.name!r} has no stored limits, so --stored-name does not apply")
    if callable(limits):
        if not options.limits:
            raise Misuse(
                f"rule {rule.name!r}: its limits are a function of the request: give --limit"
            )
        return limits_of(options.limits)
    _refuse_limits(rule, options)
    return limits


def _stored(
    rule: Rule, limits: Stored, options: argparse.Namespace
) -> tuple[AnyLimit, ...] | Stored:
    name = limits.name
    if not callable(name):
        if options.stored_name not in (None, name):
            raise Misuse(f"rule {rule.name!r}: its stored limits are named {name!r}")
        _refuse_limits(rule, options)
        return limits
    if options.stored_name is None:
        raise Misuse(
            f"rule {rule.name!r}: the name of its stored limits is a function of the request: give "
            "--stored-name, such as plan:pro"
        )
    _refuse_limits(rule, options)
    try:
        return stored(options.stored_name, default=limits.default)
    except ValueError as refused:
        raise Misuse(str(refused)) from refused


def _refuse_limits(rule: Rule, options: argparse.Namespace) -> None:
    if options.limits:
        raise Misuse(f"rule {rule.name!r} has limits of its own; omit --limit")
