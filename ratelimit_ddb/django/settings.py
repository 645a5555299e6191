"""The setting ``RATELIMIT_DDB``: a dict with STORE, RULES and the options."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from ratelimit_ddb.arguments import require_store
from ratelimit_ddb.django.request import match_of, template_of
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.options import GateOptions
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rules.rule import Rule
from ratelimit_ddb.web.rules.rule_set import EndpointOf, rules_of

_MAY_BE_DOTTED = ("STORE", "RULES", "ENDPOINT_OF", "ON_DENIED", "ON_DECISION")


def read_settings() -> tuple[Store, Any, GateOptions]:
    """The store, the rules and the options in the settings."""
    given = getattr(settings, "RATELIMIT_DDB", None)
    if not isinstance(given, Mapping):
        raise TypeError(f"{given!r}: must be a dict with STORE and RULES")
    known = sorted(["STORE", "RULES", *(name.upper() for name in GateOptions.__annotations__)])
    for name in given:
        if name not in known:
            raise ValueError(f"unknown option {name!r}; expected one of {', '.join(known)}")
    for name in ("STORE", "RULES"):
        if name not in given:
            raise ValueError(f"{name!r} is required")
    options = {name.lower(): _imported(name, value) for name, value in given.items()}
    store, rules = options.pop("store"), options.pop("rules")
    require_store(store, "STORE")
    rules = rules_of(rules) if isinstance(rules, Rule | Iterable) else rules
    return store, rules, cast("GateOptions", {"endpoint_of": _endpoint_of(rules), **options})


def _imported(name: str, value: Any) -> Any:
    """A setting, or the object that it is a dotted path to."""
    if name == "ON_DECISION" and isinstance(value, list | tuple):
        return [_imported(name, one) for one in value]
    if name not in _MAY_BE_DOTTED or not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as error:
        of_a_file = "; for a rules file, pass RulesFile(path)" if name == "RULES" else ""
        raise ValueError(f"{name} {value!r}: {error}{of_a_file}") from error


def _endpoint_of(rules: Any) -> EndpointOf:
    """An ``endpoint_of`` that resolves the path, if a rule has ``scope="endpoint"``."""
    current = getattr(rules, "current", lambda: rules)

    def endpoint_of(request: Request) -> str | None:
        by_route = any(rule.scope == "endpoint" for rule in current())
        return template_of(match_of(request.native)) if by_route else None

    return endpoint_of
