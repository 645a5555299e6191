"""The keys of a ``[[rule]]`` in a rules file.

They are the arguments of Rule. A function is written ``{ function = "its name" }``, an identity as
a string (``"address"``) or a table (``{ header = "x-api-key", otherwise = "everyone" }``), stored
limits ``{ stored = "a name", default = "100/minute" }``.

Error messages use the keys and the syntax of the file, not the arguments of Rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ratelimit_ddb.arguments import require_int
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.stored_limits.stored import stored
from ratelimit_ddb.web.identity.client_address import client_address
from ratelimit_ddb.web.identity.identity import Identity, cookie, everyone, header, session_user
from ratelimit_ddb.web.rules.access_list import AccessList
from ratelimit_ddb.web.rules.rule import Rule

Functions = Mapping[str, Callable[..., Any]]
"""The functions for ``{ function = "..." }``, by name."""

Reader = Callable[[Any, Functions], Any]
"""Makes an argument of a TOML value, or raises TypeError or ValueError."""


class InvalidRule(Exception):
    """A rule that is invalid.

    Attributes:
        key: the key that is wrong; None if it is the rule as a whole.
    """

    def __init__(self, why: str, key: str | None = None) -> None:
        super().__init__(why)
        self.key = key


def rule_of(table: object, functions: Functions) -> Rule:
    """The rule of a table.

    Raises:
        InvalidRule: the rule is invalid; with the message of Rule.
    """
    if not isinstance(table, dict):
        raise InvalidRule(f"{table!r}: must be a table")
    for key in table:
        if key not in _READERS:
            raise InvalidRule(f"unknown key {key!r}; expected one of {', '.join(_READERS)}", key)
    if "path" not in table:
        raise InvalidRule("path is required")
    if not table.keys() & {"limits", "messages", "in-flight"}:
        raise InvalidRule("limits, messages or in-flight is required")
    given = {
        key.replace("-", "_"): _argument(key, value, functions) for key, value in table.items()
    }
    try:
        return Rule(**given)
    except (TypeError, ValueError) as error:
        raise InvalidRule(_in_toml(error), _offending_key(given)) from None


def _argument(key: str, value: Any, functions: Functions) -> Any:
    try:
        return _READERS[key](value, functions)
    except (TypeError, ValueError) as error:
        raise InvalidRule(_in_toml(error), key) from None


def _in_toml(error: Exception) -> str:
    """An error's message with the file's keys for Rule's arguments, except within quotes.

    The rule's name is removed: the caller adds the line and the name.
    """
    message = _OF_THE_RULE.sub("", str(error))
    return _OTHERWISE_IN_PYTHON.sub(lambda found: _TOML_NAMES.get(found[0], found[0]), message)


def _offending_key(given: Mapping[str, Any]) -> str | None:
    """The first argument that Rule refuses together with those before it.

    The name is tried first, since several paths need it, and the cost last, since the limits bound
    it.
    """
    tried: dict[str, Any] = {"path": "/", "limits": lambda _request: None}
    for key in sorted(given, key=lambda key: (key == "cost") - (key == "name")):
        tried[key] = given[key]
        try:
            Rule(**tried)
        except (TypeError, ValueError):
            return key.replace("_", "-")
    return None


def _as_it_is(value: Any, _functions: Functions) -> Any:
    return value


def _texts(what: str) -> Reader:
    def read(value: Any, _functions: Functions) -> Any:
        if not isinstance(value, str | list):
            raise TypeError(f"{what} {value!r}: must be a string or an array of strings")
        return value

    return read


def _function(what: str, others: str = "") -> Reader:
    def read(value: Any, functions: Functions) -> Any:
        if not isinstance(value, dict) or value.keys() != {"function"}:
            raise TypeError(f'{what} {value!r}: must be {{ function = "its name" }}{others}')
        return _named(value["function"], functions)

    return read


def _or_function(what: str, plain: Reader, others: str) -> Reader:
    of_function = _function(what, others)
    return lambda value, functions: (of_function if isinstance(value, dict) else plain)(
        value, functions
    )


def _limits(value: Any, functions: Functions) -> Any:
    if not isinstance(value, dict) or "stored" not in value:
        return _LIMITS_NOT_STORED(value, functions)
    for key in value:
        if key not in _OF_STORED:
            raise ValueError(
                f"limits: unknown key {key!r}; expected one of {', '.join(_OF_STORED)}"
            )
    if "default" not in value:
        raise ValueError(f'limits {value!r}: default is required, such as default = "100/minute"')
    name = value["stored"]
    options = {key.replace("-", "_"): one for key, one in value.items() if key != "stored"}
    options["default"] = _texts("default")(value["default"], functions)
    named = _function("stored")(name, functions) if isinstance(name, dict) else name
    return stored(named, **options)


def _named(name: Any, functions: Functions) -> Callable[..., Any]:
    if not isinstance(name, str):
        raise TypeError(f"function {name!r}: must be a name")
    if name not in functions:
        known = f"expected one of {', '.join(sorted(functions))}" if functions else "there are none"
        raise ValueError(f"unknown function {name!r}; {known} in functions= of the RulesFile")
    return functions[name]


def _integer(value: Any, _functions: Functions) -> Any:
    return require_int("cost", value)


def _boolean(value: Any, _functions: Functions) -> Any:
    if not isinstance(value, bool):
        raise TypeError(f"digest {value!r}: must be true or false")
    return value


def _slots(value: Any, _functions: Functions) -> Any:
    if not isinstance(value, dict):
        return value
    if "slots" not in value or not value.keys() <= {"slots", "lifetime"}:
        raise ValueError(
            f"in-flight {value!r}: must be a number or {{ slots = 20, lifetime = 60 }}"
        )
    return SlotLimit(**value)


def _identity(value: Any, functions: Functions) -> Identity:
    if isinstance(value, dict):
        return _identity_of_table(value, functions)
    if not isinstance(value, str) or value not in _WORDS:
        words = ", ".join(map(repr, _WORDS))
        raise ValueError(f'by {value!r}: must be {words} or a table such as {{ header = "x" }}')
    return _WORDS[value]()


def _identity_of_table(table: dict[str, Any], functions: Functions) -> Identity:
    kinds = [key for key in table if key in _OPTIONS]
    if len(kinds) != 1:
        raise ValueError(f"by {table!r}: must have one of {', '.join(_OPTIONS)}")
    (kind,) = kinds
    readers = _OPTIONS[kind]
    options = {}
    for key, value in table.items():
        if key in readers:
            options[key] = readers[key](value, functions)
        elif key != kind:
            expected = " or ".join(readers) or "no other key"
            raise ValueError(f"by: unknown key {key!r}; expected {expected} with {kind}")
    if kind == "function":
        return _named(table[kind], functions)
    return _MAKERS[kind](table[kind], **options)


def _address(table: Any) -> Identity:
    if not isinstance(table, dict):
        raise TypeError(f"address {table!r}: must be a table such as {{ trusted-hops = 1 }}")
    for key in table:
        if key not in _OF_ADDRESS:
            raise ValueError(
                f"address: unknown key {key!r}; expected one of {', '.join(_OF_ADDRESS)}"
            )
    if isinstance(table.get("trusted"), dict):
        raise TypeError(f"trusted {table['trusted']!r}: must be an array of strings")
    return client_address(**{key.replace("-", "_"): value for key, value in table.items()})


def _access_list(what: str) -> Reader:
    def read(value: Any, _functions: Functions) -> Any:
        if not isinstance(value, dict):
            raise TypeError(
                f'{what} {value!r}: must be a table such as {{ networks = ["10.0.0.0/8"] }}'
            )
        for key in value:
            if key not in _OF_LIST:
                raise ValueError(
                    f"{what}: unknown key {key!r}; expected one of {', '.join(_OF_LIST)}"
                )
        given = dict(value)
        if "address" in given:
            given["address"] = _address(given["address"])
        return AccessList(**given)

    return read


_LIMITS_NOT_STORED = _or_function(
    "limits",
    _texts("limits"),
    ', a string such as "100/minute", an array of these, or { stored = "its name", default = ... }',
)
_OF_LIST = ("networks", "keys", "address")
_OF_STORED = ("stored", "default", "cache-seconds")
_OF_ADDRESS = (
    "trusted-hops",
    "trusted",
    "field",
    "overwritten-field",
    "ipv6-prefix",
    "ipv4-prefix",
)
_WORDS: dict[str, Callable[[], Identity]] = {
    "address": client_address,
    "everyone": everyone,
    "session-user": session_user,
}
_MAKERS: dict[str, Callable[..., Identity]] = {
    "header": header,
    "cookie": cookie,
    "session-user": session_user,
    "address": _address,
}
_OPTIONS: dict[str, dict[str, Reader]] = {
    "header": {"digest": _boolean, "otherwise": _identity},
    "cookie": {"digest": _boolean, "otherwise": _identity},
    "session-user": {"otherwise": _identity},
    "address": {},
    "function": {},
}
_READERS: dict[str, Reader] = {
    "path": _as_it_is,
    "methods": _texts("methods"),
    "limits": _limits,
    "by": _identity,
    "name": _as_it_is,
    "scope": _as_it_is,
    "cost": _or_function("cost", _integer, " or a number"),
    "exempt": _function("exempt"),
    "enforce": _as_it_is,
    "reserves": _as_it_is,
    "default": _as_it_is,
    "lease": _as_it_is,
    "messages": _texts("messages"),
    "in-flight": _slots,
    "allow": _access_list("allow"),
    "deny": _access_list("deny"),
    "block-after": _as_it_is,
    "block-for": _as_it_is,
    "up-to": _as_it_is,
    "give-back": _or_function("give-back", _texts("give-back"), ' or codes such as "2xx"'),
}
_TOML_NAMES = {
    "True or False": "true or false",
    "is no client_address(...)": "is no address",
    "the AccessList its address=client_address(...)": "the list its address = { trusted-hops = 1 }",
    "by=": "by",
    **{key.replace("-", "_"): key for key in (*_READERS, *_OF_ADDRESS, *_OF_STORED) if "-" in key},
}
_OF_THE_RULE = re.compile(r"\Arule (?:'[^']*'|\"[^\"]*\"): ")
_OTHERWISE_IN_PYTHON = re.compile(
    rf"'[^']*'|\"[^\"]*\"|\b(?:{'|'.join(map(re.escape, _TOML_NAMES))})(?!\w)"
)
