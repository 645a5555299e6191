"""``ratelimit-ddb rules``: check a rules file, and list its rules or those that match a request."""

from __future__ import annotations

import argparse
import json
from urllib.parse import quote, unquote

from ddbwire.shared.command_line.failure import Misuse
from ddbwire.shared.command_line.printable import print_table, printable
from ratelimit_ddb.cli.rule_buckets import rules_of
from ratelimit_ddb.stored_limits.stored import Stored
from ratelimit_ddb.web.identity.client_address import whole_address_of
from ratelimit_ddb.web.identity.identity_source import source_of
from ratelimit_ddb.web.request import of_scope
from ratelimit_ddb.web.rules.rule import Rule, methods_of
from ratelimit_ddb.web.rules.rule_set import all_spellings

_HEADINGS = ("RULE", "METHODS", "PATH", "LIMITS", "BY")
_FUNCTION = "a function"


def run_rules(options: argparse.Namespace) -> bool:
    """List the rules. False if a request is given and no rule matches it."""
    method = None if options.method is None else options.method.upper()  # as a request's is read
    _require_request(method, options.path)
    spelled = None if options.path is None else _spellings(options.path)
    rules = [one for one in rules_of(options.rules) if _matches(one, method, spelled)]
    if options.json:
        print(json.dumps({"rules": [_as_json(rule) for rule in rules]}))
    elif rules:
        print_table([_HEADINGS, *map(_cells, rules)])
    else:
        print("no rule matches")
    return bool(rules)


def _require_request(method: str | None, path: str | None) -> None:
    try:
        methods_of(method)
    except ValueError as refused:
        raise Misuse(f"--method: {refused}") from refused
    if path is not None and (not path.startswith("/") or "?" in path):
        raise Misuse(f"--path {path!r}: must begin with '/', and have no query")


def _spellings(path: str) -> tuple[str, ...]:
    """What a middleware compares with the rules, of a path as it is sent."""
    sent = quote(path, safe="%/", errors="surrogateescape")
    return all_spellings(of_scope({"path": unquote(sent), "raw_path": sent.encode()}))


def _matches(rule: Rule, method: str | None, spelled: tuple[str, ...] | None) -> bool:
    if method is not None and rule.methods is not None and method not in rule.methods:
        return False
    return spelled is None or any(map(rule.fits, spelled))


def _as_json(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "methods": None if rule.methods is None else sorted(rule.methods),
        "paths": [pattern.text for pattern in rule.patterns],
        "limits": _limits(rule),
        "messages": None if rule.messages is None else [str(limit) for limit in rule.messages],
        "in_flight": None if rule.in_flight is None else rule.in_flight.slots,
        "by": _identity(rule.by),
        "enforce": rule.enforce,
    }


def _cells(rule: Rule) -> tuple[str, ...]:
    limits = _limits(rule)
    parts = [] if limits is None else [limits] if isinstance(limits, str) else limits
    if rule.messages is not None:
        parts = [*parts, f"messages {', '.join(map(str, rule.messages))}"]
    if rule.in_flight is not None:
        parts = [*parts, f"{rule.in_flight.slots} in flight"]
    if not rule.enforce:
        parts = [*parts, "not enforced"]
    cells = (
        rule.name,
        "all" if rule.methods is None else ", ".join(sorted(rule.methods)),
        ", ".join(pattern.text for pattern in rule.patterns),
        "; ".join(parts),
        _identity(rule.by),
    )
    return tuple(map(printable, cells))


def _limits(rule: Rule) -> list[str] | str | None:
    """Each in the notation; in words if they are stored or a function's; None without limits."""
    limits = rule.limits
    if isinstance(limits, Stored):
        by = "named by a function" if callable(limits.name) else f"named {limits.name!r}"
        return f"stored, {by}"
    if limits is None or callable(limits):
        return None if limits is None else _FUNCTION
    return [str(limit) for limit in limits]


def _identity(by: object) -> str:
    """What an identity reads, and what it reads otherwise."""
    if whole_address_of(by) is not None:
        return "the client's address"
    source = source_of(by)
    if source is None:
        return _FUNCTION
    if source.what is None:
        return "everyone"
    otherwise = "" if source.otherwise is None else f", or {_identity(source.otherwise)}"
    return source.what + otherwise
